"""Advertising as it is planted: a message in a campaign of its own, so that its verdict is seen by itself."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pledgebook.selftest.planting import Planting
from pledgebook.selftest.setting import HOUR


def send(p: Planting, person: str, at: datetime, channel: str, **others: Any) -> tuple[str, str]:
    """Write a message of a system that nobody recorded; return its id and its campaign."""
    campaign = p.name("campaign")
    if p.setting.holds(at) and "system" not in others:
        p.expect_in_all("notes", "rows", table="messages", note="no_system")
    return p.message(person, others.pop("written", at), channel, campaign, **others), campaign


def caught(p: Planting, verdict: str, person: str, at: datetime, channel: str, **others: Any) -> None:
    """Write a message that must get a verdict; after an opt-out it must stand on the worklist too."""
    key, campaign = send(p, person, at, channel, **others)
    p.expect("marketing_messages", 1, verdict, campaign=campaign)
    if verdict == "after_opt_out":
        p.expect("opt_out_breaches", message_id=key)


def spared(p: Planting, verdict: str, person: str, at: datetime, channel: str) -> None:
    """Write an innocent message, with the verdict that it must get; left out where it lies outside the period."""
    purpose = p.setting.marketing.purpose
    if not p.setting.holds(at) or (verdict == "permitted" and not p.setting.can_hold(purpose, at)):
        return
    key, campaign = send(p, person, at, channel)
    p.spare("marketing_messages", verdict, 1, campaign=campaign)
    p.spare("opt_out_breaches", message_id=key)


def agree(p: Planting, at: datetime, channel: str = "any", **others: Any) -> str:
    """Write a person who said yes to advertising; return the clear id."""
    person = p.person()
    p.grant(person, at, p.setting.marketing.purpose, channel, **others)
    return person


def refuse(p: Planting, person: str, at: datetime, channel: str | None, **others: Any) -> None:
    """Write a no to advertising."""
    p.withdraw(person, at, p.setting.marketing.purpose, channel, **others)


def refused(p: Planting, channel: str | None) -> tuple[str, datetime, datetime]:
    """Write a person who said yes, then no; return the clear id, the instant of the no, and when it binds."""
    at, binds_at = p.setting.refusal
    person = agree(p, at - HOUR)
    refuse(p, person, at, channel)
    return person, at, binds_at
