"""Breaches that would disturb others' figures: planted into a small company of their own, under the same policy."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from pledgebook.period import INSTANT
from pledgebook.policy import Promise
from pledgebook.selftest.disclosures import contract, disclose, recipient_of
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.setting import DAY, HOUR, NotApplicable, Setting
from pledgebook.selftest.verdicts import edges
from pledgebook.tables import CHANNELS

USUAL = 20
"""Rows a stretch that a feed must have had, to be missed when it falls silent."""
STRETCHES = 3
FAINT = USUAL // 10


def system_of(p: Planting, channel: str) -> str:
    """Return the system that carries advertising on a channel in the small company."""
    return f"{p.setting.tag}-system-{channel}"


def second_system(p: Planting) -> str:
    """Return the second system that carries text messages."""
    return f"{p.setting.tag}-system-second"


def found_company(p: Planting) -> None:
    """Write what a company has when nothing is wrong with it: no promise is broken, and no verdict in doubt.

    It has files of its own, the same with and without what is planted, so that they are read once.
    """
    p.suffix = "-found"
    at, tag = p.setting.middle, p.setting.tag
    person = p.person(kind=p.setting.covered_kind)
    for purpose in p.setting.policy.purposes:
        p.grant(person, at - HOUR, purpose)
    for channel in CHANNELS[1:]:
        p.message(person, at, channel, tag, system=system_of(p, channel))
    p.message(person, at, "sms", tag, system=second_system(p))
    p.request(person, "inquiry", at, at + HOUR, regime=p.setting.policy.company.regime)
    recipient = recipient_of(p)
    contract(p, recipient, p.setting.day(at) - DAY, None)
    p.add("suppressions", {"person_id": p.person(), "channel": "any", "system": tag, "added_at": at})
    if p.setting.policy.purpose:
        disclose(p, person, at, recipient, "entrustment")
    p.add("uses", _use(p, at))
    _write_feed(p, "-faint", FAINT)
    p.suffix = ""


def _use(p: Planting, at: datetime | None) -> dict[str, Any]:
    tag = p.setting.tag
    return {
        "use_id": p.name("use"),
        "person_id": p.person(),
        "purpose": tag,
        "system": tag,
        "items": tag,
        "used_at": at,
    }


def _write_feed(p: Planting, suffix: str, now: int) -> None:
    """Write a feed of refusals that nobody advertises on: the usual number before the period, and so many in it."""
    days = (p.setting.period.last_day - p.setting.period.first_day).days + 1
    for stretch in range(STRETCHES + 1):
        at = p.setting.noon(p.setting.period.first_day - stretch * days * DAY)
        for _ in range(USUAL if stretch else now):
            row = {"person_id": p.person(), "purpose": p.setting.tag, "channel": "any", "action": "withdraw", "at": at}
            p.add("consent_events", row, suffix)


def probes(setting: Setting) -> tuple[Promise, ...]:
    """Return promises that only ask whether a verdict can be told, and those whose verdict turns on the last case."""
    figures = {
        "requests": f"request_turnaround[regime={setting.policy.company.regime}, kind=all].received",
        "disclosures": "disclosures_by_recipient[recipient=all].disclosures",
        "uses": "consent_gap[purpose=all].occasions",
        "messages": "marketing_messages[month=all, channel=all, campaign=all].messages",
    }
    asked = next((purpose for purpose in setting.policy.purpose if purpose.needs_consent), None)
    if asked is not None:
        channel = (asked.channels or ("any",))[0]
        figures["coverage"] = f"consent_coverage[purpose={asked.id}, channel={channel}, kind=all].people"
    asking = tuple(
        Promise(id=name, clause="", title=name, figure=figure, at_least=0) for name, figure in figures.items()
    )
    return (*asking, *edges(setting))


def _doubted(p: Planting, probe: str, reason: str) -> None:
    p.expect("scorecard", promise=probe, verdict="cannot tell", reason=reason)


def _opt_out(p: Planting, channel: str) -> str:
    person = p.person()
    p.withdraw(person, p.setting.middle, p.setting.marketing.purpose, channel)
    return person


def _list(p: Planting, person: str, system: str, channel: str, **others: Any) -> None:
    row = {"person_id": person, "channel": channel, "system": system, "added_at": p.setting.middle}
    p.add("suppressions", row | others)


def _unlisted(p: Planting, channel: str) -> None:
    p.expect("opt_outs", 1, "not_suppressed", channel=channel)


def _opt_out_that_no_list_has(p: Planting) -> None:
    """An opt-out that no suppression list has."""
    _opt_out(p, "email")
    _unlisted(p, "email")


def _opt_out_missing_in_one_of_two_lists(p: Planting) -> None:
    """An opt-out that one of two sending systems does not list."""
    _list(p, _opt_out(p, "sms"), system_of(p, "sms"), "sms")
    _unlisted(p, "sms")


def _suppression_removed_again(p: Planting) -> None:
    """An opt-out whose suppression was removed again."""
    at = p.setting.as_of - INSTANT
    _list(p, _opt_out(p, "phone"), system_of(p, "phone"), "phone", removed_at=at)
    _unlisted(p, "phone")


def _suppression_on_another_channel(p: Planting) -> None:
    """An opt-out that the system lists for another channel than it sends on."""
    _list(p, _opt_out(p, "post"), system_of(p, "post"), "email")
    _unlisted(p, "post")
    p.grant(_opt_out(p, "post"), p.setting.middle + INSTANT, p.setting.marketing.purpose)


def _slow_suppression(p: Planting) -> None:
    """An opt-out that took 73 hours to reach the list, seen in the waits."""
    _list(p, _opt_out(p, "push"), system_of(p, "push"), "push", added_at=p.setting.middle + 73 * HOUR)
    p.expect("opt_out_waits", 1, "opt_outs", channel="push", hours="73")
    innocent = _opt_out(p, "in_app")
    _list(p, innocent, system_of(p, "in_app"), "any", removed_at=p.setting.as_of)
    p.spare("opt_outs", "opt_outs", 1, channel="in_app")
    p.spare("opt_outs", "not_suppressed", channel="in_app")


def _message_after_the_period(p: Planting) -> None:
    """An opt-out of the period, breached by a message after the period's end."""
    at, purpose = p.setting.middle, p.setting.marketing.purpose
    end = max(p.setting.period.end, p.setting.binds_at(p.setting.marketing.regime, at)[0])
    late, innocent = p.person(), p.person()
    p.withdraw(late, at, purpose, "messenger")
    p.message(late, end + INSTANT, "messenger", p.setting.tag)
    p.expect("opt_outs", 1, "breached", channel="messenger")
    p.withdraw(innocent, at, purpose, "any")
    p.message(innocent, p.setting.as_of, "messenger", p.setting.tag)
    p.spare("opt_outs", "honoured", 1, channel="any")
    p.spare("opt_outs", "breached", channel="any")


def _silent_feed(p: Planting) -> None:
    """A feed of refusals that falls silent: what rests on it cannot be told."""
    if not any(purpose.needs_consent for purpose in p.setting.policy.purpose):
        raise NotApplicable("no purpose of the policy needs consent")
    _write_feed(p, "-silent", FAINT - 1)
    _doubted(p, "coverage", "silent")


def _silent_feed_of_requests(p: Planting) -> None:
    """A feed of requests of one kind that falls silent."""
    days = (p.setting.period.last_day - p.setting.period.first_day).days + 1
    for stretch in range(1, STRETCHES + 1):
        at = p.setting.noon(p.setting.period.first_day - stretch * days * DAY)
        for _ in range(USUAL):
            row = {"request_id": p.name("request"), "person_id": p.person(), "kind": "complaint", "received_at": at}
            p.add("requests", row, "-silent")
    _doubted(p, "requests", "silent")


def _opt_out_in_quarantine(p: Planting) -> None:
    """An opt-out in quarantine: what speaks of opt-outs cannot be told."""
    purpose, limit = p.setting.marketing.purpose, p.setting.policy.company.max_quarantined_ratio
    if limit * p.rows_of("messages", "consent_events", "requests") < 1:
        raise NotApplicable("the policy bears no row in quarantine at all (max_quarantined_ratio)")
    row = {"person_id": p.person(), "purpose": purpose, "channel": "email", "action": "withdraw", "at": "soon"}
    p.add("consent_events", row)
    _doubted(p, "messages", "may be, opt-outs")


def _missing_table(p: Planting) -> None:
    """A table that is not there: what rests on it cannot be told."""
    p.leave_out("contracts")
    _doubted(p, "disclosures", "contracts is missing")


def _too_much_in_quarantine(p: Planting) -> None:
    """More rows in quarantine than the policy bears: what rests on them cannot be told."""
    limit = p.setting.policy.company.max_quarantined_ratio
    if limit > 0.9:
        raise NotApplicable("the policy bears nearly all rows in quarantine (max_quarantined_ratio)")
    rows = p.rows_of("uses", "disclosures", "consent_events")
    for _ in range(math.ceil(limit * rows / (1 - limit)) + 1):
        p.add("uses", _use(p, None))
    _doubted(p, "uses", "in quarantine, more than")


KINDS = (
    *kinds_of(
        "marketing_opt_outs",
        _opt_out_that_no_list_has,
        _opt_out_missing_in_one_of_two_lists,
        _suppression_removed_again,
        _suppression_on_another_channel,
        _slow_suppression,
        _message_after_the_period,
        world="small company",
    ),
    *kinds_of(
        "verdicts",
        _silent_feed,
        _silent_feed_of_requests,
        _opt_out_in_quarantine,
        _missing_table,
        _too_much_in_quarantine,
        world="small company",
    ),
)
