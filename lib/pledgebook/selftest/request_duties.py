"""Acknowledgements that never came, extensions that came too late, clocks that nobody has."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime

from pledgebook.period import INSTANT
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.request_clocks import due_of, places, take
from pledgebook.selftest.setting import DAY, HOUR, NotApplicable

LONGEST = 60


def _acknowledged_at(p: Planting) -> tuple[str, str, datetime, datetime]:
    """A law and a kind of request with a duty to acknowledge; receipt, and the instant at which the days are over."""
    for regime, kind in places(p):
        today = due_of(p.setting, regime, kind, p.setting.period.last_day)
        if today is None or today.acknowledge_by is None:
            continue
        for back in range(LONGEST):
            received = p.setting.period.last_day - back * DAY
            due = due_of(p.setting, regime, kind, received)
            limit = p.setting.midnight(due.acknowledge_by + DAY) if due and due.acknowledge_by else p.setting.as_of
            if p.setting.period.start < limit <= p.setting.period.end:
                take(p, regime, kind)
                return regime, kind, p.setting.noon(received), limit
    raise NotApplicable("no duty to acknowledge falls due inside the period")


def _no_acknowledgement(p: Planting) -> None:
    """A request whose receipt nobody confirmed, where the law wants it."""
    regime, kind, received_at, _ = _acknowledged_at(p)
    p.request(p.person(), kind, received_at, None, regime=regime, acknowledged_at=None)
    p.expect("request_acknowledgements", 1, "not_acknowledged", regime=regime, kind=kind)


def _late_acknowledgement(p: Planting) -> None:
    """A confirmation of receipt at the very instant at which its days are over."""
    regime, kind, received_at, limit = _acknowledged_at(p)
    p.request(p.person(), kind, received_at, None, regime=regime, acknowledged_at=limit)
    p.expect("request_acknowledgements", 1, "acknowledged_late", regime=regime, kind=kind)
    with suppress(NotApplicable):
        regime, kind, received_at, limit = _acknowledged_at(p)
        p.request(p.person(), kind, received_at, None, regime=regime, acknowledged_at=limit - INSTANT)
        p.spare("request_acknowledgements", "acknowledged_on_time", 1, regime=regime, kind=kind)


def _extended(p: Planting, after: int) -> str:
    """Plant a request extended so many days after its due date; return its law, which no other such request has."""
    received = p.setting.period.first_day
    for regime, kind in places(p):
        law = p.setting.regimes.rule_for(regime, kind, received)
        due = due_of(p.setting, regime, kind, received)
        if law is None or law.extension is None or due is None or due.due_on is None:
            continue
        extended_at = p.setting.midnight(due.due_on + DAY) + after * INSTANT
        if ("extended", regime) not in p.touched and extended_at < p.setting.as_of:
            p.touched.add(("extended", regime))
            take(p, regime, kind)
            p.request(p.person(), kind, p.setting.noon(received), None, regime=regime, extended_at=extended_at)
            return regime
    raise NotApplicable("no law that knows an extension is due early enough")


def _extension_too_late(p: Planting) -> None:
    """An extension announced at the very instant at which the unextended days are over."""
    p.expect("request_doubts", 1, "extension_too_late", regime=_extended(p, 0))
    p.spare("request_doubts", "extension_too_late", regime=_extended(p, -1))


def _law_of_another_country(p: Planting) -> None:
    """A request under a law that does not speak of the person's region."""
    for regime, kind in places(p):
        if not p.setting.regimes.regime(regime).covers("AQ"):
            take(p, regime, kind)
            p.request(p.person("AQ"), kind, p.setting.middle, None, regime=regime)
            p.expect("request_doubts", 1, "region_problem", regime=regime)
            return
    raise NotApplicable("every law speaks of every region")


def _request_without_a_clock(p: Planting) -> None:
    """A request for which neither a law nor the company has a number of days."""
    for regime, kind in places(p):
        due = due_of(p.setting, regime, kind, p.setting.day(p.setting.middle))
        if due is not None and due.clock == "none":
            take(p, regime, kind)
            p.request(p.person(), kind, p.setting.middle, None, regime=regime)
            p.expect("request_clocks", 1, "requests", regime=regime, kind=kind, clock="none")
            return
    raise NotApplicable("every kind of request has a clock, by law or by promise")


def _verified_before_receipt(p: Planting) -> None:
    """A request of somebody who had been identified before: valid, and counted."""
    regime, kind = next(places(p))
    take(p, regime, kind)
    at = p.setting.middle
    p.request(p.person(), kind, at, at + HOUR, regime=regime, verified_at=at - INSTANT)
    p.note("requests", "verified_before_receipt")


KINDS = kinds_of(
    "request_turnaround",
    _no_acknowledgement,
    _late_acknowledgement,
    _extension_too_late,
    _law_of_another_country,
    _request_without_a_clock,
    _verified_before_receipt,
)
