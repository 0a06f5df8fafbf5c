"""The accounts of an intake: every row read is kept, quarantined, a duplicate or superseded, and all is said."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pledgebook.errors import InputError
from pledgebook.intake.cutting import days_of_feed
from pledgebook.intake.fallen import scan_fallen
from pledgebook.intake.parts import (
    FEEDS,
    QUARANTINE,
    Fallen,
    Part,
    is_one_of,
    parts_of,
    persons_files,
    scan_files,
    scan_with_file,
)
from pledgebook.intake.standing import scan_table
from pledgebook.tables import TABLES

COUNTS = ["rows_read", "rows_kept", "rows_quarantined", "rows_duplicate", "rows_superseded", "raw_rows"]
NOTE = pl.Schema({"table": pl.String, "note": pl.String, "rows": pl.Int64})
ORPHANS = pl.Schema({"shard": pl.Int64, "part": pl.String, "table": pl.String, "rows": pl.Int64})


def account_of_sources(parts: Sequence[Part], fallen: Fallen, catalogue: pl.DataFrame, stores: Path) -> pl.DataFrame:
    """Return one row per source: rows read, kept, quarantined, duplicate, superseded; `raw_rows` where cases were made.

    Raises InputError when what is held is not what the account says: nothing is lost.
    """
    fell = pl.concat([scan_fallen(fallen, name, stores).select("source", "fate") for name in fallen])
    fates = fell.group_by("source", "fate").agg(pl.len().cast(pl.Int64).alias("rows")).collect(engine="streaming")
    read = pl.DataFrame(
        [(p.source, p.table, p.rows_read, p.rows_quarantined, p.raw_rows, p.rows_kept) for p in parts],
        schema={
            "source": pl.String,
            "table": pl.String,
            **dict.fromkeys(("rows_read", "broken", "raw_rows", "cut"), pl.Int64),
        },
        orient="row",
    )
    for fate in ("conflicting", "duplicate", "superseded"):
        counted = fates.filter(pl.col("fate") == fate).select("source", pl.col("rows").alias(f"rows_{fate}"))
        read = read.join(counted, on="source", how="left")
    counted = read.fill_null(0).with_columns((pl.col("broken") + pl.col("rows_conflicting")).alias("rows_quarantined"))
    fallen_rows = pl.sum_horizontal("rows_quarantined", "rows_duplicate", "rows_superseded")
    told = counted.with_columns((pl.col("rows_read") - fallen_rows).alias("rows_kept"))
    _check(told, catalogue)
    return told.select("source", "table", *COUNTS).sort("source", "table")


def _check(told: pl.DataFrame, catalogue: pl.DataFrame) -> None:
    lost = told.filter(pl.col("cut") + pl.col("broken") != pl.col("rows_read"))
    held = catalogue.group_by("table").agg(pl.col("rows").sum().alias("held"))
    kept = told.group_by("table").agg(pl.col("rows_kept").sum()).join(held, on="table", how="left")
    wrong = kept.filter(pl.col("held").fill_null(0) != pl.col("rows_kept"))
    if lost.height or wrong.height:
        name = lost["source"][0] if lost.height else wrong["table"][0]
        raise InputError(f"{name}: rows were lost while reading; it may have changed meanwhile. Run again.")


def quarantine(parts: Sequence[Part], fallen: Fallen, stores: Path) -> pl.LazyFrame:
    """Return one row per broken rule of a row: table, source, source_row, rule, is_opt_out."""
    rule = pl.lit("conflicting_key").alias("rule")
    conflicts = [
        scan_fallen(fallen, name, stores)
        .filter(pl.col("fate") == "conflicting")
        .select(pl.lit(name).alias("table"), "source", "source_row", rule, "is_opt_out")
        for name in fallen
    ]
    broken = scan_files(stores, [f"{part.folder}/quarantine.parquet" for part in parts])
    return pl.concat([QUARANTINE.to_frame().lazy(), broken, *conflicts]).sort("table", "source", "source_row", "rule")


def feeds(parts: Sequence[Part], fallen: Fallen, timezone: str, stores: Path) -> pl.DataFrame:
    """Return the standing rows of each feed on each local day: table, feed, kind, date, rows."""
    cut = scan_files(stores, [f"{part.folder}/feeds.parquet" for part in parts]).collect()
    named = {part.id: part.feed for part in parts}
    feed = pl.col("_part").replace_strict(named, return_dtype=pl.String).alias("feed")
    fell = {name: scan_fallen(fallen, name, stores).with_columns(feed) for name, files in fallen.items() if files}
    lost = pl.collect_all([days_of_feed(rows, TABLES[name], None, timezone) for name, rows in fell.items()])
    taken = [each.with_columns(-pl.col("rows")) for each in lost]
    groups = [name for name in FEEDS.names() if name != "rows"]
    days = pl.concat([FEEDS.to_frame(), cut, *taken]).group_by(groups).agg(pl.col("rows").sum())
    return days.filter(pl.col("rows") > 0).with_columns(pl.col("rows").cast(pl.UInt32)).sort(groups)


def notes(parts: Sequence[Part], catalogue: pl.DataFrame, noted: list[pl.DataFrame], stores: Path) -> pl.DataFrame:
    """Return what was counted at intake: table, note, rows; zero counts are left out."""
    assumed = sum(part.assumed for part in parts)
    said = pl.DataFrame({"table": ["consent_events"], "note": ["channel_assumed"], "rows": [assumed]}, schema=NOTE)
    every = pl.concat([said, _notes_of_requests(catalogue, stores), *noted])
    summed = every.group_by("table", "note").agg(pl.col("rows").sum())
    return summed.filter(pl.col("rows") > 0).sort("table", "note")


def _notes_of_requests(catalogue: pl.DataFrame, stores: Path) -> pl.DataFrame:
    closed, told = pl.col("closed_at").is_not_null(), pl.col("outcome").is_not_null()
    counts = {
        "verified_before_receipt": pl.col("verified_at") < pl.col("received_at"),
        "closed_without_outcome": closed & ~told,
        "outcome_without_closing": ~closed & told,
    }
    rows = scan_table(catalogue, TABLES["requests"], None, stores)
    sums = rows.select(rule.sum().cast(pl.Int64).alias(name) for name, rule in counts.items()).collect(
        engine="streaming"
    )
    long = sums.unpivot(variable_name="note", value_name="rows")
    return long.select(pl.lit("requests").alias("table"), "note", "rows")


def orphaned_pauses(rows: int) -> pl.DataFrame:
    """Return the note of pauses whose request nobody exported."""
    return pl.DataFrame({"table": ["request_pauses"], "note": ["orphan_request"], "rows": [rows]}, schema=NOTE)


def orphans_of_parts(parts: Sequence[Part], strangers: pl.DataFrame, shard: int, stores: Path) -> pl.DataFrame:
    """Count the rows of parts in a shard, standing or not, that speak of strangers: people whom nobody exported.

    One row per part that has rows there: shard, part, table, rows.
    """
    others = [part for part in parts if part.table != "people"]
    mine = {f"{stores}/{file}": part for file, part in persons_files(others, shard).items()}
    if not mine:
        return ORPHANS.to_frame()
    unknown = scan_with_file(mine).filter(is_one_of(strangers)).group_by("file").agg(pl.col("rows").sum())
    each = pl.LazyFrame(
        [(file, part.id, part.table) for file, part in mine.items()], ["file", "part", "table"], orient="row"
    )
    told = each.join(unknown, on="file", how="left").with_columns(
        pl.lit(shard).alias("shard"), pl.col("rows").fill_null(0)
    )
    return told.select(pl.col(name).cast(dtype) for name, dtype in ORPHANS.items()).collect(engine="streaming")


def notes_of_orphans(orphans: pl.DataFrame) -> pl.DataFrame:
    """Return the notes of `orphans_of_parts`: table, note, rows."""
    counts = [_note(str(name), "orphan_person", rows.lazy()) for (name,), rows in orphans.group_by("table")]
    return pl.concat([NOTE.to_frame(), *pl.collect_all(counts)])


def orphans_that_fell(fallen: Fallen, strangers: pl.DataFrame, shard: int, stores: Path) -> pl.DataFrame:
    """Count the rows of a shard that do not stand and speak of strangers: table, note, rows below 0."""
    names = [name for name, files in fallen.items() if files and "person" in TABLES[name].columns and name != "people"]
    is_asked = (pl.col("_shard") == shard) & is_one_of(strangers)
    lost = {name: scan_fallen(fallen, name, stores).filter(is_asked) for name in names}
    taken = {name: rows.select("person", pl.lit(-1, pl.Int64).alias("rows")) for name, rows in lost.items()}
    counts = [_note(name, "orphan_person", rows) for name, rows in taken.items()]
    return pl.concat([NOTE.to_frame(), *pl.collect_all(counts)])


def people_of(catalogue: pl.DataFrame, shard: int, stores: Path) -> pl.LazyFrame:
    """Return the standing people of a shard: person."""
    return scan_table(catalogue, TABLES["people"], shard, stores).select("person")


def orphaned_recipients(parts: Sequence[Part], fallen: Fallen, catalogue: pl.DataFrame, stores: Path) -> pl.DataFrame:
    """Count the standing rows that speak of a recipient whom nobody exported: table, note, rows."""
    known = scan_table(catalogue, TABLES["recipients"], None, stores).select("recipient").unique()
    counts = []
    for table in TABLES.values():
        mine = parts_of(table, parts)
        if table.name == "recipients" or "recipient" not in table.columns or not mine:
            continue
        spoken = scan_files(stores, [f"{part.folder}/recipients.parquet" for part in mine])
        fell = scan_fallen(fallen, table.name, stores).select("recipient", pl.lit(-1, pl.Int64).alias("rows"))
        lost = fell.drop_nulls("recipient")
        unknown = pl.concat([spoken, lost]).join(known, on="recipient", how="anti")
        counts.append(_note(table.name, "orphan_recipient", unknown))
    return pl.concat([NOTE.to_frame(), *pl.collect_all(counts)])


def _note(table: str, note: str, rows: pl.LazyFrame) -> pl.LazyFrame:
    return rows.select(pl.lit(table).alias("table"), pl.lit(note).alias("note"), pl.col("rows").sum().cast(pl.Int64))


def unknown_columns(parts: Sequence[Part]) -> pl.DataFrame:
    """Return columns that no table has: source, column (never its contents)."""
    pairs = [(part.source, name) for part in parts for name in part.unknown_columns]
    return pl.DataFrame(pairs, schema={"source": pl.String, "column": pl.String}, orient="row")
