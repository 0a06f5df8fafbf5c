"""The small tables that a column of requests is joined with: rules by era, regions, days of the calendars."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import polars as pl

from pledgebook.deadlines.calendars import calendar_table, check_calendar, is_known_calendar
from pledgebook.deadlines.explanation import period_words, source_words
from pledgebook.deadlines.regimes import REQUEST_KINDS, Regimes
from pledgebook.deadlines.rules import BY_REGION, Regime, Rule

FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2060, 12, 31)
EPOCH = date(1970, 1, 1)
MARGIN = timedelta(days=60)
STRIDE = 1_000_000

CalendarKey = tuple[str, str]
RULE_COLUMNS = {
    "rule_id": pl.String, "clock": pl.String,
    "confidence": pl.String, "__counting": pl.String, "__length": pl.Int64, "__rolls": pl.Boolean,
    "__calendar": pl.Int64, "__is_regional": pl.Boolean, "__pause": pl.String, "__restarts": pl.Boolean,
    "__more": pl.Int64, "__is_open_ended": pl.Boolean, "__ack_counting": pl.String, "__ack_length": pl.Int64,
    "__ack_rolls": pl.Boolean, "__ack_calendar": pl.Int64, "__ack_is_regional": pl.Boolean,
    "__period": pl.String, "__longer": pl.String, "__source": pl.String,
}  # fmt: skip
PLACE_COLUMNS = {
    "__place_calendar": pl.Int64, "__is_assumed": pl.Boolean,
    "region_problem": pl.String, "__is_listed": pl.Boolean,
}  # fmt: skip
DAY_COLUMNS = {"next_open": pl.Date, "open_days": pl.Int64, "open_before": pl.Int64, "business_day": pl.Date}


@dataclass(frozen=True)
class Place:
    """Whose holidays count for a region (null: none needed), and what is wrong with it (null: nothing)."""

    calendar: str | None
    is_assumed: bool
    problem: str | None


def place_of(regime: Regime, region: str | None) -> Place:
    """Return the calendar of a request's region under a regime.

    The default calendar stands in, and is marked as assumed, where the region is null, names no calendar, or
    contradicts the regime; the two latter are told in `problem`. A subdivision that is not known takes its
    country's.
    """
    default = regime.default_calendar
    if region is None or (regime.is_by_subdivision and region in regime.places):
        return Place(default, default is not None, None)
    if not regime.covers(region):
        return Place(default, default is not None, f"region {region} contradicts {regime.id}")
    if default is None or is_known_calendar(region):
        return Place(region if default is not None else None, False, None)
    country = region.partition("-")[0]
    stand_in = country if is_known_calendar(country) and not regime.is_by_subdivision else default
    return Place(stand_in, True, f"region {region} has no known calendar; {stand_in} was used")


class CalendarNumbers:
    """Numbers the calendars in use, so that a join needs one integer."""

    def __init__(self, keys: Iterable[CalendarKey] = ()) -> None:
        self.keys = {key: number for number, key in enumerate(keys)}

    def number(self, calendar: str | None, weekend: str = "default") -> int | None:
        """Return a calendar's number; null for null and for `region`, where each request has its own."""
        if calendar is None or calendar == BY_REGION:
            return None
        return self.keys.setdefault((check_calendar(calendar), weekend), len(self.keys))


def cuts_of(regimes: Regimes) -> list[date]:
    """Return the days on which some rule begins or ends; a receipt's era is how many have come."""
    rules = [rule for regime in regimes.laws for rule in regime.rules]
    return sorted({rule.valid_from for rule in rules} | {rule.valid_to for rule in rules if rule.valid_to})


@lru_cache(maxsize=8)
def rule_table(regimes: Regimes) -> tuple[pl.DataFrame, tuple[CalendarKey, ...]]:
    """Return one row per regime, request kind and era, in their order; and its calendars, by number.

    Null where no rule is in force, as in the era before the first cut.
    """
    numbers, cuts = CalendarNumbers(), cuts_of(regimes)
    rows = [
        _columns(rule, regime, day, numbers) if day and (rule := regime.rule_named(kind, day)) else {}
        for regime in regimes.laws
        for kind in REQUEST_KINDS
        for day in (None, *cuts)
    ]
    return pl.DataFrame(rows, schema=RULE_COLUMNS, orient="row"), tuple(numbers.keys)


def _columns(rule: Rule, regime: Regime, day: date, numbers: CalendarNumbers) -> dict[str, object]:
    ack = regime.rule_named(rule.acknowledged_by, day) if rule.acknowledged_by else None
    return {
        **{
            "rule_id": rule.id,
            "clock": rule.clock,
            "confidence": rule.confidence,
            "__counting": rule.counting,
        },
        **{"__length": rule.length, "__rolls": rule.roll == "next", "__pause": rule.pause},
        "__calendar": numbers.number(rule.calendar, rule.weekend),
        "__is_regional": rule.calendar == BY_REGION,
        "__restarts": rule.verification == "restarts",
        "__more": rule.extension.length if rule.extension else None,
        "__is_open_ended": rule.extension is not None and rule.extension.length is None,
        "__ack_counting": ack.counting if ack else None,
        "__ack_length": ack.length if ack else None,
        "__ack_rolls": ack is not None and ack.roll == "next",
        "__ack_calendar": numbers.number(ack.calendar, ack.weekend) if ack else None,
        "__ack_is_regional": ack is not None and ack.calendar == BY_REGION,
        "__period": period_words(rule, is_extended=False),
        "__longer": period_words(rule, is_extended=True),
        "__source": source_words(rule),
    }


def place_table(regimes: Regimes, regions: Sequence[str | None], numbers: CalendarNumbers) -> pl.DataFrame:
    """Return calendar number, whether assumed, what is wrong: for each regime, in order, one row per region in order."""
    places = [place_of(regime, region) for regime in regimes.laws for region in regions]
    rows = [(numbers.number(place.calendar), place.is_assumed, place.problem, True) for place in places]
    return pl.DataFrame(rows, schema=PLACE_COLUMNS, orient="row")


@lru_cache(maxsize=8)
def day_table(keys: tuple[CalendarKey, ...], first: date, last: date) -> pl.DataFrame:
    """Return the days of the calendars, one calendar after the other: `next_open`, `open_days`, `open_before`.

    `open_days` counts those up to the day, `open_before` those before it. The n-th row of a calendar also holds its n-th
    open day, `business_day` (null where it has fewer).
    """
    tables = [calendar_table(calendar, weekend, first, last) for calendar, weekend in keys]
    counted = [
        table.select(
            "next_open",
            "open_days",
            open_before=pl.col("open_days") - pl.col("is_open").cast(pl.Int64),
            business_day=pl.when("is_open").then("day").sort(nulls_last=True),
        )
        for table in tables
    ]
    return pl.concat([pl.DataFrame(schema=DAY_COLUMNS), *counted])


def day_number(day: pl.Expr, first: date) -> pl.Expr:
    """Return the days since `first`."""
    return day.cast(pl.Int32).cast(pl.Int64) - (first - EPOCH).days


def look_up(column: pl.Series, row: pl.Expr) -> pl.Expr:
    """Return the values of a small table's column in these rows, counted from 0; null where it has no such row.

    A join that keeps the order of its rows takes ten times as long.
    """
    if column.null_count() == column.len():
        # of literals without a value Polars 2.1 takes one for the other, whatever their types
        return pl.lit(None, column.dtype)
    return pl.lit(column).gather(row, null_on_oob=True)
