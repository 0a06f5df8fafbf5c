"""How a period is counted from its first event: one date at a time, and a column at a time."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

import polars as pl

from pledgebook.deadlines.calendars import DAY, is_open

MONTHLY = ("month", "jp_month_incl", "jp_year_excl", "before_year", "year_same")
YEARLY = ("jp_year_excl", "before_year", "year_same")


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
    if counting in ("bday", "bday_incl"):
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


def last_day_column(start: pl.Expr, counting: pl.Expr, length: pl.Expr, business_day: pl.Expr) -> pl.Expr:
    """Return `last_day` of columns; `business_day` holds the answer for the two business-day kinds."""
    is_inclusive = counting.is_in(["jp_month_incl", "day_incl"])
    first = start + pl.duration(days=(counting == "jp_year_excl").cast(pl.Int64))
    months = pl.when(counting.is_in(YEARLY)).then(12 * length).otherwise(length)
    end = add_months_column(first, months.cast(pl.Int32))
    is_before = (counting == "before_year") | (counting.str.starts_with("jp_") & (end.dt.day() == first.dt.day()))
    return (
        pl.when(counting.is_in(["day", "day_incl"]))
        .then(start + pl.duration(days=length - is_inclusive.cast(pl.Int64)))
        .when(counting.is_in(["bday", "bday_incl"]))
        .then(business_day)
        .when(counting == "zero")
        .then(start)
        .when(counting.is_in(MONTHLY))
        .then(end - pl.duration(days=is_before.cast(pl.Int64)))
    )
