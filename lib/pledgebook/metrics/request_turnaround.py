"""Turnaround of requests: how long people waited, and whether each was answered by its due instant."""

from __future__ import annotations

from datetime import date, timedelta

import polars as pl

from pledgebook.metrics.ccpa_7102 import count_answers, publishable
from pledgebook.metrics.definition import (
    ALL,
    Frames,
    Metric,
    Parts,
    Question,
    collect,
    ratio,
)
from pledgebook.metrics.durations import (
    DAY,
    in_both_orders,
    moments_of,
    percentiles_by,
    survival_at,
    with_band,
)
from pledgebook.metrics.request_backlog import (
    count_acknowledgements,
    count_backlog,
    count_doubts,
    finish_acknowledgements,
    finish_backlog,
    finish_doubts,
    notes_of_requests,
)
from pledgebook.metrics.request_cohorts import requests_as_of, with_explanations
from pledgebook.metrics.request_outcomes import ENDS, outcome_incidence
from pledgebook.metrics.request_tables import DUE, GROUPS, OPEN_COLUMNS, RECEIVED, TABLES, TURNAROUND_COLUMNS
from pledgebook.period import local_midnight
from pledgebook.tables import OUTCOMES

GROUP = ["group"]
OTHERS = ("unverified_answers", "paused_open")


def measure(frames: Frames, question: Question) -> Parts:
    """Return one shard's counts by regime and kind, its durations, its months and its open requests."""
    told = judge_requests(frames, question)
    return collect(
        {
            **count_requests(told),
            "by_month": _due_by_month(told, question),
            "ages": _ages(told, question),
            "requests_open": _open(told, question),
            "backlog": count_backlog(told, question),
            "acknowledgements": count_acknowledgements(told, question),
            "doubts": count_doubts(told),
            "ccpa": count_answers(told, question),
            "clocks": _by_clock(told),
        }
    )


def judge_requests(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return `requests_as_of` with whether each counts as received, due, answered, and in which columns."""
    told = requests_as_of(frames, question).with_columns(*_cohorts(question)).collect(engine="in-memory").lazy()
    return told.with_columns(*_turns(question))


def count_requests(told: pl.LazyFrame) -> dict[str, pl.LazyFrame]:
    """Return the parts that `tell_turnaround` is made of: counts by regime and kind, and durations."""
    return {
        "counts": _counted(told)
        .group_by(GROUPS)
        .agg([pl.col(f"_{name}").sum().cast(pl.Int64).alias(name) for name in (*RECEIVED, *DUE, *OTHERS)]),
        "durations": told.filter("is_received").select(*GROUPS, "net", "gross", "is_event", pl.col("end").cast(ENDS)),
    }


def _counted(told: pl.LazyFrame) -> pl.LazyFrame:
    return told.filter(pl.col("is_received") | pl.col("is_due"))


def _by_clock(told: pl.LazyFrame) -> pl.LazyFrame:
    return (
        _counted(told)
        .group_by(*GROUPS, "clock", "confidence")
        .agg(
            pl.col("_received").sum().cast(pl.Int64).alias("requests"),
            *[pl.col(f"_{name}").sum().cast(pl.Int64).alias(name) for name in ("due", "on_time")],
        )
    )


def finish(parts: Parts, question: Question) -> Parts:
    """Return `request_turnaround`, the survival curve, months, clocks and notes."""
    clocks = parts["clocks"].group_by(*GROUPS, "clock", "confidence").agg(pl.col("requests", "due", "on_time").sum())
    groups, ordered = _in_order(parts["durations"])
    moments = _moments(ordered)
    curve = survival_at(moments, GROUP)
    return {
        "request_turnaround": _turnaround(parts["counts"], groups, ordered, curve),
        "request_survival": _survival(groups, curve),
        "requests_due_by_month": _by_month(parts["by_month"]),
        "requests_open_ages": parts["ages"]
        .group_by("regime", "weeks_open", "is_overdue")
        .agg(pl.col("requests").sum())
        .sort("regime", "weeks_open", "is_overdue"),
        "request_clocks": clocks.sort(*GROUPS, "clock", "confidence"),
        "ccpa_7102": publishable(parts["ccpa"], question),
        "request_outcomes": _outcomes(groups, outcome_incidence(ordered, moments, *GROUP)),
        "request_backlog": finish_backlog(parts["backlog"], question),
        "request_acknowledgements": finish_acknowledgements(parts["acknowledgements"]),
        "request_doubts": finish_doubts(parts["doubts"]),
        "notes": notes_of_requests(parts["doubts"]),
    }


def tell_turnaround(parts: Parts) -> pl.DataFrame:
    """Return `request_turnaround` of the parts counts and durations."""
    groups, ordered = _in_order(parts["durations"])
    return _turnaround(parts["counts"], groups, ordered, survival_at(_moments(ordered), GROUP))


def _moments(ordered: pl.DataFrame) -> pl.DataFrame:
    return moments_of(ordered, GROUP, {"events": "is_event", "closed": "is_closed"})


def _cohorts(question: Question) -> list[pl.Expr]:
    due = pl.col("due_at")
    withdrawn = (pl.col("outcome") == "withdrawn").fill_null(value=False)
    in_period = (due > question.period.start) & (due <= question.until)
    answered = ~pl.col("is_open") & ~withdrawn
    return [
        question.within("received_at").alias("is_received"),
        (in_period.fill_null(value=False) & ~withdrawn).alias("is_due"),
        answered.alias("is_event"),
        pl.when("is_open").then(pl.lit("open")).otherwise(pl.col("outcome").fill_null("outcome_unknown")).alias("end"),
    ]


def _turns(question: Question) -> list[pl.Expr]:
    """One flag per counted column, named `_<column>`."""
    received, due, is_open = pl.col("is_received"), pl.col("is_due"), pl.col("is_open")
    outcome = pl.col("outcome")
    closed_in_time = (pl.col("closed_at") < pl.col("due_at")).fill_null(value=False)
    unknown = ~is_open & outcome.is_null()
    identified = (pl.col("verified_at") <= pl.col("closed_at")).fill_null(value=False)
    answered = outcome.is_in(["fulfilled", "partly_fulfilled"]).fill_null(value=False) | unknown
    needs = pl.col("kind").is_in(list(question.policy.requests.needs_identification))
    flags = {
        "received": received,
        **{name: received & (outcome == name).fill_null(value=False) for name in OUTCOMES},
        "outcome_unknown": received & unknown,
        "open": received & is_open,
        "due": due,
        "on_time": due & closed_in_time,
        "late": due & ~is_open & ~closed_in_time,
        "overdue_open": due & is_open,
        "unverified_answers": received & needs & answered & ~is_open & ~identified,
        "paused_open": received & pl.col("is_paused"),
    }
    return [flag.alias(f"_{name}") for name, flag in flags.items()]


def _due_by_month(told: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Requests by the month of their due date, over the year that ends with the period, as known at as_of."""
    day = question.period.last_day
    first = date(day.year - 1, day.month, 28) + timedelta(days=4)
    start = local_midnight(first.replace(day=1), question.timezone)
    taken_back = (pl.col("outcome") == "withdrawn").fill_null(value=False)
    due = told.filter((pl.col("due_at") > start) & (pl.col("due_at") <= question.until) & ~taken_back)
    on_time = (pl.col("closed_at") < pl.col("due_at")).fill_null(value=False)
    flags = {"on_time": on_time, "late": ~pl.col("is_open") & ~on_time, "overdue_open": pl.col("is_open")}
    counted = due.group_by("regime", pl.col("due_on").dt.month_start().alias("month")).agg(
        pl.len().cast(pl.Int64).alias("due"),
        *[flag.sum().cast(pl.Int64).alias(name) for name, flag in flags.items()],
    )
    return counted.with_columns(pl.col("month").dt.strftime("%Y-%m"))


def _ages(told: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Open requests by full weeks since receipt, and whether they are overdue."""
    weeks = (pl.col("gross") // (7 * DAY)).alias("weeks_open")
    overdue = (pl.col("due_at") <= question.as_of).fill_null(value=False).alias("is_overdue")
    return told.filter("is_open").group_by("regime", weeks, overdue).agg(pl.len().cast(pl.Int64).alias("requests"))


def _open(told: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    today = (
        pl.lit(question.last_moment, dtype=pl.Datetime("us", "UTC")).dt.convert_time_zone(question.timezone).dt.date()
    )
    return with_explanations(told.filter("is_open"), question).with_columns(
        (pl.col("due_on") - today).dt.total_days().alias("days_left"),
        (pl.col("due_at") <= question.as_of).fill_null(value=False).alias("is_overdue"),
    ).select(OPEN_COLUMNS)  # fmt: skip


def _with_all_kinds(rows: pl.DataFrame) -> pl.DataFrame:
    return pl.concat([rows, rows.with_columns(pl.lit(ALL).alias("kind"))])


def _in_order(durations: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The groups, numbered in the order of their names; and each duration in both of its groups, in order.

    Numbers are sorted and grouped by many times faster than names.
    """
    kinds = durations.select(GROUPS).unique()
    groups = _with_all_kinds(kinds).unique().sort(GROUPS).with_row_index("group")
    of_all = groups.filter(kind=ALL).select("regime", pl.col("group").alias("group_of_all"))
    numbers = kinds.join(groups, on=GROUPS, nulls_equal=True).join(of_all, on="regime", nulls_equal=True)
    numbered = durations.join(numbers, on=GROUPS, nulls_equal=True)
    facts = pl.col("net", "gross", "is_event", "end"), (pl.col("end") != "open").alias("is_closed")
    return groups, in_both_orders(numbered.select("group", "group_of_all", *facts), "group", "group_of_all")


def _turnaround(counts: pl.DataFrame, groups: pl.DataFrame, ordered: pl.DataFrame, curve: pl.DataFrame) -> pl.DataFrame:
    counted = (*RECEIVED, *DUE, *OTHERS)
    rows = _with_all_kinds(counts).group_by(GROUPS).agg(pl.col(counted).sum())
    answered = ordered.filter("is_event").group_by(GROUP).agg(
        (pl.col("net").median() / DAY).alias("answered_median_days"),
        (pl.col("net").cast(pl.Int128).sum() / (pl.len() * DAY)).alias("answered_mean_days"),
        (pl.col("gross").median() / DAY).alias("answered_median_gross_days"),
    )  # fmt: skip
    for figures in (percentiles_by(curve, GROUP, (50, 90, 95)), answered):
        groups = groups.join(figures, on=GROUP, how="left")
    told = rows.join(groups, on=GROUPS, how="left").with_columns(ratio("on_time", "due").alias("on_time_ratio"))
    return told.select(*GROUPS, *[column.name for column in TURNAROUND_COLUMNS]).sort(GROUPS)


def _survival(groups: pl.DataFrame, curve: pl.DataFrame) -> pl.DataFrame:
    named = with_band(curve, GROUP).join(groups, on=GROUP, maintain_order="left")
    return named.select(*GROUPS, (pl.col("net") / DAY).alias("days"), "at_risk", "events", "survival", "lower", "upper")


def _outcomes(groups: pl.DataFrame, incidence: pl.DataFrame) -> pl.DataFrame:
    return incidence.join(groups, on=GROUP, maintain_order="left").select(*GROUPS, *incidence.drop(GROUP).columns)


def _by_month(rows: pl.DataFrame) -> pl.DataFrame:
    summed = rows.group_by("regime", "month").agg(pl.col(DUE).sum())
    return summed.with_columns(ratio("on_time", "due").alias("on_time_ratio")).sort("regime", "month")


METRIC = Metric(
    name="request_turnaround",
    title="Turnaround of requests",
    question="How long do people wait for an answer about their data, and do they get it in time?",
    population="requests received in the period; for on time, requests that fell due in it",
    unit="requests; days of 24 hours, net of pauses",
    better="higher on time, lower days",
    clause="5)",
    source="APPI Art. 33 to 40; regulations reference sections 2 and 3 (checked 2026-11-22)",
    owner="privacy officer",
    valid_since="2026-11-23",
    notebook="20_request_turnaround",
    caveats=(
        "Where the law sets no number of days the company's own promise is the clock: the report says promised.",
        "Percentiles count open requests as censored at as-of; a median of answers alone flatters a growing backlog.",
        "A request closed at the due instant itself, the local midnight after the due date, is late.",
        "ccpa_7102: a partial answer complies; one who could not be identified is denied; withdrawn, open and unknown "
        "outcomes stand in columns of their own; days are calendar dates, the day of receipt being 0.",
    ),
    tables=TABLES,
    frames=("people", "requests", "request_pauses"),
    measure=measure,
    finish=finish,
)
