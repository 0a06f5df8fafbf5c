"""The store: canonical tables cut by person, made once per fingerprint of exports, mapping, policy and key."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import platformdirs
import polars as pl

from pledgebook.consent import BEGINNING, CONSENT_STATES, END
from pledgebook.intake.building import Before, Progress, build_store, read_before
from pledgebook.intake.formats import MAPPING, ExportFile, find_exports
from pledgebook.intake.gathering import stage_parts
from pledgebook.intake.inspection import hash_file
from pledgebook.intake.parts import Intaking, private_folder, write_whole
from pledgebook.intake.staging import Seen, mark
from pledgebook.intake.standing import Place
from pledgebook.policy import Policy
from pledgebook.pseudonyms import Key
from pledgebook.tables import TABLES

SCHEMA_VERSION = 2
BYTES_PER_SHARD = 160 << 20
JUST_BEGUN = 60


@dataclass(frozen=True)
class Store:
    """A store on disk. `facts`: shards, fingerprint, key id, files that nobody read, the mapping's hash, and inputs.

    An input: name, file below the exports folder, table, sha256, bytes. Its rows lie in parts, which stores share; its
    own files in the folder that `facts["data"]` names.
    """

    folder: Path
    facts: dict[str, Any]

    @property
    def shards(self) -> int:
        """How many groups of people the store is cut into."""
        return int(self.facts["shards"])

    @cached_property
    def catalogue(self) -> pl.DataFrame:
        """One row per file of rows: table, shard, month, purpose (of consent states), path, rows."""
        return self._account("catalogue")

    @cached_property
    def _files(self) -> dict[tuple[str, int], list[tuple[str, str, Path]]]:
        found: dict[tuple[str, int], list[tuple[str, str, Path]]] = {}
        for row in self.catalogue.iter_rows(named=True):
            file = self.folder.parent / row["path"]
            found.setdefault((row["table"], row["shard"]), []).append((row["month"], row["purpose"], file))
        return found

    def files(
        self,
        table: str,
        shard: int,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        purposes: Collection[str] | None = None,
    ) -> list[Path]:
        """Return the files with a shard's rows of a table: of the months that meet the stretch, of these purposes."""
        first, last = (start or BEGINNING).strftime("%Y-%m"), (end or END).strftime("%Y-%m")
        return [
            file
            for month, purpose, file in self._files.get((table, shard), [])
            if (month == "all" or first <= month <= last) and (not purpose or purposes is None or purpose in purposes)
        ]

    def scan(
        self,
        table: str,
        shard: int,
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        purposes: Collection[str] | None = None,
    ) -> pl.LazyFrame:
        """Return a shard's rows of a table; small tables lie in shard 0. Of `[start, end)` where given.

        A table cut by month is read only where its months meet the stretch, consent states only of `purposes`. A
        missing table has its columns, no rows.
        """
        files = self.files(table, shard, start=start, end=end, purposes=purposes)
        if table == "consent_states":
            return _scan(files) if files else pl.LazyFrame(schema=CONSENT_STATES)
        known = TABLES[table]
        if not files:
            return known.nothing()
        rows = _scan(files).select(known.stored_columns)
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
        return pl.read_parquet(self.folder / self.facts["data"] / f"{name}.parquet")

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
    only: Collection[str] | None = None,
    progress: Progress = lambda _: None,
) -> Store:
    """Return the store of these exports; the one on disk while its fingerprint holds, else a new one, made whole.

    `only` names the files to read, where others in the folder are to be passed over. Raises InputError when an export
    cannot be read.
    """
    files, unread = find_exports(exports, policy.timezone)
    files = [file for file in files if only is None or file.name in only]
    private_folder(stores)
    seen = _look_at(files, stores)
    shape = _shape(policy, key, known_regimes)
    count = shards or _shards_of_before(stores, shape, shards_for(files))
    fingerprint = _fingerprint(seen, exports, {**shape, "shards": count})
    folder = stores / fingerprint
    if (folder / "store.json").is_file():
        return Store(folder, json.loads((folder / "store.json").read_text()))
    inputs = [
        {"name": each.file.name, "file": str(each.file.path.relative_to(exports)), "table": each.file.source.table,
         "sha256": each.sha256, "bytes": each.file.path.stat().st_size}
        for each in seen
    ]  # fmt: skip
    facts = {
        "fingerprint": fingerprint,
        "shards": count,
        "key_id": key.id,
        "shape": shape,
        "inputs": inputs,
        "unread": unread,
        "mapping": _mapping_hash(exports),
        "data": uuid.uuid4().hex[:12],
    }
    intaking = Intaking(key, policy.timezone, known_regimes, count)
    place = Place(stores, f"{fingerprint}/{facts['data']}")
    with Workshop(stores) as scratch:
        parts = stage_parts(seen, intaking, code_hash(), stores, scratch, progress)
        private_folder(stores / place.own)
        before = _before(stores, shape, count)
        build_store(parts, policy, place, shards=count, before=before, progress=progress)
        for each in seen:
            each.check_unchanged()
        write_whole(folder / "store.json", json.dumps(facts, ensure_ascii=False, indent=1).encode())
    return Store(folder, json.loads((folder / "store.json").read_text()))


def _scan(files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet(files, hive_partitioning=False, glob=False)


def _shape(policy: Policy, key: Key, known_regimes: frozenset[str]) -> dict[str, Any]:
    """All that shapes a store but its exports and the number of shards."""
    return {
        "schema": SCHEMA_VERSION,
        "code": code_hash(),
        "policy": policy.shapes_states(),
        "regimes": sorted(known_regimes),
        "key": key.id,
    }


def _kin(stores: Path, shape: dict[str, Any]) -> list[dict[str, Any]]:
    """The facts of the stores that have this shape, the newest first."""
    records = sorted(stores.glob("*/store.json"), key=lambda file: file.stat().st_mtime_ns, reverse=True)
    told = [json.loads(record.read_text()) for record in records]
    return [facts for facts in told if facts.get("shape") == shape]


def _shards_of_before(stores: Path, shape: dict[str, Any], wanted: int) -> int:
    """A store that grew goes on with the shards it has, while one of them still fits into memory with ease."""
    counts = (int(facts["shards"]) for facts in _kin(stores, shape))
    return next((count for count in counts if wanted <= 2 * count <= 4 * wanted), wanted)


def _before(stores: Path, shape: dict[str, Any], shards: int) -> Before | None:
    newest = next((facts for facts in _kin(stores, shape) if facts["shards"] == shards), None)
    return None if newest is None else read_before(stores, f"{newest['fingerprint']}/{newest['data']}")


class Workshop(tempfile.TemporaryDirectory[str]):
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


def shards_for(files: list[ExportFile]) -> int:
    """Return how many shards keep one in memory with ease: a power of two that grows with the exports."""
    weight = {"parquet": 4}
    size = sum(f.path.stat().st_size * weight.get(f.format, 1) * (6 if f.compression else 1) for f in files)
    count = 1
    while count * BYTES_PER_SHARD < size and count < 1024:
        count *= 2
    return count


def _look_at(files: list[ExportFile], stores: Path) -> list[Seen]:
    """Hash every file, but not again while its size and times stay as they were."""
    memo_file = stores / "hashes.json"
    try:
        memo = json.loads(memo_file.read_text())
    except (OSError, ValueError):
        memo = {}
    marks = [mark(file.path) for file in files]
    seen = [Seen(file, memo.get(each) or hash_file(file.path), each) for file, each in zip(files, marks, strict=True)]
    write_whole(memo_file, json.dumps(memo | {each.mark: each.sha256 for each in seen}).encode())
    return seen


def _fingerprint(seen: list[Seen], exports: Path, shape: dict[str, Any]) -> str:
    parts = {
        **shape,
        "files": sorted((each.file.name, each.sha256, str(each.file.exported_until)) for each in seen),
        "mapping": _mapping_hash(exports),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:32]


def _mapping_hash(exports: Path) -> str:
    mapping = exports / MAPPING
    return hash_file(mapping) if mapping.is_file() else ""


def code_hash() -> str:
    """Return a hash of the code that shapes a store: a store made by other code is never reused."""
    package = Path(__file__).parent
    beside = ("consent", "period", "policy", "pseudonyms", "store", "tables")
    files = [*sorted((package / "intake").glob("*.py")), *[package / f"{name}.py" for name in beside]]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
