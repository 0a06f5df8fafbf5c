"""Building a store from parts: keys judged over all of them, people and pauses put in place, states made, all accounted.

What an earlier store of the same shape already knows is taken over, so that a further file costs what it brings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.intake import accounts
from pledgebook.intake.fallen import Fell, files_of_fallen, settle_fallen
from pledgebook.intake.parts import LISTED, Fallen, Part, parts_in, parts_listed
from pledgebook.intake.soundness import has_all, has_states
from pledgebook.intake.standing import (
    Lines,
    Place,
    as_catalogue,
    merge_people,
    put_pauses_beside_requests,
    standing_files,
)
from pledgebook.intake.states import ANSWERS, CONCERNED, Earlier, settle_states
from pledgebook.intake.states_of_rows import settle_states_of_rows
from pledgebook.intake.strangers import count_orphans, find_strangers, settle_strangers
from pledgebook.intake.tasks import carry_out
from pledgebook.policy import Policy

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Before:
    """An earlier store of the same shape: its parts, its catalogue and its orphans."""

    parts: tuple[Part, ...]
    catalogue: pl.DataFrame
    orphans: pl.DataFrame


def read_before(stores: Path, data: str) -> Before | None:
    """Return what an earlier store knows, from its folder below `stores`; None where a part of it is gone or damaged."""
    try:
        before = _read_before(stores, data)
    except (OSError, ValueError, PolarsError):
        return None
    return before if before and has_states(before.catalogue, stores) else None


def _read_before(stores: Path, data: str) -> Before | None:
    folder = stores / data
    parts = parts_listed(stores, data)
    if parts is None:
        return None
    catalogue, orphans = (pl.read_parquet(str(folder / f"{name}.parquet")) for name in ("catalogue", "orphans"))
    return Before(tuple(parts), catalogue, orphans)


def build_store(
    parts: Sequence[Part],
    policy: Policy,
    place: Place,
    *,
    shards: int,
    before: Before | None,
    progress: Progress,
    executor: Executor | None = None,
) -> None:
    """Write the catalogue of a store, its consent states, and what was read, kept and quarantined."""
    progress("comparing keys")
    before = before if before and _is_readable(before, parts, place.stores) else None
    earlier, known = (before.parts, before.catalogue) if before else ((), None)
    fell = settle_fallen(parts, earlier, known, place, executor)
    fallen = files_of_fallen(fell)
    held = standing_files(parts, fallen, place, executor)
    intake = accounts.account_of_sources(parts, fallen, held, place.stores)
    placed, unplaced = put_pauses_beside_requests(held, shards, place)
    notes = [accounts.orphaned_pauses(unplaced), accounts.orphaned_recipients(parts, fallen, placed, place.stores)]
    earlier_store = _earlier(parts, fell, before)
    calls = [_call_of(shard, parts, fallen, placed, earlier_store, policy, place) for shard in range(shards)]
    settled = carry_out(
        _settle_shard, calls, executor, lambda done, of: progress(f"consent states {min(done + 1, of)} of {of}")
    )
    made = [*(each.lines for each in fell.values()), *(each.lines for each in settled)]
    lines = as_catalogue([line for each in made for line in each])
    catalogue = pl.concat([placed.filter(pl.col("table") != "people"), lines])
    orphans = pl.concat([each.orphans for each in settled])
    notes += [accounts.notes_of_orphans(orphans), *[each.notes for each in settled]]
    _write_accounts(parts, fallen, catalogue, intake, notes, orphans, policy, place)


def _is_readable(before: Before, parts: Sequence[Part], stores: Path) -> bool:
    """Whether parts that are gone have their files: nobody else looks at them, and what they said is asked for."""
    return all(has_all(part, stores) for part in _gone(before, parts))


def _gone(before: Before, parts: Sequence[Part]) -> list[Part]:
    """The parts of an earlier store that are not among these."""
    these = {part.id for part in parts}
    return [part for part in before.parts if part.id not in these]


def _call_of(
    shard: int,
    parts: Sequence[Part],
    fallen: Fallen,
    catalogue: pl.DataFrame,
    earlier: Earlier | None,
    policy: Policy,
    place: Place,
) -> tuple[Any, ...]:
    """What `_settle_shard` takes: no more than the shard needs, for it may be sent to a worker."""
    mine = catalogue.filter((pl.col("shard") == shard) & pl.col("table").is_in([*CONCERNED, *ANSWERS]))
    return shard, [part.folder for part in parts], fallen, mine, earlier and earlier.only(shard), policy, place


@dataclass(frozen=True)
class Settled:
    """A shard's lines of the catalogue, what its parts say of people whom nobody exported, and what fell of that."""

    lines: Lines
    orphans: pl.DataFrame
    notes: pl.DataFrame


def _settle_shard(
    shard: int,
    folders: Sequence[str],
    fallen: Fallen,
    catalogue: pl.DataFrame,
    earlier: Earlier | None,
    policy: Policy,
    place: Place,
) -> Settled:
    """Merge the people of a shard, tell its strangers, and make its states. Raises InputError as `find_strangers` does."""
    parts, stores = [part.only(shard) for part in parts_in(place.stores, folders)], place.stores
    people = merge_people(catalogue, None if earlier is None else earlier.catalogue, parts, shard, place)
    known = pl.concat([catalogue.filter(pl.col("table") != "people"), as_catalogue(people)])
    strangers = find_strangers(parts, accounts.people_of(known, shard, stores), earlier, shard, stores)
    orphans = count_orphans(parts, strangers, known, earlier, shard, stores)
    changed = earlier.changed_people(shard, stores) if earlier else pl.DataFrame(schema={"person": pl.UInt64})
    states = settle_states(shard, known, policy, earlier, changed, place)
    beside = settle_states_of_rows(shard, known, states, policy, earlier, changed, place)
    return Settled(
        [*people, *settle_strangers(strangers, earlier, shard, place), *states, *beside],
        orphans,
        accounts.orphans_that_fell(fallen, strangers, shard, stores),
    )


def _earlier(parts: Sequence[Part], fell: Mapping[str, Fell], before: Before | None) -> Earlier | None:
    """What the earlier store knows, and what differs between its answers and these."""
    if before is None:
        return None
    then, now = ({part.id: part for part in each if part.table in ANSWERS} for each in (before.parts, parts))
    differing = [part for name, part in {**then, **now}.items() if (name in then) != (name in now)]
    changed = pl.concat([fell[name].changed for name in ANSWERS])
    is_differing = pl.col("_part").is_in([part.id for part in differing])
    known = frozenset(part.id for part in before.parts)
    return Earlier(
        catalogue=before.catalogue,
        known=known,
        gone=_gone(before, parts),
        parts=differing,
        fallen=changed.filter(~is_differing),
        unsaid=changed.filter(is_differing),
        orphans=before.orphans,
    )


def _write_accounts(
    parts: Sequence[Part],
    fallen: Fallen,
    catalogue: pl.DataFrame,
    intake: pl.DataFrame,
    noted: list[pl.DataFrame],
    orphans: pl.DataFrame,
    policy: Policy,
    place: Place,
) -> None:
    own, stores = place.stores / place.own, place.stores
    tables: dict[str, Any] = {
        "catalogue": catalogue,
        "intake": intake,
        "notes": accounts.notes(parts, catalogue, noted, stores),
        "orphans": orphans,
        "feeds": accounts.feeds(parts, fallen, policy.timezone, stores),
        "unknown_columns": accounts.unknown_columns(parts),
    }
    for name, table in tables.items():
        table.write_parquet(str(own / f"{name}.parquet"))
    accounts.quarantine(parts, fallen, stores).sink_parquet(str(own / "quarantine.parquet"))
    (own / LISTED).write_text(json.dumps([part.id for part in parts]))
