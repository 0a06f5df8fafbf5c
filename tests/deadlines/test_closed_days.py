"""Closed days, named: the lists that the library lacks, whole, and what a calendar says of a day."""

from datetime import date

import polars as pl
import pytest

from pledgebook.deadlines.calendars import (
    calendar_table,
    check_calendar,
    closed_weekdays,
    holidays_of,
    is_open,
    next_open,
)
from pledgebook.errors import InputError

SATURDAY_AND_SUNDAY = {5, 6}


def named(calendar, year):
    return {f"{day:%m-%d}": name for day, name in sorted(holidays_of(calendar, year).items())}


def test_the_federal_days_of_canada_with_one_of_mourning():
    # Interpretation Act s.35(1): Victoria Day is the Monday before 25 May; the Queen was mourned on 19 September 2022.
    assert named("CA-IA", 2022) == {
        "01-01": "New Year's Day", "04-15": "Good Friday", "04-18": "Easter Monday", "05-23": "Victoria Day",
        "07-01": "Canada Day", "09-05": "Labour Day", "09-19": "National Day of Mourning",
        "09-30": "National Day for Truth and Reconciliation", "10-10": "Thanksgiving Day",
        "11-11": "Remembrance Day", "12-25": "Christmas Day",
    }  # fmt: skip


@pytest.mark.parametrize(("year", "is_held"), [(2020, False), (2021, True), (2023, True)])
def test_truth_and_reconciliation_is_remembered_since_2021(year, is_held):
    assert (date(year, 9, 30) in holidays_of("CA-IA", year)) == is_held
    assert len(holidays_of("CA-IA", year)) == 9 + is_held


def test_the_days_of_quebec_with_the_first_of_july_on_a_sunday():
    # Interpretation Act (Quebec) s.61(23); in 2029 the first of July is a Sunday, so that the second is closed.
    assert named("QC", 2029) == {
        "01-01": "New Year's Day", "03-30": "Good Friday", "04-02": "Easter Monday",
        "05-21": "birthday of the Sovereign", "06-24": "National Holiday", "07-02": "Canada Day",
        "09-03": "Labour Day", "10-08": "Thanksgiving Day", "12-25": "Christmas Day",
    }  # fmt: skip


def test_a_monday_that_falls_on_the_first_possible_day_is_that_day():
    # 18 May and 7 September 2026 are Mondays; so is 8 October 2029, and 1 September 2025.
    assert named("CA-IA", 2026)["05-18"] == "Victoria Day"
    assert named("CA-IA", 2025)["09-01"] == "Labour Day"
    assert named("CA-IA", 2029)["10-08"] == "Thanksgiving Day"


def test_the_administrative_closing_days_of_japan():
    # Act 91 of 1988 Art. 1(1)(iii): 29 December to 3 January; the first of January is a holiday of its own.
    closing = "administrative closing day"
    days = named("JP-ADMIN", 2026)
    assert {day for day, name in days.items() if name == closing} == {"01-02", "01-03", "12-29", "12-30", "12-31"}
    assert days["01-01"] == "New Year's Day"
    assert {day: name for day, name in days.items() if name != closing} == named("JP", 2026)


def test_a_calendar_of_weekends_has_no_holidays():
    assert named("WEEKENDS", 2026) == {}
    assert next_open(date(2026, 12, 25), "WEEKENDS") == date(2026, 12, 25)
    assert next_open(date(2026, 12, 26), "WEEKENDS") == date(2026, 12, 28)


def test_a_part_of_a_country_has_holidays_of_its_own():
    # Corpus Christi, in Bavaria, not everywhere in Germany.
    assert holidays_of("DE-BY", 2026)[date(2026, 6, 4)] == "Corpus Christi"
    assert date(2026, 6, 4) not in holidays_of("DE", 2026)


def test_names_are_the_country_s_own_where_the_library_has_no_english_ones():
    assert holidays_of("IE", 2026)[date(2026, 3, 17)] == "Saint Patrick's Day"
    assert holidays_of("JP", 2026)[date(2026, 1, 1)] == "New Year's Day"


@pytest.mark.parametrize(
    ("calendar", "weekend", "closed"),
    [
        ("DE", "default", SATURDAY_AND_SUNDAY), ("DE-BY", "default", SATURDAY_AND_SUNDAY), ("DE", "sun", {6}),
        ("EG", "default", {4, 5}), ("WEEKENDS", "default", SATURDAY_AND_SUNDAY), ("WEEKENDS", "sun", {6}),
        ("JP-ADMIN", "default", SATURDAY_AND_SUNDAY), ("CA-IA", "default", SATURDAY_AND_SUNDAY),
        ("QC", "default", SATURDAY_AND_SUNDAY),
    ],
)  # fmt: skip
def test_weekdays_that_are_closed(calendar, weekend, closed):
    assert closed_weekdays(calendar, weekend) == closed


def test_in_egypt_sunday_is_open_and_friday_is_not():
    assert is_open(date(2026, 3, 8), "EG")
    assert not is_open(date(2026, 3, 6), "EG")


@pytest.mark.parametrize(
    ("name", "remedy"),
    [
        ("DE-XX", "Give DE"),
        ("DE-", "Give DE"),
        ("XX-DE", "Give an ISO 3166 code such as DE, DE-BY or GB-SCT"),
        ("X" * 41, "Give an ISO 3166 code such as DE, DE-BY or GB-SCT"),
    ],
)
def test_a_calendar_that_is_not_known_is_told_with_what_to_give(name, remedy):
    with pytest.raises(InputError) as caught:
        check_calendar(name)
    told = f"calendar '{name[:40]}': no public holidays are known for it. {remedy}, or leave it out."
    assert str(caught.value) == told
    with pytest.raises(InputError):
        holidays_of(name, 2026)


def test_a_calendar_table_over_the_turn_of_a_year():
    # 2026-12-29 is a Tuesday: open in Germany, closed for the Japanese administration until Monday 4 January.
    german = calendar_table("DE", "default", date(2026, 12, 29), date(2027, 1, 4))
    assert german["is_open"].to_list() == [True, True, True, False, False, False, True]
    assert german["open_days"].to_list() == [1, 2, 3, 3, 3, 3, 4]
    japanese = calendar_table("JP-ADMIN", "default", date(2026, 12, 29), date(2027, 1, 4))
    assert japanese["is_open"].to_list() == [False] * 6 + [True]
    assert set(japanese["next_open"]) == {date(2027, 1, 4)}


def test_a_calendar_table_ends_without_a_guess_and_knows_its_weekend():
    table = calendar_table("WEEKENDS", "default", date(2026, 3, 6), date(2026, 3, 8))
    assert table["next_open"].to_list() == [date(2026, 3, 6), None, None]
    assert calendar_table("WEEKENDS", "sun", date(2026, 3, 6), date(2026, 3, 8))["is_open"].to_list() == [
        True,
        True,
        False,
    ]
    assert table.schema == {"day": pl.Date, "is_open": pl.Boolean, "next_open": pl.Date, "open_days": pl.Int64}


def test_names_are_english_also_where_the_machine_speaks_another_language(monkeypatch):
    monkeypatch.setenv("LANGUAGE", "de")
    assert holidays_of("DE", 1997)[date(1997, 3, 31)] == "Easter Monday"
