"""A table compared with the same table computed again: bit by bit, and what differs said without a person or a figure."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pledgebook.metrics.catalogue import ACCOUNTS, published
from pledgebook.worklists import are_same_rows

SHOWN = 5
ROWS_AT_ONCE = 1_000_000


def groups_of(table: str) -> tuple[str, ...]:
    """Return the columns that name a row of a published table; none for a worklist or an unknown table."""
    declared = published(table) or ACCOUNTS.get(table)
    return ("promise",) if table == "scorecard" else (declared.groups if declared is not None else ())


def compare_tables(recorded: Path, again: Path, left_out: Sequence[str] = ()) -> str | None:
    """Return how a table's file differs from the same one computed again, in words; None where it does not.

    Parquet is compared with its types, CSV as text. `left_out` names columns that are not compared. Rows without groups,
    of which there may be millions, are not held in memory.
    """
    both = [_scan(file).drop(left_out) for file in (recorded, again)]
    groups = groups_of(recorded.stem)
    if not groups:
        return None if are_same_rows(*both) else _name_columns(*both) or _count_rows(*both)
    left, right = pl.collect_all(both)
    return None if is_same(left, right) else describe_difference(left, right, groups)


def _scan(file: Path) -> pl.LazyFrame:
    if file.suffix == ".parquet":
        return pl.scan_parquet(file, glob=False)
    return pl.scan_csv(file, infer_schema=False, glob=False)


def is_same(left: pl.DataFrame, right: pl.DataFrame) -> bool:
    """Return whether columns, types, order and every value are the same: also the sign of a zero, the last digit."""
    return left.schema == right.schema and left.equals(right) and left.write_csv() == right.write_csv()


def describe_difference(left: pl.DataFrame, right: pl.DataFrame, groups: Sequence[str]) -> str:
    """Return how two tables differ: columns and types first, else the rows by their groups and the columns that differ.

    left: as recorded; right: computed again. Rows without groups, as those of a worklist, are only counted.
    """
    lazily = (left.lazy(), right.lazy())
    if odd := _name_columns(*lazily):
        return odd
    if not groups or not set(groups) <= set(left.columns):
        return _count_rows(*lazily)
    rows = _differing_rows(left, right, list(groups))
    if not rows:
        return _count_rows(*lazily)
    more = f"; and {len(rows) - SHOWN} more" if len(rows) > SHOWN else ""
    return f"{len(rows)} {'row' if len(rows) == 1 else 'rows'}: " + "; ".join(rows[:SHOWN]) + more


def _name_columns(left: pl.LazyFrame, right: pl.LazyFrame) -> str | None:
    """The columns that only one has, or of other types; None where there are none."""
    mine, theirs = left.collect_schema(), right.collect_schema()
    odd = [name for name in {**mine, **theirs} if mine.get(name) != theirs.get(name)]
    return f"columns or their types differ: {', '.join(odd)}" if odd else None


def _count_rows(left: pl.LazyFrame, right: pl.LazyFrame) -> str:
    """How many rows only one has; counted in portions that memory holds, equal rows in the same one."""
    counted = pl.concat([left.with_columns(_side=pl.lit(1)), right.with_columns(_side=pl.lit(-1))])
    portions = 1 + counted.select(pl.len()).collect(engine="streaming").item() // ROWS_AT_ONCE
    names, side = left.collect_schema().names(), pl.col("_side")
    gone = came = 0
    for portion in range(portions):
        mine = counted.filter(pl.struct(names).hash() % portions == portion).group_by(names).agg(side.sum())
        counts = mine.select(gone=side.clip(lower_bound=0).sum(), came=-side.clip(upper_bound=0).sum())
        more_gone, more_came = counts.collect(engine="streaming").row(0)
        gone, came = gone + more_gone, came + more_came
    if not gone and not came:
        return "the same rows in another order, or zeros of another sign"
    return f"{gone} rows are not computed again, {came} rows are computed and not recorded"


def _differing_rows(left: pl.DataFrame, right: pl.DataFrame, groups: list[str]) -> list[str]:
    figures = [name for name in left.columns if name not in groups]
    both = left.with_columns(_left=True).join(
        right.with_columns(_right=True), on=groups, how="full", nulls_equal=True, coalesce=True, suffix="_again"
    )
    differs = {name: pl.col(name).ne_missing(pl.col(f"{name}_again")) for name in figures}
    named = [pl.format(f"{name}={{}}", pl.col(name).cast(pl.String).fill_null("")) for name in groups]
    columns = [pl.when(each).then(pl.lit(name)) for name, each in differs.items()]
    told = (
        pl.when(pl.col("_right").is_null())
        .then(pl.lit("not computed again"))
        .when(pl.col("_left").is_null())
        .then(pl.lit("not recorded"))
        .otherwise(pl.concat_str(columns, separator=" and ", ignore_nulls=True))
    )
    rows = both.with_columns(pl.concat_str(named, separator=", ").alias("_row"), told.alias("_told"))
    wanted = rows.filter(pl.col("_told").fill_null("") != "").sort("_row")
    return [f"{row}: {words}" for row, words in wanted.select("_row", "_told").iter_rows()]
