"""Strangers: two ids under one pseudonym are found among them, and other files are read only where one went."""

from pathlib import Path

import polars as pl
import pytest
from intake.exporting import MESSAGES, PEOPLE, csv, keep, message, notes, pseudonym, spoil_to_its_end

from pledgebook.errors import InputError
from pledgebook.intake.accounts import ORPHANS
from pledgebook.intake.parts import Cut, Part
from pledgebook.intake.standing import as_catalogue, entry
from pledgebook.intake.states import Earlier
from pledgebook.intake.strangers import SPOKEN_OF, find_strangers
from pledgebook.store import Store

FILES = {
    "people.csv": csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in (1, 2)]),
    "messages-1.csv": csv(MESSAGES, message(1, person_id="p1"), message(2, person_id="a stranger")),
    "messages-2.csv": csv(MESSAGES, message(3, person_id="p2"), message(4, person_id="another")),
}


def spoken_of(pairs: list[tuple[int, int]]) -> pl.DataFrame:
    return pl.DataFrame(pairs, schema=SPOKEN_OF, orient="row")


def part(folder: Path, name: str, table: str, pairs: list[tuple[int, int]] | None) -> Part:
    """A part whose rows speak of these people; None where its file must not be read."""
    cuts = (Cut(shard=0, month="all", rows=1),)
    told = Part(id=name, reading=name, token="t", source=name, feed=name, table=table, exported_until=None, cuts=cuts)
    file = folder / told.shard_file("persons", 0)
    file.parent.mkdir(parents=True)
    if pairs is not None:
        spoken_of(pairs).write_parquet(file)
    return told


def store_before(folder: Path, parts: list[Part], gone: list[Part], strangers: list[tuple[int, int]]) -> Earlier:
    spoken_of(strangers).write_parquet(folder / "strangers.parquet")
    catalogue = as_catalogue([entry("strangers", 0, "strangers.parquet", len(strangers))])
    known = frozenset(each.id for each in [*parts, *gone])
    return Earlier(catalogue, known, gone, [], pl.DataFrame(), pl.DataFrame(), ORPHANS.to_frame())


PEOPLE_THERE, STRANGERS_THERE = [(1, 10), (2, 20)], [(3, 30)]


@pytest.mark.parametrize(
    ("table", "pairs", "strangers"),
    [
        ("messages", [(1, 10), (2, 20)], [3]),
        ("messages", [(3, 30), (4, 40)], [3, 4]),
        ("people", [(3, 30)], [3]),  # a part of people alone makes nobody known: the row may not stand
        ("messages", [(1, 10), (2, 99)], None),
        ("messages", [(1, 10), (3, 99)], None),
        ("people", [(3, 99)], None),
        ("people", [(5, 1), (5, 2)], None),
    ],
)
def test_a_further_file_is_held_against_people_and_strangers(tmp_path, table, pairs, strangers):
    """The other messages are not read."""
    known = [part(tmp_path, "a", "people", PEOPLE_THERE), part(tmp_path, "b", "messages", None)]
    earlier = store_before(tmp_path, known, [], STRANGERS_THERE)
    parts = [*known, part(tmp_path, "c", table, pairs)]
    people = spoken_of(PEOPLE_THERE).lazy()
    if strangers is None:
        with pytest.raises(InputError, match="two different ids have the same pseudonym"):
            find_strangers(parts, people, earlier, 0, tmp_path)
    else:
        assert find_strangers(parts, people, earlier, 0, tmp_path)["person"].to_list() == strangers


@pytest.mark.parametrize(
    ("table", "gone", "left", "people", "strangers"),
    [
        ("messages", [(3, 30)], [(2, 20)], [1, 2], []),
        ("messages", [(3, 30)], [(3, 30)], [1, 2], [3]),
        ("messages", [(1, 10)], [(2, 20)], [1, 2], [3]),
        ("people", [(1, 10)], [(1, 10), (2, 20)], [2], [1, 3]),
        ("people", [(1, 10)], [(2, 20)], [2], [3]),
    ],
)
def test_a_file_that_goes_takes_along_of_whom_it_alone_spoke(tmp_path, table, gone, left, people, strangers):
    went, stays = part(tmp_path, "a", table, gone), part(tmp_path, "b", "messages", left)
    earlier = store_before(tmp_path, [stays], [went], STRANGERS_THERE)
    standing = pl.LazyFrame({"person": people}, schema={"person": pl.UInt64})
    assert find_strangers([stays], standing, earlier, 0, tmp_path)["person"].to_list() == strangers


def test_of_a_store_made_from_nothing_all_files_are_held_against_each_other(tmp_path):
    parts = [part(tmp_path, "a", "people", PEOPLE_THERE), part(tmp_path, "b", "messages", [(2, 20), (3, 30)])]
    people = spoken_of(PEOPLE_THERE).lazy()
    assert find_strangers(parts, people, None, 0, tmp_path).rows() == [(3, 30)]
    with pytest.raises(InputError, match="two different ids have the same pseudonym"):
        find_strangers([*parts, part(tmp_path, "c", "messages", [(3, 31)])], people, None, 0, tmp_path)


def strangers_in(store: Store) -> set[int]:
    files = store.files("strangers", range(store.shards))
    return {person for file in files for person in pl.read_parquet(file)["person"]}


def spoil_messages(store: Store) -> None:
    """Overwrite of whom the files of messages speak, but not their ends."""
    for record in (store.folder.parent / "parts").glob("*.json"):
        told = Part.model_validate_json(record.read_bytes())
        for file in (store.folder.parent / told.folder).glob("persons/*") if told.table == "messages" else ():
            spoil_to_its_end(file)


@pytest.mark.parametrize("shards", [1, 2])
def test_further_exports_ask_nobody_of_whom_the_others_speak(tmp_path, shards):
    first = keep(tmp_path, FILES, shards=shards)
    assert strangers_in(first) == {pseudonym("a stranger"), pseudonym("another")}
    spoil_messages(first)
    further = message(9, person_id="a third"), message(10, person_id="another")
    store = keep(tmp_path, {"messages-3.csv": csv(MESSAGES, *further)}, shards=shards)
    assert notes(store) == {("messages", "orphan_person"): 4}
    assert strangers_in(store) == {pseudonym("a stranger"), pseudonym("another"), pseudonym("a third")}
    spoil_messages(store)
    newcomer = {"people-2.csv": csv(PEOPLE, "p3,customer,JP,2026-01-01T00:00:00Z,")}
    assert strangers_in(keep(tmp_path, newcomer, shards=shards)) == strangers_in(store)


def test_strangers_are_those_of_a_store_s_own_exports(tmp_path):
    """Whom a file that went spoke of is in no later store; who becomes known is none any more."""
    keep(tmp_path, FILES, shards=2)
    (tmp_path / "exports" / "messages-2.csv").unlink()
    assert strangers_in(keep(tmp_path, {}, shards=2)) == {pseudonym("a stranger")}
    known = {"people-2.csv": csv(PEOPLE, "a stranger,customer,JP,2026-01-01T00:00:00Z,")}
    store = keep(tmp_path, known, shards=2)
    assert (strangers_in(store), notes(store)) == (set(), {})


@pytest.mark.parametrize("shards", [1, 4])
def test_of_rows_that_fall_those_of_strangers_alone_are_taken_from_the_count(tmp_path, shards):
    """Three rows of two strangers stand; a copy of one of them fell, and a copy of a known person's row."""
    rows = [message(1, person_id="p1"), message(2, person_id="a stranger"), message(3, person_id="another")]
    more = csv(MESSAGES, message(4, person_id="another"), rows[0], rows[1])
    people = csv(PEOPLE, "p1,customer,JP,2026-01-01T00:00:00Z,")
    store = keep(
        tmp_path, {"people.csv": people, "messages-1.csv": csv(MESSAGES, *rows), "messages-2.csv": more}, shards=shards
    )
    assert notes(store) == {("messages", "orphan_person"): 3}
