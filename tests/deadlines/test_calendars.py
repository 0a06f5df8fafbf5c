"""Closed days: the library's, and the lists that it lacks."""

from datetime import date

import pytest
from dateutil.easter import easter

from pledgebook.deadlines.calendars import (
    check_calendar,
    easter_sunday,
    holidays_of,
    is_known_calendar,
    is_open,
    next_open,
)
from pledgebook.errors import InputError


@pytest.mark.parametrize("name", ["DE", "DE-BY", "GB-SCT", "US-CA", "JP-ADMIN", "CA-IA", "QC", "WEEKENDS"])
def test_known_calendars(name):
    assert is_known_calendar(name)
    assert check_calendar(name) == name


@pytest.mark.parametrize("name", ["XX", "DE-XX", "EU", "de", "", "DE-", "GERMANY"])
def test_a_region_without_a_calendar_is_named_and_not_guessed(name):
    assert not is_known_calendar(name)
    with pytest.raises(InputError, match=f"calendar '{name}': no public holidays"):
        check_calendar(name)


def test_easter():
    assert [easter_sunday(year) for year in range(1990, 2100)] == [easter(year) for year in range(1990, 2100)]


def test_japanese_administration_is_closed_over_the_new_year():
    assert [day for day in range(1, 8) if not is_open(date(2027, 1, day), "JP-ADMIN")] == [1, 2, 3]
    assert not is_open(date(2026, 12, 29), "JP-ADMIN")
    assert is_open(date(2026, 12, 28), "JP-ADMIN")
    assert is_open(date(2026, 12, 29), "JP")
    assert next_open(date(2026, 9, 19), "JP-ADMIN") == date(2026, 9, 24)


def test_the_federal_list_of_canada_has_easter_monday_and_no_saturday():
    closed = sorted(day for day in holidays_of("CA-IA", 2026))
    assert [f"{day:%m-%d}" for day in closed] == [
        "01-01", "04-03", "04-06", "05-18", "07-01", "09-07", "09-30", "10-12", "11-11", "12-25",
    ]  # fmt: skip
    assert is_open(date(2026, 9, 5), "CA-IA", "sun")
    assert not is_open(date(2026, 9, 6), "CA-IA", "sun")
    assert date(2018, 7, 2) in holidays_of("CA-IA", 2018)


def test_quebec_has_its_national_holiday():
    assert date(2026, 6, 24) in holidays_of("QC", 2026)
    assert date(2026, 11, 11) not in holidays_of("QC", 2026)


def test_federal_holidays_are_those_observed():
    assert not is_open(date(2026, 7, 3), "US")
    assert is_open(date(2026, 11, 27), "US")
    assert not is_open(date(2026, 11, 27), "US-CA")


def test_names_are_english():
    assert holidays_of("DE", 2026)[date(2026, 4, 6)] == "Easter Monday"
    assert holidays_of("KR", 2026)[date(2026, 2, 17)] == "Korean New Year"
