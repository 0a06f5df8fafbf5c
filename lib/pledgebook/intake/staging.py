"""Staging: judged rows of every file, cut by person, written in parts so that memory never holds a file."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.errors import InputError
from pledgebook.intake.cases import cases_from_events
from pledgebook.intake.checking import QUARANTINE, judge_rows
from pledgebook.intake.formats import ExportFile
from pledgebook.intake.inspection import Inspected
from pledgebook.intake.reading import read_rows
from pledgebook.pseudonyms import Key
from pledgebook.tables import TABLES, Table

BATCH = 250_000
SHARD = "_shard"


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


@dataclass
class Staged:
    """What one file gave: rows read, the rows of broken rules, withdraws given a channel, columns dropped."""

    file: ExportFile
    rows_read: int = 0
    raw_rows: int = 0
    assumed: int = 0
    quarantined: list[pl.DataFrame] = field(default_factory=list)
    unknown_columns: list[str] = field(default_factory=list)


def stage_file(inspected: Inspected, place: int, intaking: Intaking, identities: pl.DataFrame | None) -> Staged:
    """Judge a file batch by batch and write its rows to the staging parts of their shards."""
    file = inspected.file
    staged = Staged(file)
    table = TABLES[file.source.table]
    rows, staged.unknown_columns = read_rows(inspected)
    rows, staged.raw_rows = cases_from_events(rows, file.source, intaking.timezone)
    try:
        batches = rows.with_columns(*_file_facts(file, intaking.timezone)).collect_batches(chunk_size=BATCH)
        for number, batch in enumerate(batches):
            judged = judge_rows(batch, file.source, intaking.key, intaking.timezone, intaking.known_regimes)
            staged.rows_read += batch.height
            staged.assumed += judged.assumed
            staged.quarantined.append(judged.quarantined)
            kept = name_people(judged.kept, table, identities)
            _write_parts(kept, table, intaking, f"{place:05}-{number:05}")
    except PolarsError:
        raise InputError(_unparsable(inspected)) from None
    staged.raw_rows = staged.raw_rows or staged.rows_read
    return staged


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
    """Give rows of a further id the person it belongs to, one hop; `own` keeps the id's own pseudonym in `people`."""
    if table.name == "people":
        rows = rows.with_columns(pl.col("person").alias("own"))
    if identities is None or "person" not in rows.columns or table.name == "identities":
        return rows
    named = rows.join(identities, left_on="person", right_on="id", how="left", maintain_order="left")
    known = pl.col("person_right").is_not_null()
    return named.with_columns(
        pl.when(known).then("person_right").otherwise("person").alias("person"),
        pl.when(known).then("person_guard_right").otherwise("person_guard").alias("person_guard"),
    ).drop("person_right", "person_guard_right")


def _write_parts(rows: pl.DataFrame, table: Table, intaking: Intaking, name: str) -> None:
    sharded = rows.with_columns(shard_of(table, intaking.shards).alias(SHARD))
    for (shard,), part in sharded.partition_by(SHARD, as_dict=True, include_key=False, maintain_order=True).items():
        folder = intaking.parts(table.name, int(shard))
        folder.mkdir(parents=True, exist_ok=True)
        part.write_parquet(folder / f"{name}.parquet", compression="lz4")


def shard_of(table: Table, shards: int) -> pl.Expr:
    """Return the shard of a row: the top bits of its person; small tables lie whole in shard 0."""
    if shards == 1 or "person" not in table.columns or table.name == "identities":
        return pl.lit(0, dtype=pl.UInt32)
    return (pl.col("person") // (2**64 // shards)).cast(pl.UInt32)


def read_staged(table: Table, intaking: Intaking, shard: int = 0) -> pl.LazyFrame | None:
    """Return a shard's staged rows, None where there are none."""
    folder = intaking.parts(table.name, shard)
    return pl.scan_parquet(folder / "*.parquet") if folder.is_dir() else None


def quarantine_rows(staged: list[Staged]) -> pl.DataFrame:
    """Return one row per broken rule over files: source, source_row, rule, is_opt_out."""
    frames = [frame for each in staged for frame in each.quarantined if frame.height]
    types = {"source": pl.String, "source_row": pl.UInt64, "rule": pl.String, "is_opt_out": pl.Boolean}
    return pl.concat(frames) if frames else pl.DataFrame(schema=dict(zip(QUARANTINE, types.values(), strict=True)))


def _unparsable(inspected: Inspected) -> str:
    """Say where a file cannot be taken apart, without repeating what stands there."""
    file = inspected.file
    return f"{file.name}: its rows cannot be taken apart as {file.format}. Export it again."
