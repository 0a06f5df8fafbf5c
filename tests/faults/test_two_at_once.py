"""Several at once: intakes of the same exports, runs; all are whole and the chain is unbroken."""

import json

import pytest
from faults.commands import Nursery, contents, differing, left_over

from pledgebook.book import open_store_of
from pledgebook.report.verifying import verify_report


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    nurseries = [Nursery(tmp_path_factory.mktemp("nursery")) for _ in range(3)]
    yield nurseries
    for each in nurseries:
        each.close()


@pytest.fixture(scope="module")
def made(tmp_path_factory, company, notebook, three):
    """Runs of one period, and of another, on a folder of stores and of reports where nothing is yet."""
    folder = tmp_path_factory.mktemp("two")
    exports, policy = company
    words = ("run", notebook, "--exports", exports, "--policy", policy, "--out", folder / "reports", "--jobs", 1)
    for each, period in zip(three, ("2026-09", "2026-09", "2026-08"), strict=True):
        each.start(*words, "--period", period, stores=folder / "stores")
    assert [each.wait() for each in three] == [0, 0, 0], [each.said for each in three]
    return folder


def test_both_reports_are_whole_and_the_chain_is_unbroken(made):
    reports = made / "reports"
    for period in ("2026-08", "2026-09"):
        checked = verify_report(reports / period)
        assert checked.findings == ()
        assert checked.runs == 3
    assert len([each for each in (reports / ".runs").iterdir() if each.is_dir()]) == 3
    assert not list(reports.glob(".[!r]*"))


def test_link_leads_to_the_run_that_finished_last(made):
    lines = [json.loads(line) for line in (made / "reports/.runs/chain.jsonl").read_text().splitlines()]
    newest = {line["report"]: line["run"] for line in lines}
    assert {name: (made / "reports" / name).readlink().name for name in newest} == newest


def test_their_store_holds_what_one_alone_holds(made, company, monkeypatch, tmp_path):
    exports, policy = company
    held = []
    for stores in (made / "stores", tmp_path / "alone"):
        monkeypatch.setenv("PLEDGEBOOK_STORE", str(stores))
        held.append(contents(open_store_of(exports, policy)))
    assert differing(*held) == []
    assert len(list((made / "stores").glob("*/store.json"))) == 1


def test_two_intakes_at_once(three, company, tmp_path):
    exports, policy = company
    for each in three:
        each.start("check", "--exports", exports, "--policy", policy, stores=tmp_path / "stores")
    assert [each.wait() for each in three] == [0, 0, 0]
    told = {each.said.partition("What arrived")[2] for each in three}
    assert len(told - {""}) == 1
    assert [left for left in left_over(tmp_path / "stores") if "/." in left or left.startswith(".")] == []
