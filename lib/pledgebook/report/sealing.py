"""A finished run put in place: manifest, one rename, a line of the chain, the period's link; one run at a time."""

from __future__ import annotations

import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pledgebook.book import Book
from pledgebook.errors import InputError
from pledgebook.intake.inspection import hash_file
from pledgebook.report.chain import Chain, adding_to_chain, link_of
from pledgebook.report.evidence import write_manifest
from pledgebook.report.manifest import MANIFEST, what_manifest_says


def seal_run(
    book: Book,
    run: str,
    making: Path,
    parameters: dict[str, Any],
    notebooks: Sequence[Path],
    times: dict[str, str],
    link: str,
) -> Path:
    """Write the manifest of a finished run and put its folder in place; return the folder.

    making: the folder in `.runs` in which it was made; `run` is its name from now on. link: name of the period's link.
    """
    runs = making.parent
    with adding_to_chain(runs) as chain:
        _finish_interrupted(chain)
        write_manifest(book, run, making, parameters, notebooks, times, chain)
        manifest = hash_file(making / MANIFEST)
        fresh = _prepare_link(runs.parent / link, Path(runs.name) / run)
        making.rename(runs / run)
        try:
            chain.add(datetime.now(UTC), run=run, manifest=manifest, report=link)
        except BaseException:
            if run not in chain.named("run"):
                (runs / run).rename(making)
            fresh.unlink(missing_ok=True)
            raise
        _swap_link(fresh, runs.parent / link)
    return runs / run


def _finish_interrupted(chain: Chain) -> None:
    """Finish what a run that was killed while it was put in place had left to do: its line, its link.

    Only ever the newest: its folder is in place, and its manifest names the chain as it stands.
    """
    known = {*chain.named("run"), *chain.named("removed")}
    for folder in sorted(each for each in chain.runs.glob("[!.]*") if each.is_dir() and each.name not in known):
        told = what_manifest_says(folder)
        if (told.get("run"), told.get("chain"), told.get("previous")) == (folder.name, chain.head, chain.last_run):
            report = link_of(told["parameters"]["period"], told["parameters"]["audience"])
            chain.add(datetime.now(UTC), run=folder.name, manifest=hash_file(folder / MANIFEST), report=report)
            break
    newest = next((line for line in reversed(chain.lines) if line.run is not None), None)
    if newest is None or "report" not in newest.said or not (chain.runs / str(newest.run)).is_dir():
        return
    link, target = chain.runs.parent / Path(str(newest.said["report"])).name, Path(chain.runs.name) / str(newest.run)
    if not os.path.lexists(link) or (link.is_symlink() and link.readlink() != target):
        _swap_link(_prepare_link(link, target), link)


def check_link(link: Path) -> None:
    """Raise InputError where something stands in the place of a period's link that is none, as when a report was copied."""
    if os.path.lexists(link) and not link.is_symlink():
        raise InputError(
            f"{link}: this is no link to a run, and is not replaced. Move it away, or choose another --out."
        )


def _prepare_link(link: Path, target: Path) -> Path:
    """Make the link that will take the place of the period's, before anything is put in place; killed runs' go."""
    check_link(link)
    for left in link.parent.glob(f".{link.name}-*"):
        if left.is_symlink():
            left.unlink(missing_ok=True)
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.symlink_to(target)
    return fresh


def _swap_link(fresh: Path, link: Path) -> None:
    """Point the period's link at the newest run by one rename."""
    fresh.replace(link)
