"""A clock that jumps: what is left behind is told by locks and records, and the newest store by what was made last."""

import os
import time

from faults.commands import contents, differing, left_over

from pledgebook.book import open_store_of
from pledgebook.leftovers import sweep_stores
from pledgebook.store_lock import beside_others


def set_times(folder, seconds):
    """Let everything below a folder be of another time."""
    for each in (*folder.rglob("*"), folder):
        os.utime(each, (time.time() + seconds, time.time() + seconds))


def test_stores_from_the_future_are_opened_and_built_upon(exports, company, tmp_path):
    environment = {**os.environ, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    before = open_store_of(exports, company[1], environment=environment)
    set_times(tmp_path / "stores", 10 * 365 * 86400)
    assert open_store_of(exports, company[1], environment=environment).folder == before.folder
    with (exports / "messages.csv").open("a") as stream:
        stream.write("m-new,p-1,email,autumn,marketing,mailer,2026-10-01T09:00:00+09:00\n")
    grown = open_store_of(exports, company[1], environment=environment)
    alone = open_store_of(exports, company[1], environment=environment | {"PLEDGEBOOK_STORE": str(tmp_path / "alone")})
    assert differing(contents(grown), contents(alone)) == []


def test_leftovers_of_any_time_are_swept(tmp_path):
    for seconds in (-400 * 86400, 0, 400 * 86400):
        leave_behind(tmp_path / "stores")
        set_times(tmp_path / "stores", seconds)
        assert left_over(tmp_path / "stores") != []
        sweep_stores(tmp_path / "stores")
        assert left_over(tmp_path / "stores") == []
        assert not list((tmp_path / "stores").rglob("*.parquet"))


def test_clear_text_of_any_time_is_swept_but_for_the_moment_in_which_it_is_made(tmp_path):
    for seconds, stays in ((-3600, False), (0, True), (3600, False)):
        making = tmp_path / f".making-{seconds}"
        making.mkdir()
        set_times(making, seconds)
        sweep_stores(tmp_path)
        assert making.exists() == stays


def test_half_kept_proof_of_the_suite_is_swept_when_nobody_can_be_writing_it(tmp_path):
    for seconds, stays in ((-2 * 86400, False), (0, True), (2 * 86400, False)):
        half = tmp_path / "selftests" / f".proof.json-{seconds + 999999}"
        half.parent.mkdir(exist_ok=True)
        half.write_text("{")
        set_times(half.parent, seconds)
        sweep_stores(tmp_path)
        assert half.exists() == stays
        half.unlink(missing_ok=True)


def test_nothing_is_swept_while_somebody_works_there(tmp_path):
    leave_behind(tmp_path / "stores")
    there = left_over(tmp_path / "stores")
    with beside_others(tmp_path / "stores"):
        sweep_stores(tmp_path / "stores")
        assert left_over(tmp_path / "stores") == there
    sweep_stores(tmp_path / "stores")
    assert left_over(tmp_path / "stores") == []


def leave_behind(stores):
    """What a killed intake leaves: folders without a record, half a rename."""
    for folder in ("parts/" + "a" * 32 + "/" + "b" * 12 + "/rows", "c" * 32 + "/" + "d" * 12):
        (stores / folder).mkdir(parents=True, exist_ok=True)
        (stores / folder / "x.parquet").write_bytes(b"half")
    (stores / ".hashes.json-123-abcdef").write_text("{")
