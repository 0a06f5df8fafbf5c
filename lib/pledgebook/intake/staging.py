"""Staging: judged rows of every file, cut by person, written in parts so that memory never holds a file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.errors import InputError
from pledgebook.intake.cases import RAW, cases_from_events
from pledgebook.intake.checking import judge_rows
from pledgebook.intake.formats import ExportFile
from pledgebook.intake.inspection import Inspected
from pledgebook.intake.reading import read_rows
from pledgebook.pseudonyms import Key
from pledgebook.tables import TABLES, Table

BATCH = 250_000
SHARD = "_shard"
QUARANTINE = pl.Schema(
    {"table": pl.String, "source": pl.String, "source_row": pl.UInt64, "rule": pl.String, "is_opt_out": pl.Boolean}
)


@dataclass(frozen=True)
class Intaking:
    """What every file of an intake is judged with, and where its rows go."""

    key: Key
    timezone: str
    known_regimes: frozenset[str]
    shards: int
    folder: Path

    def parts(self, table: str, shard: int | None = None) -> Path:
        """Return the folder of a table's staged parts; those without a person lie in shard 0."""
        return self.folder / table / f"shard={shard or 0}"

    @property
    def quarantine(self) -> Path:
        """The folder of rows that broke rules, one file per batch."""
        return self.folder / "quarantine"

    def fates(self, table: str, shard: int) -> Path:
        """Return the folder of what became of rows whose key is not theirs alone."""
        return self.folder / "fates" / table / f"shard={shard}"


@dataclass
class Staged:
    """What one file gave: rows read and quarantined, withdraws given a channel, columns dropped."""

    file: ExportFile
    rows_read: int = 0
    raw_rows: int = 0
    rows_quarantined: int = 0
    assumed: int = 0
    unknown_columns: list[str] = field(default_factory=list)


def stage_file(inspected: Inspected, place: int, intaking: Intaking, identities: pl.DataFrame | None) -> Staged:
    """Judge a file batch by batch and write its rows to the staging parts of their shards."""
    file = inspected.file
    staged = Staged(file)
    table = TABLES[file.source.table]
    rows, staged.unknown_columns = read_rows(inspected)
    for number, batch in enumerate(_batches(rows, inspected, intaking)):
        judged = judge_rows(batch, file.source, intaking.key, intaking.timezone, intaking.known_regimes)
        staged.rows_read += batch.height
        staged.raw_rows += int(batch[RAW].sum())
        staged.assumed += judged.assumed
        staged.rows_quarantined += judged.quarantined["source_row"].n_unique()
        name = f"{place:05}-{number:05}"
        _write_quarantined(judged.quarantined, table, intaking, name)
        _write_parts(name_people(judged.kept, table, identities), table, intaking, name)
    if inspected.rows not in (None, staged.raw_rows):
        raise InputError(f"{file.name}: some of its rows cannot be told apart. Export it again, every field in quotes.")
    return staged


def _batches(rows: pl.LazyFrame, inspected: Inspected, intaking: Intaking) -> Iterator[pl.DataFrame]:
    file = inspected.file
    facts = _file_facts(file, intaking.timezone)
    try:
        for part in cases_from_events(rows, inspected, intaking.timezone):
            yield from part.with_columns(*facts).collect_batches(chunk_size=BATCH)
    except PolarsError:
        raise InputError(f"{file.name}: its rows cannot be taken apart as {file.format}. Export it again.") from None


def _write_quarantined(rows: pl.DataFrame, table: Table, intaking: Intaking, name: str) -> None:
    if rows.height:
        intaking.quarantine.mkdir(parents=True, exist_ok=True)
        told = rows.with_columns(pl.lit(table.name).alias("table")).select(QUARANTINE.names())
        told.write_parquet(intaking.quarantine / f"{name}.parquet", compression="lz4")


def _file_facts(file: ExportFile, timezone: str) -> list[pl.Expr]:
    until = pl.lit(file.exported_until, dtype=pl.Datetime("us", "UTC"))
    day = until.dt.convert_time_zone(timezone).dt.date()
    return [
        pl.lit(file.name).alias("source"),
        pl.col("source_row").cast(pl.UInt64),
        until.alias("_until"),
        day.alias("_until_day"),
    ]


def name_people(rows: pl.DataFrame, table: Table, identities: pl.DataFrame | None) -> pl.DataFrame:
    """Give rows of a further id the person it belongs to, one hop; `own` keeps the id's own pseudonym in `people`.

    identities: id (sorted, each once), person, person_guard.
    """
    if table.name == "people":
        rows = rows.with_columns(pl.col("person").alias("own"))
    if identities is None or "person" not in rows.columns or table.name == "identities":
        return rows
    if identities.is_empty():
        return rows
    place = identities["id"].search_sorted(rows["person"]).clip(0, identities.height - 1)
    found = identities[place]
    known = found["id"] == rows["person"]
    return rows.with_columns(found[name].zip_with(known, rows[name]).alias(name) for name in ("person", "person_guard"))


def _write_parts(rows: pl.DataFrame, table: Table, intaking: Intaking, name: str) -> None:
    sharded = rows.with_columns(shard_of(table, intaking.shards).alias(SHARD))
    for (shard,), part in sharded.partition_by(SHARD, as_dict=True, include_key=False, maintain_order=True).items():
        folder = intaking.parts(table.name, int(shard))
        folder.mkdir(parents=True, exist_ok=True)
        part.write_parquet(folder / f"{name}.parquet", compression="lz4")


def shard_of(table: Table, shards: int) -> pl.Expr:
    """Return the shard of a row: the top bits of its person; else, of large tables, the second it is dated.

    Small tables lie whole in shard 0, and pauses until they have met their requests.
    """
    if shards == 1 or not table.in_shards or table.name == "request_pauses":
        return pl.lit(0, dtype=pl.UInt32)
    if "person" in table.columns:
        return (pl.col("person") // (2**64 // shards)).clip(0, shards - 1).cast(pl.UInt32)
    return (pl.col(str(table.when)).dt.epoch("s") % shards).cast(pl.UInt32)


def read_staged(table: Table, intaking: Intaking, shard: int = 0) -> pl.LazyFrame | None:
    """Return a shard's staged rows, None where there are none."""
    folder = intaking.parts(table.name, shard)
    return pl.scan_parquet(folder / "*.parquet") if folder.is_dir() else None


def read_quarantined(intaking: Intaking) -> pl.LazyFrame:
    """Return one row per broken rule: table, source, source_row, rule, is_opt_out."""
    files = sorted(intaking.quarantine.glob("*.parquet"))
    return pl.scan_parquet(files) if files else pl.LazyFrame(schema=QUARANTINE)
