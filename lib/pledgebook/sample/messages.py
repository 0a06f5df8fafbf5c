"""Messages and suppression lists: permitted advertising, service messages, a campaign out of hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import polars as pl
from numpy.random import Generator

from pledgebook.sample.clock import DAY, END, HOUR, START, Instants, draw_instants, month_end
from pledgebook.sample.company import CAMPAIGNS, IGNORANT, SENDERS, SERVICE_TEXTS, Campaign
from pledgebook.sample.consent import Refusals, ask
from pledgebook.sample.layout import make_table
from pledgebook.sample.naming import make_ids
from pledgebook.sample.people import STRANGERS, People

SAFE_GRACE = 7 * DAY
"""Shorter than any ten business days: within it a message to a US person is surely in grace."""


def make_advertising(rng: Generator, people: People, states: pl.DataFrame) -> pl.DataFrame:
    """Return the advertising that was permitted when it was sent, or within the grace of US law."""
    drafts = pl.concat([_draft(rng, people, campaign) for campaign in CAMPAIGNS])
    answered = ask(states, drafts)
    in_grace = pl.col("is_american") & (pl.col("at") - pl.col("no_since") < SAFE_GRACE)
    return _as_messages(answered.filter(pl.col("is_permitted") | in_grace.fill_null(value=False)))


def make_ignorant_campaign(rng: Generator, people: People, states: pl.DataFrame) -> pl.DataFrame:
    """Return messages of the campaign that ignored its list to people outside the US who had said no.

    `no_since` is kept beside the columns of the table.
    """
    answered = ask(states, _draft(rng, people, replace(IGNORANT, share=IGNORANT.share / 4)))
    refused = answered.filter(pl.col("no_since").is_not_null() & ~pl.col("is_american")).sort("at", "person_id")
    return _as_messages(refused).with_columns(refused["no_since"])


def _draft(rng: Generator, people: People, campaign: Campaign) -> pl.DataFrame:
    until = campaign.starts_at + campaign.days * DAY
    there = people.is_ordinary & (people.opened_at < campaign.starts_at) & (people.left_at > until)
    who = np.flatnonzero(there & (rng.random(people.count) < campaign.share))
    at = draw_instants(rng, np.full(len(who), campaign.starts_at), np.full(len(who), until), "office")
    return pl.DataFrame({"person_id": who, "at": at, "is_american": people.in_region("US-CA")[who]}).with_columns(
        topic=pl.lit(f"marketing/{campaign.channel}"),
        campaign=pl.lit(campaign.name),
        channel=pl.lit(campaign.channel),
        system=pl.lit(campaign.system, pl.String),
    )


def _as_messages(sent: pl.DataFrame) -> pl.DataFrame:
    columns = {name: sent[name] for name in ("person_id", "channel", "campaign", "system")}
    return make_table("messages", columns | {"category": "marketing", "sent_at": sent["at"]}, sent.height)


def make_service_messages(rng: Generator, people: People) -> pl.DataFrame:
    """Return messages that belong to the service; a few to people whom no list knows."""
    wanted = int(people.count * 1.6)
    who = rng.integers(0, people.count, wanted)
    since = np.maximum(people.opened_at, START)
    who = who[people.is_ordinary[who] & (people.left_at[who] > since[who] + HOUR)]
    at = draw_instants(rng, since[who], people.left_at[who])
    strangers = len(who) // 700
    who[:strangers] = people.count + rng.integers(0, STRANGERS, strangers)
    texts = pl.DataFrame(list(SERVICE_TEXTS), schema=["campaign", "channel", "system"], orient="row")
    drawn = texts[rng.choice(len(SERVICE_TEXTS), len(who), p=list(SERVICE_TEXTS.values()))]
    columns = {name: drawn[name] for name in drawn.columns}
    columns |= {
        "person_id": pl.Series(who),
        "sent_at": pl.Series(at),
        "category": pl.Series(["service"] * len(who)),
    }
    return make_table("messages", columns, len(who))


def number_messages(parts: Sequence[pl.DataFrame], block: int) -> list[pl.DataFrame]:
    """Give each message its id."""
    numbered, since = [], 0
    for part in parts:
        ids = make_ids("messages", block, part.height, since=200_000 + since)
        numbered.append(part.with_columns(message_id=ids))
        since += part.height
    return numbered


def suppress_refusals(rng: Generator, refused: Refusals) -> pl.DataFrame:
    """Return the entries that follow from a no: in each system that sends on the channel, in time."""
    pairs = [(channel, system) for channel, systems in SENDERS.items() for system in systems]
    parts = []
    for channel, system in pairs:
        reached = np.isin(refused.channel, ("any", channel))
        at, again = refused.at[reached], refused.again_at[reached]
        columns = {
            "person_id": refused.person[reached],
            "channel": channel,
            "system": system,
            "added_at": _soon_after(rng, at, 30 if system == "hayate_sms" else 14),
            "removed_at": again,
        }
        parts.append(make_table("suppressions", columns, int(reached.sum())))
    return pl.concat(parts)


def _soon_after(rng: Generator, at: Instants, usual_hours: int) -> Instants:
    """Within days, and within the civil month, so that the report on the month sees it done."""
    lag = (rng.gamma(1.3, usual_hours / 1.3, len(at)) * HOUR).astype(np.int64)
    rest = np.minimum(month_end(at), END) - at
    return at + np.minimum(np.minimum(lag, 6 * DAY), (rest * 0.9 * rng.random(len(at))).astype(np.int64))
