"""What somebody who writes a regime's file is told: file, rule, key, what is wrong and what to do, word for word."""

from datetime import date

import pytest

from pledgebook.deadlines import check_marketing_regime, read_regimes
from pledgebook.errors import InputError

LAND = """
[regime]
id = "LAND"
title = "A land"
[defaults]
checked_on = 2026-11-22
valid_from = 2020-01-01
hardness = "statute"
citation = "Land Act s.1"
confidence = "P"
[[rule]]
id = "land_access"
kinds = ["disclosure"]
words = ["access"]
counting = "day"
length = 30
unit = "day"
"""
EXTENSION = 'extension = { length = 0, condition = "many requests" }'


def fault_of(folder, text):
    (folder / "land.toml").write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        read_regimes(folder)
    return str(caught.value).replace(f"{folder}/", "")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("length = 30", "lenght = 30\nlength = 30",
         "land.toml: rule 'land_access', key 'lenght': Extra inputs are not permitted. Remove it or correct its name."),
        ("length = 30", "length = 0",
         "land.toml: rule 'land_access', key 'length': Input should be greater than 0. Correct it."),
        ("length = 30", f"length = 30\n{EXTENSION}",
         "land.toml: rule 'land_access', key 'extension.length': Input should be greater than 0. Correct it."),
        ('unit = "day"', 'unit = "month"',
         "land.toml: rule 'land_access': unit 'month' does not go with counting 'day'. Correct it."),
        ('id = "land_access"\n', "words_ = []\n",
         "land.toml: rule '1', key 'id': Field required. Correct it.\n"
         "land.toml: rule '1', key 'words_': Extra inputs are not permitted. Remove it or correct its name."),
        ('title = "A land"\n', "",
         "land.toml: [regime], key 'title': Field required. Correct it."),
        ('unit = "day"', 'unit = "day"\nacknowledged_by = "land_ack"',
         "land.toml: [regime]: rule 'land_access': acknowledged_by 'land_ack' is no rule of the file. Correct it."),
        ('unit = "day"', 'unit = "day"\nroll = "next"\ncalendar = "region"',
         "land.toml: [regime]: rule 'land_access': calendar 'region' needs the regime's default_calendar. Correct it."),
    ],
)  # fmt: skip
def test_a_fault_names_file_rule_key_and_remedy(tmp_path, old, new, says):
    assert fault_of(tmp_path, LAND.replace(old, new)) == says


def test_the_first_five_faults_of_a_file_are_told(tmp_path):
    wrong = "".join(f"key_{number} = 1\n" for number in range(6))
    told = fault_of(tmp_path, LAND + wrong).splitlines()
    assert [line.partition(", ")[2].partition(":")[0] for line in told] == [f"key 'key_{n}'" for n in range(5)]


def test_a_file_without_the_law_itself_is_told_its_keys(tmp_path):
    assert fault_of(tmp_path, LAND.partition("[defaults]")[2].join(["[defaults]", ""])).splitlines() == [
        "land.toml: [regime], key 'id': Field required. Correct it.",
        "land.toml: [regime], key 'title': Field required. Correct it.",
    ]


@pytest.mark.parametrize("text", ["regime = 1", "rule = 1", "rule = [1]"])
def test_a_file_of_another_make_is_told_what_it_lacks(tmp_path, text):
    assert fault_of(tmp_path, text) == "land.toml: has no [regime], [defaults] and [[rule]] tables. Add them."


def test_a_file_that_is_no_text_is_told(tmp_path):
    (tmp_path / "land.toml").write_bytes(b'[regime]\nid = "\xff"')
    with pytest.raises(InputError, match=r"land\.toml: cannot be read \(.*\)\. Give a TOML file in UTF-8\.$"):
        read_regimes(tmp_path)


def test_a_file_with_letters_of_any_script_is_read(tmp_path):
    (tmp_path / "land.toml").write_text(LAND.replace("A land", "個人情報の国"), encoding="utf-8")
    assert read_regimes(tmp_path).regime("LAND").title == "個人情報の国"


def test_a_folder_without_regimes_is_told_what_to_give(tmp_path):
    with pytest.raises(InputError) as caught:
        read_regimes(tmp_path)
    remedy = "no regimes are there. Give the folder that holds gdpr.toml, ccpa.toml and so on."
    assert str(caught.value) == f"{tmp_path}: {remedy}"


def test_an_id_given_twice_names_both_files(tmp_path):
    (tmp_path / "again.toml").write_text(LAND.replace("LAND", "AGAIN"), encoding="utf-8")
    assert fault_of(tmp_path, LAND) == ("land.toml: id 'land_access' stands in again.toml too. Rename one of them.")


def test_a_regime_that_is_not_known_is_told_with_those_that_are(law):
    with pytest.raises(InputError) as caught:
        law().regime("X" * 41)
    assert str(caught.value) == f"regime '{'X' * 40}': not known. Give one of: LAND."


def test_a_word_that_is_not_known_is_told_with_those_in_force(law):
    old = {"id": "land_old", "kinds": [], "words": ["inspection"], "valid_to": "2021-01-01"}
    with pytest.raises(InputError) as caught:
        law({"words": ["look", "access"]}, old).rule_for("LAND", "wish" * 11, date(2026, 1, 1))
    assert str(caught.value) == (
        f"regime LAND, kind '{'wish' * 10}': no rule of 2026-01-01 is called so. Give one of our kinds (disclosure, "
        "provision_records, correction, deletion, portability, cease_use, cease_provision, opt_out_sale, limit_use, "
        "marketing_opt_out, complaint, inquiry) or one of the regime's words (access, look)."
    )


def test_marketing_under_a_law_that_does_not_speak_of_it_is_told(law):
    refusal = {"role": "marketing", "channels": ["sms", "email"], "counting": "zero", "length": None, "unit": "none"}
    regimes = law(refusal)
    assert check_marketing_regime(regimes, "LAND", "sms") == "LAND"
    with pytest.raises(InputError) as caught:
        check_marketing_regime(regimes, "LAND", "p" * 41)
    assert str(caught.value) == f"marketing regime 'LAND': says nothing of {'p' * 40}, only of email, sms."


def test_a_marketing_regime_that_is_not_known_is_told_with_those_that_are(regimes):
    with pytest.raises(InputError) as caught:
        check_marketing_regime(regimes, "X" * 41)
    known = (
        "CAN_SPAM, CASL, EPRIVACY, GDPR, JP_ASCT, JP_SPECIFIED_EMAIL, KR_MARKETING, LGPD, PDPA_SG, QUEBEC_25, "
        "SPAM_AU, SPAM_SG, TCPA, UK_PECR"
    )
    assert str(caught.value).startswith(f"marketing regime '{'X' * 40}': not known. Give one of: ")
    assert set(known.split(", ")) <= set(str(caught.value).partition("one of: ")[2].removesuffix(".").split(", "))
