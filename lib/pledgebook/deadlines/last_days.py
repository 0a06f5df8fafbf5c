"""The end of a period for a column of starts: looked up in the days of the calendars."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import date

import polars as pl

from pledgebook.deadlines.clock_tables import MARGIN, CalendarKey, day_number, day_table, look_up
from pledgebook.deadlines.counting import BUSINESS, COUNTINGS, add_days_column, last_day_column


@dataclass(frozen=True)
class Days:
    """The rows of `clock_tables.day_table`: of each calendar, in the order of its number, `span` days from `first` on."""

    rows: pl.DataFrame
    first: date
    span: int

    def look_up(self, column: str, number: pl.Expr, place: pl.Expr) -> pl.Expr:
        """Return a column's value in a calendar's row, counted from 0; null where the calendar has no such row."""
        row = pl.when(place.is_between(0, self.span - 1)).then(number * self.span + place)
        return look_up(self.rows[column], row)


def days_of(keys: Iterable[CalendarKey], first: date, last: date) -> Days:
    """Return the days of the calendars, numbered in the order of `keys`, and a margin more."""
    return Days(day_table(tuple(keys), first, last + MARGIN), first, (last + MARGIN - first).days + 1)


@dataclass(frozen=True)
class Clock:
    """Which columns hold a clock.

    `start` (Date), `counting` (null: no clock), `rolls` (Boolean), `number` (Int64, of the calendar, null: no
    closed day matters); `length` in the clock's units and `paused` in days. `countings`: those that may occur,
    `may_roll`: whether some row rolls.
    """

    start: str
    counting: str
    length: pl.Expr
    paused: pl.Expr
    rolls: str
    number: str
    countings: Collection[str] = COUNTINGS
    may_roll: bool = True


def add_last_days(frame: pl.LazyFrame, clock: Clock, calendars: Days, prefix: str) -> pl.LazyFrame:
    """Return the frame with `<prefix>_ends`, `<prefix>_last` (pauses added) and `<prefix>_due` (rolled).

    Null where there is no clock, or a needed day is outside the calendars. Rows and order stay as they are.
    """
    names = {part: f"{prefix}_{part}" for part in ("ends", "last", "due")}
    business_day = _business_day(clock, calendars)
    ends = last_day_column(
        pl.col(clock.start), pl.col(clock.counting), clock.length, business_day, countings=clock.countings
    )
    paced = frame.with_columns(ends.alias(names["ends"])).with_columns(
        add_days_column(pl.col(names["ends"]), clock.paused).alias(names["last"])
    )
    if not clock.may_roll:
        return paced.with_columns(pl.col(names["last"]).alias(names["due"]))
    number = day_number(pl.col(names["last"]), calendars.first)
    rolled = calendars.look_up("next_open", pl.col(clock.number), number)
    return paced.with_columns(pl.when(clock.rolls).then(rolled).otherwise(names["last"]).alias(names["due"]))


def _business_day(clock: Clock, calendars: Days) -> pl.Expr:
    """The last of the business days; null where the calendar ends before."""
    if set(BUSINESS).isdisjoint(clock.countings):
        return pl.lit(None, pl.Date)
    number, start = pl.col(clock.number), day_number(pl.col(clock.start), calendars.first)
    passed = [calendars.look_up(column, number, start) for column in ("open_before", "open_days")]
    before = pl.when(pl.col(clock.counting) == "bday_incl").then(passed[0]).otherwise(passed[1])
    return calendars.look_up("business_day", number, before + clock.length - 1)
