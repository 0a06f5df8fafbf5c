"""No statistic of durations from few cases: medians, means, percentiles, curves and distributions."""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.definition import Column, Published
from pledgebook.metrics.durations import TOLERANCE
from pledgebook.small_counts.rules import FEWEST_CASES, LARGEST_HIDDEN

UNITS = ("days", "hours")
ANSWERED = ("fulfilled", "partly_fulfilled", "denied", "unverifiable", "outcome_unknown")
DISTRIBUTIONS = {"opt_out_waits": (("channel",), "opt_outs"), "requests_open_ages": (("regime",), "requests")}
CURVE, CURVE_OF = "request_survival", ("regime", "kind")
STEPS = (0.05, 0.1, 0.2, 0.25, 0.5)


def hide_durations(table: pl.DataFrame, declared: Published) -> pl.DataFrame:
    """Return an exact table with every duration statistic null that rests on fewer than `FEWEST_CASES` cases."""
    names = set(table.columns)
    timed = [column for column in declared.columns if column.unit in UNITS and column.name in names]
    return table.with_columns(
        pl.when(_cases(column, names) >= FEWEST_CASES).then(column.name).alias(column.name) for column in timed
    )


def _cases(column: Column, names: set[str]) -> pl.Expr:
    """How many durations a statistic rests on, as closely as its row tells; null where it does not."""
    if column.name.startswith("answered_") and names.issuperset(ANSWERED):
        return pl.sum_horizontal(ANSWERED)
    if column.population not in names:
        return pl.lit(None, dtype=pl.Int64)
    unsuppressed = pl.col("not_suppressed") if column.unit == "hours" and "not_suppressed" in names else pl.lit(0)
    return pl.col(str(column.population)) - unsuppressed


def thin_distributions(table: pl.DataFrame, declared: Published) -> pl.DataFrame:
    """Return a table whose rows are durations without the rows that tell of few cases; any other table as it is.

    Such rows cannot be kept with nulls in them: each is somebody's duration, and how many there are is a count.
    """
    if declared.name == CURVE:
        return _thin_curve(table)
    if declared.name not in DISTRIBUTIONS:
        return table
    groups, count = DISTRIBUTIONS[declared.name]
    return table.filter(pl.col(count).sum().over(groups) >= FEWEST_CASES)


def _thin_curve(curve: pl.DataFrame) -> pl.DataFrame:
    """The rows at which a survival curve comes down to a step; `survival` is that step, and not the exact share.

    Exact shares would give back the counts behind them. A step is worth more cases than are ever hidden; the curve
    ends where no more than `LARGEST_HIDDEN` still wait.
    """
    cases = pl.col("at_risk").max().over(CURVE_OF)
    step = pl.coalesce(pl.when(cases * size > LARGEST_HIDDEN).then(size) for size in STEPS)
    level = ((pl.col("survival") / step - TOLERANCE).ceil()).alias("_level")
    told = curve.with_columns(cases.alias("_cases"), step.alias("_step")).with_columns(level)
    above = pl.col("_level").shift(1).over(CURVE_OF).fill_null(1 / pl.col("_step"))
    shown = (pl.col("_cases") >= FEWEST_CASES) & (pl.col("at_risk") > LARGEST_HIDDEN) & (pl.col("_level") < above)
    kept = told.filter(shown).with_columns((pl.col("_level") * pl.col("_step")).alias("survival"))
    return kept.drop("_cases", "_step", "_level")
