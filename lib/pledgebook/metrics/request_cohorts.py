"""Requests as of an instant: what had happened to each, how long it took net of pauses, and when it was due."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pledgebook.deadlines import Regimes, add_due_dates, midnight_after
from pledgebook.metrics.definition import Frames, Question
from pledgebook.metrics.regions import asks_for_region, regions_of_people, request_regime

FACTS = (
    "request_id", "person", "kind", "regime", "region", "received_at", "acknowledged_at", "verified_at", "extended_at",
    "closed_at", "outcome", "denial_reason",
)  # fmt: skip


def requests_as_of(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return the requests received before as_of, with what had happened by then.

    One row per request: request_id, kind, regime, region (the row's, else the person's where a law asks for it),
    received_at, acknowledged_at, closed_at, verified_at, extended_at, outcome and denial_reason (null: not before as_of),
    end_at (closing, else as_of), is_open, paused (microseconds), paused_days, pauses, is_paused, net, gross
    (microseconds), due_on, due_at (null: no clock), clock, rule_id.
    """
    known = _known_requests(frames, question)
    paused = _pauses(known.lazy(), frames["request_pauses"], question).collect(engine="in-memory")
    gross = (pl.col("end_at") - pl.col("received_at")).dt.total_microseconds()
    told = known.drop("row", "person").with_columns(
        *[_at_rows(paused, name, known.height) for name in ("paused", "paused_days", "pauses")],
        _at_rows(paused, "is_paused", known.height) & known["is_open"],
        gross.alias("gross"),
        question.local_date("received_at").alias("received_on"),
        question.local_date("verified_at").alias("verified_on"),
        question.local_date("extended_at").alias("extended_on"),
    )
    return _with_due_instants(told.with_columns((gross - pl.col("paused")).alias("net")).lazy(), question)


def _at_rows(few: pl.DataFrame, column: str, height: int) -> pl.Series:
    """A column of the rows that `few` numbers, at their places among all; zero at others and where it is null."""
    values = few[column].fill_null(strategy="zero")
    return pl.zeros(height, values.dtype, eager=True).scatter(few["row"], values).alias(column)


def _known_requests(frames: Frames, question: Question) -> pl.DataFrame:
    received = frames["requests"].filter(pl.col("received_at") < question.as_of).select(FACTS)
    asked = received.collect(engine="in-memory").with_row_index("row")
    located = _with_regions(asked, frames, question).lazy()
    known = located.with_columns(
        pl.col("kind").cast(pl.String),
        request_regime(located, question).alias("regime"),
        *[question.known(name).alias(name) for name in ("acknowledged_at", "verified_at", "extended_at", "closed_at")],
    )
    return known.with_columns(
        pl.col("closed_at").is_null().alias("is_open"),
        pl.col("closed_at").fill_null(question.as_of).alias("end_at"),
        pl.when(pl.col("closed_at").is_not_null()).then(pl.col("outcome").cast(pl.String)).alias("outcome"),
    ).collect(engine="in-memory")


def _with_regions(asked: pl.DataFrame, frames: Frames, question: Question) -> pl.DataFrame:
    """The requests, in their order, with the person's region where they name none and a law asks for it."""
    wanted = asked.filter(pl.col("region").is_null(), asks_for_region(question)).select("row", "person")
    if wanted.is_empty():
        return asked
    people = regions_of_people(frames, question).join(wanted.lazy(), on="person").select("row", "person_region")
    found = people.collect(engine="streaming")
    return asked.with_columns(asked["region"].scatter(found["row"], found["person_region"]))


def _pauses(requests: pl.LazyFrame, pauses: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Pauses clipped to the request, merged where they overlap or touch, each cut to `max_pause_days`.

    One row per paused request: row (its number), paused (microseconds), paused_days, pauses, is_paused.
    """
    begun = pauses.filter(pl.col("paused_at") < question.as_of).select(
        "request_id", "paused_at", question.known("resumed_at").alias("resumed_at")
    )
    mine = begun.join(requests.select("request_id", "row", "received_at", "end_at"), on="request_id")
    clipped = mine.select(
        "row",
        pl.max_horizontal("paused_at", "received_at").alias("from_at"),
        pl.min_horizontal(pl.col("resumed_at").fill_null(pl.col("end_at")), "end_at").alias("to_at"),
    )
    running = mine.group_by("row").agg(pl.col("resumed_at").is_null().any().alias("is_paused"))
    merged = _merge(clipped.filter(pl.col("from_at") < pl.col("to_at")))
    longest = question.policy.requests.max_pause_days
    if longest is not None:
        cut = pl.min_horizontal("to_at", pl.col("from_at") + timedelta(days=longest))
        merged = merged.with_columns(cut.alias("to_at"))
    days = question.local_date("to_at") - question.local_date("from_at")
    summed = merged.group_by("row").agg(
        (pl.col("to_at") - pl.col("from_at")).dt.total_microseconds().sum().alias("paused"),
        days.dt.total_days().sum().alias("paused_days"),
        pl.len().cast(pl.Int64).alias("pauses"),
    )
    return running.join(summed, on="row", how="left")


def _merge(clipped: pl.LazyFrame) -> pl.LazyFrame:
    # an instant behind the number of its request is one number, so that no window is opened per request
    begins, ends = (pl.col("row").cast(pl.Int128) * 2**64 + pl.col(at).cast(pl.Int64) for at in ("from_at", "to_at"))
    ordered = clipped.with_columns(begins.alias("_begins")).sort("_begins")
    is_apart = (pl.col("_begins") > ends.cum_max().shift(1)).fill_null(value=True)
    numbered = ordered.with_columns(is_apart.cum_sum().set_sorted().alias("_span"))
    return numbered.group_by("_span").agg(pl.col("row", "from_at").first(), pl.col("to_at").max())


def _with_due_instants(requests: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Add due_on and due_at, the local midnight after it."""
    promised = question.policy.requests.promised_days
    due = add_due_dates(requests, _laws_of(requests, question), promised_days=promised).collect(engine="in-memory")
    return due.with_columns(midnight_after(due["due_on"], question.timezone).alias("due_at")).lazy()


def _laws_of(requests: pl.LazyFrame, question: Question) -> Regimes:
    """The laws that these requests fall under: calendars are made for no others."""
    named = requests.select(pl.col("regime").unique()).collect(engine="in-memory")
    return question.regimes.only(named["regime"].to_list())


DATES = ("request_id", "kind", "regime", "region", "received_on", "verified_on", "extended_on", "paused_days", "pauses")


def with_explanations(requests: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Return the requests with `due_explanation`: in one sentence how each due date came about.

    requests: rows of `requests_as_of`. Meant for a worklist: the words are made for the days that these requests span.
    """
    requests = requests.collect(engine="in-memory").lazy()
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
