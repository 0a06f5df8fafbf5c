"""From when on a refusal of marketing binds: at once, or when the days of grace are over."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

import polars as pl

from pledgebook.deadlines.clock_days import FIRST_START, LAST_START, due_days_of_role
from pledgebook.deadlines.midnights import INSTANT, midnight_after
from pledgebook.deadlines.regimes import Regimes
from pledgebook.errors import InputError

MARGIN = timedelta(days=2)
"""More than the clocks of two places, or a day and its end, can differ by."""
GRACELESS = ("zero", "none")
GRACES = pl.Schema(
    {
        "__grace_regime": pl.String(),
        "__grace_day": pl.Date(),
        "__binds_at": INSTANT,
        "__has_grace": pl.Boolean(),
    }
)


def add_effective_instants(
    frame: pl.LazyFrame,
    regimes: Regimes,
    *,
    at: str = "at",
    regime: str = "regime",
    timezone: str,
    name: str = "effective_at",
) -> pl.LazyFrame:
    """Return the frame with the instant from which each refusal binds; rows, order and other columns stay.

    Args:
        frame: one row per refusal; column `at` (Datetime us UTC) and column `regime` (String, a marketing
            regime). Its instants are looked at first, so that only their years are counted.
        regimes: the dated rules.
        at: name of the instant's column.
        regime: name of the regime's column.
        timezone: where days are cut (the reporting timezone).
        name: name of the new column.

    Returns:
        With `name` (Datetime us UTC): `at` itself where the regime gives no grace (before 1990 none does), else
        the local midnight after the last day of grace. Null where `at` is null or after 2099, or the regime is
        not one of `regimes.marketing_regimes` (refuse such a policy with `check_marketing_regime`).

    Source: definitions section 3.4; 15 USC 7704(a)(4)(A); 47 CFR 64.1200(a)(10); CASL s.11(3); checked
    2026-11-22.
    """
    table = _grace_table(regimes, timezone, *_years_of(frame, at)).lazy()
    day = pl.col(at).dt.convert_time_zone(timezone).dt.date()
    keyed = frame.with_columns(__grace_regime=pl.col(regime).cast(pl.String), __grace_day=day)
    joined = keyed.join(table, on=["__grace_regime", "__grace_day"], how="left", maintain_order="left")
    effective = pl.when(pl.col("__has_grace")).then("__binds_at").otherwise(pl.when(_knows(regimes)).then(at))
    is_known = pl.col("__grace_day") <= LAST_START
    return joined.with_columns(pl.when(is_known).then(effective).alias(name)).drop(
        "__grace_regime", "__grace_day", "__binds_at", "__has_grace"
    )


def binds_anyhow(frame: pl.LazyFrame, regimes: Regimes, at: str, then: str, *, timezone: str) -> pl.Expr:
    """Return whether a refusal at one instant binds at a later one by whichever law: no grace is so long.

    frame: the rows with the two columns, whose years are looked at. False where `add_effective_instants` knows nothing.
    """
    graces = _grace_table(regimes, timezone, *_years_of(frame, at))
    longest: timedelta = graces.select(
        (pl.col("__binds_at").dt.date() - pl.col("__grace_day")).max().fill_null(timedelta())
    ).item()
    is_known = pl.col(at) < datetime(LAST_START.year, LAST_START.month, LAST_START.day, tzinfo=UTC) - MARGIN
    return ((pl.col(then) - pl.col(at) > longest + MARGIN) & is_known).fill_null(value=False)


def _knows(regimes: Regimes) -> pl.Expr:
    return pl.col("__grace_regime").is_in(sorted(regimes.marketing_regimes))


def _years_of(frame: pl.LazyFrame, at: str) -> tuple[int, int]:
    """The first and the last year of the decades that an instant of the column can fall into, wherever days are cut.

    Whole decades, so that what is asked shard by shard is counted once.
    """
    widest = timedelta(days=1)
    span = frame.select((pl.col(at).min() - widest).alias("first"), (pl.col(at).max() + widest).alias("last")).collect()
    years = span.select(pl.all().dt.year().fill_null(FIRST_START.year).clip(FIRST_START.year, LAST_START.year))
    first, last = years.row(0)
    return first // 10 * 10, last // 10 * 10 + 9


@lru_cache(maxsize=64)
def _grace_table(regimes: Regimes, timezone: str, first: int, last: int) -> pl.DataFrame:
    """One row per regime and day of these years on which a refusal has grace: the instant at which the grace is over."""
    days = date(first, 1, 1), date(last, 12, 31)
    frames = [
        due_days_of_role(regimes, law.id, "marketing", first=days[0], last=days[1]).with_columns(regime=pl.lit(law.id))
        for law in sorted(regimes.laws, key=lambda law: law.id)
        if any(rule.role == "marketing" and rule.counting not in GRACELESS for rule in law.rules)
    ]
    if not frames:
        return pl.DataFrame(schema=GRACES)
    counted = pl.concat(frames).filter(~pl.col("counting").is_in(GRACELESS))
    return counted.select(
        __grace_regime="regime",
        __grace_day="day",
        __binds_at=midnight_after(counted["due_on"], timezone),
        __has_grace=pl.lit(True),
    )


def check_marketing_regime(regimes: Regimes, regime: str, channel: str | None = None) -> str:
    """Return `regime` when it speaks of marketing (on `channel`, if given); else raise InputError."""
    if regime not in regimes.marketing_regimes:
        known = ", ".join(sorted(regimes.marketing_regimes))
        raise InputError(f"marketing regime '{regime[:40]}': not known. Give one of: {known}.")
    if channel is not None and channel not in regimes.channels_of(regime):
        spoken = ", ".join(sorted(regimes.channels_of(regime)))
        raise InputError(f"marketing regime '{regime}': says nothing of {channel[:40]}, only of {spoken}.")
    return regime
