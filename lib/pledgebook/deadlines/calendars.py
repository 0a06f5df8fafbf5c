"""Which days are closed: the `holidays` library by country and subdivision, and the lists that it lacks."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from functools import lru_cache
from types import MappingProxyType

import holidays
import polars as pl
from holidays.registry import EntityLoader

from pledgebook.errors import InputError

WEEKENDS = "WEEKENDS"
JP_ADMIN = "JP-ADMIN"
CANADA = "CA-IA"
QUEBEC = "QC"
OWN = (WEEKENDS, JP_ADMIN, CANADA, QUEBEC)
DAY = timedelta(days=1)
MONDAY, SATURDAY, SUNDAY = 0, 5, 6


def is_known_calendar(name: str) -> bool:
    """Return whether `name` is a calendar: an own list, a country (DE) or one of its subdivisions (DE-BY)."""
    country, _, subdivision = name.partition("-")
    if name in OWN or not _is_country(country):
        return name in OWN
    return name == country or subdivision in getattr(holidays, country).subdivisions


def check_calendar(name: str) -> str:
    """Return `name` when it is a calendar; raise InputError that names it when it is not."""
    if is_known_calendar(name):
        return name
    country = name.partition("-")[0]
    remedy = f"Give {country}" if _is_country(country) else "Give an ISO 3166 code such as DE, DE-BY or GB-SCT"
    raise InputError(f"calendar '{name[:40]}': no public holidays are known for it. {remedy}, or leave it out.")


def _is_country(code: str) -> bool:
    """Whether the library knows a country; its own list of them would load all 250, a good part of the time of a start."""
    return code in _codes()


@lru_cache(maxsize=1)
def _codes() -> frozenset[str]:
    return frozenset(EntityLoader.get_country_codes())


@lru_cache(maxsize=4096)
def holidays_of(calendar: str, year: int) -> Mapping[date, str]:
    """Return the holidays of a year with their names, in English where there are any; without weekends.

    Raises InputError for a calendar that is not known.
    """
    if calendar == WEEKENDS:
        found: dict[date, str] = {}
    elif calendar == JP_ADMIN:
        found = _listed("JP", year) | dict.fromkeys(_year_end(year), "administrative closing day")
    elif calendar in (CANADA, QUEBEC):
        found = _canada(year) if calendar == CANADA else _quebec(year)
    else:
        found = _listed(check_calendar(calendar), year)
    return MappingProxyType(found)


def _listed(calendar: str, year: int) -> dict[date, str]:
    country, _, subdivision = calendar.partition("-")
    english = "en_US" if "en_US" in getattr(holidays, country).supported_languages else None
    return dict(holidays.country_holidays(country, subdivision or None, years=year, language=english))


def _year_end(year: int) -> list[date]:
    return [date(year, 1, 2), date(year, 1, 3), date(year, 12, 29), date(year, 12, 30), date(year, 12, 31)]


def easter_sunday(year: int) -> date:
    """Return the Gregorian Easter Sunday (anonymous algorithm of 1876)."""
    century, rest = divmod(year, 100)
    shift = (8 * century + 13) // 25
    epact = (19 * (year % 19) + century - century // 4 - shift + 15) % 30
    weekday = (32 + 2 * (century % 4) + 2 * (rest // 4) - epact - rest % 4) % 7
    late = (year % 19 + 11 * epact + 22 * weekday) // 451
    month, day = divmod(epact + weekday - 7 * late + 114, 31)
    return date(year, month, day + 1)


def _canada(year: int) -> dict[date, str]:
    """Interpretation Act (Canada) s.35(1), but for Sunday; Holidays Act s.2 for 1 July on a Sunday."""
    easter = easter_sunday(year)
    found = {
        date(year, 1, 1): "New Year's Day",
        easter - 2 * DAY: "Good Friday",
        easter + DAY: "Easter Monday",
        _monday_from(date(year, 5, 18)): "Victoria Day",
        _first_of_july(year): "Canada Day",
        _monday_from(date(year, 9, 1)): "Labour Day",
        _monday_from(date(year, 10, 8)): "Thanksgiving Day",
        date(year, 11, 11): "Remembrance Day",
        date(year, 12, 25): "Christmas Day",
    }
    if year >= 2021:
        found[date(year, 9, 30)] = "National Day for Truth and Reconciliation"
    if year == 2022:
        found[date(2022, 9, 19)] = "National Day of Mourning"
    return found


def _quebec(year: int) -> dict[date, str]:
    """Interpretation Act (Quebec) s.61(23), but for Sunday."""
    easter = easter_sunday(year)
    return {
        date(year, 1, 1): "New Year's Day",
        easter - 2 * DAY: "Good Friday",
        easter + DAY: "Easter Monday",
        _monday_from(date(year, 5, 18)): "birthday of the Sovereign",
        date(year, 6, 24): "National Holiday",
        _first_of_july(year): "Canada Day",
        _monday_from(date(year, 9, 1)): "Labour Day",
        _monday_from(date(year, 10, 8)): "Thanksgiving Day",
        date(year, 12, 25): "Christmas Day",
    }


def _monday_from(day: date) -> date:
    return day + ((MONDAY - day.weekday()) % 7) * DAY


def _first_of_july(year: int) -> date:
    day = date(year, 7, 1)
    return day + DAY if day.weekday() == SUNDAY else day


@lru_cache(maxsize=512)
def closed_weekdays(calendar: str, weekend: str = "default") -> frozenset[int]:
    """Return the closed weekdays (Monday is 0): only Sunday for weekend `sun`, else the country's own."""
    if weekend == "sun":
        return frozenset({SUNDAY})
    if calendar in OWN:
        return frozenset({SATURDAY, SUNDAY})
    return frozenset(holidays.country_holidays(calendar.partition("-")[0]).weekend)


def is_open(day: date, calendar: str, weekend: str = "default") -> bool:
    """Return whether `day` is neither a closed weekday nor a holiday."""
    return day.weekday() not in closed_weekdays(calendar, weekend) and day not in holidays_of(calendar, day.year)


def next_open(day: date, calendar: str, weekend: str = "default") -> date:
    """Return `day` itself when it is open, else the next open day."""
    while not is_open(day, calendar, weekend):
        day += DAY
    return day


@lru_cache(maxsize=512)
def calendar_table(calendar: str, weekend: str, first: date, last: date) -> pl.DataFrame:
    """Return one row per day from `first` to `last`: `day`, `is_open`, `next_open`, `open_days`.

    `next_open` is the day itself when open (null where it lies beyond `last`); `open_days` counts the open
    days from `first` up to the day, so that the n-th business day after a day is the one where it has grown
    by n.
    """
    closed = [day for year in range(first.year, last.year + 1) for day in holidays_of(calendar, year)]
    weekdays = [day + 1 for day in closed_weekdays(calendar, weekend)]
    day = pl.col("day")
    is_closed = day.is_in(pl.Series(closed, dtype=pl.Date).implode()) | day.dt.weekday().is_in(weekdays)
    days = pl.select(day=pl.date_range(first, last)).with_columns(is_open=~is_closed)
    next_open_day = pl.when("is_open").then("day").fill_null(strategy="backward")
    return days.with_columns(next_open=next_open_day, open_days=pl.col("is_open").cast(pl.Int64).cum_sum())
