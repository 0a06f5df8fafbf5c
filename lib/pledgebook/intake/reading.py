"""Reading a file of any format into one shape: every cell as trimmed text, rows counted from 1, nothing judged yet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import polars as pl

from pledgebook.errors import InputError
from pledgebook.intake.formats import ExportFile
from pledgebook.intake.inspection import Inspected
from pledgebook.intake.json_lines import cells_of_lines, names_in
from pledgebook.intake.mapping import MAPPING, Source, native_column, native_columns
from pledgebook.masking import presentable
from pledgebook.tables import TABLES

ROW = "source_row"
UNREADABLE = "_unreadable"
CASE = "_case"
SURPLUS = ("_surplus", "_second surplus", "_third surplus")
LONGEST_NAME, MOST_NAMED, MOST_COLUMNS = 60, 40, 2000


@dataclass(frozen=True)
class Layout:
    """A file opened: rows under names of our own, and which of them holds which of the file's columns."""

    rows: pl.LazyFrame
    columns: dict[str, str]


def read_rows(inspected: Inspected) -> tuple[pl.LazyFrame, list[str]]:
    """Return a file's rows and the names of its columns that nobody reads.

    Rows: `source_row`, `_unreadable` (a row that cannot be taken apart) and the native columns as text, trimmed,
    empty as null; an absent optional column is null. Raises InputError for a missing required column.
    """
    file, source = inspected.file, inspected.file.source
    layout = {"csv": _read_csv, "jsonl": _read_json_lines, "parquet": _read_parquet}[file.format](inspected)
    wanted = _wanted(source)
    used = _used(source)
    cells = [_cell(layout.columns.get(column), inspected).alias(name) for name, column in wanted.items()]
    if source.one_row_per is not None:
        cells.append(pl.col(layout.columns[source.one_row_per]).str.strip_chars().alias(CASE))
    constants = [pl.lit(_as_text(value)).alias(_native(source, name)) for name, value in source.constants.items()]
    kept = layout.rows.select(ROW, UNREADABLE, *cells, *constants)
    return kept, _presentable(name for name in layout.columns if name not in used)


def _presentable(names: Iterable[str]) -> list[str]:
    """Names as reports may show them; of many, the first and how many more: a file may have data where names belong."""
    told = list(names)
    shown = [presentable(name, LONGEST_NAME) for name in told[:MOST_NAMED]]
    return shown if len(told) <= MOST_NAMED else [*shown, f"({len(told) - MOST_NAMED:,} more)"]


def _native(source: Source, name: str) -> str:
    table = TABLES[source.table]
    return native_column(table, name) if name in table.columns else name


def _wanted(source: Source) -> dict[str, str]:
    """Native column -> column of the file; constants stand in for their columns."""
    declared = {_native(source, name): column for name, column in source.columns.items()}
    constant = {_native(source, name) for name in source.constants}
    names = native_columns(TABLES[source.table])
    return {name: declared.get(name, name) for name in names if name not in constant}


def _used(source: Source) -> set[str]:
    """The columns of the file that are read."""
    return {*_wanted(source).values(), *([source.one_row_per] if source.one_row_per else [])}


def _check_columns(file: ExportFile, header: list[str], hidden: frozenset[str] = frozenset()) -> None:
    """Refuse a file without a column that its table requires or its mapping names, or with a column twice.

    hidden: columns that may be there, although the part of the file that was looked at does not show them.
    """
    if len(header) > MOST_COLUMNS:
        raise InputError(f"{file.name}: more than {MOST_COLUMNS:,} columns; no table has so many. Export it again.")
    source, wanted = file.source, _wanted(file.source)
    required = native_columns(TABLES[source.table])
    named = {_native(source, name) for name in source.columns}
    missing = [column for name, column in wanted.items() if (required[name] or name in named) and column not in header]
    if source.one_row_per and source.one_row_per not in header:
        missing.append(source.one_row_per)
    missing = list(dict.fromkeys(column for column in missing if column not in hidden))
    if missing:
        raise InputError(
            f"{file.name}, line 1: column '{missing[0]}' of table {source.table} is missing"
            + (f" (and {len(missing) - 1} more: {', '.join(missing[1:])})" if len(missing) > 1 else "")
            + f".{_hint(file, header)}"
        )
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise InputError(f"{file.name}, line 1: column '{presentable(twice[0], 60)}' stands twice. Keep one of them.")


def _hint(file: ExportFile, header: list[str]) -> str:
    if len(header) == 1 and file.format == "csv":
        other = next((sign for sign in ";\t|," if sign in header[0] and sign != file.source.delimiter), None)
        if other is not None:
            return f" Its only column holds '{other}': set delimiter in {MAPPING}."
    return f" Add it to the export, or map it in {MAPPING}."


def _cell(column: str | None, inspected: Inspected) -> pl.Expr:
    if column is None:
        return pl.lit(None, dtype=pl.String)
    text = pl.col(column)
    if not inspected.is_bare:
        trimmed = text.str.strip_chars()
        text = pl.when(trimmed != "").then(trimmed)
    empty = list(inspected.file.source.null_values)
    return pl.when(~text.is_in(empty)).then(text) if empty else text


def _as_text(value: str | bool | int) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _read_csv(inspected: Inspected) -> Layout:
    file, delimiter = inspected.file, inspected.file.source.delimiter
    with inspected.plain.open(encoding="utf-8-sig", newline="\n") as stream:
        first = _first_record(file, stream, delimiter)
    header = [name.strip() for name in first]
    _check_columns(file, header)
    places = [f"cell {place}" for place in range(len(header))]
    frame = pl.scan_csv(
        inspected.plain,
        has_header=False,
        skip_rows=1,
        separator=delimiter,
        schema=dict.fromkeys([*places, *SURPLUS], pl.String),
        row_index_name=ROW,
        row_index_offset=1,
        missing_columns="insert",
        extra_columns="ignore",
        glob=False,
        raise_if_empty=False,
    )
    rows = frame.with_columns(pl.any_horizontal(pl.col(SURPLUS).is_not_null()).alias(UNREADABLE))
    if inspected.blank_records:
        blank = pl.col(ROW).is_in(pl.Series(inspected.blank_records, dtype=pl.UInt32).implode())
        rows = rows.filter(~blank).drop(ROW).with_row_index(ROW, offset=1)
    return Layout(rows, dict(zip(header, places, strict=True)))


def _first_record(file: ExportFile, stream: Iterable[str], delimiter: str) -> list[str]:
    try:
        return next(csv.reader(stream, delimiter=delimiter), [])
    except csv.Error:
        raise InputError(f"{file.name}, line 1: no header that can be read. Write the names of the columns.") from None


def _read_json_lines(inspected: Inspected) -> Layout:
    source = inspected.file.source
    required, wanted = native_columns(TABLES[source.table]), _wanted(source)
    seen = _recurring(names_in(inspected), set(wanted.values()))
    hidden = frozenset(column for name, column in wanted.items() if not required[name])
    _check_columns(inspected.file, seen, hidden)
    used = _used(source)
    columns = {name: f"cell {place}" for place, name in enumerate(dict.fromkeys([*sorted(used), *seen]))}
    read = {name: place for name, place in columns.items() if name in used}
    lines = pl.scan_lines(inspected.plain, row_index_name=ROW, row_index_offset=1)
    return Layout(cells_of_lines(lines, read, ROW, UNREADABLE), columns)


def _recurring(names: Mapping[str, int], wanted: set[str]) -> list[str]:
    """Names that are columns; what stands in one object alone, and nobody reads, may be data, and is counted instead."""
    told = [name for name, count in names.items() if name in wanted or count > 1 or max(names.values()) == 1]
    alone = len(names) - len(told)
    return [*told, *([f"({alone:,} names that stand in one row each)"] if alone else [])]


def _read_parquet(inspected: Inspected) -> Layout:
    from pledgebook.intake.parquet import names_in_parquet, scan_cells  # noqa: PLC0415

    names = names_in_parquet(inspected.file)
    _check_columns(inspected.file, names)
    columns = {name: f"cell {place}" for place, name in enumerate(names)}
    wanted = {name: place for name, place in columns.items() if name in _used(inspected.file.source)}
    rows = scan_cells(inspected.file, wanted).with_row_index(ROW, offset=1)
    return Layout(rows.with_columns(pl.lit(value=False).alias(UNREADABLE)), columns)
