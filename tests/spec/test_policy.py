"""The policy file: what it may say, and how it is refused with line and remedy."""

from datetime import date

import pytest

from pledgebook.book import read_rules
from pledgebook.errors import InputError
from pledgebook.policy import read_policy

POLICY = """[company]
name = "Example"
timezone = "Asia/Tokyo"
regime = "APPI"
by_region = { DE = "GDPR", US-CA = "CCPA" }

[[purpose]]
id = "marketing"
clause = "(2)"
title = "Advertise"
needs_consent = true
valid_days = 730
notice_versions = [{ id = "2025-04", valid_until = 2026-07-01 }, { id = "2026-01" }]

[[purpose]]
id = "research"
clause = "(3)"
title = "Study"
needs_consent = false

[requests]
promised_days = { default = 14, complaint = 7 }

[marketing]
purpose = "marketing"
regime = "JP_SPECIFIED_EMAIL"
by_region = { US = "CAN_SPAM", CA = { email = "CASL", sms = "CASL" } }
opt_in = true

[[promise]]
id = "2.opt-out"
clause = "(2)"
title = "Nobody gets advertising after saying no"
figure = "marketing_messages[month=all, channel=all, campaign=all].after_opt_out"
at_most = 0

[[promise]]
id = "9.courts"
clause = "(9)"
title = "The courts of Tokyo"
reason = "no record can prove it"
"""


def written(tmp_path, text=POLICY):
    file = tmp_path / "policy.toml"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return file


def test_a_policy_that_holds(tmp_path):
    policy, _ = read_rules(written(tmp_path))
    assert policy.timezone == "Asia/Tokyo"
    assert policy.purposes["marketing"].notice_versions[0].valid_until == date(2026, 7, 1)
    assert policy.purposes["research"].valid_days is None
    assert policy.promise[0].cell.groups == {"month": "all", "channel": "all", "campaign": "all"}
    assert policy.promise[1].cell is None


def test_the_region_s_law_comes_before_the_company_s(tmp_path):
    policy = read_policy(written(tmp_path))
    laws = {
        region: policy.request_regime_for(region) for region in (None, "JP-13", "DE", "DE-BY", "US", "US-CA", "US-NY")
    }
    assert laws == {
        None: "APPI",
        "JP-13": "APPI",
        "DE": "GDPR",
        "DE-BY": "GDPR",
        "US": "APPI",
        "US-CA": "CCPA",
        "US-NY": "APPI",
    }
    messages = (("US-CA", "sms"), ("CA", "email"), ("CA", "push"), (None, "sms"))
    marketing = [policy.marketing.regime_for(*message) for message in messages]
    assert marketing == ["CAN_SPAM", "CASL", "JP_SPECIFIED_EMAIL", "JP_SPECIFIED_EMAIL"]


def test_a_byte_order_mark_does_no_harm(tmp_path):
    assert read_policy(written(tmp_path, "\ufeff" + POLICY)).company.name == "Example"


TYPOS = [
    ("needs_consent = true", "needs_consnet = true", 11, "needs_consnet: Extra inputs are not permitted; remove it"),
    ("valid_days = 730", 'valid_days = "two years"', 12, "purpose.0.valid_days"),
    ("valid_days = 730", "valid_days = -1", 12, "greater than or equal to 0"),
    ('timezone = "Asia/Tokyo"', 'timezone = "Asia/Tokio"', 3, "'Asia/Tokio' is no IANA timezone"),
    ("opt_in = true", "optin = true", 28, "marketing.optin"),
    ("complaint = 7", "complain = 7", 22, "promised_days"),
    ("at_most = 0", "at_mots = 0", 35, "at_mots"),
    ('id = "research"', 'id = "marketing"', 16, "purpose 'marketing' is declared twice"),
    ('purpose = "marketing"', 'purpose = "selling"', 25, "[marketing] purpose 'selling' is not declared"),
    (", campaign=all].after_opt_out", "].after_opt_out", 34, "table marketing_messages is grouped by month, channel, campaign"),
    (".after_opt_out", ".after_optout", 34, "table marketing_messages has no figure 'after_optout'"),
    ("marketing_messages[", "marketing_mails[", 34, "no figure comes from a table 'marketing_mails'"),
    ('figure = "marketing', 'figure = "month=all]marketing', 34, "is not of the form table[group=value].column"),
    ('regime = "APPI"', 'regime = "APPPI"', 4, "regime 'APPPI' is not known. Known: "),
    ('"CAN_SPAM"', '"CANSPAM"', 27, "marketing regime 'CANSPAM' is not known"),
]  # fmt: skip


@pytest.mark.parametrize(("right", "wrong", "line", "says"), TYPOS)
def test_a_typo_is_refused_with_its_line_and_a_remedy(tmp_path, right, wrong, line, says):
    assert right in POLICY
    with pytest.raises(InputError) as fault:
        read_rules(written(tmp_path, POLICY.replace(right, wrong, 1)))
    told = str(fault.value)
    assert says in told
    if line is not None:
        assert f"policy.toml, line {line}: " in told


def test_a_promise_needs_a_figure_with_one_target_or_a_reason(tmp_path):
    for right, wrong in (
        ("at_most = 0\n", ""),
        ("at_most = 0", "at_most = 0\nat_least = 1"),
        ("at_most = 0", 'reason = "x"'),
    ):
        with pytest.raises(InputError, match="promise"):
            read_policy(written(tmp_path, POLICY.replace(right, wrong, 1)))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[company\n", "not valid TOML: .*line 1"),
        (POLICY.replace("id = \"research\"", "id = research"), "not valid TOML: .*line 16"),
        (POLICY.replace("Advertise", "広告").encode("shift_jis"), "not UTF-8 text. Save the policy file as UTF-8"),
        ("", "line 1: company: Field required"),
    ],
)  # fmt: skip
def test_what_is_no_policy_is_refused(tmp_path, text, says):
    with pytest.raises(InputError, match=says):
        read_policy(written(tmp_path, text))


def test_a_missing_file_is_refused_with_the_option_that_names_it(tmp_path):
    with pytest.raises(InputError, match=r"there is no such policy file\. Give one with --policy"):
        read_policy(tmp_path / "policy.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_policy(tmp_path)


def test_all_faults_are_told_at_once(tmp_path):
    with pytest.raises(InputError) as fault:
        read_policy(written(tmp_path, POLICY.replace("valid_days = 730", "valid_days = -1").replace("opt_in", "optin")))
    assert [line.split(": ")[0].rsplit(" ")[-1] for line in str(fault.value).splitlines()] == ["12", "28"]


def test_only_what_shapes_consent_states_shapes_a_store(tmp_path):
    def shape(right="", wrong=""):
        return read_policy(written(tmp_path, POLICY.replace(right, wrong) if right else POLICY)).shapes_states()

    for right, wrong in (
        ("730", "365"),
        ("2026-07-01", "2026-08-01"),
        ("Asia/Tokyo", "UTC"),
        ('purpose = "marketing"', 'purpose = "research"'),
    ):
        assert shape(right, wrong) != shape()
    for right, wrong in (
        ("default = 14", "default = 7"),
        ("Advertise", "Sell"),
        ("at_most = 0", "at_most = 5"),
        ('"APPI"', '"GDPR"'),
    ):
        assert shape(right, wrong) == shape()
