"""What a report rests on outside itself: exports, mapping, policy, laws, notebooks."""

import shutil

import pytest
from report.made import flip_byte, make_inputs, make_report

from pledgebook.errors import InputError
from pledgebook.report import verifying
from pledgebook.report.chain import read_chain
from pledgebook.report.verifying import verify_report


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_report(make_inputs(folder), folder / "reports")
    return folder


@pytest.fixture
def exports(made, tmp_path):
    return shutil.copytree(made / "exports", tmp_path / "exports")


@pytest.fixture
def check(made, exports):
    """The report with its inputs at the place where this test may change them."""
    return lambda **placed: verify_report(made / "reports/2026-09", exports=exports, **placed)


def test_inputs_that_moved_as_they_are_hold(check):
    assert check().findings == ()


@pytest.mark.parametrize(
    ("name", "table", "promise", "untouched"),
    [
        ("requests", "request_turnaround", "p5.answered", "disclosures_by_item"),
        ("people", "request_turnaround", "p5.answered", "disclosures"),
        ("messages", "marketing_messages", "2.opt-out", "consent_coverage"),
        ("consent_events", "consent_coverage", "2.opt-out", "request_turnaround"),
    ],
)
def test_a_flipped_bit_of_an_export_names_what_rests_on_it(check, exports, name, table, promise, untouched):
    flip_byte(exports / f"{name}.csv")
    (found,) = check().faults
    assert (found.kind, found.what) == ("changed", f"input {name}.csv")
    assert table in found.rests.tables
    assert untouched not in found.rests.tables
    assert promise in found.rests.promises
    assert {"scorecard", "intake", "quarantine", "notes"} <= set(found.rests.tables)
    assert "index.html" in found.rests.pages
    assert not check().inputs_hold


def test_an_export_that_is_gone_is_missing(check, exports):
    (exports / "messages.csv").unlink()
    (found,) = check().faults
    assert (found.kind, found.what) == ("missing", "input messages.csv")
    assert "opt_outs" in found.rests.tables


def test_the_mapping_carries_the_whole_report(check, exports):
    flip_byte(exports / "exports.toml")
    (found,) = check().faults
    assert (found.kind, found.what, found.rests.everything) == ("changed", "input exports.toml", True)


def test_a_mapping_that_came_since_would_have_the_same_exports_read_otherwise(tmp_path):
    inputs = make_inputs(tmp_path)
    (inputs[0] / "exports.toml").unlink()
    run = make_report(inputs, tmp_path / "reports")
    (inputs[0] / "exports.toml").touch()
    (found,) = verify_report(run).faults
    assert (found.kind, found.what, found.rests.everything) == ("added", "input exports.toml", True)


def test_exports_that_came_since_are_told_and_are_no_fault(check, exports):
    (exports / "more").mkdir()
    (exports / "more/messages-2026-10.csv").write_text("x")
    (exports / "read-me.txt").write_text("nobody reads this either")
    (found,) = check().findings
    assert (found.kind, found.words, found.is_fault) == ("new since", "more/messages-2026-10.csv", False)


def test_a_folder_of_exports_that_is_gone_is_one_finding(check, exports):
    shutil.rmtree(exports)
    (found,) = check().faults
    assert (found.kind, found.words, found.rests.everything) == ("missing", "4 inputs", True)


def test_a_changed_policy_carries_the_whole_report(made, check, tmp_path):
    policy = tmp_path / "policy.toml"
    policy.write_bytes((made / "policy.toml").read_bytes())
    assert check(policy=policy).findings == ()
    flip_byte(policy)
    (found,) = check(policy=policy).faults
    assert (found.kind, found.what, found.rests.everything) == ("changed", f"policy {policy}", True)


def test_a_policy_that_changes_during_the_run_stops_it_before_anything_is_published(tmp_path):
    exports, policy = make_inputs(tmp_path)
    other = policy.read_text().replace("at_most = 0", "at_most = 1", 1)
    with pytest.raises(InputError, match="changed while the report was made"):
        make_report((exports, policy), tmp_path / "reports", meanwhile=lambda: policy.write_text(other))
    assert not (tmp_path / "reports/2026-09").exists()
    assert read_chain(tmp_path / "reports/.runs").lines == []


def test_changed_and_missing_laws_carry_due_dates_and_graces_and_not_consent(check, root, tmp_path, monkeypatch):
    laws = shutil.copytree(root / "data/regimes", tmp_path / "regimes")
    (laws / "gdpr.toml").unlink()
    flip_byte(laws / "appi.toml")
    monkeypatch.setattr(verifying, "regime_files", lambda: sorted(laws.iterdir()))
    found = {each.what: each for each in check().faults}
    assert {what: each.kind for what, each in found.items()} == {
        "regime appi.toml": "changed",
        "regime gdpr.toml": "missing",
    }
    assert {"request_turnaround", "marketing_messages"} <= set(found["regime appi.toml"].rests.tables)
    assert "consent_coverage" not in found["regime appi.toml"].rests.tables


def test_a_notebook_that_the_suite_changed_since_is_no_fault(made, check):
    notebook = made / "20_request_turnaround.ipynb"
    whole = notebook.read_bytes()
    notebook.write_text('{"cells": []}')
    (found,) = check().findings
    notebook.write_bytes(whole)
    assert (found.kind, found.what, found.is_fault) == ("changed since", "notebook 20_request_turnaround.ipynb", False)
