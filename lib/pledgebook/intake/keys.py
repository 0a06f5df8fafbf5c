"""Keys over all shards and files: which rows are duplicates, which a newer export supersedes, which contradict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from pledgebook.intake.parts import Part, kept_columns, parts_in, parts_of, scan_files
from pledgebook.intake.tasks import carry_out
from pledgebook.tables import TABLES, Table

CUT = 8_000_000
REMEMBERED = 1_000_000
ALL_HASHES = 2**64
KEY = "_key"
PLACE = pl.Schema({"_part": pl.String, "_shard": pl.UInt32, "_month": pl.String, KEY: pl.UInt64})


@dataclass(frozen=True)
class Shared:
    """Rows of a table whose key is not theirs alone, and those of them that do not stand.

    rows: the columns of a part, and where each lies (`_part`, `_shard`, `_month`, `_key`); None where they are too many
    to be remembered for the next intake. fallen: the same with `fate` and `is_opt_out`.
    """

    rows: pl.DataFrame | None
    fallen: pl.DataFrame


def key_columns(table: Table) -> list[str]:
    """Columns that make a row unique: the key; of events all of them. People by the id that the row itself gave."""
    return [("own" if name == "person" else name) for name in table.key] or table.columns


def key_hash(table: Table) -> pl.Expr:
    """Return 64 bits that equal keys share; unequal ones that share them are told apart by their contents."""
    columns = key_columns(table)
    return pl.col(columns[0]).hash() if len(columns) == 1 else pl.struct(columns).hash()


def judge_keys(
    parts: Sequence[Part],
    earlier: Sequence[Part],
    known: Mapping[str, Shared],
    stores: Path,
    *,
    tables: Sequence[str] = tuple(TABLES),
    executor: Executor | None = None,
) -> dict[str, Shared]:
    """Say which rows of each table do not stand: fate `duplicate`, `superseded` or `conflicting`.

    `duplicate`: an equal row is kept (of several the newest export's, then the first). `superseded`: a newer export says
    otherwise. `conflicting`: several contents within one export, or without a date. `earlier` are parts that were judged
    before and `known` what was found then: only what the other parts bring is looked up again. Cut by the key's hash,
    so that memory is bounded and cuts can be judged beside each other.
    """
    calls = [call for name in tables for call in _cuts(TABLES[name], parts, earlier, known, stores)]
    judged = carry_out(_judge_cut, calls, executor)
    found: dict[str, list[Shared]] = {name: [] for name in tables}
    for (name, *_), each in zip(calls, judged, strict=True):
        found[name].append(each)
    return {name: _together(each) for name, each in found.items()}


def _cuts(
    table: Table, parts: Sequence[Part], earlier: Sequence[Part], known: Mapping[str, Shared], stores: Path
) -> Iterator[tuple[Any, ...]]:
    """What `_judge_cut` takes, once for each stretch of hashes."""
    remembered = known[table.name].rows if table.name in known else None
    mine, before = parts_of(table, parts), parts_of(table, earlier) if remembered is not None else []
    judged = {part.id for part in before}
    added = [part.folder for part in mine if part.id not in judged]
    still = [part for part in mine if part.id in judged]
    cuts = max(1, -(-sum(part.rows_kept for part in mine if part.id not in judged) // CUT))
    for cut in range(cuts):
        stretch = (ALL_HASHES * cut // cuts, ALL_HASHES * (cut + 1) // cuts - 1)
        old = _remembered(table, remembered if before else None, still, stretch)
        yield table.name, [part.folder for part in mine], added, old, stores, stretch


def _together(cuts: list[Shared]) -> Shared:
    rows = [each.rows for each in cuts if each.rows is not None]
    is_remembered = len(rows) == len(cuts) and sum(each.height for each in rows) <= REMEMBERED
    return Shared(pl.concat(rows) if is_remembered else None, pl.concat([each.fallen for each in cuts]))


def _judge_cut(
    name: str,
    folders: Sequence[str],
    added_folders: Sequence[str],
    remembered: pl.DataFrame,
    stores: Path,
    stretch: tuple[int, int],
) -> Shared:
    table, mine, new = TABLES[name], parts_in(stores, folders), set(added_folders)
    added = [part for part in mine if part.folder in new]
    still = [part for part in mine if part.folder not in new]
    several = _several(added, still, stores, stretch)
    old = pl.concat([remembered[KEY].unique(), several.head(0)])
    fresh = several.filter(~several.is_in(old.implode()))
    everyone = pl.concat([old, fresh])
    rows = pl.concat([remembered, _rows_with(table, added, everyone, stores), _rows_with(table, still, fresh, stores)])
    fallen = _judge_shared(rows, table, mine) if rows.height else _none_fallen(table)
    return Shared(rows if rows.height <= REMEMBERED else None, fallen)


def _remembered(table: Table, known: pl.DataFrame | None, still: list[Part], stretch: tuple[int, int]) -> pl.DataFrame:
    if known is None:
        return _nothing_shared(table)
    return known.filter(pl.col("_part").is_in([part.id for part in still]) & _within(KEY, stretch))


def _within(column: str, stretch: tuple[int, int]) -> pl.Expr:
    first, last = (pl.lit(number, dtype=pl.UInt64) for number in stretch)
    return pl.col(column).is_between(first, last)


@cache
def _nothing_shared(table: Table) -> pl.DataFrame:
    schema = table.nothing().collect_schema()
    own = {"own": pl.UInt64(), "person_guard": pl.UInt64()}
    columns = {name: own.get(name) or schema[name] for name in kept_columns(table)}
    return pl.DataFrame(schema={**columns, **PLACE})


def _several(added: list[Part], still: list[Part], stores: Path, stretch: tuple[int, int]) -> pl.Series:
    """The hashes within a stretch that occur more than once, and in one of the added parts."""
    new = _hashes(added, stores, stretch).collect(engine="streaming")["key"].sort()
    repeated = new.filter((new == new.shift(1)).fill_null(value=False))
    if not still or new.is_empty():
        return repeated.unique()
    met = _hashes(still, stores, stretch).join(new.to_frame("key").lazy(), on="key", how="semi")
    return pl.concat([repeated, met.collect(engine="streaming")["key"]]).unique()


def _hashes(parts: list[Part], stores: Path, stretch: tuple[int, int]) -> pl.LazyFrame:
    files = [part.shard_file("keys", shard) for part in parts for shard in part.shards()]
    if not files:
        return pl.LazyFrame(schema={"key": pl.UInt64})
    return scan_files(stores, files).filter(_within("key", stretch))


def _rows_with(table: Table, parts: list[Part], hashes: pl.Series, stores: Path) -> pl.DataFrame:
    """The rows with one of these hashes, and where each lies."""
    if hashes.is_empty():
        return _nothing_shared(table)
    wanted = hashes.to_frame(KEY).lazy()
    found = [
        scan_files(stores, [part.rows_file(cut)])
        .with_columns(key_hash(table).alias(KEY))
        .join(wanted, on=KEY, how="semi")
        .with_columns(
            pl.lit(part.id).alias("_part"),
            pl.lit(cut.shard, dtype=pl.UInt32).alias("_shard"),
            pl.lit(cut.month).alias("_month"),
        )
        for part in parts
        for cut in part.cuts
    ]
    columns = [*kept_columns(table), *PLACE]
    nothing = _nothing_shared(table)
    told = [frame.select(columns) for frame in found]
    return pl.concat([nothing, *pl.collect_all(told)])


def _judge_shared(shared: pl.DataFrame, table: Table, parts: list[Part]) -> pl.DataFrame:
    """Rows whose key is not theirs alone, those that do not stand, with their `fate` and `is_opt_out`."""
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
    return pl.concat([copies, fates.select(copies.columns)]).drop("is_copy", "place", "exported_until")


@cache
def _none_fallen(table: Table) -> pl.DataFrame:
    """What most tables of most stores come to."""
    return _judge_shared(_nothing_shared(table), table, [])


def _newest_first(shared: pl.DataFrame, parts: list[Part], *, has_key: bool) -> pl.DataFrame:
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
