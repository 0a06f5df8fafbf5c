"""The store: canonical tables cut by person, made once per fingerprint of exports, mapping, policy and key."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Collection, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import platformdirs
import polars as pl

from pledgebook.consent import BEGINNING, CONSENT_STATES, END
from pledgebook.consent_states import with_changed
from pledgebook.errors import InputError
from pledgebook.intake.building import Progress, build_store
from pledgebook.intake.formats import MAPPING, ExportFile, find_exports
from pledgebook.intake.gathering import Gathering, stage_parts
from pledgebook.intake.inspection import hash_file
from pledgebook.intake.kin import nearest_kin, note_kin, read_facts, read_notes, shards_of_kin
from pledgebook.intake.parts import Intaking, private_folder, removed_on_fault, write_whole
from pledgebook.intake.soundness import find_damage, find_unreadable, not_whole
from pledgebook.intake.staging import Seen
from pledgebook.intake.standing import Place
from pledgebook.intake.tasks import carry_out
from pledgebook.message_states import MESSAGE_STATES, TALLIES
from pledgebook.policy import Policy
from pledgebook.pseudonyms import Key
from pledgebook.storage import is_remote, listed_afresh, mark, storage_for_stores
from pledgebook.tables import TABLES
from pledgebook.workshop import Workshop

SCHEMA_VERSION = 2
BYTES_PER_SHARD = 400 << 20
TOO_LONG = ("inputs", "unread")
"""Facts that no worker needs, and that grow with the exports."""
STATES = {
    "consent_states": (CONSENT_STATES, None),
    "changed_states": (CONSENT_STATES, None),
    "message_states": (MESSAGE_STATES, "sent_at"),
    **{name: (schema, None) for name, schema in TALLIES.items()},
}
"""What intake makes of the tables: the columns, and the instant of a row by which a stretch of it is read."""


@dataclass(frozen=True)
class Store:
    """A store on disk. `facts`: shards, fingerprint, key id, files that nobody read, the mapping's hash, and inputs.

    An input: name, file below the exports folder, table, sha256, bytes. Its rows lie in parts, which stores share; its
    own files in the folder that `facts["data"]` names.
    """

    folder: Path
    facts: dict[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """To a worker it is sent small, and reads its catalogue there."""
        return Store, (self.folder, {name: fact for name, fact in self.facts.items() if name not in TOO_LONG})

    @property
    def shards(self) -> int:
        """How many groups of people the store is cut into."""
        return int(self.facts["shards"])

    @cached_property
    def catalogue(self) -> pl.DataFrame:
        """One row per file of rows: table, shard, month, purpose (of consent states), path, rows."""
        return self._account("catalogue")

    def files(
        self,
        table: str,
        shard: int | Sequence[int],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        purposes: Collection[str] | None = None,
    ) -> list[Path]:
        """Return the files with the rows of a shard, or of several: of the months that meet the stretch, of these purposes."""
        shards = [shard] if isinstance(shard, int) else shard
        kept = _files_in(f"{self.folder}/{self.facts['data']}")
        first, last = (start or BEGINNING).strftime("%Y-%m"), (end or END).strftime("%Y-%m")
        return [
            self.folder.parent / path
            for each in shards
            for month, purpose, path in kept.get((table, each), [])
            if (month == "all" or first <= month <= last) and (not purpose or purposes is None or purpose in purposes)
        ]

    def scan(
        self,
        table: str,
        shard: int | Sequence[int],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        purposes: Collection[str] | None = None,
    ) -> pl.LazyFrame:
        """Return the rows of a table in a shard, or in several; small tables lie in shard 0. Of `[start, end)` where given.

        A table cut by month is read only where its months meet the stretch, consent states only of `purposes`. A
        missing table has its columns, no rows.
        """
        files = self.files(table, shard, start=start, end=end, purposes=purposes)
        if table in STATES:
            schema, when = STATES[table]
            rows = _scan(files) if files else pl.LazyFrame(schema=schema)
            if table == "consent_states" and (people := self.files("changed_people", shard)):
                rows = with_changed(rows, self.scan("changed_states", shard, purposes=purposes), _scan(people))
        else:
            known, when = TABLES[table], TABLES[table].when
            rows = _scan(files).select(known.stored_columns) if files else known.nothing()
        if start is not None and when:
            rows = rows.filter(pl.col(when) >= start)
        return rows.filter(pl.col(when) < end) if end is not None and when else rows

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
        return pl.read_parquet(f"{self.folder}/{self.facts['data']}/{name}.parquet")

    def refuse_damage(self) -> None:
        """Raise InputError when a file of the store cannot be read to its end; for when reading it met a fault."""
        damaged = find_unreadable(self.folder.parent, self.catalogue["path"])
        if damaged is not None:
            raise InputError(
                f"{self.folder.parent}/{damaged}: this file of a store is damaged. Remove the folder {self.folder.parent} "
                "and run again; it holds nothing that the exports do not."
            )

    def rows_kept(self, table: str) -> int:
        """Return how many rows of a table the store was given."""
        return int(self.intake.filter(pl.col("table") == table)["rows_kept"].sum())

    def has(self, table: str) -> bool:
        """Return whether the table was exported and has a row."""
        return self.rows_kept(table) > 0


def stores_folder(environment: Mapping[str, str]) -> Path:
    """Return where stores lie: `PLEDGEBOOK_STORE`, else the user's cache folder.

    Raises InputError for an address of a storage that cannot hold stores.
    """
    named = environment.get("PLEDGEBOOK_STORE")
    return (
        storage_for_stores(named, "PLEDGEBOOK_STORE")
        if named
        else platformdirs.user_cache_path("pledgebook") / "stores"
    )


def open_store(
    exports: Path,
    policy: Policy,
    key: Key,
    stores: Path,
    *,
    known_regimes: frozenset[str],
    shards: int | None = None,
    only: Collection[str] | None = None,
    executor: Executor | None = None,
    progress: Progress = lambda _: None,
) -> Store:
    """Return the store of these exports; the one on disk while its fingerprint holds, else a new one, made whole.

    `only` names the files to read, where others in the folder are to be passed over. With an executor its workers read
    the files and settle the shards; they must see exports and stores under the same names. Raises InputError when an
    export cannot be read.
    """
    exports = listed_afresh(exports)
    files, unread = find_exports(exports, policy.timezone)
    files = [file for file in files if only is None or file.name in only]
    private_folder(stores)
    seen = _look_at(files, stores, executor)
    shape = _shape(policy, key, known_regimes)
    count = shards or shards_of_kin(stores, shape, shards_for(files))
    fingerprint = _fingerprint(seen, exports, {**shape, "shards": count})
    folder = stores / fingerprint
    if (kept := _kept(folder, progress)) is not None:
        return Store(folder, kept | {"unread": unread})
    facts: dict[str, Any] = {"fingerprint": fingerprint, "shards": count, "key_id": key.id, "shape": shape}
    facts |= {"inputs": [_input(each, exports) for each in seen], "unread": unread, "mapping": _mapping_hash(exports)}
    facts |= {"data": uuid.uuid4().hex[:12]}
    intaking = Intaking(key, policy.timezone, known_regimes, count)
    place = Place(stores, f"{fingerprint}/{facts['data']}")
    with Workshop(stores) as scratch:
        parts = stage_parts(seen, Gathering(exports, intaking, code_hash(), stores, scratch, executor, progress))
    with removed_on_fault(private_folder(stores / place.own)):
        before = nearest_kin(stores, shape, count, facts["inputs"])
        build_store(parts, policy, place, shards=count, before=before, progress=progress, executor=executor)
        listed_afresh(exports)
        for each in seen:
            each.check_unchanged()
        if find_damage(stores, facts) is not None:
            raise not_whole(stores)
        write_whole(folder / "store.json", json.dumps(facts, ensure_ascii=False, indent=1).encode())
    note_kin(stores, facts)
    return Store(folder, json.loads((folder / "store.json").read_text()))


def _kept(folder: Path, progress: Progress) -> dict[str, Any] | None:
    """The facts of a store that is there with all its files; None where it must be made, for the first time or again.

    Raises InputError where one that somebody was removed from is damaged: made again, it would hold them again.
    """
    facts = read_facts(folder / "store.json")
    if facts is None:
        return None
    damaged = find_damage(folder.parent, facts)
    if damaged is None:
        if not is_remote(folder):
            os.utime(folder / "store.json")  # the time of its last use, by which it is kept or removed
        return facts
    if "forgotten" in facts:
        raise InputError(
            f"{folder.parent}/{damaged}: this file of a store is missing or cut off, and people were removed from that "
            f"store. Remove {folder} and run again; whom the exports still hold must then be forgotten again."
        )
    progress(f"the store is damaged and is made again: {damaged}")
    return None


def _input(seen: Seen, exports: Path) -> dict[str, Any]:
    file = seen.file
    return {
        "name": file.name,
        "file": str(file.path.relative_to(exports)),
        "table": file.source.table,
        "sha256": seen.sha256,
        "bytes": file.path.stat().st_size,
    }


@lru_cache(maxsize=4)
def _files_in(data: str) -> dict[tuple[str, int], list[tuple[str, str, str]]]:
    """The files of each table and shard, as month, purpose, path: read once a process, for a catalogue never changes."""
    found: dict[tuple[str, int], list[tuple[str, str, str]]] = {}
    for row in pl.read_parquet(f"{data}/catalogue.parquet").iter_rows(named=True):
        found.setdefault((row["table"], row["shard"]), []).append((row["month"], row["purpose"], row["path"]))
    return found


def _scan(files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet([str(file) for file in files], hive_partitioning=False, glob=False)


def _shape(policy: Policy, key: Key, known_regimes: frozenset[str]) -> dict[str, Any]:
    """All that shapes a store but its exports and the number of shards."""
    return {
        "schema": SCHEMA_VERSION,
        "code": code_hash(),
        "policy": policy.shapes_states(),
        "regimes": sorted(known_regimes),
        "key": key.id,
    }


def shards_for(files: list[ExportFile]) -> int:
    """Return how many shards keep one in memory with ease: a power of two that grows with the exports."""
    weight = {"parquet": 4}
    size = sum(f.path.stat().st_size * weight.get(f.format, 1) * (6 if f.compression else 1) for f in files)
    count = 1
    while count * BYTES_PER_SHARD < size and count < 1024:
        count *= 2
    return count


def _look_at(files: list[ExportFile], stores: Path, executor: Executor | None) -> list[Seen]:
    """Hash every file, but not again while what tells of a change stays as it was."""
    memo_file = stores / "hashes.json"
    memo = read_notes(memo_file)
    marks = [mark(file.path) for file in files]
    unknown = {each: file for each, file in zip(marks, files, strict=True) if each not in memo}
    if unknown:
        memo |= dict(
            zip(unknown, carry_out(hash_file, [(file.path,) for file in unknown.values()], executor), strict=True)
        )
        write_whole(memo_file, json.dumps(memo).encode())
    return [Seen(file, memo[each], each) for file, each in zip(files, marks, strict=True)]


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
    beside = (
        "consent",
        "consent_states",
        "masking",
        "message_states",
        "period",
        "policy",
        "pseudonyms",
        "store",
        "tables",
    )
    files = [*sorted((package / "intake").glob("*.py")), *[package / f"{name}.py" for name in beside]]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
