"""Sections 3.1 and 3.2: the state of consent at an instant, and its coverage."""

from datetime import datetime, timedelta

from .oracle_inquiry import ALL, DAY_OF_24_HOURS, MICROSECOND, Inquiry, Row, ratio, sorted_by

STATES = ("granted", "outdated", "expired", "withdrawn", "never_asked")


def consent_events(inquiry: Inquiry) -> list[Row]:
    """The events of the table, and a withdraw for every request to stop marketing."""
    requests = [row for row in inquiry.rows("requests") if row["kind"] == "marketing_opt_out"]
    return inquiry.rows("consent_events") + [_as_withdraw(inquiry, request) for request in requests]


def _as_withdraw(inquiry: Inquiry, request: Row) -> Row:
    return {
        "person": request["person"],
        "purpose": inquiry.policy["marketing"]["purpose"],
        "channel": "any",
        "recipient": None,
        "action": "withdraw",
        "at": request["received_at"],
        "expires_at": None,
        "notice_version": None,
        "method": None,
    }


def covers_channel(event: Row, channel: str) -> bool:
    return event["channel"] in (channel, "any")


def covers_recipient(event: Row, recipient: str | None) -> bool:
    # A null recipient is covered by null alone, which the same comparison says.
    return event["recipient"] in (recipient, None)


def state(inquiry: Inquiry, person: str, purpose: str, channel: str, recipient: str | None, instant: datetime) -> str:
    events = [
        event
        for event in consent_events(inquiry)
        if event["person"] == person
        and event["purpose"] == purpose
        and event["at"] <= instant
        and covers_channel(event, channel)
        and covers_recipient(event, recipient)
    ]
    if not events:
        return "never_asked"
    latest = max(event["at"] for event in events)
    deciding = [event for event in events if event["at"] == latest]
    if any(event["action"] == "withdraw" for event in deciding):
        return "withdrawn"
    if any(_has_expired(inquiry, event, instant) for event in deciding):
        return "expired"
    if any(_is_outdated(inquiry, event, instant) for event in deciding):
        return "outdated"
    return "granted"


def _declared(inquiry: Inquiry, purpose: str) -> Row:
    """What the policy says of a purpose; nothing for one that it does not declare."""
    return next((row for row in inquiry.policy["purpose"] if row["id"] == purpose), {})


def _has_expired(inquiry: Inquiry, grant: Row, instant: datetime) -> bool:
    if grant["expires_at"] is not None and grant["expires_at"] <= instant:
        return True
    valid_days = _declared(inquiry, grant["purpose"]).get("valid_days")
    return valid_days is not None and grant["at"] + valid_days * DAY_OF_24_HOURS <= instant


def _is_outdated(inquiry: Inquiry, grant: Row, instant: datetime) -> bool:
    versions = _declared(inquiry, grant["purpose"]).get("notice_versions")
    if versions is None:
        return False
    for version in versions:
        if version["id"] == grant["notice_version"]:
            valid_until = version.get("valid_until")
            return valid_until is not None and inquiry.midnight(valid_until) <= instant
    return True


def purposes_and_channels(inquiry: Inquiry) -> list[tuple[Row, str]]:
    """What coverage is measured of: once per channel, or once with channel any."""
    return [
        (purpose, channel)
        for purpose in inquiry.policy["purpose"]
        if purpose["needs_consent"]
        for channel in purpose.get("channels", ["any"])
    ]


def population(inquiry: Inquiry, purpose: Row, instant: datetime) -> list[Row]:
    return [
        person
        for person in inquiry.rows("people")
        if person["opened_at"] <= instant
        and (person["closed_at"] is None or person["closed_at"] > instant)
        and ("kinds" not in purpose or person["kind"] in purpose["kinds"])
    ]


def consent_coverage(inquiry: Inquiry) -> list[Row]:
    instant = inquiry.as_of - MICROSECOND
    table = []
    for purpose, channel in purposes_and_channels(inquiry):
        people = population(inquiry, purpose, instant)
        for kind in {ALL} | {person["kind"] for person in people}:
            of_kind = [person for person in people if kind in (ALL, person["kind"])]
            states = [state(inquiry, person["person"], purpose["id"], channel, None, instant) for person in of_kind]
            table.append(_coverage_row(purpose["id"], channel, kind, states))
    return sorted_by(table, "purpose", "channel", "kind")


def _coverage_row(purpose: str, channel: str, kind: str, states: list[str]) -> Row:
    return {
        "purpose": purpose,
        "channel": channel,
        "kind": kind,
        "people": len(states),
        **{name: states.count(name) for name in STATES},
        "coverage": ratio(states.count("granted"), len(states)),
    }


def consent_coverage_daily(inquiry: Inquiry) -> list[Row]:
    """Every day asked again, at its end, from nothing."""
    table = []
    day = inquiry.local_date(inquiry.start)
    while inquiry.midnight_after(day) <= min(inquiry.end, inquiry.as_of):
        instant = inquiry.midnight_after(day) - MICROSECOND
        for purpose, channel in purposes_and_channels(inquiry):
            people = population(inquiry, purpose, instant)
            states = [state(inquiry, person["person"], purpose["id"], channel, None, instant) for person in people]
            granted = states.count("granted")
            table.append(
                {
                    "date": day,
                    "purpose": purpose["id"],
                    "channel": channel,
                    "people": len(people),
                    "granted": granted,
                    "coverage": ratio(granted, len(people)),
                }
            )
        day += timedelta(days=1)
    return sorted_by(table, "date", "purpose", "channel")


def consent_gap(inquiry: Inquiry) -> list[Row]:
    """Coverage over what was really done, not over who was asked."""
    needing = {purpose["id"] for purpose in inquiry.policy["purpose"] if purpose["needs_consent"]}
    occasions = [occasion for occasion in _occasions(inquiry) if occasion["purpose"] in needing]
    table = []
    for purpose in {ALL} | {occasion["purpose"] for occasion in occasions}:
        states = [occasion["state"] for occasion in occasions if purpose in (ALL, occasion["purpose"])]
        granted = states.count("granted")
        table.append(
            {
                "purpose": purpose,
                "occasions": len(states),
                "granted": granted,
                "coverage": ratio(granted, len(states)),
            }
        )
    return sorted_by(table, "purpose")


def _occasions(inquiry: Inquiry) -> list[Row]:
    uses = [
        (row["person"], row["purpose"], None, row["used_at"])
        for row in inquiry.rows("uses")
        if inquiry.in_period(row["used_at"])
    ]
    disclosures = [
        (row["person"], row["purpose"], row["recipient"], row["disclosed_at"])
        for row in inquiry.rows("disclosures")
        if inquiry.in_period(row["disclosed_at"]) and row["basis"] == "consent"
    ]
    return [
        {"purpose": purpose, "state": state(inquiry, person, purpose, "any", recipient, instant)}
        for person, purpose, recipient, instant in uses + disclosures
    ]
