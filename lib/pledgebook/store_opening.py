"""Opening a store: the one that is there while its fingerprint of exports, mapping, policy and key holds, else a new one."""

from __future__ import annotations

import hashlib
import json
import os
import uuid
from collections.abc import Collection, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from pledgebook.errors import InputError
from pledgebook.intake.building import Progress, build_store, read_before
from pledgebook.intake.formats import MAPPING, ExportFile, find_exports
from pledgebook.intake.gathering import Gathering, stage_parts
from pledgebook.intake.inspection import hash_file
from pledgebook.intake.kin import nearest_kin, note_kin, read_facts, read_notes, shards_of_kin
from pledgebook.intake.parts import Intaking, Part, private_folder, removed_on_fault, write_whole
from pledgebook.intake.soundness import find_damage, not_whole
from pledgebook.intake.staging import Seen
from pledgebook.intake.standing import Place
from pledgebook.intake.tasks import carry_out
from pledgebook.policy import Policy
from pledgebook.pseudonyms import Key
from pledgebook.storage import is_remote, listed_afresh, mark
from pledgebook.store import Store
from pledgebook.workshop import Workshop

SCHEMA_VERSION = 2
BYTES_PER_SHARD = 400 << 20


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
    private_folder(stores)
    seen = _look_at([file for file in files if only is None or file.name in only], stores, executor)
    facts = _facts(seen, exports, _shape(policy, key, known_regimes), stores, shards) | {"unread": unread}
    folder = stores / facts["fingerprint"]
    if (kept := _kept(folder, progress)) is not None:
        return Store(folder, kept | {"unread": unread})
    intaking = Intaking(key, policy.timezone, known_regimes, facts["shards"])
    kin = nearest_kin(stores, facts["shape"], facts["shards"], facts["inputs"])
    with Workshop(stores) as scratch:
        gathering = Gathering(exports, intaking, code_hash(), stores, kin, scratch, executor, progress)
        parts = stage_parts(seen, gathering)
    _make(parts, seen, policy, facts, gathering)
    note_kin(stores, facts)
    return Store(folder, json.loads((folder / "store.json").read_text()))


def _facts(
    seen: Sequence[Seen], exports: Path, shape: dict[str, Any], stores: Path, shards: int | None
) -> dict[str, Any]:
    """What a store is told by, which is not made yet: all but its files that nobody reads."""
    count = shards or shards_of_kin(stores, shape, shards_for([each.file for each in seen]))
    return {
        "fingerprint": _fingerprint(seen, exports, {**shape, "shards": count}),
        "shards": count,
        "key_id": shape["key"],
        "shape": shape,
        "inputs": [_input(each, exports) for each in seen],
        "mapping": _mapping_hash(exports),
        "data": uuid.uuid4().hex[:12],
    }


def _make(parts: Sequence[Part], seen: Sequence[Seen], policy: Policy, facts: dict[str, Any], how: Gathering) -> None:
    """Make a store of parts, on what the one most like it knows; its record is written last, and makes it be there."""
    stores, count, place = how.stores, facts["shards"], Place(how.stores, f"{facts['fingerprint']}/{facts['data']}")
    with removed_on_fault(private_folder(stores / place.own)):
        before = read_before(stores, how.kin) if how.kin else None
        build_store(parts, policy, place, shards=count, before=before, progress=how.progress, executor=how.executor)
        listed_afresh(how.exports)
        for each in seen:
            each.check_unchanged()
        if find_damage(stores, facts) is not None:
            raise not_whole(stores)
        record = json.dumps(facts, ensure_ascii=False, indent=1).encode()
        write_whole(stores / facts["fingerprint"] / "store.json", record)


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


def _shape(policy: Policy, key: Key, known_regimes: frozenset[str]) -> dict[str, Any]:
    """All that shapes a store but its exports and the number of shards."""
    return {
        "schema": SCHEMA_VERSION,
        "code": code_hash(),
        "policy": policy.shapes_states(),
        "regimes": sorted(known_regimes),
        "key": key.id,
    }


def shards_for(files: Sequence[ExportFile]) -> int:
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


def _fingerprint(seen: Sequence[Seen], exports: Path, shape: dict[str, Any]) -> str:
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
        "disclosure_states",
        "masking",
        "message_states",
        "period",
        "policy",
        "pseudonyms",
        "store",
        "store_opening",
        "tables",
    )
    files = [*sorted((package / "intake").glob("*.py")), *[package / f"{name}.py" for name in beside]]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]
