"""Rows that fall: of rows that share a key those that do not stand, judged some keys at a time and kept on disk.

An export that is given again repeats every row, so that memory holds no more than some keys' rows. A store shows the
files of its fallen rows in its catalogue; of those of an earlier store it takes over what no further row touches.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import polars as pl

from pledgebook.intake.fates import judge_shared, none_fallen, nothing_shared
from pledgebook.intake.keys import KEY, Search, Touched, find_touched, key_files, key_hash, searches
from pledgebook.intake.parts import FALLEN, Fallen, Part, parts_in, parts_of, scan_files, scan_with_file
from pledgebook.intake.standing import Lines, Place, entry
from pledgebook.intake.states import ANSWERS, ROW_ID, answered_at
from pledgebook.intake.tasks import carry_out
from pledgebook.tables import TABLES, Table

KEYS_AT_ONCE = 200_000
FEW, IN_GROUP = 100_000, 25_000
ORDER = ["_shard", "_part", "_month", "source_row"]
LIES = pl.Schema({"file": pl.String, "_part": pl.String, "_shard": pl.UInt32, "_month": pl.String})


@dataclass(frozen=True)
class Fell:
    """What fell of a table.

    lines: of the catalogue, one a file. changed: of answers those that fell and did not in the earlier store, or did
    there and do not now: where each lies, `person` and `at`; none without an earlier store.
    """

    lines: Lines
    changed: pl.DataFrame


@dataclass(frozen=True)
class Piece:
    """Some keys of a table, and where rows with them lie: in all of further parts, in some shards of earlier ones.

    folders: of all parts. before: files of the rows that fell in the earlier store.
    """

    table: str
    number: int
    keys: pl.Series
    folders: tuple[str, ...]
    added: tuple[str, ...]
    holding: tuple[tuple[str, range], ...]
    before: tuple[str, ...]


def settle_fallen(
    parts: Sequence[Part],
    earlier: Sequence[Part],
    catalogue: pl.DataFrame | None,
    place: Place,
    executor: Executor | None = None,
) -> dict[str, Fell]:
    """Write down which rows of each table do not stand (`judge_shared` has their fates).

    `earlier` are the parts of an earlier store, `catalogue` is its own: only keys that the other parts bring or take
    away are looked up again.
    """
    before = {name: _lines_of(catalogue, name) for name in TABLES}
    cut = [each for name in TABLES for each in searches(TABLES[name], parts, earlier, _paths(before[name]))]
    found = carry_out(find_touched, [(each, place.stores) for each in cut], executor)
    looked = {name: [pair for pair in zip(cut, found, strict=True) if pair[0].table == name] for name in TABLES}
    pieces = [each for name in TABLES for each in _pieces(TABLES[name], parts, looked[name], place.stores)]
    judged = carry_out(_judge_and_keep, [(each, place, catalogue is not None) for each in pieces], executor)
    fell: dict[str, Fell] = {}
    for name, lines in before.items():
        mine = [each for piece, each in zip(pieces, judged, strict=True) if piece.table == name]
        touched = pl.concat([each.hashes for _, each in looked[name]])
        staying = Fell(_taken_over(TABLES[name], lines, touched, place), _unchanged(TABLES[name]))
        fell[name] = _together([staying, *mine])
    return fell


def _together(fell: Sequence[Fell]) -> Fell:
    return Fell([line for each in fell for line in each.lines], pl.concat([each.changed for each in fell]))


def fallen_now(table: Table, parts: Sequence[Part], stores: Path) -> pl.DataFrame:
    """Return the rows of a small table that do not stand, whatever earlier stores know: the columns of `asked_of_fallen`."""
    looked = [(each, find_touched(each, stores)) for each in searches(table, parts, (), ())]
    pieces = _pieces(table, parts, looked, stores)
    return pl.concat([none_fallen(table), *(_judge(piece, stores) for piece in pieces)])


def scan_fallen(fallen: Fallen, name: str, stores: Path) -> pl.LazyFrame:
    """Return the rows of a table that do not stand: the columns of `asked_of_fallen`."""
    return scan_files(stores, fallen[name], none_fallen(TABLES[name]).schema)


def _lines_of(catalogue: pl.DataFrame | None, name: str) -> Lines:
    return [] if catalogue is None else catalogue.filter(pl.col("table") == FALLEN + name).to_dicts()


def _paths(lines: Lines) -> list[str]:
    return [str(line["path"]) for line in lines]


def files_of_fallen(fell: Mapping[str, Fell]) -> Fallen:
    """Return the files of the rows of each table that fell."""
    return {name: _paths(each.lines) for name, each in fell.items()}


def _pieces(
    table: Table, parts: Sequence[Part], looked: Sequence[tuple[Search, Touched]], stores: Path
) -> Iterator[Piece]:
    """Yield the keys that must be judged, as many at a time as memory holds the rows of; stretches follow each other."""
    keys = pl.concat([each.hashes for _, each in looked])
    holding = pl.concat([each.holding for _, each in looked])
    search, folders = looked[0][0], tuple(part.folder for part in parts_of(table, parts))
    files = key_files(parts_in(stores, search.still), stores)
    for number, first in enumerate(range(0, len(keys), KEYS_AT_ONCE)):
        some = keys[first : first + KEYS_AT_ONCE]
        theirs = holding.filter(pl.col(KEY).is_between(some[0], some[-1]))["file"].unique().cast(pl.String).sort()
        lying = tuple((part.folder, shards) for part, shards in map(files.__getitem__, theirs))
        yield Piece(table.name, number, some, folders, search.added, lying, search.before)


def _judge_and_keep(piece: Piece, place: Place, is_compared: bool) -> Fell:
    fell, table = _judge(piece, place.stores), TABLES[piece.table]
    lines = _keep(table, fell, f"{piece.number:05}", place)
    has_changes = is_compared and table.name in ANSWERS
    return Fell(lines, _changed(piece, fell, place.stores) if has_changes else _unchanged(table))


def _keep(table: Table, fell: pl.DataFrame, name: str, place: Place) -> Lines:
    """Write rows that fell by shard, so that of a shard few groups of rows are read."""
    if fell.is_empty():
        return []
    path = place.write(fell.sort(ORDER), f"{FALLEN}{table.name}/{name}.parquet", IN_GROUP)
    return [entry(f"{FALLEN}{table.name}", 0, path, fell.height)]


def _changed(piece: Piece, fell: pl.DataFrame, stores: Path) -> pl.DataFrame:
    """Answers that fell in one of this store and the earlier one."""
    table = TABLES[piece.table]
    theirs = scan_files(stores, piece.before, fell.schema).filter(pl.col(KEY).is_in(piece.keys.implode()))
    then, now = (_row_and_answer(rows, table) for rows in (theirs.collect(engine="streaming"), fell))
    return pl.concat([then.join(now, on=ROW_ID, how="anti"), now.join(then, on=ROW_ID, how="anti")])


def _row_and_answer(fell: pl.DataFrame, table: Table) -> pl.DataFrame:
    return fell.select(*ROW_ID, "_shard", "person", answered_at(table.name))


@cache
def _unchanged(table: Table) -> pl.DataFrame:
    return _row_and_answer(none_fallen(table), table) if table.name in ANSWERS else pl.DataFrame()


def _taken_over(table: Table, before: Lines, touched: pl.Series, place: Place) -> Lines:
    """The lines of earlier files without rows of touched keys; small ones are put together, that there be few."""
    if touched.is_empty():
        return before
    lines: Lines = []
    held: list[pl.DataFrame] = []
    for line in before:
        rows = pl.read_parquet(f"{place.stores}/{line['path']}", hive_partitioning=False)
        staying = rows.filter(~pl.col(KEY).is_in(touched.implode()))
        if staying.height == rows.height > FEW:
            lines.append(line)
        else:
            held.append(staying)
        if sum(each.height for each in held) > KEYS_AT_ONCE:
            lines += _keep(table, pl.concat(held), f"before-{len(lines):05}", place)
            held = []
    return lines + (_keep(table, pl.concat(held), f"before-{len(lines):05}", place) if held else [])


def _judge(piece: Piece, stores: Path) -> pl.DataFrame:
    """The rows with the keys of a piece that do not stand."""
    table, mine = TABLES[piece.table], parts_in(stores, piece.folders)
    holders = zip(parts_in(stores, [folder for folder, _ in piece.holding]), piece.holding, strict=True)
    holding = [part.only(*shards) for part, (_, shards) in holders]
    rows = _rows_with(table, [*parts_in(stores, piece.added), *holding], piece.keys, stores)
    return judge_shared(rows, table, mine)


def _rows_with(table: Table, parts: Iterable[Part], hashes: pl.Series, stores: Path) -> pl.DataFrame:
    """The rows with one of these hashes, and where each lies."""
    nothing = nothing_shared(table)
    places = [(f"{stores}/{part.rows_file(cut)}", part.id, cut.shard, cut.month) for part in parts for cut in part.cuts]
    if hashes.is_empty() or not places:
        return nothing
    where = pl.LazyFrame(places, LIES, orient="row")
    is_asked = key_hash(table).is_in(hashes.implode())
    rows = scan_with_file(file for file, *_ in places).filter(is_asked).with_columns(key_hash(table).alias(KEY))
    return rows.join(where, on="file").select(nothing.columns).collect(engine="streaming")
