"""Section 3.3: turnaround of requests."""

import calendar
from datetime import date, datetime, timedelta
from fractions import Fraction

from .oracle_business_days import next_open_day, us_business_day_after
from .oracle_inquiry import (
    ALL,
    DAY_OF_24_HOURS,
    Inquiry,
    Row,
    in_days,
    mean,
    median,
    microseconds,
    ratio,
    sorted_by,
    with_ancestors,
)

OUTCOMES = ("fulfilled", "partly_fulfilled", "denied", "withdrawn", "unverifiable")
TOLERANCE = Fraction(1, 10**9)

# The kinds for which a regime has a number; every other kind goes by the promise of the policy.
GDPR_MONTH_KINDS = {"disclosure", "correction", "deletion", "portability", "cease_use"}
CCPA_45_DAY_KINDS = {"disclosure", "correction", "deletion"}
CCPA_15_BUSINESS_DAY_KINDS = {"opt_out_sale", "limit_use"}


def region_of(inquiry: Inquiry, request: Row) -> str | None:
    return request["region"] or inquiry.region_of(request["person"])


def regime_of(inquiry: Inquiry, request: Row) -> str:
    if request["regime"] is not None:
        return request["regime"]
    company = inquiry.policy["company"]
    for region in with_ancestors(region_of(inquiry, request)):
        if region in company.get("by_region", {}):
            return company["by_region"][region]
    return company["regime"]


# The clock


def end_of_clock(inquiry: Inquiry, request: Row) -> datetime:
    return request["closed_at"] or inquiry.as_of


def pauses_of(inquiry: Inquiry, request: Row) -> list[Row]:
    return [row for row in inquiry.rows("request_pauses") if row["request_id"] == request["request_id"]]


def merged_pauses(inquiry: Inquiry, request: Row) -> list[tuple[datetime, datetime]]:
    """Clipped to the request's life, merged where they overlap or touch, then cut to the longest allowed."""
    received, end = request["received_at"], end_of_clock(inquiry, request)
    clipped = []
    for pause in pauses_of(inquiry, request):
        begin = max(pause["paused_at"], received)
        finish = min(pause["resumed_at"] or end, end)
        if begin < finish:
            clipped.append((begin, finish))
    merged: list[tuple[datetime, datetime]] = []
    for begin, finish in sorted(clipped):
        if merged and begin <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], finish))
        else:
            merged.append((begin, finish))
    return [(begin, _cut(inquiry, begin, finish)) for begin, finish in merged]


def _cut(inquiry: Inquiry, begin: datetime, finish: datetime) -> datetime:
    longest = inquiry.policy["requests"].get("max_pause_days")
    return finish if longest is None else min(finish, begin + longest * DAY_OF_24_HOURS)


def paused_days(inquiry: Inquiry, request: Row) -> int:
    return sum(
        (inquiry.local_date(finish) - inquiry.local_date(begin)).days
        for begin, finish in merged_pauses(inquiry, request)
    )


def gross(inquiry: Inquiry, request: Row) -> int:
    return microseconds(end_of_clock(inquiry, request) - request["received_at"])


def net(inquiry: Inquiry, request: Row) -> int:
    paused = sum(microseconds(finish - begin) for begin, finish in merged_pauses(inquiry, request))
    return gross(inquiry, request) - paused


# The due date


def due_date(inquiry: Inquiry, request: Row) -> date | None:
    regime, kind = regime_of(inquiry, request), request["kind"]
    if regime == "GDPR" and kind in GDPR_MONTH_KINDS:
        return _with_extension(inquiry, request, _gdpr_due(inquiry, request, 1), _gdpr_due(inquiry, request, 3))
    received_on = inquiry.local_date(request["received_at"])
    if regime == "CCPA" and kind in CCPA_45_DAY_KINDS:
        return _with_extension(inquiry, request, received_on + timedelta(days=45), received_on + timedelta(days=90))
    if regime == "CCPA" and kind in CCPA_15_BUSINESS_DAY_KINDS:
        return us_business_day_after(received_on, 15)
    return _promised_due(inquiry, request)


def _promised_due(inquiry: Inquiry, request: Row) -> date | None:
    promised = inquiry.policy["requests"].get("promised_days", {})
    days = promised.get(request["kind"], promised.get("default"))
    if days is None:
        return None
    received_on = inquiry.local_date(request["received_at"])
    return received_on + timedelta(days=days + paused_days(inquiry, request))


def _gdpr_due(inquiry: Inquiry, request: Row, months: int) -> date:
    day = months_after(inquiry.local_date(request["received_at"]), months)
    day += timedelta(days=paused_days(inquiry, request))
    for region in [*with_ancestors(region_of(inquiry, request)), "*"]:
        if region in inquiry.holidays:
            return next_open_day(day, inquiry.holidays[region])
    return day


def months_after(day: date, months: int) -> date:
    """The same-numbered day of a later month, or that month's last day where there is none."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return date(year, month + 1, min(day.day, last_day))


def _with_extension(inquiry: Inquiry, request: Row, unextended: date, extended: date) -> date:
    """The later date, where the notice of extension went out while the first one still ran."""
    notice = request["extended_at"]
    in_time = notice is not None and inquiry.local_date(notice) <= unextended
    return extended if in_time else unextended


def due_instant(inquiry: Inquiry, request: Row) -> datetime | None:
    due_on = due_date(inquiry, request)
    return None if due_on is None else inquiry.midnight_after(due_on)


# The cohorts


def received_cohort(inquiry: Inquiry) -> list[Row]:
    return [request for request in inquiry.rows("requests") if inquiry.in_period(request["received_at"])]


def due_cohort(inquiry: Inquiry) -> list[Row]:
    return [
        request
        for request in inquiry.rows("requests")
        if request["outcome"] != "withdrawn" and _is_due_in_period(inquiry, request)
    ]


def _is_due_in_period(inquiry: Inquiry, request: Row) -> bool:
    due = due_instant(inquiry, request)
    return due is not None and inquiry.start < due <= min(inquiry.end, inquiry.as_of)


def is_open(request: Row) -> bool:
    return request["closed_at"] is None


def is_answered(request: Row) -> bool:
    return not is_open(request) and request["outcome"] != "withdrawn"


def is_paused(inquiry: Inquiry, request: Row) -> bool:
    """A pause begun and not resumed, even where the longest allowed pause has stopped counting it."""
    return is_open(request) and any(pause["resumed_at"] is None for pause in pauses_of(inquiry, request))


def is_unverified_answer(inquiry: Inquiry, request: Row) -> bool:
    return (
        not is_open(request)
        and request["kind"] in inquiry.policy["requests"].get("needs_identification", [])
        and request["outcome"] in ("fulfilled", "partly_fulfilled", None)
        and not (request["verified_at"] is not None and request["verified_at"] <= request["closed_at"])
    )


def kaplan_meier(events: list[int], censored: list[int], quantile: Fraction) -> int | None:
    """The least time at which the product-limit curve is at or below 1 - quantile."""
    curve = Fraction(1)
    for time in sorted(set(events)):
        # Whoever is censored at this very time is still at risk: events come first.
        at_risk = sum(1 for other in events + censored if other >= time)
        curve *= 1 - Fraction(events.count(time), at_risk)
        if curve <= 1 - quantile + TOLERANCE:
            return time
    return None


# The tables


def request_turnaround(inquiry: Inquiry) -> list[Row]:
    received, due = received_cohort(inquiry), due_cohort(inquiry)
    table = []
    for regime in {regime_of(inquiry, request) for request in received + due}:
        received_under = [request for request in received if regime_of(inquiry, request) == regime]
        due_under = [request for request in due if regime_of(inquiry, request) == regime]
        for kind in {ALL} | {request["kind"] for request in received_under + due_under}:
            of_kind = [request for request in received_under if kind in (ALL, request["kind"])]
            due_of_kind = [request for request in due_under if kind in (ALL, request["kind"])]
            table.append({"regime": regime, "kind": kind, **_turnaround(inquiry, of_kind, due_of_kind)})
    return sorted_by(table, "regime", "kind")


def _turnaround(inquiry: Inquiry, received: list[Row], due: list[Row]) -> Row:
    return {
        **_outcomes(received),
        **_punctuality(inquiry, due),
        **_durations(inquiry, received),
        "unverified_answers": sum(is_unverified_answer(inquiry, request) for request in received),
        "paused_open": sum(is_paused(inquiry, request) for request in received),
    }


def _outcomes(received: list[Row]) -> Row:
    closed = [request for request in received if not is_open(request)]
    return {
        "received": len(received),
        **{outcome: sum(request["outcome"] == outcome for request in closed) for outcome in OUTCOMES},
        "outcome_unknown": sum(request["outcome"] is None for request in closed),
        "open": len(received) - len(closed),
    }


def _punctuality(inquiry: Inquiry, due: list[Row]) -> Row:
    closed = [request for request in due if not is_open(request)]
    on_time = sum(request["closed_at"] < due_instant(inquiry, request) for request in closed)
    return {
        "due": len(due),
        "on_time": on_time,
        "late": len(closed) - on_time,
        "overdue_open": len(due) - len(closed),
        "on_time_ratio": ratio(on_time, len(due)),
    }


def _durations(inquiry: Inquiry, received: list[Row]) -> Row:
    answered = [request for request in received if is_answered(request)]
    events = [net(inquiry, request) for request in answered]
    censored = [net(inquiry, request) for request in received if not is_answered(request)]
    return {
        "p50_days": in_days(kaplan_meier(events, censored, Fraction(50, 100))),
        "p90_days": in_days(kaplan_meier(events, censored, Fraction(90, 100))),
        "p95_days": in_days(kaplan_meier(events, censored, Fraction(95, 100))),
        "answered_median_days": in_days(median(events)),
        "answered_mean_days": in_days(mean(events)),
        "answered_median_gross_days": in_days(median(gross(inquiry, request) for request in answered)),
    }


def requests_open(inquiry: Inquiry) -> list[Row]:
    table = [_open_row(inquiry, request) for request in inquiry.rows("requests") if is_open(request)]
    return sorted(table, key=lambda row: (row["due_on"] is None, row["due_on"] or date.max, row["request_id"]))


def _open_row(inquiry: Inquiry, request: Row) -> Row:
    due_on = due_date(inquiry, request)
    last_day = inquiry.local_date(inquiry.as_of - timedelta(microseconds=1))
    return {
        "request_id": request["request_id"],
        "kind": request["kind"],
        "regime": regime_of(inquiry, request),
        "received_at": request["received_at"],
        "due_on": due_on,
        "days_left": None if due_on is None else (due_on - last_day).days,
        "is_overdue": due_on is not None and inquiry.midnight_after(due_on) <= inquiry.as_of,
        "is_paused": is_paused(inquiry, request),
    }
