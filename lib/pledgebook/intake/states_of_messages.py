"""States of a store's messages, shard by shard; of months and people whom nothing new concerns, the earlier store's.

States of messages that came later lie in a second file of their month, until they are many.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import chain
from pathlib import Path

import polars as pl

from pledgebook.intake.cutting import ROW_GROUP
from pledgebook.intake.parts import is_one_of, scan_files
from pledgebook.intake.standing import Place, entry, files_of, runs
from pledgebook.intake.states import MANY, Earlier, scan_states
from pledgebook.message_states import MESSAGE_STATES, TALLIES, build_message_states, marketing_purpose, tally_messages
from pledgebook.policy import Policy

SENT = "message_states"
AT_ONCE = 1_000_000
"""Messages that are held in memory at once."""
IN_GROUP = 16_384
"""Rows of a group: messages to people who had refused stand first, and whoever asks for them passes over the others."""
Lines = list[dict[str, object]]


@dataclass(frozen=True)
class Shard:
    """A shard, what its people consented to, and where the states of its messages are written."""

    number: int
    consent: pl.LazyFrame
    policy: Policy
    place: Place

    def write(self, rows: pl.DataFrame, month: str) -> Lines:
        """Write a month's states, refused ones first, and the tallies of them; a month without marketing has no file."""
        if rows.is_empty():
            return []
        ordered = rows.sort(pl.col("withdrawn_at").is_null(), maintain_order=True)
        lines = []
        for table, told in {SENT: ordered, **tally_messages(rows.lazy(), self.policy.timezone)}.items():
            in_group = IN_GROUP if table == SENT else ROW_GROUP
            path = self.place.write(told, f"{table}/shard={self.number}/{month}.parquet", in_group)
            lines.append(entry(table, self.number, path, told.height, month=month))
        return lines


def settle_message_states(
    shard: int,
    catalogue: pl.DataFrame,
    states: Lines,
    policy: Policy,
    earlier: Earlier | None,
    changed: pl.DataFrame,
    place: Place,
) -> Lines:
    """Write what is new of the states of a shard's messages, one file a month; return their lines of the catalogue.

    catalogue, states: the shard's lines. changed: the people whose answers are not those of the earlier store; nobody
    without one.
    """
    months = _files_by_month(catalogue)
    consent = scan_states(states, place.stores, marketing_purpose(policy)).filter(pl.col("recipient").is_null())
    if earlier is None:  # asked for all months, a few at a time: read once
        return _write_anew(months, Shard(shard, consent.collect(engine="streaming").lazy(), policy, place))
    here = Shard(shard, consent, policy, place)
    return _write_further(months, here, earlier, Change(changed, earlier.stands_until(place.stores)))


def _write_further(months: pl.DataFrame, here: Shard, earlier: Earlier, change: Change) -> Lines:
    """Write months that are new or lost messages, renew those to which some came or in which some may have changed."""
    known = _files_by_month(earlier.catalogue).select("month", pl.col("path").alias("before"))
    met = months.join(known, on="month", how="left")
    lasts = (pl.col("before").list.set_difference("path").list.len() == 0).fill_null(value=False)
    lasting = met.filter(lasts).with_columns(pl.col("path").list.set_difference("before").alias("added"))
    is_concerned = (pl.col("added").list.len() > 0) | (pl.col("month") >= change.month)
    shown = earlier.catalogue.filter(pl.col("table").is_in([SENT, *TALLIES]))
    lines = shown.join(lasting.filter(~is_concerned), on="month", how="semi").to_dicts()
    anew, renewed = met.filter(~lasts), lasting.filter(is_concerned)
    if anew.is_empty() and renewed.is_empty():
        return lines
    here = _asked_of([*anew["path"], *renewed["added"]], here, change)
    lines += _write_anew(anew, here)
    for month, before, added in renewed.select("month", "before", "added").iter_rows():
        lines += _renew(month, before, added, shown.filter(pl.col("month") == month), here, change)
    return lines


def _asked_of(files: Iterable[Iterable[str]], here: Shard, change: Change) -> Shard:
    """The shard with the consent of those alone who got the messages in these files, or whose answers changed: read once."""
    theirs = scan_files(here.place.stores, chain.from_iterable(files), MESSAGE_STATES).select("person")
    whom = pl.concat([theirs, change.people.lazy()]).unique().collect(engine="streaming")
    return replace(here, consent=here.consent.filter(is_one_of(whom)).collect(engine="streaming").lazy())


def tallies_of(file: Path) -> dict[str, Path]:
    """Return the files of the tallies of a file of message states, by their table; none for a file of anything else."""
    folder, shard, month = file.parts[-3:]
    return {table: file.parents[2] / table / shard / month for table in TALLIES} if folder == SENT else {}


def _files_by_month(catalogue: pl.DataFrame) -> pl.DataFrame:
    """One row per month: the paths of its messages, and how many rows they have; in order."""
    files = catalogue.filter(pl.col("table") == "messages").sort("month", "path")
    return files.group_by("month", maintain_order=True).agg("path", pl.col("rows").sum())


def _write_anew(months: pl.DataFrame, here: Shard) -> Lines:
    """Write the states of all messages of these months, a few months at a time."""
    batches = months.with_columns((pl.col("rows").cum_sum() // AT_ONCE).alias("_batch")).partition_by("_batch")
    lines: Lines = []
    for batch in batches:
        messages = scan_files(here.place.stores, batch["path"].explode())
        told = build_message_states(messages, here.consent, here.policy)
        for first, rows in runs(told, told["sent_at"].dt.date().dt.month_start()):
            lines += here.write(rows, f"{first:%Y-%m}")
    return lines


@dataclass(frozen=True)
class Change:
    """Whose answers are not those of the earlier store, and the instant before which theirs are."""

    people: pl.DataFrame
    since: datetime

    def meets(self) -> pl.Expr:
        """Return whether a message may have another state than it had."""
        return is_one_of(self.people) & (pl.col("sent_at") >= self.since)

    @property
    def month(self) -> str:
        """The first month in which a message may have another state than it had."""
        return f"{self.since:%Y-%m}"


def _renew(
    month: str, before: Sequence[str], added: Sequence[str], lines: pl.DataFrame, here: Shard, change: Change
) -> Lines:
    """Write a month of which every message that was there is there still; not where nobody's state changed.

    before, added: files of messages. lines: those of the month's states in the earlier store.
    """
    stores = here.place.stores
    moved = scan_files(stores, before).filter(change.meets()).collect(engine="streaming")
    came = scan_files(stores, added).collect(engine="streaming") if added else moved.clear()
    messages = pl.concat([came, moved])
    if messages.is_empty():
        return lines.to_dicts()
    told = build_message_states(messages.lazy(), here.consent, here.policy)
    if moved.is_empty():
        return lines.to_dicts() if told.is_empty() else _write_beside(told, month, lines, here)
    there = scan_files(stores, files_of(lines, SENT), MESSAGE_STATES)
    return _write_in_order([there.filter(~change.meets()).collect(engine="streaming"), told], month, here)


def _write_beside(told: pl.DataFrame, month: str, lines: pl.DataFrame, here: Shard) -> Lines:
    """Write states of further messages beside the largest file of a month; with it when those beside it become many."""
    sent = lines.filter(pl.col("table") == SENT).sort("rows", descending=True)
    largest = int(sent["rows"][:1].sum())
    are_few = told.height + int(sent["rows"].sum()) - largest <= MANY * largest
    paths = sent["path"].to_list()
    stay, again = (paths[:1], paths[1:]) if are_few else ([], paths)
    shown = [*stay, *(str(tallies) for path in stay for tallies in tallies_of(Path(path)).values())]
    before = scan_files(here.place.stores, again, MESSAGE_STATES).collect(engine="streaming")
    return lines.filter(pl.col("path").is_in(shown)).to_dicts() + _write_in_order([before, told], month, here)


def _write_in_order(states: Sequence[pl.DataFrame], month: str, here: Shard) -> Lines:
    return here.write(pl.concat(states).sort("person", "sent_at"), month)
