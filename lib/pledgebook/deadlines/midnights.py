"""Where local days begin, as instants."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import polars as pl

from pledgebook.errors import InputError

INSTANT = pl.Datetime("us", "UTC")


@lru_cache(maxsize=64)
def local_midnights(timezone: str, first: date, last: date) -> pl.DataFrame:
    """Return the first instant of each local day from `first` to `last`, in order.

    Columns: `date` (Date), `midnight` (Datetime us UTC). Where a clock change skips midnight it is the instant of the
    change; where it repeats midnight, the earlier one. Raises InputError for a timezone that is not known.
    """
    days = pl.select(date=pl.date_range(first, last))
    zone = zone_of(timezone)
    seconds = [int(datetime.combine(day, time(), zone).timestamp()) for day in days["date"]]
    return days.with_columns(midnight=(pl.Series(seconds, dtype=pl.Int64) * 1_000_000).cast(INSTANT))


def midnight_after(days: pl.Series, timezone: str) -> pl.Series:
    """Return the first instant of the local day after each of the days; null where there is no day."""
    first, last = days.min(), days.max()
    if not isinstance(first, date) or not isinstance(last, date):
        return pl.Series([None], dtype=INSTANT).new_from_index(0, days.len())
    midnights = local_midnights(timezone, first + timedelta(days=1), last + timedelta(days=1))["midnight"]
    return midnights.gather((days - first).dt.total_days())


def zone_of(timezone: str) -> ZoneInfo:
    """Return the timezone; raise InputError that names it when there is none."""
    try:
        return ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InputError(f"timezone '{timezone[:40]}': not known. Give an IANA name such as Asia/Tokyo.") from None
