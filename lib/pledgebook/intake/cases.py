"""Exports with a row per event: one row per case, each column by its first, last, least or greatest value."""

from __future__ import annotations

from collections.abc import Iterator

import polars as pl

from pledgebook.intake.inspection import Inspected
from pledgebook.intake.mapping import Source, native_column
from pledgebook.intake.reading import CASE, ROW, UNREADABLE
from pledgebook.intake.times import read_dates, read_instants
from pledgebook.tables import TABLES

BYTES_PER_CUT = 128 << 20
RAW = "_raw_rows"


def cases_from_events(rows: pl.LazyFrame, inspected: Inspected, timezone: str) -> Iterator[pl.LazyFrame]:
    """Yield rows as they are, or with `one_row_per` one row per case; `_raw_rows` says how many rows made each.

    A case's `source_row` is that of its first row. No value passes over an empty cell; `min` and `max` pass over no
    cell that cannot be read, so that the case is judged by it. Cut by the case's hash, so that memory is bounded.
    """
    source = inspected.file.source
    if source.one_row_per is None:
        yield rows.with_columns(pl.lit(1).alias(RAW))
        return
    size = inspected.plain.stat().st_size * (4 if inspected.file.format == "parquet" else 1)
    cuts = -(-size // BYTES_PER_CUT)
    for cut in range(cuts):
        mine = rows if cuts == 1 else rows.filter(pl.col(CASE).hash() % cuts == cut)
        yield _cases(mine, source, timezone)


def _cases(rows: pl.LazyFrame, source: Source, timezone: str) -> pl.LazyFrame:
    table = TABLES[source.table]
    pick = {native_column(table, name) if name in table.columns else name: how for name, how in source.pick.items()}
    orders = {name: how for name, how in pick.items() if how in ("min", "max")}
    names = [name for name in rows.collect_schema().names() if name not in (ROW, UNREADABLE, CASE)]
    ordered = rows.with_columns(_order(name, source, timezone).alias(f"_order_of_{name}") for name in orders).sort(ROW)
    return (
        ordered.group_by(CASE, maintain_order=True)
        .agg(
            pl.col(ROW).min(),
            pl.col(UNREADABLE).any(),
            pl.len().alias(RAW),
            *[_picked(name, pick.get(name, "first")).alias(name) for name in names],
        )
        .drop(CASE)
    )


def _picked(name: str, how: str) -> pl.Expr:
    filled = pl.col(name).is_not_null()
    cell = pl.col(name).filter(filled)
    if how in ("first", "last"):
        return cell.first() if how == "first" else cell.last()
    order = pl.col(f"_order_of_{name}").filter(filled)
    return cell.sort_by(order, descending=how == "max", nulls_last=False, maintain_order=True).first()


def _order(name: str, source: Source, timezone: str) -> pl.Expr:
    """What a column's texts mean, so that the least and the greatest are told by it."""
    table, cell = TABLES[source.table], pl.col(name)
    holds = next((table.holds(each) for each in table.columns if native_column(table, each) == name), "label")
    if holds == "instant":
        zone = source.timezone or timezone
        return read_instants(cell, zone, source.timestamp_format, source.date_alone_means).value
    if holds == "date":
        return read_dates(cell, source.date_format).value
    return cell.cast(pl.Int64, strict=False) if holds == "number" else cell
