"""States of a store, shard by shard: of consent, and of every message when it was sent.

Of people whose answers are as they were, and of months that no new answer or message reaches, the earlier store's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pledgebook.consent import CONSENT_STATES, all_consent_events
from pledgebook.consent_states import build_consent_states
from pledgebook.intake.parts import Part, scan_files
from pledgebook.intake.standing import Place, entry, files_of, scan_table
from pledgebook.message_states import build_message_states, marketing_purpose
from pledgebook.policy import Policy
from pledgebook.tables import TABLES

ANSWERS = ("consent_events", "requests")
STATES = "consent_states"
SENT = "message_states"
AT_ONCE = 1_000_000


@dataclass(frozen=True)
class Earlier:
    """A store of the same shape that other parts made: its catalogue, and what differs between its answers and now.

    parts: those with answers that only one of the two stores has. fallen: rows of answers that fell in only one. since:
    the first month in which an answer of those parts can be; null without any.
    """

    catalogue: pl.DataFrame
    parts: Sequence[Part]
    fallen: pl.DataFrame
    since: str | None

    def only(self, shard: int) -> Earlier:
        """Return the same with what concerns one shard alone."""
        mine = pl.col("table").is_in([STATES, SENT, "messages"]) & (pl.col("shard") == shard)
        fallen = self.fallen.filter(pl.col("_shard") == shard)
        return Earlier(self.catalogue.filter(mine), [part.only(shard) for part in self.parts], fallen, self.since)

    def stands(self, month: pl.Expr) -> pl.Expr:
        """Return whether all answers by the end of a month are as they were; for what concerns one shard alone."""
        if self.fallen.height:
            return pl.lit(value=False)
        return pl.lit(value=True) if self.since is None else month < self.since


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


def settle_message_states(
    shard: int, catalogue: pl.DataFrame, policy: Policy, earlier: Earlier | None, place: Place
) -> list[dict[str, object]]:
    """Write the states of a shard's messages, one file a month; return their lines of the catalogue.

    A few months at a time are held in memory. Months whose messages and answers are as they were keep their files.
    """
    months, kept = _months_of_messages(catalogue), []
    if earlier is not None:
        same = _months_of_messages(earlier.catalogue).filter(earlier.stands(pl.col("month")))
        same = months.join(same, on=["month", "files"], how="semi")
        months = months.join(same, on="month", how="anti")
        kept = earlier.catalogue.filter(
            (pl.col("table") == SENT) & pl.col("month").is_in(same["month"].implode())
        ).to_dicts()
    batches = months.with_columns((pl.col("rows").cum_sum() // AT_ONCE).alias("_batch")).partition_by("_batch")
    states = scan_states(catalogue, shard, place.stores, marketing_purpose(policy))
    return kept + [line for batch in batches for line in _write_sent(batch, states, shard, policy, place)]


def _months_of_messages(catalogue: pl.DataFrame) -> pl.DataFrame:
    """One row per month: its files, as one text to compare, their paths, and how many rows they have; in order."""
    files = catalogue.filter(pl.col("table") == "messages").sort("month", "path")
    told = files.group_by("month", maintain_order=True).agg("path", pl.col("rows").sum())
    return told.with_columns(pl.col("path").list.join("|").alias("files"))


def scan_states(catalogue: pl.DataFrame, shard: int, stores: Path, purpose: str) -> pl.LazyFrame:
    """Return a shard's consent states of one purpose."""
    files = files_of(catalogue.filter(pl.col("purpose") == purpose), STATES, shard)
    return scan_files(stores, files) if files else pl.LazyFrame(schema=CONSENT_STATES)


def _write_sent(
    batch: pl.DataFrame, states: pl.LazyFrame, shard: int, policy: Policy, place: Place
) -> list[dict[str, object]]:
    """Write the states of the messages of a few months; a month without marketing has no file."""
    messages = scan_files(place.stores, batch["path"].explode())
    told = build_message_states(messages, states, policy)
    month = pl.col("sent_at").dt.strftime("%Y-%m").alias("_month")
    entries = []
    for (name,), rows in told.with_columns(month).partition_by("_month", as_dict=True, include_key=False).items():
        path = place.write(rows, f"{SENT}/shard={shard}/{name}.parquet")
        entries.append(entry(SENT, shard, path, rows.height, month=str(name)))
    return entries


def _write(states: pl.DataFrame, shard: int, place: Place) -> list[dict[str, object]]:
    entries = []
    cut = states.partition_by("purpose", as_dict=True)
    for number, ((purpose,), rows) in enumerate(sorted(cut.items())):
        ordered = rows.sort("person", "channel", "recipient", "since", nulls_last=False)
        path = place.write(ordered, f"{STATES}/shard={shard}/{number:03}.parquet")
        entries.append(entry(STATES, shard, path, rows.height, purpose=str(purpose)))
    return entries
