"""One block of people with all that happened to them, as it is written to the files."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator

from pledgebook.sample.breaches_of_handling import HANDLING_BREACHES
from pledgebook.sample.breaches_of_marketing import MARKETING_BREACHES
from pledgebook.sample.clock import END, LAST_MONTH, NEVER, TOKYO
from pledgebook.sample.consent import Refusals, make_consents, make_refusals, make_states, refuse_again
from pledgebook.sample.handling import make_accesses, make_disclosures, make_uses
from pledgebook.sample.layout import as_written, make_table
from pledgebook.sample.messages import (
    make_advertising,
    make_ignorant_campaign,
    make_service_messages,
    number_messages,
    suppress_refusals,
)
from pledgebook.sample.oddities import add_oddities
from pledgebook.sample.people import People, make_people, write_people
from pledgebook.sample.planting import Planting, cases_for
from pledgebook.sample.requests import make_opt_out_requests, make_requests
from pledgebook.sample.safeguards import Safeguards
from pledgebook.sample.site import make_page_views

BREACHES = (*MARKETING_BREACHES, *HANDLING_BREACHES)
SORTED_BY = {
    "consent_events": "at",
    "requests": "received_at",
    "request_pauses": "paused_at",
    "messages": "sent_at",
    "suppressions": "added_at",
    "disclosures": "disclosed_at",
    "uses": "used_at",
    "accesses": "at",
    "page_views": "at",
}


@dataclass(frozen=True)
class Advertising:
    """What was agreed about advertising and what was sent."""

    consents: pl.DataFrame
    states: pl.DataFrame
    requests: pl.DataFrame
    suppressions: pl.DataFrame


def make_block(rng: Generator, block: int, first: int, count: int, company: Safeguards) -> dict[str, pl.DataFrame]:
    """Return the tables of `count` people from number `first` on, as their files show them."""
    cases = cases_for(count)
    people = make_people(rng, first, count, [breach.region for breach in BREACHES for _ in range(cases)])
    planting = _plant(rng, block, people, company.leavers, cases)
    tables = _make_tables(rng, block, people, company, planting.tables())
    planted = tables.pop("planted")
    written = {name: _write(name, table, people) for name, table in tables.items()}
    return add_oddities(rng, written | write_people(people), block) | {"planted": planted}


def _plant(rng: Generator, block: int, people: People, leavers: list[str], cases: int) -> Planting:
    planting = Planting(rng, block, leavers, people.ids)
    numbered = [(breach, case) for breach in BREACHES for case in range(cases)]
    for person, (breach, case) in zip(people.reserved.tolist(), numbered, strict=True):
        planting.month = breach.month(rng, case)
        breach.write(planting, person, planting.month)
    return planting


def _make_tables(
    rng: Generator, block: int, people: People, company: Safeguards, planted: dict[str, pl.DataFrame]
) -> dict[str, pl.DataFrame]:
    ads = _make_advertising_facts(rng, block, people)
    ignorant = make_ignorant_campaign(rng, people, ads.states)
    parts = [
        make_advertising(rng, people, ads.states),
        make_service_messages(rng, people),
        ignorant.drop("no_since"),
    ]
    sent = number_messages(parts, block)
    requests = make_requests(rng, people, block)
    found = _ignored(sent[-1], ignorant["no_since"], people, ads.requests)
    ordinary = {
        "consent_events": ads.consents,
        "requests": pl.concat([requests.table, ads.requests]),
        "request_pauses": requests.pauses,
        "messages": pl.concat(sent),
        "suppressions": ads.suppressions,
        "disclosures": make_disclosures(rng, people, ads.states, block),
        "uses": make_uses(rng, people, ads.states, block),
        "accesses": make_accesses(rng, people, company.tables["staff"]),
        "page_views": make_page_views(rng, people.count),
        "planted": found,
    }
    return {name: pl.concat([planted.get(name, table.clear()), table]) for name, table in ordinary.items()}


def _make_advertising_facts(rng: Generator, block: int, people: People) -> Advertising:
    first = make_refusals(rng, people)
    second = refuse_again(rng, first)
    requests = make_opt_out_requests(rng, people, first.person, block)
    asked_to_stop = Refusals(
        requests["person_id"].to_numpy(),
        np.full(requests.height, "any"),
        requests["received_at"].to_numpy(),
        np.full(requests.height, NEVER),
    )
    silent_from = np.full(people.count, END)
    for refused in (first, asked_to_stop):
        silent_from[refused.person] = refused.at
    consents = make_consents(rng, people, [first, second], silent_from)
    answers = make_table(
        "consent_events",
        {"person_id": requests["person_id"], "purpose": "marketing", "channel": "any", "action": "withdraw",
         "at": requests["received_at"]},
        requests.height,
    )  # fmt: skip
    entries = [suppress_refusals(rng, refused) for refused in (first, second, asked_to_stop)]
    return Advertising(consents, make_states(pl.concat([consents, answers])), requests, pl.concat(entries))


def _ignored(messages: pl.DataFrame, no_since: pl.Series, people: People, requests: pl.DataFrame) -> pl.DataFrame:
    """Return the planted lines of the ignorant campaign: each message, and each no of the same month."""
    columns = {
        "kind": "campaign_ignored_suppression",
        "period": LAST_MONTH.name,
        "detail": "the campaign ignored its suppression list",
    }
    seen = {"table": "messages", "key": messages["message_id"], "expect_table": "marketing_messages"}
    every = make_table("planted", columns | seen | {"expect_column": "after_opt_out"}, messages.height)
    recent = messages.filter(no_since >= LAST_MONTH.start).join(
        requests, on="person_id", how="left", maintain_order="left"
    )
    by_request = recent["request_id"].is_not_null()
    no = pl.DataFrame(
        {
            "is_request": by_request,
            "request": recent["request_id"],
            "id": people.ids.gather(recent["person_id"]),
        }
    )
    said = no.select(
        table=pl.when("is_request").then(pl.lit("requests")).otherwise(pl.lit("consent_events")),
        key=pl.when("is_request").then("request").otherwise("id"),
    )
    broken = {
        "table": said["table"],
        "key": said["key"],
        "expect_table": "opt_outs",
        "expect_column": "breached",
    }
    return pl.concat([every, make_table("planted", columns | broken, recent.height)])


def _write(name: str, table: pl.DataFrame, people: People) -> pl.DataFrame:
    """Return the table in the order of time, people under the ids by which its systems know them."""
    ordered = table.sort(SORTED_BY[name], maintain_order=True)
    written = as_written(name, ordered, people.ids)
    if name == "requests":
        return _known_as(written, ordered, people.member_numbers, pl.lit(value=True))
    if name in ("messages", "suppressions"):
        mailer, stamp = pl.col("system") == "kaze_mailer", "sent_at" if name == "messages" else "added_at"
        local = pl.from_epoch(ordered[stamp] + TOKYO, "s").dt.strftime("%Y-%m-%dT%H:%M:%S+09:00")
        own_time = pl.when(pl.col("system") == "hayate_sms").then(local).otherwise(pl.col(stamp)).alias(stamp)
        return _known_as(written.with_columns(own_time), ordered, people.emails, mailer)
    if name == "consent_events":
        forgotten = (pl.col("action") == "withdraw") & (pl.col("channel") == "any") & (ordered["at"] % 29 == 0)
        return written.with_columns(channel=pl.when(~forgotten).then("channel"))
    return written


def _known_as(written: pl.DataFrame, ordered: pl.DataFrame, names: pl.Series, where: pl.Expr) -> pl.DataFrame:
    known = names.gather(ordered["person_id"])
    return written.with_columns(person_id=pl.when(where & known.is_not_null()).then(known).otherwise("person_id"))
