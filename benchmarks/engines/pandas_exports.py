"""pandas on the exports as they are: reading them, taking them in, and asking what `pandas_figures` asks."""

from __future__ import annotations

import hmac
from collections.abc import Callable

import pandas as pd
import polars as pl

from benchmarks import rules
from benchmarks.agreement import Figures, kept_in_files
from benchmarks.engines.pandas_figures import ASK, Frames
from benchmarks.questions import INSTANTS, KEY, Place, Question


def prepare(question: Question, place: Place, _: str) -> Callable[[], Figures | dict[str, pd.DataFrame]]:
    """Return the work; the files are read when it is done."""
    rules.look_up()
    if question.name == "intake":
        return lambda: _take_in(question, place)
    return lambda: _ask(question, place)


def figures(question: Question, place: Place, result: dict[str, pd.DataFrame]) -> Figures:
    """Return what the work told; of an intake, what its files hold."""
    if question.name != "intake":
        return {name: pl.from_pandas(told) for name, told in result.items()}
    return {"intake": kept_in_files(place.scratch, INSTANTS)}


def _ask(question: Question, place: Place) -> dict[str, pd.DataFrame]:
    frames = _read(question, place)
    return {name: ASK[name](frames, question.stretch) for name in question.parts}


def _read(question: Question, place: Place) -> Frames:
    if question.form == "csv":
        return {table: _read_csv(place, table) for table in question.columns}
    return {
        table: _in_utc(pd.read_parquet(place.exports("parquet") / table, columns=list(columns)))
        for table, columns in question.columns.items()
    }


def _read_csv(place: Place, table: str) -> pd.DataFrame:
    parts = [pd.read_csv(file, engine="pyarrow", dtype=_types(place, table)) for file in place.files("csv", (table,))]
    read = pd.concat(parts, ignore_index=True)
    for name in read.columns:
        if name == "at" or name.endswith("_at"):
            read[name] = pd.to_datetime(read[name], utc=True)
        elif name.endswith("_on"):
            read[name] = pd.to_datetime(read[name])
    return _in_utc(read)


def _types(place: Place, table: str) -> dict[str, str]:
    """Text is said to be text; instants, dates and flags are told by the reader."""
    told = ("_at", "_on")
    return {n: "str" for n in place.header(table) if n != "at" and not n.endswith(told) and not n.startswith("is_")}


def _in_utc(rows: pd.DataFrame) -> pd.DataFrame:
    """Instants in UTC without a timezone, in microseconds."""
    zoned = rows.select_dtypes("datetimetz").columns
    return rows.assign(**{name: rows[name].dt.tz_localize(None).astype("datetime64[us]") for name in zoned})


def _take_in(question: Question, place: Place) -> dict[str, pd.DataFrame]:
    for table in question.columns:
        rows = _read_csv(place, table)
        target = place.scratch / table
        if "person_id" not in rows:
            rows.to_parquet(f"{target}.parquet")
            continue
        ids = rows["person_id"].drop_duplicates()
        known = pd.Series([_pseudonym(each) for each in ids], index=ids, dtype="uint64")
        rows["person"] = rows.pop("person_id").map(known)
        rows["shard"] = rows["person"] // 2**60
        rows.sort_values(["person", INSTANTS[table]]).to_parquet(target, partition_cols=["shard"])
    return {}


def _pseudonym(text: str) -> int:
    return int.from_bytes(hmac.digest(KEY.encode(), text.encode(), "sha256")[:8])
