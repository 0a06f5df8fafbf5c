"""Exports and stores on object storage: the same figures, read and written no more than on a disk."""

from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest
from cluster.dask_cluster import dask_cluster, without_key
from cluster.object_storage import BUCKET, object_storage
from intake.exporting import CONSENT, KEY, MESSAGES, PEOPLE, POLICY, csv, kept, message, write

from pledgebook import worklists
from pledgebook.book import open_book, open_store_of
from pledgebook.cluster import Certificates, joined
from pledgebook.errors import InputError
from pledgebook.storage import listed_afresh, mark, storage_at, storage_for_stores
from pledgebook.store_lock import alone
from pledgebook.suite import from_root
from tests.golden.update import FOLDER, as_text, names

EXPORTS = f"s3://{BUCKET}/small/exports"
FILES = {
    "people.csv": csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in range(9)]),
    "messages-a.csv": csv(MESSAGES, *[message(n, f"2026-0{1 + n}-15T00:00:00Z") for n in range(9)]),
    "consent_events.csv": csv(CONSENT, "p1,marketing,any,grant,2026-09-01T00:00:00Z"),
    "notes/read me.txt": "nobody reads this",
}
FURTHER = {
    "messages-b.csv": csv(MESSAGES, message(20, "2026-10-15T00:00:00Z"), message(3, "2026-04-15T00:00:00Z")),
    "consent_events-b.csv": csv(CONSENT, "p2,marketing,any,grant,2026-10-01T00:00:00Z"),
}


@pytest.fixture(scope="module")
def storage():
    with object_storage() as started, pytest.MonkeyPatch.context() as patch:
        for name, text in started.environment.items():
            patch.setenv(name, text)
        storage_at(f"s3://{BUCKET}", "test").mkdir()
        yield started


@pytest.fixture
def rules(tmp_path) -> Path:
    (tmp_path / "policy.toml").write_text(POLICY)
    return tmp_path / "policy.toml"


@contextmanager
def fresh_connections():
    """Without the connections that fsspec keeps for a process, in which an endpoint is read once."""
    from s3fs import S3FileSystem

    S3FileSystem.clear_instance_cache()
    yield
    S3FileSystem.clear_instance_cache()


def environment(place) -> dict[str, str]:
    return {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(place)}


def opened(exports, rules, place, shards=2, progress=lambda _: None):
    return open_store_of(exports, rules, shards=shards, environment=environment(place), progress=progress)


def test_figures_of_exports_and_a_store_on_object_storage_are_those_of_a_disk(storage, root, monkeypatch):
    monkeypatch.setattr(worklists, "LIMITS", worklists.Limits(held=20, stretch=30, noted=2))  # in many files
    storage.put(root / "data" / "sample", "sample")
    book = open_book(
        f"s3://{BUCKET}/sample",
        "2026-09",
        "2026-10-01T00:00:00+09:00",
        "data/policy.toml",
        environment=environment(f"s3://{BUCKET}/stores"),
    )
    told = {name: as_text(book.compute(name)) for name in names()}
    assert told == {name: (FOLDER / f"{name}.csv").read_text(encoding="utf-8") for name in names()}
    asked = open_book(
        f"s3://{BUCKET}/sample",
        "2026-09",
        "2026-10-01T00:00:00+09:00",
        "data/policy.toml",
        environment=environment(f"s3://{BUCKET}/stores"),
    )
    storage.asked.clear()
    assert as_text(asked.compute("consent_coverage")) == told["consent_coverage"]
    assert {key.split("/")[2] for key in storage.got("stores")} == {"figures"}


def test_a_store_that_is_there_is_opened_without_reading_an_export(storage, rules, tmp_path):
    storage.put(write(tmp_path / "exports", FILES), "small/exports")
    first = opened(EXPORTS, rules, f"s3://{BUCKET}/small/stores")
    assert first.facts["unread"] == ["notes/read me.txt"]
    storage.asked.clear()
    again = opened(
        EXPORTS, rules, f"s3://{BUCKET}/small/stores", progress=lambda step: pytest.fail(f"read again: {step}")
    )
    assert again.facts == first.facts
    assert storage.got("small/exports") == set()
    assert {key.split("/")[-1] for key in storage.got("small/stores")} == {"hashes.json", "store.json"}
    assert not {method for method, _ in storage.asked} & {"PUT", "POST", "DELETE"}
    assert len(storage.asked) < 15


def test_a_further_file_costs_what_it_brings_and_gives_what_reading_all_gives(storage, rules, tmp_path):
    storage.put(write(tmp_path / "exports", FILES), "small/exports")
    before = opened(EXPORTS, rules, f"s3://{BUCKET}/small/stores")
    storage.put(write(tmp_path / "further", FURTHER), "small/exports")
    storage.asked.clear()
    read = []
    grown = opened(EXPORTS, rules, f"s3://{BUCKET}/small/stores", progress=read.append)
    assert {step for step in read if step.startswith("reading")} == {f"reading {name}" for name in FURTHER}
    assert storage.got("small/exports") == {f"small/exports/{name}" for name in FURTHER}
    assert before.folder != grown.folder
    disk = opened(write(tmp_path / "exports", FURTHER), rules, tmp_path / "stores")
    for table in ("people", "messages", "consent_events"):
        assert kept(grown, table).equals(kept(disk, table))
    assert grown.intake.equals(disk.intake)
    states = [pl.concat([store.scan("consent_states", n).collect() for n in range(2)]) for store in (grown, disk)]
    assert states[0]["person"].n_unique() == 2
    assert states[0].equals(states[1])


def test_a_question_about_a_month_reads_the_files_of_that_month_alone(storage, rules, tmp_path):
    storage.put(write(tmp_path / "exports", FILES), "months/exports")
    store = opened(f"s3://{BUCKET}/months/exports", rules, f"s3://{BUCKET}/months/stores", shards=1)
    store.catalogue  # noqa: B018
    storage.asked.clear()
    months = [datetime(2026, month, 1, tzinfo=UTC) for month in (3, 4)]
    read = store.scan("messages", 0, start=months[0], end=months[1]).select("message_id").collect()
    assert read["message_id"].to_list() == ["m2"]
    assert {Path(key).stem for key in storage.got("months/stores") if "/rows/" in key} <= {"2026-03", "2026-04"}
    assert any(key.endswith("/2026-03.parquet") for key in storage.got("months/stores"))


def test_what_stays_on_this_machine_is_nothing(storage, rules, tmp_path, monkeypatch):
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "scratch"))
    (tmp_path / "scratch").mkdir()
    storage.put(write(tmp_path / "exports", FILES), "clear/exports")
    opened(f"s3://{BUCKET}/clear/exports", rules, f"s3://{BUCKET}/clear/stores")
    assert list((tmp_path / "scratch").iterdir()) == []
    with pytest.raises(InputError, match=r"requests\.csv, line 1"):
        opened(write(tmp_path / "bad", FILES | {"requests.csv": "x\n"}), rules, f"s3://{BUCKET}/clear/stores")
    assert list((tmp_path / "scratch").iterdir()) == []


def test_a_file_that_changes_while_it_is_read_gives_no_store(storage, rules, tmp_path, monkeypatch):
    from pledgebook import store_opening as module

    storage.put(write(tmp_path / "exports", FILES), "changing/exports")
    build = module.build_store

    def build_and_change(*arguments, **named):
        build(*arguments, **named)
        storage.put(write(tmp_path / "other", {"people.csv": FILES["people.csv"] + "x"}), "changing/exports")

    monkeypatch.setattr(module, "build_store", build_and_change)
    with pytest.raises(InputError, match=r"people\.csv: it changed while it was read"):
        opened(f"s3://{BUCKET}/changing/exports", rules, f"s3://{BUCKET}/changing/stores")
    assert not any(key.endswith("store.json") for key in storage.keys("changing"))


def test_what_is_read_must_be_what_was_hashed(storage, rules, tmp_path, monkeypatch):
    from pledgebook import store_opening as module

    storage.put(write(tmp_path / "exports", FILES), "swapped/exports")
    monkeypatch.setattr(module, "hash_file", lambda _: "0" * 64)
    with pytest.raises(InputError, match=r"it changed while it was read"):
        opened(f"s3://{BUCKET}/swapped/exports", rules, f"s3://{BUCKET}/swapped/stores")


def test_a_mark_changes_with_the_contents_and_only_then(storage, tmp_path):
    folder = storage_at(f"s3://{BUCKET}/marks", "test")
    storage.put(write(tmp_path / "one", {"a.csv": "1"}), "marks")
    first = mark(listed_afresh(folder) / "a.csv")
    assert mark(listed_afresh(folder) / "a.csv") == mark(folder / "a.csv") == first
    storage.put(write(tmp_path / "two", {"a.csv": "2"}), "marks")
    assert mark(listed_afresh(folder) / "a.csv") != first


REFUSED = {
    "s3://key:secret@bucket/exports": "carries a password",
    "s3://bucket/exports?X-Amz-Signature=abc": "carries a password",
    "nothing://bucket/exports": "no such storage",
    "s3://": "no such storage",
}


@pytest.mark.parametrize("address", REFUSED)
def test_an_address_of_no_storage_or_with_credentials_is_refused(address):
    with pytest.raises(InputError, match=REFUSED[address]) as fault:
        storage_at(address, "--exports")
    assert "secret" not in str(fault.value)


def test_stores_lie_where_polars_writes():
    with pytest.raises(InputError, match="stores lie on a disk"):
        storage_for_stores("memory://stores", "PLEDGEBOOK_STORE")
    assert storage_for_stores("file:///srv/stores", "PLEDGEBOOK_STORE") == Path("/srv/stores")


def test_exports_may_lie_in_whatever_fsspec_reads(rules, tmp_path):
    exports = storage_at("memory://exports", "test")
    for name, text in FILES.items():
        (exports / name).write_bytes(text.encode())
    store = opened("memory://exports", rules, tmp_path / "stores", shards=1)
    assert store.rows_kept("messages") == 9


def test_a_storage_that_does_not_answer_is_an_error_for_people(rules, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    monkeypatch.setenv("AWS_ALLOW_HTTP", "true")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    monkeypatch.setattr("s3fs.S3FileSystem.retries", 1)
    with fresh_connections(), pytest.raises(InputError, match="the storage does not answer or refuses"):
        opened(f"s3://{BUCKET}/small/exports", rules, tmp_path / "stores")


def test_an_endpoint_that_is_not_encrypted_is_refused(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://storage.example")
    monkeypatch.delenv("AWS_ALLOW_HTTP", raising=False)
    with pytest.raises(InputError, match="AWS_ENDPOINT_URL is not encrypted"):
        storage_at(f"s3://{BUCKET}/small/exports", "--exports")


def test_nobody_is_forgotten_one_by_one_at_an_address(storage):
    folder = storage_at(f"s3://{BUCKET}/small/stores", "test")
    with pytest.raises(InputError, match="nothing can be removed from object storage"), alone(folder):
        pass


def test_an_address_is_taken_as_it_is_wherever_a_notebook_runs(storage):
    assert str(from_root(f"s3://{BUCKET}/small/exports/")) == f"s3://{BUCKET}/small/exports"
    assert str(from_root("data/sample")).endswith("/data/sample")
    assert not isinstance(from_root(f"s3://{BUCKET}/small"), Path)
    assert isinstance(from_root("data/sample"), Path)


def test_a_worker_of_a_cluster_reads_and_writes_there_with_credentials_of_its_own(storage, rules, tmp_path):
    storage.put(write(tmp_path / "exports", FILES), "cluster/exports")
    place, theirs = f"s3://{BUCKET}/cluster/stores", without_key() | storage.environment | {"PLEDGEBOOK_KEY": KEY}
    with (
        dask_cluster(tmp_path / "cluster", theirs) as started,
        joined(started.address, Certificates(), {}) as executor,
    ):
        told = open_store_of(
            f"s3://{BUCKET}/cluster/exports", rules, shards=2, executor=executor, environment=environment(place)
        )
    assert [file for file in (tmp_path / "cluster").iterdir() if file.name.startswith(".pledgebook")] == []
    alone = opened(tmp_path / "exports", rules, tmp_path / "stores")
    for table in ("people", "messages", "consent_events"):
        assert kept(told, table).equals(kept(alone, table))
    assert told.intake.equals(alone.intake)
