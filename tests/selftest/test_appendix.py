"""The self-test in a report and on the command line: computed once, seen when it fails, never in the report's way."""

import json
from concurrent.futures import ThreadPoolExecutor

import polars as pl
import pytest
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.metrics.scorecard import SCORECARD
from pledgebook.report.overview import render_index_page
from pledgebook.selftest import running
from pledgebook.selftest.appendix import begin_selftest, selftest_of_the_suite
from pledgebook.selftest.outcome import Outcome, Result
from tests.selftest.companies import EUROPEAN, write_letter, write_policy

FOUND = Result("late", "An answer <late>", "request_turnaround", "copy", "request_turnaround.late", "found")
MISSED = Result("early", "A message", "marketing_opt_outs", "copy", "", "missed", "opt_outs: 0 where 1 was planted")
LEFT_OUT = Result("grace", "A grace", "marketing_opt_outs", "copy", "", "not applicable", "no grace")
RUNNER = CliRunner()


@pytest.fixture
def environment(tmp_path):
    return {"PLEDGEBOOK_STORE": str(tmp_path / "stores")}


@pytest.fixture
def runs(monkeypatch):
    """How often the self-test was really run."""
    counted = []

    def run(policy, **_):
        counted.append(policy)
        return Outcome("2026-09", (FOUND, LEFT_OUT))

    monkeypatch.setattr(running, "run_selftest_on_a_sample", run)
    return counted


def test_outcome_is_kept_until_the_policy_changes(tmp_path, environment, runs):
    policy = write_policy(tmp_path, EUROPEAN)
    first = selftest_of_the_suite(policy, environment)
    assert selftest_of_the_suite(policy, environment) == first
    assert len(runs) == 1
    write_policy(tmp_path, EUROPEAN + "\n[requests]\npromised_days = { default = 3 }\n")
    assert selftest_of_the_suite(policy, environment).is_sound
    assert len(runs) == 2


@pytest.mark.parametrize(("fault", "said"), [(InputError("no room."), "no room."), (ValueError("a@b"), "ValueError")])
def test_a_fault_stands_in_the_outcome_and_is_not_kept(tmp_path, environment, monkeypatch, fault, said):
    def run(*_, **__):
        raise fault

    policy = write_policy(tmp_path, EUROPEAN)
    monkeypatch.setattr(running, "run_selftest_on_a_sample", run)
    outcome = selftest_of_the_suite(policy, environment)
    assert not outcome.is_sound
    assert said in outcome.sentences()[0]
    assert "a@b" not in outcome.sentences()[0]
    assert list((tmp_path / "stores").rglob("*.json")) == []


def test_report_reads_what_is_kept_and_survives_a_process_that_dies(tmp_path, environment, runs, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_STORE", environment["PLEDGEBOOK_STORE"])
    policy = write_policy(tmp_path, EUROPEAN)
    with ThreadPoolExecutor(1) as executor:
        assert begin_selftest(policy, executor)().is_sound
        monkeypatch.setattr("pledgebook.selftest.appendix.selftest_of_the_suite", lambda _: 1 / 0)
        assert begin_selftest(policy, executor)().is_sound
        other = write_policy(tmp_path, EUROPEAN + "\n[requests]\n")
        assert begin_selftest(other, executor)().fault == "an unforeseen ZeroDivisionError"
    assert len(runs) == 1


def page(folder, outcome):
    render_index_page(
        folder, scorecard=pl.DataFrame(schema=SCORECARD), manifest={}, pages=[], worklists=[], selftest=outcome
    )
    return (folder / "index.html").read_text(encoding="utf-8")


def test_report_says_how_we_know(tmp_path):
    shown = page(tmp_path, Outcome("2026-09", (FOUND, LEFT_OUT)))
    assert "Found 1 of 1." in shown
    assert "An answer &lt;late&gt;" in shown
    assert '<li class="broken">' not in shown.partition("How we know")[2]


def test_report_shows_a_self_test_that_failed(tmp_path):
    shown = page(tmp_path, Outcome("2026-09", (FOUND, MISSED)))
    assert '<li class="broken">Found 1 of 2.' in shown
    assert "Missed: early (opt_outs: 0 where 1 was planted)." in shown
    assert "could not be run: no room" in page(tmp_path, Outcome("", fault="no room"))


def call(*words):
    return RUNNER.invoke(app, ["selftest", *[str(word) for word in words]])


def test_command_says_found_all_and_where(tmp_path, root):
    few = [kind for kind in running.KINDS if kind.question == "third_party_disclosures"]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "run_selftest", lambda *a, **k: ORIGINAL(*a, **k, kinds=few))
        result = call("--exports", write_letter(tmp_path), "--policy", root / "data/policy.toml", "--period", "2026-09")
    assert result.exit_code == 0, result.output
    assert result.output.splitlines()[-1] == f"found {len(few)} of {len(few)}"
    assert "the untouched exports raise none of them" in result.output
    assert "disclosure_findings" in result.output


ORIGINAL = running.run_selftest


def test_command_exits_1_and_names_what_was_missed(monkeypatch):
    monkeypatch.setattr(running, "run_selftest_on_a_sample", lambda *_, **__: Outcome("2026-09", (FOUND, MISSED)))
    result = call()
    assert result.exit_code == 1
    assert "missed: early (opt_outs: 0 where 1 was planted)" in result.output
    assert result.output.splitlines()[-1] == "found 1 of 2"
    told = json.loads(RUNNER.invoke(app, ["selftest", "--json"]).stdout)
    assert told["is_sound"] is False
    assert [result["verdict"] for result in told["results"]] == ["found", "missed"]


def test_command_refuses_what_it_cannot_read(tmp_path):
    missing = call("--exports", tmp_path / "nowhere")
    assert missing.exit_code == 2
    assert "no such folder" in missing.output
    exports = write_letter(tmp_path)
    assert call("--exports", exports, "--period", "2026-13").exit_code == 2
    (exports / "people.csv").write_text("person_id\n1\n", encoding="utf-8")
    assert call("--exports", exports).exit_code == 2
