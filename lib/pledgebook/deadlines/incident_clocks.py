"""When a leak must be told: a first report, a final one, a notice to the people."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import polars as pl

from pledgebook.deadlines.clock_days import FIRST_START, LAST_START, due_days_of_role
from pledgebook.deadlines.midnights import local_midnights
from pledgebook.deadlines.regimes import Regimes
from pledgebook.deadlines.rules import Role

STAGES: dict[str, tuple[Role, Role]] = {
    "preliminary": ("incident_preliminary", "incident_preliminary"),
    "final": ("incident_final", "incident_final_malicious"),
    "people": ("incident_people", "incident_people"),
}
LAST_MIDNIGHT = date(2101, 12, 31)


def add_incident_clocks(incidents: pl.LazyFrame, regimes: Regimes, *, regime: str, timezone: str) -> pl.LazyFrame:
    """Return the incidents with the clocks of a regime; rows, order and other columns stay as they are.

    Args:
        incidents: one row per incident: `known_at` (Datetime us UTC), `is_malicious` (Boolean).
        regimes: the dated rules; those in force on the local date of `known_at` count.
        regime: a regime's id, usually the company's.
        timezone: where days are cut (the reporting timezone).

    Returns:
        For each stage (`preliminary`, `final`, `people`): `<stage>_due_on` (Date, null: the law has no
        number), `<stage>_due_at` (Datetime us UTC: the local midnight after that day, or the end of the last
        hour; a report at or after it is late), `<stage>_clock` (statutory, guidance, none), `<stage>_rule`
        (String, null: no such duty). Only clocks that run from knowledge or discovery; one that runs from an
        assessment has no date here.

    Raises: InputError for a regime or timezone that is not known.
    """
    kept = incidents.collect_schema().names()
    framed = incidents.with_columns(
        __known_on=pl.col("known_at").dt.convert_time_zone(timezone).dt.date(),
        __is_malicious=pl.col("is_malicious").fill_null(False),
    )
    names: list[str] = []
    for stage in STAGES:
        table = _stage_table(regimes, regime, stage, timezone).lazy()
        keys = ["__known_on", "__is_malicious"]
        joined = framed.join(table, left_on=keys, right_on=["day", "__malicious"], how="left", maintain_order="left")
        framed = joined.with_columns(**_stage_columns(stage, timezone)).drop("__due_on", "__hours", "__midnight")
        names += [f"{stage}_due_on", f"{stage}_due_at", f"{stage}_clock", f"{stage}_rule"]
    return framed.select(*(name for name in kept if name not in names), *names)


def _stage_columns(stage: str, timezone: str) -> dict[str, pl.Expr]:
    at_hours = pl.col("known_at") + pl.duration(hours=pl.col("__hours"))
    in_hours = at_hours.dt.convert_time_zone(timezone).dt.date()
    has_hours = pl.col("__hours").is_not_null()
    return {
        f"{stage}_due_on": pl.when(has_hours).then(in_hours).otherwise("__due_on"),
        f"{stage}_due_at": pl.when(has_hours).then(at_hours).otherwise("__midnight"),
        f"{stage}_clock": pl.col(f"{stage}_clock").fill_null("none"),
    }


@lru_cache(maxsize=64)
def _stage_table(regimes: Regimes, regime: str, stage: str, timezone: str) -> pl.DataFrame:
    """One row per day of knowledge and `__malicious`: last day, its midnight, hours, clock, rule."""
    plain, malicious = STAGES[stage]
    usual = due_days_of_role(regimes, regime, plain, starts=("knowledge", "discovery"))
    special = due_days_of_role(regimes, regime, malicious, starts=("knowledge", "discovery"))
    frames = [
        usual.with_columns(__malicious=pl.lit(False)),
        (special if special.height else usual).with_columns(__malicious=pl.lit(True)),
    ]
    midnights = local_midnights(timezone, FIRST_START, LAST_MIDNIGHT)
    days = pl.concat(frames).filter(pl.col("day").is_between(FIRST_START, LAST_START))
    timed = days.with_columns(date=pl.col("due_on") + pl.duration(days=1)).join(midnights, on="date", how="left")
    names = {
        f"{stage}_clock": "clock",
        f"{stage}_rule": "rule_id",
        "__hours": "hours",
        "__midnight": "midnight",
    }
    return timed.select("day", "__malicious", __due_on="due_on", **names)
