"""A store that was damaged: made again where its ends show it, said with the remedy where only reading does."""

import json
import os

import pytest
from faults.commands import contents, differing

from pledgebook.book import open_book, open_store_of
from pledgebook.errors import InputError
from pledgebook.intake.parts import Part


@pytest.fixture
def stores(tmp_path, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "stores"))
    return tmp_path / "stores"


@pytest.fixture
def opened(exports, company, stores):
    return open_store_of(exports, company[1])


def cut_off(file):
    os.truncate(file, file.stat().st_size - 20)


def flip(file):
    """Make the description at the end of a Parquet file unreadable, and leave its last bytes."""
    held = bytearray(file.read_bytes())
    held[-300:-8] = b"\xff" * 292
    file.write_bytes(bytes(held))


def remove(file):
    file.unlink()


def part_of(table, stores):
    """The record of one part of a table."""
    records = [Part.model_validate_json(file.read_bytes()) for file in (stores / "parts").glob("*.json")]
    return next(each for each in records if each.table == table)


def some_files(store):
    """A file of rows of a part, one of the store's own, its accounts and catalogue, and what a part keeps beside rows."""
    shown = store.catalogue.rows_by_key("table", named=True)
    own = store.folder / store.facts["data"]
    parts = store.folder.parent / "parts"
    return {
        "rows": store.folder.parent / shown["messages"][0]["path"],
        "people": store.folder.parent / shown["people"][0]["path"],
        "states": store.folder.parent / shown["consent_states"][0]["path"],
        "sent": store.folder.parent / shown["message_states"][0]["path"],
        "account": own / "intake.parquet",
        "catalogue": own / "catalogue.parquet",
        "further ids": next(parts.glob("*/*/further_ids.parquet")),
        "keys": next(parts.glob("*/*/keys/*.parquet")),
        "record": store.folder / "store.json",
        "part": next(parts.glob("*.json")),
    }


@pytest.mark.parametrize("harm", [cut_off, remove])
@pytest.mark.parametrize(
    "which", ["rows", "people", "states", "sent", "account", "catalogue", "record", "keys", "part", "further ids"]
)
def test_damaged_file_is_made_again(opened, exports, company, which, harm):
    before = contents(opened)
    harm(some_files(opened)[which])
    said = []
    again = open_store_of(exports, company[1], progress=said.append)
    assert differing(before, contents(again)) == []
    (exports / "messages.csv").write_text((exports / "messages.csv").read_text() + "\n")
    assert differing(before, contents(open_store_of(exports, company[1]))) == []


@pytest.mark.parametrize("harm", [cut_off, remove])
@pytest.mark.parametrize("table", ["people", "messages", "consent_events"])
def test_an_export_may_go_whose_part_was_damaged(opened, exports, company, stores, table, harm):
    part = part_of(table, stores)
    harm(next((stores / part.folder / "persons").glob("*.parquet")))
    (exports / part.source).unlink()
    left = contents(open_store_of(exports, company[1]))
    environment = {**os.environ, "PLEDGEBOOK_STORE": str(stores.with_name("fresh"))}
    assert differing(left, contents(open_store_of(exports, company[1], environment=environment))) == []


@pytest.mark.parametrize("harm", [cut_off, remove])
@pytest.mark.parametrize("what", ["further_ids.parquet", "persons/*.parquet", "rows/*/*.parquet", "part.json"])
def test_identities_may_change_when_parts_were_damaged_that_tell_whom_they_concern(
    opened, exports, company, stores, what, harm
):
    for table in ("requests", "identities"):
        part = part_of(table, stores)
        for file in [*(stores / part.folder).glob(what)]:
            harm(file)
    identities = exports / "identities.csv"
    identities.write_text(identities.read_text().replace("p-7\n", "p-8\n").replace("x-3,", "p-250,"))
    held = contents(open_store_of(exports, company[1]))
    environment = {**os.environ, "PLEDGEBOOK_STORE": str(stores.with_name("fresh"))}
    assert differing(held, contents(open_store_of(exports, company[1], environment=environment))) == []


def test_damaged_earlier_store_is_no_base_for_the_next(opened, exports, company, stores):
    files = some_files(opened)
    cut_off(files["states"])
    with (exports / "messages.csv").open("a") as stream:
        stream.write("m-new,p-1,email,autumn,marketing,mailer,2026-10-01T09:00:00+09:00\n")
    grown = open_store_of(exports, company[1])
    held = contents(grown)
    environment = {**os.environ, "PLEDGEBOOK_STORE": str(stores.with_name("fresh"))}
    assert differing(held, contents(open_store_of(exports, company[1], environment=environment))) == []


def test_damage_inside_a_file_is_named_with_the_remedy(opened, exports, company):
    file = some_files(opened)["sent"]
    flip(file)
    with pytest.raises(InputError, match=r"damaged\. Remove the folder") as told:
        open_book(exports, "2026-09", policy=company[1]).compute("marketing_messages")
    assert file.name in str(told.value)


def test_damaged_store_that_forgot_somebody_is_not_made_again(opened, exports, company):
    record = opened.folder / "store.json"
    facts = json.loads(record.read_text()) | {"forgotten": {"people": 1, "on": ["2026-11-01"]}}
    record.write_text(json.dumps(facts))
    cut_off(some_files(opened)["rows"])
    with pytest.raises(InputError, match="people were removed from that store"):
        open_store_of(exports, company[1])


@pytest.mark.parametrize("text", ["", "{", "[1, 2]", "null", '{"a": '])
def test_damaged_memory_of_hashes_is_forgotten(opened, exports, company, stores, text):
    (stores / "hashes.json").write_text(text)
    assert open_store_of(exports, company[1]).folder == opened.folder
    assert isinstance(json.loads((stores / "hashes.json").read_text()), dict)


def test_figures_that_are_cut_off_are_computed_again(exports, company, stores):
    book = open_book(exports, "2026-09", policy=company[1])
    before = book.compute("request_turnaround")
    file = next(stores.glob("*/figures/*/request_turnaround-*/request_turnaround.parquet"))
    cut_off(file)
    assert open_book(exports, "2026-09", policy=company[1]).compute("request_turnaround").equals(before)
