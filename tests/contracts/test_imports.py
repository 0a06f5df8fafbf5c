"""What may be loaded when: each command and each process of a run loads what it needs, and nothing heavy at start-up."""

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest

from pledgebook.allocator import CONFIGURATION

ROOT = Path(__file__).resolve().parents[2]
DRAWING = {"altair", "great_tables", "matplotlib"}
RUNNING = {"papermill", "nbconvert", "nbformat", "jsonschema"}
FRAMES = {"polars", "pandas", "dask"}
HELP = "from typer.testing import CliRunner; from pledgebook.cli import app; assert 'run' in CliRunner().invoke(app).output"
PAGES = "from pledgebook.report.notebook import warm_up; warm_up()"
RUN = "import pledgebook.report.run; from pledgebook.book import read_rules; read_rules('data/policy.toml')"
COMPUTING = ("polars-0", "async-executor", "tokio")


@cache
def loaded(code):
    """The modules that are loaded in a fresh process after this code, by their full names."""
    told = f"{code}\nimport sys\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", told], cwd=ROOT, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    ("code", "never"),
    [
        ("import pledgebook", DRAWING | RUNNING | FRAMES),
        (HELP, DRAWING | RUNNING | FRAMES),
        (RUN, DRAWING | RUNNING | FRAMES - {"polars"}),
        (PAGES, DRAWING | FRAMES | {"pledgebook.book"}),
    ],
    ids=["import", "help", "run", "pages"],
)
def test_loads_nothing_that_it_does_not_need(code, never):
    assert not never & loaded(code)


def test_pages_are_warmed_up_with_what_makes_them():
    assert {"papermill", "nbconvert", "pledgebook.report.page"} <= loaded(PAGES)


def test_rules_load_no_holidays_of_countries_that_nobody_named():
    assert "holidays.countries.iceland" not in loaded(RUN)


@pytest.mark.skipif(sys.platform != "linux", reason="threads are told by their names, as Linux shows them")
def test_loading_everything_computes_nothing():
    """A process that has loaded all and computed nothing can be copied; one in which Polars has threads cannot."""
    names = "[each.read_text().strip() for each in Path('/proc/self/task').glob('*/comm')]"
    code = f"import pledgebook.cli.running, pledgebook.book, pledgebook.report.run; from pathlib import Path; print(*{names})"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.split()
    assert [name for name in done.stdout.split() if name.startswith(COMPUTING)] == []


@pytest.mark.parametrize("preset", [None, "", "narenas:1"])
def test_polars_is_told_how_long_to_keep_freed_memory_before_it_is_loaded(preset):
    """Unless somebody told it already; only its first look at the environment counts."""
    environment = {name: text for name, text in os.environ.items() if name != CONFIGURATION}
    code = f"import pledgebook, os, sys; print('polars' in sys.modules, os.environ['{CONFIGURATION}'])"
    given = environment if preset is None else environment | {CONFIGURATION: preset}
    done = subprocess.run([sys.executable, "-c", code], env=given, capture_output=True, text=True, check=True)
    told = f"narenas:{os.cpu_count()},dirty_decay_ms:5000,muzzy_decay_ms:0"
    told += ",background_thread:true" if sys.platform == "linux" else ""
    kept = told if preset is None else preset
    assert done.stdout == f"False {kept}\n"


def test_the_allocator_of_polars_takes_what_it_is_told():
    """A setting that it does not know it names on the error stream."""
    code = "import pledgebook, polars; polars.Series([1]).sort()"
    unknown = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {CONFIGURATION: "no_such:1"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert ("no_such" in unknown.stderr) == (sys.platform == "linux")
    own = {name: text for name, text in os.environ.items() if name != CONFIGURATION}
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, check=True)
    assert done.stderr == ""
