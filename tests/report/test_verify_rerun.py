"""A report computed again: the same to the last bit, or which rows of which table are not."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace

import polars as pl
import pytest
from polars.exceptions import PanicException
from report.made import make_inputs, make_report
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError, KeyFault
from pledgebook.intake.inspection import hash_file
from pledgebook.key_file import Key
from pledgebook.report import comparing, rerunning
from pledgebook.report.comparing import compare_tables, describe_difference, is_same
from pledgebook.report.manifest import read_manifest, report_folder
from pledgebook.report.rerunning import compute_again, rerun_report
from pledgebook.report.verifying import verify_report

KEY = "k" * 40
RUNS = ("20260901T000000-aaaaaa", "20261001T000000-bbbbbb")


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    inputs = make_inputs(folder)
    for run, period in zip(RUNS, ("2026-08", "2026-09"), strict=True):
        make_report(inputs, folder / "reports", period, run)
    return folder


@pytest.fixture
def placed(made, tmp_path):
    shutil.copytree(made / "reports", tmp_path / "reports", symlinks=True)
    shutil.copytree(made / "exports", tmp_path / "exports")
    return tmp_path


@pytest.fixture
def at_hand(monkeypatch):
    """Computes again in this process, with a store of its own as the clean one has."""

    def compute(manifest, out, environment):
        for name in ("PLEDGEBOOK_STORE", "PLEDGEBOOK_KEY", "PLEDGEBOOK_KEY_FILE"):
            if name in environment:
                monkeypatch.setenv(name, environment[name])
            else:
                monkeypatch.delenv(name, raising=False)
        compute_again(rerunning.what_to_compute(manifest, out))

    monkeypatch.setattr(rerunning, "_compute", compute)


def rerun(placed):
    return rerun_report(verify_report(placed / "reports/2026-09", exports=placed / "exports"))


def told(findings):
    return [(each.kind, each.what) for each in findings]


def test_a_clean_process_computes_every_table_to_the_same_bit(placed):
    (placed / "exports/messages-2026-10.csv").write_text("not even a table")
    (found,) = rerun(placed)
    assert (found.kind, found.is_fault) == ("same", False)
    run = placed / "reports/2026-09"
    tables, worklists = (len(list(run.glob(f"{kind}/*.csv"))) for kind in ("tables", "worklists"))
    assert found.what.startswith(f"{tables} tables, {worklists} worklists")
    assert tables > worklists > 0


def test_no_store_is_left_behind(placed, at_hand, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(placed / "stores"))
    rerun(placed)
    assert [path.name for path in (placed / "stores").iterdir() if path.is_dir()] == []


def test_a_figure_that_was_forged_with_all_its_hashes_comes_out_otherwise(placed, at_hand):
    run = placed / "reports/.runs" / RUNS[1]
    manifest, table = run / "manifest.json", run / "tables/marketing_messages.parquet"
    for file, write in ((table, pl.DataFrame.write_parquet), (table.with_suffix(".csv"), pl.DataFrame.write_csv)):
        before = hash_file(file)
        forged = pl.read_parquet(table).with_columns(after_opt_out=pl.lit(0, pl.Int64))
        write(forged, file)
        manifest.write_text(manifest.read_text().replace(before, hash_file(file)))
    (found,) = [each for each in rerun(placed) if each.is_fault]
    assert (found.kind, found.what) == ("differs", "table marketing_messages")
    assert "month=2026-09, channel=email, campaign=autumn: after_opt_out" in found.words
    assert "2.opt-out" in found.rests.promises


def test_a_forged_file_beside_the_right_manifest_is_not_blamed_on_the_computation(placed, at_hand):
    (placed / "reports/2026-09/tables/opt_outs.parquet").write_bytes(b"")
    (placed / "reports/2026-09/tables/opt_outs.csv").write_text("channel\n")
    assert [kind for kind, _ in told(rerun(placed))] == ["same"]


def test_inputs_that_changed_are_said_beside_the_tables_that_differ(placed, at_hand):
    file = placed / "exports/messages.csv"
    file.write_text(file.read_text().replace("m-1,p-1,email", "m-1,p-2,email"))
    found = rerun(placed)
    assert ("differs", "table marketing_messages") in told(found)
    assert ("differs", "table consent_coverage") not in told(found)
    assert ("not comparable", "inputs") in told(found)
    (worklist,) = [each for each in found if each.what == "worklist opt_out_breaches"]
    assert worklist.words == "1 rows are not computed again, 0 rows are computed and not recorded"
    assert "p-1" not in " ".join(each.in_words() for each in found)


def test_a_report_before_that_is_gone_leaves_two_columns_uncompared(placed, at_hand):
    shutil.rmtree(placed / "reports/.runs" / RUNS[0])
    left_out, rest = rerun(placed)
    assert (left_out.kind, left_out.what) == ("not checked", "table scorecard: previous_value, previous_verdict")
    assert rest.kind == "same"


def test_people_removed_from_the_store_are_a_reason(placed, at_hand):
    checked = verify_report(placed / "reports/2026-09", exports=placed / "exports")
    store = checked.recorded.store.model_copy(update={"forgotten": {"people": 1, "on": ["2026-09-30"]}})
    people = placed / "exports/people.csv"
    people.write_text(people.read_text().replace("p-3,member", "p-3,customer"))
    again = rerun_report(replace(checked, manifest=checked.recorded.model_copy(update={"store": store})))
    assert ("not comparable", "store") in told(again)


def test_what_cannot_be_computed_again_does_not_hide_what_was_found(placed, monkeypatch):
    (placed / "reports/2026-09/extra.txt").touch()
    done = CliRunner().invoke(app, ["verify", str(placed / "reports/2026-09"), "--exports", "gone", "--rerun"])
    assert done.exit_code == 1
    assert "added: extra.txt." in done.stdout
    assert "not checked: tables computed again" in done.stdout


def test_another_version_is_said_beside_what_differs(placed, at_hand, monkeypatch):
    monkeypatch.setattr(rerunning, "installed_packages", lambda: {"polars": "9.9"})
    file = placed / "exports/messages.csv"
    file.write_text(file.read_text().replace("m-1,p-1,email", "m-1,p-2,email"))
    (code,) = [each for each in rerun(placed) if each.what == "code"]
    assert f"polars {pl.__version__}, now 9.9" in code.words


def test_another_key_is_refused_before_anything_is_computed(placed, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_KEY", "another key of thirty-two characters")
    with pytest.raises(KeyFault, match="no key with the id"):
        rerun(placed)


def test_a_key_that_was_rotated_since_is_found_where_it_is_kept(placed, at_hand, monkeypatch):
    keys = placed / "keys"
    keys.mkdir()
    name = Key(KEY).id
    for file, secret in ((keys / "key", "another key of thirty-two characters"), (keys / f"key.{name}", KEY)):
        file.write_text(secret)
        file.chmod(0o600)
    monkeypatch.delenv("PLEDGEBOOK_KEY")
    monkeypatch.setenv("PLEDGEBOOK_KEY_FILE", str(keys / "key"))
    assert [kind for kind, _ in told(rerun(placed))] == ["same"]


def test_exports_that_are_gone_cannot_be_computed_from(placed):
    shutil.rmtree(placed / "exports")
    with pytest.raises(InputError, match="Say where with --exports"):
        rerun(placed)


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        (InputError("requests.csv: cannot be read."), 2, "requests.csv: cannot be read."),
        (ValueError("p-1"), 70, "ValueError"),
        (PanicException("p-1"), 70, "PanicException"),
    ],
)
def test_the_clean_process_says_its_fault_in_one_line_and_quotes_no_data(monkeypatch, capsys, fault, code, said):
    def fail(asked):
        raise fault

    monkeypatch.setattr(rerunning, "compute_again", fail)
    assert rerunning.main("{}") == code
    told = capsys.readouterr()
    assert said in told.out
    assert "p-1" not in told.out + told.err


@pytest.mark.parametrize(
    ("ends", "told"),
    [("kill -ABRT $$", "exit code -6"), ("exit 1", "exit code 1"), ("echo its key is gone; exit 2", "its key is gone")],
)
def test_what_native_code_says_of_a_clean_process_that_broke_is_not_repeated(placed, monkeypatch, ends, told):
    broken = placed / "python"
    broken.write_text(f"#!/bin/sh\necho panicked at p-1 >&2\n{ends}\n")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    manifest = read_manifest(report_folder(placed / "reports/2026-09"))
    with pytest.raises(InputError, match=f"cannot be computed again: {told}$"):
        rerunning._compute(manifest, placed, {})


class Slow(subprocess.Popen):
    """A process that has ended before anybody writes to it."""

    def __enter__(self):
        os.waitid(os.P_PID, self.pid, os.WEXITED | os.WNOWAIT)
        return self


def test_a_clean_process_that_ends_before_it_was_asked_is_told_by_its_code(placed, monkeypatch):
    broken = placed / "python"
    broken.write_text("#!/bin/sh\nexit 3\n")
    broken.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(broken))
    monkeypatch.setattr(subprocess, "Popen", Slow)
    with pytest.raises(InputError, match=r"cannot be computed again: exit code 3$"):
        rerunning._compute(read_manifest(report_folder(placed / "reports/2026-09")), placed, {})


def test_the_clean_process_leaves_when_the_one_who_asked_is_no_more(placed, tmp_path):
    asked = rerunning.what_to_compute(read_manifest(report_folder(placed / "reports/2026-09")), tmp_path / "again")
    command = [sys.executable, "-P", "-m", "pledgebook.report.rerunning"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True) as process:
        process.communicate(f"{json.dumps(asked)}\n")
    assert process.returncode == 1
    assert not (tmp_path / "again").exists()


def test_the_command_computes_again_and_says_what_differs(placed, at_hand):
    (placed / "reports/2026-09/index.html").write_text("forged")
    words = ["verify", str(placed / "reports/2026-09"), "--exports", str(placed / "exports"), "--rerun"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 1
    first, second, *_ = done.stdout.splitlines()
    assert first.startswith("changed: index.html. On it rest: tables ")
    assert second.startswith("same: ")


def frame(**columns):
    return pl.DataFrame(columns)


@pytest.mark.parametrize(
    "other",
    [
        frame(kind=["a", "b"], value=[0.1, -0.0]),
        frame(kind=["a", "b"], value=[0.1 + 2**-56, 0.0]),
        frame(kind=["b", "a"], value=[0.0, 0.1]),
        frame(kind=["a", "b"], value=[0.1, None]),
        frame(kind=["a"], value=[0.1]),
        frame(kind=["a", "b"], value=[0.1, 0.0], more=[1, 2]),
        frame(kind=["a", "b"], value=[0.1, 0.0]).cast({"value": pl.Float32}),
    ],
)
def test_the_last_bit_the_order_and_the_type_count(other):
    assert not is_same(frame(kind=["a", "b"], value=[0.1, 0.0]), other)


def test_equal_frames_are_the_same_nulls_and_not_a_number_too():
    assert is_same(*[frame(kind=["a", None], value=[float("nan"), None]) for _ in range(2)])


def test_rows_that_differ_are_named_by_groups_and_columns_without_figures():
    left = frame(kind=["a", "b", "c"], people=[41, 42, 43], ratio=[0.5, None, 1.0])
    right = frame(kind=["a", "b", "d"], people=[51, 42, 43], ratio=[0.6, 0.7, 1.0])
    assert describe_difference(left, right, ["kind"]) == (
        "4 rows: kind=a: people and ratio; kind=b: ratio; kind=c: not computed again; kind=d: not recorded"
    )


def test_rows_without_groups_are_only_counted():
    left, right = frame(message=["m-1", "m-2"]), frame(message=["m-2", "m-3", "m-4"])
    assert describe_difference(left, right, []) == "1 rows are not computed again, 2 rows are computed and not recorded"


@pytest.mark.parametrize("at_once", [1, 2, 3, 100])
def test_rows_are_counted_in_portions(tmp_path, monkeypatch, at_once):
    monkeypatch.setattr(comparing, "ROWS_AT_ONCE", at_once)
    left, right = tmp_path / "recorded.csv", tmp_path / "again.csv"
    frame(message=["m-1", "m-2", "m-2", None, "m-5"]).write_csv(left)
    frame(message=["m-2", "m-3", "m-4", None]).write_csv(right)
    assert compare_tables(left, right) == "3 rows are not computed again, 2 rows are computed and not recorded"
    assert compare_tables(left, left) is None
    frame(message=["m-5", "m-2", "m-2", None, "m-1"]).write_csv(right)
    assert compare_tables(left, right) == "the same rows in another order, or zeros of another sign"
    frame(messages=["m-1"]).write_csv(right)
    assert compare_tables(left, right) == "columns or their types differ: message, messages"


def test_many_rows_are_cut_short():
    left, right = frame(kind=list("abcdefg"), n=[1] * 7), frame(kind=list("abcdefg"), n=[2] * 7)
    assert describe_difference(left, right, ["kind"]).endswith("kind=e: n; and 2 more")


def test_other_columns_or_types_are_named():
    left, right = frame(kind=["a"], n=[1], gone=[1]), frame(kind=["a"], n=[1.0])
    assert describe_difference(left, right, ["kind"]) == "columns or their types differ: n, gone"


def test_an_order_that_differs_is_said():
    left, right = frame(kind=["a", "b"], n=[1, 2]), frame(kind=["b", "a"], n=[2, 1])
    assert describe_difference(left, right, ["kind"]) == "the same rows in another order, or zeros of another sign"
