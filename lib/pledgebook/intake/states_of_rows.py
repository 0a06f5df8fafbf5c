"""States of consent beside a store's messages and disclosures, shard by shard; of months and people whom nothing new
concerns, the earlier store's.

States of rows that came later lie in a second file of their month, until they are many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

import polars as pl

from pledgebook.intake.asking_rows import ASKING, Asking, Consent, tallies_of
from pledgebook.intake.parts import is_one_of, scan_files
from pledgebook.intake.standing import Lines, Place, entry, files_of, runs
from pledgebook.intake.states import MANY, Earlier
from pledgebook.period import month_of
from pledgebook.policy import Policy
from pledgebook.tables import TABLES

AT_ONCE = 1_000_000
"""Rows that are held in memory at once."""


@dataclass(frozen=True)
class Shard:
    """A shard, which of its rows ask, what its people consented to, and where the states are written."""

    number: int
    asking: Asking
    consent: Consent
    policy: Policy
    place: Place

    def build(self, rows: pl.LazyFrame) -> pl.DataFrame:
        """Return the states of rows, in their order."""
        return self.asking.build(rows, self.consent.to(self.asking.purposes(rows, self.policy)), self.policy)

    def write(self, states: pl.DataFrame, month: str) -> Lines:
        """Write what is made of a month's states; a month without any has no file."""
        if states.is_empty():
            return []
        lines = []
        for table, told, in_group in self.asking.files(states, self.policy):
            path = self.place.write(told, f"{table}/shard={self.number}/{month}.parquet", in_group)
            lines.append(entry(table, self.number, path, told.height, month=month))
        return lines


def settle_states_of_rows(
    shard: int,
    catalogue: pl.DataFrame,
    states: Lines,
    policy: Policy,
    earlier: Earlier | None,
    changed: pl.DataFrame,
    place: Place,
) -> Lines:
    """Write what is new of the states of a shard's rows, one file a month; return their lines of the catalogue.

    catalogue, states: the shard's lines. changed: the people whose answers are not those of the earlier store; nobody
    without one.
    """
    change = None if earlier is None else Change(changed, earlier.stands_until(place.stores))
    lines: Lines = []
    for asking in ASKING:
        here = Shard(shard, asking, Consent(states, place.stores, asking.can_answer), policy, place)
        months = _files_by_month(catalogue, asking)
        lines += _write_further(months, here, earlier, change) if earlier and change else _write_anew(months, here)
    return lines


def _write_further(months: pl.DataFrame, here: Shard, earlier: Earlier, change: Change) -> Lines:
    """Write months that are new or lost rows, renew those to which some came or in which some may have changed."""
    known = _files_by_month(earlier.catalogue, here.asking).select("month", pl.col("path").alias("before"))
    met = months.join(known, on="month", how="left")
    lasts = (pl.col("before").list.set_difference("path").list.len() == 0).fill_null(value=False)
    lasting = met.filter(lasts).with_columns(pl.col("path").list.set_difference("before").alias("added"))
    is_concerned = (pl.col("added").list.len() > 0) | (pl.col("month") >= change.month)
    shown = earlier.catalogue.filter(pl.col("table").is_in(here.asking.made))
    lines = shown.join(lasting.filter(~is_concerned), on="month", how="semi").to_dicts()
    anew, renewed = met.filter(~lasts), lasting.filter(is_concerned)
    if anew.is_empty() and renewed.is_empty():
        return lines
    changed = change.people if (renewed["month"] >= change.month).any() else change.people.clear()
    here = _asked_of([*anew["path"], *renewed["added"]], changed, here)
    lines += _write_anew(anew, here)
    for month, before, added in renewed.select("month", "before", "added").iter_rows():
        lines += _renew(month, before, added, shown.filter(pl.col("month") == month), here, change)
    return lines


def _asked_of(added: Iterable[Iterable[str]], changed: pl.DataFrame, here: Shard) -> Shard:
    """The shard with the consent of those alone for whom a row in files that were added asks, or who `changed`."""
    schema = TABLES[here.asking.table].nothing().collect_schema()
    came = scan_files(here.place.stores, chain.from_iterable(added), schema).filter(here.asking.asks).select("person")
    people = pl.concat([came, changed.lazy()]).unique().collect(engine="streaming")
    return replace(here, consent=replace(here.consent, people=people))


def _files_by_month(catalogue: pl.DataFrame, asking: Asking) -> pl.DataFrame:
    """One row per month: the paths of its rows, and how many they have; in order."""
    files = catalogue.filter(pl.col("table") == asking.table).sort("month", "path")
    return files.group_by("month", maintain_order=True).agg("path", pl.col("rows").sum())


def _write_anew(months: pl.DataFrame, here: Shard) -> Lines:
    """Write the states of all rows of these months, a few months at a time."""
    batches = months.with_columns((pl.col("rows").cum_sum() // AT_ONCE).alias("_batch")).partition_by("_batch")
    lines: Lines = []
    for batch in batches:
        told = here.build(scan_files(here.place.stores, batch["path"].explode()))
        for first, rows in runs(told, told[here.asking.when].dt.date().dt.month_start()):
            lines += here.write(rows, month_of(first))
    return lines


@dataclass(frozen=True)
class Change:
    """Whose answers are not those of the earlier store, and the instant before which theirs are."""

    people: pl.DataFrame
    since: datetime

    def meets(self, asking: Asking) -> pl.Expr:
        """Return whether a row may have another state than it had."""
        return is_one_of(self.people) & (pl.col(asking.when) >= self.since)

    @property
    def month(self) -> str:
        """The first month in which a row may have another state than it had."""
        return month_of(self.since)


def _renew(
    month: str, before: Sequence[str], added: Sequence[str], lines: pl.DataFrame, here: Shard, change: Change
) -> Lines:
    """Write a month of which every row that was there is there still; not where nobody's state changed.

    before, added: files of rows. lines: those of the month's states in the earlier store.
    """
    stores = here.place.stores
    moved = scan_files(stores, before).filter(change.meets(here.asking)).collect(engine="streaming")
    came = scan_files(stores, added).collect(engine="streaming") if added else moved.clear()
    rows = pl.concat([came, moved])
    if rows.is_empty():
        return lines.to_dicts()
    told = here.build(rows.lazy())
    if moved.is_empty():
        return lines.to_dicts() if told.is_empty() else _write_beside(told, month, lines, here)
    there = scan_files(stores, files_of(lines, here.asking.states), here.asking.schema)
    return _write_in_order([there.filter(~change.meets(here.asking)).collect(engine="streaming"), told], month, here)


def _write_beside(told: pl.DataFrame, month: str, lines: pl.DataFrame, here: Shard) -> Lines:
    """Write states of further rows beside the largest file of a month; with it when those beside it become many."""
    sent = lines.filter(pl.col("table") == here.asking.states).sort("rows", descending=True)
    largest = int(sent["rows"][:1].sum())
    are_few = told.height + int(sent["rows"].sum()) - largest <= MANY * largest
    paths = sent["path"].to_list()
    stay, again = (paths[:1], paths[1:]) if are_few else ([], paths)
    shown = [*stay, *(str(tallies) for path in stay for tallies in tallies_of(Path(path)).values())]
    before = scan_files(here.place.stores, again, here.asking.schema).collect(engine="streaming")
    return lines.filter(pl.col("path").is_in(shown)).to_dicts() + _write_in_order([before, told], month, here)


def _write_in_order(states: Sequence[pl.DataFrame], month: str, here: Shard) -> Lines:
    return here.write(pl.concat(states).sort("person", here.asking.when), month)
