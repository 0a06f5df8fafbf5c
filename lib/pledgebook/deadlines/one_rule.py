"""What one rule, or the company's own promise, makes of the facts of one request."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal

from pledgebook.deadlines.calendars import DAY, next_open
from pledgebook.deadlines.clock_tables import Place
from pledgebook.deadlines.counting import last_day
from pledgebook.deadlines.explanation import (
    NO_NUMBER,
    OPEN_ENDED,
    Course,
    closed_words,
    long_day,
    period_words,
    promised_words,
    sentence,
    source_words,
    tail_words,
)
from pledgebook.deadlines.rules import BY_REGION, Rule
from pledgebook.errors import InputError

Clock = Literal["statutory", "guidance", "promised", "none"]


@dataclass(frozen=True)
class Facts:
    """What happened to one request; dates are local, null where it did not happen."""

    received: date
    verified: date | None = None
    paused_days: int = 0
    pauses: int = 0
    extended_on: date | None = None
    is_extended: bool = False


@dataclass(frozen=True)
class Due:
    """When it is due and why. `due_on` is null where no clock runs; `due_at` is for clocks in hours alone.

    `rule_id`, `version`, `hardness`, `confidence` and `citation` are null where no rule is in force;
    `acknowledge_by` where there is no such duty; `is_extension_valid` where nothing was extended or there is
    no clock to extend.
    """

    rule_id: str | None
    version: date | None
    hardness: str | None
    confidence: str | None
    citation: str | None
    clock: Clock
    explanation: str
    due_on: date | None = None
    due_at: datetime | None = None
    acknowledge_by: date | None = None
    is_extension_valid: bool | None = None
    calendar: str | None = None
    calendar_assumed: bool = False


def _due(rule: Rule | None, clock: Clock, explanation: str) -> Due:
    if rule is None:
        return Due(None, None, None, None, None, clock, explanation)
    return Due(rule.id, rule.valid_from, rule.hardness, rule.confidence, rule.citation, clock, explanation)


@dataclass(frozen=True)
class Count:
    """A period counted out: where it ends, with the pauses added, and after the roll-over."""

    ends: date
    last: date
    due: date


@dataclass(frozen=True)
class Counter:
    """Counts a rule's period for the facts of one request by one calendar."""

    rule: Rule
    facts: Facts
    calendar: str | None

    @property
    def starts(self) -> date:
        """The start of the clock: receipt, or the later verification where the rule restarts there."""
        verified = self.facts.verified if self.rule.verification == "restarts" else None
        return max(self.facts.received, verified or self.facts.received)

    @property
    def paused(self) -> int:
        """The days that pauses add under the rule."""
        inclusive = self.facts.paused_days + self.facts.pauses
        return {"none": 0, "added": self.facts.paused_days, "inclusive": inclusive}[self.rule.pause]

    def count(self, more: int = 0) -> Count:
        """Return the period of the rule's length and `more` units."""
        length = (self.rule.length or 0) + more
        ends = last_day(self.starts, self.rule.counting, length, self.calendar, self.rule.weekend)
        last = ends + self.paused * DAY
        rolls = self.rule.roll == "next"
        return Count(ends, last, next_open(last, str(self.calendar), self.rule.weekend) if rolls else last)

    def is_extension_valid(self) -> bool | None:
        """Return whether the law has an extension and its notice went out by the unextended due date."""
        facts, extension = self.facts, self.rule.extension
        if facts.extended_on is None:
            return extension is not None if facts.is_extended else None
        return extension is not None and facts.extended_on <= self.count().due


def due_by_rule(rule: Rule, facts: Facts, place: Place) -> Due:
    """Return the due date by a rule that counts days, months or years; `place` says which calendar counts."""
    is_assumed = rule.calendar == BY_REGION and place.is_assumed
    calendar = place.calendar if rule.calendar == BY_REGION else rule.calendar
    counter = Counter(rule, facts, calendar)
    is_valid = counter.is_extension_valid()
    about: dict[str, Any] = {
        "is_extension_valid": is_valid,
        "calendar": calendar,
        "calendar_assumed": is_assumed,
    }
    if is_valid and rule.extension is not None and rule.extension.length is None:
        course = _unclocked(facts, counter.starts, OPEN_ENDED, tail_words(rule, is_promised=False))
        return replace(_due(rule, "none", sentence(course)), **about)
    more = rule.extension.length if is_valid and rule.extension else None
    count = counter.count(more or 0)
    course = _counted(counter, count, is_valid, calendar if is_assumed else None)
    return replace(_due(rule, rule.clock, sentence(course)), due_on=count.due, **about)


def _counted(counter: Counter, count: Count, is_valid: bool | None, assumed: str | None) -> Course:
    rule, facts = counter.rule, counter.facts
    rolls = rule.roll == "next"
    return Course(
        received=facts.received,
        verified=counter.starts if counter.starts > facts.received else None,
        period=period_words(rule, is_extended=bool(is_valid)),
        period_ends=count.ends,
        paused=counter.paused,
        last=count.last,
        closed=closed_words(str(counter.calendar), rule.weekend, count.last) if rolls else "",
        is_stuck=not rolls and count.last.weekday() > 4,
        assumed=assumed,
        late_notice=facts.extended_on if is_valid is False else None,
        due=count.due,
        source=tail_words(rule, is_promised=False),
    )


def _unclocked(facts: Facts, starts: date, no_due: str, source: str) -> Course:
    verified = starts if starts > facts.received else None
    return Course(received=facts.received, verified=verified, no_due=no_due, source=source)


def due_by_promise(rule: Rule | None, facts: Facts, days: int | None) -> Due:
    """Return the due date by the company's promise of `days` (null: none), where the law has no number."""
    if days is None:
        course = _unclocked(facts, facts.received, NO_NUMBER, tail_words(rule, is_promised=False))
        return _due(rule, "none", sentence(course))
    ends = facts.received + days * DAY
    last = ends + facts.paused_days * DAY
    is_valid = False if facts.extended_on or facts.is_extended else None
    course = Course(
        received=facts.received,
        period=promised_words(days),
        period_ends=ends,
        paused=facts.paused_days,
        last=last,
        is_stuck=last.weekday() > 4,
        late_notice=facts.extended_on,
        due=last,
        source=tail_words(rule, is_promised=True),
    )
    return replace(_due(rule, "promised", sentence(course)), due_on=last, is_extension_valid=is_valid)


def due_in_hours(rule: Rule, moment: date | datetime) -> Due:
    """Return the due instant of a rule in hours; raise InputError when `moment` has no time of day."""
    if not isinstance(moment, datetime) or rule.length is None:
        raise InputError(f"rule {rule.id}: counts hours. Give the time of day too, such as 2026-12-24T16:20.")
    hours = timedelta(hours=rule.length)
    due_at = moment + hours if moment.tzinfo is None else (moment.astimezone(UTC) + hours).astimezone(moment.tzinfo)
    words = f"known {long_day(moment.date())} {moment:%H:%M}; {rule.length} hours run through closed days"
    words += f"; due {long_day(due_at.date())} {due_at:%H:%M}{source_words(rule)}"
    return replace(_due(rule, rule.clock, words), due_on=due_at.date(), due_at=due_at)
