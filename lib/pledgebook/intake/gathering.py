"""Gathering the parts of an export folder: those that are there already, and those that must be read now."""

from __future__ import annotations

import hashlib
import os
import platform
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import polars as pl

from pledgebook.errors import InputError, KeyFault
from pledgebook.intake.keys import judge_keys
from pledgebook.intake.parts import Intaking, Part, part_id, parts_in, read_parts, scan_files
from pledgebook.intake.soundness import has_all
from pledgebook.intake.staging import Seen, stage_part
from pledgebook.intake.tasks import carry_out
from pledgebook.key_file import find_key_named
from pledgebook.workshop import Workshop

IDENTITIES = "identities"


@dataclass(frozen=True)
class Gathering:
    """An intake of exports: what its files are judged with, the code, where stores lie, and who reads the files."""

    exports: Path
    intaking: Intaking
    code: str
    stores: Path
    scratch: Path
    executor: Executor | None
    progress: Callable[[str], None]


@dataclass(frozen=True)
class Order:
    """An intake as a worker is told of it: with the key's id and never the key, which the worker has itself."""

    exports: Path
    key_id: str
    timezone: str
    known_regimes: frozenset[str]
    shards: int

    def with_the_key_here(self) -> Intaking:
        """Return the intake with the key that is found here. Raises KeyFault when there is none, or another."""
        try:
            key = find_key_named(self.key_id, self.exports, os.environ)
        except KeyFault as fault:
            raise KeyFault(
                f"worker on {platform.node()}: {fault} Every worker needs the key in its own environment, in "
                "PLEDGEBOOK_KEY_FILE or PLEDGEBOOK_KEY."
            ) from None
        return Intaking(key, self.timezone, self.known_regimes, self.shards)


def stage_parts(files: Sequence[Seen], gathering: Gathering) -> list[Part]:
    """Return the parts of files, in their order; identities are read first, for they say whom the others speak of."""
    naming = _gather([each for each in files if each.file.source.table == IDENTITIES], None, gathering)
    others = [each for each in files if each.file.source.table != IDENTITIES]
    parts = {**naming, **_gather(others, list(naming.values()), gathering)}
    return [parts[each.file.name] for each in files]


def _gather(files: Sequence[Seen], naming: list[Part] | None, gathering: Gathering) -> dict[str, Part]:
    stores = gathering.stores
    known = identities_in(stores, tuple(part.folder for part in naming)) if naming else None
    mark = "" if known is None else hashlib.sha256(known.hash_rows().to_numpy().tobytes()).hexdigest()
    names = [part_id(each.file, each.sha256, gathering.intaking, gathering.code, mark) for each in files]
    found = {part.id: part for part in read_parts(stores, names) if part is not None and has_all(part, stores)}
    missing = {name: each for name, each in zip(names, files, strict=True) if name not in found}
    found |= _stage(missing, naming or [], known, gathering)
    return {each.file.name: found[name] for name, each in zip(names, files, strict=True)}


def _stage(
    missing: dict[str, Seen], naming: list[Part], known: pl.DataFrame | None, gathering: Gathering
) -> dict[str, Part]:
    stores, intaking = gathering.stores, gathering.intaking

    def read(seen: Seen, name: str) -> Part:
        gathering.progress(f"reading {seen.file.name}")
        return stage_part(seen, name, intaking, known, stores, gathering.scratch)

    def tell(done: int, of: int) -> None:
        gathering.progress(f"reading exports, {done} of {of} files")

    if gathering.executor is None:
        return dict(zip(missing, carry_out(read, [(seen, name) for name, seen in missing.items()], None), strict=True))
    order = Order(gathering.exports, intaking.key.id, intaking.timezone, intaking.known_regimes, intaking.shards)
    folders = tuple(part.folder for part in naming)
    told = [(seen, name, order, folders, stores) for name, seen in missing.items()]
    made = carry_out(_stage_at_a_worker, told, gathering.executor, tell)
    if made and not (stores / made[0].folder / "quarantine.parquet").is_file():
        raise InputError(f"{stores}: what a worker keeps there is not seen here. Stores must lie where all see them.")
    return dict(zip(missing, made, strict=True))


def _stage_at_a_worker(seen: Seen, name: str, order: Order, naming: tuple[str, ...], stores: Path) -> Part:
    """As `stage_part`, with the key and the disk of the worker that this runs on."""
    intaking = order.with_the_key_here()
    known = identities_in(stores, naming) if naming else None
    with Workshop() as scratch:
        return stage_part(seen, name, intaking, known, stores, scratch)


@lru_cache(maxsize=1)
def identities_in(stores: Path, folders: tuple[str, ...]) -> pl.DataFrame:
    """Return whose every further id is, of the parts in these folders, sorted by it: id, person, person_guard."""
    parts = parts_in(stores, folders)
    files = [part.rows_file(cut) for part in parts for cut in part.cuts]
    if not files:
        return pl.DataFrame(schema={"id": pl.UInt64, "person": pl.UInt64, "person_guard": pl.UInt64})
    fallen = judge_keys(parts, (), {}, stores, tables=(IDENTITIES,))[IDENTITIES].fallen.lazy()
    standing = scan_files(stores, files).join(fallen, on=["source", "source_row"], how="anti")
    return standing.select("id", "person", "person_guard").sort("id").collect()
