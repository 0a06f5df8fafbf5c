"""Checking a report: its files, the inputs it rests on, its place in the chain, its signature."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from pledgebook.errors import InputError
from pledgebook.intake.formats import MAPPING
from pledgebook.masking import presentable
from pledgebook.report.chain_walk import walk_chain
from pledgebook.report.evidence import regime_files
from pledgebook.report.findings import EVERYTHING, Finding
from pledgebook.report.grounds import LAWS, rests_on
from pledgebook.report.manifest import Manifest, find_place, read_manifest, report_folder
from pledgebook.report.recorded_files import check_files, compare_file
from pledgebook.report.signing import check_signature
from pledgebook.storage import check_reachable

NAMED = 5


@dataclass(frozen=True)
class Checked:
    """A report held against its manifest: what was found, and the head of its chain (None: no chain) with its runs.

    `manifest` is None where it is gone or cannot be read, though the chain names the run: nothing else can be checked
    then. `inputs_hold`: exports, mapping, policy and laws are those that it was made from.
    """

    folder: Path
    manifest: Manifest | None
    findings: tuple[Finding, ...]
    inputs_hold: bool
    head: str | None
    runs: int

    @property
    def faults(self) -> list[Finding]:
        """What is not as it was."""
        return [finding for finding in self.findings if finding.is_fault]

    @property
    def recorded(self) -> Manifest:
        """The manifest. Raises InputError where there is none to compute from."""
        if self.manifest is None:
            raise InputError("the manifest is gone or damaged, and nobody else says what was computed from what")
        return self.manifest

    def with_more(self, findings: Iterable[Finding]) -> Checked:
        """Return the same with further findings."""
        return replace(self, findings=(*self.findings, *findings))


def verify_report(
    report: Path,
    *,
    exports: Path | None = None,
    policy: Path | None = None,
    signers: Path | None = None,
    head: str | None = None,
) -> Checked:
    """Check every byte of a report, of its inputs and of the chain that it stands in.

    report: the period's link, the run's folder or a file in it. exports, policy: where the inputs lie now; default:
    where they lay. signers: an allowed-signers file of ssh; with it the report must be signed by one of them. head: a
    head of the chain that was noted down earlier. Raises InputError where there is nothing to check against: neither a
    manifest nor a chain that names the run, or nothing of it may be read.
    """
    try:
        place = find_place(report)
        folder, walked = place.folder, walk_chain(place, head)
    except PermissionError:
        raise InputError(f"{report}: it may not be read here. Verify it as the user who made it.") from None
    try:
        manifest = read_manifest(report_folder(report)).lying_at(exports, policy)
    except InputError:
        if not walked.is_lost:
            raise
        return Checked(folder, None, walked.findings, inputs_hold=False, head=walked.head, runs=walked.runs)
    check_reachable(manifest.parameters.exports, "exports")
    given = [*check_inputs(manifest), *check_rules(manifest)]
    hold = not any(finding.is_fault for finding in given)
    files = check_files(folder, manifest, walked.without_worklists)
    findings = (*files, *given, *walked.findings, *check_signature(folder, signers))
    return Checked(folder, manifest, findings, hold, walked.head, walked.runs)


def check_inputs(manifest: Manifest) -> Iterator[Finding]:
    """Find exports that are changed or missing, and name those that came since."""
    folder = manifest.parameters.exports
    if not folder.is_dir():
        yield Finding("missing", f"exports folder {folder}", f"{len(manifest.inputs)} inputs", EVERYTHING)
        return
    for given in manifest.inputs:
        found = compare_file(folder / given.file, given.sha256, f"input {given.name}", may_be_link=True)
        if found is not None:
            yield replace(found, rests=rests_on(manifest, given.table))
    if (mapped := _mapping(folder, manifest)) is not None:
        yield replace(mapped, rests=EVERYTHING)
    if came := _new_since(folder, manifest):
        named = ", ".join(came[:NAMED]) + (" and others" if len(came) > NAMED else "")
        yield Finding("new since", f"{len(came)} in the exports folder", named)


def _mapping(folder: Path, manifest: Manifest) -> Finding | None:
    """How the mapping differs; one that came afterwards would have the same exports read in another way."""
    if manifest.mapping:
        return compare_file(folder / MAPPING, manifest.mapping, f"input {MAPPING}", may_be_link=True)
    return Finding("added", f"input {MAPPING}") if os.path.lexists(folder / MAPPING) else None


def _new_since(folder: Path, manifest: Manifest) -> list[str]:
    known = {*(given.file for given in manifest.inputs), *manifest.unread_files, MAPPING}
    plain = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted({presentable(str(path.relative_to(folder))) for path in plain} - known)


def check_rules(manifest: Manifest) -> Iterator[Finding]:
    """Find whether policy and laws are changed or missing, and name notebooks of the suite that changed since."""
    policy = manifest.policy
    if (found := compare_file(policy.path, policy.sha256, f"policy {policy.path}", may_be_link=True)) is not None:
        yield replace(found, rests=EVERYTHING)
    files = {file.name: file for file in regime_files()}
    for name, recorded in manifest.regimes.items():
        law = f"regime {name}"
        found = compare_file(files[name], recorded, law) if name in files else Finding("missing", law)
        if found is not None:
            yield replace(found, rests=rests_on(manifest, LAWS))
    for notebook in manifest.notebooks:
        name = notebook.path.name
        if compare_file(notebook.path, notebook.sha256, name, may_be_link=True) is not None:
            yield Finding("changed since", f"notebook {name}", "the report holds the one that ran")
