"""The files of the regimes: complete, dated, refused with file, key and remedy."""

from datetime import date

import pytest

from pledgebook.deadlines import REQUEST_KINDS, describe_clocks, read_regimes
from pledgebook.errors import InputError
from pledgebook.tables import REQUEST_KINDS as KINDS_OF_TABLES

GOOD = """
[regime]
id = "LAND"
title = "A land"
[defaults]
checked_on = 2026-11-22
valid_from = 2020-01-01
[[rule]]
id = "land_access"
kinds = ["disclosure"]
words = ["access"]
counting = "day"
length = 30
unit = "day"
hardness = "statute"
citation = "Land Act s.1"
confidence = "G"
"""


def read(folder, text=GOOD):
    (folder / "land.toml").write_text(text, encoding="utf-8")
    return read_regimes(folder)


def test_a_good_file_is_read(tmp_path):
    rule = read(tmp_path).rule_for("LAND", "access", date(2026, 1, 1))
    assert (rule.id, rule.length, rule.valid_to, rule.clock) == ("land_access", 30, None, "statutory")


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        (
            "length = 30",
            "lenght = 30",
            "land.toml: rule 'land_access', key 'lenght'.*Remove it or correct its name",
        ),
        ("length = 30", "length = -1", "land.toml: rule 'land_access', key 'length': .*greater than 0"),
        ('unit = "day"', 'unit = "month"', "unit 'month' does not go with counting 'day'"),
        ("length = 30\n", "", "a length is needed"),
        ('counting = "day"', 'counting = "days"', "key 'counting'"),
        ('unit = "day"', 'unit = "day"\nroll = "next"', "needs a calendar"),
        ('unit = "day"', 'unit = "day"\nroll = "next"\ncalendar = "XX"', "calendar 'XX' is not known"),
        ('unit = "day"', 'unit = "day"\nroll = "next"\ncalendar = "region"', "default_calendar"),
        ('unit = "day"', 'unit = "day"\nacknowledged_by = "land_ack"', "'land_ack' is no rule"),
        ('unit = "day"', 'unit = "day"\nvalid_to = 2019-01-01', "valid_to must lie after"),
        ('confidence = "G"', 'confidence = "sure"', "key 'confidence'"),
        ("[regime]", "[regime", "not valid TOML"),
        ('title = "A land"', 'name = "A land"', "\\[regime\\], key 'title'"),
        ("[[rule]]", "[[rule]]\n[[rule]]", "rule '1'|rule 'land_access'"),
    ],
)
def test_a_bad_file_is_named_with_its_key(tmp_path, old, new, says):
    with pytest.raises(InputError, match=f"(?s)land.toml.*({says})|{says}"):
        read(tmp_path, GOOD.replace(old, new, 1))


def test_a_word_that_means_two_rules_on_one_day_is_refused(tmp_path):
    twice = GOOD + GOOD[GOOD.index("[[rule]]") :].replace("land_access", "land_other")
    with pytest.raises(InputError, match="means both 'land_access' and 'land_other' on 2020-01-01"):
        read(tmp_path, twice)


def test_a_folder_without_files_and_an_id_given_twice_are_refused(tmp_path):
    with pytest.raises(InputError, match="no regimes are there"):
        read_regimes(tmp_path)
    (tmp_path / "again.toml").write_text(GOOD, encoding="utf-8")
    with pytest.raises(InputError, match=r"id '(LAND|land_access)' stands in again\.toml too"):
        read(tmp_path)


def test_every_regime_of_the_reference_is_there(regimes):
    assert set(regimes.names) == {
        *("APPI", "APPI_PUBLIC", "GDPR", "UK_GDPR", "CCPA", "LGPD", "PIPEDA", "QUEBEC_25", "PDPA_SG"),
        *("APP_AU", "PIPA_KR", "HIPAA", "JP_SPECIFIED_EMAIL", "JP_ASCT", "EPRIVACY", "UK_PECR", "CAN_SPAM"),
        *("CASL", "TCPA", "SPAM_SG", "SPAM_AU", "KR_MARKETING"),
    }


def test_every_rule_was_checked_and_cites_its_source(regimes):
    for regime in regimes.by_id.values():
        for rule in regime.rules:
            assert rule.checked_on == date(2026, 11, 22)
            assert rule.citation
            assert rule.hardness == "none" or rule.counting != "none", rule.id


def test_request_kinds_are_those_of_the_tables():
    assert REQUEST_KINDS == KINDS_OF_TABLES


def test_one_right_has_many_words(regimes):
    day = date(2026, 11, 1)
    words = {
        ("GDPR", "access"),
        ("CCPA", "know"),
        ("HIPAA", "access"),
        ("APPI", "access"),
        ("LGPD", "access"),
    }
    for regime, word in words:
        assert regimes.rule_for(regime, word, day) == regimes.rule_for(regime, "disclosure", day)
    assert regimes.rule_for("GDPR", "inquiry", day) is None


def test_the_register_shows_every_pair_also_those_without_a_rule(regimes):
    table = describe_clocks(regimes, date(2026, 11, 1))
    assert table.height == len(regimes.request_regimes) * len(REQUEST_KINDS)
    rows = {(row["regime"], row["kind"]): row for row in table.to_dicts()}
    assert rows["GDPR", "deletion"]["words"] == "erasure; erase"
    assert rows["GDPR", "deletion"]["period"] == "one month"
    assert rows["CCPA", "opt_out_sale"]["period"] == "15 business days (holidays of US left out)"
    assert (rows["GDPR", "inquiry"]["rule_id"], rows["GDPR", "inquiry"]["clock"]) == (None, "none")
    assert rows["APPI", "disclosure"]["period"] is None
    assert rows["GDPR", "marketing_opt_out"]["period"] == "no grace"
