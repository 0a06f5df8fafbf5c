"""Writing the tables of a report: Parquet and CSV, worklists for their owners' eyes only."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import polars as pl

from pledgebook.metrics.catalogue import METRICS

if TYPE_CHECKING:
    from pledgebook.book import Book

Rows = TypeVar("Rows", pl.DataFrame, pl.LazyFrame)
INSTANT_FORMAT = "%Y-%m-%dT%H:%M:%S%.6fZ"
ROWS_AT_ONCE = 500_000
LONGEST_FILE_NAME = 240
"""In bytes; with `.csv` and what others may append, less than the 255 that disks take."""
FORMULA = "^[=+\\-@\t\r＝＋－＠]"
"""How a text begins that spreadsheets compute; some take the wide signs of Japanese keyboards too."""
OTHERS = {"scorecard": ("scorecard",), "arrived": ("intake", "quarantine", "notes")}


def publish_tables(book: Book, name: str, out: Path) -> list[Path]:
    """Write the tables that `name` publishes (a metric, `scorecard` or `arrived`) below `out`; return the files.

    A worklist goes to `worklists/` as CSV, mode 0600, and never to the public.
    """
    written = []
    if name in METRICS:
        for declared in METRICS[name].tables:
            if declared.is_worklist:
                written += _write_worklist(book, declared.name, out)
            else:
                written += write_table(book.published_table(declared.name), declared.name, out / "tables")
        return written
    for table in OTHERS[name]:
        written += write_table(book.published_table(table), table, out / "tables")
    if name == "arrived" and book.audience == "internal":
        written += _write_quarantine(book, out / "quarantine")
    return written


def write_table(table: pl.DataFrame, name: str, folder: Path) -> list[Path]:
    """Write a table as Parquet and CSV (null: empty field, instants ISO 8601 with Z, floats unrounded).

    Parquet holds labels exactly; in CSV an apostrophe stands before one that a spreadsheet would compute.
    """
    folder.mkdir(parents=True, exist_ok=True)
    parquet, text = folder / f"{name}.parquet", folder / f"{name}.csv"
    table.write_parquet(parquet)
    without_formulas(table).write_csv(text, datetime_format=INSTANT_FORMAT)
    return [parquet, text]


def without_formulas(table: Rows) -> Rows:
    """Return a table for a spreadsheet: texts that it would take for a formula, and compute, begin with an apostrophe."""
    text = pl.col(pl.String)
    return table.with_columns(pl.when(text.str.contains(FORMULA)).then("'" + text).otherwise(text).name.keep())


def _write_worklist(book: Book, name: str, out: Path) -> list[Path]:
    if book.audience == "public":
        return []
    folder = out / "worklists"
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = folder / f"{name}.csv"
    rows = without_formulas(book.scan_worklist(name))
    height = rows.select(pl.len()).collect().item()
    with os.fdopen(os.open(file, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as stream:
        for first in range(0, max(height, 1), ROWS_AT_ONCE):  # `sink_csv` holds half a gigabyte of what it will write
            stretch = rows.slice(first, ROWS_AT_ONCE).collect()
            stretch.write_csv(stream, include_header=first == 0, datetime_format=INSTANT_FORMAT)
    return [file]


def _write_quarantine(book: Book, folder: Path) -> list[Path]:
    """One file per source: source, source_row, rule; never the row."""
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    rows = book.store.quarantined.select("source", "source_row", "rule")
    parts = rows.partition_by("source", maintain_order=True)
    for part, name in zip(parts, _file_names([str(part["source"][0]) for part in parts]), strict=True):
        without_formulas(part).write_csv(folder / f"{name}.csv")
        written.append(folder / f"{name}.csv")
    return written


def _file_names(sources: list[str]) -> list[str]:
    """A name for each source without `/`; two that would share one, and those too long for a disk, end in a hash."""
    plain = [source.replace("/", "_") for source in sources]
    return [
        name
        if plain.count(name) == 1 and len(name.encode()) <= LONGEST_FILE_NAME
        else f"{name[:40]}-{hashlib.sha256(source.encode()).hexdigest()[:12]}"
        for source, name in zip(sources, plain, strict=True)
    ]
