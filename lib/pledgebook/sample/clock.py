"""When things happen in the sample: civil time in Tokyo, seasons, quiet weekends, office hours.

Instants are whole seconds since 1970 in UTC, as integers; Tokyo is nine hours ahead and has no clock changes.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Literal

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Instants = NDArray[np.int64]
Profile = Literal["private", "office"]

HOUR = 3_600
DAY = 24 * HOUR
TOKYO = 9 * HOUR
NEVER = -1
"""Stands where an instant or a date is unknown or has not come; an empty field in the export."""

SEASON = (1.0, 0.85, 1.15, 1.05, 0.95, 1.0, 1.2, 0.9, 1.0, 1.0, 1.1, 1.6)
WEEKDAY = {"private": (1.0, 1.0, 1.0, 1.0, 1.1, 0.65, 0.6), "office": (1.1, 1.0, 1.0, 1.0, 0.95, 0.08, 0.05)}
HOURS = {
    "private": (
        1,
        0.5,
        0.3,
        0.2,
        0.2,
        0.5,
        1.5,
        3,
        4,
        3.5,
        3.5,
        4,
        6,
        4.5,
        3.5,
        3.5,
        4,
        4.5,
        5.5,
        6.5,
        8,
        9,
        7,
        3.5,
    ),
    "office": (0, 0, 0, 0, 0, 0, 0, 0, 0.5, 6, 8, 7, 3, 7, 8, 7, 6, 4, 1.5, 0.5, 0, 0, 0, 0),
}


def midnight(year: int, month: int, day: int = 1) -> int:
    """Return the instant at which a civil day begins in Tokyo."""
    return int(datetime(year, month, day, tzinfo=UTC).timestamp()) - TOKYO


OLDEST = midnight(2021, 1)
START = midnight(2025, 4)
END = midnight(2026, 10)
_FIRST_DAY = (midnight(2019, 1) + TOKYO) // DAY
_LAST_DAY = (END + TOKYO) // DAY


def _running_weights(profile: Profile) -> NDArray[np.float64]:
    days = np.arange(_FIRST_DAY, _LAST_DAY)
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) % 12
    weights = np.array(SEASON)[months] * np.array(WEEKDAY[profile])[(days + 3) % 7]
    return np.concatenate(([0.0], np.cumsum(weights)))


_RUNNING = {"private": _running_weights("private"), "office": _running_weights("office")}
_EDGES = np.arange(_FIRST_DAY, _LAST_DAY + 1) * DAY - TOKYO


def draw_instants(rng: Generator, since: Instants, until: Instants, profile: Profile = "private") -> Instants:
    """Draw an instant in each [since, until), more often in busy seasons, on workdays, at usual hours."""
    running = _RUNNING[profile]
    low, high = np.interp(since, _EDGES, running), np.interp(until, _EDGES, running)
    day = np.searchsorted(running, low + (high - low) * rng.random(len(since)), side="right") - 1
    drawn = _EDGES[np.minimum(day, len(_EDGES) - 2)] + draw_times_of_day(rng, len(since), profile)
    clipped: Instants = np.clip(drawn, since, until - 1).astype(np.int64)
    return clipped


def draw_times_of_day(rng: Generator, how_many: int, profile: Profile) -> Instants:
    """Draw seconds after midnight."""
    weights = np.array(HOURS[profile]) / sum(HOURS[profile])
    hours = np.searchsorted(np.cumsum(weights), rng.random(how_many), side="right")
    return (np.minimum(hours, 23) * HOUR + rng.integers(0, HOUR, how_many)).astype(np.int64)


def day_of(instants: Instants) -> Instants:
    """Return the civil day in Tokyo, counted from 1970."""
    return (instants + TOKYO) // DAY


def next_workday(days: Instants) -> Instants:
    """Move Saturdays and Sundays to the Monday after."""
    weekday = (days + 3) % 7
    return days + np.where(weekday == 5, 2, np.where(weekday == 6, 1, 0))


def month_end(instants: Instants) -> Instants:
    """Return the instant at which the civil month of each instant ends."""
    months = day_of(instants).astype("datetime64[D]").astype("datetime64[M]") + np.timedelta64(1, "M")
    return months.astype("datetime64[D]").astype(np.int64) * DAY - TOKYO


@dataclass(frozen=True)
class Month:
    """A civil month in Tokyo."""

    year: int
    number: int

    @property
    def name(self) -> str:
        """The month as a period, such as 2026-09."""
        return f"{self.year}-{self.number:02d}"

    @property
    def start(self) -> int:
        """The instant at which it begins."""
        return midnight(self.year, self.number)

    @property
    def end(self) -> int:
        """The instant at which the next one begins."""
        return midnight(self.year + self.number // 12, self.number % 12 + 1)


LAST_MONTH = Month(2026, 9)
EARLIER_MONTHS = (Month(2025, 11), Month(2025, 12), *(Month(2026, number) for number in range(1, 9)))


def day_number(on: date) -> int:
    """Return a civil day as a count from 1970."""
    return (on - date(1970, 1, 1)).days
