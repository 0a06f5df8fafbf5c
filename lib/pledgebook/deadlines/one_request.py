"""The due date of one request, one incident or one record, with the sentence that explains it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date, datetime
from typing import Any

from pledgebook.deadlines.clock_tables import Place, place_of
from pledgebook.deadlines.midnights import zone_of
from pledgebook.deadlines.one_rule import Due, Facts, due_by_promise, due_by_rule, due_in_hours
from pledgebook.deadlines.regimes import Regimes
from pledgebook.deadlines.rules import Rule
from pledgebook.errors import InputError


def due_date(
    regimes: Regimes,
    regime: str,
    kind: str,
    received: date | datetime,
    *,
    region: str | None = None,
    verified: date | None = None,
    paused_days: int = 0,
    pauses: int = 0,
    extended_on: date | None = None,
    is_extended: bool = False,
    promised_days: Mapping[str, int] | None = None,
    timezone: str | None = None,
) -> Due:
    """Return the due date of one request under a regime, by the rule in force on its local receipt date.

    Args:
        regimes: the dated rules.
        regime: a regime's id (GDPR).
        kind: one of our request kinds, or the regime's own word (access, know, breach_final).
        received: the start event. A clock in hours needs a datetime; one without offset is taken as it
            stands.
        region: ISO 3166 region of the person; null: not known, so that a default calendar may stand in.
        verified: local date on which identity was confirmed; null: never.
        paused_days: sum over merged pauses of end date - start date.
        pauses: how many merged pauses.
        extended_on: local date on which the extension notice went out; null: not known, or no extension.
        is_extended: extended by a notice in time whose date is not known.
        promised_days: the company's promise by kind and `default`, for regimes without a number.
        timezone: in which a `received` with an offset becomes a local date; null: its own.

    Returns: the due date with its explanation.

    Raises: InputError for a regime, kind or calendar that is not known, a region that contradicts the regime
        or has no known calendar, and a clock in hours without a time of day.
    """
    moment = _local(received, timezone)
    day = moment.date() if isinstance(moment, datetime) else moment
    rule = regimes.rule_for(regime, kind, day)
    place = place_of(regimes.regime(regime), region)
    if place.problem is not None:
        raise InputError(f"{place.problem}. Correct the region or the regime, or leave the region out.")
    if rule is not None and rule.counting == "hours":
        return due_in_hours(rule, moment)
    facts = Facts(day, verified, paused_days, pauses, extended_on, is_extended)
    if rule is None or rule.counting == "none":
        due = due_by_promise(rule, facts, _promise(kind, rule, promised_days or {}))
    else:
        due = due_by_rule(rule, facts, place)
    ack = _acknowledgement(regimes, regime, rule, day)
    return due if ack is None else _with_acknowledgement(due, ack, day, place)


def explain_due(regimes: Regimes, regime: str, kind: str, received: date | datetime, **facts: Any) -> str:
    """Return in one sentence how a due date came about: start event, rule and version, pauses, days rolled over and why.

    Arguments and errors are those of `due_date`.
    """
    return due_date(regimes, regime, kind, received, **facts).explanation


def _local(received: date | datetime, timezone: str | None) -> date | datetime:
    if isinstance(received, datetime) and received.tzinfo is not None and timezone is not None:
        return received.astimezone(zone_of(timezone))
    return received


def _promise(kind: str, rule: Rule | None, promised_days: Mapping[str, int]) -> int | None:
    """The promise for a kind; a word of the law takes that of its rule's first kind."""
    if rule is not None and kind not in rule.kinds:
        if rule.role != "response":
            return None
        kind = rule.kinds[0] if rule.kinds else "default"
    return promised_days.get(kind, promised_days.get("default"))


def _acknowledgement(regimes: Regimes, regime: str, rule: Rule | None, day: date) -> Rule | None:
    named = rule.acknowledged_by if rule else None
    return regimes.regime(regime).rule_named(named, day) if named else None


def _with_acknowledgement(due: Due, rule: Rule, received: date, place: Place) -> Due:
    ack = due_by_rule(rule, Facts(received), place)
    is_assumed = due.calendar_assumed or ack.calendar_assumed
    return replace(due, acknowledge_by=ack.due_on, calendar_assumed=is_assumed)
