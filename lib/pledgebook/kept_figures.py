"""Kept figures: a metric's tables and worklists beside the store, so that every notebook of a run shares one computation."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.intake.parts import private_folder, write_whole
from pledgebook.metrics.definition import TEXT, Parts
from pledgebook.worklists import Worklist


@dataclass(frozen=True)
class Figures:
    """A metric's tables in memory, and of each worklist how many rows each of its files below `folder` holds."""

    tables: Parts
    folder: str
    worklists: Mapping[str, Sequence[int]] = field(default_factory=dict)

    def scan(self, worklist: str) -> pl.LazyFrame:
        """Return the rows of a worklist in their order."""
        files = _files(self.folder, worklist, len(self.worklists[worklist]))
        return pl.scan_parquet(files, glob=False).with_columns(TEXT)

    def are_whole(self) -> bool:
        """Return whether all files of the worklists are there, none cut off; their rows are not read."""
        try:
            told = {name: self.scan(name).select(pl.len()).collect().item() for name in self.worklists}
        except (OSError, PolarsError):
            return False
        return told == {name: sum(rows) for name, rows in self.worklists.items()}


def read_figures(place: Path, metric: str) -> Figures | None:
    """Return what was kept of a metric in the folder `place`; None where nothing was, or it is not whole."""
    try:
        record = json.loads((place / f"{metric}.json").read_text())
        folder = f"{place}/{record['folder']}"
        tables = {name: pl.read_parquet(f"{folder}/{name}.parquet") for name in record["tables"]}
        kept = Figures(tables, folder, record["worklists"])
        return kept if kept.are_whole() else None
    except (OSError, ValueError, LookupError, TypeError, PolarsError):
        return None


def keep_figures(place: Path, metric: str, tables: Parts, worklists: Mapping[str, Worklist]) -> Figures:
    """Keep a metric's tables and worklists in the folder `place`, and return them.

    The record is written last: they are there whole or not at all, also where nothing can be renamed.
    """
    name = f"{metric}-{uuid.uuid4().hex[:12]}"
    folder = private_folder(place / name)
    for table, rows in tables.items():
        rows.write_parquet(f"{folder}/{table}.parquet", compression="lz4")
    lengths = {each: _write(worklist, folder) for each, worklist in worklists.items()}
    record = json.dumps({"folder": name, "tables": sorted(tables), "worklists": lengths})
    write_whole(place / f"{metric}.json", record.encode())
    return Figures(tables, str(folder), lengths)


def _write(worklist: Worklist, folder: Path) -> list[int]:
    name, lengths = worklist.declared.name, []
    private_folder(folder / name)
    for rows in worklist.stretches():
        lengths.append(rows.height)
        rows.write_parquet(_files(str(folder), name, len(lengths))[-1], compression="lz4")
    return lengths


def _files(folder: str, worklist: str, count: int) -> list[str]:
    return [f"{folder}/{worklist}/{number:05}.parquet" for number in range(count)]
