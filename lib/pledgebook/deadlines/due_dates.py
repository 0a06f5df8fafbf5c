"""Due dates of a column of requests: looked up in small tables, no call per row."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date

import polars as pl

from pledgebook.deadlines.clock_tables import (
    FIRST_DAY,
    LAST_DAY,
    CalendarNumbers,
    cuts_of,
    look_up,
    place_table,
    rule_table,
)
from pledgebook.deadlines.counting import UNIT_DAYS
from pledgebook.deadlines.due_sentences import add_sentences
from pledgebook.deadlines.last_days import Clock, Days, add_last_days, days_of
from pledgebook.deadlines.regimes import REQUEST_KINDS, Regimes

ADDED = (
    "due_on", "acknowledge_by", "rule_id", "clock", "confidence", "is_extension_valid", "calendar_assumed",
    "region_problem",
)  # fmt: skip
PROMISED_COUNTING = "day"


def add_due_dates(
    requests: pl.LazyFrame,
    regimes: Regimes,
    *,
    promised_days: Mapping[str, int],
    regions: Collection[str | None] | None = None,
    first_day: date = FIRST_DAY,
    last_day: date = LAST_DAY,
    explain: bool = False,
) -> pl.LazyFrame:
    """Return the requests with their due dates; rows, order and other columns stay as they are.

    Args:
        requests: one row per request: `kind` (String or Enum), `regime` (String), `region` (String, null: not
            known), `received_on` (Date, local), `verified_on`, `extended_on` (Date, null: has not happened),
            `paused_days` (Int64, sum over merged pauses of local end date - local start date), `pauses`
            (Int64, how many).
        regimes: the dated rules.
        promised_days: the company's own promise in calendar days, by kind and `default`.
        regions: the regions that occur; null: they are read from the frame first, and the days that its requests span,
            so that no more of the calendars is made.
        first_day: first day of the calendars; a date that needs a holiday outside them is named as a problem.
        last_day: last day of the calendars.
        explain: also add `due_explanation` (String), the sentence that says how the date came about.

    Returns:
        With `due_on` (Date, null: no clock), `acknowledge_by` (Date, null: no such duty), `rule_id` (String,
        null: no rule in force), `clock` (statutory, guidance, promised, none), `confidence` (String, null
        without a rule), `is_extension_valid` (Boolean, null: not extended, or no clock to extend),
        `calendar_assumed` (Boolean: a default calendar stood in for that of the region), `region_problem`
        (String, null: none; says which region contradicts its regime or has no calendar, which regime or kind
        is not known, which days no calendar covers). Columns of these names are replaced.

    Source: the rules' own citations, checked on 2026-11-22.
    """
    rules, keys = rule_table(regimes)
    numbers, days = CalendarNumbers(keys), (first_day, last_day)
    if regions is None:
        regions, days = _look_at(requests, rules, days)
    named = [*sorted({region for region in regions if region is not None}), None]
    places = place_table(regimes, named, numbers)
    calendars = days_of(numbers.keys, *days)

    kept = [column for column in requests.collect_schema().names() if column not in ADDED]
    asked = _asked(requests.select(kept), regimes, named)
    placed = asked.with_columns(**_rows_of(rules, "__rule"), **_rows_of(places, "__place"))
    clocked = placed.with_columns(**_start(promised_days)).with_columns(**_clock())
    counted = _with_extension(clocked, calendars, rules)
    acknowledged = _with_acknowledgement(counted, calendars, rules)
    finished = acknowledged.with_columns(region_problem=_problem(regimes, first_day, last_day))
    if explain:
        finished = add_sentences(finished, tuple(numbers.keys), first_day, last_day)
    return finished.select(*kept, *ADDED, *(["due_explanation"] if explain else []))


def _look_at(
    requests: pl.LazyFrame, rules: pl.DataFrame, days: tuple[date, date]
) -> tuple[list[str | None], tuple[date, date]]:
    """The regions that occur; and of the days between the two, the years that hold the clocks of these requests."""
    received, verified = pl.col("received_on").cast(pl.Date), pl.col("verified_on").cast(pl.Date)
    told = requests.select(
        regions=pl.col("region").cast(pl.String).unique().implode(),
        first=received.min(),
        last=pl.max_horizontal(received.max(), verified.max()),
        paused=pl.col("paused_days").cast(pl.Int64).max().fill_null(0),
    )
    regions, first, last, paused = told.collect(engine="in-memory").row(0)
    if first is None:
        return regions, (days[0], days[0])
    reach = date.fromordinal(min(days[1].toordinal(), last.toordinal() + paused + _longest(rules)))
    end = max(days[0], min(days[1], date(reach.year, 12, 31)))
    return regions, (min(max(days[0], date(first.year, 1, 1)), end), end)


def _longest(rules: pl.DataFrame) -> int:
    """How many days the longest clock of the rules takes at the most."""
    unit = pl.col("__counting", "__ack_counting").cast(pl.String).replace_strict(UNIT_DAYS, default=1)
    length = pl.col("__length") + pl.col("__more").fill_null(0)
    days = rules.with_columns(unit).select(
        length * pl.col("__counting"), pl.col("__ack_length") * pl.col("__ack_counting")
    )
    return int(days.max().max_horizontal().fill_null(0).sum())


def _asked(requests: pl.LazyFrame, regimes: Regimes, regions: Sequence[str | None]) -> pl.LazyFrame:
    """The requests with the rows of the tables that speak of them; the era: how many cuts have come."""
    received, cuts = pl.col("received_on").cast(pl.Date), cuts_of(regimes)
    begun = [(received >= pl.lit(cut)).cast(pl.Int64) for cut in cuts]
    era = pl.sum_horizontal(pl.lit(0, pl.Int64), *begun)
    region = _place_in([region for region in regions if region is not None], "region")
    return requests.with_columns(
        pl.col("received_on", "verified_on", "extended_on").cast(pl.Date),
        pl.col("paused_days", "pauses").cast(pl.Int64).fill_null(0),
        __kind=pl.col("kind").cast(pl.String),
        __regime=pl.col("regime").cast(pl.String),
        __region=pl.col("region").cast(pl.String),
        __nth_law=_place_in([regime.id for regime in regimes.laws], "regime"),
        __nth_kind=_place_in(REQUEST_KINDS, "kind"),
    ).with_columns(
        __rule=(pl.col("__nth_law") * len(REQUEST_KINDS) + pl.col("__nth_kind")) * (len(cuts) + 1) + era,
        __place=pl.col("__nth_law") * len(regions)
        + pl.when(pl.col("region").is_null()).then(len(regions) - 1).otherwise(region),
    )


def _place_in(names: Sequence[str], column: str) -> pl.Expr:
    """Where the names of a column stand in a list, counted from 0; null where they do not."""
    return pl.col(column).cast(pl.String).cast(pl.Enum(names), strict=False).to_physical().cast(pl.Int64)


def _rows_of(table: pl.DataFrame, row: str) -> dict[str, pl.Expr]:
    return {name: look_up(column, pl.col(row)) for name, column in table.to_dict().items()}


def _start(promised_days: Mapping[str, int]) -> dict[str, pl.Expr]:
    """Start of the clock; the promised days of a known regime without a number (null: none)."""
    by_kind = [promised_days.get(kind, promised_days.get("default")) for kind in REQUEST_KINDS]
    days = look_up(pl.Series(by_kind, dtype=pl.Int64), pl.col("__nth_kind"))
    has_law = pl.col("clock").is_in(["statutory", "guidance"]).fill_null(False)
    later = pl.max_horizontal("received_on", "verified_on")
    return {
        "__promised": pl.when(pl.col("__is_listed").is_not_null() & ~has_law).then(days),
        "__start": pl.when(pl.col("__restarts")).then(later).otherwise("received_on"),
    }


def _clock() -> dict[str, pl.Expr]:
    """Counting, pauses and calendar: the company's promise where there is one, else the rule's."""
    is_promised = pl.col("__promised").is_not_null()
    added = pl.when(is_promised | (pl.col("__pause") == "added")).then("paused_days")
    inclusive = added.when(pl.col("__pause") == "inclusive").then(pl.col("paused_days") + pl.col("pauses"))
    regional = pl.when("__is_regional").then("__place_calendar").otherwise("__calendar")
    return {
        "clock": pl.when(is_promised).then(pl.lit("promised")).otherwise(pl.col("clock").fill_null("none")),
        "__counting": pl.when(is_promised).then(pl.lit(PROMISED_COUNTING)).otherwise("__counting"),
        "__length": pl.coalesce("__promised", "__length"),
        "__paused": inclusive.otherwise(pl.lit(0, pl.Int64)),
        "__does_roll": pl.col("__rolls").fill_null(False) & ~is_promised,
        "__number": pl.when(~is_promised).then(regional),
        "__is_regional": pl.col("__is_regional").fill_null(False) & ~is_promised,
        "__is_assumed": pl.col("__is_assumed").fill_null(False),
        "__may_extend": (pl.col("__more").is_not_null() | pl.col("__is_open_ended")).fill_null(False) & ~is_promised,
    }


def _with_extension(frame: pl.LazyFrame, calendars: Days, rules: pl.DataFrame) -> pl.LazyFrame:
    """Due dates without extension, whether the notice was in time for those, and the due dates that hold."""
    plain_clock = Clock(
        "__start",
        "__counting",
        pl.col("__length"),
        pl.col("__paused"),
        "__does_roll",
        "__number",
        countings={*rules["__counting"].unique(), PROMISED_COUNTING},
        may_roll=bool(rules["__rolls"].any()),
    )
    plain = add_last_days(frame, plain_clock, calendars, "__plain")
    extended_on, plain_due = pl.col("extended_on"), pl.col("__plain_due")
    has_notice = extended_on.is_not_null() & plain_due.is_not_null()
    judged = plain.with_columns(
        is_extension_valid=pl.when(has_notice).then(pl.col("__may_extend") & (extended_on <= plain_due))
    )
    counted = _with_longer(judged, plain_clock, calendars, rules.filter(pl.col("__more").is_not_null()))
    is_put_off = (pl.col("is_extension_valid") & pl.col("__is_open_ended")).fill_null(False)
    return counted.with_columns(
        due_on=pl.when(~is_put_off).then("__due"),
        clock=pl.when(is_put_off).then(pl.lit("none")).otherwise("clock"),
        calendar_assumed=pl.col("__is_regional") & pl.col("__is_assumed"),
        __words=pl.when("is_extension_valid").then("__longer").otherwise("__period"),
    )


def _with_longer(frame: pl.LazyFrame, plain: Clock, calendars: Days, extended: pl.DataFrame) -> pl.LazyFrame:
    """Due dates with what a valid notice adds; where no rule can be extended so, those that they had without it."""
    kept = {f"__{part}": pl.col(f"__plain_{part}") for part in ("ends", "last", "due")}
    if extended.is_empty():
        return frame.with_columns(**kept)
    countings = extended["__counting"].unique().to_list()
    longer = plain.length + pl.when("is_extension_valid").then("__more").fill_null(0)
    counted = add_last_days(frame, replace(plain, length=longer, countings=countings), calendars, "_")
    may_be_longer = pl.col("__counting").is_in(countings)
    return counted.with_columns(
        **{name: pl.when(may_be_longer).then(name).otherwise(unextended) for name, unextended in kept.items()}
    )


def _with_acknowledgement(frame: pl.LazyFrame, calendars: Days, rules: pl.DataFrame) -> pl.LazyFrame:
    countings = rules["__ack_counting"].drop_nulls().unique().to_list()
    if not countings:
        return frame.with_columns(acknowledge_by=pl.lit(None, pl.Date))
    is_regional, zero = pl.col("__ack_is_regional").fill_null(False), pl.lit(0, pl.Int64)
    number = pl.when(is_regional).then("__place_calendar").otherwise("__ack_calendar")
    rolls = pl.col("__ack_rolls").fill_null(False)
    clock = Clock(
        "received_on",
        "__ack_counting",
        pl.col("__ack_length"),
        zero,
        "__ack_rolls",
        "__ack_number",
        countings=countings,
        may_roll=bool(rules["__ack_rolls"].any()),
    )
    prepared = frame.with_columns(__ack_number=number, __ack_rolls=rolls)
    counted = add_last_days(prepared, clock, calendars, "__ack")
    is_assumed = pl.col("calendar_assumed") | (is_regional & pl.col("__is_assumed"))
    return counted.with_columns(acknowledge_by="__ack_due", calendar_assumed=is_assumed)


def _problem(regimes: Regimes, first: date, last: date) -> pl.Expr:
    """What could not be taken as it stood, in words; null where all could."""
    has_clock = pl.col("__counting").is_not_null() & (pl.col("__counting") != "none")
    not_given = pl.format("region {} was not among the given regions", pl.col("__region").fill_null("null"))
    is_known = pl.col("__regime").is_in(sorted(regimes.by_id)).fill_null(False)
    return pl.coalesce(
        pl.when(~is_known).then(pl.format("regime {} is not known", pl.col("__regime").fill_null("null"))),
        pl.when(~pl.col("__kind").is_in(REQUEST_KINDS)).then(pl.format("kind {} is not known", "__kind")),
        pl.when(pl.col("__is_listed").is_null()).then(not_given),
        "region_problem",
        pl.when(has_clock & pl.col("__due").is_null()).then(pl.lit(f"the calendars reach from {first} to {last} only")),
    )
