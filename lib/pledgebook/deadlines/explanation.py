"""How a due date came about, in one sentence."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import lru_cache

from pledgebook.deadlines.calendars import DAY, easter_sunday, holidays_of, is_open
from pledgebook.deadlines.rules import Rule

WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SMALL = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
SOURCELESS = ". No rule of law speaks of it"
PROMISED = " [promised]"
ENDS_ON = ": the clock ends on"
STAYS = "; the rule does not move a closed last day"
NO_NUMBER = "; neither the law nor the policy sets a number of days; no due date"
ASSUMED = "; calendar {} assumed"
OPEN_ENDED = "; the notice in time puts the answer off, to no day that the law fixes; no due date"


def short_day(day: date) -> str:
    """Return a day as `Thu 5 Mar`."""
    return f"{WEEKDAYS[day.weekday()]} {day.day} {MONTHS[day.month - 1]}"


def long_day(day: date) -> str:
    """Return a day as `Thu 5 Mar 2026`."""
    return f"{short_day(day)} {day.year}"


def period_words(rule: Rule, *, is_extended: bool) -> str | None:
    """Return `; one month ends`, `; three months (extended in time) end`; null without a number."""
    more = rule.extension.length if is_extended and rule.extension else None
    if rule.counting == "none" or (is_extended and more is None):
        return None
    if rule.length is None:
        return f"; no grace{ENDS_ON}"
    length = rule.length + (more or 0)
    number = SMALL[length] if length < len(SMALL) else str(length)
    unit = rule.unit if length == 1 else f"{rule.unit}s"
    how = " (the first day counted)" if rule.counting in ("day_incl", "bday_incl", "jp_month_incl") else ""
    how += f" (holidays of {rule.calendar} left out)" if rule.counting in ("bday", "bday_incl") else ""
    how += " (extended in time)" if is_extended else ""
    return f"; {number} {unit}{how} {'ends' if length == 1 else 'end'}"


def source_words(rule: Rule) -> str:
    """Return citation, kind of clock, rule, version and confidence: what the sentence ends with."""
    about = f"rule {rule.id} of {rule.valid_from}; confidence {rule.confidence}"
    if rule.clock == "none" and rule.counting == "none":
        return f". The law sets no number: {rule.citation} [{about}]"
    return f". {rule.citation} [{rule.clock}; {about}]"


@lru_cache(maxsize=65536)
def closed_words(calendar: str, weekend: str, day: date) -> str:
    """Return why a closed last day moves: its own name, and the holidays between it and the next open day.

    Empty for an open day. `(Easter Sunday); Mon 6 Apr is a holiday in DE (Easter Monday)`.
    """
    if is_open(day, calendar, weekend):
        return ""
    words = [f" ({_name(calendar, day)})"]
    day += DAY
    while not is_open(day, calendar, weekend):
        if (name := holidays_of(calendar, day.year).get(day)) is not None:
            words.append(f"; {short_day(day)} is a holiday in {calendar} ({name})")
        day += DAY
    return "".join(words)


def _name(calendar: str, day: date) -> str:
    if (name := holidays_of(calendar, day.year).get(day)) is not None:
        return f"{name}, a holiday in {calendar}"
    return "Easter Sunday" if day == easter_sunday(day.year) else "weekend"


@dataclass(frozen=True)
class Course:
    """What happened between receipt and due date; null where it did not."""

    received: date
    source: str
    verified: date | None = None
    period: str | None = None
    period_ends: date | None = None
    paused: int = 0
    last: date | None = None
    closed: str = ""
    is_stuck: bool = False
    assumed: str | None = None
    late_notice: date | None = None
    due: date | None = None
    no_due: str = NO_NUMBER


def sentence(course: Course) -> str:
    """Return the sentence about one request."""
    words = [f"received {long_day(course.received)}"]
    if course.verified is not None:
        words.append(f"; verified {long_day(course.verified)}, which starts the clock")
    if course.due is None or course.period_ends is None or course.last is None:
        return "".join([*words, course.no_due, course.source])
    words.append(f"{course.period} {short_day(course.period_ends)}")
    if course.paused:
        words.append(f"; {course.paused} paused days added: {short_day(course.last)}")
    words.append(course.closed or (STAYS if course.is_stuck else ""))
    words.append(ASSUMED.format(course.assumed) if course.assumed else "")
    if course.late_notice is not None:
        words.append(f"; the extension notice of {long_day(course.late_notice)} does not count")
    return "".join([*words, f"; due {long_day(course.due)}", course.source])


def promised_words(days: int) -> str:
    """Return the period words of the company's own promise."""
    return f"; the {days} days promised end" if days != 1 else "; the 1 day promised ends"


def tail_words(rule: Rule | None, *, is_promised: bool) -> str:
    """Return what the sentence ends with: the source, and whether the clock is the company's promise."""
    return (source_words(rule) if rule else SOURCELESS) + (PROMISED if is_promised else "")
