"""The floor: reading the columns that a question needs, every value of them, and answering nothing."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import polars.selectors as cs

from benchmarks.agreement import Figures
from benchmarks.engines.store_files import ASKED, MADE
from benchmarks.questions import Place, Question


def prepare(question: Question, place: Place, manner: str) -> Callable[[], Figures]:
    """Return the work: each table scanned, each needed column decoded and summed up."""
    if manner in ("store", "made"):
        files, columns = place.stored(question), (ASKED if manner == "store" else MADE)[question.name]
        scans = [
            pl.scan_parquet(files[table], hive_partitioning=False).select(names) for table, names in columns.items()
        ]
    elif question.form == "parquet":
        tables = question.columns.items()
        scans = [pl.scan_parquet(place.pattern("parquet", table)).select(names) for table, names in tables]
    else:
        scans = [pl.scan_csv(place.pattern("csv", table), infer_schema=False) for table in question.columns]
    return lambda: _touch(scans)


def figures(_: Question, __: Place, result: Figures) -> Figures:
    """Return what the work told: nothing."""
    return result


def _touch(scans: list[pl.LazyFrame]) -> Figures:
    for rows in scans:
        rows.select(
            cs.string().str.len_bytes().sum(),
            (cs.enum() | cs.categorical()).to_physical().sum(),
            (cs.numeric() | cs.boolean()).sum(),
            cs.temporal().max(),
        ).collect(engine="streaming")
    return {}
