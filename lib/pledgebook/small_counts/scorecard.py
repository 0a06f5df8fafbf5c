"""The scorecard as the public may see it: the figures by the rules of the tables, the verdicts as they are."""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.catalogue import METRICS, STILL_TO_COME
from pledgebook.small_counts.durations import UNITS
from pledgebook.small_counts.rules import FEWEST_CASES, SECONDARY, SUPPRESSED, is_small, rounded

FIGURE = r"^\s*(\w+)\s*\[.*\]\s*\.\s*(\w+)\s*$"
UNTOLD = {
    r"\d+ of \d+ rows of its tables are": "rows of its tables are",
    r"^\d+ rows in quarantine": "rows in quarantine",
    r"\d+ rows where \S+ are usual": "far fewer rows than usual",
}


def hide_small_counts_in_scorecard(scorecard: pl.DataFrame) -> pl.DataFrame:
    """Return the exact scorecard as the public may see it: one row per promise, in the same order, verdicts untouched.

    Behind numerator, denominator and value stands `_is_suppressed`, behind numerator and value `_is_secondary` too
    (hidden, though not from 1 to 7); both speak of counts. A numerator from 1 to 7, or short of its denominator by 1 to
    7, is hidden, and its value with it. A ratio is that of the rounded counts, a duration of under 20 cases is null.
    `previous_value` is expected from the public scorecard of the period before: a count in it is hidden or rounded all
    the same, a ratio is left as it is. Counts of rows are taken out of the reasons.
    """
    marked = scorecard.with_columns(_unit().alias("_unit")).with_columns(*_marks(), _duration())
    counted = marked.with_columns(
        pl.when(~pl.col(name + SUPPRESSED)).then(rounded(pl.col(name))).alias(name)
        for name in ("numerator", "denominator")
    )
    told = counted.with_columns(_value(), _previous_value(), _reason())
    order = [name + end for name in scorecard.columns for end in ("", SUPPRESSED, SECONDARY)]
    return told.select(name for name in order if name in told.columns)


def _units() -> dict[str, str]:
    """The unit of every figure, by `table.column`."""
    tables = [*(table for metric in METRICS.values() for table in metric.tables), *STILL_TO_COME.values()]
    return {f"{table.name}.{column.name}": column.unit for table in tables for column in table.columns}


def _unit() -> pl.Expr:
    """The unit of a row's figure, null where the figure is none that the catalogue knows."""
    cell = pl.concat_str(pl.col("figure").str.extract(FIGURE, 1), pl.lit("."), pl.col("figure").str.extract(FIGURE, 2))
    return cell.replace_strict(_units(), default=None, return_dtype=pl.String)


def _duration() -> pl.Expr:
    return (
        pl.when(pl.col("_unit").is_in(UNITS) & (pl.col("denominator") >= FEWEST_CASES)).then("value").alias("_duration")
    )


def _marks() -> list[pl.Expr]:
    numerator, denominator = pl.col("numerator"), pl.col("denominator")
    small = is_small(numerator).fill_null(value=False)
    hidden = small | is_small(denominator - numerator).fill_null(value=False)
    is_count = (pl.col("_unit") == "count").fill_null(value=False)
    return [
        hidden.alias("numerator" + SUPPRESSED),
        (hidden & ~small).alias("numerator" + SECONDARY),
        is_small(denominator).fill_null(value=False).alias("denominator" + SUPPRESSED),
        (is_count & hidden).alias("value" + SUPPRESSED),
        (is_count & hidden & ~small).alias("value" + SECONDARY),
    ]


def _value() -> pl.Expr:
    """From the published numerator and denominator; a unit that is not known has no public value."""
    numerator, denominator = pl.col("numerator"), pl.col("denominator")
    return (
        pl.when(pl.col("_unit") == "count").then(numerator)
        .when((pl.col("_unit") == "ratio") & (denominator > 0)).then(numerator / denominator)
        .otherwise("_duration")
        .alias("value")
    )  # fmt: skip


def _previous_value() -> pl.Expr:
    value = pl.col("previous_value")
    count = pl.when(~is_small(value)).then(rounded(value))
    return pl.when(pl.col("_unit") == "count").then(count).otherwise(value).alias("previous_value")


def _reason() -> pl.Expr:
    """The reason in words; what the policy itself gives as reason (where there is no figure) is left as it is."""
    told = pl.col("reason")
    for numbers, words in UNTOLD.items():
        told = told.str.replace(numbers, words)
    return pl.when(pl.col("figure").is_null()).then("reason").otherwise(told).alias("reason")
