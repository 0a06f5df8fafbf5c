"""For a rule without pauses or extension: the due date of every start day, as one small table."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from functools import lru_cache
from typing import get_args

import polars as pl

from pledgebook.deadlines.clock_tables import MARGIN
from pledgebook.deadlines.last_days import Clock, add_last_days, days_of
from pledgebook.deadlines.regimes import Regimes
from pledgebook.deadlines.rules import BY_REGION, Role, Rule, Start

FIRST_START, LAST_START = date(1990, 1, 1), date(2099, 12, 31)
ROLE_COLUMNS = {
    "day": pl.Date, "due_on": pl.Date, "rule_id": pl.String, "clock": pl.String, "counting": pl.String,
    "hours": pl.Int64,
}  # fmt: skip


@lru_cache(maxsize=128)
def due_days(rule: Rule, default_calendar: str | None, first: date, last: date) -> pl.DataFrame:
    """Return `day`, `due_on` for every day from `first` to `last` on which the rule is in force.

    `due_on` is null where the law has no number. Hours are no days: null too.
    """
    calendar = default_calendar if rule.calendar == BY_REGION else rule.calendar
    keys = [(calendar, rule.weekend)] if calendar is not None else []
    calendars = days_of(keys, first, last + MARGIN)
    starts = pl.select(day=pl.date_range(first, last)).filter(
        pl.col("day") >= rule.valid_from, pl.col("day") < (rule.valid_to or date.max)
    )
    framed = starts.lazy().with_columns(
        counting=pl.lit(rule.counting),
        rolls=pl.lit(rule.roll == "next"),
        number=pl.lit(0 if keys else None, pl.Int64),
    )
    length, zero = pl.lit(rule.length, pl.Int64), pl.lit(0, pl.Int64)
    clock = Clock(
        "day", "counting", length, zero, "rolls", "number", countings=[rule.counting], may_roll=rule.roll == "next"
    )
    counted = add_last_days(framed, clock, calendars, "__rule")
    return counted.select("day", due_on="__rule_due").collect()


def due_days_of_role(
    regimes: Regimes,
    regime: str,
    role: Role,
    starts: Collection[Start] = get_args(Start),
    first: date = FIRST_START,
    last: date = LAST_START,
) -> pl.DataFrame:
    """Return `day`, `due_on`, `rule_id`, `clock`, `counting`, `hours` of a role's rules, from `first` to `last`.

    Only rules that start at one of the events `starts`. Days on which no rule of the role is in force are
    absent. `hours` is null where the clock counts days.
    """
    law = regimes.regime(regime)
    frames = [
        due_days(rule, law.default_calendar, first, last).with_columns(
            rule_id=pl.lit(rule.id),
            clock=pl.lit(rule.clock),
            counting=pl.lit(rule.counting),
            hours=pl.lit(rule.length if rule.counting == "hours" else None, pl.Int64),
        )
        for rule in law.rules
        if rule.role == role and rule.start in starts
    ]
    return pl.concat([pl.DataFrame(schema=ROLE_COLUMNS), *frames]).unique("day", keep="first", maintain_order=True)
