"""The stretch of time that a report speaks of, and the instant as of which it was known."""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

import polars as pl

from pledgebook.errors import InputError

RELATIVE = ("yesterday", "last-week", "last-month", "last-quarter", "last-year")
ACCEPTED = "2026-10, 2026-Q3, 2026, 2026-W41, 2026-10-01/2026-10-31, " + ", ".join(RELATIVE)
INSTANT, DAY = timedelta(microseconds=1), timedelta(days=1)
LONGEST = timedelta(days=36_525)


@dataclass(frozen=True)
class Period:
    """`[start, end)` in UTC instants, cut at local midnights of `timezone`; `first_day` and `last_day` are inside."""

    label: str
    first_day: date
    last_day: date
    timezone: str

    @property
    def start(self) -> datetime:
        """The instant at which the first day begins."""
        return local_midnight(self.first_day, self.timezone)

    @property
    def end(self) -> datetime:
        """The instant at which the last day is over."""
        return local_midnight(self.last_day + timedelta(days=1), self.timezone)

    @property
    def folder(self) -> str:
        """The label as the name of a folder."""
        return self.label.replace("/", "_")

    def before(self) -> Period:
        """Return the period of the same kind just before this one (the month before a month, ...)."""
        day_before = self.first_day - timedelta(days=1)
        year, week, _ = day_before.isocalendar()
        if len(self.label) == 4:
            return _stretch(f"{day_before.year}", self.timezone)
        if re.fullmatch(r"\d{4}-\d\d", self.label):
            return _stretch(month_of(day_before), self.timezone)
        if "Q" in self.label:
            return _stretch(f"{day_before.year}-Q{(day_before.month + 2) // 3}", self.timezone)
        if "W" in self.label:
            return _stretch(f"{year}-W{week:02}", self.timezone)
        first = self.first_day - (self.last_day - self.first_day) - timedelta(days=1)
        return Period(f"{first}/{day_before}", first, day_before, self.timezone)


def _stretch(label: str, timezone: str) -> Period:
    return Period(label, *_days(label), timezone)


@lru_cache(maxsize=16)
def clock_changes(first_day: date, last_day: date, timezone: str) -> tuple[tuple[datetime, timedelta], ...]:
    """Return the offsets from UTC over some local days: from which instant, and which; the first from the beginning."""
    zone = ZoneInfo(timezone)
    start, end = local_midnight(first_day, timezone), local_midnight(last_day + timedelta(days=1), timezone)
    found = [(start, _offset(start, zone))]
    for day in range((end - start).days + 1):
        before, after = start + timedelta(days=day), min(start + timedelta(days=day + 1), end)
        if _offset(before, zone) != _offset(after, zone):
            found.append(_change_between(before, after, zone))
    return tuple(found)


def local_dates(at: str, first_day: date, last_day: date, timezone: str) -> pl.Expr:
    """Return the civil date in `timezone` of instants of these local days: by the clock's offsets, not row by row."""
    moment, told = pl.col(at).cast(pl.Int64), pl.lit(None, dtype=pl.Int64)
    for place, (since, offset) in enumerate(clock_changes(first_day, last_day, timezone)):
        day = (moment + offset // INSTANT) // (DAY // INSTANT)
        told = pl.when(pl.col(at) >= since).then(day).otherwise(told) if place else day
    return told.cast(pl.Int32).cast(pl.Date)


def _offset(instant: datetime, zone: ZoneInfo) -> timedelta:
    return instant.astimezone(zone).utcoffset() or timedelta()


def _change_between(before: datetime, after: datetime, zone: ZoneInfo) -> tuple[datetime, timedelta]:
    """The second from which the later offset holds."""
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=(after - before) // timedelta(seconds=2))
        before, after = (middle, after) if _offset(middle, zone) == _offset(before, zone) else (before, middle)
    return after, _offset(after, zone)


def month_of(day: date) -> str:
    """Return the month of a day, or of an instant by its own clock, as `YYYY-MM`: in the order of texts that of time too.

    `strftime` writes the year 26 with two digits.
    """
    return f"{day.year:04}-{day.month:02}"


def crosses_midnight(day: date, timezone: str) -> bool:
    """Return whether clocks that had begun a local day are put back into the day before, so that it begins twice."""
    return any(local_day(change, timezone) < day for change, _ in clock_changes(day, day, timezone)[1:])


def local_midnight(day: date, timezone: str) -> datetime:
    """Return the first instant of a local day, in UTC; right also where a clock change skips or repeats midnight."""
    return datetime.combine(day, time(), ZoneInfo(timezone)).astimezone(UTC)


def place_in(moment: datetime, timezone: str) -> datetime:
    """Return the instant (UTC) at which clocks of `timezone` show a naive time; the first, where they show it twice."""
    return moment.replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)


def local_day(instant: datetime, timezone: str) -> date:
    """Return the civil date of an instant in `timezone`."""
    return instant.astimezone(ZoneInfo(timezone)).date()


def read_period(text: str, timezone: str, now: datetime | None = None) -> Period:
    """Return the period that `text` names; a relative one is resolved against `now` in `timezone`.

    Raises InputError for a text of no accepted form, days that do not exist, or a range that ends before it starts.
    """
    label = text.strip()
    if label in RELATIVE:
        return _relative(label, timezone, now)
    try:
        first, last = _days(label)
    except ValueError:
        raise InputError(f"period '{label[:40]}': not a period. Give one of: {ACCEPTED}.") from None
    return _named(label, first, last, timezone)


def _named(label: str, first: date, last: date, timezone: str) -> Period:
    if not 1900 <= first.year <= last.year <= 2999:
        raise InputError(f"period '{label}': outside the years 1900 to 2999. Check its digits.")
    if last < first:
        raise InputError(f"period '{label}': ends before it starts. Write the earlier day first.")
    if last - first > LONGEST:
        raise InputError(f"period '{label}': longer than 100 years. Choose a shorter one.")
    return Period(label, first, last, timezone)


def _days(label: str) -> tuple[date, date]:
    if match := re.fullmatch(r"(\d{4})", label, re.ASCII):
        return date(int(match[1]), 1, 1), date(int(match[1]), 12, 31)
    if match := re.fullmatch(r"(\d{4})-(\d\d)", label, re.ASCII):
        return _months(int(match[1]), int(match[2]), 1)
    if match := re.fullmatch(r"(\d{4})-Q([1-4])", label, re.ASCII):
        return _months(int(match[1]), 3 * int(match[2]) - 2, 3)
    if match := re.fullmatch(r"(\d{4})-W(\d\d)", label, re.ASCII):
        monday = date.fromisocalendar(int(match[1]), int(match[2]), 1)
        return monday, monday + timedelta(days=6)
    if match := re.fullmatch(r"(\d{4}-\d\d-\d\d)/(\d{4}-\d\d-\d\d)", label, re.ASCII):
        return date.fromisoformat(match[1]), date.fromisoformat(match[2])
    raise ValueError(label)


def _months(year: int, month: int, count: int) -> tuple[date, date]:
    last = month + count - 1
    return date(year, month, 1), date(year, last, monthrange(year, last)[1])


def _relative(label: str, timezone: str, now: datetime | None) -> Period:
    if now is None:
        raise InputError(f"period '{label}': relative to now, and no now was given. Give an absolute period.")
    today = local_day(now, timezone)
    if label == "yesterday":
        day = today - timedelta(days=1)
        return Period(f"{day}/{day}", day, day, timezone)
    quarter = f"{today.year}-Q{(today.month + 2) // 3}"
    year, week, _ = today.isocalendar()
    this = {"last-week": f"{year}-W{week:02}", "last-month": month_of(today), "last-quarter": quarter}
    return read_period(this.get(label, f"{today:%Y}"), timezone).before()


def read_as_of(text: str | datetime | None, period: Period, now: datetime) -> datetime:
    """Return the instant (UTC) as of which figures are known: default the period's end, or now if earlier.

    A naive time, or a date alone (its first instant), is read in the period's timezone. Raises InputError when it
    is not a time, does not exist or exists twice there, or lies before the period's start.
    """
    as_of = _instant(text, period.timezone) if text else min(period.end, now.astimezone(UTC))
    if as_of < period.start:
        raise InputError(
            f"as of {as_of.isoformat()}: before period '{period.label}' starts ({period.start.isoformat()}). "
            "Choose an earlier period, or a later as-of."
        )
    return as_of


def _instant(text: str | datetime, timezone: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text.strip()) if isinstance(text, str) else text
        if moment.tzinfo is not None:
            return moment.astimezone(UTC)
        first, second = (place_in(moment.replace(fold=fold), timezone) for fold in (0, 1))
    except (ValueError, OverflowError):
        raise InputError(f"as of '{str(text)[:40]}': not a time. Write it like 2026-10-01T00:00.") from None
    if first != second:
        raise InputError(f"as of '{text}': inside a clock change of {timezone}. Add an offset such as +01:00.")
    return first
