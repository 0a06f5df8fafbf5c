"""Whatever the umask: no other user of the machine can read the key, a store or a worklist."""

import os
import stat
import subprocess
import sys

import pytest
from intake.exporting import CONSENT, MESSAGES, PEOPLE, POLICY, REQUESTS, csv, message, write
from typer.testing import CliRunner

from pledgebook.book import open_book
from pledgebook.cli import app
from pledgebook.key_file import find_key, key_file
from pledgebook.metrics.catalogue import METRICS
from pledgebook.publishing import publish_tables

OTHERS = stat.S_IRWXG | stat.S_IRWXO
FILES = {
    "people.csv": csv(PEOPLE, "p1,customer,JP,2026-01-01T00:00:00Z,"),
    "messages.csv": csv(MESSAGES, message(1), "m2,p1,email"),
    "requests.csv": csv(REQUESTS, "r1,p1,disclosure,2026-09-01T00:00:00Z,,"),
    "consent_events.csv": csv(CONSENT, "p1,marketing,any,withdraw,2026-08-01T00:00:00Z"),
}


@pytest.fixture
def everybody():
    """A umask that takes nothing away."""
    usual = os.umask(0)
    yield
    os.umask(usual)


def readable(place) -> list[str]:
    """Files and folders below a place, itself included, to which another user finds a way."""
    found = [place, *sorted(place.rglob("*"))]
    closed = {path for path in found if path.is_dir() and not path.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)}
    return [str(path) for path in found if path.lstat().st_mode & OTHERS and not closed & {path, *path.parents}]


def test_what_is_made_is_for_its_owner_alone(tmp_path, monkeypatch, everybody):
    (tmp_path / "policy.toml").write_text(POLICY)
    exports = write(tmp_path / "exports", FILES)
    monkeypatch.delenv("PLEDGEBOOK_KEY")
    monkeypatch.setenv("PLEDGEBOOK_KEY_FILE", str(tmp_path / "safe" / "key"))
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "cache" / "stores"))
    find_key(exports, os.environ, may_make=True)
    assert stat.S_IMODE(key_file(os.environ).stat().st_mode) == 0o600
    CliRunner().invoke(app, ["key", "rotate"])
    assert len(list((tmp_path / "safe").iterdir())) == 2
    assert readable(tmp_path / "safe") == []
    book = open_book(exports, "2026-09", policy=tmp_path / "policy.toml")
    for name in METRICS:
        publish_tables(book, name, tmp_path / "report")
    CliRunner().invoke(app, ["forget"], input="p1\n")
    assert len(list((tmp_path / "cache").rglob("*.parquet"))) > 10
    assert readable(tmp_path / "cache" / "stores") == []
    worklists = list((tmp_path / "report" / "worklists").glob("*.csv"))
    assert worklists
    assert {stat.S_IMODE(file.stat().st_mode) for file in worklists} == {0o600}


def test_a_process_that_dies_leaves_no_image_of_its_memory():
    """Neither a command nor what it begins: a core file would hold clear text and the key."""
    told = "import resource; print(resource.getrlimit(resource.RLIMIT_CORE)[0])"
    code = (
        "import resource, subprocess, sys\n"
        "most = resource.getrlimit(resource.RLIMIT_CORE)[1]\n"
        "resource.setrlimit(resource.RLIMIT_CORE, (most, most))\n"
        "from pledgebook.cli import app\n"
        "app(['key', 'show'], standalone_mode=False)\n"
        f"subprocess.run([sys.executable, '-c', {told!r}])\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0"
