"""Gathering the parts of an export folder: those that are there already, and those that must be read now."""

from __future__ import annotations

import os
import platform
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.errors import InputError, KeyFault
from pledgebook.intake.further_ids import (
    IDENTITIES,
    WHOSE,
    identities_in,
    is_shaped_by_identities,
    mark_of,
    named_alike,
)
from pledgebook.intake.parts import Intaking, Part, PartName, parts_listed, read_parts, reading_of
from pledgebook.intake.soundness import has_all
from pledgebook.intake.staging import Seen, stage_part
from pledgebook.intake.tasks import carry_out
from pledgebook.key_file import find_key_named
from pledgebook.tables import TABLES
from pledgebook.workshop import Workshop


@dataclass(frozen=True)
class Gathering:
    """An intake of exports: what its files are judged with, the code, where stores lie, and who reads the files.

    kin: the folder of the store that it builds on, below the folder of all stores; None where there is none.
    """

    exports: Path
    intaking: Intaking
    code: str
    stores: Path
    kin: str | None
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
    folders = tuple(part.folder for part in naming or ())
    known = identities_in(gathering.stores, folders) if folders else None
    names = [_name_of(each, mark_of(known), gathering) for each in files]
    found = _made_before(names, WHOSE.to_frame() if known is None else known, gathering)
    missing = {name: each for name, each in zip(names, files, strict=True) if name not in found}
    found |= _stage(missing, folders, known, gathering)
    return {each.file.name: found[name] for name, each in zip(names, files, strict=True)}


def _name_of(seen: Seen, identities: str, gathering: Gathering) -> PartName:
    is_shaped = is_shaped_by_identities(TABLES[seen.file.source.table])
    reading = reading_of(seen.file, seen.sha256, gathering.intaking, gathering.code)
    return PartName(reading, identities if is_shaped else "")


def _made_before(names: Sequence[PartName], identities: pl.DataFrame, gathering: Gathering) -> dict[PartName, Part]:
    """The parts that are there: under their names, or in the kin by earlier identities that name their people alike."""
    stores = gathering.stores
    kept = zip(names, read_parts(stores, [name.id for name in names]), strict=True)
    found = {name: part for name, part in kept if part is not None and has_all(part, stores)}
    wanted = {name.reading: name for name in names if name not in found}
    return found | {wanted[part.reading]: part for part in _of_kin(wanted, identities, gathering)}


def _of_kin(readings: Collection[str], identities: pl.DataFrame, gathering: Gathering) -> list[Part]:
    """The parts of these readings that the kin shows; none where it is damaged, for then they are read again."""
    if gathering.kin is None or not readings:
        return []
    with suppress(OSError, ValueError, PolarsError, InputError):
        return _named_alike(parts_listed(gathering.stores, gathering.kin) or [], readings, identities, gathering.stores)
    return []


def _named_alike(kin: list[Part], readings: Collection[str], identities: pl.DataFrame, stores: Path) -> list[Part]:
    then = identities_in(stores, tuple(part.folder for part in kin if part.table == IDENTITIES))
    theirs = [part for part in kin if part.reading in readings and part.table != IDENTITIES and has_all(part, stores)]
    return named_alike(theirs, then, identities, stores)


def _stage(
    missing: dict[PartName, Seen], naming: tuple[str, ...], known: pl.DataFrame | None, gathering: Gathering
) -> dict[PartName, Part]:
    stores, intaking = gathering.stores, gathering.intaking

    def read(seen: Seen, name: PartName) -> Part:
        gathering.progress(f"reading {seen.file.name}")
        return stage_part(seen, name, intaking, known, stores, gathering.scratch)

    def tell(done: int, of: int) -> None:
        gathering.progress(f"reading exports, {done} of {of} files")

    if gathering.executor is None:
        return dict(zip(missing, carry_out(read, [(seen, name) for name, seen in missing.items()], None), strict=True))
    order = Order(gathering.exports, intaking.key.id, intaking.timezone, intaking.known_regimes, intaking.shards)
    told = [(seen, name, order, naming, stores) for name, seen in missing.items()]
    made = carry_out(_stage_at_a_worker, told, gathering.executor, tell)
    if made and not (stores / made[0].folder / "quarantine.parquet").is_file():
        raise InputError(f"{stores}: what a worker keeps there is not seen here. Stores must lie where all see them.")
    return dict(zip(missing, made, strict=True))


def _stage_at_a_worker(seen: Seen, name: PartName, order: Order, naming: tuple[str, ...], stores: Path) -> Part:
    """As `stage_part`, with the key and the disk of the worker that this runs on."""
    intaking = order.with_the_key_here()
    known = identities_in(stores, naming) if naming else None
    with Workshop() as scratch:
        return stage_part(seen, name, intaking, known, stores, scratch)
