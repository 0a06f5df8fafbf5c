"""Uses and disclosures without a permission, and permissions that do not count at as of."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pledgebook.period import INSTANT
from pledgebook.selftest.disclosures import disclose, recipient_of
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Cell, Expected, Planting
from pledgebook.selftest.setting import HOUR, NotApplicable

SHARED = 16
"""The first weight where disclosures on consent stand in the same figure: more than there are of them."""


def _purpose(p: Planting) -> str:
    return p.setting.consent_purpose.id


def _times(p: Planting, *, is_innocent: bool = False) -> range:
    """How often an occasion is written: its number, a power of two, tells this case from the others of the purpose."""
    is_shared = p.setting.disclosed_purpose.id == _purpose(p)
    weight = 2 ** len({each.weight for each in p.expected if each.weight}) * (SHARED if is_shared else 1)
    p.touched.add(("consent_gap", _purpose(p)))
    cell = Cell("consent_gap", (("purpose", _purpose(p)),), "occasions", "granted")
    p.expected.append(Expected(p.kind, cell, 0 if is_innocent else weight, is_innocent, weight))
    return range(weight)


def _use(p: Planting, person: str, at: datetime, *, is_innocent: bool = False) -> None:
    """Write uses of the purpose; an innocent one only where it lies in the period and a consent can hold."""
    if is_innocent and not (p.setting.holds(at) and p.setting.can_hold(_purpose(p), at)):
        return
    for _ in _times(p, is_innocent=is_innocent):
        row = {"use_id": p.name("use"), "person_id": person, "purpose": _purpose(p), "used_at": at}
        p.add("uses", row | {"system": p.setting.tag, "items": p.setting.tag})


def _disclosure_counted_as_permitted(p: Planting) -> None:
    """A disclosure on a consent that nobody gave, among the occasions on which permission was needed."""
    person, recipient = p.person(), recipient_of(p)
    for _ in _times(p):
        disclose(p, person, p.setting.middle, recipient, "consent", purpose=_purpose(p))


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


def _cell(p: Planting, kind: str, column: str) -> Cell:
    """A figure of coverage of a kind of people, on the purpose's first channel."""
    purpose = p.setting.consent_purpose
    groups = (("channel", (purpose.channels or ("any",))[0]), ("kind", kind), ("purpose", purpose.id))
    return Cell("consent_coverage", groups, column)


def _covered(p: Planting, state: str, person: str) -> None:
    """Expect a person of the covered kind in a state of consent."""
    kind = p.setting.covered_kind
    p.expected.append(Expected(p.kind, _cell(p, kind, state), 1, state == "granted"))
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


def _there(p: Planting, *, is_counted: bool, **others: datetime) -> None:
    """Write somebody who agreed, and who is or is not there one microsecond before as of."""
    at, person = _lapse(p), p.name("person")
    p.grant(person, at, _purpose(p))
    row = {"person_id": person, "kind": p.setting.covered_kind, "opened_at": at - HOUR}
    p.add("people", row | others)
    p.expected.append(Expected(p.kind, _cell(p, p.setting.covered_kind, "granted"), int(is_counted), is_counted))


def _somebody_who_left_counted_as_coverage(p: Planting) -> None:
    """Somebody who agreed and left in the last microsecond before as of, and is not to count as coverage."""
    _there(p, is_counted=False, closed_at=p.setting.as_of - INSTANT)
    _there(p, is_counted=True, closed_at=p.setting.as_of)


def _somebody_not_yet_there_counted_as_coverage(p: Planting) -> None:
    """Somebody who agreed and comes at as of, and is not to count as coverage yet."""
    _there(p, is_counted=False, opened_at=p.setting.as_of)
    _there(p, is_counted=True, opened_at=p.setting.as_of - INSTANT)


def _somebody_of_another_kind_counted_as_coverage(p: Planting) -> None:
    """Somebody of a kind to whom the purpose does not apply, and who is not to count as coverage."""
    kinds = p.setting.consent_purpose.kinds
    if kinds is None or p.setting.other_kind in kinds:
        raise NotApplicable(f"{_purpose(p)} applies to people of every kind")
    p.grant(p.person(), _lapse(p), _purpose(p))
    p.expected.append(Expected(p.kind, _cell(p, p.setting.other_kind, "people"), 0))


KINDS = kinds_of(
    "consent_coverage",
    _disclosure_counted_as_permitted,
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
    _somebody_who_left_counted_as_coverage,
    _somebody_not_yet_there_counted_as_coverage,
    _somebody_of_another_kind_counted_as_coverage,
)
