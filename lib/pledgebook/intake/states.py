"""Consent states of a store, shard by shard; of people whose answers are as they were, the earlier store's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from pledgebook.consent import all_consent_events
from pledgebook.consent_states import build_consent_states
from pledgebook.intake.parts import Part, scan_files
from pledgebook.intake.standing import Place, entry, files_of, scan_table
from pledgebook.policy import Policy
from pledgebook.tables import TABLES

ANSWERS = ("consent_events", "requests")
STATES = "consent_states"
MANY = 0.5


@dataclass(frozen=True)
class Earlier:
    """A store of the same shape that other parts made: its catalogue, and what differs between its answers and now.

    parts: those with answers that only one of the two stores has. fallen: rows of answers that fell in only one.
    """

    catalogue: pl.DataFrame
    parts: Sequence[Part]
    fallen: pl.DataFrame

    def only(self, shard: int) -> Earlier:
        """Return the same with what concerns one shard alone."""
        states = (pl.col("table") == STATES) & (pl.col("shard") == shard)
        fallen = self.fallen.filter(pl.col("_shard") == shard)
        return Earlier(self.catalogue.filter(states), [part.only(shard) for part in self.parts], fallen)


def settle_states(
    shard: int, catalogue: pl.DataFrame, policy: Policy, earlier: Earlier | None, place: Place
) -> list[dict[str, object]]:
    """Write the consent states of a shard, one file a purpose; return their lines of the catalogue."""
    events, requests = (scan_table(catalogue, TABLES[name], shard, place.stores) for name in ANSWERS)
    if earlier is not None:
        changed = _changed(shard, earlier, place)
        if changed.is_empty():
            return earlier.catalogue.filter((pl.col("table") == STATES) & (pl.col("shard") == shard)).to_dicts()
        files = files_of(earlier.catalogue, STATES, shard)
        kept = (
            scan_files(place.stores, files).join(changed.lazy(), on="person", how="anti").collect() if files else None
        )
        events, requests = (rows.join(changed.lazy(), on="person", how="semi") for rows in (events, requests))
        return _write(
            pl.concat([*([kept] if kept is not None else []), _states(events, requests, policy)]), shard, place
        )
    return _write(_states(events, requests, policy), shard, place)


def _states(events: pl.LazyFrame, requests: pl.LazyFrame, policy: Policy) -> pl.DataFrame:
    return build_consent_states(all_consent_events(events, requests, policy), policy)


def _changed(shard: int, earlier: Earlier, place: Place) -> pl.DataFrame:
    """The people of a shard some of whose answers came, went, fell or stand again."""
    files = [part.shard_file("persons", shard) for part in earlier.parts if shard in part.shards()]
    fallen = earlier.fallen.filter(pl.col("_shard") == shard).select("person")
    spoken = [scan_files(place.stores, files).select("person").collect()] if files else []
    return pl.concat([fallen, *spoken]).unique()


def _write(states: pl.DataFrame, shard: int, place: Place) -> list[dict[str, object]]:
    entries = []
    cut = states.partition_by("purpose", as_dict=True)
    for number, ((purpose,), rows) in enumerate(sorted(cut.items())):
        ordered = rows.sort("person", "channel", "recipient", "since", nulls_last=False)
        path = place.write(ordered, f"{STATES}/shard={shard}/{number:03}.parquet")
        entries.append(entry(STATES, shard, path, rows.height, purpose=str(purpose)))
    return entries
