"""A run that is killed or told to end: the earlier report stays whole, the next one holds the same, nothing piles up."""

import json
import os
import random
import signal
import tempfile
import time
from pathlib import Path

import polars as pl
import pytest
from faults.commands import Span, kill, left_over, processes_with, wait_until
from faults.conftest import write_notebook

from pledgebook.report.making import SOCKETS
from pledgebook.report.verifying import verify_report

KILLS = int(os.environ.get("PLEDGEBOOK_KILLED_RUNS", "5"))
SLEEPS = "import time\ntime.sleep(600)"


def words(company, notebook, out, *more):
    exports, policy = company
    return (
        "run",
        notebook,
        "--exports",
        exports,
        "--policy",
        policy,
        "--period",
        "2026-09",
        "--out",
        out,
        "--jobs",
        1,
        *more,
    )


def figures(report):
    return {file.name: pl.read_parquet(file) for file in sorted((report / "tables").glob("*.parquet"))}


def unfinished(out):
    return [path.name for path in (*out.glob(".[!r]*"), *(out / ".runs").glob(".*"))]


@pytest.fixture
def temporary():
    """A folder for temporary files with a short name, as sockets need."""
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def world(tmp_path_factory, company, notebook, nursery):
    """A whole report, made undisturbed, and how long that took."""
    folder = tmp_path_factory.mktemp("runs")
    begun = time.monotonic()
    assert nursery.run(*words(company, notebook, folder / "reports"), stores=folder / "stores") == 0, nursery.said
    return folder, time.monotonic() - begun


def test_killed_at_random_moments(world, company, notebook, nursery):
    folder, seconds = world
    out, chance, met, span = folder / "reports", random.Random(KILLS), 0, Span(seconds / 2)
    whole = figures(out / "2026-09")
    for number in range(3 * KILLS):
        if met == KILLS:
            break
        process = nursery.start(
            *words(company, notebook, out), stores=folder / ("stores" if number % 3 else f"new-{number}")
        )
        time.sleep(chance.uniform(0.05, 1) * span.seconds)
        kill(process, group=bool(number % 2))
        met += span.told(nursery.wait()) < 0
        assert (out / "2026-09").is_symlink()
        assert not [each for each in verify_report(out / "2026-09").faults if "chain does not name" not in each.words]
    assert met == KILLS
    assert wait_until(lambda: not processes_with(str(folder)))
    for making in (folder / "stores").glob(".making-*"):
        os.utime(making, (0, 0))  # not just begun
    assert nursery.run(*words(company, notebook, out), stores=folder / "stores") == 0, nursery.said
    assert verify_report(out / "2026-09").findings == ()
    after = figures(out / "2026-09")
    assert [name for name in whole if not whole[name].equals(after[name])] == []
    assert unfinished(out) == []
    assert left_over(folder / "stores") == []


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_told_to_end_while_a_cell_runs(world, company, tmp_path, temporary, nursery, number, code):
    folder, _ = world
    out, before = folder / "reports", (folder / "reports/2026-09").readlink()
    runs = set((out / ".runs").glob("[!.]*"))
    marker = tmp_path / "begun"
    notebook = write_notebook(tmp_path / "50_sleeps.ipynb", f"open({str(marker)!r}, 'w').close()\n{SLEEPS}")
    process = nursery.start(*words(company, notebook, out), stores=folder / "stores", TMPDIR=str(temporary))
    assert wait_until(marker.exists, 60)
    assert list(temporary.glob(f"{SOCKETS}*"))
    os.kill(process, number)
    assert nursery.wait() == code
    assert wait_until(lambda: not processes_with(str(folder)), 5)
    assert set((out / ".runs").glob("[!.]*")) == runs
    assert unfinished(out) == []
    assert not list(temporary.glob(f"{SOCKETS}*"))
    assert (out / "2026-09").readlink() == before
    assert "Traceback" not in nursery.said


def test_process_that_runs_notebooks_is_killed(world, company, tmp_path, nursery):
    folder, _ = world
    marker = tmp_path / "begun"
    kills = f"import os\nopen({str(marker)!r}, 'w').close()\nos.kill(os.getppid(), 9)\nimport time\ntime.sleep(600)"
    notebook = write_notebook(tmp_path / "50_kills.ipynb", kills)
    before = (folder / "reports/2026-09").readlink()
    assert nursery.run(*words(company, notebook, folder / "reports"), stores=folder / "stores") == 3
    assert "a process that ran notebooks was killed" in nursery.said
    assert (folder / "reports/2026-09").readlink() == before
    assert unfinished(folder / "reports") == []


def test_kernel_that_dies_is_named_by_its_notebook(world, company, tmp_path, nursery):
    folder, _ = world
    notebook = write_notebook(tmp_path / "50_dies.ipynb", "import os\nos.kill(os.getpid(), 9)")
    before = (folder / "reports/2026-09").readlink()
    assert nursery.run(*words(company, notebook, folder / "reports"), stores=folder / "stores") == 3
    assert "50_dies.ipynb: its kernel died" in nursery.said
    assert (folder / "reports/2026-09").readlink() == before
    assert unfinished(folder / "reports") == []


def test_cell_that_hangs_is_ended(world, company, tmp_path, nursery):
    folder, _ = world
    notebook = write_notebook(tmp_path / "50_hangs.ipynb", SLEEPS)
    before = (folder / "reports/2026-09").readlink()
    asked = words(company, notebook, folder / "reports", "--cell-timeout", 1)
    assert nursery.run(*asked, stores=folder / "stores") == 3
    said = "50_hangs.ipynb: a cell ran longer than 1 seconds. Give a shorter period, or a longer --cell-timeout."
    assert said in nursery.said
    assert wait_until(lambda: not processes_with(str(folder)), 5)
    assert (folder / "reports/2026-09").readlink() == before
    assert unfinished(folder / "reports") == []


def test_manifest_names_every_run_that_was_not_killed(world):
    chain = (world[0] / "reports/.runs/chain.jsonl").read_text().splitlines()
    named = {json.loads(line)["run"] for line in chain}
    assert {path.name for path in (world[0] / "reports/.runs").iterdir() if path.is_dir()} == named
