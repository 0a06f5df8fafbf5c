"""A published table as the public may see it."""

from __future__ import annotations

import polars as pl

from pledgebook.errors import InputError
from pledgebook.metrics.definition import Column, Published
from pledgebook.small_counts.durations import CURVES, UNITS, hide_durations, thin_distributions
from pledgebook.small_counts.hiding import COLUMN, COUNT, ROW, TOTAL_ROW, find_total_rows, settle
from pledgebook.small_counts.rules import AT_LEAST, SECONDARY, SUPPRESSED, Counts, group_counts


def hide_small_counts(table: pl.DataFrame, declared: Published) -> pl.DataFrame:
    """Return an exact published table as the public may see it, in the same order.

    Every count is a multiple of 5, or null where hidden. Behind each stands `<count>_is_suppressed`; behind one that may
    be hidden for the sake of another, `<count>_is_secondary` (hidden, though not from 1 to 7); behind a total,
    `<total>_is_at_least` (the sum of its visible parts, others are hidden). Ratios are those of the rounded counts, null
    where one of the two is hidden, or where all would seem to be in order and is not; any other figure that would give
    exact counts away is null. Durations are null under 20 cases, and rows that are such durations themselves are left
    out, as are columns that are not declared. Raises InputError for a worklist.
    """
    if declared.is_worklist:
        raise InputError(
            f"{declared.name} is a worklist, and there are none for the public: ask for audience internal."
        )
    names = {*declared.groups, *(column.name for column in declared.columns)}
    known = table.select(name for name in table.columns if name in names)
    exact = hide_durations(thin_distributions(known, declared), declared).with_row_index(ROW)
    told = exact
    for counts in group_counts(exact, declared):
        told = _publish(told, exact, counts, declared)
    return told.with_columns(_derived(exact, declared)).select(_in_order(exact.columns, told.columns))


def _publish(told: pl.DataFrame, exact: pl.DataFrame, counts: Counts, declared: Published) -> pl.DataFrame:
    """Replace counts by what is published of them, with the marks that each can have."""
    rows = find_total_rows(exact, declared.groups) if counts.is_additive else exact.with_columns(_no_total())
    settled = settle(rows, counts)
    has_totals = rows[TOTAL_ROW].is_not_null().any()
    for name in (*counts.totals, *counts.parts):
        marks = {SUPPRESSED: "is_suppressed"}
        if has_totals or counts.totals:
            marks[SECONDARY] = "is_secondary"
        if has_totals or name in counts.totals:
            marks[AT_LEAST] = "is_at_least"
        told = _replace(told, name, settled.filter(pl.col(COLUMN) == name), marks)
    return told


def _no_total() -> pl.Expr:
    return pl.lit(None, dtype=pl.UInt32).alias(TOTAL_ROW)


def _replace(told: pl.DataFrame, name: str, settled: pl.DataFrame, marks: dict[str, str]) -> pl.DataFrame:
    """A count that was null stays null, and is not suppressed."""
    shown = settled.select(
        ROW, pl.col(COUNT).alias("_shown"), *[pl.col(mark).alias(name + end) for end, mark in marks.items()]
    )
    joined = told.join(shown, on=ROW, how="left", maintain_order="left")
    is_there = pl.col(name).is_not_null()
    return joined.with_columns(
        pl.when(is_there).then("_shown").cast(told.schema[name]).alias(name),
        *[(pl.col(name + end).fill_null(value=False) & is_there).alias(name + end) for end in marks],
    ).drop("_shown")


def _derived(exact: pl.DataFrame, declared: Published) -> list[pl.Expr]:
    """What follows from published counts. A figure that cannot be made from them would give exact ones away: null."""
    step = CURVES.get(declared.name)
    left = ("count", "label", *UNITS)
    derived = [c for c in declared.columns if c.unit not in left and c.name in exact.columns and c.name != step]
    return [_ratio(column, exact).alias(column.name) for column in derived]


def _ratio(column: Column, exact: pl.DataFrame) -> pl.Expr:
    """The ratio of the published counts, from 0 to 1; null where it would come to 1, or more, though the exact does not."""
    over, under = str(column.numerator), str(column.population)
    if column.unit != "ratio" or over not in exact.columns or under not in exact.columns:
        return pl.lit(None, dtype=pl.Float64)
    is_whole = pl.lit((exact[over] == exact[under]).alias("_is_whole"))
    is_fair = (pl.col(over) < pl.col(under)) | ((pl.col(over) == pl.col(under)) & is_whole)
    return pl.when((pl.col(under) > 0) & is_fair).then(pl.col(over) / pl.col(under))


def _in_order(exact: list[str], told: list[str]) -> list[str]:
    """The columns in their order, each with its marks behind it."""
    ends = ("", SUPPRESSED, SECONDARY, AT_LEAST)
    return [name + end for name in exact if name != ROW for end in ends if name + end in told]
