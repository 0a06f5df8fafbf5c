"""Requests as of an instant: what had happened to each, how long it took net of pauses, and when it was due."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pledgebook.deadlines import Regimes, add_due_dates, local_midnights
from pledgebook.metrics.definition import Frames, Question
from pledgebook.metrics.regions import regions_of_people, request_regime


def requests_as_of(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return the requests received before as_of, with what had happened by then.

    One row per request: request_id, person, kind, regime, region, received_at, closed_at, verified_at, extended_at and
    outcome (null: not before as_of), end_at (closing, else as_of), is_open, paused (microseconds), paused_days, pauses,
    is_paused, net, gross (microseconds), due_on, due_at (null: no clock), clock, rule_id.
    """
    known = _known_requests(frames, question)
    paused = _pauses(known, frames["request_pauses"], question)
    told = known.join(paused, on="request_id", how="left").with_columns(
        pl.col("paused", "paused_days", "pauses").fill_null(0),
        pl.col("is_paused").fill_null(value=False) & pl.col("is_open"),
    )
    gross = (pl.col("end_at") - pl.col("received_at")).dt.total_microseconds()
    told = told.with_columns(gross.alias("gross"), (gross - pl.col("paused")).alias("net"))
    return _with_due_instants(told.collect(engine="in-memory").lazy(), question)


def _known_requests(frames: Frames, question: Question) -> pl.LazyFrame:
    received = frames["requests"].filter(pl.col("received_at") < question.as_of)
    told = received.join(regions_of_people(frames, question), on="person", how="left").with_columns(
        pl.col("kind").cast(pl.String),
        pl.coalesce(pl.col("region"), pl.col("person_region")).alias("region"),
        *[question.known(name).alias(name) for name in ("acknowledged_at", "verified_at", "extended_at", "closed_at")],
    )
    return told.with_columns(
        request_regime(told, question).alias("regime"),
        pl.col("closed_at").is_null().alias("is_open"),
        pl.col("closed_at").fill_null(question.as_of).alias("end_at"),
        pl.when(pl.col("closed_at").is_not_null()).then(pl.col("outcome").cast(pl.String)).alias("outcome"),
    )


def _pauses(requests: pl.LazyFrame, pauses: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Pauses clipped to the request, merged where they overlap or touch, each cut to `max_pause_days`.

    One row per paused request: request_id, paused (microseconds), paused_days, pauses, is_paused.
    """
    begun = pauses.filter(pl.col("paused_at") < question.as_of).select(
        "request_id", "paused_at", question.known("resumed_at").alias("resumed_at")
    )
    mine = begun.join(requests.select("request_id", "received_at", "end_at"), on="request_id")
    clipped = mine.with_columns(
        pl.max_horizontal("paused_at", "received_at").alias("from_at"),
        pl.min_horizontal(pl.col("resumed_at").fill_null(pl.col("end_at")), "end_at").alias("to_at"),
    )
    running = mine.group_by("request_id").agg(pl.col("resumed_at").is_null().any().alias("is_paused"))
    merged = _merge(clipped.filter(pl.col("from_at") < pl.col("to_at")))
    longest = question.policy.requests.max_pause_days
    if longest is not None:
        cut = pl.min_horizontal("to_at", pl.col("from_at") + timedelta(days=longest))
        merged = merged.with_columns(cut.alias("to_at"))
    days = question.local_date("to_at") - question.local_date("from_at")
    summed = merged.group_by("request_id").agg(
        (pl.col("to_at") - pl.col("from_at")).dt.total_microseconds().sum().alias("paused"),
        days.dt.total_days().sum().alias("paused_days"),
        pl.len().cast(pl.Int64).alias("pauses"),
    )
    return running.join(summed, on="request_id", how="left")


def _merge(clipped: pl.LazyFrame) -> pl.LazyFrame:
    ordered = clipped.sort("request_id", "from_at", "to_at")
    reached = pl.col("to_at").cum_max().shift(1).over("request_id")
    is_apart = (pl.col("from_at") > reached).fill_null(value=True)
    numbered = ordered.with_columns(is_apart.cum_sum().over("request_id").alias("_span"))
    return numbered.group_by("request_id", "_span").agg(pl.col("from_at").min(), pl.col("to_at").max())


def _with_due_instants(requests: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Add due_on and due_at, the local midnight after it."""
    dated = requests.with_columns(
        question.local_date("received_at").alias("received_on"),
        question.local_date("verified_at").alias("verified_on"),
        question.local_date("extended_at").alias("extended_on"),
    )
    promised = question.policy.requests.promised_days
    due = add_due_dates(dated, _laws_of(dated, question), promised_days=promised).collect(engine="in-memory").lazy()
    first, last = due.select(first=pl.col("due_on").min(), last=pl.col("due_on").max()).collect().row(0)
    if first is None:
        return due.with_columns(pl.lit(None, dtype=pl.Datetime("us", "UTC")).alias("due_at"))
    midnights = local_midnights(question.timezone, first, last + timedelta(days=1)).lazy()
    after = midnights.select((pl.col("date") - pl.duration(days=1)).alias("due_on"), pl.col("midnight").alias("due_at"))
    return due.join(after, on="due_on", how="left")


def _laws_of(requests: pl.LazyFrame, question: Question) -> Regimes:
    """The laws that these requests fall under: calendars are made for no others."""
    named = requests.select(pl.col("regime").unique()).collect(engine="in-memory")
    return question.regimes.only(named["regime"].to_list())


DATES = ("request_id", "kind", "regime", "region", "received_on", "verified_on", "extended_on", "paused_days", "pauses")


def with_explanations(requests: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Return the requests with `due_explanation`: in one sentence how each due date came about.

    requests: rows of `requests_as_of`. Meant for a worklist: the words are made for the days that these requests span.
    """
    days = requests.select(pl.col("received_on").min().alias("first"), pl.col("due_on").max().alias("last"))
    first, last = days.collect(engine="in-memory").row(0)
    first = first or question.period.first_day
    explained = add_due_dates(
        requests.select(DATES),
        _laws_of(requests, question),
        promised_days=question.policy.requests.promised_days,
        first_day=first,
        last_day=max(last or first, question.period.last_day) + timedelta(days=45),
        explain=True,
    )
    return requests.join(explained.select("request_id", "due_explanation"), on="request_id", how="left")
