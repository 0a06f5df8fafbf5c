"""Retention: what is older than an age goes, what is younger or still needed stays, and the chain of runs is told."""

import json
import os
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from intake.exporting import CONSENT, PEOPLE, account, csv, keep, kept
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.report.chain import adding_to_chain, read_chain
from pledgebook.retention import before

NOW = datetime.now(UTC)
FILES = {
    "people.csv": csv(PEOPLE, "p1,customer,JP,2026-01-01T00:00:00Z,"),
    "consent_events.csv": csv(CONSENT, "p1,marketing,any,grant,2026-09-01T00:00:00Z"),
}


@pytest.mark.parametrize(
    ("age", "instant"),
    [
        ("0d", "2028-02-29T12:00:00+00:00"),
        ("90d", "2027-12-01T12:00:00+00:00"),
        ("12w", "2027-12-07T12:00:00+00:00"),
        ("18mo", "2026-08-29T12:00:00+00:00"),
        ("2y", "2026-02-28T12:00:00+00:00"),
    ],
)
def test_an_age_is_counted_back_from_now(age, instant):
    assert before(age, datetime.fromisoformat("2028-02-29T12:00:00+00:00")) == datetime.fromisoformat(instant)


@pytest.mark.parametrize("age", ["90", "d", "-1d", "1h", "1.5y", "90 days", "99999d", "9999y", "1d2w", ""])
def test_other_words_are_no_age(age):
    with pytest.raises(InputError, match="Write 90d, 12w, 18mo or 2y"):
        before(age, NOW)


@pytest.fixture
def stores(tmp_path, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "stores"))
    return tmp_path / "stores"


@pytest.fixture
def out(tmp_path):
    """Three runs, 100, 50 and 0 days old; the first two of one period, with worklists in all."""
    runs = tmp_path / "reports" / ".runs"
    runs.mkdir(parents=True)
    for name, days, period in (("r1", 100, "2026-08"), ("r2", 50, "2026-08"), ("r3", 0, "2026-09")):
        (runs / name / "worklists").mkdir(parents=True)
        (runs / name / "worklists" / "requests_open.csv").write_text("request_id\nr-1\n")
        (runs / name / "index.html").write_text("report")
        finished = (NOW - timedelta(days=days)).isoformat()
        (runs / name / "manifest.json").write_text(json.dumps({"made": {"finished": finished}}))
        link = runs.parent / period
        link.unlink(missing_ok=True)
        link.symlink_to(Path(".runs") / name)
        with adding_to_chain(runs) as chain:
            chain.add(NOW, run=name, manifest="0" * 64, report=period)
    return runs.parent


def forget(age, out, *words):
    return CliRunner().invoke(app, ["forget", "--older-than", age, "--out", str(out), *words])


def left(out) -> dict[str, list[str]]:
    runs = sorted(path for path in (out / ".runs").iterdir() if path.is_dir())
    return {run.name: sorted(file.name for file in run.rglob("*") if file.is_file()) for run in runs}


WHOLE = ["index.html", "manifest.json", "requests_open.csv"]


def test_runs_go_with_their_links_and_the_chain_says_so(out, stores):
    done = forget("70d", out, "--what", "runs")
    assert done.exit_code == 0, done.output
    assert left(out) == {"r2": WHOLE, "r3": WHOLE}
    assert {link.name for link in out.iterdir() if link.is_symlink()} == {"2026-08", "2026-09"}
    forget("30d", out, "--what", "runs")
    assert left(out) == {"r3": WHOLE}
    assert {link.name for link in out.iterdir() if link.is_symlink()} == {"2026-09"}
    assert list(read_chain(out / ".runs").named("removed")) == ["r1", "r2"]


def test_worklists_go_and_their_reports_stay(out, stores):
    done = forget("70d", out, "--what", "worklists")
    assert "0 stores, 0 runs, 1 worklists" in done.output
    assert left(out) == {"r1": WHOLE[:2], "r2": WHOLE, "r3": WHOLE}
    assert list(read_chain(out / ".runs").named("worklists_removed")) == ["r1"]
    forget("70d", out, "--what", "worklists")
    assert len(read_chain(out / ".runs").lines) == 4


def test_all_kinds_go_where_none_is_named_and_a_dry_run_removes_none(out, stores, tmp_path):
    store = keep(tmp_path, FILES)
    said = forget("0d", out, "--dry-run").output
    assert "1 stores, 3 runs, 0 worklists of other runs" in said
    assert str(store.folder) in said
    assert left(out) == {"r1": WHOLE, "r2": WHOLE, "r3": WHOLE}
    assert store.folder.exists()
    assert forget("0d", out).exit_code == 0
    assert left(out) == {}
    assert [path.name for path in out.iterdir()] == [".runs"]
    assert not list(stores.glob("**/*.parquet"))


@pytest.mark.parametrize(("answer", "words", "stays"), [("n", [], True), ("y", [], False), ("n", ["--yes"], False)])
def test_on_a_terminal_one_is_asked(out, stores, monkeypatch, answer, words, stays):
    terminal = SimpleNamespace(stdin=SimpleNamespace(isatty=lambda: True))
    monkeypatch.setattr(sys.modules["pledgebook.cli.forget"], "sys", terminal)
    words = ["forget", "--older-than", "70d", "--out", str(out), *words]
    done = CliRunner().invoke(app, words, input=f"{answer}\n")
    assert ("Nothing was removed." in done.output) is stays
    assert ("r1" in left(out)) is stays


def test_a_link_that_leads_elsewhere_and_a_run_without_a_manifest_are_left_alone(out, stores, tmp_path):
    (out / "elsewhere").symlink_to(tmp_path)
    (out / ".runs" / "r1" / "manifest.json").write_text("{}")
    forget("70d", out)
    assert left(out)["r1"] == WHOLE
    assert (out / "elsewhere").is_symlink()


def test_what_killed_runs_left_goes_after_a_day(out, stores):
    for name, hours in (("old", 25), ("young", 1)):
        folder = out / ".runs" / f".making-{name}"
        folder.mkdir()
        os.utime(folder, (NOW.timestamp() - hours * 3600,) * 2)
    forget("90d", out)
    assert [path.name for path in (out / ".runs").glob(".making-*")] == [".making-young"]


def aged(folder, days=100):
    for path in [folder, *folder.rglob("*")]:
        os.utime(path, (NOW.timestamp() - days * 86400,) * 2)


def test_a_store_is_as_old_as_its_last_use(out, stores, tmp_path):
    store = keep(tmp_path, FILES)
    aged(stores)
    assert keep(tmp_path, {}).facts["data"] == store.facts["data"]
    forget("90d", out)
    assert keep(tmp_path, {}).facts["data"] == store.facts["data"]
    assert kept(store, "people").height == 1
    aged(stores)
    forget("90d", out)
    assert list(stores.glob("*/")) == [stores / "parts"]
    assert list((stores / "parts").iterdir()) == []


def test_a_store_that_stays_keeps_what_it_shares_with_one_that_goes(out, stores, tmp_path):
    first = keep(tmp_path, FILES)
    (stores / ("f" * 32)).mkdir()
    aged(stores)
    second = keep(tmp_path, {"people-2026-10-01.csv": csv(PEOPLE, "p2,customer,JP,2026-01-01T00:00:00Z,")})
    shared = [path for path in second.catalogue["path"] if path.startswith(first.folder.name)]
    states = second.scan("consent_states", 0).collect()
    assert shared
    assert forget("90d", out, "--what", "stores").exit_code == 0
    assert not (first.folder / "store.json").exists()
    assert not (first.folder / first.facts["data"] / "catalogue.parquet").exists()
    assert not (stores / ("f" * 32)).exists()
    assert kept(second, "people").height == 2
    assert second.scan("consent_states", 0).collect().equals(states)
    assert len(list((stores / "parts").glob("*.json"))) == 3
    third = keep(tmp_path, {"people-2026-11-01.csv": csv(PEOPLE, "p3,customer,JP,2026-01-01T00:00:00Z,")})
    assert (kept(third, "people").height, account(third)["people.csv"]) == (3, (1, 1, 0, 0, 0))


def test_a_file_that_was_rewritten_for_a_store_goes_with_it(out, stores, tmp_path):
    born = "2026-01-01T00:00:00Z,"
    older = {"people-2026-10-01.csv": csv(PEOPLE, f"p2,customer,JP,{born}", f"p3,customer,JP,{born}")}
    first = keep(tmp_path, FILES | older)
    keep(tmp_path, {"people-2026-11-01.csv": csv(PEOPLE, f"p2,customer,US,{born}")})
    assert len(list(stores.rglob("*.without-*"))) == 1
    aged(stores)
    (tmp_path / "exports" / "people-2026-11-01.csv").unlink()
    assert keep(tmp_path, {}).facts["data"] == first.facts["data"]
    assert forget("90d", out, "--what", "stores").exit_code == 0
    assert list(stores.rglob("*.without-*")) == []
    assert kept(first, "people").height == 3


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--what", "runs"], "--what goes with --older-than"),
        (["--older-than", "90d", "--exports", "x"], "goes with --what"),
        (["--older-than", "90d", "C-1"], "goes with --what"),
        (["--older-than", "soon"], "not an age"),
        (["C-1"], "comes on standard input"),
    ],
)
def test_words_that_do_not_go_together_are_refused(stores, words, says):
    done = CliRunner().invoke(app, ["forget", *words], input="C-1\n")
    assert done.exit_code == 2
    assert says in done.output
    assert "C-1" not in done.output


def test_nothing_is_removed_from_a_folder_that_is_no_store(out, stores, tmp_path):
    (stores / "photos").mkdir(parents=True)
    (stores / "photos" / "cat.png").write_text("cat")
    aged(stores)
    forget("0d", out)
    assert (stores / "photos" / "cat.png").exists()
