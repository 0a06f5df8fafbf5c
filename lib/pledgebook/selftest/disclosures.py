"""Disclosures that must be found, each to a recipient of its own."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from pledgebook.period import INSTANT
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.setting import DAY, HOUR, NotApplicable


def recipient_of(p: Planting) -> str:
    """Write a recipient into the register; return its label."""
    recipient = p.name("recipient")
    p.add("recipients", {"recipient": recipient, "name": "Selftest", "kind": "processor", "country": "JP"})
    return recipient


def contract(p: Planting, recipient: str, starts_on: date, ends_on: date | None, **others: bool) -> None:
    """Write a sound contract, but for what `others` says."""
    row = {"contract_id": p.name("contract"), "recipient": recipient, "starts_on": starts_on, "ends_on": ends_on}
    p.add("contracts", row | {"is_confidential": True, "is_equal_standard": True} | others)


def disclose(p: Planting, person: str, at: datetime, recipient: str, basis: str, **others: Any) -> str:
    """Write a disclosure with its record; return its id."""
    key = p.name("disclosure")
    row = {"disclosure_id": key, "person_id": person, "recipient": recipient, "basis": basis, "disclosed_at": at}
    purpose = p.setting.disclosed_purpose.id
    usual = {"purpose": purpose, "items": p.setting.tag, "legal_reference": "Art. 1", "is_recorded": True}
    p.add("disclosures", row | usual | others)
    return key


def _caught(p: Planting, finding: str, person: str, at: datetime, recipient: str, basis: str, **others: Any) -> None:
    key = disclose(p, person, at, recipient, basis, **others)
    p.expect("disclosures_by_recipient", 1, finding, recipient=recipient)
    p.expect("disclosure_findings", disclosure_id=key, finding=finding)


def _spared(p: Planting, person: str, at: datetime, recipient: str, basis: str, **others: Any) -> None:
    if p.setting.holds(at):
        key = disclose(p, person, at, recipient, basis, **others)
        p.spare("disclosures_by_recipient", "in_order", 1, recipient=recipient)
        p.spare("disclosure_findings", disclosure_id=key)


def _purpose(p: Planting) -> str:
    return p.setting.disclosed_purpose.id


def _spared_on_consent(p: Planting, person: str, at: datetime, recipient: str) -> None:
    if p.setting.can_hold(_purpose(p), at):
        _spared(p, person, at, recipient, "consent")


def _disclosure_to_unknown_recipient(p: Planting) -> None:
    """A disclosure to a body that is not in the register."""
    _caught(p, "unknown_recipient", p.person(), p.setting.middle, p.name("recipient"), "law")
    p.note("disclosures", "orphan_recipient")


def _disclosure_on_unknown_basis(p: Planting) -> None:
    """A disclosure on a ground that is not in the list."""
    _caught(p, "unknown_basis", p.person(), p.setting.middle, recipient_of(p), "verbal agreement")


def _disclosure_never_consented(p: Planting) -> None:
    """A disclosure on consent of somebody who never answered."""
    _caught(p, "no_consent", p.person(), p.setting.middle, recipient_of(p), "consent")


def _disclosure_on_consent_for_another_recipient(p: Planting) -> None:
    """A disclosure on a consent that names another recipient."""
    person, named = p.person(), recipient_of(p)
    p.grant(person, p.before, _purpose(p), recipient=named)
    _caught(p, "no_consent", person, p.setting.middle, recipient_of(p), "consent")
    _spared_on_consent(p, person, p.setting.middle, named)


def _disclosure_on_consent_for_another_purpose(p: Planting) -> None:
    """A disclosure on a consent to another purpose."""
    person = p.person()
    p.grant(person, p.before, p.name("purpose"))
    _caught(p, "no_consent", person, p.setting.middle, recipient_of(p), "consent")


def _disclosure_on_consent_for_one_channel(p: Planting) -> None:
    """A disclosure on a consent that speaks of one channel only."""
    person = p.person()
    p.grant(person, p.before, _purpose(p), "email")
    _caught(p, "no_consent", person, p.setting.middle, recipient_of(p), "consent")


def _disclosure_before_consent(p: Planting) -> None:
    """A disclosure one microsecond before the consent: consent after the fact."""
    person, innocent, at = p.person(), p.person(), p.setting.middle
    p.grant(person, at + INSTANT, _purpose(p))
    _caught(p, "no_consent", person, at, recipient_of(p), "consent")
    p.grant(innocent, at, _purpose(p))
    _spared_on_consent(p, innocent, at, recipient_of(p))


def _disclosure_after_withdrawal(p: Planting) -> None:
    """A disclosure at the instant at which the consent was taken back."""
    person, at = p.person(), p.setting.middle
    p.grant(person, at - HOUR, _purpose(p))
    p.withdraw(person, at, _purpose(p))
    _caught(p, "no_consent", person, at, recipient_of(p), "consent")
    _spared_on_consent(p, person, at - INSTANT, recipient_of(p))


def _disclosure_on_expired_consent(p: Planting) -> None:
    """A disclosure at the instant at which the consent runs out."""
    person, at = p.person(), p.setting.middle
    p.grant(person, at - HOUR, _purpose(p), expires_at=at)
    _caught(p, "no_consent", person, at, recipient_of(p), "consent")
    _spared_on_consent(p, person, at - INSTANT, recipient_of(p))


def _disclosure_without_contract(p: Planting) -> None:
    """Work given to a body with no contract at all."""
    _caught(p, "no_contract", p.person(), p.setting.middle, recipient_of(p), "entrustment")


def _joint_use_without_contract(p: Planting) -> None:
    """Joint use with a body with no contract at all."""
    _caught(p, "no_contract", p.person(), p.setting.middle, recipient_of(p), "joint_use")


def _disclosure_on_the_day_after_a_contract(p: Planting) -> None:
    """Work given on the day after the contract's last."""
    last, recipient = p.setting.day(p.setting.middle), recipient_of(p)
    contract(p, recipient, last - 365 * DAY, last - DAY)
    _caught(p, "no_contract", p.person(), p.setting.midnight(last), recipient, "entrustment")
    innocent = recipient_of(p)
    contract(p, innocent, last - 365 * DAY, last)
    _spared(p, p.person(), p.setting.midnight(last + DAY) - INSTANT, innocent, "entrustment")


def _disclosure_on_the_day_before_a_contract(p: Planting) -> None:
    """Work given in the last microsecond before the contract's first day."""
    first, recipient = p.setting.day(p.setting.middle), recipient_of(p)
    contract(p, recipient, first + DAY, None)
    _caught(p, "no_contract", p.person(), p.setting.midnight(first + DAY) - INSTANT, recipient, "entrustment")
    innocent = recipient_of(p)
    contract(p, innocent, first, None)
    _spared(p, p.person(), p.setting.midnight(first), innocent, "entrustment")


def _contract_without_confidentiality(p: Planting) -> None:
    """Work given under a contract that does not promise confidentiality."""
    recipient = recipient_of(p)
    contract(p, recipient, date(2000, 1, 1), None, is_confidential=False)
    _caught(p, "no_contract", p.person(), p.setting.middle, recipient, "entrustment")


def _contract_without_equal_standard(p: Planting) -> None:
    """Joint use under a contract that does not promise an equal standard."""
    recipient = recipient_of(p)
    contract(p, recipient, date(2000, 1, 1), None, is_equal_standard=False)
    _caught(p, "no_contract", p.person(), p.setting.middle, recipient, "joint_use")


def _two_half_contracts(p: Planting) -> None:
    """Work given under two contracts, each with one of the two promises."""
    recipient = recipient_of(p)
    contract(p, recipient, date(2000, 1, 1), None, is_equal_standard=False)
    contract(p, recipient, date(2000, 1, 1), None, is_confidential=False)
    _caught(p, "no_contract", p.person(), p.setting.middle, recipient, "entrustment")


def _contract_of_another_recipient(p: Planting) -> None:
    """Work given to one body while the contract is another's."""
    other = recipient_of(p)
    contract(p, other, date(2000, 1, 1), None)
    _caught(p, "no_contract", p.person(), p.setting.middle, recipient_of(p), "entrustment")
    _spared(p, p.person(), p.setting.middle, other, "entrustment")


def _law_without_its_name(p: Planting) -> None:
    """A disclosure as the law asks, the law being blank."""
    _caught(p, "no_legal_reference", p.person(), p.setting.middle, recipient_of(p), "law", legal_reference="  ")


def _unrecorded(p: Planting, is_recorded: bool | None) -> None:
    needing = p.setting.policy.disclosures.needs_record
    if not needing:
        raise NotApplicable("the policy asks for no record of any disclosure (needs_record)")
    basis = next((basis for basis in needing if basis not in ("consent", "entrustment", "joint_use")), needing[0])
    person, recipient = p.person(), recipient_of(p)
    contract(p, recipient, date(2000, 1, 1), None)
    p.grant(person, p.before, _purpose(p))
    if basis == "consent" and not p.setting.can_hold(_purpose(p), p.setting.middle):
        raise NotApplicable("no consent of the policy holds for a day")
    _caught(p, "not_recorded", person, p.setting.middle, recipient, basis, is_recorded=is_recorded)


def _disclosure_with_unknown_record(p: Planting) -> None:
    """A disclosure of which nobody says whether the statutory record was made."""
    _unrecorded(p, None)


def _disclosure_without_record(p: Planting) -> None:
    """A disclosure without its statutory record."""
    _unrecorded(p, is_recorded=False)


def _disclosure_for_undeclared_purpose(p: Planting) -> None:
    """A disclosure for a purpose that the policy does not declare."""
    purpose = p.name("purpose")
    _caught(p, "undeclared_purpose", p.person(), p.setting.middle, recipient_of(p), "law", purpose=purpose)


def _disclosure_in_last_instant_of_period(p: Planting) -> None:
    """A disclosure without a contract in the very last microsecond of the period."""
    recipient, later = recipient_of(p), recipient_of(p)
    _caught(p, "no_contract", p.person(), p.setting.period.end - INSTANT, recipient, "entrustment")
    key = disclose(p, p.person(), p.setting.period.end, later, "entrustment")
    p.spare("disclosure_findings", disclosure_id=key)


KINDS = kinds_of(
    "third_party_disclosures",
    _disclosure_to_unknown_recipient,
    _disclosure_on_unknown_basis,
    _disclosure_never_consented,
    _disclosure_on_consent_for_another_recipient,
    _disclosure_on_consent_for_another_purpose,
    _disclosure_on_consent_for_one_channel,
    _disclosure_before_consent,
    _disclosure_after_withdrawal,
    _disclosure_on_expired_consent,
    _disclosure_without_contract,
    _joint_use_without_contract,
    _disclosure_on_the_day_after_a_contract,
    _disclosure_on_the_day_before_a_contract,
    _contract_without_confidentiality,
    _contract_without_equal_standard,
    _two_half_contracts,
    _contract_of_another_recipient,
    _law_without_its_name,
    _disclosure_with_unknown_record,
    _disclosure_without_record,
    _disclosure_for_undeclared_purpose,
    _disclosure_in_last_instant_of_period,
)
