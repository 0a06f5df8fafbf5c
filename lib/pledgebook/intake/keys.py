"""Keys over all shards: which rows are duplicates, which a newer export supersedes, which contradict each other."""

from __future__ import annotations

import polars as pl

from pledgebook.intake.staging import SHARD, Intaking, shard_of
from pledgebook.tables import TABLES, Table

CUT = 2_000_000
SLICE = 500_000
FATES = {"source": pl.String, "source_row": pl.UInt64, "fate": pl.String, "is_opt_out": pl.Boolean}


def judge_keys(table: Table, intaking: Intaking, exported: pl.DataFrame, rows: int) -> None:
    """Write down, shard by shard, which rows of a keyed table do not stand: source, source_row, fate, is_opt_out.

    fate: `duplicate` (an equal row is kept: of several the newest export's, then the first), `superseded` (a newer
    export says otherwise), `conflicting` (several contents within one export, or without a date). `exported` has a
    row per source: source, place (reading order), exported_until. Cut by the key's hash, so that memory is bounded.
    """
    folders = sorted((intaking.folder / table.name).glob("shard=*"))
    if not folders:
        return
    staged = pl.scan_parquet([folder / "*.parquet" for folder in folders])
    key = [("own" if name == "person" else name) for name in table.key]
    cuts = max(1, -(-rows // CUT))
    for cut in range(cuts):
        mine = staged if cuts == 1 else staged.filter(pl.struct(key).hash() % cuts == cut)
        counted = mine.group_by(key).len().filter(pl.col("len") > 1).select(key).collect(engine="streaming")
        for number, several in enumerate(counted.iter_slices(SLICE)):
            shared = mine.join(several.lazy(), on=key, how="semi").collect(engine="streaming")
            fates = _judge_shared(shared.join(exported, on="source", how="left"), table, key)
            _write_fates(fates, table, intaking, f"{cut:05}-{number:05}")


def _write_fates(fates: pl.DataFrame, table: Table, intaking: Intaking, name: str) -> None:
    sharded = fates.select(*FATES, shard_of(table, intaking.shards).alias(SHARD))
    for (shard,), part in sharded.partition_by(SHARD, as_dict=True, include_key=False).items():
        folder = intaking.fates(table.name, int(shard))
        folder.mkdir(parents=True, exist_ok=True)
        part.write_parquet(folder / f"{name}.parquet", compression="lz4")


def read_fates(table: Table, intaking: Intaking, shard: int) -> pl.DataFrame:
    """Return what `judge_keys` wrote about the rows of one shard."""
    files = sorted(intaking.fates(table.name, shard).glob("*.parquet"))
    return pl.read_parquet(files) if files else pl.DataFrame(schema=FATES)


def _judge_shared(shared: pl.DataFrame, table: Table, key: list[str]) -> pl.DataFrame:
    """Rows whose key is not theirs alone, those that do not stand, with their `fate` and `is_opt_out`."""
    newest_first = {"exported_until": True, "place": False, "source_row": False}
    ordered = shared.sort(*newest_first, descending=list(newest_first.values()), nulls_last=True)
    content = [*table.columns, *(["own"] if "own" in key else [])]
    is_copy = ~pl.struct(content).is_first_distinct()
    is_opt_out = pl.col("kind") == "marketing_opt_out" if table.name == "requests" else pl.lit(value=False)
    told = ordered.with_columns(is_copy.alias("is_copy"), is_opt_out.alias("is_opt_out"))
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
    return pl.concat([copies, fates.select(copies.columns)])


def judge_events(rows: pl.DataFrame, table: Table, exported: pl.DataFrame) -> pl.DataFrame:
    """Return the exact copies among rows of a table without a key: as `read_fates`, fate `duplicate`."""
    ordered = rows.join(exported, on="source", how="left").sort("place", "source_row")
    copies = ordered.filter(~pl.struct(table.columns).is_first_distinct())
    return copies.select(
        "source", "source_row", pl.lit("duplicate").alias("fate"), pl.lit(value=False).alias("is_opt_out")
    )


KEYED = tuple(table for table in TABLES.values() if table.key)
