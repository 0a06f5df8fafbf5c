"""The native layout of an export folder: which columns each file has, and how the sample writes them.

Inside the sample a person is a number in the block, an instant is whole seconds, a date is days since 1970.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from pledgebook.sample.clock import TOKYO

_HOLDS = {
    "person": pl.Int64,
    "instant": pl.Int64,
    "utc": pl.Int64,
    "date": pl.Int64,
    "number": pl.Int64,
    "flag": pl.Boolean,
    "text": pl.String,
}
_TABLES = {
    "people": "person_id:person kind region opened_at:instant closed_at:instant",
    "identities": "id person_id:person",
    "consent_events": "person_id:person purpose channel recipient action at:instant expires_at:instant"
    " notice_version method",
    "requests": "request_id person_id:person kind regime region received_at:instant acknowledged_at:instant"
    " verified_at:instant extended_at:instant closed_at:instant outcome denial_reason",
    "request_pauses": "request_id paused_at:instant resumed_at:instant",
    "messages": "message_id person_id:person channel campaign category system sent_at:utc",
    "suppressions": "person_id:person channel system added_at:utc removed_at:utc",
    "recipients": "recipient name kind country",
    "contracts": "contract_id recipient starts_on:date ends_on:date is_confidential:flag"
    " is_equal_standard:flag reviewed_on:date",
    "disclosures": "disclosure_id person_id:person recipient basis purpose items disclosed_at:instant"
    " legal_reference is_recorded:flag",
    "uses": "use_id person_id:person purpose system items used_at:instant",
    "incidents": "incident_id kind known_at:instant contained_at:instant preliminary_report_at:instant"
    " final_report_at:instant people_notified_at:instant people_affected:number is_malicious:flag"
    " has_sensitive:flag has_financial_risk:flag reviewed_at:instant",
    "staff": "employee_id role joined_on:date left_on:date",
    "trainings": "employee_id course completed_on:date",
    "accesses": "employee_id person_id:person system reason at:instant was_granted:flag",
    "policy_reviews": "subject reviewed_on:date",
    "page_views": "at:utc cookie_choice cookies_set url outbound_url has_login:flag",
    "planted": "kind table key period expect_table expect_column detail",
}
LAYOUT: dict[str, dict[str, str]] = {
    table: {name: holds or "text" for name, _, holds in (word.partition(":") for word in words.split())}
    for table, words in _TABLES.items()
}
"""Per file its columns in order and what each holds. `planted` is the sample's own, no part of the layout."""


def make_table(table: str, columns: Mapping[str, Any], length: int) -> pl.DataFrame:
    """Return `length` rows of a table from arrays, series and single values; a column left out is empty.

    A negative instant or date (`NEVER`) becomes an empty field.
    """
    made = [_fill(name, _HOLDS[holds], columns.get(name), length) for name, holds in LAYOUT[table].items()]
    return pl.DataFrame(made).with_columns(_empty_where_never(table))


def _fill(name: str, kind: type[pl.DataType], value: Any, length: int) -> pl.Series:
    if isinstance(value, np.ndarray | pl.Series | list):
        return pl.Series(name, value, dtype=kind if isinstance(value, list) else None).cast(kind)
    return pl.Series(name, [value], dtype=kind).new_from_index(0, length).alias(name)


def _empty_where_never(table: str) -> list[pl.Expr]:
    timed = [name for name, holds in LAYOUT[table].items() if holds in ("instant", "utc", "date")]
    return [pl.when(pl.col(name) >= 0).then(pl.col(name)).alias(name) for name in timed]


def rows_of(table: str, rows: list[dict[str, Any]]) -> pl.DataFrame:
    """Return a table made of rows; a column that a row leaves out is empty."""
    return make_table(table, {name: [row.get(name) for row in rows] for name in LAYOUT[table]}, len(rows))


def as_written(table: str, frame: pl.DataFrame, ids: pl.Series) -> pl.DataFrame:
    """Return the table as its file shows it; `ids` are the clear ids by number of the person."""
    return frame.select(_written(name, holds, ids) for name, holds in LAYOUT[table].items())


def _written(name: str, holds: str, ids: pl.Series) -> pl.Expr:
    column = pl.col(name)
    if holds == "person" and ids.len() > 0:
        return column.replace_strict(pl.int_range(ids.len(), eager=True), ids).alias(name)
    if holds == "date":
        return column.cast(pl.Int32).cast(pl.Date).cast(pl.String)
    return _stamp(column, holds) if holds in ("instant", "utc") else column


def _stamp(column: pl.Expr, holds: str) -> pl.Expr:
    if holds == "utc":
        return pl.from_epoch(column, "s").dt.strftime("%Y-%m-%dT%H:%M:%SZ")
    return pl.from_epoch(column + TOKYO, "s").dt.strftime("%Y-%m-%dT%H:%M:%S+09:00")


def stamp_text(instant: int, holds: str) -> str:
    """Return one instant as the files show it."""
    return str(pl.select(_stamp(pl.lit(instant, pl.Int64), holds)).item())
