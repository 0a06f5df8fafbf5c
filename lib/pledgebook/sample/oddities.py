"""Data as it comes: rows twice, rows that break a rule, one key with two contents.

They are added beside good rows, so that no good row is lost; never a no to advertising or a suppression.
"""

from __future__ import annotations

from typing import NamedTuple

import polars as pl
from numpy.random import Generator

from pledgebook.sample.naming import KEY, ODD_FROM, make_ids

ROWS_PER_DUPLICATE = 700
ROWS_PER_ODDITY = 1_500
FEW_ROWS = {"requests": 300, "request_pauses": 60}
DUPLICATED = ("messages", "consent_events", "disclosures", "uses", "accesses")


class Oddity(NamedTuple):
    """A column whose value is spoilt in copies of good rows."""

    table: str
    column: str
    value: str | None


ODDITIES = (
    Oddity("messages", "channel", "fax"),
    Oddity("messages", "sent_at", "2026-09-11"),
    Oddity("messages", "campaign", "invitation taro.sample@mail1.example.jp"),
    Oddity("consent_events", "purpose", None),
    Oddity("consent_events", "at", "2026-08-03"),
    Oddity("disclosures", "disclosed_at", None),
    Oddity("disclosures", "recipient", "all"),
    Oddity("uses", "used_at", "2026-13-41T10:00:00+09:00"),
    Oddity("requests", "closed_at", "2019-01-07T09:00:00+09:00"),
    Oddity("request_pauses", "request_id", "RQ-LOST-0000001"),
    Oddity("accesses", "system", None),
    Oddity("page_views", "cookie_choice", "some"),
)
"""All quarantined but the pause of a request that nobody knows, which is kept and counted."""
CONFLICTING = (("messages", "campaign", "monthly_letter_b"), ("disclosures", "items", "address"))


def add_oddities(rng: Generator, tables: dict[str, pl.DataFrame], block: int) -> dict[str, pl.DataFrame]:
    """Return the written tables of a block with the odd rows in them, in random places."""
    extra: dict[str, list[pl.DataFrame]] = {}
    for table in DUPLICATED:
        extra.setdefault(table, []).append(_some(rng, tables, table, ROWS_PER_DUPLICATE))
    for number, odd in enumerate(ODDITIES):
        rows = _renamed(_some(rng, tables, odd.table, ROWS_PER_ODDITY), odd.table, block, number)
        extra.setdefault(odd.table, []).append(rows.with_columns(pl.lit(odd.value, pl.String).alias(odd.column)))
    for number, (table, column, value) in enumerate(CONFLICTING, start=len(ODDITIES)):
        rows = _renamed(_some(rng, tables, table, 2 * ROWS_PER_ODDITY), table, block, number)
        extra[table] += [rows, rows.with_columns(pl.lit(value).alias(column))]
    return tables | {table: _mixed_in(rng, tables[table], rows) for table, rows in extra.items()}


def _some(rng: Generator, tables: dict[str, pl.DataFrame], table: str, rows_per_one: int) -> pl.DataFrame:
    frame = tables[table]
    if table == "consent_events":
        frame = frame.filter(pl.col("action") == "grant")
    if table == "requests":
        frame = frame.filter((pl.col("kind") == "inquiry") & pl.col("closed_at").is_not_null())
    how_many = min(tables[table].height // FEW_ROWS.get(table, rows_per_one), frame.height)
    return frame[rng.choice(frame.height, how_many, replace=False)]


def _renamed(rows: pl.DataFrame, table: str, block: int, number: int) -> pl.DataFrame:
    if table not in KEY:
        return rows
    return rows.with_columns(make_ids(table, block, rows.height, ODD_FROM + number * 1_000).alias(KEY[table]))


def _mixed_in(rng: Generator, good: pl.DataFrame, odd: list[pl.DataFrame]) -> pl.DataFrame:
    rows = pl.concat(odd)
    places = rng.integers(0, max(good.height, 1), rows.height)
    place = pl.Series("place", places, dtype=pl.Int64)
    both = [good.with_columns(place=pl.int_range(good.height, dtype=pl.Int64)), rows.with_columns(place)]
    return pl.concat(both).sort("place", maintain_order=True).drop("place")
