"""Cutting: judged rows sorted into shards and months; what memory should not hold waits in scratch, by shard."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from pledgebook.intake.keys import key_hash
from pledgebook.intake.parts import FEEDS, PERSONS, RECIPIENTS, Cut, Part, kept_columns, private_folder
from pledgebook.period import month_of
from pledgebook.tables import TABLES, Table

HELD = 1_500_000
ROW_GROUP = 250_000
KEYS_IN_GROUP = 65_536
KEYS_IN_FILE = 1_000_000
QUARTERS_SINCE = datetime(1973, 1, 1, tzinfo=UTC)
SHARD = "_shard"
Places = NDArray[np.int64]


class Cutting:
    """Gathers a file's judged rows and writes them as the files of its part."""

    def __init__(self, part: Part, shards: int, timezone: str, stores: Path, scratch: Path) -> None:
        self.table, self.shards, self.timezone = TABLES[part.table], shards, timezone
        self.folder, self.scratch = stores / part.folder, scratch / part.id
        self.part = part
        self._held: dict[int, list[pl.DataFrame]] = {}
        self._rows_held = self._waiting = 0
        self._feeds: list[pl.DataFrame] = []
        self._recipients: list[pl.DataFrame] = []
        self._keys: list[pl.Series] = []
        self._keyed: list[int] = []

    def add(self, rows: pl.DataFrame) -> None:
        """Take a batch of judged rows."""
        for shard, mine in _cut_by_shard(rows, self.table, self.shards):
            self._held.setdefault(shard, []).append(mine)
        self._rows_held += rows.height
        if self._rows_held >= HELD:
            self._set_aside()

    def finish(self) -> Part:
        """Write the part's rows, keys, persons and days; return the part with what was cut."""
        if self._waiting:
            self._set_aside()
        cuts = [cut for shard, rows in self._by_shard() for cut in self._settle(shard, rows)]
        if self._keys:
            self._write_keys(cuts[-1].shard)
        _summed(self._feeds, FEEDS).write_parquet(self._file("feeds.parquet"))
        _summed(self._recipients, RECIPIENTS).write_parquet(self._file("recipients.parquet"))
        return self.part.model_copy(update={"cuts": tuple(cuts), "keyed": tuple(self._keyed)})

    def _file(self, name: str) -> Path:
        file = self.folder / name
        private_folder(file.parent)
        return file

    def _set_aside(self) -> None:
        for shard, rows in self._held.items():
            folder = private_folder(self.scratch / f"shard={shard}")
            pl.concat(rows).write_ipc(folder / f"{self._waiting:05}.arrow", compression="lz4")
        self._waiting += 1
        self._held, self._rows_held = {}, 0

    def _by_shard(self) -> Iterator[tuple[int, pl.DataFrame]]:
        for shard in sorted(self._held):
            yield shard, pl.concat(self._held.pop(shard))
        for shard in range(self.shards):
            files = sorted((self.scratch / f"shard={shard}").glob("*.arrow"))
            if files:
                yield shard, pl.concat([pl.read_ipc(file) for file in files])
            for file in files:
                file.unlink()

    def _settle(self, shard: int, rows: pl.DataFrame) -> list[Cut]:
        table, rows = self.table, rows.rechunk()
        self._feeds.append(days_of_feed(rows.lazy(), table, self.part.feed, self.timezone).collect(engine="in-memory"))
        if "recipient" in table.columns and table.name != "recipients":
            self._recipients.append(_recipients(rows))
        self._keys.append(rows.select(key_hash(table)).to_series())
        if sum(map(len, self._keys)) >= KEYS_IN_FILE:
            self._write_keys(shard)
        order = _in_order(rows, table)
        if "person" in table.columns:
            spoken_of = _persons(rows.select("person", "person_guard")[order])
            spoken_of.write_parquet(self._file(f"persons/shard={shard}.parquet"), compression="lz4")
        cuts = []
        for month, cut in _cut_by_month(rows.select(kept_columns(table)), table, order):
            file = self._file(f"rows/shard={shard}/{month}.parquet")
            cut.write_parquet(file, compression="lz4", row_group_size=ROW_GROUP)
            cuts.append(Cut(shard=shard, month=month, rows=cut.height))
        return cuts

    def _write_keys(self, last: int) -> None:
        """Write the keys of shards up to this one, which no file holds yet: in order, so that a stretch is few groups."""
        keys = pl.concat(self._keys).sort().to_frame("key")
        file = self._file(f"keys/shard={last}.parquet")
        keys.write_parquet(file, compression="uncompressed", row_group_size=KEYS_IN_GROUP)
        self._keyed.append(last)
        self._keys = []


def _summed(parts: list[pl.DataFrame], schema: pl.Schema) -> pl.DataFrame:
    groups = [name for name in schema.names() if name != "rows"]
    return pl.concat([schema.to_frame(), *parts]).group_by(groups).agg(pl.col("rows").sum()).sort(groups)


def _cut_by_shard(rows: pl.DataFrame, table: Table, shards: int) -> Iterator[tuple[int, pl.DataFrame]]:
    sharded = rows.with_columns(shard_of(table, shards).alias(SHARD))
    cut = sharded.partition_by(SHARD, as_dict=True, include_key=False, maintain_order=True)
    for (shard,), mine in cut.items():
        yield int(shard), mine


def _in_order(rows: pl.DataFrame, table: Table) -> Places:
    """The places of rows by person, instant and row: NumPy finds what is in order already, as exports are by instant."""
    by = [name for name in ("person", table.when) if name and name in rows.columns]
    return np.lexsort([rows[name].to_physical().to_numpy() for name in ("source_row", *reversed(by))])


def _cut_by_month(rows: pl.DataFrame, table: Table, order: Places) -> Iterator[tuple[str, pl.DataFrame]]:
    """The rows of each month in this order; moved once, for texts are what it costs to move."""
    if not table.by_month:
        yield "all", rows[order]
        return
    months = rows[str(table.when)].to_numpy().astype("datetime64[M]")[order]
    since = (months - months.min()).astype(np.int64)
    by_month = np.argsort(since.astype(np.min_scalar_type(since.max())), kind="stable")
    ordered, start = rows[order[by_month]], 0
    for month, length in zip(*np.unique(months, return_counts=True), strict=True):
        yield month_of(month.item()), ordered.slice(start, int(length))
        start += int(length)


def _persons(ordered: pl.DataFrame) -> pl.DataFrame:
    """How many rows speak of each person: one row per run of rows with one person and guard, and rows lie by person."""
    told = ordered.lazy().select("person", "person_guard").with_row_index("_at")
    is_same = [pl.col(name) == pl.col(name).shift(1) for name in ("person", "person_guard")]
    runs = told.filter(~pl.all_horizontal(is_same).fill_null(value=False))
    after = pl.col("_at").shift(-1, fill_value=ordered.height)
    counted = runs.with_columns((after.cast(pl.Int64) - pl.col("_at").cast(pl.Int64)).alias("rows"))
    return counted.select(PERSONS.names()).collect(engine="in-memory")


def _recipients(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.drop_nulls("recipient").group_by("recipient").agg(pl.len().cast(pl.Int64).alias("rows"))


def days_of_feed(rows: pl.LazyFrame, table: Table, feed: str | None, timezone: str) -> pl.LazyFrame:
    """Return how many rows a feed has on each local day: table, feed, kind, date, rows; of several, rows name their `feed`."""
    if table.when is None:
        return FEEDS.to_frame().lazy()
    schema, groups = rows.collect_schema(), ["kind"] if feed else ["feed", "kind"]
    kind = pl.lit("") if table.feed is None else pl.col(table.feed)
    when = _quarter_hour(pl.col(table.when)) if schema[table.when] != pl.Date else pl.col(table.when)
    told = rows.with_columns(kind.alias("kind"), when.alias(table.when))
    moments = told.group_by(*groups, table.when).agg(pl.len().alias("rows"))
    days = moments.group_by(*groups, local_day(table, schema, timezone).alias("date")).agg(pl.col("rows").sum())
    named = days.with_columns(
        pl.lit(table.name).alias("table"),
        (pl.lit(feed) if feed else pl.col("feed")).alias("feed"),
        pl.col("kind").cast(pl.String),
        pl.col("rows").cast(pl.Int64),
    )
    return named.select(FEEDS.names())


def _quarter_hour(when: pl.Expr) -> pl.Expr:
    """Where an instant's quarter of an hour began, which lies in the same local day: of years when all clocks differed
    by quarters alone, else the instant itself."""
    return pl.when(when >= pl.lit(QUARTERS_SINCE)).then(when.dt.truncate("15m")).otherwise(when)


def local_day(table: Table, schema: pl.Schema, timezone: str) -> pl.Expr:
    """Return the civil date of a row in the reporting timezone."""
    when = pl.col(str(table.when))
    return when if schema[str(table.when)] == pl.Date else when.dt.convert_time_zone(timezone).dt.date()


def shard_of(table: Table, shards: int) -> pl.Expr:
    """Return the shard of a row: the top bits of its person; else, of large tables, the second it is dated.

    Small tables lie whole in shard 0, and pauses until they have met their requests.
    """
    if shards == 1 or not table.in_shards or table.name == "request_pauses":
        return pl.lit(0, dtype=pl.UInt32)
    if "person" in table.columns:
        return (pl.col("person") // (2**64 // shards)).clip(0, shards - 1).cast(pl.UInt32)
    return (pl.col(str(table.when)).dt.epoch("s") % shards).cast(pl.UInt32)
