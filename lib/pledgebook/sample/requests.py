"""Requests about one's own data and the stops of their clocks; answered in time and after identification."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pledgebook.sample.clock import (
    DAY,
    END,
    HOUR,
    NEVER,
    START,
    TOKYO,
    Instants,
    day_of,
    draw_instants,
    draw_times_of_day,
    next_workday,
)
from pledgebook.sample.company import ADVERTISED
from pledgebook.sample.layout import make_table
from pledgebook.sample.naming import make_ids
from pledgebook.sample.people import STRANGERS, People

KINDS = {
    "inquiry": 0.42, "disclosure": 0.16, "correction": 0.15, "deletion": 0.09, "complaint": 0.08,
    "cease_use": 0.04, "cease_provision": 0.04, "provision_records": 0.02,
}  # fmt: skip
IDENTIFIED = ("disclosure", "correction", "deletion", "cease_use", "cease_provision", "provision_records")
OUTCOMES = {
    "fulfilled": 0.8,
    "partly_fulfilled": 0.06,
    "denied": 0.05,
    "withdrawn": 0.05,
    "unverifiable": 0.02,
    "": 0.02,
}
REASONS = ("not_held", "rights_of_others", "legal_duty_to_keep")


@dataclass(frozen=True)
class Requests:
    """Requests of a block and the stops of their clocks."""

    table: pl.DataFrame
    pauses: pl.DataFrame


def make_opt_out_requests(rng: Generator, people: People, refused: NDArray[np.int64], block: int) -> pl.DataFrame:
    """Return requests for no more advertising, of people who had not refused; answered within the hour."""
    who = np.setdiff1d(people.of_kind(ADVERTISED), refused)
    who = who[(rng.random(len(who)) < 0.03) & (people.opened_at[who] < END - 40 * DAY)]
    since = np.maximum(people.opened_at[who] + 20 * DAY, START)
    received = draw_instants(rng, since, np.full(len(who), END)) | 1
    midnight = (day_of(received) + 1) * DAY - TOKYO
    closed = np.minimum(received + rng.integers(60, 2_700, len(who)), midnight - 1)
    columns = {
        "request_id": make_ids("requests", block, len(who), since=500_000),
        "person_id": who,
        "kind": "marketing_opt_out",
        "received_at": received,
        "acknowledged_at": received,
        "closed_at": closed,
        "outcome": "fulfilled",
    }
    return make_table("requests", columns, len(who))


def make_requests(rng: Generator, people: People, block: int) -> Requests:
    """Return all other requests, and the pauses of some."""
    who = np.flatnonzero(people.is_ordinary & (rng.random(people.count) < 0.14) & (people.opened_at < END - 9 * DAY))
    who[: len(who) // 200] = people.count + rng.integers(0, STRANGERS, len(who) // 200)
    opened = np.append(people.opened_at, np.full(STRANGERS, START))[who]
    received = draw_instants(rng, np.maximum(opened + DAY, START), np.full(len(who), END))
    kind = rng.choice(list(KINDS), len(who), p=list(KINDS.values()))
    kind[who >= people.count] = "inquiry"
    lives_here = ~np.append(people.in_region("US-CA", "DE", "GB"), np.zeros(STRANGERS, dtype=bool))[who]
    paused = (rng.random(len(who)) < 0.08) & np.isin(kind, IDENTIFIED) & lives_here
    pause_days = np.where(paused, rng.integers(2, 26, len(who)), 0)
    closed = _draw_closings(rng, received, kind, pause_days)
    ids = make_ids("requests", block, len(who))
    columns = {"request_id": ids, "person_id": who, "kind": pl.Series(kind), "received_at": received}
    columns["regime"] = pl.Series(np.where(lives_here & (rng.random(len(who)) < 0.2), "APPI", "")).replace("", None)
    columns |= _handling(rng, received, closed, kind)
    resumed = received + 5 * HOUR + pause_days * DAY
    stops = {
        "request_id": ids.filter(paused),
        "paused_at": (received + 5 * HOUR)[paused],
        "resumed_at": resumed[paused],
    }
    pauses = _known_by_end(make_table("request_pauses", stops, int(paused.sum())), "paused_at")
    return Requests(_known_by_end(make_table("requests", columns, len(who)), "received_at"), pauses)


def _draw_closings(rng: Generator, received: Instants, kind: NDArray[np.str_], pause_days: Instants) -> Instants:
    most = np.where(kind == "complaint", 4, np.where(kind == "inquiry", 6, 10))
    work_days = 1 + np.floor((most - 1) * rng.beta(1.4, 2.2, len(received)) + 0.5).astype(np.int64)
    day = next_workday(day_of(received) + work_days + pause_days)
    return day * DAY - TOKYO + draw_times_of_day(rng, len(received), "office")


def _handling(rng: Generator, received: Instants, closed: Instants, kind: NDArray[np.str_]) -> dict[str, pl.Series]:
    size = len(received)
    outcome = rng.choice(list(OUTCOMES), size, p=list(OUTCOMES.values()))
    outcome[(outcome == "unverifiable") & ~np.isin(kind, IDENTIFIED)] = "fulfilled"
    acknowledged = received + (np.minimum(DAY, closed - received) * rng.random(size)).astype(np.int64)
    between = received + ((closed - received) * (0.05 + 0.75 * rng.random(size))).astype(np.int64)
    logged_in = rng.random(size) < 0.25
    verified = np.where(logged_in, received - rng.integers(30, 900, size), between)
    verified[~np.isin(kind, IDENTIFIED) | (outcome == "unverifiable")] = NEVER
    reason = np.where(outcome == "denied", rng.choice(REASONS, size), "")
    return {
        "acknowledged_at": pl.Series(acknowledged),
        "verified_at": pl.Series(verified),
        "closed_at": pl.Series(closed),
        "outcome": pl.Series(outcome).replace("", None),
        "denial_reason": pl.Series(reason).replace("", None),
    }


def _known_by_end(table: pl.DataFrame, begins: str) -> pl.DataFrame:
    """Take out what had not happened when the exports were made."""
    later = [name for name in table.columns if name.endswith("_at") and name != begins]
    cut = [pl.when(pl.col(name) < END).then(pl.col(name)).alias(name) for name in later]
    known = table.filter(pl.col(begins) < END).with_columns(cut)
    if "outcome" not in known.columns:
        return known
    is_closed = pl.col("closed_at").is_not_null()
    return known.with_columns(
        pl.when(is_closed).then(pl.col(name)).alias(name) for name in ("outcome", "denial_reason")
    )
