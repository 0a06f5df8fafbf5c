"""Exact statistics of durations from a table of (microseconds, how many): medians, means, Kaplan-Meier percentiles."""

from __future__ import annotations

import polars as pl

DAY = 86_400_000_000
HOUR = 3_600_000_000
TOLERANCE = 1e-9
NORMAL_95 = 1.959963984540054


def median_by(rows: pl.DataFrame, groups: list[str], duration: str, unit: int, name: str) -> pl.DataFrame:
    """Return per group the median of `duration` (integer microseconds, weighted by `len`) in `unit`.

    Of an even number, the mean of the middle two. Rows with a null duration do not count.
    """
    told = (
        rows.filter(pl.col(duration).is_not_null()).group_by(*groups, duration).agg(pl.col("len").sum().cast(pl.Int64))
    )
    ordered = told.sort(*groups, duration).with_columns(
        pl.col("len").cum_sum().over(groups).alias("through"), pl.col("len").sum().over(groups).alias("total")
    )
    before = pl.col("through") - pl.col("len")
    middles = [
        pl.col(duration).filter((before <= at) & (at < pl.col("through"))).first()
        for at in ((pl.col("total") - 1) // 2, pl.col("total") // 2)
    ]
    return ordered.group_by(groups).agg(((middles[0] + middles[1]) / (2 * unit)).alias(name))


def mean_by(rows: pl.DataFrame, groups: list[str], duration: str, unit: int, name: str) -> pl.DataFrame:
    """Return per group the mean of `duration` in `unit`: an integer sum over how many."""
    told = rows.filter(pl.col(duration).is_not_null())
    total = (pl.col(duration) * pl.col("len").cast(pl.Int64)).sum()
    return told.group_by(groups).agg((total / (pl.col("len").sum().cast(pl.Int64) * unit)).alias(name))


def survival_curve(rows: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """Return the Kaplan-Meier curve per group: net (microseconds), at_risk, events, survival after that instant, band.

    rows: groups, `net`, `is_event` (else censored), `len`. At a tie events come before censorings. Source: Kaplan and
    Meier, Nonparametric estimation from incomplete observations, JASA 53 (1958). `lower` and `upper` bound the curve at
    95 %: Greenwood's variance on the log(-log) scale; at survival 0 or 1 the bounds are the curve itself.
    """
    weight = pl.col("len").cast(pl.Int64)
    told = rows.group_by(*groups, "net").agg(
        weight.filter("is_event").sum().alias("events"), weight.sum().alias("leaving")
    )
    ordered = told.sort(*groups, "net")
    at_risk = pl.col("leaving").sum().over(groups) - pl.col("leaving").cum_sum().over(groups) + pl.col("leaving")
    events, risk = pl.col("events"), pl.col("at_risk")
    curve = ordered.with_columns(at_risk.alias("at_risk")).with_columns(
        (1 - events / risk).cum_prod().over(groups).alias("survival"),
        pl.when(risk > events)
        .then(events / (risk * (risk - events)))
        .otherwise(0.0)
        .cum_sum()
        .over(groups)
        .alias("_g"),
    )
    return curve.with_columns(*_band()).drop("_g")


def _band() -> list[pl.Expr]:
    survival = pl.col("survival")
    log = survival.log()
    spread = NORMAL_95 * pl.col("_g").sqrt() / log
    inside = (survival > TOLERANCE) & (survival < 1 - TOLERANCE)
    bounds = {"lower": (log * (-spread).exp()).exp(), "upper": (log * spread.exp()).exp()}
    return [pl.when(inside).then(bound).otherwise(survival).alias(name) for name, bound in bounds.items()]


def percentiles_by(rows: pl.DataFrame, groups: list[str], percentiles: tuple[int, ...]) -> pl.DataFrame:
    """Return per group `p50_days`, ...: the least time at which the curve is at or below 1 - q; null where it never is."""
    curve = survival_curve(rows, groups)
    least = [
        (pl.col("net").filter(pl.col("survival") <= 1 - q / 100 + TOLERANCE).min() / DAY).alias(f"p{q}_days")
        for q in percentiles
    ]
    return curve.group_by(groups).agg(least)
