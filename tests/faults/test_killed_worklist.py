"""A process that is killed while rows of a worklist lie on disk: the piles go, and the figures are computed again."""

import os
import subprocess
import sys

import pytest

from pledgebook.book import open_book
from pledgebook.leftovers import sweep_stores
from pledgebook.workshop import JUST_BEGUN
from tests.golden.update import as_text

KILLED = """
import os, signal, sys
import polars as pl
from pledgebook import worklists
from pledgebook.book import open_book

worklists.LIMITS = worklists.Limits(held=2, stretch=3, noted=1)
left = int(sys.argv[3])
write = pl.DataFrame.write_parquet

def write_and_die(*given, **named):
    global left
    left -= 1
    if left < 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return write(*given, **named)

pl.DataFrame.write_parquet = write_and_die
open_book(sys.argv[1], "2026-09", policy=sys.argv[2]).compute("request_turnaround")
"""


@pytest.fixture(scope="module")
def whole(company, tmp_path_factory):
    """The worklist as it is, and stores in which no figure was computed."""
    stores = tmp_path_factory.mktemp("stores")
    book = open_book(
        company[0], "2026-09", policy=company[1], environment={**os.environ, "PLEDGEBOOK_STORE": str(stores)}
    )
    return book, as_text(book.worklist("requests_open"))


@pytest.mark.parametrize("writes", [1, 4, 16])
def test_piles_and_half_kept_worklists_of_a_killed_process_are_gone(whole, company, tmp_path, writes):
    stores = tmp_path / "stores"
    environment = {**os.environ, "PLEDGEBOOK_STORE": str(stores)}
    open_book(company[0], "2026-09", policy=company[1], environment=environment)
    command = [sys.executable, "-c", KILLED, str(company[0]), str(company[1]), str(writes)]
    assert subprocess.run(command, env=environment, check=False).returncode == -9
    (workshop,) = stores.glob(".making-*")
    assert list(workshop.iterdir())
    half = [*stores.glob("*/figures/*/request_turnaround-*")]
    for each, age in ((workshop, JUST_BEGUN), *[(each, 24 * 3600) for each in half]):
        os.utime(each, (0, each.stat().st_mtime - age - 1))
    sweep_stores(stores)
    assert [*stores.glob(".making-*"), *stores.glob("*/figures/*/request_turnaround-*")] == []
    book = open_book(company[0], "2026-09", policy=company[1], environment=environment)
    assert as_text(book.worklist("requests_open")) == whole[1]
