"""The store: made once per fingerprint, whole or not at all, and never one of another policy or key."""

import json
import os
import time
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime

import polars as pl
import pytest
from intake.exporting import (
    CONSENT,
    KEY,
    MESSAGES,
    PEOPLE,
    POLICY,
    account,
    cells,
    csv,
    keep,
    kept,
    message,
    notes,
    pseudonym,
)

from pledgebook.book import open_store_of
from pledgebook.errors import InputError
from pledgebook.store_opening import shards_for

AT = "2026-09-01T00:00:00Z"
FILES = {
    "people.csv": csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in range(9)]),
    "messages.csv": csv(MESSAGES, *[message(n, f"2026-0{1 + n}-15T00:00:00Z") for n in range(9)]),
    "consent_events.csv": csv(CONSENT, f"p1,marketing,any,grant,{AT}", f"p1,marketing,email,withdraw,{AT}"),
}


def built(store) -> str:
    return store.facts["data"]


def test_the_same_exports_give_the_same_store_without_reading_again(tmp_path):
    first = keep(tmp_path, FILES)
    again = open_store_of(
        tmp_path / "exports",
        tmp_path / "policy.toml",
        environment={"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")},
        progress=lambda step: pytest.fail(f"read again: {step}"),
    )
    assert (again.folder, built(again)) == (first.folder, built(first))


def test_touching_a_file_changes_nothing_and_a_byte_changes_the_store(tmp_path):
    first = keep(tmp_path, FILES)
    os.utime(tmp_path / "exports" / "messages.csv", (1, 1))
    assert keep(tmp_path, {}).folder == first.folder
    other = keep(tmp_path, {"messages.csv": FILES["messages.csv"].replace("autumn", "winter")})
    assert other.folder != first.folder
    assert keep(tmp_path, FILES).folder == first.folder


CHANGES = {
    "valid_days": (POLICY.replace("730", "365"), True),
    "timezone": (POLICY.replace("Asia/Tokyo", "UTC"), True),
    "notice versions": (POLICY.replace("valid_days = 730", 'valid_days = 730\nnotice_versions = [{ id = "1" }]'), True),
    "a further purpose": (
        POLICY + '[[purpose]]\nid = "x"\nclause = ""\ntitle = ""\nneeds_consent = true\nvalid_days = 1\n', True
    ),
    "promised_days": (POLICY + "[requests]\npromised_days = { default = 3 }\n", False),
    "a title": (POLICY.replace("Advertise", "Sell"), False),
    "the company's law": (POLICY.replace('"APPI"', '"GDPR"'), False),
    "a comment": (POLICY + "# nothing\n", False),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_policy_that_shapes_other_states_has_a_store_of_its_own(tmp_path, name):
    policy, is_other = CHANGES[name]
    assert (keep(tmp_path, FILES).folder != keep(tmp_path, FILES, policy=policy).folder) is is_other


def test_key_mapping_file_names_and_shards_have_stores_of_their_own(tmp_path):
    folders = {keep(tmp_path, FILES).folder, keep(tmp_path, FILES, shards=4).folder}
    (tmp_path / "exports" / "messages.csv").rename(tmp_path / "exports" / "messages-2027-01-01.csv")
    folders.add(keep(tmp_path, {}).folder)
    environment = {"PLEDGEBOOK_KEY": "x" * 40, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    folders.add(open_store_of(tmp_path / "exports", tmp_path / "policy.toml", environment=environment).folder)
    mapping = '[[source]]\nname = "people"\ntable = "people"\nfiles = "people.csv"\n'
    folders.add(keep(tmp_path, {"exports.toml": mapping}).folder)
    assert len(folders) == 5


def test_changed_states_are_really_other_states(tmp_path):
    files = FILES | {"consent_events.csv": csv(CONSENT, "p1,marketing,any,grant,2026-01-01T00:00:00Z")}
    ends = [
        keep(tmp_path, files, policy=policy).scan("consent_states", 0).filter(pl.col("state") == "granted").collect()["until"][0]
        for policy in (POLICY, CHANGES["valid_days"][0])
    ]  # fmt: skip
    assert [end.year for end in ends] == [2028, 2027]


@pytest.mark.parametrize("shards", [2, 3, 8])
def test_shards_hold_each_person_once_and_lose_nobody(tmp_path, shards):
    whole, cut = keep(tmp_path, FILES), keep(tmp_path, FILES, shards=shards)
    for table in ("people", "messages", "consent_events"):
        assert kept(whole, table).equals(kept(cut, table))
        where = [set(cut.scan(table, shard).collect()["person"]) for shard in range(shards)]
        assert sum(map(len, where)) == len(set().union(*where))
    assert (account(whole), notes(whole)) == (account(cut), notes(cut))


def test_page_views_are_cut_too(tmp_path):
    lines = [f"2026-09-01T00:00:{n:02}Z,all,,https://x.example/,,false,false" for n in range(40)]
    header = "at,cookie_choice,cookies_set,url,outbound_url,has_personal_data_in_url,has_login"
    cut = keep(tmp_path, {"page_views.csv": csv(header, *lines, lines[0])}, shards=4)
    assert account(cut)["page_views.csv"] == (41, 40, 0, 1, 0)
    assert [cut.scan("page_views", shard).collect().height for shard in range(4)] == [10] * 4


def test_rows_are_sorted_by_person_and_time(tmp_path):
    rows = keep(tmp_path, FILES).scan("people", 0).collect()
    assert rows["person"].is_sorted()


def test_a_table_cut_by_month_is_read_where_its_months_meet_the_stretch(tmp_path):
    store = keep(tmp_path, FILES)
    start, end = datetime(2026, 2, 15, tzinfo=UTC), datetime(2026, 4, 15, tzinfo=UTC)
    read = store.files("messages", 0, start=start, end=end)
    assert sorted(file.stem for file in read) == ["2026-02", "2026-03", "2026-04"]
    assert sorted(store.scan("messages", 0, start=start, end=end).collect()["message_id"]) == ["m1", "m2"]


def test_a_table_that_nobody_exported_has_its_columns_and_no_rows(tmp_path):
    store = keep(tmp_path, {"people.csv": FILES["people.csv"]})
    assert store.scan("request_pauses", 0).collect_schema().names()[:2] == ["person", "request_id"]
    assert store.scan("consent_states", 0).collect().is_empty()
    assert not store.has("messages")


def test_the_facts_name_inputs_and_the_key_s_id_and_never_the_key(tmp_path):
    store = keep(tmp_path, FILES)
    told = (store.folder / "store.json").read_text()
    assert KEY not in told
    facts = json.loads(told)
    assert [each["name"] for each in facts["inputs"]] == ["people.csv", "consent_events.csv", "messages.csv"]
    assert all(len(each["sha256"]) == 64 for each in facts["inputs"])
    assert store.folder.stat().st_mode & 0o077 == 0
    assert not (store.folder / "staging").exists()
    assert not (store.folder / "plain").exists()


def _open(folder: str) -> list:
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": f"{folder}/stores"}
    store = open_store_of(f"{folder}/exports", f"{folder}/policy.toml", environment=environment)
    return [str(store.folder), cells(store, "messages", "message_id")]


def test_two_processes_may_build_the_same_store_at_once(tmp_path):
    keep(tmp_path, FILES, name="other")
    (tmp_path / "other").rename(tmp_path / "exports")
    for store in (tmp_path / "stores").glob("*/store.json"):
        store.parent.rename(tmp_path / "away")
    from multiprocessing import get_context

    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        told = list(pool.map(_open, [str(tmp_path)] * 2))
    assert told[0] == told[1]
    assert told[0][1] == [f"m{n}" for n in range(9)]
    assert not list((tmp_path / "stores").glob(".making-*"))


def test_half_a_store_is_made_anew(tmp_path):
    store = keep(tmp_path, FILES)
    (store.folder / "store.json").unlink()
    (store.folder / "intake.parquet").write_bytes(b"half")
    again = keep(tmp_path, FILES)
    assert again.folder == store.folder
    assert account(again)["messages.csv"] == (9, 9, 0, 0, 0)


def test_what_a_killed_run_left_is_swept_and_what_another_run_makes_is_not(tmp_path):
    import fcntl

    left, worked_in, begun = (tmp_path / "stores" / f".making-{name}" for name in ("left", "worked-in", "begun"))
    for folder in (left, worked_in, begun):
        (folder / "plain").mkdir(parents=True)
    for folder in (left, worked_in):
        os.utime(folder, (time.time() - 3600,) * 2)
    lock = os.open(worked_in, os.O_RDONLY)
    fcntl.flock(lock, fcntl.LOCK_EX)
    keep(tmp_path, FILES)
    os.close(lock)
    assert [folder.exists() for folder in (left, worked_in, begun)] == [False, True, True]


def test_a_run_that_fails_leaves_nothing_behind(tmp_path):
    with pytest.raises(InputError):
        keep(tmp_path, FILES | {"requests.csv": "x\n"})
    assert sorted(file.name for file in (tmp_path / "stores").iterdir()) == ["hashes.json", "parts"]
    assert not list((tmp_path / "stores").rglob("plain*"))


def test_a_file_that_changes_while_it_is_read_gives_no_store(tmp_path, monkeypatch):
    from pledgebook import store_opening as module

    build = module.build_store

    def build_and_change(*arguments, **named):
        build(*arguments, **named)
        with (tmp_path / "exports" / "messages.csv").open("a") as stream:
            stream.write(message(99) + "\n")

    monkeypatch.setattr(module, "build_store", build_and_change)
    with pytest.raises(InputError, match=r"messages\.csv: it changed while it was read"):
        keep(tmp_path, FILES)
    assert not list((tmp_path / "stores").glob("*/store.json"))


def test_two_people_under_one_pseudonym_are_refused(tmp_path, monkeypatch):
    from pledgebook.intake import checking

    monkeypatch.setattr(checking, "pseudonym", lambda _: pl.lit(7, dtype=pl.UInt64))
    with pytest.raises(InputError, match="two different ids have the same pseudonym"):
        keep(tmp_path, FILES)


def test_large_exports_have_more_shards():
    class File:
        compression, format = None, "csv"

        def __init__(self, size):
            self.path = self
            self.st_size = size

        def stat(self):
            return self

    assert [shards_for([File(size << 20)]) for size in (0, 400, 401, 5000, 1 << 20)] == [1, 1, 2, 16, 1024]


def test_people_are_kept_under_their_pseudonyms(tmp_path):
    assert sorted(cells(keep(tmp_path, FILES), "people", "person")) == sorted(pseudonym(f"p{n}") for n in range(9))
