"""Advertising after a no, in its varieties."""

from __future__ import annotations

from datetime import date, datetime, timedelta, timezone

from pledgebook.period import INSTANT
from pledgebook.selftest.advertising import agree, caught, refuse, refused, send, spared
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.setting import DAY, HOUR, NotApplicable

GRACE_DAYS = 10
WIDE = {sign: sign + 0xFEE0 for sign in range(0x21, 0x7F)}
"""From ASCII to the full-width letters that Japanese keyboards write."""


def _message_just_after_opt_out(p: Planting) -> None:
    """A message one microsecond after an opt-out is effective."""
    channel = p.setting.channels[0]
    person, _, binds_at = refused(p, channel)
    caught(p, "after_opt_out", person, binds_at + INSTANT, channel)
    spared(p, "in_grace", person, binds_at, channel)
    service, campaign = send(p, person, binds_at + HOUR, channel, category="service", system="selftest")
    p.spare("marketing_messages", "messages", campaign=campaign)
    p.spare("opt_out_breaches", message_id=service)


def _message_after_opt_out_of_all_channels(p: Planting) -> None:
    """A message on one channel, one microsecond after an opt-out of all channels."""
    person, _, binds_at = refused(p, "any")
    caught(p, "after_opt_out", person, binds_at + INSTANT, p.setting.channels[1])


def _message_after_denied_opt_out_request(p: Planting) -> None:
    """A message after a request to stop advertising, although the request was denied."""
    at, binds_at = p.setting.refusal
    person = agree(p, at - HOUR)
    p.request(person, "marketing_opt_out", at, at + INSTANT, outcome="denied")
    p.touched.add(("request_turnaround", p.setting.policy.company.regime, "marketing_opt_out"))
    p.count_opt_out(at)
    caught(p, "after_opt_out", person, binds_at + INSTANT, p.setting.channels[0])
    spared(p, "permitted", person, at - INSTANT, p.setting.channels[0])


def _message_after_opt_out_on_unknown_channel(p: Planting) -> None:
    """A message after an opt-out whose channel is not in the list, so that it holds for all."""
    person, _, binds_at = refused(p, "fax")
    p.note("consent_events", "channel_assumed")
    caught(p, "after_opt_out", person, binds_at + INSTANT, p.setting.channels[1])


def _message_after_opt_out_without_channel(p: Planting) -> None:
    """A message after an opt-out whose channel is empty, so that it holds for all."""
    person, _, binds_at = refused(p, None)
    p.note("consent_events", "channel_assumed")
    caught(p, "after_opt_out", person, binds_at + INSTANT, p.setting.channels[0])


def _message_after_second_opt_out(p: Planting) -> None:
    """A message after somebody opted out, agreed again, and opted out again."""
    at, binds_at = p.setting.refusal
    channel = p.setting.channels[0]
    person = agree(p, at - 3 * HOUR)
    refuse(p, person, at - 2 * HOUR, channel)
    p.grant(person, at - HOUR, p.setting.marketing.purpose, channel)
    refuse(p, person, at, channel)
    caught(p, "after_opt_out", person, binds_at + INSTANT, channel)
    spared(p, "permitted", person, at - HOUR, channel)


def _message_on_channel_not_granted_again(p: Planting) -> None:
    """A message on a channel that a person who opted out of all has not granted again."""
    first, second = p.setting.channels[:2]
    person, at, binds_at = refused(p, "any")
    p.grant(person, at + INSTANT, p.setting.marketing.purpose, first)
    caught(p, "after_opt_out", person, binds_at + 2 * INSTANT, second)
    spared(p, "permitted", person, at + INSTANT, first)


def _message_to_further_id(p: Planting) -> None:
    """A message to another address of a person who opted out under the first."""
    channel = p.setting.channels[0]
    person, _, binds_at = refused(p, channel)
    caught(p, "after_opt_out", p.further_id(person), binds_at + INSTANT, channel)


def _message_after_opt_out_under_further_id(p: Planting) -> None:
    """A message to a person who opted out under another address."""
    at, binds_at = p.setting.refusal
    channel = p.setting.channels[0]
    person = agree(p, at - HOUR)
    refuse(p, p.further_id(person), at, channel)
    caught(p, "after_opt_out", person, binds_at + INSTANT, channel)


def _message_to_same_address_in_other_letters(p: Planting) -> None:
    """A message to an address written in capitals, after an opt-out in small letters."""
    at, binds_at = p.setting.refusal
    channel = p.setting.channels[0]
    person = p.person(person=f"{p.name('address')}@selftest.invalid")
    refuse(p, person, at, channel)
    caught(p, "after_opt_out", f" {person.upper()} ", binds_at + INSTANT, channel)


def _message_to_same_address_in_wide_letters(p: Planting) -> None:
    """A message to an address written in full-width letters, after an opt-out in plain ones."""
    at, binds_at = p.setting.refusal
    channel = p.setting.channels[0]
    person = p.person(person=f"{p.name('address')}@selftest.invalid")
    refuse(p, person, at, channel)
    caught(p, "after_opt_out", person.translate(WIDE), binds_at + INSTANT, channel)


def _opt_out_and_consent_at_one_instant(p: Planting) -> None:
    """A message after an opt-out and a consent at the very same instant: the opt-out wins."""
    channel = p.setting.channels[0]
    purpose = p.setting.marketing.purpose
    person, at, binds_at = refused(p, channel)
    p.grant(person, at, purpose, channel)
    caught(p, "after_opt_out", person, binds_at + INSTANT, channel)
    other, at, _ = refused(p, channel)
    p.grant(other, at + INSTANT, purpose, channel)
    spared(p, "permitted", other, at + INSTANT, channel)


def _message_in_first_instant_of_period(p: Planting) -> None:
    """A message after an opt-out, in the very first instant of the period."""
    channel, start = p.setting.channels[0], p.setting.period.start
    person = agree(p, start - 61 * DAY)
    refuse(p, person, start - 60 * DAY, channel)
    caught(p, "after_opt_out", person, start, channel)
    _, campaign = send(p, person, start - INSTANT, channel)
    p.spare("marketing_messages", "messages", campaign=campaign)


def _message_in_last_instant_of_period(p: Planting) -> None:
    """A message after an opt-out, in the very last microsecond of the period."""
    channel, start, end = p.setting.channels[0], p.setting.period.start, p.setting.period.end
    person = agree(p, start - 61 * DAY)
    refuse(p, person, start - 60 * DAY, channel)
    caught(p, "after_opt_out", person, end - INSTANT, channel)
    _, campaign = send(p, person, end, channel)
    p.spare("marketing_messages", "messages", campaign=campaign)


def _message_written_by_another_clock(p: Planting) -> None:
    """A message after an opt-out, its time written in another timezone, so that it looks earlier."""
    channel = p.setting.channels[0]
    person, _, binds_at = refused(p, channel)
    at = binds_at + INSTANT
    written = at.astimezone(timezone(timedelta(hours=-11))).isoformat(timespec="microseconds")
    caught(p, "after_opt_out", person, at, channel, written=written)


def _message_after_grace(p: Planting, regime: str) -> None:
    region, channel = _under(p, regime)
    holds = p.setting.holds
    ends = {day: p.setting.midnight(_last_day_of_grace(day) + DAY) for day in _days_before(p)}
    inside = {day: end for day, end in ends.items() if holds(end) and holds(end + INSTANT)}
    if not inside:
        raise NotApplicable(f"no grace of {regime} ends inside the period")
    day, end = max(inside.items(), key=lambda pair: pair[1] - p.setting.midnight(pair[0]))
    person = p.person(region)
    refuse(p, person, p.setting.noon(day), channel)
    caught(p, "after_opt_out", person, end + INSTANT, channel)
    spared(p, "in_grace", person, end, channel)
    spared(p, "in_grace", person, end - HOUR, channel)


def _message_after_grace_of_can_spam(p: Planting) -> None:
    """A message one microsecond after the ten business days of CAN-SPAM, weekends and holidays left out."""
    _message_after_grace(p, "CAN_SPAM")


def _message_after_grace_of_tcpa(p: Planting) -> None:
    """A message one microsecond after the ten business days of the TCPA, weekends and holidays left out."""
    _message_after_grace(p, "TCPA")


def _message_after_grace_of_another_law(p: Planting) -> None:
    """A message one microsecond after the grace of another law that the policy names."""
    named = {regime: place for regime, place in _regimes(p).items() if p.setting.grace(regime)}
    for regime, (region, channel) in named.items():
        if regime in ("CAN_SPAM", "TCPA"):
            continue
        at, binds_at = p.setting.refusal_under(regime)
        person = p.person(region)
        refuse(p, person, at, channel)
        caught(p, "after_opt_out", person, binds_at + INSTANT, channel)
        spared(p, "in_grace", person, binds_at, channel)
        return
    raise NotApplicable("the policy names no other marketing law that gives days of grace")


def _regimes(p: Planting) -> dict[str, tuple[str | None, str]]:
    """The marketing laws of the policy, each with a region and a channel that bring it."""
    regions = [None, *p.setting.marketing.by_region]
    places = [(region, channel) for region in regions for channel in p.setting.channels]
    return {p.setting.marketing.regime_for(*place): place for place in reversed(places)}


def _under(p: Planting, regime: str) -> tuple[str | None, str]:
    place = _regimes(p).get(regime)
    if place is None:
        raise NotApplicable(f"the policy puts no region under {regime}")
    return place


def _days_before(p: Planting) -> list[date]:
    days = (p.setting.period.last_day - p.setting.period.first_day).days + 30
    return [p.setting.period.last_day - back * DAY for back in range(days)]


def _last_day_of_grace(refused_on: date) -> date:
    """The tenth day after it that is Monday to Friday and no US federal holiday, counted one by one."""
    from holidays import country_holidays  # noqa: PLC0415

    closed = country_holidays("US", years=range(refused_on.year, refused_on.year + 2), observed=True)
    day, left = refused_on, GRACE_DAYS
    while left:
        day += DAY
        left -= day.weekday() < 5 and day not in closed
    return day


def _message_without_a_system(p: Planting) -> None:
    """A message whose sending system nobody recorded, so that no suppression list can be held against it."""
    at: datetime = p.setting.middle
    _, campaign = send(p, agree(p, at - HOUR), at, p.setting.channels[0])
    p.expect("marketing_messages", 1, "messages", campaign=campaign)
    p.expect("notes", 0, "rows", table="messages", note="no_system")


KINDS = kinds_of(
    "marketing_opt_outs",
    _message_just_after_opt_out,
    _message_after_opt_out_of_all_channels,
    _message_after_denied_opt_out_request,
    _message_after_opt_out_on_unknown_channel,
    _message_after_opt_out_without_channel,
    _message_after_second_opt_out,
    _message_on_channel_not_granted_again,
    _message_to_further_id,
    _message_after_opt_out_under_further_id,
    _message_to_same_address_in_other_letters,
    _message_to_same_address_in_wide_letters,
    _opt_out_and_consent_at_one_instant,
    _message_in_first_instant_of_period,
    _message_in_last_instant_of_period,
    _message_written_by_another_clock,
    _message_after_grace_of_can_spam,
    _message_after_grace_of_tcpa,
    _message_after_grace_of_another_law,
    _message_without_a_system,
)
