"""Silence: a feed that says far less than it used to is a broken feed until proven otherwise."""

from __future__ import annotations

from datetime import timedelta

import polars as pl

from pledgebook.metrics.definition import Question

LONGEST_HISTORY = 12
SHORTEST_HISTORY = 3
LEAST_MEDIAN = 20
FLOOR = 10


def silent_feeds(feeds: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the feeds that are silent in the period: table, feed, kind, rows, usual.

    feeds: table, feed, kind (action, kind or category; empty where a table has none), date, rows. A feed is silent
    when its rows in the period's full days up to as_of are less than a tenth of the median of the stretches of equal
    length just before (up to twelve, at least three, none from before its first record), and that median is 20 or more.
    """
    days = len(question.full_days())
    start = question.period.first_day
    if days == 0 or feeds.is_empty():
        return feeds.select("table", "feed", "kind", "rows", pl.lit(None, pl.Float64).alias("usual")).clear()
    first = pl.col("date").min().over("table", "feed", "kind")
    stretch = ((pl.lit(start) - pl.col("date")).dt.total_days() - 1).floordiv(days) + 1
    available = ((pl.lit(start) - first).dt.total_days() // days).clip(0, LONGEST_HISTORY)
    told = feeds.with_columns(stretch.alias("stretch"), available.alias("available")).filter(
        pl.col("date") < start + timedelta(days=days)
    )
    counts = told.group_by("table", "feed", "kind", "stretch", "available").agg(pl.col("rows").sum())
    known = counts.select("table", "feed", "kind", "available").unique()
    grid = known.join(pl.DataFrame({"stretch": range(LONGEST_HISTORY + 1)}, schema={"stretch": pl.Int64}), how="cross")
    grid = grid.filter((pl.col("stretch") <= pl.col("available")) & (pl.col("available") >= SHORTEST_HISTORY))
    filled = grid.join(counts, on=["table", "feed", "kind", "available", "stretch"], how="left")
    return _judge(filled.with_columns(pl.col("rows").fill_null(0)))


def _judge(counted: pl.DataFrame) -> pl.DataFrame:
    now, before = pl.col("stretch") == 0, pl.col("stretch") > 0
    told = counted.group_by("table", "feed", "kind").agg(
        pl.col("rows").filter(now).sum(), pl.col("rows").filter(before).median().alias("usual")
    )
    silent = (pl.col("usual") >= LEAST_MEDIAN) & (pl.col("rows") * FLOOR < pl.col("usual"))
    return told.filter(silent).sort("table", "feed", "kind")
