"""Planted breaches of what was promised about advertising."""

from __future__ import annotations

from pledgebook.sample.clock import DAY, EARLIER_MONTHS, HOUR, LAST_MONTH, Month
from pledgebook.sample.company import IGNORANT
from pledgebook.sample.planting import Breach, Planting

SENT = "marketing_messages"


def _message_after_opt_out(p: Planting, person: int, month: Month) -> None:
    at = p.draw(month, 2, 12)
    channel = "email" if p.rng.random() < 0.5 else "any"
    p.grant(person, month.start - 200 * DAY)
    p.refuse(person, at, channel)
    _breach(
        p,
        "message_after_opt_out",
        person,
        at + int(p.rng.integers(2 * DAY, 15 * DAY)),
        "no by preference page",
    )


def _message_after_grace(p: Planting, person: int, month: Month) -> None:
    p.grant(person, month.start - 200 * DAY)
    p.refuse(person, month.start + 30 * HOUR, "email")
    _breach(p, "message_after_grace", person, p.draw(month, 22, 27), "ten US business days are over")


def _breach(p: Planting, kind: str, person: int, sent_at: int, detail: str) -> None:
    key = p.advertise(person, sent_at)
    p.expect(kind, "messages", key, f"{SENT}.after_opt_out", detail)
    p.expect(kind, "consent_events", p.person_ids[person], "opt_outs.breached", detail)


def _message_in_grace(p: Planting, person: int, month: Month) -> None:
    """No breach: US law gives ten business days."""
    p.grant(person, month.start - 200 * DAY)
    at = p.refuse(person, p.draw(month, 3, 18), "email")
    p.advertise(person, at + int(p.rng.integers(DAY, 5 * DAY)))


def _message_after_request(p: Planting, person: int, month: Month) -> None:
    kind, received = "message_after_opt_out_request", p.draw(month, 2, 12) | 1
    p.grant(person, month.start - 150 * DAY)
    request = p.request(person, "marketing_opt_out", received, received + 1_200, verified_at=None)
    p.suppress(person, received, "any")
    key = p.advertise(person, received + int(p.rng.integers(2 * DAY, 15 * DAY)), "member_offer")
    p.expect(kind, "messages", key, f"{SENT}.after_opt_out", "no by request")
    p.expect(kind, "requests", request, "opt_outs.breached", "a message followed the request")


def _message_of_ignorant_campaign(p: Planting, person: int, month: Month) -> None:
    p.grant(person, month.start - 400 * DAY)
    p.refuse(person, p.draw(EARLIER_MONTHS[int(p.rng.integers(3, len(EARLIER_MONTHS)))], 3, 20))
    sent_at = IGNORANT.starts_at + int(p.rng.integers(10 * HOUR, 17 * HOUR))
    key = p.advertise(person, sent_at, IGNORANT.name)
    detail = "the campaign ignored its suppression list"
    p.expect("campaign_ignored_suppression", "messages", key, f"{SENT}.after_opt_out", detail)


def _message_never_asked(p: Planting, person: int, month: Month) -> None:
    key = p.advertise(person, p.draw(month, 2, 27))
    p.expect("message_without_consent", "messages", key, f"{SENT}.no_consent", "never asked")


def _message_on_expired(p: Planting, person: int, month: Month) -> None:
    at = p.draw(month, 2, 27)
    if p.rng.random() < 0.5:
        p.grant(person, at - int(p.rng.integers(735, 1_000)) * DAY)
        detail = "older than 730 days"
    else:
        p.grant(person, at - 100 * DAY, expires_at=at - int(p.rng.integers(1, 20)) * DAY)
        detail = "expiry of its own"
    p.expect("message_on_expired_consent", "messages", p.advertise(person, at), f"{SENT}.expired", detail)


def _message_on_outdated(p: Planting, person: int, month: Month) -> None:
    p.grant(person, LAST_MONTH.start - 560 * DAY)
    key = p.advertise(person, p.draw(month, 2, 27), "member_offer")
    p.expect(
        "message_on_outdated_notice",
        "messages",
        key,
        f"{SENT}.outdated",
        "notice 2023-04 was replaced",
    )


def _opt_out_not_suppressed(p: Planting, person: int, month: Month) -> None:
    p.grant(person, month.start - 90 * DAY)
    p.refuse(person, p.draw(month, 3, 25), "email", without="kaze_mailer")
    where = "opt_outs.not_suppressed"
    p.expect(
        "opt_out_not_suppressed",
        "consent_events",
        p.person_ids[person],
        where,
        "kaze_mailer has no entry",
    )


MARKETING_BREACHES = (
    Breach(_message_after_opt_out),
    Breach(_message_after_grace, region="US-CA"),
    Breach(_message_in_grace, region="US-CA"),
    Breach(_message_after_request, region="JP-27"),
    Breach(_message_of_ignorant_campaign, region="JP-14", months=(LAST_MONTH,)),
    Breach(_message_never_asked, region="JP-23"),
    Breach(_message_on_expired),
    Breach(_message_on_outdated, region="JP-40"),
    Breach(_opt_out_not_suppressed, region="JP-01"),
)
