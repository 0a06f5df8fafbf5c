"""What is asked of the records, and the few notions of time and number that every table shares."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

Row = dict
World = dict[str, list[Row]]

MICROSECOND = timedelta(microseconds=1)
DAY_OF_24_HOURS = timedelta(hours=24)
ALL = "all"

# Per table: the instant that a row is dated by, and what may have happened to it later.
DATED_BY = {
    "people": ("opened_at", ("closed_at",)),
    "consent_events": ("at", ()),
    "requests": ("received_at", ("acknowledged_at", "verified_at", "extended_at", "closed_at")),
    "request_pauses": ("paused_at", ("resumed_at",)),
    "messages": ("sent_at", ()),
    "suppressions": ("added_at", ("removed_at",)),
    "disclosures": ("disclosed_at", ()),
    "uses": ("used_at", ()),
}


@dataclass
class Inquiry:
    """The records known at `as_of`, the policy, and the period that is asked about."""

    world: World
    policy: dict
    start: datetime
    end: datetime
    as_of: datetime
    holidays: dict[str, set[date]]

    @property
    def timezone(self) -> ZoneInfo:
        return ZoneInfo(self.policy["company"]["timezone"])

    def rows(self, table: str) -> list[Row]:
        return self.world.get(table, [])

    def in_period(self, instant: datetime) -> bool:
        return self.start <= instant < self.end and instant < self.as_of

    def region_of(self, person: str) -> str | None:
        return next((row["region"] for row in self.rows("people") if row["person"] == person), None)

    def local_date(self, instant: datetime) -> date:
        return instant.astimezone(self.timezone).date()

    def local_month(self, instant: datetime) -> str:
        return self.local_date(instant).strftime("%Y-%m")

    def midnight(self, day: date) -> datetime:
        """The local midnight at the start of a day, in UTC."""
        return datetime.combine(day, time(), tzinfo=self.timezone).astimezone(UTC)

    def midnight_after(self, day: date) -> datetime:
        return self.midnight(day + timedelta(days=1))


def known_at(world: World, as_of: datetime) -> World:
    """The world as it was known: what is dated at or after `as_of` has not yet happened."""
    return {
        table: [_row_as_known(table, row, as_of) for row in _dated_before(table, rows, as_of)]
        for table, rows in world.items()
    }


def _dated_before(table: str, rows: list[Row], as_of: datetime) -> list[Row]:
    if table not in DATED_BY:
        return rows
    dated_by, _ = DATED_BY[table]
    return [row for row in rows if row[dated_by] < as_of]


def _row_as_known(table: str, row: Row, as_of: datetime) -> Row:
    _, later = DATED_BY.get(table, (None, ()))
    known = {**row}
    for column in later:
        if known.get(column) is not None and known[column] >= as_of:
            known[column] = None
    # An outcome counts only with a closing before as_of.
    if table == "requests" and known["closed_at"] is None:
        known["outcome"] = None
    return known


def microseconds(duration: timedelta) -> int:
    return duration // MICROSECOND


def in_days(amount: int | Fraction | None) -> float | None:
    """Microseconds as days of 24 hours, rounded once, at the very end."""
    return None if amount is None else float(Fraction(amount) / microseconds(DAY_OF_24_HOURS))


def in_hours(amount: int | Fraction | None) -> float | None:
    return None if amount is None else float(Fraction(amount) / microseconds(timedelta(hours=1)))


def ratio(numerator: int, denominator: int) -> float | None:
    return numerator / denominator if denominator else None


def median(values: Iterable[int]) -> Fraction | None:
    """The middle value, or the mean of the middle two."""
    ordered = sorted(values)
    if not ordered:
        return None
    half = len(ordered) // 2
    if len(ordered) % 2:
        return Fraction(ordered[half])
    return Fraction(ordered[half - 1] + ordered[half], 2)


def mean(values: list[int]) -> Fraction | None:
    return Fraction(sum(values), len(values)) if values else None


def with_ancestors(region: str | None) -> list[str]:
    """The region itself, then its country: US-CA, US."""
    if region is None:
        return []
    return list(dict.fromkeys([region, region.split("-")[0]]))


def sorted_by(rows: list[Row], *columns: str) -> list[Row]:
    return sorted(rows, key=lambda row: tuple(str(row[column]) for column in columns))
