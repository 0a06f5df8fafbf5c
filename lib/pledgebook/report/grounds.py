"""What rests on what: the tables that a published table is computed from, its pages, and the promises it decides."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from pledgebook.metrics.catalogue import ACCOUNTS, METRICS
from pledgebook.metrics.definition import Metric, Published
from pledgebook.policy import Policy
from pledgebook.report.findings import NOTHING, Rests
from pledgebook.report.manifest import Manifest
from pledgebook.store import STATES
from pledgebook.tables import TABLES

LAWS = "regimes"
WITHOUT_LAWS = ("consent_coverage", "third_party_disclosures")
SCORECARD = "scorecard"
QUARANTINE = "quarantine"
SHOWN_BY = {SCORECARD: "00_scorecard"}


def find_grounds(folder: Path, policy: Policy) -> dict[str, dict[str, list[str]]]:
    """Return for each published table of a run its `reads` (canonical tables, `regimes`), `pages` and `promises`.

    `folder` is the run's folder; a table counts as published when its file lies below it. A promise stands with the
    table of its figure; all stand with the scorecard.
    """
    found = {file.stem for kind in ("tables", "worklists") for file in folder.glob(f"{kind}/*.csv")}
    grounds = {}
    for metric in METRICS.values():
        for table in metric.tables:
            promises = [p.id for p in policy.promise if p.cell is not None and p.cell.table == table.name]
            pages = _pages(folder, metric.notebook, *(["index"] if promises else []))
            grounds[table.name] = {"reads": sorted(_reads(table, metric)), "pages": pages, "promises": promises}
    for name in (SCORECARD, *ACCOUNTS):
        promises = [promise.id for promise in policy.promise] if name == SCORECARD else []
        pages = _pages(folder, SHOWN_BY.get(name, "01_what_arrived"), "index")
        grounds[name] = {"reads": [*TABLES, LAWS], "pages": pages, "promises": promises}
    return {name: found_for for name, found_for in grounds.items() if name in found}


def _pages(folder: Path, *pages: str) -> list[str]:
    return [f"{page}.html" for page in pages if (folder / f"{page}.html").is_file()]


def _named(table: Published) -> set[str]:
    return {*table.inputs, *table.needs, *table.needs_one_of}


def _reads(table: Published, metric: Metric) -> set[str]:
    """What the table names, and what its metric reads without any of its tables naming it, such as people and pauses.

    Requests to opt out are part of the state of consent. `identities` say who is who in every table about people.
    """
    has_states = "consent_states" in metric.frames
    frames = set(metric.frames) - set(STATES) | ({"consent_events"} if has_states else set())
    claimed = set().union(*(_named(each) for each in metric.tables))
    reads = _named(table) | (frames - claimed) | {"identities"}
    opt_outs = {"requests"} if has_states and "consent_events" in reads else set()
    return reads | opt_outs | (set() if metric.name in WITHOUT_LAWS else {LAWS})


def rests_on(manifest: Manifest, read: str) -> Rests:
    """Return what rests on a canonical table (or on the `regimes`): published tables, promises, pages."""
    return _rests(manifest, [name for name, grounds in manifest.tables.items() if read in grounds.reads])


def rests_on_file(manifest: Manifest, file: str) -> Rests:
    """Return what rests on a file of the report: its table with promises and pages, or the page with what it shows."""
    path = Path(file)
    if path.parts[0] == QUARANTINE:
        return _rests(manifest, [QUARANTINE] if QUARANTINE in manifest.tables else [])
    if len(path.parts) > 1:
        return _rests(manifest, [path.stem]) if path.stem in manifest.tables else NOTHING
    page = f"{path.stem}.html"
    shown = [name for name, grounds in manifest.tables.items() if page in grounds.pages]
    return replace(_rests(manifest, shown), pages=(page,))


def _rests(manifest: Manifest, tables: list[str]) -> Rests:
    """A verdict is decided by its figure's table; the scorecard alone stands for all of them."""
    grounds = [manifest.tables[name] for name in tables]
    deciding = [manifest.tables[name] for name in tables if name != SCORECARD] or grounds
    promises = dict.fromkeys(promise for table in deciding for promise in table.promises)
    pages = dict.fromkeys(page for table in grounds for page in table.pages)
    return Rests(tuple(tables), tuple(promises), tuple(pages))
