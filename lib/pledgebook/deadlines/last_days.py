"""The end of a period for a column of starts: joins with the days of the calendars."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from pledgebook.deadlines.clock_tables import STRIDE, CalendarKey, day_number, day_tables
from pledgebook.deadlines.counting import last_day_column


@dataclass(frozen=True)
class Days:
    """The day tables of `clock_tables.day_tables`, lazy, and their first day."""

    days: pl.LazyFrame
    business_days: pl.LazyFrame
    first: date


def days_of(keys: Iterable[CalendarKey], first: date, last: date) -> Days:
    """Return the days of the calendars, numbered in the order of `keys`."""
    days, business_days = day_tables(keys, first, last)
    return Days(days.lazy(), business_days.lazy(), first)


@dataclass(frozen=True)
class Clock:
    """Which columns hold a clock.

    `start` (Date), `counting` (String, null: no clock), `rolls` (Boolean), `number` (Int64, of the calendar,
    null: no closed day matters); `length` in the clock's units and `paused` in days. `has_business_days`:
        some row counts them.
    """

    start: str
    counting: str
    length: pl.Expr
    paused: pl.Expr
    rolls: str
    number: str
    has_business_days: bool = True


def add_last_days(frame: pl.LazyFrame, clock: Clock, calendars: Days, prefix: str) -> pl.LazyFrame:
    """Return the frame with `<prefix>_ends`, `<prefix>_last` (pauses added) and `<prefix>_due` (rolled).

    Null where there is no clock, or a needed day is outside the calendars. Rows and order stay as they are.
    """
    names = {part: f"{prefix}_{part}" for part in ("ends", "last", "due")}
    opened = _with_business_day(frame, clock, calendars)
    ends = last_day_column(pl.col(clock.start), pl.col(clock.counting), clock.length, pl.col("__business_day"))
    last = pl.col(names["ends"]) + pl.duration(days=clock.paused)
    paced = opened.with_columns(ends.alias(names["ends"])).with_columns(last.alias(names["last"]))
    number = day_number(pl.col(names["last"]), calendars.first)
    keyed = paced.with_columns(__day_key=pl.when(clock.rolls).then(pl.col(clock.number) * STRIDE + number))
    joined = keyed.join(
        calendars.days.select("__day_key", "__next_open"), on="__day_key", how="left", maintain_order="left"
    )
    due = pl.when(clock.rolls).then("__next_open").otherwise(names["last"])
    return joined.with_columns(due.alias(names["due"])).drop("__day_key", "__business_day", "__next_open")


def _with_business_day(frame: pl.LazyFrame, clock: Clock, calendars: Days) -> pl.LazyFrame:
    """Add `__business_day`, the last of the business days; null for other clocks."""
    if not clock.has_business_days:
        return frame.with_columns(__business_day=pl.lit(None, pl.Date))
    base, start = pl.col(clock.number) * STRIDE, day_number(pl.col(clock.start), calendars.first)
    is_business = pl.col(clock.counting).is_in(["bday", "bday_incl"])
    before = pl.when(pl.col(clock.counting) == "bday_incl").then("__open_before").otherwise("__open_days")
    counts = calendars.days.select("__day_key", "__open_days", "__open_before")
    return (
        frame.with_columns(__day_key=pl.when(is_business).then(base + start))
        .join(counts, on="__day_key", how="left", maintain_order="left")
        .with_columns(__open_key=base + before + clock.length)
        .join(calendars.business_days, on="__open_key", how="left", maintain_order="left")
        .drop("__day_key", "__open_key", "__open_days", "__open_before")
    )
