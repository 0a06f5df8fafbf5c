"""Consent states of a store, shard by shard; of people whose answers are as they were, the earlier store's.

Where few people of a shard answered anew, their states lie beside the earlier store's files: `changed_people` names
them, `changed_states` holds all that they said. So a further month costs its own people. When they have become many, the
shard's states are written afresh.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl

from pledgebook.consent import CONSENT_STATES, END, all_consent_events
from pledgebook.consent_states import IN_ORDER, build_consent_states, with_changed
from pledgebook.intake.parts import PERSONS, Part, is_one_of, persons_files, scan_files
from pledgebook.intake.soundness import MADE
from pledgebook.intake.standing import Lines, Place, as_catalogue, entry, files_of, runs, scan_table
from pledgebook.policy import Policy
from pledgebook.tables import TABLES

ANSWERS = ("consent_events", "requests")
CONCERNED = ("people", "messages", "disclosures")
"""The other tables of whose rows a shard's states are made, or are looked at for them."""
ROW_ID = ["_part", "source_row"]
STATES, CHANGED, PEOPLE = "consent_states", "changed_states", "changed_people"
MANY = 0.5
"""The share of states that may lie beside the others."""


@dataclass(frozen=True)
class Earlier:
    """A store of the same shape that other parts made: its catalogue, and what differs between its answers and now.

    known: ids of its parts. gone: those of them that are no longer. parts: those with answers that only one of the two
    stores has. fallen: rows of answers of other parts that fell in only one, by `_shard`, `person` and `at`. unsaid: rows
    of `parts` that did not stand, which changed nothing. orphans: what each of its parts said of people whom nobody
    exported.
    """

    catalogue: pl.DataFrame
    known: frozenset[str]
    gone: Sequence[Part]
    parts: Sequence[Part]
    fallen: pl.DataFrame
    unsaid: pl.DataFrame
    orphans: pl.DataFrame

    def only(self, shard: int) -> Earlier:
        """Return the same with what concerns one shard alone."""
        mine = self.catalogue.filter(pl.col("table").is_in([*MADE, *CONCERNED]) & (pl.col("shard") == shard))
        fallen, unsaid = (rows.filter(pl.col("_shard") == shard) for rows in (self.fallen, self.unsaid))
        orphans = self.orphans.filter(pl.col("shard") == shard)
        gone, parts = (_in_shard(each, shard) for each in (self.gone, self.parts))
        return Earlier(mine, self.known, gone, parts, fallen, unsaid, orphans)

    def stands_until(self, stores: Path) -> datetime:
        """Return the instant before which all answers are as they were; for what concerns one shard alone."""
        firsts = [
            scan_files(stores, [part.rows_file(cut) for cut in part.cuts])
            .filter(~pl.col("source_row").is_in(self._unsaid_of(part)["source_row"].implode()))
            .select(answered_at(part.table).min())
            for part in self.parts
        ]
        first = pl.concat([self.fallen.lazy().select(pl.col("at").min()), *firsts]).min().fill_null(END)
        told: datetime = first.collect().item()
        return told

    def changed_people(self, shard: int, stores: Path) -> pl.DataFrame:
        """Return the people some of whose answers came, went, fell or stand again: person; of one shard alone."""
        spoken = scan_files(stores, persons_files(self.parts, shard), PERSONS).select("person", "rows")
        unsaid = self.unsaid.lazy().select("person", pl.lit(-1, dtype=pl.Int64).alias("rows"))
        said = pl.concat([spoken, unsaid]).group_by("person").agg(pl.col("rows").sum()).filter(pl.col("rows") > 0)
        return pl.concat([self.fallen.select("person"), said.select("person").collect()]).unique()

    def _unsaid_of(self, part: Part) -> pl.DataFrame:
        return self.unsaid.filter(pl.col("_part") == part.id)


def _in_shard(parts: Sequence[Part], shard: int) -> list[Part]:
    return [part.only(shard) for part in parts if shard in part.shards()]


def answered_at(table: str) -> pl.Expr:
    """Return the instant of an answer, in rows of one of the tables that hold answers."""
    return pl.col(str(TABLES[table].when)).alias("at")


def settle_states(
    shard: int,
    catalogue: pl.DataFrame,
    policy: Policy,
    earlier: Earlier | None,
    changed: pl.DataFrame,
    place: Place,
) -> Lines:
    """Write what is new of the consent states of a shard, one file a purpose; return their lines of the catalogue.

    changed: the people whose answers are not those of the earlier store; nobody without one.
    """
    answers = [scan_table(catalogue, TABLES[name], shard, place.stores) for name in ANSWERS]
    if earlier is None:
        states = _states(answers, policy)
        return _write(runs(states, states["purpose"]), STATES, shard, place)
    if changed.is_empty():
        return earlier.catalogue.filter(pl.col("table").is_in([STATES, CHANGED, PEOPLE])).to_dicts()
    theirs = _states([rows.filter(is_one_of(changed)) for rows in answers], policy)
    return _write_changed(shard, changed, theirs, earlier, place)


def _states(answers: Sequence[pl.LazyFrame], policy: Policy) -> pl.DataFrame:
    return build_consent_states(all_consent_events(answers[0], answers[1], policy), policy)


def _write_changed(shard: int, changed: pl.DataFrame, theirs: pl.DataFrame, earlier: Earlier, place: Place) -> Lines:
    """Write the states of changed people, with those of people who had changed before, beside the others or with them."""
    beside, people = (
        scan_files(place.stores, files_of(earlier.catalogue, name), CONSENT_STATES) for name in (CHANGED, PEOPLE)
    )
    states = with_changed(beside, theirs.lazy(), changed.lazy()).sort(IN_ORDER).collect()
    everybody = pl.concat([people.select("person").collect(), changed]).unique().sort("person")
    of_base = earlier.catalogue.filter(pl.col("table") == STATES)
    if states.height > MANY * int(of_base["rows"].sum()):
        return _write(_together(of_base, states, everybody, place.stores), STATES, shard, place)
    path = place.write(everybody, f"{PEOPLE}/shard={shard}.parquet")
    named = entry(PEOPLE, shard, path, everybody.height)
    return [*of_base.to_dicts(), named, *_write(runs(states, states["purpose"]), CHANGED, shard, place)]


def _together(
    of_base: pl.DataFrame, states: pl.DataFrame, changed: pl.DataFrame, stores: Path
) -> Iterator[tuple[str, pl.DataFrame]]:
    """Yield the states of each purpose: of changed people these, of all others those of the base; both are in order."""
    for purpose in sorted({*of_base["purpose"], *states["purpose"].unique()}):
        is_mine = pl.col("purpose") == purpose
        others = scan_files(stores, of_base.filter(is_mine)["path"], CONSENT_STATES).filter(~is_one_of(changed))
        rows = others.merge_sorted(states.lazy().filter(is_mine), key="person").collect()
        if rows.height:
            yield purpose, rows


def scan_states(
    lines: Sequence[dict[str, object]], stores: Path, purpose: str, people: pl.DataFrame | None = None
) -> pl.LazyFrame:
    """Return the consent states of a purpose, of all people or of these, in a shard that has these lines."""
    told = as_catalogue(list(lines)).filter((pl.col("purpose") == purpose) | (pl.col("table") == PEOPLE))
    base, beside, changed = (
        scan_files(stores, files_of(told, name), CONSENT_STATES) for name in (STATES, CHANGED, PEOPLE)
    )
    if people is None:
        return with_changed(base, beside, changed.select("person"))
    as_before = people.lazy().join(changed, on="person", how="anti").collect(engine="in-memory")
    return pl.concat([base.filter(is_one_of(as_before)), beside.filter(is_one_of(people))])


def _write(states: Iterable[tuple[str, pl.DataFrame]], table: str, shard: int, place: Place) -> Lines:
    """Write the states of each purpose into a file."""
    entries = []
    for number, (purpose, rows) in enumerate(states):
        path = place.write(rows, f"{table}/shard={shard}/{number:03}.parquet")
        entries.append(entry(table, shard, path, rows.height, purpose=purpose))
    return entries
