"""Forgetting people: every file below the stores that has rows of theirs is rewritten without, or nothing changes.

The rule is about columns and not about tables: each Parquet file of a store or a part that has a column of people or
employees is looked through; messages that go are no longer tallied. Stores share files, so none is changed in place: a
new one takes its name. What is to be done is first written into a journal that only the owner can read; a forgetting
that is killed is finished by the next.
"""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.errors import InputError
from pledgebook.identity import as_series, further_ids_of, persons_of
from pledgebook.intake.asking_rows import IN_GROUP, tallies_of
from pledgebook.intake.cutting import ROW_GROUP
from pledgebook.intake.parts import write_whole
from pledgebook.message_states import tally_messages
from pledgebook.store import Store
from pledgebook.store_lock import JOURNAL, private_files

NAMING = ("person", "employee", "own", "id")
STORE_NAME = re.compile("[0-9a-f]{32}")
HITS = pl.Schema({"file": pl.String, "who": pl.UInt64, "rows": pl.Int64})


@dataclass(frozen=True)
class Held:
    """What stores hold of some people. hits: file, who, rows; stores: those that show one of these files."""

    hits: pl.DataFrame
    stores: tuple[Store, ...]

    def timezone(self, file: str) -> str:
        """Return where days are cut in the stores that show a file."""
        showing = next(store for store in self.stores if file in map(str, _files_of(store)))
        return str(showing.facts["shape"]["policy"]["timezone"])

    @cached_property
    def by_store(self) -> dict[str, dict[str, int]]:
        """Rows of each table that would go, by the fingerprint of the store."""
        return {store.folder.name: self._tables(store) for store in self.stores}

    def people(self, store: Store) -> int:
        """Return how many of the people a store holds."""
        mine = [str(file) for file in _files_of(store)]
        return self.hits.filter(pl.col("file").is_in(mine))["who"].n_unique()

    def _tables(self, store: Store) -> dict[str, int]:
        counted = self.hits.group_by("file").agg(pl.col("rows").sum())
        absolute = pl.format("{}/{}", pl.lit(str(store.folder.parent)), pl.col("path")).alias("file")
        shown = store.catalogue.select("table", absolute).join(counted, on="file")
        return dict(shown.group_by("table").agg(pl.col("rows").sum()).sort("table").iter_rows())


def stores_in(folder: Path) -> list[Store]:
    """Return the stores that lie in a folder of stores, whatever exports, policy and key they are of."""
    records = [each / "store.json" for each in _store_folders(folder)]
    told = [(file.parent, json.loads(file.read_text())) for file in records if file.is_file()]
    return [Store(each, facts) for each, facts in told if "data" in facts]


def all_names(people: Sequence[int], folder: Path) -> list[int]:
    """Return every pseudonym under which rows of these people may lie: the person, the id given, all further ids.

    Raises InputError where an id belonged to several people.
    """
    stores = stores_in(folder)
    roots = {*people, *persons_of(people, stores)}
    return sorted({*roots, *further_ids_of(roots, stores)})


def find_rows(names: Sequence[int], folder: Path) -> Held:
    """Return what all stores and parts in a folder hold under these pseudonyms."""
    found = [_look_through(files, schema, names) for schema, files in _files_with_people(folder).items()]
    hits = pl.concat([HITS.to_frame(), *found])
    held = set(hits["file"])
    return Held(hits, tuple(store for store in stores_in(folder) if held & set(map(str, _files_of(store)))))


def forget(names: Sequence[int], held: Held, folder: Path, today: date) -> None:
    """Remove what `find_rows` found, and what was computed from it; the stores' facts then count whom they forgot.

    To be called while nobody else works in the stores.
    """
    forgotten = {store.folder.name: _added(store, held.people(store), today) for store in held.stores}
    journal = {"names": list(names), "forgotten": forgotten}
    with private_files():
        write_whole(folder / JOURNAL, json.dumps(journal).encode())
    _carry_out(journal, held, folder)


def finish_forgetting(folder: Path) -> bool:
    """Finish what a killed forgetting left; return whether there was something."""
    file = folder / JOURNAL
    if not file.is_file():
        return False
    journal = json.loads(file.read_text())
    _carry_out(journal, find_rows(journal["names"], folder), folder)
    return True


def _added(store: Store, people: int, today: date) -> dict[str, Any]:
    """How many people a store will have forgotten, and on which days: no pseudonym."""
    before = store.facts.get("forgotten", {"people": 0, "on": []})
    return {"people": before["people"] + people, "on": sorted({*before["on"], today.isoformat()})}


def _carry_out(journal: dict[str, Any], held: Held, folder: Path) -> None:
    for fingerprint in journal["forgotten"]:
        shutil.rmtree(folder / fingerprint / "figures", ignore_errors=True)
    for name in held.hits["file"].unique().sort():
        _retire(Path(name), folder)
        with private_files():
            _rewrite(Path(name), journal["names"], held)
    for fingerprint, told in journal["forgotten"].items():
        _tell(folder / fingerprint / "store.json", told)
    (folder / JOURNAL).unlink()


def _retire(file: Path, folder: Path) -> None:
    """A part that lost rows goes on serving the stores that show it; none is built from it any more."""
    kind, *inner = file.relative_to(folder).parts
    if kind == "parts":
        (folder / "parts" / f"{inner[0]}.json").unlink(missing_ok=True)
        shutil.rmtree(folder.joinpath("parts", *inner[:2], "keys"), ignore_errors=True)


def _rewrite(file: Path, names: Sequence[int], held: Held) -> None:
    rows = pl.scan_parquet(file, hive_partitioning=False, glob=False)
    staying = rows.filter(~_speaks_of(_naming(rows.collect_schema()), names))
    if tallies := tallies_of(file):  # first: while the states still name them, a killed one begins again
        for table, told in tally_messages(staying, held.timezone(str(file))).items():
            _replace(tallies[table], told.lazy())
    _replace(file, staying, IN_GROUP if tallies else ROW_GROUP)


def _replace(file: Path, rows: pl.LazyFrame, in_group: int = ROW_GROUP) -> None:
    swap = file.with_name(f".{file.name}-forgetting")
    rows.sink_parquet(swap, compression="lz4", row_group_size=in_group, maintain_order=True)
    swap.replace(file)


def _tell(record: Path, forgotten: dict[str, Any]) -> None:
    """Write into a store's facts whom it forgot; the time of its last use stays."""
    if record.is_file():
        used = record.stat()
        facts = json.loads(record.read_text()) | {"forgotten": forgotten}
        write_whole(record, json.dumps(facts, ensure_ascii=False, indent=1).encode())
        os.utime(record, ns=(used.st_atime_ns, used.st_mtime_ns))


def _store_folders(folder: Path) -> list[Path]:
    return sorted(each for each in folder.glob("*") if STORE_NAME.fullmatch(each.name) and each.is_dir())


def _files_of(store: Store) -> Iterator[Path]:
    """Every file that a store shows or keeps for itself."""
    yield from store.folder.rglob("*.parquet")
    yield from (store.folder.parent / path for path in store.catalogue["path"])


def _files_with_people(folder: Path) -> dict[tuple[tuple[str, pl.DataType], ...], list[Path]]:
    """The files that have a column of people or employees, those of one schema together."""
    found: dict[tuple[tuple[str, pl.DataType], ...], list[Path]] = {}
    for place in (*_store_folders(folder), folder / "parts"):
        for file in sorted(place.rglob("*.parquet")):
            try:
                schema = pl.read_parquet_schema(file)
            except PolarsError:
                raise InputError(f"{file}: cannot be read. Remove the folder {place} and begin again.") from None
            if _naming(schema):
                found.setdefault(tuple(schema.items()), []).append(file)
    return found


def _naming(schema: dict[str, pl.DataType]) -> list[str]:
    """The columns that hold pseudonyms; an `id` of a thing is text."""
    return [name for name in NAMING if schema.get(name) == pl.UInt64]


def _look_through(files: list[Path], schema: tuple[tuple[str, pl.DataType], ...], names: Sequence[int]) -> pl.DataFrame:
    columns = _naming(dict(schema))
    rows = pl.scan_parquet(files, hive_partitioning=False, glob=False, include_file_paths="file")
    known = as_series(names).implode()
    who = pl.coalesce(pl.when(pl.col(name).is_in(known)).then(pl.col(name)) for name in columns).alias("who")
    met = rows.select("file", *columns).filter(_speaks_of(columns, names)).select("file", who)
    return met.group_by("file", "who").agg(pl.len().cast(pl.Int64).alias("rows")).collect(engine="streaming")


def _speaks_of(columns: Sequence[str], names: Sequence[int]) -> pl.Expr:
    known = as_series(names).implode()
    return pl.any_horizontal(pl.col(name).is_in(known).fill_null(value=False) for name in columns)
