"""What the policy says, as small tables that every peer is given: validity, notices, promised days, days of grace."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from benchmarks.stretches import midnight

POLICY = Path(__file__).with_name("policy.toml")
JAPAN_HOURS = 9
NEVER = date(2999, 1, 1)
GRACE_BUSINESS_DAYS = 10
CHANNELS_OF_MESSAGES = ("email", "sms", "push")
CHANNELS_WITH_GRACE = ("email", "sms")


@cache
def _policy() -> dict[str, Any]:
    return tomllib.loads(POLICY.read_text())


def declared_purposes() -> list[str]:
    """Return the purposes that the policy declares."""
    return [purpose["id"] for purpose in _policy()["purpose"]]


def recorded_bases() -> list[str]:
    """Return the bases of disclosure that need a record."""
    return list(_policy()["disclosures"]["needs_record"])


def identified_kinds() -> list[str]:
    """Return the kinds of request that are answered after identifying who asks, and not before."""
    return list(_policy()["requests"]["needs_identification"])


def longest_pause() -> timedelta:
    """Return how long a pause may stop the clock of a request."""
    return timedelta(days=_policy()["requests"]["max_pause_days"])


@cache
def validity() -> pl.DataFrame:
    """Return one row per purpose: how long a consent holds (null: for ever), and whether notices are listed."""
    purposes = _policy()["purpose"]
    schema = pl.Schema({"purpose": pl.String(), "valid_for": pl.Duration("us"), "lists_notices": pl.Boolean()})
    days = [purpose.get("valid_days") for purpose in purposes]
    rows = {
        "purpose": [purpose["id"] for purpose in purposes],
        "valid_for": [None if each is None else timedelta(days=each) for each in days],
        "lists_notices": ["notice_versions" in purpose for purpose in purposes],
    }
    return pl.DataFrame(rows, schema=schema)


@cache
def notices() -> pl.DataFrame:
    """Return one row per purpose and listed notice: the instant from which it is outdated (year 2999: never)."""
    rows = [
        (purpose["id"], notice["id"], midnight(notice.get("valid_until", NEVER)))
        for purpose in _policy()["purpose"]
        for notice in purpose.get("notice_versions", [])
    ]
    schema = pl.Schema(
        {"purpose": pl.String(), "notice_version": pl.String(), "notice_until": pl.Datetime("us", "UTC")}
    )
    return pl.DataFrame(rows, schema=schema, orient="row")


@cache
def coverage_asked() -> pl.DataFrame:
    """Return one row per purpose, channel and kind of person that coverage is measured for."""
    rows = [
        (purpose["id"], channel, kind)
        for purpose in _policy()["purpose"]
        if purpose["needs_consent"]
        for channel in purpose.get("channels", ["any"])
        for kind in purpose["kinds"]
    ]
    return pl.DataFrame(rows, schema={"purpose": pl.String, "channel": pl.String, "kind": pl.String}, orient="row")


def promised_days(kinds: Iterable[str]) -> pl.DataFrame:
    """Return the days within which each kind of request is promised an answer."""
    promised = _policy()["requests"]["promised_days"]
    kinds = list(kinds)
    days = [promised.get(kind, promised["default"]) for kind in kinds]
    return pl.DataFrame({"kind": kinds, "promised_days": days}, schema={"kind": pl.String, "promised_days": pl.Int64})


@cache
def grace() -> pl.DataFrame:
    """Return, for an opt-out in the United States on each local day, the instant at which its grace is over."""
    import holidays  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    off = sorted(holidays.country_holidays("US", years=range(2021, 2028)))
    days = np.arange(np.datetime64("2022-12-01"), np.datetime64("2026-02-01"))
    last = np.busday_offset(days, GRACE_BUSINESS_DAYS, roll="backward", holidays=np.array(off, dtype="datetime64[D]"))
    binds = [midnight(day + timedelta(days=1)) for day in last.astype(object)]
    return pl.DataFrame({"day": pl.Series(days).cast(pl.Date), "binds_at": binds}).cast(
        {"binds_at": pl.Datetime("us", "UTC")}
    )


def look_up() -> None:
    """Make the tables now, so that a peer that is asked later finds them made."""
    for table in (validity, notices, coverage_asked, grace):
        table()
