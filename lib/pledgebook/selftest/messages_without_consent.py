"""Advertising to people who did not agree, or whose consent holds no longer."""

from __future__ import annotations

from datetime import datetime

from pledgebook.period import INSTANT
from pledgebook.policy import NoticeVersion
from pledgebook.selftest.advertising import agree, caught, spared
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.setting import DAY, HOUR, NotApplicable


def _message_to_somebody_never_asked(p: Planting) -> None:
    """A message to somebody who never answered."""
    p.setting.check_opt_in()
    caught(p, "no_consent", p.person(), p.setting.middle, p.setting.channels[0])


def _message_before_consent(p: Planting) -> None:
    """A message one microsecond before the consent: consent after the fact."""
    p.setting.check_opt_in()
    at, channel = p.setting.middle, p.setting.channels[0]
    caught(p, "no_consent", agree(p, at + INSTANT), at, channel)
    spared(p, "permitted", agree(p, at), at, channel)


def _message_on_another_channel_than_granted(p: Planting) -> None:
    """A message on another channel than the one that was agreed to."""
    p.setting.check_opt_in()
    first, second = p.setting.channels[:2]
    person = agree(p, p.before, first)
    caught(p, "no_consent", person, p.setting.middle, second)
    spared(p, "permitted", person, p.setting.middle, first)


def _message_on_consent_for_another_purpose(p: Planting) -> None:
    """A message to somebody who agreed to another purpose."""
    p.setting.check_opt_in()
    person = p.person()
    p.grant(person, p.before, next((i for i in p.setting.policy.purposes if i != _purpose(p)), p.name("purpose")))
    caught(p, "no_consent", person, p.setting.middle, p.setting.channels[0])


def _message_on_consent_for_a_recipient(p: Planting) -> None:
    """A message to somebody who agreed to the advertising of another body only."""
    p.setting.check_opt_in()
    recipient = p.name("recipient")
    p.add("recipients", {"recipient": recipient, "name": "Selftest", "kind": "group", "country": "JP"})
    caught(p, "no_consent", agree(p, p.before, recipient=recipient), p.setting.middle, p.setting.channels[0])


def _purpose(p: Planting) -> str:
    return p.setting.marketing.purpose


def _message_on_consent_that_expires_then(p: Planting) -> None:
    """A message at the instant at which the consent runs out."""
    at, channel = p.setting.middle, p.setting.channels[0]
    person = agree(p, at - HOUR, expires_at=at)
    caught(p, "expired", person, at, channel)
    spared(p, "permitted", person, at - INSTANT, channel)


def _message_on_consent_older_than_promised(p: Planting) -> None:
    """A message at the instant at which a consent is as old as the policy lets it be."""
    days = p.setting.policy.purposes[_purpose(p)].valid_days
    if days is None:
        raise NotApplicable("the policy lets a consent to advertising hold for ever (no valid_days)")
    at, channel = p.setting.middle, p.setting.channels[0]
    person = agree(p, at - days * DAY)
    caught(p, "expired", person, at, channel)
    spared(p, "permitted", person, at - INSTANT, channel)


def _notices(p: Planting) -> tuple[NoticeVersion, ...]:
    declared = p.setting.policy.purposes[_purpose(p)]
    if declared.notice_versions is None:
        raise NotApplicable("the policy lists no notice versions for advertising")
    if declared.valid_days is not None and declared.valid_days < 2:
        raise NotApplicable("a consent to advertising expires before its notice can age")
    return declared.notice_versions


def _message_on_replaced_notice(p: Planting) -> None:
    """A message on a consent to a notice that is no longer valid."""
    ended = [notice for notice in _notices(p) if _ends(p, notice) and _ends(p, notice) <= p.setting.middle]
    if not ended:
        raise NotApplicable("no notice of the policy had ended by the middle of the period")
    person = agree(p, p.before, notice_version=ended[-1].id)
    caught(p, "outdated", person, p.setting.middle, p.setting.channels[0])


def _ends(p: Planting, notice: NoticeVersion) -> datetime:
    return p.setting.as_of if notice.valid_until is None else p.setting.midnight(notice.valid_until)


def _message_at_the_midnight_that_ends_a_notice(p: Planting) -> None:
    """A message at the very midnight from which a notice is no longer valid."""
    channel = p.setting.channels[0]
    for notice in _notices(p):
        at = _ends(p, notice)
        if p.setting.holds(at):
            person = agree(p, at - HOUR, notice_version=notice.id)
            caught(p, "outdated", person, at, channel)
            if p.setting.holds(at - INSTANT):
                spared(p, "permitted", person, at - INSTANT, channel)
            return
    raise NotApplicable("no notice of the policy ends inside the period")


def _message_on_unlisted_notice(p: Planting) -> None:
    """A message on a consent to a notice that the policy does not list."""
    _notices(p)
    person = agree(p, p.before, notice_version=p.name("notice"))
    caught(p, "outdated", person, p.setting.middle, p.setting.channels[0])


def _message_on_consent_without_notice(p: Planting) -> None:
    """A message on a consent that does not say which notice was shown."""
    _notices(p)
    person = agree(p, p.before, notice_version=None)
    caught(p, "outdated", person, p.setting.middle, p.setting.channels[0])


def _message_on_two_consents_of_which_one_ran_out(p: Planting) -> None:
    """A message on two consents of one instant, one of which has run out: the weakest proof counts."""
    at, channel = p.setting.middle, p.setting.channels[0]
    person = agree(p, at - HOUR, expires_at=at)
    p.grant(person, at - HOUR, _purpose(p), "any")
    caught(p, "expired", person, at, channel)
    spared(p, "permitted", person, at - INSTANT, channel)


def _message_on_two_consents_of_which_one_is_outdated(p: Planting) -> None:
    """A message on two consents of one instant, one of them to a notice that the policy does not list."""
    _notices(p)
    person = agree(p, p.before)
    p.grant(person, p.before, _purpose(p), "any", notice_version=p.name("notice"))
    caught(p, "outdated", person, p.setting.middle, p.setting.channels[0])


KINDS = kinds_of(
    "marketing_opt_outs",
    _message_to_somebody_never_asked,
    _message_before_consent,
    _message_on_another_channel_than_granted,
    _message_on_consent_for_another_purpose,
    _message_on_consent_for_a_recipient,
    _message_on_consent_that_expires_then,
    _message_on_consent_older_than_promised,
    _message_on_replaced_notice,
    _message_at_the_midnight_that_ends_a_notice,
    _message_on_unlisted_notice,
    _message_on_consent_without_notice,
    _message_on_two_consents_of_which_one_ran_out,
    _message_on_two_consents_of_which_one_is_outdated,
)
