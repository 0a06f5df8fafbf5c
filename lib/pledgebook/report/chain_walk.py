"""Walking the chain from the newest run to the first: what was deleted, rewritten, slipped in, or removed on purpose."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from pledgebook.report.chain import CHAIN, Chain, Line, read_chain
from pledgebook.report.findings import EVERYTHING, Finding
from pledgebook.report.manifest import MANIFEST
from pledgebook.report.recorded_files import compare_file
from pledgebook.report.signing import SIGNATURE

RUNS = ".runs"


@dataclass(frozen=True)
class Walked:
    """What the chain shows: findings, its head (None where there is no chain), and how many runs it names.

    `without_worklists` is the day on which the worklists of this run were removed on purpose; None where they were not.
    """

    findings: tuple[Finding, ...]
    head: str | None
    runs: int
    without_worklists: str | None


def walk_chain(folder: Path, noted: str | None = None) -> Walked:
    """Return what the chain beside a run's folder shows; `noted` is a head of it that somebody wrote down earlier."""
    chain = read_chain(folder.parent)
    lost = noted is not None and noted.strip().lower() not in {line.hash for line in chain.lines}
    why = "the chain was cut or rewritten since it was noted"
    found = [Finding("missing", f"chain head {str(noted)[:64]}", why, EVERYTHING)] if lost else []
    if chain.lines:
        found += [*_lines(chain), *_runs(chain, folder.name), *_slipped_in(chain), *_links(chain)]
    elif folder.parent.name == RUNS:
        found.append(Finding("missing", f"{RUNS}/{CHAIN}", "the chain of runs", EVERYTHING))
    else:
        found.append(Finding("not checked", "chain of runs", "the report does not lie among its runs"))
    thinned = chain.named("worklists_removed").get(folder.name)
    return Walked(tuple(found), chain.head, len(chain.named("run")), None if thinned is None else thinned.day)


def _lines(chain: Chain) -> Iterator[Finding]:
    """Every line can be read and names the one above, and no run is named twice."""
    first = chain.named("run")
    for line, above in zip(chain.lines, [None, *chain.lines], strict=False):
        where = f"{RUNS}/{CHAIN}, line {line.number}"
        if not line.said:
            yield Finding("changed", where, "it cannot be read")
        elif line.said.get("before") != (None if above is None else above.hash):
            yield Finding("changed", where, "it does not follow the line above")
        if line.run is not None and first[line.run] is not line:
            yield Finding("added", where, f"it names run {line.run} again")


def _runs(chain: Chain, mine: str) -> Iterator[Finding]:
    """Every run that was not removed on purpose is there, with the manifest and the signature that the chain names."""
    runs, removed, signed = chain.named("run"), chain.named("removed"), chain.named("signed")
    for run, line in reversed(runs.items()):
        folder = chain.runs / run
        if folder.is_dir():
            found = [compare_file(folder / MANIFEST, str(line.said.get("manifest")), f"manifest of run {run}")]
            found.append(_place_in_chain(chain, line))
            if run in signed:
                recorded = str(signed[run].said.get("signature"))
                found.append(compare_file(folder / SIGNATURE, recorded, f"signature of run {run}"))
            yield from (replace(each, rests=EVERYTHING) if run == mine else each for each in found if each)
        elif run in removed:
            yield Finding("removed", f"run {run}", f"on purpose, on {removed[run].day}")
        else:
            yield Finding("missing", f"run {run}", "deleted, and not by `pledgebook forget`")


def _place_in_chain(chain: Chain, line: Line) -> Finding | None:
    """Whether a run's own manifest names the run before it, and the line above its own."""
    told = _manifest(chain.runs / str(line.run) / MANIFEST)
    above = chain.lines[: line.number - 1]
    before = Chain(chain.runs, above)
    expected = {"previous": before.last_run, "chain": before.head}
    if not told or {name: told.get(name) for name in expected} == expected:
        return None
    return Finding(
        "changed", f"{RUNS}/{CHAIN}, line {line.number}", "what is above it is not what its run's manifest names"
    )


def _manifest(file: Path) -> dict[str, Any]:
    with suppress(OSError, ValueError):
        if isinstance(told := json.loads(file.read_bytes()), dict):
            return told
    return {}


def _slipped_in(chain: Chain) -> Iterator[Finding]:
    known = {CHAIN, *chain.named("run"), *chain.named("removed")}
    for path in sorted(chain.runs.iterdir()):
        if path.name not in known and not path.name.startswith("."):
            yield Finding("added", f"run {path.name}", "the chain does not name it")


def _links(chain: Chain) -> Iterator[Finding]:
    """The link of each period leads to its newest run that was not removed."""
    removed = chain.named("removed")
    lines = [(line.said, run) for run, line in chain.named("run").items() if run not in removed]
    newest = {str(said["report"]): run for said, run in lines if "report" in said}
    for name, run in newest.items():
        link = chain.runs.parent / name
        if not link.is_symlink():
            yield Finding("missing", f"link {name}", f"it leads to run {run}")
        elif (leads_to := link.readlink().name) != run:
            yield Finding("changed", f"link {name}", f"it leads to {leads_to}, and the newest run is {run}")
