"""Building a store from exports: every file staged, keys judged, shards settled, all rows accounted for."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import polars as pl

from pledgebook.errors import InputError
from pledgebook.intake.inspection import Inspected
from pledgebook.intake.keys import KEYED, judge_keys, read_fates
from pledgebook.intake.settling import (
    FEEDS,
    Settled,
    Settling,
    check_collisions,
    count_orphans,
    settle_pauses,
    settle_states,
    settle_table,
)
from pledgebook.intake.staging import QUARANTINE, Intaking, Staged, read_quarantined, read_staged, stage_file
from pledgebook.policy import Policy
from pledgebook.pseudonyms import Key
from pledgebook.tables import TABLES

Progress = Callable[[str], None]
COUNTED = {"source": pl.String, "table": pl.String, "fate": pl.String, "rows": pl.Int64}


def build_store(
    inspected: list[Inspected],
    policy: Policy,
    key: Key,
    store: Path,
    *,
    shards: int,
    known_regimes: frozenset[str],
    progress: Progress = lambda _: None,
) -> None:
    """Write the store's tables, and what was read, kept and quarantined, into the folder `store`."""
    staging = store / "staging"
    intaking = Intaking(key, policy.timezone, known_regimes, shards, staging)
    staged = _stage(inspected, intaking, progress)
    exported = _exported(inspected)
    for table in KEYED:
        rows = sum(each.rows_read for each in staged if each.file.source.table == table.name)
        if table.name != "identities":
            judge_keys(table, intaking, exported, rows)
    settling = Settling(intaking, policy, exported, store)
    settled = _settle(settling, progress)
    _write_accounts(staged, settled, settling)
    shutil.rmtree(staging, ignore_errors=True)


def _stage(inspected: list[Inspected], intaking: Intaking, progress: Progress) -> list[Staged]:
    """Identities first, for they say whom the other tables speak of."""
    places = sorted(enumerate(inspected), key=lambda pair: pair[1].file.source.table != "identities")
    staged: list[Staged] = []
    identities: pl.DataFrame | None = None
    named = False
    for place, each in places:
        if not named and each.file.source.table != "identities":
            identities, named = _identities(staged, intaking, _exported(inspected)), True
        progress(f"reading {each.file.name}")
        staged.append(stage_file(each, place, intaking, identities))
    return staged


def _identities(staged: list[Staged], intaking: Intaking, exported: pl.DataFrame) -> pl.DataFrame | None:
    """Whose every further id is, sorted by it: id, person, person_guard."""
    table = TABLES["identities"]
    judge_keys(table, intaking, exported, sum(each.rows_read for each in staged))
    known = []
    for shard in range(intaking.shards):
        rows = read_staged(table, intaking, shard)
        if rows is not None:
            fates = read_fates(table, intaking, shard).lazy()
            mine = rows.join(fates, on=["source", "source_row"], how="anti")
            known.append(mine.select("id", "person", "person_guard"))
    return pl.concat(known).sort("id").collect() if known else None


def _exported(inspected: list[Inspected]) -> pl.DataFrame:
    files = [each.file for each in inspected]
    return pl.DataFrame(
        {
            "source": [file.name for file in files],
            "feed": [file.source.name for file in files],
            "place": range(len(files)),
            "exported_until": [file.exported_until for file in files],
        },
        schema={
            "source": pl.String,
            "feed": pl.String,
            "place": pl.UInt32,
            "exported_until": pl.Datetime("us", "UTC"),
        },
    )


def _settle(settling: Settling, progress: Progress) -> list[Settled]:
    settled: list[Settled | None] = []
    shards = settling.intaking.shards
    for shard in range(shards):
        progress(f"settling people {shard + 1} of {shards}")
        check_collisions(shard, settling.intaking)
        settled += [settle_table(t, shard, settling) for t in TABLES.values() if t.name != "request_pauses"]
    settled += settle_pauses(settling)
    for shard in range(shards):
        progress(f"consent states {shard + 1} of {shards}")
        settle_states(shard, settling)
    return [each for each in settled if each is not None]


def _write_accounts(staged: list[Staged], settled: list[Settled], settling: Settling) -> None:
    store = settling.store
    fates = pl.concat([pl.DataFrame(schema=COUNTED), *[each.fates for each in settled]])
    intake = _intake(staged, fates)
    _check_account(intake, fates)
    conflicts = pl.concat([pl.DataFrame(schema=QUARANTINE), *[each.conflicts for each in settled]])
    quarantine = pl.concat([read_quarantined(settling.intaking), conflicts.lazy()])
    quarantine.sort("table", "source", "source_row", "rule").sink_parquet(store / "quarantine.parquet")
    notes = [each.notes for each in settled] + [count_orphans(s, store) for s in range(settling.intaking.shards)]
    assumed = sum(each.assumed for each in staged)
    notes.append(pl.DataFrame({"table": ["consent_events"], "note": ["channel_assumed"], "rows": [assumed]}))
    intake.write_parquet(store / "intake.parquet")
    summed = pl.concat(notes).group_by("table", "note").agg(pl.col("rows").sum()).filter(pl.col("rows") > 0)
    summed.sort("table", "note").write_parquet(store / "notes.parquet")
    feeds = pl.concat([pl.DataFrame(schema=FEEDS), *[each.feeds for each in settled]])
    days = feeds.group_by("table", "feed", "kind", "date").agg(pl.col("rows").sum())
    days.sort("table", "feed", "kind", "date").write_parquet(store / "feeds.parquet")
    _unknown_columns(staged).write_parquet(store / "unknown_columns.parquet")


def _unknown_columns(staged: list[Staged]) -> pl.DataFrame:
    """Columns that no table has: source, column (never its contents)."""
    pairs = [(each.file.name, name) for each in staged for name in each.unknown_columns]
    return pl.DataFrame(pairs, schema={"source": pl.String, "column": pl.String}, orient="row")


def _intake(staged: list[Staged], fates: pl.DataFrame) -> pl.DataFrame:
    """One row per source: rows read, kept, quarantined, duplicate, superseded; `raw_rows` where cases were made."""
    read = pl.DataFrame(
        [
            (each.file.name, each.file.source.table, each.rows_read, each.rows_quarantined, each.raw_rows)
            for each in staged
        ],
        schema={
            "source": pl.String,
            "table": pl.String,
            **dict.fromkeys(("rows_read", "broken", "raw_rows"), pl.Int64),
        },
        orient="row",
    )
    for fate in ("conflicting", "duplicate", "superseded"):
        rows = fates.filter(pl.col("fate") == fate).group_by("source", "table")
        read = read.join(rows.agg(pl.col("rows").sum().alias(f"rows_{fate}")), on=["source", "table"], how="left")
    counted = read.fill_null(0).with_columns((pl.col("broken") + pl.col("rows_conflicting")).alias("rows_quarantined"))
    fallen = pl.sum_horizontal("rows_quarantined", "rows_duplicate", "rows_superseded")
    columns = ["rows_read", "rows_kept", "rows_quarantined", "rows_duplicate", "rows_superseded", "raw_rows"]
    told = counted.with_columns((pl.col("rows_read") - fallen).alias("rows_kept"))
    return told.select("source", "table", *columns).sort("source", "table")


def _check_account(intake: pl.DataFrame, fates: pl.DataFrame) -> None:
    """Nothing is lost: what the accounts say was kept is what the store holds, source by source."""
    held = fates.filter(pl.col("fate") == "kept").group_by("source", "table").agg(pl.col("rows").sum().alias("held"))
    told = intake.join(held, on=["source", "table"], how="left").with_columns(pl.col("held").fill_null(0))
    wrong = told.filter(pl.col("held") != pl.col("rows_kept"))
    if wrong.height:
        raise InputError(
            f"{wrong['source'][0]}: rows were lost while reading; it may have changed meanwhile. Run again."
        )
