"""How a period is counted from its first event: one date at a time, and a column at a time."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from datetime import date, timedelta

import polars as pl

from pledgebook.deadlines.calendars import DAY, is_open

MONTHLY = ("month", "jp_month_incl", "jp_year_excl", "before_year", "year_same")
BUSINESS = ("bday", "bday_incl")
YEARLY = ("jp_year_excl", "before_year", "year_same")
COUNTINGS = ("zero", "day", "day_incl", *BUSINESS, *MONTHLY)


def add_months(day: date, months: int) -> date:
    """Return the same-numbered day `months` later, or the last day of that month when it has none."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def last_day(start: date, counting: str, length: int, calendar: str | None, weekend: str = "default") -> date:
    """Return the last day of the period of `length` units after `start`, before pauses and roll-over."""
    if counting == "day":
        return start + length * DAY
    if counting == "day_incl":
        return start + (length - 1) * DAY
    if counting in BUSINESS:
        return _business_day(start, counting, length, str(calendar), weekend)
    if counting == "zero":
        return start
    return _last_of_months(start, counting, 12 * length if counting in YEARLY else length)


def _business_day(start: date, counting: str, length: int, calendar: str, weekend: str) -> date:
    day = start
    left = length - (counting == "bday_incl" and is_open(start, calendar, weekend))
    while left > 0:
        day += DAY
        left -= is_open(day, calendar, weekend)
    return day


def _last_of_months(start: date, counting: str, months: int) -> date:
    if counting == "jp_year_excl":
        start += DAY
    end = add_months(start, months)
    if counting == "before_year" or (counting.startswith("jp_") and end.day == start.day):
        return end - timedelta(days=1)
    return end


def add_months_column(day: pl.Expr, months: pl.Expr) -> pl.Expr:
    """Return `add_months` of columns."""
    total = day.dt.year().cast(pl.Int32) * 12 + day.dt.month().cast(pl.Int32) - 1 + months
    first = pl.date(total // 12, total % 12 + 1, 1)
    return pl.min_horizontal(first.dt.month_end(), first + pl.duration(days=day.dt.day().cast(pl.Int64) - 1))


def last_day_column(
    start: pl.Expr, counting: pl.Expr, length: pl.Expr, business_day: pl.Expr, countings: Collection[str] = COUNTINGS
) -> pl.Expr:
    """Return `last_day` of columns; `business_day` holds the answer for the two business-day kinds.

    countings: those that may occur in the column; for others it is null.
    """
    days_of = {
        ("zero",): start,
        ("day",): add_days_column(start, length),
        ("day_incl",): add_days_column(start, length - 1),
        BUSINESS: business_day,
        MONTHLY: _last_of_months_column(start, counting, length),
    }
    told = pl.lit(None, pl.Date)
    for kinds, day in days_of.items():
        if not set(kinds).isdisjoint(countings):
            told = pl.when(counting.is_in(kinds)).then(day).otherwise(told)
    return told


def add_days_column(day: pl.Expr, days: pl.Expr) -> pl.Expr:
    """Return the day so many days later, of columns."""
    return (day.cast(pl.Int32).cast(pl.Int64) + days).cast(pl.Int32).cast(pl.Date)


def _last_of_months_column(start: pl.Expr, counting: pl.Expr, length: pl.Expr) -> pl.Expr:
    first = add_days_column(start, (counting == "jp_year_excl").cast(pl.Int64))
    months = pl.when(counting.is_in(YEARLY)).then(12 * length).otherwise(length)
    end = add_months_column(first, months.cast(pl.Int32))
    may_end_before = counting.is_in(["jp_month_incl", "jp_year_excl"]) & (end.dt.day() == first.dt.day())
    return add_days_column(end, -((counting == "before_year") | may_end_before).cast(pl.Int64))
