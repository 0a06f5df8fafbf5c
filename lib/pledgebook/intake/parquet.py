"""Reading Parquet as text, through Arrow: to a damaged file it says no, where Polars' own reader may end the process."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
from polars.exceptions import PanicException, PolarsError
from polars.io.plugins import register_io_source
from pyarrow.parquet import ParquetFile

from pledgebook.errors import InputError
from pledgebook.intake.formats import ExportFile
from pledgebook.masking import presentable

BATCH = 1 << 16
LARGEST_GROWTH, ROWS_PER_BYTE = 200, 20
"""How many times its size a file may unpack to, and how many rows a byte of it may stand for."""


def names_in_parquet(file: ExportFile) -> list[str]:
    """Return the names of a Parquet file's columns. Raises InputError when it is damaged, or unpacks to a flood."""
    with _refusing_damage(file), _opened(file.path) as parquet:
        facts = parquet.metadata
        groups = [facts.row_group(place) for place in range(facts.num_row_groups)]
        unpacked, rows = sum(group.total_byte_size for group in groups), facts.num_rows
        names = list(parquet.schema_arrow.names)
    size = file.path.stat().st_size
    if unpacked > LARGEST_GROWTH * size or rows > ROWS_PER_BYTE * size:
        raise InputError(
            f"{file.name}: unpacks to more than {LARGEST_GROWTH} times its size, or to {ROWS_PER_BYTE} rows a byte, as "
            "exports do not. Export it again as CSV if that is right."
        )
    return names


def scan_cells(file: ExportFile, columns: Mapping[str, str]) -> pl.LazyFrame:
    """Return columns of a Parquet file as text: times as ISO 8601, a list joined by `;`.

    columns: name in the file -> name of the column. Raises InputError for a column of records.
    """
    with _refusing_damage(file), _opened(file.path) as parquet:
        schema = _plain_schema(parquet, columns)
        types = pl.DataFrame(pl.from_arrow(schema.empty_table())).schema if columns else pl.Schema()
    if records := [name for name, place in columns.items() if _is_record(types[place])]:
        raise InputError(f"{file.name}: column '{presentable(records[0], 60)}' holds records. Export it as text.")
    cells = [_as_text(pl.col(place), types[place]) for place in columns.values()]

    def batches(
        wanted: list[str] | None, predicate: pl.Expr | None, most: int | None, _: int | None
    ) -> Iterator[pl.DataFrame]:
        for frame in _frames(file, columns):
            with _refusing_damage(file):
                told = frame.select(cells)
            told = told if wanted is None else told.select(wanted)
            told = told if predicate is None else told.filter(predicate)
            yield told if most is None else told.head(most)
            most = None if most is None else max(most - told.height, 0)

    return register_io_source(batches, schema=dict.fromkeys(columns.values(), pl.String))


def _is_record(dtype: pl.DataType) -> bool:
    inner = dtype.inner if isinstance(dtype, pl.List) else dtype
    return bool(inner.is_nested())


def _frames(file: ExportFile, columns: Mapping[str, str]) -> Iterator[pl.DataFrame]:
    rows, names = 0, list(columns)
    with _refusing_damage(file), _opened(file.path) as parquet:
        for batch in parquet.iter_batches(BATCH, columns=names):
            batch.validate(full=True)
            rows += batch.num_rows
            plain = pa.RecordBatch.from_arrays(batch.select(names).columns, schema=_plain_schema(parquet, columns))
            yield pl.DataFrame(pl.from_arrow(plain))
        if rows != parquet.metadata.num_rows:
            raise pa.ArrowInvalid("rows are missing")


def _plain_schema(parquet: ParquetFile, columns: Mapping[str, str]) -> pa.Schema:
    """The types of columns, without remarks and under names of our own.

    Polars would panic at a remark, or at text in it that is no Unicode, and take a name such as `^.*$` for a pattern.
    """
    schema = pa.schema([parquet.schema_arrow.field(name).remove_metadata() for name in columns])
    schema.to_string()
    return pa.schema([field.with_name(place) for field, place in zip(schema, columns.values(), strict=True)])


def _opened(path: Path) -> ParquetFile:
    return ParquetFile(  # type: ignore[no-untyped-call]
        path, memory_map=True, pre_buffer=False, coerce_int96_timestamp_unit="us", page_checksum_verification=True
    )


@contextmanager
def _refusing_damage(file: ExportFile) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, PolarsError, PanicException, OSError, ValueError, OverflowError, MemoryError):
        raise InputError(f"{file.name}: damaged or cut off; not a whole Parquet file. Export it again.") from None


def _as_text(column: pl.Expr, dtype: pl.DataType) -> pl.Expr:
    if isinstance(dtype, pl.Datetime):
        finer = column.dt.cast_time_unit("us")
        if dtype.time_zone:
            return finer.dt.convert_time_zone("UTC").dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
        return finer.dt.strftime("%Y-%m-%dT%H:%M:%S%.6f")
    if isinstance(dtype, pl.List):
        return column.cast(pl.List(pl.String)).list.join(";")
    return column.cast(pl.String)
