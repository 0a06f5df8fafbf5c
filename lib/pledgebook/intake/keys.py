"""Keys over all shards: which rows are duplicates, which a newer export supersedes, which contradict each other."""

from __future__ import annotations

import polars as pl

from pledgebook.intake.staging import Intaking
from pledgebook.tables import Table

CUT = 4_000_000
FATES = {"source": pl.String, "source_row": pl.UInt64, "is_opt_out": pl.Boolean, "fate": pl.String}


def judge_keys(table: Table, intaking: Intaking, exported: pl.DataFrame, rows: int) -> pl.DataFrame:
    """Return the rows of a keyed table that do not stand: source, source_row, is_opt_out, fate.

    fate: `duplicate` (an equal row is kept: of several the newest export's, then the first), `superseded` (a newer
    export says otherwise), `conflicting` (several contents within one export, or without a date). `exported` has a
    row per source: source, place (reading order), exported_until. Cut by the key's hash, so that memory is bounded.
    """
    folders = sorted((intaking.folder / table.name).glob("shard=*"))
    if not folders:
        return pl.DataFrame(schema=FATES)
    staged = pl.scan_parquet([folder / "*.parquet" for folder in folders])
    key = [("own" if name == "person" else name) for name in table.key]
    cuts = max(1, -(-rows // CUT))
    found = [_judge_cut(staged, table, key, exported, cut, cuts) for cut in range(cuts)]
    return pl.concat(found)


def _judge_cut(
    staged: pl.LazyFrame, table: Table, key: list[str], exported: pl.DataFrame, cut: int, cuts: int
) -> pl.DataFrame:
    mine = staged if cuts == 1 else staged.filter(pl.struct(key).hash() % cuts == cut)
    counted = mine.group_by(key).len().filter(pl.col("len") > 1).select(key)
    shared = mine.join(counted, on=key, how="semi").collect(engine="streaming")
    if shared.is_empty():
        return pl.DataFrame(schema=FATES)
    ordered = shared.join(exported, on="source", how="left").sort(
        "exported_until", "place", "source_row", descending=[True, False, False], nulls_last=True
    )
    content = [*table.columns, *(["own"] if "own" in key else [])]
    is_copy = ~pl.struct(content).is_first_distinct()
    told = ordered.with_columns(is_copy.alias("is_copy"))
    rivals = told.filter(~pl.col("is_copy"))
    newest = pl.col("exported_until").max().over(key)
    undated = pl.col("exported_until").is_null().any().over(key)
    sole = ((pl.col("exported_until") == newest).sum().over(key) == 1) & ~undated
    is_newest = pl.col("exported_until") == newest
    fate = (
        pl.when(pl.len().over(key) == 1).then(pl.lit(None, dtype=pl.String))
        .when(~sole).then(pl.lit("conflicting"))
        .when(~is_newest).then(pl.lit("superseded"))
    )  # fmt: skip
    is_opt_out = pl.col("kind") == "marketing_opt_out" if table.name == "requests" else pl.lit(value=False)
    told_of = ["source", "source_row", is_opt_out.alias("is_opt_out")]
    fates = rivals.select(*told_of, fate.alias("fate")).filter(pl.col("fate").is_not_null())
    copies = told.filter("is_copy").select(*told_of, pl.lit("duplicate").alias("fate"))
    return pl.concat([copies, fates])


def judge_events(rows: pl.DataFrame, table: Table, exported: pl.DataFrame) -> pl.DataFrame:
    """Return the exact copies among rows of a table without a key: source, source_row, fate `duplicate`."""
    ordered = rows.join(exported, on="source", how="left").sort("place", "source_row")
    copies = ordered.filter(~pl.struct(table.columns).is_first_distinct())
    said = pl.lit(value=False).alias("is_opt_out")
    return copies.select("source", "source_row", said, pl.lit("duplicate").alias("fate"))
