"""Which counts are hidden, and what the others and their totals come to.

A count stands in up to four totals: its row's, its column's, and, as part of them, the grand total by row and by column.
In each the same holds: where exactly one part is hidden, the smallest other that is not zero is hidden too. A part that
is a sum itself is hidden by hiding all that it is made of, so that every total is the sum of its visible parts in both
directions.
"""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.definition import ALL
from pledgebook.small_counts.rules import LARGEST_HIDDEN, Counts, is_small, rounded

ROW, TOTAL_ROW, COLUMN, GROUP = "_row", "_total_row", "_column", "_group"
COUNT, HIDDEN = "_count", "_is_hidden"
TOTALS_OF = (
    ([ROW], [GROUP]),
    ([ROW, GROUP], [COLUMN]),
    ([TOTAL_ROW], [ROW]),
    ([TOTAL_ROW], [GROUP]),
    ([TOTAL_ROW, GROUP], [COLUMN]),
    ([TOTAL_ROW, GROUP], [ROW]),
    ([TOTAL_ROW, COLUMN], [ROW]),
)


def find_total_rows(rows: pl.DataFrame, groups: tuple[str, ...]) -> pl.DataFrame:
    """Return the rows that totals are made of: all of `rows` (with `_row`) but the `all` rows, and `_total_row`.

    `_total_row` is the `_row` of the `all` row to which a row adds; null where there is none. An `all` row to which
    no row adds stays, as a row of its own.
    """
    said = [name for name in groups if (rows[name].cast(pl.String) == ALL).any()]
    if not said:
        return rows.with_columns(pl.lit(None, dtype=pl.UInt32).alias(TOTAL_ROW))
    same = [name for name in groups if name not in said]
    is_all = pl.all_horizontal(pl.col(said).cast(pl.String) == ALL)
    totals = rows.filter(is_all).select(*same, pl.col(ROW).alias(TOTAL_ROW))
    parts = rows.filter(~is_all)
    if same:
        told = parts.join(totals, on=same, how="left", nulls_equal=True, maintain_order="left")
    else:
        told = parts.join(totals, how="cross")
    alone = rows.filter(is_all & ~pl.col(ROW).is_in(told[TOTAL_ROW].drop_nulls().implode()))
    return pl.concat([told, alone.with_columns(pl.lit(None, dtype=pl.UInt32).alias(TOTAL_ROW))])


def settle(rows: pl.DataFrame, counts: Counts) -> pl.DataFrame:
    """Return what is published of counts: `_row`, `_column`, `_count`, `is_suppressed`, `is_secondary`, `is_at_least`.

    One row per cell and total. `rows`: as from `find_total_rows`. `_count` is null where suppressed; secondary: not
    small itself, hidden for the sake of another; at least: some part of the total is hidden.
    """
    cells = _hide(_cells(rows, counts))
    inside = cells.filter(pl.col(TOTAL_ROW).is_not_null())
    told = [_add_up(part, row, COLUMN) for part, row in ((cells, ROW), (inside, TOTAL_ROW))]
    for total in counts.totals:
        whole = pl.lit(value=True) if total == counts.total else pl.col(GROUP) == total
        for part, row in ((cells, ROW), (inside, TOTAL_ROW)):
            told.append(_add_up(part.filter(whole).with_columns(pl.lit(total).alias(GROUP)), row, GROUP))
    return pl.concat(told)


def _cells(rows: pl.DataFrame, counts: Counts) -> pl.DataFrame:
    """One row per count: _row, _total_row, _column, _group (its subtotal, else itself), _count (null as 0), _is_hidden."""
    wide = rows if counts.is_additive else rows.with_columns(pl.lit(None, dtype=pl.UInt32).alias(TOTAL_ROW))
    numbers = wide.select(ROW, TOTAL_ROW, pl.col(counts.parts).cast(pl.Int64).fill_null(0))
    long = numbers.unpivot(on=counts.parts, index=[ROW, TOTAL_ROW], variable_name=COLUMN, value_name=COUNT)
    group = pl.col(COLUMN).replace_strict(counts.part_of, return_dtype=pl.String)
    return long.with_columns(group.alias(GROUP), is_small(pl.col(COUNT)).alias(HIDDEN))


def _hide(cells: pl.DataFrame) -> pl.DataFrame:
    """Hide second parts until no total has exactly one hidden part beside others that are not zero."""
    before = -1
    while (hidden := int(cells[HIDDEN].sum())) > before:
        before = hidden
        for total, part in TOTALS_OF:
            cells = _hide_second(cells, total, part)
    return cells


def _hide_second(cells: pl.DataFrame, total: list[str], part: list[str]) -> pl.DataFrame:
    """Hide the smallest visible part of each total of which exactly one part is hidden; at a tie, the first."""
    inside = cells.filter(pl.all_horizontal(pl.col(total).is_not_null()))
    parts = inside.group_by(*total, *part, maintain_order=True).agg(
        pl.col(COUNT).sum(), pl.col(COUNT).filter(~pl.col(HIDDEN)).sum().alias("_visible")
    )
    is_hidden = (pl.col(COUNT) > 0) & (pl.col("_visible") == 0)
    lonely = parts.filter((is_hidden.sum().over(total) == 1) & (pl.col("_visible") > 0))
    second = lonely.sort(COUNT, maintain_order=True).unique(total, keep="first", maintain_order=True)
    chosen = second.select(*total, *part, pl.lit(value=True).alias("_is_second"))
    told = cells.join(chosen, on=[*total, *part], how="left", maintain_order="left")
    also = pl.col("_is_second").fill_null(value=False) & (pl.col(COUNT) > 0)
    return told.with_columns((pl.col(HIDDEN) | also).alias(HIDDEN)).drop("_is_second")


def _add_up(cells: pl.DataFrame, row: str, column: str) -> pl.DataFrame:
    """The sum of the rounded visible cells; null where the cells are not all zero and none of them is visible."""
    visible = rounded(pl.col(COUNT).filter(~pl.col(HIDDEN))).sum()
    summed = cells.group_by(row, column, maintain_order=True).agg(
        pl.col(COUNT).sum().alias("_exact"), visible.alias("_shown"), pl.col(HIDDEN).any().alias("_lacks")
    )
    suppressed = (pl.col("_exact") > 0) & (pl.col("_shown") == 0)
    return summed.select(
        pl.col(row).alias(ROW),
        pl.col(column).alias(COLUMN),
        pl.when(~suppressed).then("_shown").alias(COUNT),
        suppressed.alias("is_suppressed"),
        (suppressed & (pl.col("_exact") > LARGEST_HIDDEN)).alias("is_secondary"),
        (pl.col("_lacks") & ~suppressed).alias("is_at_least"),
    )
