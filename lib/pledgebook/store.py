"""The store: canonical tables cut by person, made once per fingerprint of exports, mapping, policy and key."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import platformdirs
import polars as pl

from pledgebook.consent import CONSENT_STATES
from pledgebook.errors import InputError
from pledgebook.intake.building import Progress, build_store
from pledgebook.intake.formats import MAPPING, ExportFile, find_exports
from pledgebook.intake.inspection import Inspected, hash_file, inspect_file
from pledgebook.policy import Policy
from pledgebook.pseudonyms import Key
from pledgebook.tables import TABLES

SCHEMA_VERSION = 1
BYTES_PER_SHARD = 96 << 20
JUST_BEGUN = 60


@dataclass(frozen=True)
class Store:
    """A store on disk. `facts`: shards, fingerprint, inputs (name, sha256, bytes), key id, files that nobody read."""

    folder: Path
    facts: dict[str, object]

    @property
    def shards(self) -> int:
        """How many groups of people the store is cut into."""
        return int(str(self.facts["shards"]))

    def scan(
        self, table: str, shard: int, *, start: datetime | None = None, end: datetime | None = None
    ) -> pl.LazyFrame:
        """Return a shard's rows of a table; small tables lie in shard 0. Of `[start, end)` where given.

        A table cut by month is read only where its months meet the stretch. A missing table has its columns, no rows.
        """
        files = sorted((self.folder / table / f"shard={shard}").glob("*.parquet"))
        if table == "consent_states":
            return pl.scan_parquet(files) if files else pl.LazyFrame(schema=CONSENT_STATES)
        known = TABLES[table]
        if known.by_month and start is not None and end is not None:
            files = [f for f in files if f"{start:%Y-%m}" <= f.stem <= f"{end:%Y-%m}"]
        if not files:
            return known.nothing()
        rows = pl.scan_parquet(files)
        when = pl.col(str(known.when))
        if start is not None and known.when:
            rows = rows.filter(when >= start)
        return rows.filter(when < end) if end is not None and known.when else rows

    @cached_property
    def intake(self) -> pl.DataFrame:
        """One row per source: source, table, rows_read, rows_kept, rows_quarantined, rows_duplicate, rows_superseded."""
        return self._account("intake")

    @cached_property
    def quarantined(self) -> pl.DataFrame:
        """One row per broken rule of a row: table, source, source_row, rule, is_opt_out."""
        return self._account("quarantine")

    @cached_property
    def notes(self) -> pl.DataFrame:
        """What was counted at intake: table, note, rows."""
        return self._account("notes")

    @cached_property
    def feeds(self) -> pl.DataFrame:
        """Rows of each feed on each local day: table, feed, kind, date, rows."""
        return self._account("feeds")

    @cached_property
    def unknown_columns(self) -> pl.DataFrame:
        """Columns that were dropped: source, column."""
        return self._account("unknown_columns")

    def _account(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(self.folder / f"{name}.parquet")

    def rows_kept(self, table: str) -> int:
        """Return how many rows of a table the store was given."""
        return int(self.intake.filter(pl.col("table") == table)["rows_kept"].sum())

    def has(self, table: str) -> bool:
        """Return whether the table was exported and has a row."""
        return self.rows_kept(table) > 0


def stores_folder(environment: Mapping[str, str]) -> Path:
    """Return where stores lie: `PLEDGEBOOK_STORE`, else the user's cache folder."""
    named = environment.get("PLEDGEBOOK_STORE")
    return Path(named) if named else platformdirs.user_cache_path("pledgebook") / "stores"


def open_store(
    exports: Path,
    policy: Policy,
    key: Key,
    stores: Path,
    *,
    known_regimes: frozenset[str],
    shards: int | None = None,
    progress: Progress = lambda _: None,
) -> Store:
    """Return the store of these exports; the one on disk while its fingerprint holds, else a new one, made whole.

    Raises InputError when an export cannot be read.
    """
    files, unread = find_exports(exports, policy.timezone)
    stores.mkdir(parents=True, exist_ok=True, mode=0o700)
    marks = {file.path: _mark(file.path) for file in files}
    hashes = _hashes(files, stores)
    count = shards or shards_for(files)
    fingerprint = _fingerprint(files, exports, policy, key, hashes, count, known_regimes)
    folder = stores / fingerprint
    if (folder / "store.json").is_file():
        return Store(folder, json.loads((folder / "store.json").read_text()))
    inputs = [{"name": f.name, "sha256": hashes[f.path], "bytes": f.path.stat().st_size} for f in files]
    facts = {
        "fingerprint": fingerprint,
        "shards": count,
        "key_id": key.id,
        "inputs": inputs,
        "unread": unread,
    }
    with _workshop(stores) as making:
        inspected = list(_inspect(files, making, progress))
        build_store(inspected, policy, key, making, shards=count, known_regimes=known_regimes, progress=progress)
        shutil.rmtree(making / "plain", ignore_errors=True)
        if changed := [file.name for file in files if _mark(file.path) != marks[file.path]]:
            raise InputError(f"{changed[0]}: it changed while it was read. Run again when it is finished.")
        (making / "store.json").write_text(json.dumps(facts, ensure_ascii=False, indent=1))
        _put_in_place(making, folder)
    return Store(folder, facts)


class _workshop(tempfile.TemporaryDirectory[str]):  # noqa: N801
    """A folder beside the stores that is gone afterwards, whatever happens; locked while it is worked in."""

    def __init__(self, stores: Path) -> None:
        _sweep(stores)
        super().__init__(prefix=".making-", dir=stores, ignore_cleanup_errors=True)
        self._lock = os.open(self.name, os.O_RDONLY)
        with suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(super().__enter__())

    def __exit__(self, *fault: Any) -> None:
        super().__exit__(*fault)
        os.close(self._lock)


def _sweep(stores: Path) -> None:
    """Remove what a killed run left half made: it may hold clear text. A folder that is worked in is locked."""
    for folder in stores.glob(".making-*"):
        with suppress(OSError):
            if time.time() - folder.stat().st_mtime < JUST_BEGUN:
                continue
            lock = os.open(folder, os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(folder, ignore_errors=True)
            finally:
                os.close(lock)


def _put_in_place(making: Path, folder: Path) -> None:
    """Rename a finished store into its place; another process may have been quicker, or left half a store there."""
    for _ in range(2):
        try:
            making.rename(folder)
            return
        except OSError:
            if (folder / "store.json").is_file():
                return
            shutil.rmtree(folder, ignore_errors=True)
    raise InputError(f"{folder}: something stands where the store belongs. Remove it and run again.")


def _inspect(files: list[ExportFile], making: Path, progress: Progress) -> Iterator[Inspected]:
    scratch = making / "plain"
    scratch.mkdir(mode=0o700)
    for file in files:
        progress(f"looking through {file.name}")
        yield inspect_file(file, scratch)


def shards_for(files: list[ExportFile]) -> int:
    """Return how many shards keep one in memory with ease: a power of two that grows with the exports."""
    weight = {"parquet": 4}
    size = sum(f.path.stat().st_size * weight.get(f.format, 1) * (6 if f.compression else 1) for f in files)
    count = 1
    while count * BYTES_PER_SHARD < size and count < 1024:
        count *= 2
    return count


def _hashes(files: list[ExportFile], stores: Path) -> dict[Path, str]:
    """Hash every file, but not again while its size and times stay as they were."""
    memo_file = stores / "hashes.json"
    try:
        memo = json.loads(memo_file.read_text())
    except (OSError, ValueError):
        memo = {}
    found = {}
    for file in files:
        mark = _mark(file.path)
        found[file.path] = memo.get(mark) or hash_file(file.path)
        memo[mark] = found[file.path]
    swap = memo_file.with_name(f".hashes-{os.getpid()}")
    swap.write_text(json.dumps(memo))
    swap.replace(memo_file)
    return found


def _mark(path: Path) -> str:
    """What changes when a file does, told without reading it."""
    stat = path.stat()
    return f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}|{stat.st_ino}"


def _fingerprint(
    files: list[ExportFile],
    exports: Path,
    policy: Policy,
    key: Key,
    hashes: dict[Path, str],
    shards: int,
    known_regimes: frozenset[str],
) -> str:
    mapping = exports / MAPPING
    parts = {
        "schema": SCHEMA_VERSION,
        "code": code_hash(),
        "files": sorted((file.name, hashes[file.path], str(file.exported_until)) for file in files),
        "mapping": hash_file(mapping) if mapping.is_file() else "",
        "policy": policy.shapes_states(),
        "regimes": sorted(known_regimes),
        "key": key.id,
        "shards": shards,
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def code_hash() -> str:
    """Return a hash of the code that shapes a store: a store made by other code is never reused."""
    package = Path(__file__).parent
    beside = ("consent", "period", "policy", "pseudonyms", "store", "tables")
    files = [*sorted((package / "intake").glob("*.py")), *[package / f"{name}.py" for name in beside]]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
