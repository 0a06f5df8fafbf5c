"""Planted breaches of what was promised about requests, disclosures, uses, access and the site."""

from __future__ import annotations

from pledgebook.sample.clock import DAY, LAST_MONTH, Month
from pledgebook.sample.company import LAPSED
from pledgebook.sample.planting import Breach, Planting
from pledgebook.sample.site import SITE


def _late_answer(p: Planting, person: int, month: Month) -> None:
    key = p.request(person, "disclosure", p.draw(month, 1, 5), p.draw(month, 22, 27))
    p.expect("late_answer", "requests", key, "request_turnaround.late", "promised within 14 days")


def _overdue_request(p: Planting, person: int, month: Month) -> None:
    closed_at = None if month == LAST_MONTH else month.end + int(p.rng.integers(5 * DAY, 15 * DAY))
    key = p.request(person, "deletion", p.draw(month, 1, 10), closed_at)
    p.expect(
        "overdue_open_request",
        "requests",
        key,
        "request_turnaround.overdue_open",
        "open at the end of the month",
    )


def _unverified_answer(p: Planting, person: int, month: Month) -> None:
    received = p.draw(month, 2, 14)
    key = p.request(person, "correction", received, received + int(p.rng.integers(3, 9)) * DAY, verified_at=None)
    where = "request_turnaround.unverified_answers"
    p.expect("unverified_answer", "requests", key, where, "answered without identification")


def _found(p: Planting, kind: str, key: str, column: str, detail: str) -> None:
    p.expect(kind, "disclosures", key, f"disclosures.{column}", detail)


def _disclosure_without_consent(p: Planting, person: int, month: Month) -> None:
    at = p.draw(month, 2, 27)
    key = p.disclose(person, at, "ccp_wallet", "consent", "group_advertising", is_recorded=True)
    kind, detail = "disclosure_without_consent", "never asked about this recipient"
    p.grant(person, at - 90 * DAY, purpose="group_advertising", recipient="ccp_lease")
    _found(p, kind, key, "no_consent", detail)
    p.expect(kind, "disclosures", key, "consent_gap.coverage", detail)


def _disclosure_without_contract(p: Planting, person: int, month: Month) -> None:
    key = p.disclose(person, p.draw(month, 2, 27), LAPSED, "entrustment", "service_operation", items="address;name")
    _found(p, "disclosure_without_contract", key, "no_contract", "the contract ended on 2026-06-30")


def _disclosure_without_law(p: Planting, person: int, month: Month) -> None:
    key = p.disclose(person, p.draw(month, 2, 27), "minami_tax_office", "law", "legal_compliance", items="name;payment")
    _found(p, "disclosure_without_legal_reference", key, "no_legal_reference", "no article named")


def _unrecorded_disclosure(p: Planting, person: int, month: Month) -> None:
    at = p.draw(month, 2, 27)
    p.grant(person, at - 300 * DAY, purpose="partner_offers")
    recorded = False if p.rng.random() < 0.5 else None
    key = p.disclose(person, at, "hoshino_malls", "consent", "partner_offers", is_recorded=recorded)
    _found(p, "unrecorded_disclosure", key, "not_recorded", "the statutory record is missing")


def _disclosure_for_undeclared_purpose(p: Planting, person: int, month: Month) -> None:
    key = p.disclose(person, p.draw(month, 2, 27), "northlake_analytics", "entrustment", "credit_scoring")
    _found(
        p,
        "disclosure_for_undeclared_purpose",
        key,
        "undeclared_purpose",
        "credit_scoring is not declared",
    )


def _disclosure_to_unknown(p: Planting, person: int, month: Month) -> None:
    key = p.disclose(person, p.draw(month, 2, 27), "kogane_lists", "entrustment", "service_operation")
    _found(
        p,
        "disclosure_to_unknown_recipient",
        key,
        "unknown_recipient",
        "kogane_lists is not in the register",
    )


def _disclosure_on_unknown_basis(p: Planting, person: int, month: Month) -> None:
    key = p.disclose(person, p.draw(month, 2, 27), "ginga_points", "verbal_agreement", "service_operation")
    _found(p, "disclosure_on_unknown_basis", key, "unknown_basis", "verbal_agreement is no basis")


def _use(p: Planting, person: int, month: Month, purpose: str, items: str) -> str:
    row = {"person_id": person, "purpose": purpose, "items": items, "used_at": p.draw(month, 2, 27)}
    return p.add("uses", **row, system="warehouse")


def _use_without_consent(p: Planting, person: int, month: Month) -> None:
    key = _use(p, person, month, "product_improvement", "payment;usage")
    p.expect("use_without_consent", "uses", key, "consent_gap.coverage", "never asked")


def _use_for_undeclared_purpose(p: Planting, person: int, month: Month) -> None:
    key = _use(p, person, month, "affinity_profiles", "profession;usage")
    where = "purpose_limitation.undeclared_purpose"
    p.expect("use_for_undeclared_purpose", "uses", key, where, "affinity_profiles is not declared")


def _use_of_undeclared_item(p: Planting, person: int, month: Month) -> None:
    key = _use(p, person, month, "support", "birth_date;email;name")
    where = "purpose_limitation.undeclared_item"
    p.expect("use_of_undeclared_item", "uses", key, where, "birth_date is not declared for support")


def _access(p: Planting, kind: str, column: str, detail: str, **row: object) -> None:
    at = p.draw(p.month, 2, 27)
    p.add("accesses", **row, system="crm", at=at, was_granted=True)
    p.expect(kind, "accesses", p.written(at), f"record_access.{column}", detail)


def _access_after_leaving(p: Planting, person: int, _: Month) -> None:
    leaver = p.leavers[int(p.rng.integers(0, len(p.leavers)))]
    row = {"person_id": person, "employee_id": leaver, "reason": "ticket 90210"}
    _access(p, "access_after_leaving", "after_leaving", "left in 2025", **row)


def _access_without_reason(p: Planting, person: int, _: Month) -> None:
    row = {"person_id": person, "employee_id": "S0110"}
    _access(p, "access_without_reason", "without_reason", "no reason given", **row)


def _view(p: Planting, kind: str, column: str, detail: str, **row: object) -> None:
    at = p.draw(p.month, 2, 27)
    p.add("page_views", **row, at=at, url=f"{SITE}/points", has_login=True)
    p.expect(kind, "page_views", p.written(at, "utc"), f"cookies.{column}", detail)


def _cookies_after_refusal(p: Planting, person: int, _: Month) -> None:
    choice = ("necessary", "none")[person % 2]
    row = {"cookie_choice": choice, "cookies_set": "ads;analytics;session"}
    _view(p, "cookies_after_refusal", "beyond_necessary", f"chose {choice}", **row)


def _personal_data_in_url(p: Planting, person: int, _: Month) -> None:
    link = f"https://shop.hoshino-malls.example/welcome?mail=user{person}%40mail1.example.jp"
    row = {"cookie_choice": "all", "cookies_set": "session", "outbound_url": link}
    _view(p, "personal_data_in_outbound_url", "personal_data_in_url", "an email in the link", **row)


HANDLING_BREACHES = (
    Breach(_late_answer),
    Breach(_overdue_request, region="JP-27"),
    Breach(_unverified_answer, region="JP-14"),
    Breach(_disclosure_without_consent),
    Breach(_disclosure_without_contract, months=(Month(2026, 7), Month(2026, 8))),
    Breach(_disclosure_without_law, region="JP-11"),
    Breach(_unrecorded_disclosure, region="JP-12"),
    Breach(_disclosure_for_undeclared_purpose),
    Breach(_disclosure_to_unknown, region="JP-28"),
    Breach(_disclosure_on_unknown_basis),
    Breach(_use_without_consent, region="JP-26"),
    Breach(_use_for_undeclared_purpose),
    Breach(_use_of_undeclared_item, region="JP-04"),
    Breach(_access_after_leaving),
    Breach(_access_without_reason, region="JP-34"),
    Breach(_cookies_after_refusal),
    Breach(_personal_data_in_url),
)
