"""Which rule speaks, from which day to which, and how sure its source is."""

from datetime import date

import polars as pl
import pytest

from pledgebook.deadlines import Regimes, describe_clocks
from pledgebook.errors import InputError


@pytest.mark.parametrize(
    ("day", "hardness"),
    [(date(2025, 4, 10), "guidance"), (date(2025, 4, 11), "statute"), (date(1994, 12, 31), None)],
)
def test_the_rule_about_refused_calls_changed_in_april_2025(regimes, day, hardness):
    # 47 CFR 64.1200(a)(10) came into force on 11 April 2025; before, only the caller's own list was ruled on.
    rule = regimes.rule_of_role("TCPA", "marketing", day)
    assert (rule.hardness if rule else None) == hardness


def test_a_law_without_a_rule_of_the_role_has_none(regimes):
    assert regimes.rule_of_role("CCPA", "marketing", date(2026, 1, 1)) is None
    with pytest.raises(InputError, match="regime 'ELSEWHERE'"):
        regimes.rule_of_role("ELSEWHERE", "marketing", date(2026, 1, 1))


def test_only_a_rule_read_in_the_law_itself_is_verified(law):
    # P primary text, Q quoted by an authority, S secondary, G not read.
    written = {"P": "read", "Q": "quoted", "S": "secondary", "G": "recalled", "P/G": "half", "S, Q": "mixed"}
    rules = [{"id": name, "kinds": [], "words": [name], "confidence": mark} for mark, name in written.items()]
    assert law(*rules).unverified() == {"secondary", "recalled", "half", "mixed"}


def test_a_law_shows_its_regimes(law):
    (land,), (other,) = law().laws, law({"id": "other"}, id="BIGGER").laws
    regimes = Regimes((land, other))
    assert repr(regimes) == "Regimes(BIGGER, LAND)"
    assert regimes.names == ("BIGGER", "LAND")
    assert describe_clocks(regimes, date(2026, 11, 1))["regime"].unique(maintain_order=True).to_list() == [
        "BIGGER",
        "LAND",
    ]


@pytest.mark.parametrize("word", ["access", "Access", " ACCESS ", "DisClosure", "land-access", "land access"])
def test_a_word_is_known_however_it_is_written(law, word):
    rule = law().rule_for("LAND", word, date(2026, 1, 1))
    assert rule is not None
    assert rule.id == "land_access"


@pytest.mark.parametrize(
    ("day", "known"),
    [(date(2019, 12, 31), False), (date(2020, 1, 1), True), (date(2020, 12, 31), True), (date(2021, 1, 1), False)],
)
def test_a_rule_speaks_from_its_first_day_until_before_its_end(law, day, known):
    regimes = law({"valid_to": "2021-01-01"})
    assert (regimes.rule_for("LAND", "disclosure", day) is not None) == known


@pytest.mark.parametrize(
    ("places", "region", "is_about"),
    [
        (["US-CA"], "US-CA", True), (["US-CA"], "US", True), (["US-CA"], "US-NY", False), (["US-CA"], "CA", False),
        (["DE", "FR"], "FR", True), (["DE"], "DE-BY", True), (["DE"], "DEX", False), ([], "BR", True),
    ],
)  # fmt: skip
def test_whose_people_a_law_is_about(law, places, region, is_about):
    assert law(places=places).regime("LAND").covers(region) == is_about


EXTENDED = {"extension": {"length": 15, "condition": "many requests"}}


def row_of(regimes, kind, day=date(2026, 11, 1)):
    return next(row for row in describe_clocks(regimes, day).to_dicts() if row["kind"] == kind)


def test_the_register_says_all_about_a_clock(law):
    assert row_of(law(EXTENDED | {"valid_to": "2027-01-01"}), "disclosure") == {
        "regime": "LAND", "kind": "disclosure", "words": "access", "rule_id": "land_access", "clock": "statutory",
        "period": "30 days", "extension": "many requests", "citation": "Land Act s.1", "confidence": "P",
        "valid_from": date(2020, 1, 1), "valid_to": date(2027, 1, 1), "checked_on": date(2026, 11, 22),
    }  # fmt: skip


def test_the_register_is_null_where_there_is_nothing(law):
    row = row_of(law(), "deletion")
    assert (row["regime"], row["clock"]) == ("LAND", "none")
    assert {row[name] for name in row.keys() - {"regime", "kind", "clock"}} == {None}
    assert (row_of(law(), "disclosure")["extension"], row_of(law(), "disclosure")["valid_to"]) == (None, None)


@pytest.mark.parametrize(
    ("rule", "period", "clock"),
    [
        ({"length": 1}, "one day", "statutory"),
        ({"counting": "month", "unit": "month", "length": 3, "hardness": "guidance"}, "three months", "guidance"),
        ({"counting": "zero", "unit": "none", "length": None}, "no grace", "statutory"),
        ({"counting": "none", "unit": "none", "length": None, "hardness": "none"}, None, "none"),
        ({"hardness": "none"}, "30 days", "none"),
    ],
)
def test_the_register_names_the_period_and_whose_clock_it_is(law, rule, period, clock):
    row = row_of(law(rule), "disclosure")
    assert (row["period"], row["clock"]) == (period, clock)


def test_the_register_keeps_its_columns_where_no_rule_is_in_force_yet(law):
    table = describe_clocks(law({"valid_from": "2030-01-01"}), date(2026, 11, 1))
    dates = {name for name, kind in table.schema.items() if kind == pl.Date}
    assert dates == {"valid_from", "valid_to", "checked_on"}
    assert {table.schema[name] for name in set(table.columns) - dates} == {pl.String}
    assert table["kind"].to_list()[:3] == ["disclosure", "provision_records", "correction"]
