"""Random columns: instants in order, people by their number, labels by their shares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import numpy as np
import polars as pl

DAY = 86_400_000
JAPAN = 9 * 3_600_000

Draws = np.random.Generator
Numbers = np.ndarray
Shares = Mapping[str, float]


@dataclass(frozen=True)
class Span:
    """One block of a table: its first row and the row after its last, of how many, in a world of so many people."""

    first: int
    last: int
    rows: int
    people: int

    def __len__(self) -> int:
        return self.last - self.first

    def instants(self, draws: Draws, start: date, end: date) -> Numbers:
        """Sorted milliseconds in this block's part of `[start, end)`, as a log is written."""
        began, ended = midnight(start), midnight(end)
        share = np.sort(draws.random(len(self)))
        return (began + (ended - began) * (self.first + share * len(self)) / self.rows).astype(np.int64)

    def persons(self, draws: Draws) -> Numbers:
        """People by number, some far more active than others."""
        return (self.people * draws.random(len(self)) ** 1.2).astype(np.int64)


def midnight(day: date) -> int:
    """Milliseconds since 1970 at which a day begins in Japan."""
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() * 1000) - JAPAN


def instants(milliseconds: Numbers, known: Numbers | None = None) -> pl.Series:
    """Instants in UTC; null where they are not known."""
    told = pl.Series(milliseconds.astype(np.int64) * 1000).cast(pl.Datetime("us", "UTC"))
    return told if known is None else where(told, known)


def where(values: pl.Series, known: Numbers) -> pl.Series:
    """The values where they are known, else null."""
    return pl.select(pl.when(pl.Series(known)).then(values)).to_series()


def ids(prefix: str, numbers: Numbers, digits: int) -> pl.Series:
    """Numbers as ids, such as M000000000042."""
    return prefix + pl.Series(numbers).cast(pl.String).str.zfill(digits)


def chosen(draws: Draws, rows: int, shares: Shares) -> pl.Series:
    """Labels at random, the empty one as null; shares need not add up to 1."""
    bounds = np.cumsum(list(shares.values()))
    places = np.searchsorted(bounds / bounds[-1], draws.random(rows), side="right")
    return pl.Series([label or None for label in shares], dtype=pl.String).gather(places.astype(np.uint32))


def equal_shares(labels: Sequence[str]) -> Shares:
    """The same share for every label."""
    return dict.fromkeys(labels, 1.0)


def person_ids(numbers: Numbers) -> pl.Series:
    """The clear ids of people, by their number."""
    return ids("P", numbers + 1, 8)
