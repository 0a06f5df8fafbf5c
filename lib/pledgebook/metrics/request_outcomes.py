"""How requests end: the chance of each outcome by a given time, where one outcome shuts out the others."""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.definition import Column, Published
from pledgebook.metrics.durations import DAY, number_runs
from pledgebook.tables import OUTCOMES

ENDS = pl.Enum(sorted([*OUTCOMES, "outcome_unknown", "open"]))


def outcome_incidence(ordered: pl.DataFrame, moments: pl.DataFrame, group: str) -> pl.DataFrame:
    """Return per group and outcome the share closed so by each time, net of pauses: outcome, days, requests, share.

    ordered: durations in order, with end (an outcome, `outcome_unknown`, or `open`: censored); moments: how
    many of them were `closed` at each moment. Source: Aalen and Johansen, An empirical transition matrix, Scandinavian
    Journal of Statistics 5 (1978).
    """
    waiting = (1 - pl.col("closed") / pl.col("at_risk")).cum_prod().over(group)
    risks = moments.select("at_risk", group, waiting.alias("waiting")).select(
        "at_risk", pl.col("waiting").shift(1).over(group).fill_null(1.0).alias("before")
    )
    closed = ordered.filter(pl.col("end") != "open").sort(group, "end", maintain_order=True)
    closed = closed.with_columns(
        number_runs(group, "end").alias("_line"), number_runs(group, "end", "net").alias("_step")
    )
    ends = closed.group_by("_step", maintain_order=True).agg(
        pl.col(group, "end", "net", "moment", "_line").first(), pl.len().cast(pl.Int64).alias("requests")
    )
    share = (pl.col("before") * pl.col("requests") / pl.col("at_risk")).cum_sum().over("_line")
    told = ends.hstack(risks[ends["moment"]]).with_columns(share.alias("share"), (pl.col("net") / DAY).alias("days"))
    return told.select(group, pl.col("end").cast(pl.String).alias("outcome"), "days", "requests", "share")


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
