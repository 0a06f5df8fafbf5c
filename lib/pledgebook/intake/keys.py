"""Keys over all shards and files: which of them several rows share, looked for by their hashes alone."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pledgebook.intake.parts import Part, parts_in, parts_of, scan_files, scan_with_file
from pledgebook.tables import Table

CUT = 8_000_000
ALL_HASHES = 2**64
EVERYTHING = (0, ALL_HASHES - 1)
KEY = "_key"


def key_columns(table: Table) -> list[str]:
    """Columns that make a row unique: the key; of events all of them. People by the id that the row itself gave."""
    return [("own" if name == "person" else name) for name in table.key] or table.columns


def key_hash(table: Table) -> pl.Expr:
    """Return 64 bits that equal keys share; unequal ones that share them are told apart by their contents."""
    columns = key_columns(table)
    return pl.col(columns[0]).hash() if len(columns) == 1 else pl.struct(columns).hash()


@dataclass(frozen=True)
class Search:
    """A stretch of hashes in which shared keys are looked for, first and last; folders of parts, below that of all stores.

    still: parts that an earlier store had too. gone: parts that it alone had. before: files of the rows that fell there.
    """

    table: str
    added: tuple[str, ...]
    still: tuple[str, ...]
    gone: tuple[str, ...]
    before: tuple[str, ...]
    hashes: tuple[int, int]

    def has(self, column: str) -> pl.Expr:
        """Return whether a hash lies in the stretch."""
        first, last = (pl.lit(number, dtype=pl.UInt64) for number in self.hashes)
        return pl.lit(value=True) if self.hashes == EVERYTHING else pl.col(column).is_between(first, last)


@dataclass(frozen=True)
class Touched:
    """Keys that must be judged, for what they share has changed: their hashes, each once, in order.

    holding: the files of keys of parts that were there in which they are: hash, file; in no order.
    """

    hashes: pl.Series
    holding: pl.DataFrame


def searches(table: Table, parts: Sequence[Part], earlier: Sequence[Part], before: Sequence[str]) -> Iterator[Search]:
    """Yield what to look for, cut by the hashes, so that memory is bounded and cuts can be looked through side by side."""
    mine, judged = parts_of(table, parts), {part.id for part in parts_of(table, earlier)}
    ids = {part.id for part in mine}
    new = [part for part in mine if part.id not in judged]
    old = [part for part in mine if part.id in judged]
    lost = [part for part in parts_of(table, earlier) if part.id not in ids]
    added, still, gone = (tuple(part.folder for part in each) for each in (new, old, lost))
    cuts = max(1, -(-sum(part.rows_kept for part in [*new, *lost]) // CUT))
    for cut in range(cuts):
        stretch = (ALL_HASHES * cut // cuts, ALL_HASHES * (cut + 1) // cuts - 1)
        yield Search(table.name, added, still, gone, tuple(before), stretch)


def find_touched(search: Search, stores: Path) -> Touched:
    """Find the keys that further rows repeat or share with others, and those that rows which are gone shared."""
    before = key_files(parts_in(stores, search.still), stores)
    new = _hashes_in(key_files(parts_in(stores, search.added), stores), search)
    met = _met(new, before, search)
    repeated = new.filter((new == new.shift(1)).fill_null(value=False))
    lost = _lost(search, stores)
    others = lost.filter(~lost.is_in(met[KEY].implode()))
    holding = pl.concat([met, _met(others, before, search)])
    return Touched(pl.concat([repeated, lost, holding[KEY]]).unique().sort(), holding)


def _lost(search: Search, stores: Path) -> pl.Series:
    """The hashes of parts that are gone which rows that fell have: what they share is to be judged again."""
    gone = key_files(parts_in(stores, search.gone), stores) if search.before else {}
    hashes = _hashes_in(gone, search)
    if hashes.is_empty():
        return hashes
    theirs = scan_files(stores, search.before).select(KEY).filter(pl.col(KEY).is_in(hashes.implode()))
    return theirs.unique().collect(engine="streaming")[KEY]


def key_files(parts: Sequence[Part], stores: Path) -> dict[str, tuple[Part, range]]:
    """Return the files of the keys of parts, each with its part and the shards whose keys it holds."""
    return {f"{stores}/{file}": (part, shards) for part in parts for file, shards in part.keys_files().items()}


def _hashes_in(files: Collection[str], search: Search) -> pl.Series:
    """The hashes in files of keys that lie within a stretch, in order."""
    if not files:
        return pl.Series(KEY, dtype=pl.UInt64)
    told = scan_with_file(files).filter(search.has("key"))
    return told.select(pl.col("key").alias(KEY)).collect(engine="streaming")[KEY].sort()


def _met(hashes: pl.Series, files: Mapping[str, tuple[Part, range]], search: Search) -> pl.DataFrame:
    """Which hashes are in files of keys that were there, and in which of them. Rows are looked for nowhere else.

    As a filter it takes two thirds of a join's time; nor is the stretch compared where it is everything.
    """
    file = pl.Enum(list(files))
    if not files or hashes.is_empty():
        return pl.DataFrame(schema={KEY: pl.UInt64, "file": file})
    told = scan_with_file(files).filter(search.has("key") & pl.col("key").is_in(hashes.implode()))
    return told.select(pl.col("key").alias(KEY), pl.col("file").cast(file)).collect(engine="streaming")
