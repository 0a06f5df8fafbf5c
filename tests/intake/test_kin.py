"""What one store hands to the next: which one is most like it, and no more than that may be lost."""

import json
import pickle

import pytest
from intake.exporting import CONSENT, MESSAGES, PEOPLE, account, csv, keep, kept, message

from pledgebook.intake.kin import NEWEST, REMEMBERED, nearest_kin, note_kin, read_facts, shards_of_kin
from pledgebook.intake.parts import parts_listed

FILES = {
    "people.csv": csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in range(9)]),
    "messages.csv": csv(MESSAGES, *[message(n, f"2026-0{1 + n}-15T00:00:00Z") for n in range(9)]),
    "consent_events.csv": csv(CONSENT, "p1,marketing,any,grant,2026-09-01T00:00:00Z"),
}
FURTHER = {"messages-b.csv": csv(MESSAGES, message(20, "2026-10-15T00:00:00Z"))}


def sources(tmp_path, shape, inputs, shards=1):
    """The files of the store that one of these inputs would build on."""
    before = nearest_kin(tmp_path / "stores", shape, shards, inputs)
    return None if before is None else {part.source for part in parts_listed(tmp_path / "stores", before)}


def test_the_store_with_the_most_inputs_in_common_is_the_base_of_the_next(tmp_path):
    first = keep(tmp_path, FILES)
    shape, few = first.facts["shape"], first.facts["inputs"]
    assert sources(tmp_path, shape, few) == set(FILES)
    many = keep(tmp_path, FURTHER).facts["inputs"]
    assert sources(tmp_path, shape, few) == set(FILES)
    assert sources(tmp_path, shape, many) == {*FILES, *FURTHER}
    assert sources(tmp_path, shape, many, 2) is None
    assert sources(tmp_path, shape | {"key": "another"}, many) is None


def test_of_two_stores_as_near_the_newer_is_the_base(tmp_path):
    for day in (1, 2):
        store = keep(tmp_path, {"messages.csv": csv(MESSAGES, message(1, f"2026-01-0{day}T00:00:00Z"))})
    before = nearest_kin(tmp_path / "stores", store.facts["shape"], 1, [])
    assert before == f"{store.folder.name}/{store.facts['data']}"


@pytest.mark.parametrize(("before", "wanted", "count"), [(4, 4, 4), (4, 8, 4), (4, 16, 16), (4, 2, 4), (4, 1, 1)])
def test_a_store_that_grew_keeps_its_shards_while_they_fit(tmp_path, before, wanted, count):
    shape = keep(tmp_path, FILES, shards=before).facts["shape"]
    assert shards_of_kin(tmp_path / "stores", shape, wanted) == count


@pytest.mark.parametrize("note", ["", "{", "[]", '{"SHAPE": 5}', '{"SHAPE": [5, null, "nowhere"]}', "\x00"])
def test_a_damaged_note_costs_time_and_nothing_else(tmp_path, note):
    from pledgebook.intake import kin

    first = keep(tmp_path, FILES)
    name = kin._name_of(first.facts["shape"])
    (tmp_path / "stores" / NEWEST).write_text(note.replace("SHAPE", name))
    grown = keep(tmp_path, FURTHER)
    assert kept(grown, "messages").height == 10
    assert account(grown)["messages.csv"] == (9, 9, 0, 0, 0)
    assert json.loads((tmp_path / "stores" / NEWEST).read_text())[name][-1] == grown.folder.name


def test_notes_do_not_grow_without_end(tmp_path):
    for number in range(3 * REMEMBERED):
        note_kin(tmp_path, {"shape": {"code": number % 2}, "fingerprint": str(number)})
        note_kin(tmp_path, {"shape": {"code": "x", "n": number}, "fingerprint": "one"})
    noted = json.loads((tmp_path / NEWEST).read_text())
    assert len(noted) == REMEMBERED
    assert max(map(len, noted.values())) <= REMEMBERED


def test_a_store_that_forgot_somebody_is_no_base(tmp_path):
    first = keep(tmp_path, FILES)
    record = first.folder / "store.json"
    record.write_text(json.dumps(read_facts(record) | {"forgotten": {"people": 1, "on": ["2026-10-01"]}}))
    assert nearest_kin(tmp_path / "stores", first.facts["shape"], 1, []) is None


def test_a_store_is_sent_to_a_worker_without_its_list_of_inputs(tmp_path):
    store = keep(tmp_path, FILES)
    store.catalogue  # noqa: B018
    sent = pickle.dumps(store)
    assert b"consent_events.csv" not in sent
    assert len(sent) < 1500
    assert kept(pickle.loads(sent), "messages").equals(kept(store, "messages"))
