"""The chain of runs: one that was deleted, rewritten, slipped in or put aside is missed; one removed on purpose is told."""

import hashlib
import json
import shutil
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from report.made import make_inputs, make_report

from pledgebook.errors import InputError
from pledgebook.intake.inspection import hash_file
from pledgebook.report.chain import adding_to_chain, line_text, read_chain, record_removal
from pledgebook.report.verifying import verify_report

RUNS = ("20260901T000000-aaaaaa", "20261001T000000-bbbbbb", "20261002T000000-cccccc")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    inputs = make_inputs(folder)
    for run, period in zip(RUNS, ("2026-08", "2026-09", "2026-09"), strict=True):
        make_report(inputs, folder / "reports", period, run)
    return folder / "reports"


@pytest.fixture
def reports(made, tmp_path):
    return shutil.copytree(made, tmp_path / "reports", symlinks=True)


def told(reports, name="2026-09", **noted):
    return [(each.kind, each.what, each.words) for each in verify_report(reports / name, **noted).findings]


def manifest_of(reports, run):
    return json.loads((reports / ".runs" / run / "manifest.json").read_text())


def rewrite(reports, run):
    """Change a table and put its new hash into the manifest; return the manifest's old and new hash."""
    folder = reports / ".runs" / run
    manifest, table = folder / "manifest.json", folder / "tables/opt_outs.csv"
    before, old = hash_file(manifest), hash_file(table)
    table.write_text(table.read_text() + "x\n")
    manifest.write_text(manifest.read_text().replace(old, hash_file(table)))
    return before, hash_file(manifest)


def write_chain(reports, lines):
    """What somebody does who recomputes the lines' hashes too."""
    before, texts = None, []
    for said in lines:
        text = line_text({**{name: value for name, value in said.items() if name != "hash"}, "before": before})
        before = hashlib.sha256(text).hexdigest()
        texts.append(text + b"\n")
    (reports / ".runs/chain.jsonl").write_bytes(b"".join(texts))


def chain_lines(reports):
    return [json.loads(line) for line in (reports / ".runs/chain.jsonl").read_text().splitlines()]


def test_each_manifest_names_the_run_before_and_its_hash(reports):
    assert manifest_of(reports, RUNS[0])["previous"] is None
    for before, run in pairwise(RUNS):
        hashed = hash_file(reports / ".runs" / before / "manifest.json")
        assert manifest_of(reports, run)["previous"] == {"run": before, "manifest": hashed}
    assert told(reports) == []
    assert verify_report(reports / "2026-08").runs == 3


@pytest.mark.parametrize("run", RUNS)
def test_a_deleted_run_is_missed_also_the_first_and_the_last(reports, run):
    shutil.rmtree(reports / ".runs" / run)
    other = RUNS[1] if run != RUNS[1] else RUNS[2]
    deleted = ("missing", f"run {run}", "deleted, and not by `pledgebook forget`")
    assert deleted in told(reports, f".runs/{other}")
    checked = verify_report(reports / ".runs" / run)
    assert checked.manifest is None
    assert [each.rests.everything for each in checked.faults if each.what == f"run {run}"] == [True]


def test_a_deleted_run_is_missed_under_its_link_and_one_removed_on_purpose_is_no_report(reports):
    shutil.rmtree(reports / ".runs" / RUNS[2])
    assert ("missing", f"run {RUNS[2]}", "deleted, and not by `pledgebook forget`") in told(reports)
    record_removal(reports / ".runs", [RUNS[2]], NOW)
    with pytest.raises(InputError, match="no such report"):
        verify_report(reports / "2026-09")


def test_a_rewritten_run_is_seen_though_its_own_hashes_agree(reports):
    rewrite(reports, RUNS[1])
    assert told(reports) == [("changed", f"manifest of run {RUNS[1]}", "")]
    (found,) = verify_report(reports / ".runs" / RUNS[1]).faults
    assert found.rests.everything


def test_a_rewritten_run_and_chain_are_seen_in_the_next_manifest(reports):
    before, after = rewrite(reports, RUNS[1])
    lines = [{**line, "manifest": line["manifest"].replace(before, after)} for line in chain_lines(reports)]
    write_chain(reports, lines)
    why = "what is above it is not what its run's manifest names"
    assert told(reports) == [("changed", ".runs/chain.jsonl, line 3", why)]


def test_a_line_that_names_a_run_again_is_seen(reports):
    _, after = rewrite(reports, RUNS[1])
    with adding_to_chain(reports / ".runs") as chain:
        chain.add(NOW, run=RUNS[1], manifest=after, report="2026-09")
    assert told(reports) == [
        ("added", ".runs/chain.jsonl, line 4", f"it names run {RUNS[1]} again"),
        ("changed", f"manifest of run {RUNS[1]}", ""),
    ]


def test_cutting_off_the_newest_run_is_seen_by_the_head_that_was_noted(reports):
    noted = verify_report(reports / "2026-09").head
    write_chain(reports, chain_lines(reports)[:2])
    shutil.rmtree(reports / ".runs" / RUNS[2])
    (reports / "2026-09").unlink()
    (reports / "2026-09").symlink_to(f".runs/{RUNS[1]}")
    assert told(reports) == []
    why = "the chain was cut or rewritten since it was noted"
    assert told(reports, head=noted) == [("missing", f"chain head {noted}", why)]


def test_a_head_that_was_noted_earlier_still_holds_when_runs_were_added(reports):
    noted = read_chain(reports / ".runs").lines[0].hash
    assert told(reports, head=f" {noted.upper()}\n") == []


def test_two_runs_after_one_are_seen(reports):
    shutil.copytree(reports / ".runs" / RUNS[2], reports / ".runs/20261003T000000-dddddd")
    assert told(reports) == [("added", "run 20261003T000000-dddddd", "the chain does not name it")]


def test_runs_at_once_wait_for_each_other_and_make_one_chain(tmp_path):
    def add(number):
        with adding_to_chain(tmp_path) as chain:
            chain.add(NOW, run=f"r{number}", manifest="0" * 64)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(add, range(40)))
    chain = read_chain(tmp_path)
    assert len(chain.named("run")) == 40
    assert [line.said["before"] for line in chain.lines] == [None, *(line.hash for line in chain.lines[:-1])]


def test_every_flipped_or_missing_byte_of_the_chain_is_found_of_its_last_line_too(reports):
    file = reports / ".runs/chain.jsonl"
    whole = file.read_bytes()
    for place in range(0, len(whole), 7):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert any(kind == "changed" for kind, *_ in told(reports)), place
    file.write_bytes(whole[:-1])
    assert told(reports) == [("changed", ".runs/chain.jsonl", "its last line feed is gone")]


def test_a_last_line_that_was_forged_with_its_hash_is_held_against_the_manifest_of_its_run(reports):
    write_chain(reports, [*chain_lines(reports)[:2], {**chain_lines(reports)[2], "report": "2026-10"}])
    (reports / "2026-09").unlink()
    (reports / "2026-09").symlink_to(f".runs/{RUNS[1]}")
    (reports / "2026-10").symlink_to(f".runs/{RUNS[2]}")
    assert told(reports) == [("changed", ".runs/chain.jsonl, line 3", "by its manifest its run is report 2026-09")]


def test_a_line_that_cannot_be_read_is_found_and_later_runs_go_on(reports):
    with (reports / ".runs/chain.jsonl").open("a") as stream:
        stream.write('{"run": "half')
    with adding_to_chain(reports / ".runs") as chain:
        chain.add(NOW, removed=["nothing"])
    assert told(reports) == [("changed", ".runs/chain.jsonl, line 4", "it cannot be read")]


@pytest.mark.parametrize(
    "line",
    ["null", "[]", "{}", '{"run": ["a"]}', '{"run": {}}', "\udcff", "[" * 99_999, '{"n": ' + "9" * 9_999 + "}",
     '{"run": "../.."}', '{"report": "' + "x" * 999 + '"}'],
)  # fmt: skip
def test_no_line_makes_the_check_fall(reports, line):
    with (reports / ".runs/chain.jsonl").open("ab") as stream:
        stream.write(line.encode("utf-8", "surrogateescape") + b"\n")
    assert any(kind == "changed" and "line 4" in what for kind, what, _ in told(reports))


def test_a_chain_that_is_gone_is_missing(reports):
    (reports / ".runs/chain.jsonl").unlink()
    assert told(reports) == [("missing", ".runs/chain.jsonl", "the chain of runs")]


def test_a_removed_run_is_told_with_its_day_and_is_no_fault(reports):
    record_removal(reports / ".runs", [RUNS[0]], NOW)
    shutil.rmtree(reports / ".runs" / RUNS[0])
    (reports / "2026-08").unlink()
    checked = verify_report(reports / "2026-09")
    assert [(each.kind, each.what, each.words) for each in checked.findings] == [
        ("removed", f"run {RUNS[0]}", "on purpose, on 2026-11-23")
    ]
    assert checked.faults == []


def test_a_run_that_is_there_though_it_was_removed_is_a_fault(reports):
    record_removal(reports / ".runs", [RUNS[2]], NOW)
    (reports / "2026-09").unlink()
    (reports / "2026-09").symlink_to(f".runs/{RUNS[1]}")
    why = "there, though the chain says that it was removed on 2026-11-23"
    assert ("changed", f"run {RUNS[2]}", why) in told(reports)


def test_worklists_that_were_removed_on_purpose_are_told_and_other_files_are_not_excused(reports):
    run = (reports / "2026-09").resolve()
    with adding_to_chain(reports / ".runs") as chain:
        chain.add(NOW, worklists_removed=[run.name])
    gone = sorted((run / "worklists").iterdir())
    for file in [*gone, run / "index.html"]:
        file.unlink()
    found = told(reports)
    assert [(kind, what) for kind, what, _ in found if kind == "missing"] == [("missing", "index.html")]
    assert [(what, words) for kind, what, words in found if kind == "removed"] == [
        (f"worklists/{file.name}", "on purpose, on 2026-11-23") for file in gone
    ]


def test_removing_nothing_writes_nothing(tmp_path):
    record_removal(tmp_path, [], NOW)
    assert list(tmp_path.iterdir()) == []


def test_a_link_to_an_older_run_is_found(reports):
    (reports / "2026-09").unlink()
    (reports / "2026-09").symlink_to(f".runs/{RUNS[1]}")
    assert told(reports) == [("changed", "link 2026-09", f"it leads to {RUNS[1]}, and the newest run is {RUNS[2]}")]


@pytest.mark.parametrize("name", ["2026-10", "2026-09-public", "newest"])
def test_a_link_of_another_name_is_found(reports, name):
    (reports / name).symlink_to(f".runs/{RUNS[2]}" if name != "newest" else "2026-09")
    why = f"to run {RUNS[2]}, which is no report of that name"
    assert told(reports, name) == [("added", f"link {name}", why)]
    (reports / name).unlink()
    (reports / name).symlink_to("/")
    assert told(reports) == []


def test_a_report_in_place_of_its_link_or_of_its_run_or_elsewhere_is_found(reports, tmp_path):
    run, beside = reports / ".runs" / RUNS[2], "it does not lie in .runs beside it"
    (reports / "2026-09").unlink()
    shutil.copytree(run, reports / "2026-09")
    assert ("changed", "report 2026-09", beside) in told(reports)
    shutil.rmtree(reports / "2026-09")
    away = shutil.copytree(run, tmp_path / "away" / RUNS[2])
    (reports / "2026-09").symlink_to(away)
    found = told(reports)
    assert ("changed", "report 2026-09", beside) in found
    assert ("changed", "link 2026-09", f"it leads to {away}, and the newest run is {RUNS[2]}") in found
    shutil.rmtree(run)
    run.symlink_to(away)
    assert ("changed", f"run {RUNS[2]}", "a link") in told(reports, f".runs/{RUNS[1]}")


def test_hidden_files_among_the_runs_a_turned_chain_and_open_doors_are_found(reports, tmp_path):
    runs = reports / ".runs"
    (runs / ".hidden").touch()
    (runs / ".making-20261004T000000-eeeeee").mkdir()
    (runs / "chain.jsonl").rename(tmp_path / "chain.jsonl")
    (runs / "chain.jsonl").symlink_to(tmp_path / "chain.jsonl")
    runs.chmod(0o770)
    assert told(reports) == [
        ("exposed", ".runs", f"others can write to it; run: chmod go-w {runs}"),
        ("changed", ".runs/chain.jsonl", "a link"),
        ("added", "run .hidden", "the chain does not name it"),
    ]


def test_a_report_that_was_handed_on_alone_is_checked_without_its_chain(reports, tmp_path):
    alone = shutil.copytree((reports / "2026-09").resolve(), tmp_path / "alone")
    assert [kind for kind, *_ in told(alone, "")] == ["not checked"]
    assert [kind for kind, *_ in told(alone, "", head="0" * 64)] == ["missing", "not checked"]


def test_the_manifest_names_what_it_was_compared_with_and_every_law(reports, root):
    manifest = manifest_of(reports, RUNS[2])
    before = reports / ".runs" / RUNS[0] / "tables/scorecard.parquet"
    assert manifest["compared_with"] == {"report": "2026-08", "run": RUNS[0], "sha256": hash_file(before)}
    assert manifest["regimes"] == {file.name: hash_file(file) for file in (root / "data/regimes").iterdir()}
    assert [each["path"].rpartition("/")[2] for each in manifest["notebooks"]] == ["20_request_turnaround.ipynb"]
