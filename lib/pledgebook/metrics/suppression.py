"""Suppression after an opt-out: which sending systems in use list the person, since when, and who is excused."""

from __future__ import annotations

import polars as pl

from pledgebook.consent import CHANNEL
from pledgebook.metrics.definition import Frames, Question

OPT_OUT = ["person", "channel", "at"]


def suppression(opted: pl.DataFrame, answers: pl.LazyFrame, frames: Frames, question: Question) -> pl.DataFrame:
    """Per opt-out with a pair to suppress: opt_out, is_unsuppressed, wait (microseconds, null unless all are suppressed).

    opted: one row per opt-out: opt_out (its number), person, channel, at.
    """
    due = opted.join(_pairs_of(question), on="channel").with_row_index("pair")
    told = due.join(_first_entries(due, frames, question), on="pair", how="left")
    unlisted = told.filter(pl.col("added_at").is_null())
    left = unlisted.join(_excused(unlisted, answers), on="pair", how="anti")
    wait = (pl.col("added_at").max() - pl.col("at").first()).dt.total_microseconds().clip(lower_bound=0)
    is_open = pl.col("opt_out").is_in(unlisted["opt_out"].implode())
    waits = told.filter(~is_open).group_by("opt_out").agg(wait.alias("wait"))
    return opted.select("opt_out", is_unsuppressed=pl.col("opt_out").is_in(left["opt_out"].implode())).join(
        waits, on="opt_out", how="left"
    )


def _pairs_of(question: Question) -> pl.DataFrame:
    """The pairs that an opt-out of each channel covers: channel, system, carried_on."""
    pairs = question.facts["pairs"].select("system", pl.col("channel").cast(CHANNEL).alias("carried_on"))
    every = pairs.with_columns(pl.lit("any", dtype=CHANNEL).alias("channel"))
    own = pairs.filter(pl.col("carried_on") != "any").with_columns(pl.col("carried_on").alias("channel"))
    return pl.concat([every, own])


def _first_entries(due: pl.DataFrame, frames: Frames, question: Question) -> pl.DataFrame:
    """The earliest entry that stands at as_of, of each pair that has one: pair, added_at."""
    removed = question.known("removed_at")
    entries = (
        frames["suppressions"]
        .filter((pl.col("added_at") < question.as_of) & removed.is_null())
        .select(
            "person",
            pl.col("system").alias("listed_by"),
            pl.col("channel").cast(CHANNEL).alias("listed_on"),
            "added_at",
        )
    )
    found = (
        due.lazy().join(entries, on="person").filter(_covers("listed_on") & (pl.col("listed_by") == pl.col("system")))
    )
    return found.group_by("pair").agg(pl.col("added_at").min()).collect(engine="streaming")


def _excused(unlisted: pl.DataFrame, answers: pl.LazyFrame) -> pl.DataFrame:
    """The pairs on whose channel the person has said yes since: pair."""
    people = unlisted["person"].unique().implode()
    grants = answers.filter((pl.col("action") == "grant") & pl.col("person").is_in(people))
    last = grants.group_by("person", pl.col("channel").alias("granted_on")).agg(pl.col("at").max().alias("granted_at"))
    since = (
        unlisted.lazy().join(last, on="person").filter(_covers("granted_on") & (pl.col("granted_at") > pl.col("at")))
    )
    return since.select("pair").unique().collect(engine="in-memory")


def _covers(channel: str) -> pl.Expr:
    """Whether what was said on a channel holds for the channel that a pair is carried on."""
    return (pl.col(channel) == "any") | (pl.col(channel) == pl.col("carried_on"))
