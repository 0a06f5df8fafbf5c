"""Due dates of a column of requests: joins with small tables and expressions, no call per row."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import date

import polars as pl

from pledgebook.deadlines.clock_tables import (
    FIRST_DAY,
    LAST_DAY,
    STRIDE,
    CalendarNumbers,
    cuts_of,
    day_number,
    day_tables,
    place_table,
    rule_table,
)
from pledgebook.deadlines.counting import last_day_column
from pledgebook.deadlines.explanation import (
    PROMISED,
    SOURCELESS,
    closed_words_table,
    promised_words_column,
    sentence_column,
)
from pledgebook.deadlines.regimes import REQUEST_KINDS, Regimes

ADDED = (
    "due_on", "acknowledge_by", "rule_id", "clock", "confidence", "is_extension_valid", "calendar_assumed",
    "region_problem",
)  # fmt: skip


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
        regions: the regions that occur; null: they are read from the frame first (that one column).
        first_day: first day of the calendars; a date that needs a holiday outside them is named as a problem.
        last_day: last day of the calendars.
        explain: also add `due_explanation` (String), the sentence that says how the date came about.

    Returns:
        With `due_on` (Date, null: no clock), `acknowledge_by` (Date, null: no such duty), `rule_id` (String,
        null: no rule in force), `clock` (statutory, guidance, promised, none), `confidence` (String, null
            without a rule),
        `is_extension_valid` (Boolean, null: not extended, or no clock to extend), `calendar_assumed`
        (Boolean: a default calendar stood in for that of the region), `region_problem` (String, null: none;
        says which region contradicts its regime or has no calendar, which regime or kind is not known, which
        day no calendar covers).

    Source: the rules' own citations, checked on 2026-11-22.
    """
    numbers = CalendarNumbers()
    rules = rule_table(regimes, numbers).lazy()
    places = place_table(regimes, _regions(requests) if regions is None else regions, numbers).lazy()
    days, business_days = (table.lazy() for table in day_tables(numbers.keys, first_day, last_day))
    tables = (days, business_days)

    kept = [column for column in requests.collect_schema().names() if column not in ADDED]
    asked = requests.select(kept).with_columns(
        __kind=pl.col("kind").cast(pl.String), __regime=pl.col("regime").cast(pl.String), __era=_era(regimes)
    )
    ruled = asked.join(rules, on=["__regime", "__kind", "__era"], how="left", maintain_order="left")
    placed = ruled.join(
        places, on=["__regime", "region"], how="left", nulls_equal=True, maintain_order="left"
    )
    started = placed.with_columns(**_course(regimes, promised_days)).with_columns(**_effective(promised_days))
    counted = _with_extension(started, tables, first_day)
    acknowledged = _with_acknowledgement(counted, tables, first_day)
    finished = acknowledged.with_columns(region_problem=_problem(regimes, first_day, last_day))
    if explain:
        finished = _with_sentence(finished, tuple(numbers.keys), first_day, last_day)
    return finished.select(*kept, *ADDED, *(["due_explanation"] if explain else []))


def _regions(requests: pl.LazyFrame) -> list[str | None]:
    found = requests.select(pl.col("region").cast(pl.String).unique()).collect(engine="streaming")
    return found["region"].to_list()


def _era(regimes: Regimes) -> pl.Expr:
    received = pl.col("received_on")
    return pl.sum_horizontal((received >= pl.lit(cut)).cast(pl.Int32) for cut in cuts_of(regimes))


def _promise(promised_days: Mapping[str, int]) -> pl.Expr:
    """The promised days of a known regime where the law has no number; null where there is no promise."""
    by_kind = {kind: promised_days.get(kind, promised_days.get("default")) for kind in REQUEST_KINDS}
    days = pl.col("__kind").replace_strict(by_kind, default=None, return_dtype=pl.Int64)
    has_law = pl.col("clock").is_in(["statutory", "guidance"])
    return pl.when(pl.col("__is_listed").is_not_null() & ~has_law.fill_null(False)).then(days)


def _course(regimes: Regimes, promised_days: Mapping[str, int]) -> dict[str, pl.Expr]:
    """Promise, start of the clock, and whether the regime is known."""
    later = pl.max_horizontal("received_on", "verified_on")
    return {
        "__promised": _promise(promised_days),
        "__start": pl.when(pl.col("__restarts")).then(later).otherwise("received_on"),
        "__is_known": pl.col("__regime").is_in(sorted(regimes.by_id)),
    }


def _effective(promised_days: Mapping[str, int]) -> dict[str, pl.Expr]:
    """Counting, pauses, calendar and words, with the company's promise where the law has no number."""
    del promised_days
    is_promised = pl.col("__promised").is_not_null()
    law_days = (
        pl.when(pl.col("__pause") == "added")
        .then("paused_days")
        .when(pl.col("__pause") == "inclusive")
        .then(pl.col("paused_days") + pl.col("pauses"))
        .otherwise(pl.lit(0, pl.Int64))
    )
    regional = pl.when("__is_regional").then("__place_calendar").otherwise("__calendar")
    return {
        "clock": pl.when(is_promised).then(pl.lit("promised")).otherwise(pl.col("clock").fill_null("none")),
        "__counting": pl.when(is_promised).then(pl.lit("day")).otherwise("__counting"),
        "__length": pl.coalesce("__promised", "__length"),
        "__paused": pl.when(is_promised).then("paused_days").otherwise(law_days).cast(pl.Int64),
        "__does_roll": pl.when(is_promised).then(pl.lit(False)).otherwise(pl.col("__rolls").fill_null(False)),
        "__number": pl.when(is_promised).then(None).otherwise(regional),
    }


def add_last_days(
    frame: pl.LazyFrame,
    tables: tuple[pl.LazyFrame, pl.LazyFrame],
    first: date,
    *,
    start: str,
    counting: str,
    length: pl.Expr,
    paused: pl.Expr,
    rolls: str,
    number: str,
    prefix: str,
) -> pl.LazyFrame:
    """Return the frame with `<prefix>_ends` (of the period), `<prefix>_last` (pauses added), `<prefix>_due` (rolled).

    Args: names of the columns that hold start (Date), counting kind, whether the last day rolls, and number
    of the calendar; `length` and `paused` in units and days. Null where the counting kind is null or a day is
    not covered.
    """
    days, business_days = tables
    base = pl.col(number) * STRIDE
    is_business = pl.col(counting).is_in(["bday", "bday_incl"])
    before = pl.when(pl.col(counting) == "bday_incl").then("__open_before").otherwise("__open_days")
    opened = (
        frame.with_columns(__day_key=pl.when(is_business).then(base + day_number(pl.col(start), first)))
        .join(days, on="__day_key", how="left", maintain_order="left")
        .with_columns(__open_key=base + before + length)
        .drop("__next_open", "__open_days", "__open_before")
        .join(business_days, on="__open_key", how="left", maintain_order="left")
    )
    ends = last_day_column(pl.col(start), pl.col(counting), length, pl.col("__business_day"))
    last = pl.col(f"{prefix}_ends") + pl.duration(days=paused)
    paced = opened.with_columns(ends.alias(f"{prefix}_ends")).with_columns(last.alias(f"{prefix}_last"))
    key = pl.when(rolls).then(base + day_number(pl.col(f"{prefix}_last"), first))
    due = pl.when(rolls).then("__next_open").otherwise(f"{prefix}_last")
    return (
        paced.with_columns(__day_key=key)
        .join(days, on="__day_key", how="left", maintain_order="left")
        .with_columns(due.alias(f"{prefix}_due"))
        .drop("__day_key", "__open_key", "__business_day", "__next_open", "__open_days", "__open_before")
    )


def _with_extension(
    frame: pl.LazyFrame, tables: tuple[pl.LazyFrame, pl.LazyFrame], first: date
) -> pl.LazyFrame:
    """Due dates without extension, whether the notice was in time for those, and the due dates that hold."""

    def counted(rows: pl.LazyFrame, length: pl.Expr, prefix: str) -> pl.LazyFrame:
        paused = pl.col("__paused")
        columns = {"start": "__start", "counting": "__counting", "rolls": "__does_roll", "number": "__number"}
        return add_last_days(rows, tables, first, **columns, length=length, paused=paused, prefix=prefix)

    may_extend = (pl.col("__more").is_not_null() | pl.col("__is_open_ended")) & pl.col("__promised").is_null()
    in_time = may_extend.fill_null(False) & (pl.col("extended_on") <= pl.col("__plain_due"))
    has_notice = pl.col("extended_on").is_not_null() & pl.col("__plain_due").is_not_null()
    is_valid = pl.when(has_notice).then(in_time)
    plain = counted(frame, pl.col("__length"), "__plain").with_columns(is_extension_valid=is_valid)
    more = pl.when("is_extension_valid").then("__more").otherwise(0).fill_null(0)
    longer = counted(plain, pl.col("__length") + more, "_").rename({"__ends": "__ends", "__last": "__last"})
    is_put_off = pl.col("is_extension_valid").fill_null(False) & pl.col("__is_open_ended").fill_null(False)
    return longer.with_columns(
        due_on=pl.when(~is_put_off).then("__due"),
        clock=pl.when(is_put_off).then(pl.lit("none")).otherwise("clock"),
        calendar_assumed=pl.col("__is_regional").fill_null(False)
        & pl.col("__is_assumed").fill_null(False)
        & pl.col("__promised").is_null(),
        __is_put_off=is_put_off,
        __words=pl.when("is_extension_valid").then("__longer").otherwise("__period"),
    )


def _with_acknowledgement(
    frame: pl.LazyFrame, tables: tuple[pl.LazyFrame, pl.LazyFrame], first: date
) -> pl.LazyFrame:
    regional = pl.when("__ack_is_regional").then("__place_calendar").otherwise("__ack_calendar")
    counted = add_last_days(
        frame.with_columns(__ack_number=regional, __ack_rolls=pl.col("__ack_rolls").fill_null(False)),
        tables,
        first,
        start="received_on",
        counting="__ack_counting",
        length=pl.col("__ack_length"),
        paused=pl.lit(0, pl.Int64),
        rolls="__ack_rolls",
        number="__ack_number",
        prefix="__ack",
    )
    assumed = pl.col("__ack_is_regional").fill_null(False) & pl.col("__is_assumed").fill_null(False)
    return counted.rename({"__ack_due": "acknowledge_by"}).with_columns(
        calendar_assumed=pl.col("calendar_assumed") | assumed
    )


def _problem(regimes: Regimes, first: date, last: date) -> pl.Expr:
    """What could not be taken as it stood, in words; null where all could."""
    del regimes
    uncounted = (
        pl.col("__counting").is_not_null() & (pl.col("__counting") != "none") & pl.col("__due").is_null()
    )
    return pl.coalesce(
        pl.when(~pl.col("__is_known")).then(pl.format("regime {} is not known", "__regime")),
        pl.when(~pl.col("__kind").is_in(REQUEST_KINDS)).then(pl.format("kind {} is not known", "__kind")),
        pl.when(pl.col("__is_listed").is_null()).then(
            pl.format("region {} was not among the given regions", pl.col("region").fill_null("null"))
        ),
        "region_problem",
        pl.when(uncounted).then(pl.lit(f"the calendars reach from {first} to {last} only")),
    )


def _with_sentence(
    frame: pl.LazyFrame, keys: tuple[tuple[str, str], ...], first: date, last: date
) -> pl.LazyFrame:
    table = closed_words_table(keys, first, last, STRIDE).lazy()
    key = pl.when("__does_roll").then(pl.col("__number") * STRIDE + day_number(pl.col("__last"), first))
    promised, is_promised = promised_words_column(pl.col("__promised")), pl.col("__promised").is_not_null()
    source = pl.col("__source").fill_null(SOURCELESS)
    names = dict(enumerate(calendar for calendar, _ in keys))
    calendar = pl.col("__number").replace_strict(names, default=None, return_dtype=pl.String)
    is_regional = pl.col("__is_regional") & pl.col("__is_assumed")
    joined = frame.with_columns(
        __last_key=key,
        __calendar_name=pl.when(is_regional).then(calendar),
        __words=pl.when(is_promised).then(promised).otherwise("__words"),
        __tail=pl.when(is_promised).then(source + pl.lit(PROMISED)).otherwise(source),
    ).join(table, on="__last_key", how="left", maintain_order="left")
    return joined.with_columns(due_explanation=sentence_column(pl.col("__closed").fill_null("")))
