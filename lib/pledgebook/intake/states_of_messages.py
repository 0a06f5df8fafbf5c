"""States of a store's messages, shard by shard; of months that no new answer or message reaches, the earlier store's."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pledgebook.intake.parts import scan_files
from pledgebook.intake.standing import Place, entry
from pledgebook.intake.states import Earlier, scan_states
from pledgebook.message_states import build_message_states, marketing_purpose
from pledgebook.policy import Policy

SENT = "message_states"
AT_ONCE = 1_000_000
"""Messages that are held in memory at once."""


def settle_message_states(
    shard: int,
    messages: pl.DataFrame,
    states: Sequence[dict[str, object]],
    policy: Policy,
    earlier: Earlier | None,
    place: Place,
) -> list[dict[str, object]]:
    """Write the states of a shard's messages, one file a month; return their lines of the catalogue.

    messages, states: the shard's lines of the catalogue. Months whose messages and answers are as they were keep their
    files.
    """
    months, kept = _months(messages), []
    if earlier is not None:
        before = _months(earlier.catalogue).filter(earlier.stands(pl.col("month")))
        same = months.join(before, on=["month", "files"], how="semi")
        months = months.join(same, on="month", how="anti")
        here = (pl.col("table") == SENT) & pl.col("month").is_in(same["month"].implode())
        kept = earlier.catalogue.filter(here).to_dicts()
    batches = months.with_columns((pl.col("rows").cum_sum() // AT_ONCE).alias("_batch")).partition_by("_batch")
    consent = scan_states(states, place.stores, marketing_purpose(policy))
    return kept + [line for batch in batches for line in _write(batch, consent, shard, policy, place)]


def _months(catalogue: pl.DataFrame) -> pl.DataFrame:
    """One row per month: the paths of its messages, the same as one text to compare, and their rows; in order."""
    files = catalogue.filter(pl.col("table") == "messages").sort("month", "path")
    told = files.group_by("month", maintain_order=True).agg("path", pl.col("rows").sum())
    return told.with_columns(pl.col("path").list.join("|").alias("files"))


def _write(
    batch: pl.DataFrame, consent: pl.LazyFrame, shard: int, policy: Policy, place: Place
) -> list[dict[str, object]]:
    """Write the states of the messages of a few months; a month without marketing has no file."""
    messages = scan_files(place.stores, batch["path"].explode())
    told = build_message_states(messages, consent, policy)
    entries, start = [], 0
    for length, first in told["sent_at"].dt.date().dt.month_start().rle().struct.unnest().iter_rows():
        rows = told.slice(start, length)
        start += length
        path = place.write(rows, f"{SENT}/shard={shard}/{first:%Y-%m}.parquet")
        entries.append(entry(SENT, shard, path, rows.height, month=f"{first:%Y-%m}"))
    return entries
