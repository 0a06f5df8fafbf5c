"""Keys over all shards and files: which rows are duplicates, which a newer export supersedes, which contradict."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from pledgebook.intake.parts import Part, kept_columns, parts_in, parts_of, scan_with_file
from pledgebook.intake.tasks import carry_out
from pledgebook.tables import TABLES, Table

CUT = 8_000_000
REMEMBERED = 1_000_000
ALL_HASHES = 2**64
EVERYTHING = (0, ALL_HASHES - 1)
KEY = "_key"
MET = pl.Schema({KEY: pl.UInt64, "file": pl.String})
LIES = pl.Schema({"file": pl.String, "_part": pl.String, "_shard": pl.UInt32, "_month": pl.String})
PLACE = pl.Schema({"_part": pl.String, "_shard": pl.UInt32, "_month": pl.String, KEY: pl.UInt64})


@dataclass(frozen=True)
class Shared:
    """Rows of a table whose key is not theirs alone, and those of them that do not stand.

    rows: the columns of a part, and where each lies (`_part`, `_shard`, `_month`, `_key`); None where they are too many
    to be remembered for the next intake. fallen: what is asked of them (`asked_of_fallen`).
    """

    rows: pl.DataFrame | None
    fallen: pl.DataFrame


def key_columns(table: Table) -> list[str]:
    """Columns that make a row unique: the key; of events all of them. People by the id that the row itself gave."""
    return [("own" if name == "person" else name) for name in table.key] or table.columns


def asked_of_fallen(table: Table) -> list[str]:
    """Columns of rows that do not stand: where each lay, whom, when and what it spoke of, its `fate`, and `is_opt_out`.

    All of them are held at once, and an export that is given again whole repeats every row.
    """
    about = [name for name in ("person", "recipient", table.when, table.feed) if name in table.columns]
    return ["source", "source_row", *about, "_part", "_shard", "_month", "fate", "is_opt_out"]


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
    before and `known` what was found then: only what the other parts bring is looked up again, and nothing of a table
    whose parts are the same. Cut by the key's hash, so that memory is bounded and cuts can be judged beside each other.
    """
    same = {name: known[name] for name in tables if name in known and _are_same(TABLES[name], parts, earlier)}
    others = [TABLES[name] for name in tables if name not in same]
    calls = [call for table in others for call in _cuts(table, parts, earlier, known, stores)]
    judged = carry_out(_judge_cut, calls, executor)
    found: dict[str, list[Shared]] = {table.name: [] for table in others}
    for (name, *_), each in zip(calls, judged, strict=True):
        found[name].append(each)
    return {name: same[name] if name in same else _together(found[name]) for name in tables}


def _are_same(table: Table, parts: Sequence[Part], earlier: Sequence[Part]) -> bool:
    now, then = ([part.id for part in parts_of(table, each)] for each in (parts, earlier))
    return now == then


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
    table, mine, coming = TABLES[name], parts_in(stores, folders), set(added_folders)
    added = [part for part in mine if part.folder in coming]
    still = [part for part in mine if part.folder not in coming]
    before = _key_files(still, stores)
    new = _hashes_in(_key_files(added, stores), stretch)
    met = _met(new, before, stretch)
    known = remembered[KEY].unique()
    fresh = met.filter(~pl.col(KEY).is_in(known.implode()))
    repeated = new.filter((new == new.shift(1)).fill_null(value=False))
    shared = pl.concat([known, repeated, fresh[KEY]]).unique()
    holding = [part.only(*shards) for part, shards in map(before.__getitem__, fresh["file"].unique().sort())]
    theirs = [_rows_with(table, added, shared, stores), _rows_with(table, holding, fresh[KEY].unique(), stores)]
    rows = pl.concat([remembered, *theirs])
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


def _key_files(parts: Sequence[Part], stores: Path) -> dict[str, tuple[Part, range]]:
    """Return the files of the keys of parts, each with its part and the shards whose keys it holds."""
    return {f"{stores}/{file}": (part, shards) for part in parts for file, shards in part.keys_files().items()}


def _hashes_in(files: Collection[str], stretch: tuple[int, int]) -> pl.Series:
    """The hashes in files of keys that lie within a stretch, in order."""
    if not files:
        return pl.Series(KEY, dtype=pl.UInt64)
    told = scan_with_file(files).filter(_within("key", stretch))
    return told.select(pl.col("key").alias(KEY)).collect(engine="streaming")[KEY].sort()


def _met(new: pl.Series, files: Collection[str], stretch: tuple[int, int]) -> pl.DataFrame:
    """Which new hashes are in files of keys that were there, and in which of them: _key, file. Rows are looked for nowhere else.

    As a filter it takes two thirds of a join's time; nor is the stretch compared where it is everything.
    """
    if not files or new.is_empty():
        return MET.to_frame()
    is_met = pl.col("key").is_in(new.implode())
    is_asked = is_met if stretch == EVERYTHING else _within("key", stretch) & is_met
    told = scan_with_file(files).filter(is_asked)
    return told.select(pl.col("key").alias(KEY), "file").collect(engine="streaming")


def _rows_with(table: Table, parts: Sequence[Part], hashes: pl.Series, stores: Path) -> pl.DataFrame:
    """The rows with one of these hashes, and where each lies."""
    nothing = _nothing_shared(table)
    places = [(f"{stores}/{part.rows_file(cut)}", part.id, cut.shard, cut.month) for part in parts for cut in part.cuts]
    if hashes.is_empty() or not places:
        return nothing
    where = pl.LazyFrame(places, LIES, orient="row")
    is_asked = key_hash(table).is_in(hashes.implode())
    rows = scan_with_file(file for file, *_ in places).filter(is_asked).with_columns(key_hash(table).alias(KEY))
    return rows.join(where, on="file").select(nothing.columns).collect(engine="streaming")


def _judge_shared(shared: pl.DataFrame, table: Table, parts: list[Part]) -> pl.DataFrame:
    """Of rows whose key is not theirs alone those that do not stand."""
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
