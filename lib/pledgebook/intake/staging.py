"""Staging: one export file read batch by batch, its rows judged, and what stands cut into a part."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.errors import InputError
from pledgebook.intake.cases import RAW, cases_from_events
from pledgebook.intake.checking import Judged, judge_rows
from pledgebook.intake.cutting import Cutting
from pledgebook.intake.formats import ExportFile
from pledgebook.intake.further_ids import Naming
from pledgebook.intake.inspection import Inspected, inspect_file
from pledgebook.intake.parts import (
    QUARANTINE,
    Intaking,
    Part,
    PartName,
    keep_part,
    new_part,
    private_folder,
    removed_on_fault,
)
from pledgebook.intake.reading import read_rows
from pledgebook.intake.soundness import has_all, not_whole
from pledgebook.storage import copy_here, is_remote, mark, put_below
from pledgebook.tables import TABLES, Table

BATCH = 250_000


@dataclass(frozen=True)
class Seen:
    """An export file as it was when it was hashed."""

    file: ExportFile
    sha256: str
    mark: str

    def check_unchanged(self) -> None:
        """Raise InputError when the file is no longer as it was."""
        if mark(self.file.path) != self.mark:
            raise changed(self.file)


def changed(file: ExportFile) -> InputError:
    """Return the fault of a file that is another than it was when it was looked at."""
    return InputError(f"{file.name}: it changed while it was read. Run again when it is finished.")


class Account:
    """What the batches of one file add up to."""

    def __init__(self) -> None:
        self.rows_read = self.raw_rows = self.rows_quarantined = self.assumed = 0
        self.quarantined: list[pl.DataFrame] = []

    def add(self, batch: pl.DataFrame, judged: Judged, table: Table) -> None:
        """Count a batch and what became of it."""
        self.rows_read += batch.height
        self.raw_rows += int(batch[RAW].sum())
        self.assumed += judged.assumed
        self.rows_quarantined += judged.quarantined["source_row"].n_unique()
        told = judged.quarantined.with_columns(pl.lit(table.name).alias("table"))
        self.quarantined.append(told.select(QUARANTINE.names()))


def stage_part(
    seen: Seen, name: PartName, intaking: Intaking, identities: pl.DataFrame | None, stores: Path, scratch: Path
) -> Part:
    """Read one export file, judge its rows and keep its part under `name`; `scratch` holds clear text meanwhile.

    Raises InputError when the file cannot be read as what its name or its mapping says, or changes while it is read.
    """
    part, work = new_part(seen.file, name), private_folder(scratch / name.id)
    here = work if is_remote(stores) else stores
    try:
        file = _brought_here(seen, work)
        inspected = inspect_file(file, work)
        with removed_on_fault(private_folder(here / part.folder)):
            try:
                finished = _stage(inspected, part, intaking, identities, here, work)
            except InputError:
                seen.check_unchanged()
                raise
            if here is not stores:
                put_below(here / part.folder, stores / part.folder)
            seen.check_unchanged()
            if not has_all(finished, stores):
                raise not_whole(stores)
            keep_part(stores, finished)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return finished


def _brought_here(seen: Seen, work: Path) -> ExportFile:
    """The file on this machine's own disk; one at an address is copied, and must be what was hashed."""
    file = seen.file
    if not is_remote(file.path):
        return file
    copy = work / f"export.{file.format}"
    if copy_here(file.path, copy) != seen.sha256:
        raise changed(file)
    return file.model_copy(update={"path": copy})


def _stage(
    inspected: Inspected, part: Part, intaking: Intaking, identities: pl.DataFrame | None, stores: Path, work: Path
) -> Part:
    file, table = inspected.file, TABLES[part.table]
    rows, unknown_columns = read_rows(inspected)
    account, naming = Account(), Naming(table, identities)
    cutting = Cutting(part, intaking.shards, intaking.timezone, stores, work)
    for batch in _batches(rows, inspected, intaking):
        judged = judge_rows(batch, file.source, intaking.key, intaking.timezone, intaking.known_regimes)
        account.add(batch, judged, table)
        cutting.add(naming.name_people(judged.kept))
    if inspected.rows not in (None, account.raw_rows):
        raise InputError(f"{file.name}: some of its rows cannot be told apart. Export it again, every field in quotes.")
    pl.concat([QUARANTINE.to_frame(), *account.quarantined]).write_parquet(stores / part.folder / "quarantine.parquet")
    if (met := naming.met()).height:
        met.write_parquet(stores / part.further_ids_file)
    return cutting.finish().model_copy(
        update={
            "rows_read": account.rows_read,
            "raw_rows": account.raw_rows,
            "rows_quarantined": account.rows_quarantined,
            "assumed": account.assumed,
            "further_ids": met.height,
            "unknown_columns": tuple(unknown_columns),
        }
    )


def _batches(rows: pl.LazyFrame, inspected: Inspected, intaking: Intaking) -> Iterator[pl.DataFrame]:
    file = inspected.file
    facts = _file_facts(file, intaking.timezone)
    try:
        for part in cases_from_events(rows, inspected, intaking.timezone):
            yield from part.with_columns(*facts).collect_batches(chunk_size=BATCH)
    except PolarsError:
        raise InputError(f"{file.name}: its rows cannot be taken apart as {file.format}. Export it again.") from None


def _file_facts(file: ExportFile, timezone: str) -> list[pl.Expr]:
    until = pl.lit(file.exported_until, dtype=pl.Datetime("us", "UTC"))
    day = until.dt.convert_time_zone(timezone).dt.date()
    return [
        pl.lit(file.name).alias("source"),
        pl.col("source_row").cast(pl.UInt64),
        until.alias("_until"),
        day.alias("_until_day"),
    ]
