"""A disk that is full or may not be written to: exit code 2, the folder and a remedy, and nothing half made."""

import resource
import subprocess
from contextlib import contextmanager

import polars as pl
import pytest
from faults.commands import left_over
from faults.conftest import write_notebook
from typer.testing import CliRunner

from pledgebook import worklists
from pledgebook.book import open_book
from pledgebook.cli import app
from pledgebook.disk import why_unwritable
from pledgebook.errors import InputError
from pledgebook.report.notebook import execute_notebook
from pledgebook.report.verifying import verify_report


def call(*words):
    return CliRunner().invoke(app, [str(word) for word in words])


@contextmanager
def small_disk(folder, size):
    """A folder with room for `size` bytes: a small disk, or where nobody may mount one, small files alone.

    Both end the same writes with an error; the second says `File too large`. Yields what a nursery must be told.
    """
    folder.mkdir(exist_ok=True)
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder], capture_output=True, check=False
    )
    if mounted.returncode == 0:
        try:
            yield {}
        finally:
            subprocess.run(["umount", "--lazy", folder], check=True)
        return
    usual, largest = resource.getrlimit(resource.RLIMIT_FSIZE), size // (40 if size < 1 << 20 else 2)
    resource.setrlimit(resource.RLIMIT_FSIZE, (largest, usual[1]))
    try:
        yield {"LARGEST_FILE": str(largest)}
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


@contextmanager
def read_only(folder):
    """A folder that nobody may write to, not even root."""
    bound = subprocess.run(["mount", "--bind", folder, folder], capture_output=True, check=False).returncode == 0
    if bound:
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
    else:
        folder.chmod(0o500)
    try:
        yield
    finally:
        if bound:
            subprocess.run(["umount", "--lazy", folder], check=True)
        folder.chmod(0o700)


@pytest.mark.parametrize("kilobytes", [48, 160, 320])
def test_stores_on_a_full_disk(tmp_path, company, kilobytes, monkeypatch):
    exports, policy = company
    stores = tmp_path / "stores"
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(stores))
    with small_disk(stores, kilobytes << 10):
        result = call("check", "--exports", exports, "--policy", policy)
        assert result.exit_code == 2, result.output
        told = " ".join(result.output.split())
        assert f"{stores}: cannot be written to (" in told
        assert "Make room there, or name another folder in PLEDGEBOOK_STORE." in told
        assert left_over(stores) == []
        assert not list(stores.glob("*/store.json"))
    assert call("check", "--exports", exports, "--policy", policy).exit_code == 0


@pytest.mark.parametrize("written", [0, 2, 20])
def test_stores_whose_disk_fills_up_while_figures_are_computed(tmp_path, company, written, monkeypatch):
    exports, policy = company
    stores = tmp_path / "stores"
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(stores))
    book, write, names = open_book(exports, "2026-09", policy=policy), pl.DataFrame.write_parquet, []

    def fill_up(rows, file, **named):
        names.append(file)
        if len(names) > written:
            raise OSError(28, "No space left on device")
        write(rows, file, **named)

    monkeypatch.setattr(worklists, "LIMITS", worklists.Limits(held=2, stretch=3, noted=1))
    monkeypatch.setattr(pl.DataFrame, "write_parquet", fill_up)
    with pytest.raises(InputError, match=r"No space left on device.*Make room there") as told:
        book.compute("request_turnaround")
    assert str(told.value).startswith(f"{stores}: cannot be written to")
    assert left_over(stores) == []
    monkeypatch.undo()
    assert book.worklist("requests_open").height > 2


def test_full_disk_that_a_cell_met_is_told_without_what_it_quotes(tmp_path):
    notebook = write_notebook(
        tmp_path / "50_full.ipynb", "raise OSError(28, 'No space left on device', '/x/p-1@example.jp')"
    )
    fault = execute_notebook(str(notebook), str(tmp_path / "executed.ipynb"), {"out": ""})
    assert fault == "50_full.ipynb, cell 4: OSError: No space left on device (os error 28)."
    assert why_unwritable(fault, tmp_path) == "No space left on device"


def test_stores_that_may_not_be_written_to(tmp_path, company, monkeypatch):
    exports, policy = company
    stores = tmp_path / "stores"
    stores.mkdir()
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(stores))
    with read_only(stores):
        result = call("check", "--exports", exports, "--policy", policy)
    assert result.exit_code == 2
    assert f"{stores}: cannot be written to (" in " ".join(result.output.split())


def test_cache_folder_of_a_home_that_is_no_folder(tmp_path, company, monkeypatch):
    exports, policy = company
    (tmp_path / "home").write_text("")
    monkeypatch.delenv("PLEDGEBOOK_STORE")
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    result = call("check", "--exports", exports, "--policy", policy)
    assert result.exit_code == 2
    told = " ".join(result.output.split())
    assert str(tmp_path / "home") in told
    assert "PLEDGEBOOK_STORE" in told


@pytest.fixture(scope="module")
def opened(tmp_path_factory, company, nursery):
    """A store that is there already, so that only the report needs room."""
    stores = tmp_path_factory.mktemp("opened")
    assert nursery.run("check", "--exports", company[0], "--policy", company[1], stores=stores) == 0
    return stores


def test_reports_on_a_full_disk_leave_the_earlier_one_whole(tmp_path, company, opened, nursery, made_report):
    exports, policy = company
    out = tmp_path / "reports"
    fills = write_notebook(tmp_path / "50_fills.ipynb", "open(f'{out}/large', 'wb').write(b'x' * (8 << 20))")
    with small_disk(out, 4 << 20) as told:
        made_report(out)
        before = (out / "2026-09").readlink()
        words = (
            "run",
            fills,
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
        )
        assert nursery.run(*words, stores=opened, **told) == 2, nursery.said
        assert f"{out}: cannot be written to (" in nursery.said
        assert "Make room there, or choose another --out." in nursery.said
        assert (out / "2026-09").readlink() == before
        assert verify_report(out / "2026-09").findings == ()
        assert not list((out / ".runs").glob(".making-*"))


def test_reports_where_nothing_may_be_written(tmp_path, company, opened, nursery, made_report, notebook):
    exports, policy = company
    out = tmp_path / "reports"
    made_report(out)
    words = (
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
    )
    with read_only(out):
        assert nursery.run(*words, stores=opened) == 2, nursery.said
    assert f"{out}: " in nursery.said
    assert "choose another --out" in nursery.said.replace("Choose", "choose")
    assert verify_report(out / "2026-09").findings == ()


@pytest.fixture
def made_report(tmp_path):
    """Makes a whole report without notebooks."""
    from report.made import make_inputs, make_report

    inputs = make_inputs(tmp_path / "earlier")
    return lambda out: make_report(inputs, out)
