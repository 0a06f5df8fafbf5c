"""Small worlds for specs: tables written as text, a policy in a line, one question."""

from datetime import datetime
from io import StringIO
from pathlib import Path

import polars as pl

from pledgebook.deadlines import read_regimes
from pledgebook.metrics.definition import Question
from pledgebook.period import read_as_of, read_period
from pledgebook.policy import Policy
from pledgebook.tables import TABLES

ROOT = Path(__file__).resolve().parents[1]
REGIMES = read_regimes(ROOT / "data/regimes")
MARKETING = {"id": "marketing", "clause": "", "title": "", "needs_consent": True, "channels": ["email", "sms"]}
RESEARCH = {"id": "research", "clause": "", "title": "", "needs_consent": True}


def policy(**parts) -> Policy:
    company = {"name": "x", "timezone": "Asia/Tokyo", "regime": "APPI"} | parts.pop("company", {})
    usual = {"purpose": "marketing", "regime": "JP_SPECIFIED_EMAIL", "opt_in": True,
             "by_region": {"US": {"email": "CAN_SPAM", "sms": "TCPA"}}}  # fmt: skip
    said = parts.pop("marketing", {})
    marketing = said if said is None else usual | said
    purposes = parts.pop("purpose", [MARKETING, RESEARCH])
    return Policy.model_validate({"company": company, "purpose": purposes, "marketing": marketing, **parts})


def ask(period="2026-09", as_of=None, rules=None) -> Question:
    rules = rules or policy()
    stretch = read_period(period, rules.timezone)
    now = datetime.fromisoformat("2030-01-01T00:00:00+00:00")
    return Question(rules, REGIMES, stretch, read_as_of(as_of, stretch, now))


def table(name: str, text: str) -> pl.DataFrame:
    """A canonical table from lines of cells: `-` is null, people are small numbers, times are Tokyo's without offset."""
    rows = pl.read_csv(StringIO(text.strip().replace(" ", "")), separator="|", infer_schema=False, null_values="-")
    types = {c: TABLES[name].holds(c) for c in TABLES[name].columns}
    cells = [
        _cell(column, kind, name) if column in rows.columns else _nothing(column, name)
        for column, kind in types.items()
    ]
    if name == "request_pauses":
        cells.append(pl.lit(1, pl.UInt64).alias("person"))
    traced = [pl.lit("test").alias("source"), pl.int_range(1, pl.len() + 1).cast(pl.UInt64).alias("source_row")]
    return rows.select(*cells, *traced)


def _nothing(column: str, name: str) -> pl.Expr:
    return pl.lit(None).cast(TABLES[name].nothing().collect_schema()[column]).alias(column)


def _cell(column: str, kind: str, name: str) -> pl.Expr:
    text = pl.col(column)
    if kind == "instant":
        local = text.str.to_datetime("%Y-%m-%dT%H:%M:%S%.f", time_unit="us")
        return local.dt.replace_time_zone("Asia/Tokyo").dt.convert_time_zone("UTC").alias(column)
    if kind == "date":
        return text.str.to_date().alias(column)
    if kind == "flag":
        return (text == "true").alias(column)
    return text.cast(TABLES[name].nothing().collect_schema()[column]).alias(column)


def row(frame: pl.DataFrame, **groups) -> dict:
    """The one row of a table with these groups."""
    return frame.filter(*[pl.col(name) == value for name, value in groups.items()]).row(0, named=True)
