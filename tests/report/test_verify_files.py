"""A report that was touched: every changed, missing or added byte is found, named, and what rests on it is said."""

import json
import os
import shutil

import pytest
from report.made import PAGES, flip_byte, make_inputs, make_report
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.report import recorded_files, verifying
from pledgebook.report.grounds import rests_on_file
from pledgebook.report.verifying import verify_report


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_report(make_inputs(folder), folder / "reports")
    return folder / "reports"


@pytest.fixture
def reports(made, tmp_path):
    return shutil.copytree(made, tmp_path / "reports", symlinks=True)


def faults(report):
    return [(each.kind, each.what) for each in verify_report(report).faults]


def finding(report):
    (found,) = verify_report(report).faults
    return found


def call(*words):
    return CliRunner().invoke(app, ["verify", *map(str, words)])


def test_an_untouched_report_is_as_it_was(reports):
    checked = verify_report(reports / "2026-09")
    assert checked.findings == ()
    assert checked.inputs_hold
    assert {f"{page}.html" for page in PAGES} < set(checked.manifest.files)


def test_the_link_the_folder_and_its_first_page_are_one_report(reports):
    run = reports / ".runs/20261001T000000-aaaaaa"
    for given in (reports / "2026-09", run, run / "index.html", reports / "2026-09/tables/../index.html"):
        assert verify_report(given).folder == run


def test_one_flipped_bit_in_any_file_is_found_and_named(reports):
    run = (reports / "2026-09").resolve()
    for name in verify_report(run).manifest.files:
        whole = (run / name).read_bytes()
        flip_byte(run / name)
        assert faults(run) == [("changed", name)]
        (run / name).write_bytes(whole)
    assert faults(run) == []


def test_a_missing_file_of_each_kind_is_named(reports):
    gone = ["index.html", "20_request_turnaround.ipynb", "tables/opt_outs.csv", "tables/opt_outs.parquet",
            "worklists/requests_open.csv"]  # fmt: skip
    for name in gone:
        (reports / "2026-09" / name).unlink()
    assert sorted(faults(reports / "2026-09")) == sorted(("missing", name) for name in gone)


def test_a_missing_folder_and_all_that_was_in_it_are_named(reports):
    names = [name for name in verify_report(reports / "2026-09").manifest.files if name.startswith("worklists/")]
    shutil.rmtree(reports / "2026-09/worklists")
    assert sorted(faults(reports / "2026-09")) == sorted(("missing", name) for name in [*names, "worklists"])


def test_what_was_added_is_named_empty_files_links_and_folders_too(reports):
    run = (reports / "2026-09").resolve()
    (run / "empty.txt").touch()
    (run / "tables/more").mkdir()
    (run / "tables/more/.hidden").write_text("x")
    (run / "worklists/away").symlink_to("/")
    added = ["empty.txt", "tables/more", "tables/more/.hidden", "worklists/away"]
    assert sorted(faults(run)) == [("added", name) for name in added]


def test_a_file_or_folder_turned_into_something_else_is_changed(reports, tmp_path):
    run = (reports / "2026-09").resolve()
    (run / "index.html").rename(tmp_path / "index.html")
    (run / "index.html").symlink_to(tmp_path / "index.html")
    (run / "tables/opt_outs.csv").unlink()
    os.mkfifo(run / "tables/opt_outs.csv")
    (run / "quarantine").rename(tmp_path / "quarantine")
    (run / "quarantine").symlink_to(tmp_path / "quarantine")
    told = {(each.kind, each.what, each.words) for each in verify_report(run).faults}
    assert told == {
        ("changed", "index.html", "a link"),
        ("changed", "tables/opt_outs.csv", "no plain file any more"),
        ("changed", "quarantine", "a link in place of a folder"),
    }


def test_a_file_that_cannot_be_read_is_a_finding(reports, monkeypatch):
    plain = recorded_files.hash_file

    def hash_file(path):
        if path.name == "opt_outs.csv":
            raise InputError("opt_outs.csv: cannot be read (Permission denied).")
        return plain(path)

    monkeypatch.setattr(recorded_files, "hash_file", hash_file)
    assert faults(reports / "2026-09") == [("unreadable", "tables/opt_outs.csv")]


def test_a_worklist_that_others_can_read_is_exposed(reports):
    (reports / "2026-09/worklists/requests_open.csv").chmod(0o640)
    assert faults(reports / "2026-09") == [("exposed", "worklists/requests_open.csv")]


def test_a_table_names_its_promises_and_pages(reports):
    flip_byte(reports / "2026-09/tables/marketing_messages.parquet")
    rests = finding(reports / "2026-09").rests
    assert rests.tables == ("marketing_messages",)
    assert "2.opt-out" in rests.promises
    assert rests.pages == ("30_marketing_opt_outs.html", "index.html")


def test_a_page_names_the_tables_that_it_shows_and_their_promises(reports):
    flip_byte(reports / "2026-09/30_marketing_opt_outs.html")
    rests = finding(reports / "2026-09").rests
    assert {"marketing_messages", "opt_outs", "opt_out_breaches"} <= set(rests.tables)
    assert "2.opt-out" in rests.promises
    assert rests.pages == ("30_marketing_opt_outs.html",)


def test_the_scorecard_decides_every_promise(reports, root):
    flip_byte(reports / "2026-09/tables/scorecard.csv")
    assert len(finding(reports / "2026-09").rests.promises) == (root / "data/policy.toml").read_text().count(
        "[[promise]]"
    )


def test_a_changed_byte_of_the_manifest_is_found(reports):
    manifest = reports / "2026-09/manifest.json"
    manifest.write_text(manifest.read_text().replace('"company": "CC-PAY', '"company": "CC-PAX'))
    run = (reports / "2026-09").resolve().name
    found = finding(reports / "2026-09")
    assert (found.kind, found.what) == ("changed", f"manifest of run {run}")
    assert found.rests.everything


def test_findings_are_lines_and_exit_codes(reports):
    assert call(reports / "2026-09").exit_code == 0
    flip_byte(reports / "2026-09/tables/opt_outs.csv")
    (reports / "2026-09/extra\n[red].txt").touch()
    done = call(reports / "2026-09")
    assert done.exit_code == 1
    lines = done.stdout.splitlines()
    assert lines[0].startswith("changed: tables/opt_outs.csv. On it rest: table opt_outs;")
    assert lines[1] == "added: extra\\n[red].txt."
    assert "1 changed, 1 added" in lines[2]
    assert len(lines) == 4


def test_json_holds_the_same(reports):
    flip_byte(reports / "2026-09/tables/opt_outs.csv")
    done = call(reports / "2026-09", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 1
    assert told["is_as_it_was"] is False
    assert [(each["kind"], each["what"]) for each in told["findings"]] == [("changed", "tables/opt_outs.csv")]


def test_a_report_of_somebody_else_says_who_may_read_it(reports, monkeypatch):
    def shut(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(verifying, "walk_chain", shut)
    done = call(reports / "2026-09")
    assert done.exit_code == 2
    assert "as the user who made it" in done.stderr.replace("\n", " ")


def pipe(file):
    file.unlink()
    os.mkfifo(file)


@pytest.mark.parametrize(
    ("broken", "said", "kind"),
    [
        (lambda run: (run / "manifest.json").unlink(), "no manifest.json in it", "missing: manifest of"),
        (lambda run: pipe(run / "manifest.json"), "no manifest.json in it", "changed: manifest of"),
        (lambda run: (run / "manifest.json").write_text("{"), "damaged", "changed: manifest of"),
        (lambda run: (run / "manifest.json").write_text('{"run": "x"}'), "damaged", "changed: manifest of"),
        (lambda run: escape(run / "manifest.json"), "files", "changed: manifest of"),
        (shutil.rmtree, "no such report", "missing:"),
    ],
)
def test_what_is_no_report_exits_two_and_what_the_chain_calls_one_is_a_fault(reports, tmp_path, broken, said, kind):
    run = (reports / "2026-09").resolve()
    alone = shutil.copytree(run, tmp_path / "alone")
    broken(alone)
    done = call(alone)
    assert done.exit_code == 2
    assert said in done.stderr.replace("\n", " ")
    broken(run)
    done = call(reports / "2026-09", "--rerun")
    assert done.exit_code == 1
    assert done.stdout.startswith(f"{kind} run {run.name}")
    assert "The whole report rests on it." in done.stdout
    assert "not checked: tables computed again (the manifest is gone or damaged" in done.stdout
    assert json.loads(call(reports / "2026-09", "--json").stdout)["run"] == run.name


def test_quarantine_and_the_pages_of_accounts_name_what_they_show(reports):
    run = (reports / "2026-09").resolve()
    for name in ("tables/quarantine.csv", "01_what_arrived.html", "00_scorecard.html"):
        flip_byte(run / name)
    rests = {each.what: each.rests for each in verify_report(run).faults}
    assert rests["tables/quarantine.csv"].pages == ("01_what_arrived.html", "index.html")
    assert rests["01_what_arrived.html"].tables == ("intake", "quarantine", "notes")
    assert "2.opt-out" in rests["00_scorecard.html"].promises
    held = rests_on_file(verify_report(run).recorded, "quarantine/messages.csv.csv")
    assert held == rests["tables/quarantine.csv"]


def escape(manifest):
    told = json.loads(manifest.read_text())
    told["files"]["../../../secret"] = "0" * 64
    manifest.write_text(json.dumps(told))
