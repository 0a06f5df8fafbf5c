"""States of a store's messages, shard by shard; of months and people whom nothing new concerns, the earlier store's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pledgebook.intake.cutting import ROW_GROUP
from pledgebook.intake.parts import scan_files
from pledgebook.intake.standing import Place, entry, files_of
from pledgebook.intake.states import Earlier, is_one_of, scan_states
from pledgebook.message_states import build_message_states, marketing_purpose, tally_messages
from pledgebook.policy import Policy

SENT, TALLIES = "message_states", "message_tallies"
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
        tallies = tally_messages(rows.lazy(), self.policy.timezone)
        ordered = rows.sort(pl.col("withdrawn_at").is_null(), maintain_order=True)
        lines = []
        for table, told, in_group in ((SENT, ordered, IN_GROUP), (TALLIES, tallies, ROW_GROUP)):
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
    here = Shard(shard, scan_states(states, place.stores, marketing_purpose(policy)), policy, place)
    if earlier is None:
        return _write_anew(months, here)
    before = _files_by_month(earlier.catalogue).rename({"path": "path_before", "rows": "rows_before"})
    met = months.join(before, on="month", how="left")
    lasts = pl.col("path_before").list.set_difference("path").list.len() == 0
    anew = _write_anew(met.filter(~lasts.fill_null(value=False)), here)
    lasting = met.filter(lasts).with_columns(pl.col("path").list.set_difference("path_before").alias("added"))
    return anew + [
        line
        for month, path, added in lasting.select("month", "path", "added").iter_rows()
        for line in _renew(month, path, added, here, earlier, changed)
    ]


def tallies_of(file: Path) -> Path | None:
    """Return the file of the tallies of a file of message states, None for a file of anything else."""
    folder, shard, month = file.parts[-3:]
    return file.parents[2] / TALLIES / shard / month if folder == SENT else None


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
        start = 0
        for length, first in told["sent_at"].dt.date().dt.month_start().rle().struct.unnest().iter_rows():
            lines += here.write(told.slice(start, length), f"{first:%Y-%m}")
            start += length
    return lines


def _renew(
    month: str,
    files: Sequence[str],
    added: Sequence[str],
    here: Shard,
    earlier: Earlier,
    changed: pl.DataFrame,
) -> Lines:
    """Write a month of which every message that was there is there still; not where nothing came or changed."""
    lines = earlier.catalogue.filter(pl.col("table").is_in([SENT, TALLIES]) & (pl.col("month") == month))
    moved = changed.clear() if earlier.stands(month) else changed
    fresh = [_messages(added, None, here.place)] if added else []
    if moved.height:
        fresh.append(_messages([path for path in files if path not in set(added)], moved, here.place))
    messages = pl.concat(fresh) if fresh else pl.DataFrame()
    if messages.is_empty():
        return lines.to_dicts()
    asked = here.consent.filter(is_one_of(messages.select("person").unique()))
    told = build_message_states(messages.lazy(), asked, here.policy)
    kept = [
        scan_files(here.place.stores, [path]).filter(~is_one_of(moved)).collect(engine="streaming")
        for path in files_of(lines, SENT)
    ]
    return here.write(pl.concat([*kept, told]).sort("person", "sent_at"), month)


def _messages(files: Sequence[str], people: pl.DataFrame | None, place: Place) -> pl.DataFrame:
    """The messages of files, or those of them that went to these people."""
    rows = scan_files(place.stores, files)
    return (rows if people is None else rows.filter(is_one_of(people))).collect(engine="streaming")
