"""Fates: of rows that share a key with others those that do not stand, and why."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import polars as pl

from pledgebook.intake.keys import KEY, key_columns
from pledgebook.intake.parts import Part, kept_columns
from pledgebook.tables import Table

PLACE = pl.Schema({"_part": pl.String, "_shard": pl.UInt32, "_month": pl.String, KEY: pl.UInt64})


def asked_of_fallen(table: Table) -> list[str]:
    """Columns of rows that do not stand: where each lay, whom, when and what it spoke of, its key, `fate`, `is_opt_out`."""
    about = [name for name in ("person", "recipient", table.when, table.feed) if name in table.columns]
    return ["source", "source_row", *about, *PLACE, "fate", "is_opt_out"]


@cache
def nothing_shared(table: Table) -> pl.DataFrame:
    """Return no rows, with the columns that rows are judged by: those of a part, and where each lies."""
    schema = table.nothing().collect_schema()
    own = {"own": pl.UInt64(), "person_guard": pl.UInt64()}
    columns = {name: own.get(name) or schema[name] for name in kept_columns(table)}
    return pl.DataFrame(schema={**columns, **PLACE})


def judge_shared(shared: pl.DataFrame, table: Table, parts: Sequence[Part]) -> pl.DataFrame:
    """Return the rows that do not stand, of all rows with some keys: the columns of `asked_of_fallen`.

    fate: `duplicate`, an equal row is kept (of several the newest export's, then the first); `superseded`, a newer export
    says otherwise; `conflicting`, several contents within one export, or without a date.
    """
    key, content = key_columns(table), list(dict.fromkeys([*table.columns, *key_columns(table)]))
    ordered = _newest_first(shared, parts, has_key=bool(table.key))
    is_opt_out = pl.col("kind") == "marketing_opt_out" if table.name == "requests" else pl.lit(value=False)
    told = ordered.with_columns(
        (~pl.struct(content).is_first_distinct()).alias("is_copy"), is_opt_out.alias("is_opt_out")
    )
    is_newest = pl.col("exported_until") == pl.col("exported_until").max().over(key)
    rivals = told.filter(~pl.col("is_copy")).with_columns(
        pl.len().over(key).alias("rivals"),
        pl.col("exported_until").is_null().any().over(key).alias("is_undated"),
        is_newest.alias("is_newest"),
    )
    is_sole = (pl.col("is_newest").sum().over(key) == 1) & ~pl.col("is_undated")
    fate = (
        pl.when(pl.col("rivals") == 1).then(pl.lit(None, dtype=pl.String))
        .when(~is_sole).then(pl.lit("conflicting"))
        .when(~pl.col("is_newest")).then(pl.lit("superseded"))
    )  # fmt: skip
    copies = told.filter("is_copy").with_columns(pl.lit("duplicate").alias("fate"))
    fates = rivals.with_columns(fate.alias("fate")).filter(pl.col("fate").is_not_null())
    return pl.concat([each.select(asked_of_fallen(table)) for each in (copies, fates)])


@cache
def none_fallen(table: Table) -> pl.DataFrame:
    """Return what most tables of most stores come to."""
    return judge_shared(nothing_shared(table), table, [])


def _newest_first(shared: pl.DataFrame, parts: Sequence[Part], *, has_key: bool) -> pl.DataFrame:
    """In the order in which a copy is kept: of events, which no export restates, simply the first."""
    order = pl.DataFrame(
        {
            "_part": [part.id for part in parts],
            "place": range(len(parts)),
            "exported_until": [part.exported_until for part in parts],
        },
        schema={"_part": pl.String, "place": pl.UInt32, "exported_until": pl.Datetime("us", "UTC")},
    )
    newest_first = {"exported_until": True, "place": False, "source_row": False}
    if not has_key:
        del newest_first["exported_until"]
    placed = shared.join(order, on="_part", how="left")
    return placed.sort(*newest_first, descending=list(newest_first.values()), nulls_last=True)
