"""Suppression after an opt-out: which sending systems in use list the person, since when, and who is excused."""

from __future__ import annotations

import polars as pl

from pledgebook.consent import CHANNEL
from pledgebook.metrics.definition import Frames, Question

OPT_OUT = ["person", "channel", "at"]


def suppression(opted: pl.LazyFrame, answers: pl.LazyFrame, frames: Frames, question: Question) -> pl.LazyFrame:
    """Per opt-out with a pair to suppress: is_unsuppressed, wait (microseconds, null unless all pairs are suppressed)."""
    due = opted.join(_pairs_of(question).lazy(), on="channel")
    told = _first_entries(due, frames, question).join(
        _last_grants(due, answers), on=[*OPT_OUT, "carried_on"], how="left"
    )
    is_open = pl.col("added_at").is_null()
    excused = (pl.col("granted_at") > pl.col("at")).fill_null(value=False)
    wait = (pl.col("added_at").max() - pl.col("at").first()).dt.total_microseconds().clip(lower_bound=0)
    return told.group_by(OPT_OUT).agg(
        (is_open & ~excused).any().alias("is_unsuppressed"), pl.when(~is_open.any()).then(wait).alias("wait")
    )


def _pairs_of(question: Question) -> pl.DataFrame:
    """The pairs that an opt-out of each channel covers: channel, system, carried_on."""
    pairs = question.facts["pairs"].select("system", pl.col("channel").cast(CHANNEL).alias("carried_on"))
    every = pairs.with_columns(pl.lit("any", dtype=CHANNEL).alias("channel"))
    own = pairs.filter(pl.col("carried_on") != "any").with_columns(pl.col("carried_on").alias("channel"))
    return pl.concat([every, own])


def _first_entries(due: pl.LazyFrame, frames: Frames, question: Question) -> pl.LazyFrame:
    """Each pair with its earliest entry that stands at as_of, null where there is none."""
    removed = question.known("removed_at")
    entries = (
        frames["suppressions"]
        .filter((pl.col("added_at") < question.as_of) & removed.is_null())
        .select("person", "system", pl.col("channel").cast(CHANNEL).alias("listed_on"), "added_at")
    )
    found = due.join(entries, on=["person", "system"]).filter(
        (pl.col("listed_on") == "any") | (pl.col("listed_on") == pl.col("carried_on"))
    )
    pair = [*OPT_OUT, "system", "carried_on"]
    return due.join(found.group_by(pair).agg(pl.col("added_at").min()), on=pair, how="left")


def _last_grants(due: pl.LazyFrame, answers: pl.LazyFrame) -> pl.LazyFrame:
    """The last grant that covers each pair's channel: person, channel, at, carried_on, granted_at."""
    pairs = due.select(*OPT_OUT, "carried_on").unique()
    grants = (
        answers.filter(pl.col("action") == "grant")
        .join(pairs.select("person").unique(), on="person", how="semi")
        .group_by("person", pl.col("channel").alias("granted_on"))
        .agg(pl.col("at").max().alias("granted_at"))
    )
    covering = pairs.join(grants, on="person").filter(
        (pl.col("granted_on") == "any") | (pl.col("granted_on") == pl.col("carried_on"))
    )
    return covering.group_by(*OPT_OUT, "carried_on").agg(pl.col("granted_at").max())
