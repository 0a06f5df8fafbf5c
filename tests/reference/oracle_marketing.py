"""Section 3.4: marketing after an opt-out."""

from datetime import datetime

from .oracle_business_days import us_business_day_after
from .oracle_consent import consent_events, covers_channel, state
from .oracle_inquiry import (
    ALL,
    Inquiry,
    Row,
    in_hours,
    median,
    microseconds,
    ratio,
    sorted_by,
    with_ancestors,
)

VERDICTS = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
TEN_BUSINESS_DAYS = {"CAN_SPAM", "TCPA"}


def purpose_of(inquiry: Inquiry) -> str:
    return inquiry.policy["marketing"]["purpose"]


def events_of(inquiry: Inquiry, person: str) -> list[Row]:
    """The answers about marketing that name no recipient."""
    return [
        event
        for event in consent_events(inquiry)
        if event["person"] == person and event["purpose"] == purpose_of(inquiry) and event["recipient"] is None
    ]


def marketing_regime(inquiry: Inquiry, person: str, channel: str) -> str:
    marketing = inquiry.policy["marketing"]
    for region in with_ancestors(inquiry.region_of(person)):
        entry = marketing.get("by_region", {}).get(region)
        if isinstance(entry, str):
            return entry
        if entry is not None:
            # The nearest entry decides alone: a channel that it lacks takes the company's regime.
            return entry.get(channel, marketing["regime"])
    return marketing["regime"]


def effective(inquiry: Inquiry, withdraw: Row, channel: str) -> datetime:
    """From when a withdraw binds messages on a channel."""
    if marketing_regime(inquiry, withdraw["person"], channel) not in TEN_BUSINESS_DAYS:
        return withdraw["at"]
    return inquiry.midnight_after(us_business_day_after(inquiry.local_date(withdraw["at"]), 10))


def granted_between(events: list[Row], channel: str, after: datetime, until: datetime) -> bool:
    """Whether a grant that covers the channel lies in (after, until]."""
    return any(
        event["action"] == "grant" and covers_channel(event, channel) and after < event["at"] <= until
        for event in events
    )


# Messages


def marketing_sent(inquiry: Inquiry) -> list[Row]:
    return [message for message in inquiry.rows("messages") if message["category"] == "marketing"]


def marketing_sent_in_period(inquiry: Inquiry) -> list[Row]:
    return [message for message in marketing_sent(inquiry) if inquiry.in_period(message["sent_at"])]


def binding_withdraws(inquiry: Inquiry, message: Row) -> list[Row]:
    """The withdraws that the message went against: covering, not granted again, effective before it."""
    channel, sent_at = message["channel"], message["sent_at"]
    events = events_of(inquiry, message["person"])
    return [
        event
        for event in events
        if event["action"] == "withdraw"
        and event["at"] <= sent_at
        and covers_channel(event, channel)
        and not granted_between(events, channel, event["at"], sent_at)
        and effective(inquiry, event, channel) < sent_at
    ]


def verdict(inquiry: Inquiry, message: Row) -> str:
    found = state(inquiry, message["person"], purpose_of(inquiry), message["channel"], None, message["sent_at"])
    if found == "withdrawn":
        return "after_opt_out" if binding_withdraws(inquiry, message) else "in_grace"
    if found == "never_asked" and inquiry.policy["marketing"]["opt_in"]:
        return "no_consent"
    return found if found in ("expired", "outdated") else "permitted"


def marketing_messages(inquiry: Inquiry) -> list[Row]:
    judged = [
        (
            (inquiry.local_month(message["sent_at"]), message["channel"], message["campaign"]),
            verdict(inquiry, message),
        )
        for message in marketing_sent_in_period(inquiry)
    ]
    table = [_messages_row((ALL, ALL, ALL), [found for _, found in judged])]
    table += [
        _messages_row(group, [found for of_group, found in judged if of_group == group])
        for group in {group for group, _ in judged}
    ]
    return sorted_by(table, "month", "channel", "campaign")


def _messages_row(group: tuple[str, str, str], verdicts: list[str]) -> Row:
    return {
        "month": group[0],
        "channel": group[1],
        "campaign": group[2],
        "messages": len(verdicts),
        **{name: verdicts.count(name) for name in VERDICTS},
        "violation_ratio": ratio(verdicts.count("after_opt_out"), len(verdicts)),
    }


def opt_out_breaches(inquiry: Inquiry) -> list[Row]:
    table = []
    for message in marketing_sent_in_period(inquiry):
        if verdict(inquiry, message) != "after_opt_out":
            continue
        opted_out_at = min(withdraw["at"] for withdraw in binding_withdraws(inquiry, message))
        table.append(
            {
                "message_id": message["message_id"],
                "campaign": message["campaign"],
                "channel": message["channel"],
                "system": message["system"],
                "sent_at": message["sent_at"],
                "opted_out_at": opted_out_at,
                "hours_after": in_hours(microseconds(message["sent_at"] - opted_out_at)),
            }
        )
    return sorted(table, key=lambda row: (row["sent_at"], row["message_id"]))


# Opt-outs


def all_opt_outs(inquiry: Inquiry) -> list[Row]:
    """The withdraws of the period that say something new; one for a person, channel and instant."""
    found = {}
    for person in {event["person"] for event in consent_events(inquiry)}:
        events = events_of(inquiry, person)
        for event in events:
            if event["action"] == "withdraw" and inquiry.in_period(event["at"]) and not had_opted_out(events, event):
                found[person, event["channel"], event["at"]] = event
    return list(found.values())


def had_opted_out(events: list[Row], withdraw: Row) -> bool:
    """Whether the person had opted out before, and granted nothing since."""
    earlier = [event for event in events if event["at"] < withdraw["at"]]
    if withdraw["channel"] == "any":
        return any(
            event["action"] == "withdraw"
            and event["channel"] == "any"
            and not any(later["action"] == "grant" and later["at"] > event["at"] for later in earlier)
            for event in earlier
        )
    covering = [event for event in earlier if covers_channel(event, withdraw["channel"])]
    latest = max((event["at"] for event in covering), default=None)
    return any(event["action"] == "withdraw" and event["at"] == latest for event in covering)


def is_breached(inquiry: Inquiry, opt_out: Row) -> bool:
    events = events_of(inquiry, opt_out["person"])
    return any(
        message["person"] == opt_out["person"]
        and covers_channel(opt_out, message["channel"])
        and effective(inquiry, opt_out, message["channel"]) < message["sent_at"]
        and not granted_between(events, message["channel"], opt_out["at"], message["sent_at"])
        for message in marketing_sent(inquiry)
    )


def pairs_in_use(inquiry: Inquiry) -> set[tuple[str, str]]:
    """The (system, channel) pairs that carried marketing in the period, to anybody."""
    return {
        (message["system"], message["channel"])
        for message in marketing_sent_in_period(inquiry)
        if message["system"] is not None
    }


def suppressed_at(inquiry: Inquiry, person: str, system: str, channel: str) -> datetime | None:
    """The earliest entry for the person that still stands."""
    standing = [
        entry["added_at"]
        for entry in inquiry.rows("suppressions")
        if entry["person"] == person
        and entry["system"] == system
        and covers_channel(entry, channel)
        and entry["removed_at"] is None
    ]
    return min(standing, default=None)


def suppression(inquiry: Inquiry, opt_out: Row) -> int | str | None:
    """Microseconds until the last pair was suppressed, `not_suppressed`, or None for neither figure."""
    person = opt_out["person"]
    pairs = [pair for pair in pairs_in_use(inquiry) if covers_channel(opt_out, pair[1])]
    added = {pair: suppressed_at(inquiry, person, *pair) for pair in pairs}
    missing = [pair for pair in pairs if added[pair] is None]
    events = events_of(inquiry, person)
    # Every event that is known lies before as_of, so that "until as_of" needs no edge of its own.
    excused = [pair for pair in missing if granted_between(events, pair[1], opt_out["at"], inquiry.as_of)]
    if len(excused) < len(missing):
        return "not_suppressed"
    if not pairs or missing:
        return None
    return max(0, microseconds(max(added.values()) - opt_out["at"]))


def opt_outs(inquiry: Inquiry) -> list[Row]:
    found = [
        (opt_out["channel"], is_breached(inquiry, opt_out), suppression(inquiry, opt_out))
        for opt_out in all_opt_outs(inquiry)
    ]
    table = []
    for channel in {ALL} | {opted_out for opted_out, _, _ in found}:
        breaches = [breached for opted_out, breached, _ in found if channel in (ALL, opted_out)]
        fates = [fate for opted_out, _, fate in found if channel in (ALL, opted_out)]
        honoured = breaches.count(False)
        table.append(
            {
                "channel": channel,
                "opt_outs": len(breaches),
                "honoured": honoured,
                "breached": len(breaches) - honoured,
                "honoured_ratio": ratio(honoured, len(breaches)),
                "median_hours_to_suppression": in_hours(median(fate for fate in fates if isinstance(fate, int))),
                "not_suppressed": fates.count("not_suppressed"),
            }
        )
    return sorted_by(table, "channel")
