"""Further ids: whose each one is by an intake's identities, and which parts earlier identities named in the same way."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np
import polars as pl

from pledgebook.intake.fallen import fallen_now
from pledgebook.intake.parts import Part, parts_in, persons_files, scan_files, scan_with_file
from pledgebook.tables import TABLES, Table

IDENTITIES = "identities"
WHOSE = pl.Schema({"id": pl.UInt64, "person": pl.UInt64, "person_guard": pl.UInt64})


def is_shaped_by_identities(table: Table) -> bool:
    """Return whether other identities may give rows of a table to other people."""
    return "person" in table.columns and table.name != IDENTITIES


class Naming:
    """Gives rows of a further id to the person it belongs to, and knows of which further ids there were rows.

    identities: as of `identities_in`; None while identities are read themselves.
    """

    def __init__(self, table: Table, identities: pl.DataFrame | None) -> None:
        self.table = table
        self._whose = WHOSE.to_frame() if identities is None or not is_shaped_by_identities(table) else identities
        self._is_met = np.zeros(self._whose.height, dtype=bool)

    def name_people(self, rows: pl.DataFrame) -> pl.DataFrame:
        """Return the rows with the person of each, one hop; `own` keeps the id's own pseudonym in `people`."""
        if self.table.name == "people":
            rows = rows.with_columns(pl.col("person").alias("own"))
        if self._whose.is_empty() or rows.is_empty():
            return rows
        place = self._whose["id"].search_sorted(rows["person"]).clip(0, self._whose.height - 1)
        found = self._whose[place]
        known = found["id"] == rows["person"]
        self._is_met[place.filter(known).to_numpy()] = True
        return rows.with_columns(
            found[name].zip_with(known, rows[name]).alias(name) for name in ("person", "person_guard")
        )

    def met(self) -> pl.DataFrame:
        """Return the further ids under which rows came: id."""
        return self._whose.select("id").filter(pl.Series(self._is_met))


@lru_cache(maxsize=2)
def identities_in(stores: Path, folders: tuple[str, ...]) -> pl.DataFrame:
    """Return whose every further id is, of the parts in these folders, sorted by it: id, person, person_guard."""
    parts = parts_in(stores, folders)
    files = [part.rows_file(cut) for part in parts for cut in part.cuts]
    if not files:
        return WHOSE.to_frame()
    fallen = fallen_now(TABLES[IDENTITIES], parts, stores).lazy()
    standing = scan_files(stores, files).join(fallen, on=["source", "source_row"], how="anti")
    return standing.select(WHOSE.names()).sort("id").collect()


def mark_of(identities: pl.DataFrame | None) -> str:
    """Return what other identities would not be marked with; nothing where there are none."""
    return "" if identities is None else hashlib.sha256(identities.hash_rows().to_numpy().tobytes()).hexdigest()


def named_alike(parts: Sequence[Part], then: pl.DataFrame, now: pl.DataFrame, stores: Path) -> list[Part]:
    """Return the parts, made by the identities of `then`, which those of `now` would give the same people in every row.

    Rows of an id that nobody knew lie under the id itself, and of those that were known a part says which it met.
    """
    left = then.join(now, on=WHOSE.names(), how="anti").select("id")
    came = now.join(then, on="id", how="anti").select(person="id")
    persons = {file: part for part in parts for shard in part.shards() for file in persons_files([part], shard)}
    further = {part.further_ids_file: part for part in parts if part.further_ids}
    otherwise = {*_holding(further, left, stores), *_holding(persons, came, stores)}
    return [part for part in parts if part.id not in otherwise]


def _holding(files: Mapping[str, Part], ids: pl.DataFrame, stores: Path) -> set[str]:
    """The parts of files in whose column of ids one of these is found."""
    if ids.is_empty() or not files:
        return set()
    by_path = {f"{stores}/{file}": part.id for file, part in files.items()}
    (column,) = ids.columns
    met = scan_with_file(by_path).filter(pl.col(column).is_in(ids[column].implode())).select("file").unique()
    return {by_path[file] for file in met.collect(engine="streaming")["file"]}
