"""The catalogue of a store: which files hold the rows that stand, rewritten where some of theirs do not."""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pledgebook.intake.cutting import ROW_GROUP
from pledgebook.intake.parts import (
    Fallen,
    Part,
    is_one_of,
    kept_columns,
    parts_in,
    parts_of,
    private_folder,
    scan_files,
)
from pledgebook.intake.soundness import is_whole
from pledgebook.intake.tasks import carry_out
from pledgebook.storage import is_remote
from pledgebook.tables import TABLES, Table

CATALOGUE = pl.Schema(
    {
        "table": pl.String,
        "shard": pl.Int64,
        "month": pl.String,
        "purpose": pl.String,
        "path": pl.String,
        "rows": pl.Int64,
    }
)
Lines = list[dict[str, object]]
"""Lines of a catalogue, one a file, as `entry` gives them."""
PERSON = pl.Schema({"person": pl.UInt64()})
WHERE = pl.Schema({"_part": pl.String, "_shard": pl.UInt32, "_month": pl.String, "source_row": pl.UInt64})


@dataclass(frozen=True)
class Place:
    """Where a store is made: the folder of all stores, and below it the folder of its own files."""

    stores: Path
    own: str

    def write(self, rows: pl.DataFrame, name: str, in_group: int = ROW_GROUP) -> str:
        """Write a file of the store's own; return its path below the folder of all stores."""
        private_folder((self.stores / self.own / name).parent)
        self.put(rows, f"{self.own}/{name}", in_group)
        return f"{self.own}/{name}"

    def put(self, rows: pl.DataFrame, path: str, in_group: int = ROW_GROUP) -> None:
        """Write a file below the folder of all stores: there whole or not at all, whoever else makes the same.

        A worker that was given up may still be at it when another has finished. An object at an address is whole anyhow.
        """
        file = self.stores / path
        if is_remote(file):
            write_rows(rows, file, in_group)
            return
        swap = self.stores / self.own / f"swap-{uuid.uuid4().hex}.parquet"
        write_rows(rows, swap, in_group)
        swap.replace(file)


def write_rows(rows: pl.DataFrame, file: Path, in_group: int = ROW_GROUP) -> None:
    """Write rows as stores keep them."""
    rows.write_parquet(str(file), compression="lz4", row_group_size=in_group)


def runs(rows: pl.DataFrame, of: pl.Series) -> Iterator[tuple[Any, pl.DataFrame]]:
    """Yield each run of rows that `of` says the same of, with what it says: slices, so that memory holds none twice."""
    start = 0
    for length, told in of.rle().struct.unnest().iter_rows():
        yield told, rows.slice(start, length)
        start += length


def entry(table: str, shard: int, path: str, rows: int, *, month: str = "all", purpose: str = "") -> dict[str, object]:
    """Return one line of the catalogue: a file of one shard, of one month or purpose where the table is cut so."""
    return {"table": table, "shard": shard, "month": month, "purpose": purpose, "path": path, "rows": rows}


def as_catalogue(entries: Lines) -> pl.DataFrame:
    """Return lines of the catalogue as a frame, sorted."""
    return pl.DataFrame(entries, schema=CATALOGUE).sort("table", "shard", "month", "purpose", "path")


def files_of(catalogue: pl.DataFrame, table: str, shard: int | None = None) -> list[str]:
    """Return the files that hold a table, or a shard of it."""
    mine = pl.col("table") == table
    return catalogue.filter(mine if shard is None else mine & (pl.col("shard") == shard))["path"].to_list()


def scan_table(catalogue: pl.DataFrame, table: Table, shard: int | None, stores: Path) -> pl.LazyFrame:
    """Return the standing rows of a table, or of a shard of it, as the store will give them."""
    files = files_of(catalogue, table.name, shard)
    return scan_files(stores, files).select(table.stored_columns) if files else table.nothing()


def standing_files(
    parts: Sequence[Part], fallen: Fallen, place: Place, executor: Executor | None = None
) -> pl.DataFrame:
    """Return the catalogue of all rows that stand; pauses and merged people are still to be put in place."""
    where = _fell(fallen, place.stores).select("_part", "_shard", "_month").unique()
    lost = set(where.collect(engine="streaming").iter_rows())
    whole = [(part, cut) for part in parts for cut in part.cuts if (part.id, cut.shard, cut.month) not in lost]
    untouched = [entry(part.table, cut.shard, part.rows_file(cut), cut.rows, month=cut.month) for part, cut in whole]
    folders = {part.id: part.folder for part in parts}
    by_shard: dict[int, set[str]] = {}
    for name, shard, _ in lost:
        by_shard.setdefault(shard, set()).add(folders[name])
    calls = [(shard, sorted(names), fallen, place) for shard, names in by_shard.items()]
    rewritten = carry_out(_rewrite_shard, calls, executor)
    return as_catalogue([line for lines in (untouched, *rewritten) for line in lines])


def _fell(fallen: Fallen, stores: Path) -> pl.LazyFrame:
    """Where each row lies that does not stand: _part, _shard, _month, source_row."""
    tables = [scan_files(stores, files).select(*WHERE) for files in fallen.values() if files]
    return pl.concat([WHERE.to_frame().lazy(), *tables])


def _rewrite_shard(shard: int, folders: Sequence[str], fallen: Fallen, place: Place) -> Lines:
    """The lines of the files of parts in a shard from which rows fell; of one without any other row there is none."""
    told = _fell(fallen, place.stores).filter(pl.col("_shard") == shard).drop("_shard").collect(engine="streaming")
    fell = told.partition_by("_part", "_month", as_dict=True, include_key=False)
    parts = {part.id: part.only(shard) for part in parts_in(place.stores, folders)}
    lines = []
    for (name, month), rows in fell.items():
        cut = next(cut for cut in parts[name].cuts if cut.month == month)
        if left := cut.rows - rows.height:
            path = _without(parts[name].rows_file(cut), rows["source_row"], place)
            lines.append(entry(parts[name].table, shard, path, left, month=month))
    return lines


def _without(path: str, gone: pl.Series, place: Place) -> str:
    """A file of a part without the rows that fell; under a name made of them, so that stores share it."""
    mark = hashlib.sha256(gone.sort().to_numpy().tobytes()).hexdigest()[:16]
    file = f"{path.removesuffix('.parquet')}.without-{mark}.parquet"
    if not is_whole(place.stores / file):
        rows = pl.read_parquet(f"{place.stores}/{path}", hive_partitioning=False)
        kept = rows.filter(~pl.col("source_row").is_in(gone.implode()))
        place.put(kept, file)
    return file


def put_pauses_beside_requests(catalogue: pl.DataFrame, shards: int, place: Place) -> tuple[pl.DataFrame, int]:
    """Put every pause into the shard of its request's person; return the catalogue and how many lack their request.

    A pause of an unknown request lies in shard 0, with no person.
    """
    table = TABLES["request_pauses"]
    files = files_of(catalogue, table.name)
    if not files:
        return catalogue, 0
    known = scan_table(catalogue, TABLES["requests"], None, place.stores).select("request_id", "person")
    placed = scan_files(place.stores, files).join(known, on="request_id", how="left").collect(engine="streaming")
    last = shards - 1
    shard = (pl.col("person") // (2**64 // shards)).clip(0, last).fill_null(0) if last else pl.lit(0)
    cut = placed.with_columns(shard.cast(pl.UInt32).alias("_shard")).partition_by(
        "_shard", as_dict=True, include_key=False
    )
    entries = []
    for (number,), rows in sorted(cut.items()):
        ordered = rows.select(table.stored_columns).sort("person", "paused_at", "source", "source_row")
        path = place.write(ordered, f"{table.name}/shard={number}/all.parquet")
        entries.append(entry(table.name, int(number), path, ordered.height))
    others = catalogue.filter(pl.col("table") != table.name)
    return pl.concat([others, as_catalogue(entries)]), placed["person"].null_count()


def merge_people(
    catalogue: pl.DataFrame, earlier: pl.DataFrame | None, parts: Sequence[Part], shard: int, place: Place
) -> Lines:
    """Return the catalogue's lines of a shard's people, of whom identities may make several one.

    earlier: the catalogue of an earlier store; of the files that it showed too nobody was in several.
    """
    table = TABLES["people"]
    mine = (pl.col("table") == table.name) & (pl.col("shard") == shard)
    held = catalogue.filter(mine)
    if _is_each_in_one(held["path"], [] if earlier is None else earlier.filter(mine)["path"], place.stores):
        return held.to_dicts()
    rows = scan_files(place.stores, held["path"])
    order = {part.source: number for number, part in enumerate(parts_of(table, parts))}
    merged = _merged(rows.collect(), order).select(kept_columns(table))
    ordered = merged.sort("person", "opened_at", "source", "source_row")
    path = place.write(ordered, f"people/shard={shard}/all.parquet")
    return [entry(table.name, shard, path, merged.height)]


def _is_each_in_one(held: Iterable[str], before: Iterable[str], stores: Path) -> bool:
    """Whether everybody is in one row of these files; those of an earlier store are not compared with each other again."""
    known = set(before) if set(before) <= set(held) else set[str]()
    added = scan_files(stores, [file for file in held if file not in known], PERSON).select(*PERSON).collect()
    if added.n_unique() < added.height:
        return False
    again = scan_files(stores, known, PERSON).select(*PERSON).filter(is_one_of(added)).limit(1)
    return added.is_empty() or again.collect(engine="streaming").is_empty()


def _merged(rows: pl.DataFrame, order: dict[str, int]) -> pl.DataFrame:
    """Earliest opening, latest closing (none wins), kind and region of the row whose own id is the target's."""
    place = pl.col("source").replace_strict(order, return_dtype=pl.UInt32)
    ordered = rows.sort(pl.col("own") != pl.col("person"), "opened_at", place, "source_row")
    closed = pl.when(pl.col("closed_at").is_null().any()).then(None).otherwise(pl.col("closed_at").max())
    return ordered.group_by("person", maintain_order=True).agg(
        pl.col("own", "kind", "region", "source", "source_row").first(),
        pl.col("opened_at").min(),
        closed.alias("closed_at"),
    )
