"""Walking the chain from the newest run to the first: what was deleted, rewritten, slipped in, or removed on purpose."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

from pledgebook.report.chain import CHAIN, RUNS, Chain, Line, link_of, read_chain
from pledgebook.report.findings import EVERYTHING, Finding
from pledgebook.report.manifest import MANIFEST, Place, what_manifest_says
from pledgebook.report.recorded_files import compare_file
from pledgebook.report.signing import SIGNATURE

OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH
IN_WORK = ".making-"


@dataclass(frozen=True)
class Walked:
    """What the chain shows: findings, its head (None where there is no chain), and how many runs it names.

    `without_worklists` is the day on which the worklists of this run were removed on purpose; None where they were not.
    `is_lost`: the chain names this run, and its folder or its manifest is not what it names.
    """

    findings: tuple[Finding, ...]
    head: str | None
    runs: int
    without_worklists: str | None
    is_lost: bool


def walk_chain(place: Place, noted: str | None = None) -> Walked:
    """Return what the chain beside a report shows; `noted` is a head of it that somebody wrote down earlier."""
    chain = Chain(place.folder, []) if place.runs is None else read_chain(place.runs)
    mine = place.folder.name
    lost = noted is not None and noted.strip().lower() not in {line.hash for line in chain.lines}
    why = "the chain was cut or rewritten since it was noted"
    found = [Finding("missing", f"chain head {str(noted)[:64]}", why, EVERYTHING)] if lost else []
    found += _place(place)
    if chain.lines:
        found += [*_lines(chain), *_runs(chain, mine), *_slipped_in(chain), *_links(chain)]
    elif place.runs is not None:
        found.append(Finding("missing", f"{RUNS}/{CHAIN}", "the chain of runs", EVERYTHING))
    else:
        found.append(Finding("not checked", "chain of runs", "the report does not lie among its runs"))
    thinned = chain.named("worklists_removed").get(mine)
    is_lost = any(each.is_fault and each.what in (f"run {mine}", f"manifest of run {mine}") for each in found)
    day = None if thinned is None else thinned.day
    return Walked(tuple(found), chain.head, len(chain.named("run")), day, is_lost)


def _place(place: Place) -> Iterator[Finding]:
    """The report lies among the runs that it is named beside, and nobody else may write there."""
    if place.runs is None:
        return
    if place.folder.parent != Path(os.path.realpath(place.runs)):
        yield Finding("changed", f"report {place.named.name}", f"it does not lie in {RUNS} beside it", EVERYTHING)
    if place.runs.stat().st_mode & OTHERS_MAY_WRITE:
        yield Finding("exposed", RUNS, f"others can write to it; run: chmod go-w {place.runs}")


def _lines(chain: Chain) -> Iterator[Finding]:
    """Every line is as it was written and names the one above, and no run is named twice."""
    first = chain.named("run")
    if (chain.runs / CHAIN).is_symlink():
        yield Finding("changed", f"{RUNS}/{CHAIN}", "a link")
    for line, above in zip(chain.lines, [None, *chain.lines], strict=False):
        where = f"{RUNS}/{CHAIN}, line {line.number}"
        if not line.said:
            yield Finding("changed", where, "it cannot be read")
        elif line.said.get("before") != (None if above is None else above.hash):
            yield Finding("changed", where, "it does not follow the line above")
        elif not line.is_as_written:
            yield Finding("changed", where, "it says something else than was written")
        if line.run is not None and first[line.run] is not line:
            yield Finding("added", where, f"it names run {line.run} again")
    if not chain.is_whole and chain.lines[-1].said:
        yield Finding("changed", f"{RUNS}/{CHAIN}", "its last line feed is gone")


def _runs(chain: Chain, mine: str) -> Iterator[Finding]:
    """Every run that was not removed on purpose is there, with the manifest and the signature that the chain names."""
    removed = chain.named("removed")
    for run, line in reversed(chain.named("run").items()):
        is_there = os.path.lexists(chain.runs / run)
        if run in removed and not is_there:
            yield Finding("removed", f"run {run}", f"on purpose, on {removed[run].day}")
            continue
        found = list(_run(chain, line)) if is_there else [_deleted(run)]
        if run in removed:
            found.append(
                Finding(
                    "changed", f"run {run}", f"there, though the chain says that it was removed on {removed[run].day}"
                )
            )
        yield from (replace(each, rests=EVERYTHING) if run == mine else each for each in found)


def _deleted(run: str) -> Finding:
    return Finding("missing", f"run {run}", "deleted, and not by `pledgebook forget`")


def _run(chain: Chain, line: Line) -> Iterator[Finding]:
    """How a run that is there differs from what the chain says of it."""
    run, folder = str(line.run), chain.runs / str(line.run)
    if folder.is_symlink() or not folder.is_dir():
        yield Finding("changed", f"run {run}", "a link" if folder.is_symlink() else "no folder any more")
    manifest = compare_file(folder / MANIFEST, str(line.said.get("manifest")), f"manifest of run {run}")
    if manifest is not None:
        yield manifest
    yield from _place_in_chain(chain, line)
    signed = chain.named("signed").get(run)
    if signed is not None:
        signature = compare_file(folder / SIGNATURE, str(signed.said.get("signature")), f"signature of run {run}")
        if signature is not None:
            yield signature
    elif os.path.lexists(folder / SIGNATURE):
        yield Finding("added", f"signature of run {run}", "the chain does not name it")


def _place_in_chain(chain: Chain, line: Line) -> Iterator[Finding]:
    """Whether a run's own manifest names the run before it, the line above its own, and the report that it is."""
    told = what_manifest_says(chain.runs / str(line.run))
    before, where = Chain(chain.runs, chain.lines[: line.number - 1]), f"{RUNS}/{CHAIN}, line {line.number}"
    expected = {"previous": before.last_run, "chain": before.head}
    if told and {name: told.get(name) for name in expected} != expected:
        yield Finding("changed", where, "what is above it is not what its run's manifest names")
    with suppress(KeyError, TypeError, AttributeError):
        report = link_of(told["parameters"]["period"], told["parameters"]["audience"])
        if line.said.get("report") != report:
            yield Finding("changed", where, f"by its manifest its run is report {report}")


def _slipped_in(chain: Chain) -> Iterator[Finding]:
    known = {CHAIN, *chain.named("run"), *chain.named("removed")}
    for path in sorted(chain.runs.iterdir()):
        if path.name not in known and not path.name.startswith(IN_WORK):
            yield Finding("added", f"run {path.name}", "the chain does not name it")


def _links(chain: Chain) -> Iterator[Finding]:
    """The link of each period leads to its newest run that was not removed, and no other link leads to a run."""
    removed, out = chain.named("removed"), chain.runs.parent
    lines = [(line.said, run) for run, line in chain.named("run").items() if run not in removed]
    newest = {str(said["report"]): run for said, run in lines if "report" in said}
    for name, run in newest.items():
        if not (out / name).is_symlink():
            yield Finding("missing", f"link {name}", f"it leads to run {run}")
        elif (leads_to := (out / name).readlink()) != Path(RUNS) / run:
            leads = leads_to.name if leads_to.parent == Path(RUNS) else leads_to
            yield Finding("changed", f"link {name}", f"it leads to {leads}, and the newest run is {run}")
    runs = Path(os.path.realpath(chain.runs))
    for link in sorted(each for each in out.glob("[!.]*") if each.is_symlink() and each.name not in newest):
        leads_on = Path(os.path.realpath(link))
        if leads_on.parent == runs:
            yield Finding("added", f"link {link.name}", f"to run {leads_on.name}, which is no report of that name")
