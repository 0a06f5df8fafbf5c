"""The command line: what it prints, which code it exits with, and that bad input never shows a traceback."""

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import nbformat
import polars as pl
import pytest
from typer.testing import CliRunner

from pledgebook.cli import app

RUNNER = CliRunner()
PEOPLE = "person_id,kind,region,opened_at,closed_at\np-1,customer,JP-13,2026-01-01T00:00:00+09:00,\n"
REQUESTS = (
    "request_id,person_id,kind,regime,region,received_at,acknowledged_at,verified_at,extended_at,closed_at,outcome,denial_reason\n"
    "r-1,p-1,disclosure,,,2026-09-03T10:00:00+09:00,,2026-09-03T11:00:00+09:00,,2026-09-10T10:00:00+09:00,fulfilled,\n"
)


@pytest.fixture
def exports(tmp_path):
    folder = tmp_path / "exports"
    folder.mkdir()
    (folder / "people.csv").write_text(PEOPLE, encoding="utf-8")
    (folder / "requests.csv").write_text(REQUESTS, encoding="utf-8")
    return folder


def call(*words):
    return RUNNER.invoke(app, [str(word) for word in words])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--period", "2026-13"), "not a period"),
        (("--period", "nonsense"), "not a period"),
        (("--period", "2026-09-30/2026-09-01"), "ends before it starts"),
        (("--period", "2026-09", "--as-of", "2026-08-01T00:00"), "before period"),
        (("--period", "2026-09", "--as-of", "soon"), "not a time"),
        (("--period", "2999-01"), "before period"),
        (("--period", "2026-09", "--audience", "board"), "internal or public"),
        (("--period", "2026-09", "--policy", "no-such.toml"), "no such policy file"),
        (("--period", "2026-09", "-p", "colour=red"), "no parameter 'colour'"),
        (("--period", "2026-09", "-p", "period=2026-08"), "option of its own"),
        (("no_such_notebook", "--period", "2026-09"), "not found"),
    ],
)
def test_bad_parameters_are_refused_before_anything_runs(exports, tmp_path, words, said):
    result = call("run", *words, "--exports", exports, "--out", tmp_path / "reports")
    assert result.exit_code == 2
    assert said in result.output.replace("\n", " ")
    assert "Traceback" not in result.output
    assert not (tmp_path / "reports").exists()


def test_missing_folder_is_named(tmp_path):
    result = call("check", "--exports", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "no such folder" in result.output


def test_missing_column_names_file_line_column_and_remedy(exports):
    (exports / "people.csv").write_text("person_id,kind\np-1,customer\n", encoding="utf-8")
    result = call("check", "--exports", exports)
    assert result.exit_code == 2
    assert "people.csv, line 1: column 'opened_at' of table people is missing" in result.output


def test_policy_typo_names_line_and_key(exports, tmp_path, root):
    text = (root / "data/policy.toml").read_text(encoding="utf-8").replace("promised_days", "promissed_days", 1)
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "promissed_days" in row)
    result = call("check", "--exports", exports, "--policy", tmp_path / "policy.toml")
    assert result.exit_code == 2
    assert f"line {line}" in result.output
    assert "promissed_days" in result.output


def test_policy_with_an_unknown_figure_is_refused(exports, tmp_path, root):
    text = (root / "data/policy.toml").read_text(encoding="utf-8").replace("].after_opt_out", "].after_optout", 1)
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    result = call("check", "--exports", exports, "--policy", tmp_path / "policy.toml")
    assert result.exit_code == 2
    assert "after_optout" in result.output


def test_check_accounts_for_every_row(exports):
    result = call("check", "--exports", exports)
    assert result.exit_code == 0
    assert "people.csv" in result.output
    assert "What arrived" in result.output


def test_no_key_and_nobody_to_ask_stops_with_the_remedy(exports, tmp_path, root):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("PLEDGEBOOK_KEY")}
    environment |= {"PLEDGEBOOK_KEY_FILE": str(tmp_path / "key"), "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    command = [sys.executable, "-m", "pledgebook", "check", "--exports", str(exports)]
    done = subprocess.run(
        command, env=environment, capture_output=True, text=True, stdin=subprocess.DEVNULL, check=False
    )
    assert done.returncode == 2
    assert "PLEDGEBOOK_KEY" in done.stderr
    assert not (tmp_path / "key").exists()


def test_due_explains_a_date():
    result = call("due", "--regime", "GDPR", "--kind", "access", "--received", "2026-03-05", "--region", "DE")
    assert result.output.splitlines()[0] == "2026-04-07"
    assert "Easter Sunday" in result.output


def test_ill_typed_parameter_is_refused_before_anything_runs(exports, tmp_path, root):
    notebook = nbformat.read(root / "notebooks/20_request_turnaround.ipynb", as_version=4)
    parameters = next(cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", []))
    parameters.source += "\nweeks = 4"
    nbformat.write(notebook, tmp_path / "50_weeks.ipynb")
    words = [
        "run",
        tmp_path / "50_weeks.ipynb",
        "--exports",
        exports,
        "--period",
        "2026-09",
        "--out",
        tmp_path / "reports",
    ]
    result = call(*words, "-p", "weeks=many")
    assert result.exit_code == 2
    assert "parameter 'weeks' is of type int" in result.output
    assert not (tmp_path / "reports").exists()


@pytest.fixture(scope="module")
def report(tmp_path_factory, root):
    """The whole suite on the sample, with an as-of of its own, and in a period that has no data; no umask helps."""
    out = tmp_path_factory.mktemp("reports")
    words = ["run", "--exports", str(root / "data/sample"), "--out", str(out)]
    usual = os.umask(0)
    try:
        first = RUNNER.invoke(app, [*words, "--period", "2026-08", "--as-of", "2026-09-15T12:00"])
        empty = RUNNER.invoke(app, [*words, "--period", "2020-01"])
    finally:
        os.umask(usual)
    return out, first, empty


def test_run_leaves_a_whole_report_under_a_link(report):
    out, first, _ = report
    assert first.exit_code == 0, first.output
    assert (out / "2026-08").is_symlink()
    manifest = json.loads((out / "2026-08/manifest.json").read_text(encoding="utf-8"))
    assert manifest["parameters"]["as_of"] == "2026-09-15T12:00:00+09:00"
    for name in ("index.html", "20_request_turnaround.html", "20_request_turnaround.ipynb", "tables/scorecard.parquet"):
        assert (out / "2026-08" / name).is_file()
        assert name in manifest["files"]
    assert {"inputs", "packages", "made", "code", "policy", "store"} <= set(manifest)


def test_worklists_are_for_their_owner_alone(report):
    out, _, _ = report
    file = out / "2026-08/worklists/requests_open.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_no_other_user_finds_a_way_into_a_run(report):
    out, _, _ = report
    runs = [out / ".runs", *(path for path in (out / ".runs").iterdir() if path.is_dir())]
    assert len(runs) == 3
    assert {stat.S_IMODE(folder.stat().st_mode) for folder in runs} == {0o700}


def test_empty_period_runs_and_finds_nothing_applicable(report):
    out, _, empty = report
    assert empty.exit_code == 0, empty.output
    scorecard = pl.read_parquet(out / "2020-01/tables/scorecard.parquet")
    verdicts = dict(scorecard.select("promise", "verdict").rows())
    assert verdicts["2.opt-out"] == "not applicable"
    assert "kept" not in set(verdicts.values()) - {verdicts["2.permitted"]}


def test_failing_notebook_leaves_the_earlier_report_in_place(report, tmp_path, root):
    out, _, _ = report
    before = Path(out / "2026-08").resolve()
    notebook = nbformat.read(root / "notebooks/20_request_turnaround.ipynb", as_version=4)
    notebook.cells.append(nbformat.v4.new_code_cell("raise ValueError('planted fault')"))
    nbformat.write(notebook, tmp_path / "99_broken.ipynb")
    words = ["--exports", root / "data/sample", "--period", "2026-08", "--out", out]
    result = call("run", tmp_path / "99_broken.ipynb", *words)
    assert result.exit_code == 3
    assert "99_broken.ipynb" in result.output
    assert "ValueError" in result.output
    assert "planted fault" not in result.output  # what an exception says may quote data
    assert Path(out / "2026-08").resolve() == before
    assert not list((out / ".runs").glob(".making-*"))


def test_strict_exits_one_when_a_promise_is_broken(report, root):
    out, _, _ = report
    words = ["--exports", root / "data/sample", "--period", "2026-08", "--out", out]
    assert call("run", "00_scorecard", *words, "--strict").exit_code == 1


def test_unknown_law_in_the_policy_names_its_line(exports, tmp_path, root):
    text = (root / "data/policy.toml").read_text(encoding="utf-8").replace('regime = "APPI"', 'regime = "APPY"', 1)
    (tmp_path / "policy.toml").write_text(text, encoding="utf-8")
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "APPY" in row)
    result = call("check", "--exports", exports, "--policy", tmp_path / "policy.toml")
    assert result.exit_code == 2
    assert f"line {line}: [company] regime: regime 'APPY' is not known" in result.output
