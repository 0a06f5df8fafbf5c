"""The periods that are asked about, as local days of Japan and as instants."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

TIMEZONE = ZoneInfo("Asia/Tokyo")


def midnight(day: date) -> datetime:
    """Return the first instant of a local day, in UTC."""
    return datetime(day.year, day.month, day.day, tzinfo=TIMEZONE).astimezone(UTC)


@dataclass(frozen=True)
class Stretch:
    """A period as it is asked for, with its first day and the day after its last; known as of its end."""

    label: str
    first_day: date
    day_after: date

    @property
    def start(self) -> datetime:
        """The instant at which it begins."""
        return midnight(self.first_day)

    @property
    def end(self) -> datetime:
        """The instant at which it is over."""
        return midnight(self.day_after)

    @property
    def days(self) -> list[date]:
        """Its local days."""
        return [self.first_day + timedelta(days=number) for number in range((self.day_after - self.first_day).days)]


YEAR = Stretch("2025", date(2025, 1, 1), date(2026, 1, 1))
MONTH = Stretch("2025-12", date(2025, 12, 1), date(2026, 1, 1))
