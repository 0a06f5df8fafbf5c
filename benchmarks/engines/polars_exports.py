"""Polars on the exports as they are: reading them, taking them in, and asking what `polars_figures` asks."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import polars_hash  # noqa: F401  registers the expressions below `chash`

from benchmarks import rules
from benchmarks.agreement import Figures, kept_in_files
from benchmarks.engines.polars_figures import ASK, Frames
from benchmarks.questions import EVERYTHING, INSTANTS, KEY, Place, Question


def prepare(question: Question, place: Place, _: str) -> Callable[[], Figures]:
    """Return the work; the files are read when it is done."""
    rules.look_up()
    if question.name == "intake":
        return lambda: _take_in(place)
    if question.name == "run":
        return lambda: _run(question, place)
    return lambda: {question.name: ASK[question.name](_scan(question, place), question.stretch)}


def figures(question: Question, place: Place, result: Figures) -> Figures:
    """Return what the work told; of an intake, what its files hold."""
    if question.name != "intake":
        return result
    return {"intake": kept_in_files(place.scratch, INSTANTS)}


def _scan(question: Question, place: Place) -> Frames:
    if question.form == "parquet":
        found = {table: pl.scan_parquet(place.pattern("parquet", table)) for table in question.columns}
    else:
        found = {
            table: pl.scan_csv(place.pattern("csv", table), schema_overrides=_types(place, table))
            for table in EVERYTHING
        }
    return {table: rows.with_columns(pl.col(pl.Datetime).dt.replace_time_zone(None)) for table, rows in found.items()}


def _types(place: Place, table: str) -> dict[str, pl.DataType]:
    """What the columns hold, told by their names: no guessing from the first rows."""
    names = place.header(table)
    return {name: _type(name) for name in names}


def _type(name: str) -> pl.DataType:
    if name == "at" or name.endswith("_at"):
        return pl.Datetime("us", "UTC")
    return pl.Boolean() if name.startswith("is_") else pl.Date() if name.endswith("_on") else pl.String()


def _take_in(place: Place) -> Figures:
    person = pl.col("person_id").chash.hmac_sha256(key=KEY).str.slice(0, 16)  # type: ignore[attr-defined]
    hashed = person.str.to_integer(base=16, dtype=pl.UInt64).alias("person")
    for table in EVERYTHING:
        types = _types(place, table)
        rows = pl.scan_csv(place.pattern("csv", table), schema_overrides=types)
        if "person_id" not in types:
            rows.sink_parquet(place.scratch / f"{table}.parquet")
            continue
        cut = rows.with_columns(hashed).drop("person_id").with_columns((pl.col("person") // 2**60).alias("shard"))
        ordered = cut.sort("person", INSTANTS[table])
        ordered.sink_parquet(pl.PartitionBy(place.scratch / table, key="shard"), mkdir=True)
    return {}


def _run(question: Question, place: Place) -> Figures:
    """Read every table once, then ask the four questions of what was read."""
    scanned = _scan(question, place)
    read = dict(zip(scanned, (rows.lazy() for rows in pl.collect_all(list(scanned.values()))), strict=True))
    return {name: ASK[name](read, question.stretch) for name in question.parts}
