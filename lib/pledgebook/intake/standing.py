"""The catalogue of a store: which files hold the rows that stand, rewritten where some of theirs do not."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pledgebook.intake.cutting import ROW_GROUP
from pledgebook.intake.parts import Part, parts_of, private_folder, scan_files
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


@dataclass(frozen=True)
class Place:
    """Where a store is made: the folder of all stores, and below it the folder of its own files."""

    stores: Path
    own: str

    def write(self, rows: pl.DataFrame, name: str) -> str:
        """Write a file of the store's own; return its path below the folder of all stores."""
        file = self.stores / self.own / name
        private_folder(file.parent)
        rows.write_parquet(file, compression="lz4", row_group_size=ROW_GROUP)
        return f"{self.own}/{name}"


def entry(table: str, shard: int, path: str, rows: int, *, month: str = "all", purpose: str = "") -> dict[str, object]:
    """Return one line of the catalogue: a file of one shard, of one month or purpose where the table is cut so."""
    return {"table": table, "shard": shard, "month": month, "purpose": purpose, "path": path, "rows": rows}


def as_catalogue(entries: list[dict[str, object]]) -> pl.DataFrame:
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


def standing_files(parts: Sequence[Part], fallen: dict[str, pl.DataFrame], place: Place) -> list[dict[str, object]]:
    """Return the catalogue's lines of all rows that stand; pauses and merged people are still to be put in place."""
    entries = []
    for table in TABLES.values():
        for part in parts_of(table, parts):
            lost = fallen[table.name].filter(pl.col("_part") == part.id).partition_by("_shard", "_month", as_dict=True)
            for cut in part.cuts:
                gone = lost.get((cut.shard, cut.month))
                path = part.rows_file(cut) if gone is None else _without(part.rows_file(cut), gone["source_row"], place)
                if rows := cut.rows - (0 if gone is None else gone.height):
                    entries.append(entry(table.name, cut.shard, path, rows, month=cut.month))
    return entries


def _without(path: str, gone: pl.Series, place: Place) -> str:
    """A file of a part without the rows that fell; under a name made of them, so that stores share it."""
    mark = hashlib.sha256(gone.sort().to_numpy().tobytes()).hexdigest()[:16]
    file = f"{path.removesuffix('.parquet')}.without-{mark}.parquet"
    if not (place.stores / file).is_file():
        rows = pl.read_parquet(place.stores / path, hive_partitioning=False)
        kept = rows.filter(~pl.col("source_row").is_in(gone.implode()))
        swap = private_folder(place.stores / place.own) / f"swap-{mark}.parquet"
        kept.write_parquet(swap, compression="lz4", row_group_size=ROW_GROUP)
        swap.replace(place.stores / file)
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


def merge_people(catalogue: pl.DataFrame, parts: Sequence[Part], place: Place) -> pl.DataFrame:
    """Make one row of people that identities make one; return the catalogue with the shards where that happened."""
    table = TABLES["people"]
    order = {part.source: number for number, part in enumerate(parts_of(table, parts))}
    for shard in catalogue.filter(pl.col("table") == "people")["shard"].unique().sort():
        rows = scan_files(place.stores, files_of(catalogue, "people", shard)).collect()
        if rows["person"].n_unique() == rows.height:
            continue
        merged = _merged(rows, order).select(table.stored_columns).sort("person", "opened_at", "source", "source_row")
        path = place.write(merged, f"people/shard={shard}/all.parquet")
        others = catalogue.filter((pl.col("table") != "people") | (pl.col("shard") != shard))
        catalogue = pl.concat([others, as_catalogue([entry("people", shard, path, merged.height)])])
    return catalogue


def _merged(rows: pl.DataFrame, order: dict[str, int]) -> pl.DataFrame:
    """Earliest opening, latest closing (none wins), kind and region of the row whose own id is the target's."""
    place = pl.col("source").replace_strict(order, return_dtype=pl.UInt32)
    ordered = rows.sort(pl.col("own") != pl.col("person"), "opened_at", place, "source_row")
    closed = pl.when(pl.col("closed_at").is_null().any()).then(None).otherwise(pl.col("closed_at").max())
    return ordered.group_by("person", maintain_order=True).agg(
        pl.col("kind", "region", "source", "source_row").first(),
        pl.col("opened_at").min(),
        closed.alias("closed_at"),
    )
