"""The files of a report held against their recorded hashes. Nothing but plain files is opened, no link is followed."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pledgebook.errors import InputError
from pledgebook.intake.inspection import hash_file
from pledgebook.report.findings import Finding
from pledgebook.report.grounds import rests_on_file
from pledgebook.report.manifest import MANIFEST, Manifest
from pledgebook.report.signing import SIGNATURE

OTHERS = stat.S_IRWXG | stat.S_IRWXO


def compare_file(path: Path, recorded: str, name: str, *, may_be_link: bool = False) -> Finding | None:
    """Return how a file differs from its recorded hash, under the name `name`; None where it does not."""
    try:
        mode = (path.stat() if may_be_link else path.lstat()).st_mode
        if not stat.S_ISREG(mode):
            return Finding("changed", name, "a link" if stat.S_ISLNK(mode) else "no plain file any more")
        return None if hash_file(path) == recorded else Finding("changed", name)
    except (FileNotFoundError, NotADirectoryError):
        return Finding("missing", name)
    except OSError as fault:
        return Finding("unreadable", name, fault.strerror or "")
    except InputError:
        return Finding("unreadable", name, "its permissions forbid it")


def check_files(folder: Path, manifest: Manifest, without_worklists: str | None = None) -> Iterator[Finding]:
    """Find every file of the report that is changed, missing, added, unreadable, or open to others than its owner.

    `without_worklists` is the day on which the worklists were removed on purpose.
    """
    for name, recorded in manifest.files.items():
        is_worklist = name.startswith("worklists/")
        if without_worklists and is_worklist and not os.path.lexists(folder / name):
            yield Finding("removed", name, f"on purpose, on {without_worklists}")
        elif (found := compare_file(folder / name, recorded, name)) is not None:
            yield replace(found, rests=rests_on_file(manifest, name))
        elif is_worklist and (folder / name).stat().st_mode & OTHERS:
            yield Finding("exposed", name, f"run: chmod 600 {folder / name}")
    yield from _unrecorded(folder, {*manifest.files, *manifest.folders, MANIFEST, SIGNATURE}, set(manifest.folders))


def _unrecorded(folder: Path, known: set[str], folders: set[str]) -> Iterator[Finding]:
    blocked: list[OSError] = []
    met = set()
    for root, inner, files in os.walk(folder, onerror=blocked.append):
        for path in sorted(Path(root, name) for name in (*inner, *files)):
            below = str(path.relative_to(folder))
            met.add(below)
            if below not in known:
                yield Finding("added", below, "a link" if path.is_symlink() else "")
            elif below in folders and path.is_symlink():
                yield Finding("changed", below, "a link in place of a folder")
    yield from (Finding("missing", below, "a folder") for below in sorted(folders - met))
    yield from (Finding("unreadable", str(Path(fault.filename).relative_to(folder))) for fault in blocked)
