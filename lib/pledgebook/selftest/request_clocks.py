"""Clocks for planted requests: a law and a kind of request that no other case has, and when to receive and to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime

from pledgebook.deadlines import Due, due_date
from pledgebook.errors import InputError
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.setting import DAY, HOUR, NotApplicable, Setting
from pledgebook.tables import REQUEST_KINDS

EARLIEST = date(2001, 1, 1)
SLACK = 12
"""Days by which weekends, holidays and lengths of months move a due date."""

Wish = Callable[[Due], bool]


@dataclass(frozen=True)
class Clock:
    """One request's law, kind, receipt, and due instant; of a request whose row names no law, its region."""

    regime: str
    kind: str
    received_at: datetime
    due_at: datetime
    region: str | None = None


@dataclass(frozen=True)
class Course:
    """What moves a request's due date: days paused, days until the person is identified, an extension told at once, region.

    `ends_closed`: its last day is closed, so that the due date is a later one.
    """

    paused_days: int = 0
    verified_after: int = 0
    is_extended: bool = False
    region: str | None = None
    ends_closed: bool = False


PLAIN = Course()


def is_promised(due: Due) -> bool:
    """Return whether a due date is the company's own promise."""
    return due.clock == "promised"


def is_law(due: Due) -> bool:
    """Return whether a due date is set by a law or an authority."""
    return due.clock in ("statutory", "guidance")


def places(p: Planting) -> Iterator[tuple[str, str]]:
    """Yield the laws and kinds of request that no planted request has yet, the company's own laws first."""
    company = p.setting.policy.company
    laws = dict.fromkeys([company.regime, *company.by_region.values(), *sorted(p.setting.regimes.request_regimes)])
    for regime in laws:
        for kind in REQUEST_KINDS:
            if kind != "marketing_opt_out" and ("request_turnaround", regime, kind) not in p.touched:
                yield regime, kind


def take(p: Planting, regime: str, kind: str) -> None:
    """Keep a law and a kind of request for one case."""
    p.touched.add(("request_turnaround", regime, kind))


def due_of(setting: Setting, regime: str, kind: str, received: date, course: Course = PLAIN) -> Due | None:
    """Return when a request that takes this course is due; None where the law cannot say."""
    try:
        return due_date(
            setting.regimes, regime, kind, received, region=course.region,
            verified=received + course.verified_after * DAY, paused_days=course.paused_days,
            pauses=1 if course.paused_days else 0, extended_on=received if course.is_extended else None,
            promised_days=setting.policy.requests.promised_days,
        )  # fmt: skip
    except InputError:
        return None


def clock_until(
    p: Planting,
    wish: Wish,
    until: datetime | None = None,
    *,
    course: Course = PLAIN,
    regime: str | None = None,
    is_exact: bool = False,
) -> Clock:
    """Return a clock whose due instant is the last one up to `until` (is_exact: `until` itself); default: the period's end.

    Raises NotApplicable where no law, kind or promise of the policy gives one.
    """
    limit = until or p.setting.period.end
    for law, kind in places(p):
        if regime is not None and law != regime:
            continue
        clock = _clock(p.setting, law, kind, wish, limit, course)
        if clock is not None and p.setting.period.start < clock.due_at and (not is_exact or clock.due_at == limit):
            take(p, law, kind)
            return clock
    raise NotApplicable("no clock of such a kind runs out then")


def _clock(setting: Setting, regime: str, kind: str, wish: Wish, limit: datetime, course: Course) -> Clock | None:
    last = setting.day(limit) - DAY
    due = due_of(setting, regime, kind, last, course)
    if due is None or due.due_on is None or not wish(due):
        return None
    first = last - (due.due_on - last)
    for days in range(-SLACK, SLACK):
        received = first - days * DAY
        due = due_of(setting, regime, kind, received, course)
        if received < EARLIEST or due is None or due.due_on is None:
            return None
        due_at = setting.midnight(due.due_on + DAY)
        if due_at <= limit and (not course.ends_closed or _is_due_then_too(setting, regime, kind, received, due)):
            return Clock(regime, kind, setting.midnight(received) + 12 * HOUR, due_at, course.region)
    return None


def _is_due_then_too(setting: Setting, regime: str, kind: str, received: date, due: Due) -> bool:
    """Whether a request of the next day is due then too: closed days moved the date of this one."""
    next_day = due_of(setting, regime, kind, received + DAY)
    return next_day is not None and next_day.due_on == due.due_on
