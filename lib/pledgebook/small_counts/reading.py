"""Counts as people read them."""

from __future__ import annotations

import polars as pl

from pledgebook.small_counts.rules import AT_LEAST, LARGEST_HIDDEN, SECONDARY, SUPPRESSED

SMALL, OTHER = f"[1-{LARGEST_HIDDEN}]", "hidden"


def readable(table: pl.DataFrame) -> pl.DataFrame:
    """Return a table of `hide_small_counts`, or the scorecard of it, with its counts as text and without the marks.

    A count from 1 to 7 reads `[1-7]`, one hidden for its sake `hidden`, a total with hidden parts `at least N`. Null:
    there is no figure. Groups, labels, ratios and durations are as they were.
    """
    names = set(table.columns)
    counts = [name for name in table.columns if name + SUPPRESSED in names]
    marks = {name + end for name in counts for end in (SUPPRESSED, SECONDARY, AT_LEAST)}
    told = table.with_columns(_said(name, names).alias(name) for name in counts)
    return told.select(name for name in table.columns if name not in marks)


def _said(name: str, names: set[str]) -> pl.Expr:
    number = pl.col(name)
    whole = number.cast(pl.Int64, strict=False)
    plain = pl.when(number == whole).then(whole.cast(pl.String)).otherwise(number.cast(pl.String))
    marked = {end: pl.col(name + end) if name + end in names else pl.lit(value=False) for end in (SECONDARY, AT_LEAST)}
    return (
        pl.when(marked[SECONDARY]).then(pl.lit(OTHER))
        .when(pl.col(name + SUPPRESSED)).then(pl.lit(SMALL))
        .when(marked[AT_LEAST]).then(pl.concat_str(pl.lit("at least "), plain))
        .otherwise(plain)
    )  # fmt: skip
