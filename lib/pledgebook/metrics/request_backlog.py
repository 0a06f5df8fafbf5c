"""The backlog: what falls due soon, what was acknowledged, and how much work a week clears it in time."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pledgebook.deadlines import local_midnights
from pledgebook.metrics.definition import Column, Published, Question, notes_of

HORIZONS = (7, 14, 30)
BACKLOG_COUNTS = ("open", "overdue", *(f"due_in_{days}_days" for days in HORIZONS), "no_due_date", "closed")
ACKNOWLEDGED = ("acknowledgements_due", "acknowledged_on_time", "acknowledged_late", "not_acknowledged")
REASONS = ("extension_too_late", "calendar_assumed", "region_problem", "unverified_clock", "no_clock")


def count_backlog(told: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Return one shard's open requests by regime and kind: overdue, falling due, and those closed in the period."""
    today = (
        pl.lit(question.last_moment, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(question.timezone).dt.date()
    )
    left = (pl.col("due_on") - today).dt.total_days()
    is_open, overdue = pl.col("is_open"), (pl.col("due_at") <= question.as_of).fill_null(value=False)
    waiting = is_open & ~overdue
    flags = {
        "open": is_open,
        "overdue": is_open & overdue,
        **{f"due_in_{days}_days": waiting & (left <= days).fill_null(value=False) for days in HORIZONS},
        "no_due_date": is_open & pl.col("due_on").is_null(),
        "closed": question.within("closed_at").fill_null(value=False),
    }
    counts = [flag.sum().cast(pl.Int64).alias(name) for name, flag in flags.items()]
    return told.filter(is_open | flags["closed"]).group_by("regime", "kind").agg(counts)


def finish_backlog(counted: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return `request_backlog`, with the pace that the period showed and the pace that is needed, requests a week."""
    both = pl.concat([counted, counted.with_columns(pl.lit("all").alias("kind"))])
    rows = both.group_by("regime", "kind").agg(pl.col(BACKLOG_COUNTS).sum())
    weeks = max((question.until - question.period.start).total_seconds() / 604_800, 1 / 7)
    needed = [(pl.col("overdue") + pl.col(f"due_in_{days}_days")) / max(days / 7, 1) for days in HORIZONS]
    told = rows.with_columns(
        (pl.col("closed") / weeks).alias("closed_per_week"), pl.max_horizontal(needed).alias("needed_per_week")
    )
    return told.select("regime", "kind", *[column.name for column in BACKLOG.columns]).sort("regime", "kind")


def count_acknowledgements(told: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Return one shard's acknowledgements that fell due in the period, by regime and kind.

    On time: acknowledged, or answered, before the local midnight after the acknowledgement's last day.
    """
    days = told.select(pl.col("acknowledge_by").min().alias("first"), pl.col("acknowledge_by").max().alias("last"))
    first, last = days.collect(engine="in-memory").row(0)
    if first is None:
        return _no_acknowledgements(told)
    midnights = local_midnights(question.timezone, first, last + timedelta(days=1)).lazy()
    limits = midnights.select((pl.col("date") - pl.duration(days=1)).alias("acknowledge_by"), limit="midnight")
    known = told.join(limits, on="acknowledge_by", how="left")
    due = known.filter((pl.col("limit") > question.period.start) & (pl.col("limit") <= question.until))
    spoken = pl.min_horizontal("acknowledged_at", "closed_at")
    on_time = (spoken < pl.col("limit")).fill_null(value=False)
    flags = [pl.col("limit").is_not_null(), on_time, spoken.is_not_null() & ~on_time, spoken.is_null()]
    counts = [flag.sum().cast(pl.Int64).alias(name) for name, flag in zip(ACKNOWLEDGED, flags, strict=True)]
    return due.group_by("regime", "kind").agg(counts)


def _no_acknowledgements(told: pl.LazyFrame) -> pl.LazyFrame:
    nothing = [pl.lit(0, dtype=pl.Int64).alias(name) for name in ACKNOWLEDGED]
    return told.select("regime", "kind", *nothing).clear()


def finish_acknowledgements(counted: pl.DataFrame) -> pl.DataFrame:
    """Return `request_acknowledgements`."""
    return counted.group_by("regime", "kind").agg(pl.col(ACKNOWLEDGED).sum()).sort("regime", "kind")


def count_doubts(told: pl.LazyFrame) -> pl.LazyFrame:
    """Return one shard's received requests by regime whose due date is doubtful, by the reason.

    extension_too_late: the notice of an extension went out after the unextended due date, or the law knows none;
    calendar_assumed and region_problem: a default calendar stood in; unverified_clock: nobody has verified the rule, or
    a detail of it, in the text of the law; no_clock: neither law nor promise gives a date.
    """
    by_law = pl.col("clock").is_in(["statutory", "guidance"])
    flags = {
        "extension_too_late": ~pl.col("is_extension_valid"),
        "calendar_assumed": pl.col("calendar_assumed"),
        "region_problem": pl.col("region_problem").is_not_null(),
        "unverified_clock": by_law & pl.col("confidence").str.contains("[SG]"),
        "no_clock": pl.col("clock") == "none",
    }
    counts = [flag.fill_null(value=False).sum().cast(pl.Int64).alias(name) for name, flag in flags.items()]
    return told.filter("is_received").group_by("regime").agg(pl.len().cast(pl.Int64).alias("received"), *counts)


def finish_doubts(counted: pl.DataFrame) -> pl.DataFrame:
    """Return `request_doubts`."""
    return counted.group_by("regime").agg(pl.col("received", *REASONS).sum()).sort("regime")


def notes_of_requests(doubts: pl.DataFrame) -> pl.DataFrame:
    """Return the notes on the received requests: what was doubtful about their due dates."""
    return notes_of("requests", {name: int(doubts[name].sum()) for name in REASONS})


DOUBTS = Published(
    "request_doubts",
    "one row per regime with a request received in the period",
    ("regime",),
    (
        Column("received", "requests received in the period"),
        Column("extension_too_late", "notice of an extension too late, or not known to the law", population="received"),
        Column("calendar_assumed", "due by a default calendar, the region's not being known", population="received"),
        Column("region_problem", "region contradicts the regime, or has no calendar", population="received"),
        Column("unverified_clock", "due by a rule not verified in the text of the law", population="received"),
        Column("no_clock", "neither law nor promise gives a due date", population="received"),
    ),
    needs=("requests",),
    inputs=("requests",),
)
BACKLOG = Published(
    "request_backlog",
    "one row per regime and kind, and one for all kinds of a regime",
    ("regime", "kind"),
    (
        Column("open", "requests open at as-of"),
        Column("overdue", "open with a due instant at or before as-of", population="open"),
        *(Column(f"due_in_{d}_days", f"open and due within {d} days", population="open") for d in HORIZONS),
        Column("no_due_date", "open without a clock", population="open"),
        Column("closed", "requests closed in the period"),
        Column("closed_per_week", "closed / weeks of the period", "requests a week"),
        Column("needed_per_week", "pace that answers all overdue and soon due requests in time", "requests a week"),
    ),
    needs=("requests",),
    inputs=("requests",),
)
ACKNOWLEDGEMENTS = Published(
    "request_acknowledgements",
    "one row per regime and kind with a duty to acknowledge that fell due in the period",
    ("regime", "kind"),
    (
        Column("acknowledgements_due", "requests whose acknowledgement fell due in the period"),
        Column("acknowledged_on_time", "acknowledged or answered by then", population="acknowledgements_due"),
        Column("acknowledged_late", "acknowledged or answered later", population="acknowledgements_due"),
        Column("not_acknowledged", "neither by as-of", population="acknowledgements_due"),
    ),
    needs=("requests",),
    inputs=("requests",),
)
