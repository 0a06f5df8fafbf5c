"""Worklists of any length: rows set aside shard by shard, on disk once they are many, and told in their order.

What lies on disk are piles: Parquet files of rows in order. In the end they are cut at the same rows, so that no stretch
between two cuts is more than memory holds with ease, and stretch after stretch is sorted.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from pledgebook.metrics.definition import Published, sort_rows
from pledgebook.workshop import Workshop

Row = tuple[Any, ...]


@dataclass(frozen=True)
class Limits:
    """How many rows are held before they go to disk, and at most sorted in the end; each which row of a pile is noted."""

    held: int = 2_000_000
    stretch: int = 500_000
    noted: int = 100
    row_group: int = 16_384


LIMITS = Limits()


class Worklist:
    """The rows of one worklist; `room` gives the folder for its piles, and is asked only when there is one."""

    def __init__(self, declared: Published, room: Callable[[], Path], limits: Limits) -> None:
        self.declared, self.limits = declared, limits
        self._room = room
        self._held: list[pl.DataFrame] = []
        self._piles: list[Path] = []
        self._noted: list[pl.DataFrame] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Set rows aside, in whatever order they are."""
        self._held.append(rows)
        if sum(each.height for each in self._held) > self.limits.held:
            self._write_pile()

    def stretches(self) -> Iterator[pl.DataFrame]:
        """Yield all rows in their order, at least one frame; once some lie on disk, each of bounded length.

        Only rows that are equal in all columns of the order are never parted.
        """
        if not self._piles:
            yield self._take_held()
            return
        self._write_pile()
        cuts = [None, *self._cuts(), None]
        for first, beyond in pairwise(cuts):
            yield self._stretch(first, beyond)

    def _take_held(self) -> pl.DataFrame:
        held, self._held = self._held, []
        return sort_rows(pl.concat(held), self.declared.order)

    def _write_pile(self) -> None:
        """Every so many rows one is noted: where all are in order, these tell how many lie between any two of them."""
        if not self._held:
            return
        rows = self._take_held()
        pile = self._room() / f"{self.declared.name}-{len(self._piles):05}.parquet"
        rows.write_parquet(pile, compression="lz4", row_group_size=self.limits.row_group)
        self._piles.append(pile)
        noted = rows.select(self.declared.order).gather_every(self.limits.noted)
        # Texts are copied: else the few that are noted hold on to those of all rows.
        self._noted.append(noted.with_columns(pl.col(pl.String) + ""))

    def _cuts(self) -> list[Row]:
        """The rows at which a stretch begins, but for the first.

        Between two of them each pile may hold up to `noted` - 1 rows more than its notes tell.
        """
        beside = len(self._piles) * (self.limits.noted - 1)
        most = max(1, (self.limits.stretch - beside) // self.limits.noted)
        noted = sort_rows(pl.concat(self._noted), self.declared.order)
        return noted.gather_every(most, offset=most).unique(maintain_order=True).rows()

    def _stretch(self, first: Row | None, beyond: Row | None) -> pl.DataFrame:
        order, sought = self.declared.order, pl.col(self.declared.order[0])
        rows = pl.scan_parquet(self._piles, glob=False)
        # What the first column alone says is said as well: by it whole groups of rows are passed over unread.
        if first is not None:
            later = pl.lit(value=False) if first[0] is None else sought >= first[0]
            rows = rows.filter(~_precedes(order, first) & (sought.is_null() | later))
        if beyond is not None:
            rows = rows.filter(_precedes(order, beyond) & (True if beyond[0] is None else sought <= beyond[0]))
        return sort_rows(rows.collect(engine="in-memory"), order)


def _precedes(order: Sequence[str], cut: Row) -> pl.Expr:
    """Whether a row stands before another, whose values of the order's columns are given."""
    column, value = pl.col(order[0]), cut[0]
    if value is None:
        earlier, same = column.is_not_null(), column.is_null()
    else:
        earlier, same = [each.fill_null(value=False) for each in (column < value, column == value)]
    return earlier | (same & _precedes(order[1:], cut[1:])) if order[1:] else earlier


def are_same_rows(left: pl.LazyFrame, right: pl.LazyFrame) -> bool:
    """Return whether two frames hold the same rows in the same order, by a hash of 64 bits: neither is held in memory."""
    return left.collect_schema() == right.collect_schema() and _digest(left) == _digest(right)


def _digest(rows: pl.LazyFrame) -> tuple[int | None, ...]:
    told = rows.with_row_index("_place").select(pl.struct(pl.all()).hash().bitwise_xor(), rows=pl.len())
    return told.collect(engine="streaming").row(0)


class Aside:
    """Sets the rows of worklists aside, to be told in order; the piles are gone when it is left.

    They lie in a workshop, on this machine also where the stores do not; few rows need none.
    """

    def __init__(self, worklists: Iterable[Published], stores: Path) -> None:
        self._open, self._stores = ExitStack(), stores
        self._workshop: Path | None = None
        self.worklists = {each.name: Worklist(each, self._room, LIMITS) for each in worklists}

    def __enter__(self) -> Aside:
        return self

    def __exit__(self, *_: object) -> None:
        self.worklists = {}  # which know this one in turn
        self._open.close()

    def add(self, name: str, rows: pl.DataFrame) -> None:
        """Set rows of a worklist aside."""
        self.worklists[name].add(rows)

    def _room(self) -> Path:
        if self._workshop is None:
            self._workshop = self._open.enter_context(Workshop(self._stores))
        return self._workshop
