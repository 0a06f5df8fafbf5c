"""Putting a report in place, cut short at each of its steps: the next run finishes it or forgets it, and the chain holds."""

import errno
import json
import os
import shutil
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from report.made import make_inputs, make_report

from pledgebook.report import sealing
from pledgebook.report.chain import read_chain
from pledgebook.report.making import making_run
from pledgebook.report.verifying import verify_report

EARLIER, KILLED, NEXT = "20261003T000000-aaaaaa", "20261002T000000-bbbbbb", "20261001T000000-cccccc"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    inputs = make_inputs(folder)
    make_report(inputs, folder / "reports", run=EARLIER)
    return folder, inputs


@pytest.fixture
def reports(made, tmp_path):
    return shutil.copytree(made[0] / "reports", tmp_path / "reports", symlinks=True)


def runs_named(reports):
    return [line.run for line in read_chain(reports / ".runs").lines]


@pytest.mark.parametrize("step", [2, 3, 4, 5, 6, 7])
def test_killed_before_each_step_of_putting_in_place(made, reports, nursery, step):
    folder, inputs = made
    stores = os.environ["PLEDGEBOOK_STORE"]
    assert nursery.run("seal", folder, reports, KILLED, stores=stores, kill_before=step) == -9, nursery.said
    assert (reports / "2026-09" / "manifest.json").is_file()
    with suppress(KeyboardInterrupt), making_run(reports / ".runs", "sweeps"):
        raise KeyboardInterrupt
    make_report(inputs, reports, run=NEXT)
    assert (reports / "2026-09").readlink().name == NEXT
    assert verify_report(reports / "2026-09").findings == ()
    in_place = {path.name for path in (reports / ".runs").iterdir() if path.is_dir()}
    assert {*runs_named(reports)} == in_place
    assert list(reports.glob(".[!r]*")) == []


def test_killed_before_its_link_was_swapped_the_link_is_mended(made, reports, nursery, monkeypatch):
    monkeypatch.setattr(sealing, "_swap_link", _killed)
    with pytest.raises(KeyboardInterrupt):
        make_report(made[1], reports, run=KILLED)
    assert [finding.what for finding in verify_report(reports / "2026-09").faults] == ["link 2026-09"]
    monkeypatch.undo()
    make_report(made[1], reports, "2026-08", run=NEXT)
    assert (reports / "2026-09").readlink().name == KILLED
    assert verify_report(reports / "2026-09").findings == ()


def _killed(*_):
    raise KeyboardInterrupt


def test_full_disk_while_the_chain_is_written_publishes_nothing(made, reports, monkeypatch):
    before = (reports / ".runs/chain.jsonl").read_bytes()

    def full(_descriptor):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        make_report(made[1], reports, run=KILLED)
    assert (reports / ".runs/chain.jsonl").read_bytes() == before
    assert not (reports / ".runs" / KILLED).exists()
    assert verify_report(reports / "2026-09").findings == ()


def test_half_a_line_from_a_machine_that_lost_power_is_told_and_added_to(made, reports):
    chain = reports / ".runs/chain.jsonl"
    with chain.open("ab") as stream:
        stream.write(b'{"run": "20261002T00')
    assert [each.words for each in verify_report(reports / "2026-09").faults] == ["it cannot be read"]
    make_report(made[1], reports, run=NEXT)
    assert (reports / "2026-09").readlink().name == NEXT
    lines = chain.read_bytes().splitlines()
    assert json.loads(lines[2])["run"] == NEXT
    assert [each.what for each in verify_report(reports / "2026-09").faults] == [".runs/chain.jsonl, line 2"]


def test_clock_that_is_set_back_changes_neither_chain_nor_link(made, reports, monkeypatch):
    yesterday = datetime.now(UTC) - timedelta(days=1)

    class Clock(datetime):
        @classmethod
        def now(cls, tz=None):
            return yesterday

    monkeypatch.setattr(sealing, "datetime", Clock)
    make_report(made[1], reports, run=NEXT)
    first, second = read_chain(reports / ".runs").lines
    assert second.said["at"] < first.said["at"]
    assert (first.run, second.run) == (EARLIER, NEXT)
    assert NEXT < EARLIER
    assert (reports / "2026-09").readlink().name == NEXT
    assert verify_report(reports / "2026-09").findings == ()


def test_folder_that_somebody_slipped_in_is_not_taken_for_an_interrupted_run(made, reports):
    runs = reports / ".runs"
    shutil.copytree(runs / EARLIER, runs / "20261004T000000-dddddd")
    make_report(made[1], reports, run=NEXT)
    assert runs_named(reports) == [EARLIER, NEXT]
    assert [each.kind for each in verify_report(reports / "2026-09").faults] == ["added"]


def test_making_of_a_living_run_is_left_alone(tmp_path):
    with making_run(tmp_path, "one") as one:
        (tmp_path / ".making-killed").mkdir()
        with making_run(tmp_path, "two") as two:
            assert (one.is_dir(), two.is_dir()) == (True, True)
            assert not (tmp_path / ".making-killed").exists()
