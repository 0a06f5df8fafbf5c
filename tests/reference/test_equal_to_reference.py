"""Figures equal to brute force on random worlds, however the exports are written, ordered, split and sharded."""

import pytest

from reference.comparing import differences, open_world
from reference.oracle import compute
from reference.worlds import make_world

FORMATS = ("csv", "parquet", "jsonl")


@pytest.mark.parametrize("seed", range(40))
def test_every_table_equals_the_reference(seed, tmp_path):
    world = make_world(seed)
    expected = compute(world.tables, world.policy, world.start, world.end, world.as_of, holidays=world.holidays)
    book = open_world(world, tmp_path, FORMATS[seed % 3], parts=1 + seed % 2, shuffle=seed, shards=(1, 4)[seed % 2])
    assert book.store.quarantined.is_empty()
    assert differences(book, expected) == []


@pytest.mark.parametrize("seed", (1000, 1001))
def test_way_of_writing_never_changes_a_figure(seed, tmp_path):
    world = make_world(seed, people=30)
    expected = compute(world.tables, world.policy, world.start, world.end, world.as_of, holidays=world.holidays)
    for shards, file_format in ((1, "csv"), (2, "jsonl"), (8, "parquet")):
        folder = tmp_path / file_format
        folder.mkdir()
        book = open_world(world, folder, file_format, parts=shards, shuffle=shards, shards=shards)
        assert differences(book, expected) == []
