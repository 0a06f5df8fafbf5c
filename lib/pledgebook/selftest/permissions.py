"""Uses without a permission, and permissions that no longer count at as of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pledgebook.period import INSTANT
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Cell, Expected, Planting
from pledgebook.selftest.setting import HOUR, NotApplicable

SHARED = 16
"""The first weight where disclosures on consent stand in the same figure: more than there are of them."""


def _purpose(p: Planting) -> str:
    return p.setting.consent_purpose.id


def _use(p: Planting, person: str, at: datetime, *, is_innocent: bool = False) -> None:
    """Write so many uses that their number, a power of two, tells this case from the others of the purpose."""
    if is_innocent and not (p.setting.holds(at) and p.setting.can_hold(_purpose(p), at)):
        return
    is_shared = p.setting.disclosed_purpose.id == _purpose(p)
    weight = 2 ** len({each.weight for each in p.expected if each.weight}) * (SHARED if is_shared else 1)
    for _ in range(weight):
        row = {"use_id": p.name("use"), "person_id": person, "purpose": _purpose(p), "used_at": at}
        p.add("uses", row | {"system": p.setting.tag, "items": p.setting.tag})
    p.touched.add(("consent_gap", _purpose(p)))
    cell = Cell("consent_gap", (("purpose", _purpose(p)),), "occasions", "granted")
    p.expected.append(Expected(p.kind, cell, 0 if is_innocent else weight, is_innocent, weight))


def _use_never_consented(p: Planting) -> None:
    """A use of the data of somebody who never answered."""
    _use(p, p.person(), p.setting.middle)


def _use_after_withdrawal(p: Planting) -> None:
    """A use at the instant at which the consent was taken back."""
    person, at = p.person(), p.setting.middle
    p.grant(person, at - HOUR, _purpose(p))
    p.withdraw(person, at, _purpose(p))
    _use(p, person, at)
    _use(p, person, at - INSTANT, is_innocent=True)


def _use_before_consent(p: Planting) -> None:
    """A use one microsecond before the consent: consent after the fact."""
    person, at = p.person(), p.setting.middle
    p.grant(person, at, _purpose(p))
    _use(p, person, at - INSTANT)
    _use(p, person, at, is_innocent=True)


def _use_on_expired_consent(p: Planting) -> None:
    """A use at the instant at which the consent runs out."""
    person, at = p.person(), p.setting.middle
    p.grant(person, at - HOUR, _purpose(p), expires_at=at)
    _use(p, person, at)


def _use_on_consent_for_a_recipient(p: Planting) -> None:
    """A use inside the company on a consent that was given for somebody else's."""
    person, recipient = p.person(), p.name("recipient")
    p.add("recipients", {"recipient": recipient, "name": "Selftest", "kind": "group", "country": "JP"})
    p.grant(person, p.before, _purpose(p), recipient=recipient)
    _use(p, person, p.setting.middle)


def _use_on_consent_for_one_channel(p: Planting) -> None:
    """A use on a consent that speaks of one channel only."""
    person = p.person()
    p.grant(person, p.before, _purpose(p), "email")
    _use(p, person, p.setting.middle)


def _covered(p: Planting, state: str, person: str) -> None:
    """Expect a person of the covered kind in a state of consent, on the purpose's first channel."""
    purpose, kind = p.setting.consent_purpose, p.setting.covered_kind
    channel = (purpose.channels or ("any",))[0]
    groups = (("channel", channel), ("kind", kind), ("purpose", purpose.id))
    p.touched.add(("consent_coverage", kind))
    p.expected.append(Expected(p.kind, Cell("consent_coverage", groups, state), 1, state == "granted"))
    p.person(kind=kind, person=person)


def _counted(p: Planting, state: str, at: datetime, **others: Any) -> str:
    person = p.name("person")
    p.grant(person, at, _purpose(p), **others)
    _covered(p, state, person)
    return person


def _lapse(p: Planting) -> datetime:
    """An hour before as of: a consent given then holds, where the policy lets any hold."""
    if not p.setting.can_hold(_purpose(p), p.setting.as_of):
        raise NotApplicable(f"no consent to {_purpose(p)} holds for a day")
    return p.setting.as_of - HOUR


def _expired_consent_counted_as_coverage(p: Planting) -> None:
    """A consent that ran out in the last microsecond before as of, and is not to count as coverage."""
    at = _lapse(p)
    _counted(p, "expired", at, expires_at=p.setting.as_of - INSTANT)
    _counted(p, "granted", at, expires_at=p.setting.as_of)


def _withdrawn_consent_counted_as_coverage(p: Planting) -> None:
    """A consent taken back in the last microsecond before as of, and not to count as coverage."""
    at = _lapse(p)
    p.withdraw(_counted(p, "withdrawn", at), p.setting.as_of - INSTANT, _purpose(p))
    p.withdraw(_counted(p, "granted", at), p.setting.as_of, _purpose(p))


def _outdated_consent_counted_as_coverage(p: Planting) -> None:
    """A consent to a notice that is not valid, and is not to count as coverage."""
    if p.setting.consent_purpose.notice_versions is None:
        raise NotApplicable(f"the policy lists no notice versions for {_purpose(p)}")
    _counted(p, "outdated", _lapse(p), notice_version=p.name("notice"))


def _silence_counted_as_coverage(p: Planting) -> None:
    """Somebody who never answered, and is not to count as coverage."""
    _covered(p, "never_asked", p.name("person"))


KINDS = kinds_of(
    "consent_coverage",
    _use_never_consented,
    _use_after_withdrawal,
    _use_before_consent,
    _use_on_expired_consent,
    _use_on_consent_for_a_recipient,
    _use_on_consent_for_one_channel,
    _expired_consent_counted_as_coverage,
    _withdrawn_consent_counted_as_coverage,
    _outdated_consent_counted_as_coverage,
    _silence_counted_as_coverage,
)
