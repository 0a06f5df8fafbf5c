"""Each counting kind, as a date and as a column."""

from datetime import date

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pledgebook.deadlines.calendars import calendar_table
from pledgebook.deadlines.counting import add_months_column, last_day, last_day_column

CASES = [
    ("month", 1, "2026-01-31", "2026-02-28"),
    ("month", 1, "2024-01-30", "2024-02-29"),
    ("month", 3, "2026-11-30", "2027-02-28"),
    ("month", 12, "2024-02-29", "2025-02-28"),
    ("month", 2, "2026-12-31", "2027-02-28"),
    ("day", 45, "2026-03-02", "2026-04-16"),
    ("day", 1, "2026-12-31", "2027-01-01"),
    ("day_incl", 30, "2026-06-01", "2026-06-30"),
    ("day_incl", 1, "2026-06-01", "2026-06-01"),
    ("zero", 0, "2026-06-01", "2026-06-01"),
    ("jp_month_incl", 1, "2026-01-31", "2026-02-28"),
    ("jp_month_incl", 1, "2026-01-29", "2026-02-28"),
    ("jp_month_incl", 1, "2026-01-28", "2026-02-27"),
    ("jp_month_incl", 1, "2026-01-01", "2026-01-31"),
    ("jp_month_incl", 12, "2024-02-29", "2025-02-28"),
    ("jp_year_excl", 3, "2024-02-29", "2027-02-28"),
    ("jp_year_excl", 3, "2024-02-28", "2027-02-28"),
    ("jp_year_excl", 3, "2024-03-15", "2027-03-15"),
    ("before_year", 2, "2024-03-15", "2026-03-14"),
    ("before_year", 2, "2024-02-29", "2026-02-27"),
    ("year_same", 2, "2024-02-29", "2026-02-28"),
    ("year_same", 2, "2024-03-01", "2026-03-01"),
]
BUSINESS = [
    ("bday", 10, "US", "2026-11-20", "2026-12-07"),
    ("bday", 15, "US", "2026-06-25", "2026-07-17"),
    ("bday", 1, "US", "2026-07-02", "2026-07-06"),
    ("bday", 1, "US", "2026-07-04", "2026-07-06"),
    ("bday", 3, "BR", "2026-11-18", "2026-11-24"),
    ("bday", 10, "CA-IA", "2026-06-25", "2026-07-10"),
    ("bday_incl", 5, "AU", "2026-04-02", "2026-04-10"),
    ("bday_incl", 5, "AU", "2026-04-04", "2026-04-13"),
    ("bday_incl", 1, "AU", "2026-04-02", "2026-04-02"),
]


@pytest.mark.parametrize(("counting", "length", "start", "end"), CASES)
def test_the_last_day_of_a_period(counting, length, start, end):
    assert last_day(date.fromisoformat(start), counting, length, None) == date.fromisoformat(end)


@pytest.mark.parametrize(("counting", "length", "calendar", "start", "end"), BUSINESS)
def test_the_last_of_some_business_days(counting, length, calendar, start, end):
    assert last_day(date.fromisoformat(start), counting, length, calendar) == date.fromisoformat(end)


@settings(deadline=None)
@given(
    start=st.dates(date(1990, 1, 1), date(2090, 1, 1)),
    counting=st.sampled_from(["month", "day", "day_incl", "zero", "jp_month_incl", "jp_year_excl", "before_year"]),
    length=st.integers(1, 40),
)
def test_a_column_counts_as_a_date_does(start, counting, length):
    frame = pl.DataFrame({"start": [start], "counting": [counting], "length": [length]})
    columns = [pl.col(name) for name in ("start", "counting", "length")]
    counted = frame.select(due=last_day_column(*columns, pl.lit(None, pl.Date)))
    assert counted["due"][0] == last_day(start, counting, length, None)


def test_a_month_before_the_cycle_of_the_calendar_and_one_beyond_it():
    days = pl.DataFrame({"day": [date(1599, 12, 31), date(2399, 12, 31), date(1900, 1, 31)]})
    later = days.select(add_months_column(pl.col("day"), pl.lit(2, pl.Int32))).to_series()
    assert later.to_list() == [date(1600, 2, 29), date(2400, 2, 29), date(1900, 3, 31)]


def test_a_counting_that_was_not_named_is_not_counted():
    frame = pl.DataFrame({"start": [date(2026, 1, 31)] * 2, "counting": ["month", "day"], "length": [1, 1]})
    columns = [pl.col(name) for name in ("start", "counting", "length")]
    counted = frame.select(due=last_day_column(*columns, pl.lit(None, pl.Date), ["month"]))
    assert counted["due"].to_list() == [date(2026, 2, 28), None]


def test_a_calendar_table_knows_the_next_open_day_and_counts_open_days():
    table = calendar_table("DE", "default", date(2026, 4, 2), date(2026, 4, 8))
    assert table["is_open"].to_list() == [True, False, False, False, False, True, True]
    assert table["next_open"].to_list() == [date(2026, 4, 2)] + [date(2026, 4, 7)] * 5 + [date(2026, 4, 8)]
    assert table["open_days"].to_list() == [1, 1, 1, 1, 1, 2, 3]
