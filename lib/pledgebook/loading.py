"""Loading: what gives a metric its frames, a few shards at a time, only the months and purposes it asks about."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pledgebook.metrics.definition import Frames, Metric, Question
from pledgebook.period import month_of
from pledgebook.store import STATES, Store
from pledgebook.tables import TABLES

ROWS_AT_ONCE = 1_500_000
ROWS_AT_A_WORKER = 500_000


class Loader:
    """Gives a metric the frames of a few shards as of one; small enough to be sent to another process."""

    def __init__(self, store: Store, metric: Metric, shards: Sequence[int], question: Question) -> None:
        self.store, self.frames, self.shards = store, metric.frames, list(shards)
        self.since = question.period.start
        self.until = max(question.as_of, question.period.end)
        self.purposes = None if metric.purposes is None else metric.purposes(question.policy)

    def __call__(self) -> Frames:
        """Return the frames; tables cut by month only from the period's start on."""
        by_month = {*STATES, *(name for name, table in TABLES.items() if table.by_month)}
        return {
            name: self.store.scan(
                name,
                self.shards if name not in TABLES or TABLES[name].in_shards else 0,
                start=self.since if name in by_month else None,
                end=self.until if name in by_month else None,
                purposes=self.purposes,
            )
            for name in self.frames
        }


def loaders_of(store: Store, metric: Metric, question: Question, *, at_workers: bool = False) -> list[Loader]:
    """Return what gives a metric all shards, a few at a time: so many that memory holds their rows with ease.

    Shards hold different people, so that several of them are as good as one. Workers are given fewer rows at once, so
    that each has some to do.
    """
    most = ROWS_AT_A_WORKER if at_workers else ROWS_AT_ONCE
    first, last = month_of(question.period.start), month_of(max(question.as_of, question.period.end))
    asked = pl.col("table").is_in(list(metric.frames)) & (
        (pl.col("month") == "all") | pl.col("month").is_between(pl.lit(first), pl.lit(last))
    )
    told = store.catalogue.filter(asked).group_by("shard").agg(pl.col("rows").sum())
    rows = dict(told.iter_rows())
    groups: list[list[int]] = []
    held = most
    for shard in range(store.shards):
        more = int(rows.get(shard, 0))
        if held + more > most or not groups:
            groups.append([])
            held = 0
        groups[-1].append(shard)
        held += more
    return [Loader(store, metric, group, question) for group in groups]
