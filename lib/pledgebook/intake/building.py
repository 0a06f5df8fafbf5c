"""Building a store from parts: keys judged over all of them, people and pauses put in place, states made, all accounted.

What an earlier store of the same shape already knows is taken over, so that a further file costs what it brings.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from pledgebook.intake import accounts
from pledgebook.intake.keys import Shared, check_collisions, judge_keys
from pledgebook.intake.parts import Part, private_folder, read_part
from pledgebook.intake.standing import (
    Place,
    as_catalogue,
    merge_people,
    put_pauses_beside_requests,
    standing_files,
)
from pledgebook.intake.states import ANSWERS, Earlier, settle_states
from pledgebook.policy import Policy
from pledgebook.tables import TABLES

Progress = Callable[[str], None]
ROW_ID = ["_part", "source_row"]


@dataclass(frozen=True)
class Before:
    """An earlier store of the same shape: its parts, its catalogue, and which of its rows shared a key."""

    parts: tuple[Part, ...]
    catalogue: pl.DataFrame
    shared: dict[str, Shared]


def read_before(stores: Path, data: str) -> Before | None:
    """Return what an earlier store knows, from its folder below `stores`; None where a part of it is gone."""
    folder = stores / data
    parts = [read_part(stores, name) for name in json.loads((folder / "parts.json").read_text())]
    if not all(parts):
        return None
    shared = {}
    for name in TABLES:
        fallen, rows = folder / "fallen" / f"{name}.parquet", folder / "shared" / f"{name}.parquet"
        shared[name] = Shared(pl.read_parquet(rows) if rows.is_file() else None, pl.read_parquet(fallen))
    catalogue = pl.read_parquet(folder / "catalogue.parquet")
    return Before(tuple(part for part in parts if part), catalogue, shared)


def build_store(
    parts: Sequence[Part], policy: Policy, place: Place, *, shards: int, before: Before | None, progress: Progress
) -> None:
    """Write the catalogue of a store, its consent states, and what was read, kept and quarantined."""
    progress("comparing keys")
    earlier = before.parts if before else ()
    shared = {
        name: judge_keys(table, parts, earlier, before.shared[name] if before else None, place.stores)
        for name, table in TABLES.items()
    }
    fallen = {name: each.fallen for name, each in shared.items()}
    held = as_catalogue(standing_files(parts, fallen, place))
    intake = accounts.account_of_sources(parts, fallen, held)
    catalogue, unplaced = put_pauses_beside_requests(held, shards, place)
    catalogue = merge_people(catalogue, parts, place)
    orphans = [accounts.orphaned_pauses(unplaced), accounts.orphaned_recipients(parts, fallen, catalogue, place.stores)]
    known = _earlier_answers(parts, fallen, before)
    states: list[dict[str, object]] = []
    for shard in range(shards):
        progress(f"consent states {shard + 1} of {shards}")
        check_collisions(parts, shard, place.stores)
        orphans.append(accounts.orphaned_people(parts, fallen, catalogue, shard, place.stores))
        states += settle_states(shard, catalogue, policy, known, place)
    catalogue = pl.concat([catalogue, as_catalogue(states)])
    _write_accounts(parts, shared, catalogue, intake, orphans, policy, place)


def _earlier_answers(parts: Sequence[Part], fallen: dict[str, pl.DataFrame], before: Before | None) -> Earlier | None:
    """What differs between the answers of the earlier store and these."""
    if before is None:
        return None
    then, now = ({part.id: part for part in each if part.table in ANSWERS} for each in (before.parts, parts))
    differing = [part for name, part in {**then, **now}.items() if (name in then) != (name in now)]
    changes = []
    for name in ANSWERS:
        columns = [*ROW_ID, "_shard", "person"]
        old, new = before.shared[name].fallen.select(columns), fallen[name].select(columns)
        changes += [old.join(new, on=ROW_ID, how="anti"), new.join(old, on=ROW_ID, how="anti")]
    return Earlier(before.catalogue, differing, pl.concat(changes))


def _write_accounts(
    parts: Sequence[Part],
    shared: dict[str, Shared],
    catalogue: pl.DataFrame,
    intake: pl.DataFrame,
    orphans: list[pl.DataFrame],
    policy: Policy,
    place: Place,
) -> None:
    own, stores = place.stores / place.own, place.stores
    fallen = {name: each.fallen for name, each in shared.items()}
    tables: dict[str, Any] = {
        "catalogue": catalogue,
        "intake": intake,
        "notes": accounts.notes(parts, catalogue, orphans, stores),
        "feeds": accounts.feeds(parts, fallen, policy.timezone, stores),
        "unknown_columns": accounts.unknown_columns(parts),
        **{f"fallen/{name}": each.fallen for name, each in shared.items()},
        **{f"shared/{name}": each.rows for name, each in shared.items() if each.rows is not None},
    }
    for name, table in tables.items():
        private_folder((own / name).parent)
        table.write_parquet(own / f"{name}.parquet")
    accounts.quarantine(parts, fallen, stores).sink_parquet(own / "quarantine.parquet")
    (own / "parts.json").write_text(json.dumps([part.id for part in parts]))
