"""Reading a file of any format into one shape: every cell as trimmed text, rows counted from 1, nothing judged yet."""

from __future__ import annotations

import csv
import json
from itertools import islice

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.errors import InputError
from pledgebook.intake.formats import MAPPING, ExportFile, Source, native_column, native_columns
from pledgebook.intake.inspection import Inspected
from pledgebook.tables import TABLES

ROW = "source_row"
UNREADABLE = "_unreadable"
SURPLUS = "_surplus"


def read_rows(inspected: Inspected) -> tuple[pl.LazyFrame, list[str]]:
    """Return a file's rows and the names of its columns that nobody reads.

    Rows: `source_row`, `_unreadable` (a row that cannot be taken apart) and the native columns as text, trimmed,
    empty as null; an absent optional column is null. Raises InputError for a missing required column.
    """
    file = inspected.file
    frame, header = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}[file.format](inspected)
    wanted = _wanted(file.source)
    _check_columns(file, wanted, header)
    used = {column for column in wanted.values() if column in header} | ({file.source.one_row_per} & set(header))
    cells = [_cell(frame_column, file.source).alias(name) for name, frame_column in _present(wanted, header)]
    constants = [
        pl.lit(_as_text(value)).alias(_native(file.source, name)) for name, value in file.source.constants.items()
    ]
    kept = frame.select(ROW, UNREADABLE, *_case_column(file.source), *cells, *constants)
    return kept, [name for name in header if name not in used]


def _native(source: Source, name: str) -> str:
    table = TABLES[source.table]
    return native_column(table, name) if name in table.columns else name


def _wanted(source: Source) -> dict[str, str]:
    """Native column -> column of the file; constants stand in for their columns."""
    declared = {_native(source, name): column for name, column in source.columns.items()}
    constant = {_native(source, name) for name in source.constants}
    names = native_columns(TABLES[source.table])
    return {name: declared.get(name, name) for name in names if name not in constant}


def _present(wanted: dict[str, str], header: list[str]) -> list[tuple[str, str | None]]:
    return [(name, column if column in header else None) for name, column in wanted.items()]


def _check_columns(file: ExportFile, wanted: dict[str, str], header: list[str]) -> None:
    required = native_columns(TABLES[file.source.table])
    missing = [column for name, column in wanted.items() if required[name] and column not in header]
    if file.source.one_row_per and file.source.one_row_per not in header:
        missing.append(file.source.one_row_per)
    if not missing:
        return
    hint = ""
    if len(header) == 1 and file.format == "csv":
        other = next((sign for sign in ";\t|," if sign in header[0] and sign != file.source.delimiter), None)
        hint = f" Its only column holds '{other}': set delimiter in {MAPPING}." if other else ""
    raise InputError(
        f"{file.name}, line 1: column '{missing[0]}' of table {file.source.table} is missing"
        + (f" (and {len(missing) - 1} more: {', '.join(missing[1:])})" if len(missing) > 1 else "")
        + f".{hint or f' Add it to the export, or map it in {MAPPING}.'}"
    )


def _cell(column: str | None, source: Source) -> pl.Expr:
    if column is None:
        return pl.lit(None, dtype=pl.String)
    text = pl.col(column).str.strip_chars()
    text = pl.when(text != "").then(text)
    return pl.when(~text.is_in(list(source.null_values))).then(text) if source.null_values else text


def _case_column(source: Source) -> list[pl.Expr]:
    return [pl.col(source.one_row_per).str.strip_chars().alias("_case")] if source.one_row_per else []


def _as_text(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_csv(inspected: Inspected) -> tuple[pl.LazyFrame, list[str]]:
    file, delimiter = inspected.file, inspected.file.source.delimiter
    with inspected.plain.open(encoding="utf-8-sig", newline="") as stream:
        first = next(csv.reader(islice(stream, 1), delimiter=delimiter), [])
    header = [name.strip() for name in first]
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise InputError(f"{file.name}, line 1: column '{twice[0][:60]}' stands twice. Keep one of them.")
    frame = pl.scan_csv(
        inspected.plain,
        has_header=False,
        skip_rows=1,
        separator=delimiter,
        schema=dict.fromkeys([*header, SURPLUS], pl.String),
        row_index_name=ROW,
        row_index_offset=1,
        missing_columns="insert",
        extra_columns="ignore",
        glob=False,
        raise_if_empty=False,
    )
    return frame.with_columns(pl.col(SURPLUS).is_not_null().alias(UNREADABLE)), header


def _read_json_lines(inspected: Inspected) -> tuple[pl.LazyFrame, list[str]]:
    source = inspected.file.source
    required = native_columns(TABLES[source.table])
    wanted = _wanted(source)
    names = {*wanted.values(), *([source.one_row_per] if source.one_row_per else [])}
    seen = _json_names(inspected)
    lines = pl.scan_lines(inspected.plain, row_index_name=ROW, row_index_offset=1)
    is_object = pl.col("line").str.json_path_match("$").str.starts_with("{").fill_null(value=False)
    cells = [_json_cell(name).alias(name) for name in sorted(names)]
    optional = [column for name, column in wanted.items() if not required[name]]
    return lines.select(ROW, (~is_object).alias(UNREADABLE), *cells), list(dict.fromkeys([*seen, *optional]))


def _json_names(inspected: Inspected) -> list[str]:
    """The names in the first thousand objects; optional columns absent there are looked for all the same."""
    names: dict[str, None] = {}
    with inspected.plain.open(encoding="utf-8-sig") as stream:
        for line in islice(stream, 1000):
            try:
                found = json.loads(line)
            except (ValueError, RecursionError):
                continue
            if isinstance(found, dict):
                names |= dict.fromkeys(found)
    if not names:
        raise InputError(f"{inspected.file.name}, line 1: no JSON object. Write one object a line.")
    return list(names)


def _json_cell(name: str) -> pl.Expr:
    text = pl.col("line").str.json_path_match(f"$['{name}']")
    listed = text.str.starts_with("[") & text.str.ends_with("]")
    joined = text.str.strip_chars("[]").str.replace_all(r'"\s*,\s*"', ";").str.strip_chars('"')
    return pl.when(text != "null").then(pl.when(listed).then(joined).otherwise(text))


def _read_parquet(inspected: Inspected) -> tuple[pl.LazyFrame, list[str]]:
    try:
        frame = pl.scan_parquet(inspected.plain, glob=False, row_index_name=ROW, row_index_offset=1)
        schema = frame.collect_schema()
    except (PolarsError, OSError):
        raise InputError(
            f"{inspected.file.name}: damaged or cut off; not a whole Parquet file. Export it again."
        ) from None
    header = [name for name in schema.names() if name != ROW]
    cells = [_parquet_cell(pl.col(name), schema[name]).alias(name) for name in header]
    return frame.select(ROW, pl.lit(value=False).alias(UNREADABLE), *cells), header


def _parquet_cell(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        finer = column.dt.cast_time_unit("us")
        if dtype.time_zone:
            return finer.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        return finer.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if isinstance(dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join(";")
    return column.cast(pl.String)
