"""Third-party disclosures: a small table in, plain arithmetic out."""

import pytest

from asking import ask, policy, row, table
from pledgebook.metrics.third_party_disclosures import METRIC

RECIPIENTS = """
recipient | name     | kind      | country
print     | Print-Co | processor | JP
court     | Court    | authority | JP
partner   | Partner  | third_party | US
"""
CONTRACTS = """
contract_id | recipient | starts_on  | ends_on    | is_confidential | is_equal_standard
k1          | print     | 2026-01-01 | 2026-09-10 | true            | true
k2          | print     | 2026-09-12 | -          | true            | false
"""
EVENTS = """
person | purpose  | channel | recipient | action   | at
1      | research | any     | -         | grant    | 2026-01-01T00:00:00
1      | research | any     | partner   | withdraw | 2026-09-05T00:00:00
"""
HEAD = "disclosure_id|person|recipient|basis|purpose|items|disclosed_at|legal_reference|is_recorded\n"


def tables(rows):
    frames = {
        "recipients": table("recipients", RECIPIENTS),
        "contracts": table("contracts", CONTRACTS),
        "consent_events": table("consent_events", EVENTS),
        "disclosures": table("disclosures", HEAD + rows),
    }
    return METRIC.compute(frames, ask(rules=policy(disclosures={"needs_record": ["consent"]})))


@pytest.mark.parametrize(
    ("line", "finding"),
    [
        ("1|nobody|other|research|email|2026-09-01T00:00:00|false|false", "unknown_recipient"),
        ("1|print|other|research|email|2026-09-01T00:00:00|false|false", "unknown_basis"),
        ("1|partner|consent|research|email|2026-09-04T23:59:59.999999|false|true", "in_order"),
        ("1|partner|consent|research|email|2026-09-05T00:00:00|false|true", "no_consent"),
        ("2|partner|consent|research|email|2026-09-01T00:00:00|false|true", "no_consent"),
        ("1|print|entrustment|research|email|2026-09-10T23:59:59|false|false", "in_order"),
        ("1|print|entrustment|research|email|2026-09-11T00:00:00|false|false", "no_contract"),
        ("1|print|joint_use|research|email|2026-09-12T00:00:00|false|false", "no_contract"),
        ("1|court|law|research|email|2026-09-01T00:00:00|false|false", "no_legal_reference"),
        ("1|court|law|research|email|2026-09-01T00:00:00|true|false", "in_order"),
        ("1|partner|consent|research|email|2026-09-01T00:00:00|false|false", "not_recorded"),
        ("1|court|law|resale|email|2026-09-01T00:00:00|true|false", "undeclared_purpose"),
    ],
)
def test_a_disclosure_has_the_first_finding_that_holds(line, finding):
    total = row(tables("d|" + line)["disclosures_by_recipient"], recipient="all")
    assert (total["disclosures"], total[finding]) == (1, 1)


THREE = (
    "a|1|court|law|research|email;name|2026-09-01T00:00:00|true|false\n"
    "b|1|court|law|research|email|2026-09-02T00:00:00|true|false\n"
    "c|2|print|entrustment|research|email|2026-09-02T00:00:00|false|false\n"
)


def test_people_are_counted_afresh_for_every_group():
    found = tables(THREE)
    assert row(found["disclosures_by_recipient"], recipient="court")["people"] == 1
    assert row(found["disclosures_by_recipient"], recipient="all")["people"] == 2
    assert row(found["disclosures_by_recipient"], recipient="all")["in_order_ratio"] == 3 / 3


def test_a_disclosure_of_two_items_stands_under_both():
    items = tables(THREE)["disclosures_by_item"]
    assert row(items, item="email", recipient_kind="authority")["disclosures"] == 2
    assert row(items, item="name", recipient_kind="authority")["disclosures"] == 1


def test_findings_are_sorted_by_instant_and_id():
    line = "|1|nobody|law|research|email|2026-09-02T00:00:00|true|false"
    rows = f"b{line}\na{line}"
    assert tables(rows)["disclosure_findings"]["disclosure_id"].to_list() == ["a", "b"]
