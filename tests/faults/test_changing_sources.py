"""A source that changes: noticed while it is read, and afterwards by its hash, whatever its times say."""

import os
import shutil

import polars as pl
import pytest
from faults.commands import left_over
from typer.testing import CliRunner

from pledgebook.book import open_store_of
from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.intake import staging
from pledgebook.store import Store


@pytest.fixture
def intake(exports, company, tmp_path):
    """Opens the store of the exports, in a folder of its own."""
    environment = {**os.environ, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    return lambda: open_store_of(exports, company[1], environment=environment)


def append(file):
    with file.open("a", encoding="utf-8") as stream:
        stream.write("m-new,p-1,email,autumn,marketing,mailer,2026-10-01T09:00:00+09:00\n")


def replace(file):
    other = file.with_name(".messages.csv-new")
    shutil.copy(file, other)
    append(other)
    other.replace(file)


def truncate(file):
    os.truncate(file, file.stat().st_size // 2)


def swap_bytes(file):
    """Other contents of the same length, and the times as they were."""
    facts, text = file.stat(), file.read_bytes()
    file.write_bytes(text.replace(b"m-12,", b"m-x2,"))
    os.utime(file, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert (file.stat().st_size, file.stat().st_mtime_ns) == (facts.st_size, facts.st_mtime_ns)


@pytest.mark.parametrize("change", [append, replace, truncate, swap_bytes])
def test_change_between_hashing_and_reading(exports, intake, monkeypatch, change, tmp_path):
    inspect = staging.inspect_file

    def changed_before(file, work):
        if file.name == "messages.csv":
            monkeypatch.setattr(staging, "inspect_file", inspect)
            change(file.path)
        return inspect(file, work)

    monkeypatch.setattr(staging, "inspect_file", changed_before)
    with pytest.raises(InputError, match=r"messages\.csv"):
        intake()
    assert not list((tmp_path / "stores").glob("*/store.json"))
    assert intake().rows_kept("messages") > 0


def test_the_command_says_what_to_do_and_leaves_nothing(exports, company, monkeypatch, tmp_path):
    keep = staging.keep_part

    def changed_after(stores, part):
        keep(stores, part)
        append(exports / "messages.csv")

    monkeypatch.setattr(staging, "keep_part", changed_after)
    words = ["run", "--exports", str(exports), "--policy", str(company[1]), "--period", "2026-09"]
    environment = {"PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    result = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "reports")], env=environment)
    assert result.exit_code == 2
    said = result.output.partition("error: ")[2]
    assert said == "messages.csv: it changed while it was read. Run again when it is finished.\n"
    assert not (tmp_path / "reports").exists()
    assert not list((tmp_path / "stores").glob("*/store.json"))
    assert left_over(tmp_path / "stores") == []


def test_change_after_its_part_was_made(exports, intake, monkeypatch, tmp_path):
    keep = staging.keep_part

    def changed_after(stores, part):
        keep(stores, part)
        if part.table == "messages":
            append(exports / "people.csv")

    monkeypatch.setattr(staging, "keep_part", changed_after)
    with pytest.raises(InputError, match=r"people\.csv: it changed while it was read"):
        intake()
    assert not list((tmp_path / "stores").glob("*/store.json"))


@pytest.mark.parametrize("change", [append, replace, swap_bytes])
def test_change_since_the_last_intake_is_read(exports, intake, change):
    before = intake()
    change(exports / "messages.csv")
    after = intake()
    assert isinstance(after, Store)
    assert after.folder != before.folder
    kept = [
        pl.concat([each.scan("messages", shard) for shard in range(each.shards)]).collect() for each in (before, after)
    ]
    assert not kept[0].sort(pl.all()).equals(kept[1].sort(pl.all()))


def test_source_that_is_gone_is_no_longer_counted(exports, intake):
    assert intake().has("request_pauses")
    (exports / "request_pauses.csv").unlink()
    assert not intake().has("request_pauses")


def test_file_that_only_lies_beside_is_named_afresh(exports, intake):
    intake()
    (exports / "read-me.txt").write_text("nobody reads this")
    assert "read-me.txt" in intake().facts["unread"]
