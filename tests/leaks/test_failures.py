"""Runs that fail half-way, at a canary: nothing is said of it, nothing of it is left on the machine."""

import logging
import os
import signal
import threading
import time
import warnings

import nbformat
import polars as pl
import pyarrow as pa
import pytest
from intake.exporting import CONSENT, KEY, MESSAGES, csv, message, write
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.intake import staging
from pledgebook.report.run import choose_notebooks
from tests.leaks.canaries import KINDS, Canaries
from tests.leaks.machine import Machine
from tests.leaks.searching import Search

CANARIES = Canaries()
TEXTS = {kind: CANARIES.new("a failure", kind) for kind in KINDS}
SEARCH = Search(CANARIES)
EVERY = "; ".join(TEXTS.values())
GOOD = csv(MESSAGES, *[message(n, person_id=f'"{text}"') for n, text in enumerate(TEXTS.values())])
RUN = ("run", "--period", "2026-09", "--exports", "exports", "--out", "reports")
CELLS = {
    "faults of Polars and of its author": f"""
import polars as pl
try:
    pl.DataFrame({{"x": [{EVERY!r}]}}).select(pl.col("x").cast(pl.Int64))
except pl.exceptions.PolarsError as fault:
    raise ValueError({EVERY!r}) from fault
""",
    "a kernel that dies": f"""
import os, sys
import subprocess
print({EVERY!r}, flush=True)
for stream, number in ((sys.__stdout__, 1), (sys.__stderr__, 2)):
    stream.write({EVERY!r})
    stream.flush()
    os.write(number, {EVERY.encode()!r})
subprocess.run(["echo", {EVERY!r}])
os._exit(3)
""",
    "a cell that hangs": f"""
import time
held = {EVERY!r}
print(held, flush=True)
time.sleep(60)
""",
}
PAUSE = """
import sys, time
def judge_for_a_minute(*_):
    import polars as pl
    for _ in range(600):
        time.sleep(0.1)
        pl.LazyFrame({"a": [1]}).select(pl.col("a").sum()).collect()
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "pledgebook.intake.staging":
            import pledgebook.intake.checking as checking
            checking.judge_rows = judge_for_a_minute
sys.meta_path.insert(0, Finder())
"""


@pytest.fixture
def machine(tmp_path):
    made = Machine(tmp_path)
    write(made.exports, {"messages.csv": GOOD})
    return made


def notebook(cell: str):
    parameters = nbformat.v4.new_code_cell(
        'exports = ""\nperiod = ""\nas_of = ""\npolicy = ""\naudience = ""\nout = ""', metadata={"tags": ["parameters"]}
    )
    return nbformat.v4.new_notebook(cells=[parameters, nbformat.v4.new_code_cell(cell)])


@pytest.mark.parametrize("name", CELLS)
def test_a_notebook_that_fails_shows_nobody(machine, name):
    nbformat.write(notebook(CELLS[name]), machine.place / "mine.ipynb")
    said = machine.run(*RUN, "--cell-timeout", 3, "mine.ipynb")
    (machine.place / "mine.ipynb").unlink()
    machine.leave_searchable()
    assert said.code == 3
    assert b"mine.ipynb" in said.out
    assert SEARCH.in_bytes(said.out) == []
    assert SEARCH.below(machine.place) == []


@pytest.mark.parametrize("kind", ["email", "phone", "card"])
def test_a_notebook_whose_name_or_title_is_personal_is_refused(tmp_path, kind):
    titled = notebook("1")
    titled.cells.insert(0, nbformat.v4.new_markdown_cell(f"# For {TEXTS[kind]}"))
    nbformat.write(titled, tmp_path / "mine.ipynb")
    nbformat.write(notebook("1"), tmp_path / f"for {TEXTS[kind]}.ipynb")
    for name in ("mine.ipynb", f"for {TEXTS[kind]}.ipynb"):
        with pytest.raises(InputError, match=r"its name or its title|cannot have that name") as fault:
            choose_notebooks([str(tmp_path / name)])
        assert SEARCH.in_bytes(str(fault.value).encode()) == []


def test_a_damaged_store_is_refused_without_what_it_holds(machine):
    answers = csv(CONSENT, *[f'"{text}",marketing,any,withdraw,2026-08-01T00:00:00Z' for text in TEXTS.values()])
    write(machine.exports, {"consent_events.csv": answers})
    assert machine.run("check", "--exports", "exports").code == 0
    kept = machine.place / "home" / ".cache" / "pledgebook" / "stores"
    rows = [file for file in kept.rglob("*.parquet") if "/messages/" in str(file) or "/consent_states/" in str(file)]
    assert rows
    for file in rows:
        held = bytearray(file.read_bytes())
        wrong = EVERY.encode()[: len(held) // 3]
        held[4 : 4 + len(wrong)] = wrong
        file.write_bytes(held)
    said = machine.run(*RUN)
    assert said.code == 2
    assert b"is damaged" in said.out
    assert SEARCH.in_bytes(said.out) == []
    assert SEARCH.below(machine.reports, machine.place / "tmp", machine.place / "home" / ".config") == []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_run_that_is_ended_leaves_no_clear_text(machine, number):
    """A file in a foreign encoding is copied as UTF-8; the copy goes, however the run ends."""
    mapping = '[[source]]\nname = "m"\ntable = "messages"\nfiles = "m.csv"\nencoding = "cp932"\n'
    text = GOOD.replace(TEXTS["Latin name"], "").encode("cp932")
    write(machine.exports, {"exports.toml": mapping, "m.csv": text})
    write(machine.place / "pause", {"sitecustomize.py": PAUSE})
    machine.environment["PYTHONPATH"] = f"{machine.place / 'pause'}:{machine.environment.get('PYTHONPATH', '')}"
    with machine.begin("check", "--exports", "exports") as process:
        kept, end = machine.place / "home" / ".cache" / "pledgebook" / "stores", time.monotonic() + 60
        while not SEARCH.below(kept) and time.monotonic() < end:
            time.sleep(0.2)
        assert SEARCH.below(kept), "the copy was never there, so nothing is tested"
        os.kill(process.pid, number)
        out, _ = process.communicate(timeout=30)
    assert process.returncode == 128 + number
    assert SEARCH.in_bytes(out) == []
    assert SEARCH.below(machine.place / "home", machine.place / "tmp") == []


def panic(*_):
    broken = pa.array(["x"]).cast(pa.binary())
    pl.from_arrow(pa.table({"x": broken}, schema=pa.schema([pa.field("x", pa.binary(), metadata={"a": b"\xff"})])))


def in_a_thread(*_):
    def fail():
        raise ValueError(EVERY)

    thread = threading.Thread(target=fail)
    thread.start()
    thread.join()
    raise RuntimeError(EVERY)


class Unraisable:
    def __del__(self):
        raise ValueError(EVERY)


def unraisable(*_):
    Unraisable()
    raise ValueError(EVERY)


def warn(*_):
    warnings.warn(EVERY, stacklevel=1)
    logging.getLogger("papermill").warning(EVERY)
    os.write(2, EVERY.encode())
    raise pl.exceptions.ComputeError(EVERY)


FAULTS = {"a panic": panic, "a fault in a thread": in_a_thread, "a fault in a finaliser": unraisable, "warnings": warn}


def checked(tmp_path, monkeypatch, capfd, fault, **environment):
    monkeypatch.setattr(staging, "judge_rows", fault)
    monkeypatch.setattr(logging.getLogger("papermill"), "propagate", True)
    environment |= {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    folder = write(tmp_path / "exports", {"messages.csv": GOOD})
    result = CliRunner().invoke(app, ["check", "--exports", str(folder)], env=environment)
    captured = capfd.readouterr()
    return result, (result.output + captured.out + captured.err).encode()


@pytest.mark.parametrize("name", FAULTS)
@pytest.mark.filterwarnings("ignore")
def test_an_unforeseen_fault_is_told_by_its_kind_alone(tmp_path, monkeypatch, capfd, name):
    result, said = checked(tmp_path, monkeypatch, capfd, FAULTS[name])
    assert result.exit_code == 70
    assert b"an unforeseen" in said
    assert b"panicked" not in said
    assert SEARCH.in_bytes(said) == []
    assert SEARCH.below(tmp_path / "stores") == []


def test_whoever_asks_for_it_is_told_all(tmp_path, monkeypatch, capfd):
    with pytest.raises(pl.exceptions.PanicException, match="Utf8Error"):
        checked(tmp_path, monkeypatch, capfd, panic, PLEDGEBOOK_DEBUG="1")
    assert "panicked" in capfd.readouterr().err


def lose_a_file(*_):
    raise FileNotFoundError(2, "No such file or directory", f"/no/{TEXTS['email']}/x")


def test_a_fault_of_the_machine_hides_what_the_name_of_its_file_tells(tmp_path, monkeypatch, capfd):
    result, said = checked(tmp_path, monkeypatch, capfd, lose_a_file)
    assert result.exit_code == 2
    assert b"No such file or directory" in said
    assert SEARCH.in_bytes(said) == []


def interrupt(*_):
    raise KeyboardInterrupt(EVERY)


def test_an_interrupted_intake_leaves_nothing(tmp_path, monkeypatch, capfd):
    result, said = checked(tmp_path, monkeypatch, capfd, interrupt)
    assert result.exit_code == 130
    assert b"interrupted" in said
    assert SEARCH.in_bytes(said) == []
    assert SEARCH.below(tmp_path / "stores") == []


WORDS = {
    "period": ("check", "--exports", "x", "--policy", "{}"),
    "exports": ("check", "--exports", "/no/{}"),
    "as of": ("run", "--exports", "{x}", "--period", "2026-09", "--as-of", "{}"),
    "audience": ("run", "--exports", "{x}", "--period", "2026-09", "--audience", "{}"),
    "parameter": ("run", "--exports", "{x}", "--period", "2026-09", "-p", "{}"),
    "parameter's name": ("run", "--exports", "{x}", "--period", "2026-09", "-p", "{}=1"),
    "unknown parameter": ("run", "--exports", "{x}", "--period", "2026-09", "-p", "a={}"),
    "notebook": ("run", "{}", "--exports", "{x}", "--period", "2026-09"),
    "out": ("run", "--exports", "{x}", "--period", "2026-09", "--out", "{}"),
    "policy": ("run", "--exports", "{x}", "--period", "2026-09", "--policy", "/no/{}"),
    "parameter's value": ("run", "20_request_turnaround", "--exports", "{x}", "--period", "2026-09", "-p", "as_of={}"),
    "a period": ("run", "--exports", "{x}", "--period", "{}"),
    "command": ("{}",),
    "option": ("check", "--{}"),
    "number": ("due", "--paused-days", "{}"),
    "date": ("due", "--regime", "GDPR", "--kind", "access", "--received", "{}"),
    "regime": ("due", "--regime", "{}", "--kind", "access", "--received", "2026-01-01"),
    "kind": ("due", "--regime", "GDPR", "--kind", "{}", "--received", "2026-01-01"),
    "region": ("due", "--regime", "GDPR", "--kind", "access", "--received", "2026-01-01", "--region", "{}"),
    "too many": ("sample", "--people", "{}", "--out", "x"),
    "selftest": ("selftest", "--exports", "/no/{}"),
    "verify": ("verify", "/no/{}"),
    "who": ("who", "{}"),
    "forget": ("forget", "{}"),
    "lab": ("lab", "{}"),
}


@pytest.mark.parametrize("name", WORDS)
@pytest.mark.parametrize("kind", ["email", "phone", "card"])
def test_a_word_that_is_refused_is_not_repeated(tmp_path, capfd, name, kind):
    folder = str(write(tmp_path / "exports", {"messages.csv": csv(MESSAGES, message(1))}))
    words = [word.replace("{}", TEXTS[kind]).replace("{x}", folder) for word in WORDS[name]]
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores"), "COLUMNS": "200"}
    result = CliRunner().invoke(app, words, env=environment, input="")
    captured = capfd.readouterr()
    assert result.exit_code == 2
    assert SEARCH.in_bytes((result.output + captured.out + captured.err).encode()) == []


@pytest.mark.parametrize(
    "text", ['a,b\n"x,2\n{},3\n', 'a\n"{}"z"q\n', "regime,request_type,received_at,rule\n{0},{0},{0},{0}\n"]
)
def test_examples_of_due_dates_that_cannot_be_read_are_not_quoted(tmp_path, capfd, text):
    file = tmp_path / "examples.csv"
    file.write_text(text.format(EVERY.split(";")[0]))
    result = CliRunner().invoke(app, ["due", "--examples", str(file)])
    assert result.exit_code in (0, 2)
    assert SEARCH.in_bytes((result.stdout + result.stderr).encode()) == []
