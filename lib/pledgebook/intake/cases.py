"""Exports with a row per event: one row per case, each column by its first, last, least or greatest value."""

from __future__ import annotations

import polars as pl

from pledgebook.intake.formats import Source, native_column
from pledgebook.intake.reading import ROW, UNREADABLE
from pledgebook.intake.times import read_instants
from pledgebook.tables import TABLES


def cases_from_events(rows: pl.LazyFrame, source: Source, timezone: str) -> tuple[pl.LazyFrame, int]:
    """Return rows as they are, or with `one_row_per` one row per case, and how many raw rows made them (0: as is).

    A case's `source_row` is that of its first row. `first` and `last` pass over empty cells.
    """
    if source.one_row_per is None:
        return rows, 0
    table = TABLES[source.table]
    pick = {native_column(table, name) if name in table.columns else name: how for name, how in source.pick.items()}
    names = [name for name in rows.collect_schema().names() if name not in (ROW, UNREADABLE, "_case")]
    instants = {native_column(table, name) for name in table.holding("instant")}
    zone, form = source.timezone or timezone, source.timestamp_format
    cells = [_picked(name, pick.get(name, "first"), name in instants, zone, form).alias(name) for name in names]
    ordered = rows.sort(ROW)
    cases = ordered.group_by("_case", maintain_order=True).agg(pl.col(ROW).min(), pl.col(UNREADABLE).any(), *cells)
    return cases.drop("_case"), int(rows.select(pl.len()).collect().item())


def _picked(name: str, how: str, is_instant: bool, timezone: str, form: str | None) -> pl.Expr:
    cell = pl.col(name)
    if how == "first":
        return cell.drop_nulls().first()
    if how == "last":
        return cell.drop_nulls().last()
    by = read_instants(cell, timezone, form).value if is_instant else cell
    ordered = cell.sort_by(by, descending=how == "max", nulls_last=True)
    return ordered.first()
