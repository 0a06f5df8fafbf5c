"""What people said yes and no to, and what was permitted at an instant because of it.

A `topic` names what a question is about, such as `marketing/email` or `group_advertising/ccp_wallet`.
Answers yes fall on even seconds and answers no on odd ones, so that no two opposite answers share an instant.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pledgebook.sample.clock import DAY, END, NEVER, Instants, draw_instants
from pledgebook.sample.company import (
    ADVERTISED,
    NOTICE_ENDS,
    NOTICES,
    PARTNERS,
    PASSED_ON,
    RENEWALS,
    SERVED,
    VALID_DAYS,
)
from pledgebook.sample.layout import make_table
from pledgebook.sample.people import People

REACHES = {"any": ("any", "email", "sms"), "email": ("email",), "sms": ("sms",)}
PLAIN = ("product_improvement", "cancellation_questionnaires")
"""Purposes asked about once, whatever the channel or recipient."""
FOREVER = END * 2


@dataclass(frozen=True)
class Refusals:
    """Who said no to advertising: on which channel, when, and when they said yes again (`NEVER`: not)."""

    person: NDArray[np.int64]
    channel: NDArray[np.str_]
    at: Instants
    again_at: Instants


def notice_at(instants: Instants) -> NDArray[np.str_]:
    """Return the version of the marketing notice that was shown."""
    shown = np.searchsorted([since for since, _ in NOTICES], instants, side="right") - 1
    return np.array([version for _, version in NOTICES])[shown]


def make_refusals(rng: Generator, people: People) -> Refusals:
    """Draw who says no to advertising on their own; about one in five, some of them not for good."""
    who = people.of_kind(ADVERTISED)
    who = who[(rng.random(len(who)) < 0.22) & (people.opened_at[who] < END - 40 * DAY)]
    at = draw_instants(rng, people.opened_at[who] + 20 * DAY, np.full(len(who), END)) | 1
    channel = rng.choice(["any", "email", "sms", "phone"], len(who), p=[0.55, 0.3, 0.13, 0.02])
    earliest = at + 12 * DAY
    returns = (rng.random(len(who)) < 0.2) & (earliest < END - DAY) & (channel != "phone")
    again = draw_instants(rng, np.minimum(earliest, END - DAY), np.minimum(earliest + 120 * DAY, END)) & ~1
    return Refusals(who, channel, at, np.where(returns, again, NEVER))


def refuse_again(rng: Generator, first: Refusals) -> Refusals:
    """Draw who, after saying yes again, says no once more and stays with it."""
    chosen = (first.again_at != NEVER) & (first.again_at < END - 10 * DAY) & (rng.random(len(first.at)) < 0.25)
    at = draw_instants(rng, first.again_at[chosen] + 5 * DAY, np.full(chosen.sum(), END)) | 1
    never = np.full(chosen.sum(), NEVER)
    return replace(first, person=first.person[chosen], channel=first.channel[chosen], at=at, again_at=never)


def make_consents(rng: Generator, people: People, refusals: Sequence[Refusals], silent_from: Instants) -> pl.DataFrame:
    """Return what ordinary people answered; nobody is asked again after `silent_from`, by person."""
    marketing = _marketing_grants(rng, people, silent_from)
    answers = [_answers_to_advertising(refused) for refused in refusals]
    others = [
        _opening_grants(rng, people, "product_improvement", SERVED, 0.68),
        _opening_grants(rng, people, "cancellation_questionnaires", SERVED, 0.4),
        _opening_grants(rng, people, "group_advertising", PASSED_ON, 0.42),
        _opening_grants(rng, people, "partner_offers", PASSED_ON, 0.3),
    ]
    return pl.concat([marketing, *answers, *others])


def _marketing_grants(rng: Generator, people: People, silent_from: Instants) -> pl.DataFrame:
    who = people.of_kind(ADVERTISED)
    who = who[rng.random(len(who)) < 0.74]
    channel = rng.choice(["any", "email", "sms"], len(who), p=[0.68, 0.24, 0.08])
    at = (people.opened_at[who] + rng.integers(20, 600, len(who))) & ~1
    parts = [_events(who, "marketing", channel, at, method="sign_up_form")]
    for first, days in RENEWALS:
        asked = (at < first - DAY) & (np.minimum(silent_from, people.left_at)[who] > first + days * DAY)
        asked &= rng.random(len(who)) < 0.78
        again = draw_instants(rng, np.full(asked.sum(), first), np.full(asked.sum(), first + days * DAY)) & ~1
        parts.append(_events(who[asked], "marketing", channel[asked], again, method="renewal_form"))
    return pl.concat(parts)


def _answers_to_advertising(refused: Refusals) -> pl.DataFrame:
    no = _events(refused.person, "marketing", refused.channel, refused.at, action="withdraw", method="preference_page")
    back = refused.again_at != NEVER
    yes = _events(
        refused.person[back],
        "marketing",
        refused.channel[back],
        refused.again_at[back],
        method="preference_page",
    )
    return pl.concat([no, yes])


def _opening_grants(rng: Generator, people: People, purpose: str, kinds: Sequence[str], share: float) -> pl.DataFrame:
    who = people.of_kind(kinds)
    who = who[rng.random(len(who)) < share]
    at = (people.opened_at[who] + rng.integers(20, 600, len(who))) & ~1
    partner = rng.choice(["", *PARTNERS.get(purpose, ())], len(who))
    limited = (purpose == "product_improvement") & (rng.random(len(who)) < 0.15)
    yes = _events(who, purpose, "any", at, recipient=partner, expires_at=np.where(limited, at + 365 * DAY, NEVER))
    no = (rng.random(len(who)) < 0.08) & (at < END - 30 * DAY)
    gone = draw_instants(rng, at[no] + 5 * DAY, np.full(no.sum(), END)) | 1
    return pl.concat([yes, _events(who[no], purpose, "any", gone, "withdraw", recipient=partner[no])])


def _events(
    person: NDArray[np.int64],
    purpose: str,
    channel: NDArray[np.str_] | str,
    at: Instants,
    action: str = "grant",
    *,
    method: str = "sign_up_form",
    recipient: NDArray[np.str_] | None = None,
    expires_at: Instants | None = None,
) -> pl.DataFrame:
    notice = pl.Series(notice_at(at)) if purpose == "marketing" and action == "grant" else None
    columns = {
        "person_id": person,
        "purpose": purpose,
        "channel": channel,
        "recipient": None if recipient is None else pl.Series(recipient).replace("", None),
        "action": action,
        "at": at,
        "expires_at": NEVER if expires_at is None else expires_at,
        "notice_version": notice,
        "method": method,
    }
    return make_table("consent_events", columns, len(person))


def make_states(events: pl.DataFrame) -> pl.DataFrame:
    """Return each answer by person and topic: `yes`, how long it is good, when the run of noes began."""
    reached = events.join(_topics(), on=["purpose", "channel", "recipient"], nulls_equal=True)
    days = pl.col("purpose").replace_strict(VALID_DAYS, default=None)
    ends = pl.col("notice_version").replace_strict(NOTICE_ENDS, default=0, return_dtype=pl.Int64)
    notice_ends = pl.when(pl.col("purpose") == "marketing").then(ends)
    states = reached.select(
        "person_id",
        "topic",
        "at",
        yes=pl.col("action") == "grant",
        good_until=pl.min_horizontal("expires_at", pl.col("at") + days * DAY, notice_ends).fill_null(FOREVER),
    ).sort("person_id", "topic", "at", "yes", descending=[False, False, False, True])
    run = pl.col("yes").cum_sum().over("person_id", "topic")
    first_no = pl.when(~pl.col("yes")).then("at").min().over("person_id", "topic", run)
    return states.with_columns(no_since=pl.when(~pl.col("yes")).then(first_no)).sort("at", maintain_order=True)


def _topics() -> pl.DataFrame:
    """Which answers bear on which topic; an empty recipient stands for all of them."""
    rows: list[tuple[str, str, str | None, str]] = [
        ("marketing", given, None, f"marketing/{reached}") for given, reach in REACHES.items() for reached in reach
    ]
    for purpose, partners in PARTNERS.items():
        rows += [(purpose, "any", given, f"{purpose}/{name}") for name in partners for given in (None, name)]
    rows += [(purpose, "any", None, purpose) for purpose in PLAIN]
    return pl.DataFrame(rows, schema=["purpose", "channel", "recipient", "topic"], orient="row")


def ask(states: pl.DataFrame, questions: pl.DataFrame) -> pl.DataFrame:
    """Return `questions` (person_id, topic, at, ...) with `is_permitted` and, after a no, `no_since`."""
    joined = questions.sort("at", maintain_order=True).join_asof(
        states, on="at", by=["person_id", "topic"], strategy="backward", check_sortedness=False
    )
    permitted = (pl.col("yes") & (pl.col("at") < pl.col("good_until"))).fill_null(value=False)
    return joined.with_columns(is_permitted=permitted).drop("yes", "good_until")
