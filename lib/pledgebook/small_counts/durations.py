"""No statistic of durations from few cases: medians, means, percentiles, curves and distributions."""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.definition import Column, Published
from pledgebook.metrics.durations import TOLERANCE
from pledgebook.small_counts.rules import FEWEST_CASES, LARGEST_HIDDEN

UNITS = ("days", "hours")
ANSWERED = ("fulfilled", "partly_fulfilled", "denied", "unverifiable", "outcome_unknown")
RESTS_ON = {
    **dict.fromkeys(("answered_median_days", "answered_mean_days", "answered_median_gross_days"), ANSWERED),
    **dict.fromkeys(("median_days", "mean_days"), ("complied", "denied")),
}
DISTRIBUTIONS = {"opt_out_waits": (("channel",), "opt_outs"), "requests_open_ages": (("regime",), "requests")}
CURVES = {"request_survival": "survival", "request_outcomes": "share"}
CURVE_OF = ("regime", "kind")
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
    answered = RESTS_ON.get(column.name)
    if answered is not None and names.issuperset(answered):
        return pl.sum_horizontal(answered)
    if column.population not in names:
        return pl.lit(None, dtype=pl.Int64)
    unsuppressed = pl.col("not_suppressed") if column.unit == "hours" and "not_suppressed" in names else pl.lit(0)
    return pl.col(str(column.population)) - unsuppressed


def thin_distributions(table: pl.DataFrame, declared: Published) -> pl.DataFrame:
    """Return a table whose rows are durations without the rows that tell of few cases; any other table as it is.

    Such rows cannot be kept with nulls in them: each is somebody's duration, and how many there are is a count.
    """
    if declared.name == "request_survival":
        return _thin_survival(table)
    if declared.name == "request_outcomes":
        return _thin_outcomes(table)
    if declared.name not in DISTRIBUTIONS:
        return table
    groups, count = DISTRIBUTIONS[declared.name]
    return table.filter(pl.col(count).sum().over(groups) >= FEWEST_CASES)


def _thin_survival(curve: pl.DataFrame) -> pl.DataFrame:
    """The curve ends where no more than `LARGEST_HIDDEN` still wait."""
    cases = pl.col("at_risk").max().over(CURVE_OF)
    told = curve.with_columns(cases.alias("_cases"), pl.col("survival").alias("_left"))
    kept = _at_steps(told, CURVE_OF).filter(pl.col("at_risk") > LARGEST_HIDDEN)
    return kept.with_columns(pl.col("_step").alias("survival")).select(curve.columns)


def _thin_outcomes(curve: pl.DataFrame) -> pl.DataFrame:
    """A curve per outcome begins where more than `LARGEST_HIDDEN` have ended so; the cases are those of all outcomes."""
    groups = (*CURVE_OF, "outcome")
    cases, ended = pl.col("requests").sum().over(CURVE_OF), pl.col("requests").cum_sum().over(groups)
    told = curve.with_columns(cases.alias("_cases"), (1 - pl.col("share")).alias("_left"), ended.alias("_ended"))
    kept = _at_steps(told, groups).filter(pl.col("_ended") > LARGEST_HIDDEN)
    return kept.with_columns((1 - pl.col("_step")).round(2).alias("share")).select(curve.columns)


def _at_steps(curve: pl.DataFrame, groups: tuple[str, ...]) -> pl.DataFrame:
    """The rows, of at least `FEWEST_CASES` cases, at which `_left` comes down to a next `_step`.

    Exact shares would give back the counts behind them: a step stands for more cases than are ever hidden.
    """
    size = pl.coalesce(pl.when(pl.col("_cases") * step > LARGEST_HIDDEN).then(step) for step in STEPS)
    level = (pl.col("_left") / pl.col("_size") - TOLERANCE).ceil()
    told = curve.with_columns(size.alias("_size")).with_columns(level.alias("_level"))
    above = pl.col("_level").shift(1).over(groups).fill_null(1 / pl.col("_size"))
    kept = told.filter((pl.col("_cases") >= FEWEST_CASES) & (pl.col("_level") < above))
    return kept.with_columns((pl.col("_level") * pl.col("_size")).round(2).alias("_step"))
