"""Requests that must be found late, unanswered, unverified or unfinished."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from pledgebook.deadlines import Due
from pledgebook.deadlines.rules import Rule
from pledgebook.period import INSTANT
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.request_clocks import Clock, Course, Wish, clock_until, is_law, is_promised, places, take
from pledgebook.selftest.setting import DAY, HOUR, NotApplicable


def _ask(p: Planting, clock: Clock, closed_at: datetime | None, **others: Any) -> str:
    person = p.person(clock.region)
    law = {"regime": None if clock.region else clock.regime}
    return p.request(person, clock.kind, clock.received_at, closed_at, **(law | others))


def _caught(p: Planting, clock: Clock, column: str) -> None:
    p.expect("request_turnaround", 1, column, regime=clock.regime, kind=clock.kind)


def _spared(p: Planting, clock: Clock, column: str, change: int = 1) -> None:
    p.spare("request_turnaround", column, change, regime=clock.regime, kind=clock.kind)


def _late_by_an_instant(p: Planting, wish: Wish) -> None:
    late = clock_until(p, wish)
    _ask(p, late, late.due_at)
    _caught(p, late, "late")
    in_time = clock_until(p, wish)
    _ask(p, in_time, in_time.due_at - INSTANT)
    _spared(p, in_time, "on_time")


def _answer_late_by_the_promise(p: Planting) -> None:
    """An answer at the very instant at which the company's promised days are over."""
    _late_by_an_instant(p, is_promised)


def _answer_late_by_law(p: Planting) -> None:
    """An answer at the very instant at which a law's days are over."""
    _late_by_an_instant(p, is_law)


def _answer_late_by_the_law_of_the_region(p: Planting) -> None:
    """An answer late by the law of the person's region, where the request names no law."""
    company = p.setting.policy.company
    for region, regime in company.by_region.items():
        if regime != company.regime:
            clock = clock_until(p, is_law, course=Course(region=region), regime=regime)
            _ask(p, clock, clock.due_at)
            _caught(p, clock, "late")
            return
    raise NotApplicable("the policy puts no region under a law of its own")


def _any_clock(p: Planting, until: datetime | None = None, *, is_exact: bool = False) -> Clock:
    return clock_until(p, lambda due: is_promised(due) or is_law(due), until, is_exact=is_exact)


def _request_without_an_answer(p: Planting) -> None:
    """A request that fell due and is still open."""
    clock = _any_clock(p)
    key = _ask(p, clock, None)
    _caught(p, clock, "overdue_open")
    p.expect("requests_open", request_id=key, is_overdue="true")
    withdrawn = _any_clock(p)
    _ask(p, withdrawn, withdrawn.due_at, outcome="withdrawn")
    _spared(p, withdrawn, "due", 0)


def _request_due_at_as_of(p: Planting) -> None:
    """An open request whose days are over at the very instant of as of."""
    clock = _any_clock(p, p.setting.as_of, is_exact=True)
    p.expect("requests_open", request_id=_ask(p, clock, None), is_overdue="true")
    later = _any_clock(p, p.setting.as_of + 3 * DAY)
    if later.received_at < p.setting.as_of < later.due_at:
        p.spare("requests_open", None, 1, request_id=_ask(p, later, None), is_overdue="false")


def _identified(p: Planting) -> tuple[str, str]:
    """A law and a kind of request for which the policy wants the person identified."""
    needing = p.setting.policy.requests.needs_identification
    for regime, kind in places(p):
        if kind in needing:
            take(p, regime, kind)
            return regime, kind
    raise NotApplicable("the policy asks for no identification (needs_identification)")


def _answered(p: Planting, verified_at: datetime | None, outcome: str | None = "fulfilled") -> Clock:
    regime, kind = _identified(p)
    at = p.setting.middle
    clock = Clock(regime, kind, at - INSTANT, at)
    _ask(p, clock, at, verified_at=verified_at, outcome=outcome)
    if outcome is None:
        p.note("requests", "closed_without_outcome")
    return clock


def _answer_without_identification(p: Planting) -> None:
    """An answer to somebody who was never identified."""
    _caught(p, _answered(p, None), "unverified_answers")


def _answer_before_identification(p: Planting) -> None:
    """An answer one microsecond before the person was identified."""
    _caught(p, _answered(p, p.setting.middle + INSTANT), "unverified_answers")
    _spared(p, _answered(p, p.setting.middle), "unverified_answers", 0)


def _closing_without_identification_or_outcome(p: Planting) -> None:
    """A closing without an outcome, and without identification."""
    clock = _answered(p, None, None)
    _caught(p, clock, "unverified_answers")
    _caught(p, clock, "outcome_unknown")


def _outcome_without_closing(p: Planting) -> None:
    """A request with an outcome and no closing: it counts as open."""
    regime, kind = next(places(p))
    take(p, regime, kind)
    clock = Clock(regime, kind, p.setting.middle, p.setting.as_of)
    p.note("requests", "outcome_without_closing")
    p.expect("requests_open", request_id=_ask(p, clock, None, outcome="fulfilled"))
    _caught(p, clock, "open")


def _adds_pauses(p: Planting) -> Wish:
    """Clocks to which the days of a pause are added: the company's promise, and those of some laws."""
    adding = {rule.id for law in p.setting.regimes.laws for rule in law.rules if rule.pause == "added"}

    def adds(due: Due) -> bool:
        return is_promised(due) or (is_law(due) and due.rule_id in adding)

    return adds


def _paused(p: Planting, counted_days: int, *stops: tuple[int, int], is_late: bool = True) -> None:
    """Plant a request with stops (from day, to day after receipt) that together count as so many days."""
    clock = clock_until(p, _adds_pauses(p), course=Course(paused_days=counted_days))
    closed_at = clock.due_at if is_late else clock.due_at - INSTANT
    key = _ask(p, clock, closed_at)
    for first, last in stops:
        p.pause(key, clock.received_at + first * DAY, clock.received_at + last * DAY)
    if is_late:
        _caught(p, clock, "late")
    else:
        _spared(p, clock, "on_time")


def _pause_longer_than_promised(p: Planting) -> None:
    """A pause beyond the promised longest one, behind which a late answer hides."""
    longest = p.setting.policy.requests.max_pause_days
    if longest is None:
        raise NotApplicable("the policy sets no longest pause (max_pause_days)")
    _paused(p, longest, (0, longest + 5))
    _paused(p, longest, (0, longest), is_late=False)


def _pauses_counted_twice(p: Planting) -> None:
    """Two pauses that overlap, counted once: with both the answer would be in time."""
    longest = p.setting.policy.requests.max_pause_days
    if longest is not None and longest < 3:
        raise NotApplicable("the policy allows no pause of three days")
    _paused(p, 3, (0, 2), (1, 3))


def _pause_before_receipt(p: Planting) -> None:
    """A pause that was over before the request was received: it excuses nothing."""
    _paused(p, 0, (-9, -2))


def _pause_that_never_ends(p: Planting) -> None:
    """An open request whose pause has not ended."""
    for resumed_at, is_innocent in ((p.setting.as_of, False), (p.setting.as_of - INSTANT, True)):
        regime, kind = next(places(p))
        take(p, regime, kind)
        clock = Clock(regime, kind, p.setting.middle, p.setting.as_of)
        key = _ask(p, clock, None)
        p.pause(key, p.setting.middle + HOUR, resumed_at)
        if is_innocent:
            _spared(p, clock, "paused_open", 0)
            p.spare("requests_open", None, 1, request_id=key, is_paused="false")
        else:
            _caught(p, clock, "paused_open")
            p.expect("requests_open", request_id=key, is_paused="true")


def _by_rules(p: Planting, holds: Callable[[Rule], bool]) -> Wish:
    """Clocks of laws whose rule has a trait."""
    mine = {rule.id for law in p.setting.regimes.laws for rule in law.rules if holds(rule)}
    return lambda due: is_law(due) and due.rule_id in mine


def _late_on_its_course(p: Planting, wish: Wish, course: Course, **others: timedelta) -> None:
    """Plant an answer at the due instant of such a course, and one a microsecond before; `others`: when what happened."""
    for is_late in (True, False):
        clock = clock_until(p, wish, course=course)
        happened = {name: clock.received_at + after for name, after in others.items()}
        _ask(p, clock, clock.due_at if is_late else clock.due_at - INSTANT, **happened)
        (_caught if is_late else _spared)(p, clock, "late" if is_late else "on_time")


def _answer_late_after_an_extension(p: Planting) -> None:
    """An answer at the very instant at which the days of an extension are over, the notice of it having gone out in time."""
    wish = _by_rules(p, lambda rule: rule.extension is not None and rule.extension.length is not None)
    _late_on_its_course(p, wish, Course(is_extended=True), extended_at=HOUR)


def _answer_late_after_identification(p: Planting) -> None:
    """An answer late by a clock that began only when the person had been identified."""
    wish = _by_rules(p, lambda rule: rule.verification == "restarts")
    _late_on_its_course(p, wish, Course(verified_after=5), verified_at=5 * DAY)


def _answer_late_after_closed_days(p: Planting) -> None:
    """An answer late by a due date that closed days had moved."""
    _late_on_its_course(p, _by_rules(p, lambda rule: rule.roll == "next"), Course(ends_closed=True))


KINDS = kinds_of(
    "request_turnaround",
    _answer_late_by_the_promise,
    _answer_late_by_law,
    _answer_late_by_the_law_of_the_region,
    _request_without_an_answer,
    _request_due_at_as_of,
    _answer_without_identification,
    _answer_before_identification,
    _closing_without_identification_or_outcome,
    _outcome_without_closing,
    _pause_longer_than_promised,
    _pauses_counted_twice,
    _pause_before_receipt,
    _pause_that_never_ends,
    _answer_late_after_an_extension,
    _answer_late_after_identification,
    _answer_late_after_closed_days,
)
