"""How a period is counted from its first event: one date at a time, and a column at a time."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection
from datetime import date, timedelta
from functools import lru_cache

import polars as pl

from pledgebook.deadlines.calendars import DAY, is_open

MONTHLY = ("month", "jp_month_incl", "jp_year_excl", "before_year", "year_same")
CYCLE_FROM, CYCLE_MONTHS, CYCLE_DAYS = 2000, 4800, 146_097
"""After 400 years the Gregorian calendar begins anew."""
BUSINESS = ("bday", "bday_incl")
YEARLY = ("jp_year_excl", "before_year", "year_same")
UNIT_DAYS = {"bday": 4, "bday_incl": 4, "month": 31, "jp_month_incl": 31, **dict.fromkeys(YEARLY, 366)}
"""How many days a unit takes at the most, a business day among closed ones too; one day where it is not named."""
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
    month = (day.dt.year().cast(pl.Int32) - CYCLE_FROM) * 12 + day.dt.month().cast(pl.Int32) - 1 + months
    same_day = _month_start(month) + day.dt.day().cast(pl.Int32) - 1
    return pl.min_horizontal(same_day, _month_start(month + 1) - 1).cast(pl.Int32).cast(pl.Date)


def _month_start(month: pl.Expr) -> pl.Expr:
    """The first day of a month, as the number of a date; months are counted from the year in which the cycle begins."""
    cycle = pl.lit(_month_starts()).gather(month % CYCLE_MONTHS)
    return cycle + month // CYCLE_MONTHS * CYCLE_DAYS


@lru_cache(maxsize=1)
def _month_starts() -> pl.Series:
    # looked up, since dates put together from their parts take four times as long
    last = date(CYCLE_FROM + CYCLE_MONTHS // 12 - 1, 12, 1)
    return pl.date_range(date(CYCLE_FROM, 1, 1), last, "1mo", eager=True).cast(pl.Int32)


def last_day_column(
    start: pl.Expr, counting: pl.Expr, length: pl.Expr, business_day: pl.Expr, countings: Collection[str] = COUNTINGS
) -> pl.Expr:
    """Return `last_day` of columns; `business_day` holds the answer for the two business-day kinds.

    countings: those that may occur in the column; for others it is null.
    """
    told = pl.lit(None, pl.Date)
    for kind in sorted(set(COUNTINGS) & set(countings)):
        day = business_day if kind in BUSINESS else _counted(start, kind, length)
        told = pl.when(counting == kind).then(day).otherwise(told)
    return told


def _counted(start: pl.Expr, counting: str, length: pl.Expr) -> pl.Expr:
    if counting == "zero":
        return start
    if counting in ("day", "day_incl"):
        return add_days_column(start, length - (counting == "day_incl"))
    first = add_days_column(start, 1) if counting == "jp_year_excl" else start
    end = add_months_column(first, 12 * length if counting in YEARLY else length)
    if counting == "before_year":
        return add_days_column(end, -1)
    is_before = (end.dt.day() == first.dt.day()).cast(pl.Int64)
    return add_days_column(end, -is_before) if counting.startswith("jp_") else end


def add_days_column(day: pl.Expr, days: pl.Expr | int) -> pl.Expr:
    """Return the day so many days later, of columns."""
    return (day.cast(pl.Int32).cast(pl.Int64) + days).cast(pl.Int32).cast(pl.Date)
