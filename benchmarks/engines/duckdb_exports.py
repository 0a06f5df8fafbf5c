"""DuckDB on the exports as they are: `ASOF JOIN`, or intervals in plain SQL."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import duckdb
import polars as pl
import polars.selectors as cs

from benchmarks import rules
from benchmarks.agreement import Figures, kept_in_files
from benchmarks.made_tables import REQUEST_KINDS
from benchmarks.questions import INSTANTS, KEY, TABLES, Place, Question
from benchmarks.stretches import TIMEZONE
from pledgebook.intake.formats import find_exports
from pledgebook.store_opening import shards_for

SQL = Path(__file__).parents[1] / "sql"
RENAMED = {"at": "answered_at"}  # `at` is a word of DuckDB's own
SCRIPTS = {
    "opt-outs": {
        "asof": ["answers", "lanes_of_messages", "moments", "runs", "sent", "opt_outs_asof", "opt_outs"],
        "intervals": ["answers", "lanes_of_messages", "moments", "runs", "sent", "opt_outs_intervals", "opt_outs"],
    },
    "coverage": {"intervals": ["answers", "lanes_of_coverage", "moments", "coverage"]},
    "turnaround": {"intervals": ["turnaround"]},
    "disclosures": {
        "asof": ["answers", "lanes_of_disclosures", "moments", "disclosures_asof", "disclosures"],
        "intervals": ["answers", "lanes_of_disclosures", "moments", "disclosures_intervals", "disclosures"],
    },
}
SCRIPTS["opt-outs-month"] = SCRIPTS["opt-outs"]


def prepare(question: Question, place: Place, manner: str) -> Callable[[], Figures]:
    """Return the work on an opened database in memory that sees the exports."""
    connection = _open(question, place)
    if question.name == "intake":
        shards = max(2, shards_for(find_exports(place.exports("csv"), str(TIMEZONE))[0]))
        return lambda: _take_in(connection, place, shards)
    if question.name == "run":
        return lambda: _run(connection, question, manner)
    return lambda: {question.name: ask(connection, SCRIPTS[question.name][manner])}


def figures(question: Question, place: Place, result: Figures) -> Figures:
    """Return what the work told; of an intake, what its files hold."""
    if question.name != "intake":
        return result
    named = {table: RENAMED.get(instant, instant) for table, instant in INSTANTS.items()}
    return {"intake": kept_in_files(place.scratch, named)}


def ask(connection: duckdb.DuckDBPyConnection, scripts: list[str]) -> pl.DataFrame:
    """Run scripts in order and return what the last one tells."""
    for name in scripts[:-1]:
        connection.execute((SQL / f"{name}.sql").read_text())
    told: pl.DataFrame = connection.sql((SQL / f"{scripts[-1]}.sql").read_text()).pl()
    return told


def _open(question: Question, place: Place) -> duckdb.DuckDBPyConnection:
    connection = connect(question, place)
    for table in question.columns:
        source = _reader(place, question.form, table)
        told = plain_instants(connection.sql(f"SELECT * FROM {source}"))
        connection.execute(f"CREATE VIEW {table} AS SELECT {told} FROM {source}")
    return connection


def connect(question: Question, place: Place) -> duckdb.DuckDBPyConnection:
    """Return a database in memory that knows the policy's rules and the question's stretch of time."""
    connection = duckdb.connect()
    connection.execute("SET TimeZone = 'UTC'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute(f"SET temp_directory = '{place.scratch}'")
    told = question.stretch
    for name, instant in {"starts_at": told.start, "ends_at": told.end, "as_of": told.end}.items():
        connection.execute(f"SET VARIABLE {name} = {_instant(instant)}")
    connection.execute(f"SET VARIABLE longest_pause = INTERVAL {rules.longest_pause().days} DAY")
    connection.execute(f"SET VARIABLE key = '{KEY}'")
    small = {
        "validity": rules.validity(),
        "notices": rules.notices(),
        "asked": rules.coverage_asked(),
        "promised": rules.promised_days(REQUEST_KINDS),
        "grace": rules.grace(),
        "days": pl.DataFrame({"date": told.days}),
        "declared": pl.DataFrame({"purpose": rules.declared_purposes()}),
        "identified": pl.DataFrame({"kind": rules.identified_kinds()}),
    }
    for name, frame in small.items():
        connection.register(name, frame.with_columns(cs.datetime().dt.replace_time_zone(None)).to_arrow())
    return connection


def plain_instants(told: duckdb.DuckDBPyRelation) -> str:
    """Return columns to select, instants without a timezone: DuckDB reckons with those several times faster."""
    zoned = [name for name, type_ in zip(told.columns, told.types, strict=True) if "TIME ZONE" in str(type_)]
    if not zoned:
        return "*"
    left_out = ", ".join(f'"{name}"' for name in zoned)
    plain = [f'make_timestamp(epoch_us("{name}")) AS {RENAMED.get(name, name)}' for name in zoned]
    return f"* EXCLUDE ({left_out}), {', '.join(plain)}"


def _instant(instant: datetime) -> str:
    return f"make_timestamp({int(instant.timestamp()) * 1_000_000})"


def _reader(place: Place, form: str, table: str) -> str:
    if form == "parquet":
        return f"read_parquet('{place.pattern(form, table)}')"
    names = place.header(table)
    types = ", ".join(f"'{name}': '{_type(name)}'" for name in names)
    return f"read_csv('{place.pattern(form, table)}', header = true, columns = {{{types}}})"


def _type(column: str) -> str:
    if column == "at" or column.endswith("_at"):
        return "TIMESTAMPTZ"
    return "BOOLEAN" if column.startswith("is_") else "DATE" if column.endswith("_on") else "VARCHAR"


def _take_in(connection: duckdb.DuckDBPyConnection, place: Place, shards: int) -> Figures:
    """Write every table in order, in as many shards as the store has, by the first bits of the person."""
    sort, write = ((SQL / f"{name}.sql").read_text() for name in ("intake", "intake_shard"))
    connection.execute("SET preserve_insertion_order = true")
    for table in TABLES:
        target = place.scratch / table
        if table not in INSTANTS:
            connection.execute(f"COPY {table} TO '{target}.parquet' (FORMAT parquet)")
            continue
        target.mkdir()
        connection.execute(sort.format(table=table, instant=RENAMED.get(INSTANTS[table], INSTANTS[table])))
        for shard in range(shards):
            written = target / f"{shard}.parquet"
            connection.execute(write.format(bits=65 - shards.bit_length(), shard=shard, target=written))
    return {}


def _run(connection: duckdb.DuckDBPyConnection, question: Question, manner: str) -> Figures:
    """Read every table once, then ask the four questions of what was read."""
    for table in TABLES:
        connection.execute(f"CREATE TEMP TABLE {table} AS SELECT * FROM memory.main.{table}")
    return {name: ask(connection, SCRIPTS[name][manner]) for name in question.parts}
