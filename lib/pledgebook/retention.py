"""Retention: what is older than an age is removed from the stores and from the reports, and written down as removed."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import polars as pl

from pledgebook.errors import InputError
from pledgebook.forgetting import stores_in
from pledgebook.report.chain import CHAIN, adding_to_chain, record_removal
from pledgebook.report.manifest import MANIFEST
from pledgebook.store import Store

AGE = re.compile(r"(\d{1,4}d|\d{1,3}(?:w|mo|y))")
RUNS = ".runs"
WORK_MAY_LAST = timedelta(days=1)


def before(age: str, now: datetime) -> datetime:
    """Return the instant that lies `age` before now: `90d`, `12w`, `18mo` or `2y`. Raises InputError for other words."""
    if not AGE.fullmatch(age):
        raise InputError(f"--older-than '{age[:40]}': not an age. Write 90d, 12w, 18mo or 2y.")
    return pl.select(pl.lit(now).dt.offset_by(f"-{age}")).item()  # type: ignore[no-any-return]


def old_stores(folder: Path, limit: datetime) -> list[Store]:
    """Return the stores that were last used before `limit`: the time of `store.json`, which every opening renews."""
    return [store for store in stores_in(folder) if _changed_at(store.folder / "store.json") < limit]


def remove_old_stores(folder: Path, limit: datetime) -> None:
    """Remove stores last used before `limit`, and old files that no store which stays needs.

    To be called while nobody else works in the stores.
    """
    for store in old_stores(folder, limit):
        (store.folder / "store.json").unlink()
    staying = stores_in(folder)
    needed = {folder / path for store in staying for path in store.catalogue["path"]}
    parts = {part for store in staying for part in _parts_of(store)}
    for place in [each for each in folder.glob("*") if each.is_dir() and _is_ours(each)]:
        if not (place / "store.json").is_file() and _newest_change(place) < limit:
            _remove(place, needed)
    for record in (folder / "parts").glob("*.json"):
        if record.stem not in parts and _changed_at(record) < limit:
            record.unlink()
    for place in [each for each in (folder / "parts").glob("*") if each.is_dir()]:
        if not place.with_name(f"{place.name}.json").is_file() and _newest_change(place) < limit:
            _remove(place, needed)
    for rewritten in (folder / "parts").glob("*/*/rows/*/*.without-*.parquet"):
        if rewritten not in needed and _changed_at(rewritten) < limit:
            rewritten.unlink()


def _is_ours(place: Path) -> bool:
    return place.name.startswith(".making-") or re.fullmatch("[0-9a-f]{32}", place.name) is not None


def _parts_of(store: Store) -> list[str]:
    record = store.folder / store.facts["data"] / "parts.json"
    return list(json.loads(record.read_text())) if record.is_file() else []


def _remove(place: Path, needed: Iterable[Path]) -> None:
    """Remove what lies in a folder but for the files that are needed, then the folders that are empty."""
    keep = set(needed)
    below = sorted(place.rglob("*"), reverse=True)
    for each in below:
        if not each.is_dir() and each not in keep:
            each.unlink(missing_ok=True)
    for each in [*below, place]:
        with suppress(OSError):  # it still holds a file that is needed
            each.rmdir()


def _changed_at(path: Path) -> datetime:
    return datetime.fromtimestamp(path.stat().st_mtime, UTC)


def _newest_change(place: Path) -> datetime:
    """When a file below a folder was last changed; of one without files when the folder was."""
    return max((_changed_at(each) for each in place.rglob("*") if each.is_file()), default=_changed_at(place))


def old_runs(out: Path, limit: datetime) -> list[Path]:
    """Return the runs that were finished before `limit`, by their manifests; where one cannot be read, by the folder."""
    runs = [each for each in sorted((out / RUNS).glob("[!.]*")) if each.is_dir()]
    return [run for run in runs if _finished_at(run) < limit]


def old_worklists(out: Path, limit: datetime) -> list[Path]:
    """Return the worklists of the runs that were finished before `limit`."""
    return [file for run in old_runs(out, limit) for file in sorted((run / "worklists").glob("*.csv"))]


def _finished_at(run: Path) -> datetime:
    with suppress(OSError, ValueError, KeyError, TypeError):
        finished = datetime.fromisoformat(json.loads((run / MANIFEST).read_text())["made"]["finished"])
        return finished if finished.tzinfo else finished.replace(tzinfo=UTC)
    return _changed_at(run)


def remove_runs(out: Path, runs: Sequence[Path], now: datetime) -> None:
    """Remove runs and the links that lead to them, after the chain of runs was told; and what killed runs left."""
    names = {run.name for run in runs}
    if (out / RUNS / CHAIN).is_file():
        record_removal(out / RUNS, sorted(names), now)
    for link in [each for each in out.glob("*") if each.is_symlink()]:
        leads_to = link.readlink()
        if leads_to.parent.name == RUNS and leads_to.name in names:
            link.unlink()
    for run in runs:
        gone = run.with_name(f".making-removed-{run.name}")
        run.rename(gone)
        shutil.rmtree(gone, ignore_errors=True)
    for left in (out / RUNS).glob(".making-*"):
        if _newest_change(left) < now - WORK_MAY_LAST or left.name.startswith(".making-removed-"):
            shutil.rmtree(left, ignore_errors=True)


def remove_worklists(out: Path, files: Sequence[Path], now: datetime) -> None:
    """Remove worklists, after the chain of runs was told of whose; the runs' reports stay, with counts only."""
    runs = sorted({file.parent.parent.name for file in files})
    if runs and (out / RUNS / CHAIN).is_file():
        with adding_to_chain(out / RUNS) as chain:
            chain.add(now, worklists_removed=runs)
    for file in files:
        file.unlink(missing_ok=True)
