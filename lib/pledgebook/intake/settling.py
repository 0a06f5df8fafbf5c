"""Settling a shard: what staging gathered becomes the store's tables, each row accounted for."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pledgebook.consent import all_consent_events, build_consent_states
from pledgebook.errors import InputError
from pledgebook.intake.keys import judge_events, read_fates
from pledgebook.intake.staging import Intaking, read_staged
from pledgebook.policy import Policy
from pledgebook.tables import TABLES, Table

ROW_GROUP = 250_000
FEEDS = {"table": pl.String, "feed": pl.String, "kind": pl.String, "date": pl.Date, "rows": pl.UInt32}


@dataclass(frozen=True)
class Settled:
    """What a shard gave: how many rows of each source met which fate, those in conflict, notes, and feeds by day.

    fates: source, table, fate (or `kept`), rows. conflicts: table, source, source_row, rule, is_opt_out.
    """

    fates: pl.DataFrame
    conflicts: pl.DataFrame
    notes: pl.DataFrame
    feeds: pl.DataFrame


@dataclass(frozen=True)
class Settling:
    """What every shard needs: staging, policy, the sources' order, and where to write."""

    intaking: Intaking
    policy: Policy
    exported: pl.DataFrame
    store: Path


def settle_table(table: Table, shard: int, settling: Settling, rows: pl.DataFrame | None = None) -> Settled | None:
    """Write one shard of a table: copies dropped, people merged, sorted by person and time. None where it has no rows."""
    if rows is None:
        staged = read_staged(table, settling.intaking, shard)
        if staged is None:
            return None
        rows = staged.collect()
    fates = read_fates(table, settling.intaking, shard) if table.key else judge_events(rows, table, settling.exported)
    standing = rows.join(fates, on=["source", "source_row"], how="anti")
    told = pl.concat([fates.select("source", "fate"), standing.select("source", pl.lit("kept").alias("fate"))])
    if table.name == "people":
        standing = _merge_people(standing, settling.exported)
    _write(standing, table, shard, settling.store)
    counted = told.group_by("source", "fate").agg(pl.len().cast(pl.Int64).alias("rows"))
    return Settled(
        fates=counted.select("source", pl.lit(table.name).alias("table"), "fate", "rows"),
        conflicts=_conflicts(fates, table),
        notes=_notes(standing, table),
        feeds=_feeds(standing, table, settling),
    )


def _conflicts(fates: pl.DataFrame, table: Table) -> pl.DataFrame:
    rivals = fates.filter(pl.col("fate") == "conflicting")
    rule = pl.lit("conflicting_key").alias("rule")
    return rivals.select(pl.lit(table.name).alias("table"), "source", "source_row", rule, "is_opt_out")


def check_collisions(shard: int, intaking: Intaking) -> None:
    """Refuse two people under one key (once in 370,000 intakes of 10 million people)."""
    parts = []
    for table in TABLES.values():
        staged = read_staged(table, intaking, shard)
        if staged is not None and "person_guard" in staged.collect_schema().names():
            parts.append(staged.select("person", "person_guard").unique())
    if parts:
        pairs = pl.concat(parts).unique().select(pl.col("person").is_duplicated().any()).collect(engine="streaming")
        if pairs.item():
            raise InputError(
                "two different ids have the same pseudonym under this key. Make another key and run again."
            )


def _merge_people(rows: pl.DataFrame, exported: pl.DataFrame) -> pl.DataFrame:
    """People that identities make one: earliest opening, latest closing (none wins), kind and region of the own row."""
    if rows["person"].n_unique() == rows.height:
        return rows
    placed = rows.join(exported, on="source", how="left")
    ordered = placed.sort(pl.col("own") != pl.col("person"), "opened_at", "place", "source_row")
    closed = pl.when(pl.col("closed_at").is_null().any()).then(None).otherwise(pl.col("closed_at").max())
    return ordered.group_by("person", maintain_order=True).agg(
        pl.col("kind", "region", "source", "source_row").first(),
        pl.col("opened_at").min(),
        closed.alias("closed_at"),
    )


def _write(rows: pl.DataFrame, table: Table, shard: int, store: Path) -> None:
    columns = table.stored_columns
    by = [name for name in ("person", table.when) if name in columns]
    ordered = rows.select(columns).sort(*by, "source", "source_row")
    folder = store / table.name / f"shard={shard}"
    if ordered.height:
        folder.mkdir(parents=True, exist_ok=True)
    if ordered.height and not table.by_month:
        ordered.write_parquet(folder / "all.parquet", row_group_size=ROW_GROUP)
        return
    month = pl.col(str(table.when)).dt.strftime("%Y-%m")
    for (name,), part in (
        ordered.with_columns(month.alias("_month"))
        .partition_by("_month", as_dict=True, include_key=False, maintain_order=True)
        .items()
    ):
        part.write_parquet(folder / f"{name}.parquet", row_group_size=ROW_GROUP)


def _notes(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    counted: dict[str, pl.Expr] = {}
    if table.name == "requests":
        counted["verified_before_receipt"] = pl.col("verified_at") < pl.col("received_at")
        counted["closed_without_outcome"] = pl.col("closed_at").is_not_null() & pl.col("outcome").is_null()
        counted["outcome_without_closing"] = pl.col("closed_at").is_null() & pl.col("outcome").is_not_null()
    sums = rows.select(pl.lit(0).alias("_"), *[rule.sum().alias(name) for name, rule in counted.items()]).head(1)
    long = sums.drop("_").unpivot(variable_name="note", value_name="rows") if counted else None
    schema = {"table": pl.String, "note": pl.String, "rows": pl.Int64}
    if long is None or long.is_empty():
        return pl.DataFrame(schema=schema)
    return long.select(pl.lit(table.name).alias("table"), "note", pl.col("rows").cast(pl.Int64))


def _feeds(rows: pl.DataFrame, table: Table, settling: Settling) -> pl.DataFrame:
    """How many rows each feed has on each local day: table, feed, kind, date, rows."""
    if table.when is None:
        return pl.DataFrame(schema=FEEDS)
    when = pl.col(table.when)
    if rows.schema[table.when] != pl.Date:
        when = when.dt.convert_time_zone(settling.policy.timezone).dt.date()
    kind = pl.lit("") if table.feed is None else pl.col(table.feed).cast(pl.String)
    told = rows.join(settling.exported.select("source", "feed"), on="source", how="left")
    days = told.group_by("feed", kind.alias("kind"), when.alias("date")).agg(pl.len().alias("rows"))
    return days.select(pl.lit(table.name).alias("table"), *list(FEEDS)[1:])


def settle_pauses(settling: Settling) -> list[Settled]:
    """Put every pause beside its request, in the person's shard; one of an unknown request goes to shard 0."""
    table = TABLES["request_pauses"]
    staged = read_staged(table, settling.intaking)
    if staged is None:
        return []
    requests = sorted((settling.store / "requests").glob("shard=*/*.parquet"))
    known = (
        pl.scan_parquet(requests).select("request_id", "person")
        if requests
        else pl.LazyFrame(schema={"request_id": pl.String, "person": pl.UInt64})
    )
    placed = staged.join(known, on="request_id", how="left").collect(engine="streaming")
    orphans = placed["person"].null_count()
    width = 2**64 // settling.intaking.shards
    last = settling.intaking.shards - 1
    shard = (pl.col("person") // width).clip(0, last).fill_null(0).cast(pl.UInt32) if last else pl.lit(0)
    parts = placed.with_columns(shard.alias("_shard")).partition_by("_shard", as_dict=True, include_key=False)
    settled = [settle_table(table, int(number), settling, part) for (number,), part in sorted(parts.items())]
    notes = pl.DataFrame({"table": ["request_pauses"], "note": ["orphan_request"], "rows": [orphans]})
    found = [each for each in settled if each is not None]
    return [*found, Settled(found[0].fates.clear(), found[0].conflicts.clear(), notes, found[0].feeds.clear())]


def settle_states(shard: int, settling: Settling) -> None:
    """Write the shard's `consent_states`; nothing where nobody answered."""
    events, requests = (_settled(TABLES[name], shard, settling.store) for name in ("consent_events", "requests"))
    every = all_consent_events(events, requests, settling.policy)
    if every.head(1).collect().is_empty():
        return
    folder = settling.store / "consent_states" / f"shard={shard}"
    folder.mkdir(parents=True, exist_ok=True)
    states = build_consent_states(every, settling.policy).collect(engine="in-memory")
    states.sort("person", "purpose", "channel", "recipient", "since", nulls_last=False).write_parquet(
        folder / "all.parquet", row_group_size=ROW_GROUP
    )


def _settled(table: Table, shard: int, store: Path) -> pl.LazyFrame:
    files = sorted((store / table.name / f"shard={shard}").glob("*.parquet"))
    return pl.scan_parquet(files) if files else table.nothing()


def count_orphans(shard: int, store: Path) -> pl.DataFrame:
    """Count references to an unknown person or recipient in a shard: table, note, rows."""
    people = _settled(TABLES["people"], shard, store).select("person").unique()
    recipients = _settled(TABLES["recipients"], 0, store).select("recipient").unique()
    counts = []
    for table in TABLES.values():
        rows = _settled(table, shard, store)
        if table.name not in ("people", "request_pauses") and "person" in table.columns:
            counts.append(_orphans(rows, people, "person", table))
        if table.name != "recipients" and "recipient" in table.columns:
            counts.append(_orphans(rows.drop_nulls("recipient"), recipients, "recipient", table))
    return pl.concat(pl.collect_all(counts))


def _orphans(rows: pl.LazyFrame, known: pl.LazyFrame, column: str, table: Table) -> pl.LazyFrame:
    lost = rows.select(column).join(known, on=column, how="anti")
    return lost.select(
        pl.lit(table.name).alias("table"),
        pl.lit(f"orphan_{column}").alias("note"),
        pl.len().cast(pl.Int64).alias("rows"),
    )
