"""How requests end: the chance of each outcome by a given time, where one outcome shuts out the others."""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.definition import Column, Published
from pledgebook.metrics.durations import DAY

GROUPS = ["regime", "kind"]


def outcome_incidence(durations: pl.DataFrame) -> pl.DataFrame:
    """Return `request_outcomes`: per regime, kind and outcome the share closed so by each time, net of pauses.

    durations: regime, kind, net (microseconds), end (an outcome, `outcome_unknown`, or `open`: censored), len. Source:
    Aalen and Johansen, An empirical transition matrix, Scandinavian Journal of Statistics 5 (1978).
    """
    weight = pl.col("len").cast(pl.Int64)
    closed = pl.col("end") != "open"
    moments = durations.group_by(*GROUPS, "net").agg(
        weight.filter(closed).sum().alias("closed"), weight.sum().alias("n")
    )
    ordered = moments.sort(*GROUPS, "net")
    at_risk = pl.col("n").sum().over(GROUPS) - pl.col("n").cum_sum().over(GROUPS) + pl.col("n")
    ordered = ordered.with_columns(at_risk.alias("at_risk")).with_columns(
        (1 - pl.col("closed") / pl.col("at_risk")).cum_prod().over(GROUPS).alias("waiting")
    )
    ordered = ordered.with_columns(pl.col("waiting").shift(1).over(GROUPS).fill_null(1.0).alias("before"))
    ends = durations.filter(closed).group_by(*GROUPS, "net", "end").agg(weight.sum().alias("ended"))
    steps = ends.join(ordered.select(*GROUPS, "net", "at_risk", "before"), on=[*GROUPS, "net"])
    share = (pl.col("before") * pl.col("ended") / pl.col("at_risk")).cum_sum().over(*GROUPS, "end")
    told = steps.sort(*GROUPS, "end", "net").with_columns(share.alias("share"), (pl.col("net") / DAY).alias("days"))
    return told.rename({"end": "outcome", "ended": "requests"}).select(*GROUPS, "outcome", "days", "requests", "share")


PUBLISHED = Published(
    "request_outcomes",
    "one row per regime, kind, outcome and time at which a request ended so",
    ("regime", "kind", "outcome", "days"),
    (
        Column("requests", "requests that ended so at that time"),
        Column("share", "chance of having ended so by then, other outcomes shut out (Aalen-Johansen)", "ratio"),
    ),
    needs=("requests",),
    inputs=("requests",),
)
