"""The tables of the world, one function each: rows of one block, as a company's systems would export them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import numpy as np
import polars as pl

from benchmarks.draws import DAY, Draws, Shares, Span, chosen, equal_shares, ids, instants, midnight, person_ids, where

PARTNERS, RECIPIENTS = 8, 40


def _people(draws: Draws, span: Span) -> pl.DataFrame:
    rows = len(span)
    opened = draws.integers(midnight(date(2021, 1, 1)), midnight(date(2025, 12, 20)), rows)
    closed = opened + draws.integers(DAY, 1500 * DAY, rows)
    kinds = {"customer": 0.7, "member": 0.2, "prospect": 0.06, "merchant": 0.04}
    regions = {"JP-13": 0.45, "US-CA": 0.15, "US": 0.15, "DE": 0.1, "GB": 0.09, "": 0.06}
    return pl.DataFrame(
        {
            "person_id": person_ids(np.arange(span.first, span.last)),
            "kind": chosen(draws, rows, kinds),
            "region": chosen(draws, rows, regions),
            "opened_at": instants(opened),
            "closed_at": instants(closed, draws.random(rows) < 0.1),
        }
    )


def _consent_events(draws: Draws, span: Span) -> pl.DataFrame:
    rows = len(span)
    moments = span.instants(draws, date(2023, 1, 1), date(2026, 1, 1))
    persons = span.persons(draws)
    purposes = chosen(draws, rows, {"marketing": 0.6, "partner_offers": 0.25, "product_improvement": 0.15})
    is_marketing = (purposes == "marketing").to_numpy()
    narrow = chosen(draws, rows, {"email": 0.5, "sms": 0.2, "any": 0.3})
    wide = chosen(draws, rows, {"any": 0.95, "email": 0.05})
    partner = chosen(draws, rows, equal_shares(_recipients()[:PARTNERS]))
    notices = chosen(draws, rows, {"2023-04": 0.3, "2024-04": 0.3, "2025-02": 0.35, "2019-01": 0.02, "": 0.03})
    events = pl.DataFrame(
        {
            "person_id": person_ids(persons),
            "purpose": purposes,
            "channel": pl.select(pl.when(pl.Series(is_marketing)).then(narrow).otherwise(wide)).to_series(),
            "recipient": where(partner, (purposes == "partner_offers").to_numpy() & (draws.random(rows) < 0.3)),
            "action": chosen(draws, rows, {"grant": 0.68, "withdraw": 0.32}),
            "at": instants(moments),
            "expires_at": instants(moments + 300 * DAY, draws.random(rows) < 0.03),
            "notice_version": where(notices, is_marketing),
            "method": chosen(draws, rows, {"sign_up_form": 0.5, "settings_page": 0.4, "": 0.1}),
        }
    )
    return _with_ties(events, draws)


def _with_ties(events: pl.DataFrame, draws: Draws) -> pl.DataFrame:
    """Now and then a person says yes and no in one instant, on any channel."""
    tied = pl.Series(draws.random(events.height) < 0.004)
    other = pl.when(pl.col("action").shift(1) == "grant").then(pl.lit("withdraw")).otherwise(pl.lit("grant"))
    follows = tied & ~tied.shift(1, fill_value=True)
    same = [pl.col(name).shift(1).alias(name) for name in ("person_id", "purpose", "recipient", "at")]
    again = events.with_columns(*same, other.alias("action"), pl.lit("any").alias("channel"))
    return events.with_columns(
        pl.when(follows).then(again[name]).otherwise(name).alias(name) for name in events.columns
    )


REQUEST_KINDS: Shares = {
    "disclosure": 0.3, "correction": 0.1, "deletion": 0.2, "cease_use": 0.1, "cease_provision": 0.05,
    "marketing_opt_out": 0.1, "complaint": 0.1, "inquiry": 0.05,
}  # fmt: skip


def _requests(draws: Draws, span: Span) -> pl.DataFrame:
    rows = len(span)
    received = span.instants(draws, date(2024, 9, 1), date(2026, 1, 1))
    closed = received + (draws.lognormal(1.8, 0.9, rows) * DAY).astype(np.int64)
    is_closed = draws.random(rows) < 0.93
    outcomes = {
        "fulfilled": 0.7,
        "partly_fulfilled": 0.1,
        "denied": 0.08,
        "withdrawn": 0.06,
        "unverifiable": 0.03,
        "": 0.03,
    }
    verified = received + (draws.random(rows) * (closed - received) * 1.2).astype(np.int64)
    return pl.DataFrame(
        {
            "request_id": ids("R", np.arange(span.first, span.last), 9),
            "person_id": person_ids(span.persons(draws)),
            "kind": chosen(draws, rows, REQUEST_KINDS),
            "regime": pl.Series([None] * rows, dtype=pl.String),
            "region": pl.Series([None] * rows, dtype=pl.String),
            "received_at": instants(received),
            "acknowledged_at": instants(received + 3_600_000, draws.random(rows) < 0.8),
            "verified_at": instants(verified, draws.random(rows) < 0.8),
            "extended_at": instants(received + 5 * DAY, draws.random(rows) < 0.05),
            "closed_at": instants(closed, is_closed),
            "outcome": where(chosen(draws, rows, outcomes), is_closed),
            "denial_reason": pl.Series([None] * rows, dtype=pl.String),
        }
    )


def _request_pauses(draws: Draws, span: Span) -> pl.DataFrame:
    """Every fourth request is paused, once; the pause is placed by the stretch in which requests arrive."""
    rows = len(span)
    numbers = np.arange(span.first, span.last)
    about = midnight(date(2024, 9, 1)) + numbers / span.rows * (midnight(date(2026, 1, 1)) - midnight(date(2024, 9, 1)))
    paused = (about + draws.normal(2, 3, rows) * DAY).astype(np.int64)
    resumed = paused + (draws.exponential(9, rows) * DAY).astype(np.int64)
    return pl.DataFrame(
        {
            "request_id": ids("R", numbers * 4, 9),
            "paused_at": instants(paused),
            "resumed_at": instants(resumed, draws.random(rows) < 0.95),
        }
    )


def _messages(draws: Draws, span: Span) -> pl.DataFrame:
    rows = len(span)
    persons = span.persons(draws)
    stranger = draws.random(rows) < 0.003
    return pl.DataFrame(
        {
            "message_id": ids("M", np.arange(span.first, span.last), 12),
            "person_id": person_ids(np.where(stranger, persons + 50_000_000, persons)),
            "channel": chosen(draws, rows, {"email": 0.7, "sms": 0.24, "push": 0.06}),
            "campaign": chosen(draws, rows, {f"campaign_{n:02}": 1 / (n + 3) for n in range(60)}),
            "category": chosen(draws, rows, {"marketing": 0.8, "service": 0.2}),
            "system": chosen(draws, rows, {"mailer": 0.7, "crm": 0.295, "": 0.005}),
            "sent_at": instants(span.instants(draws, date(2025, 1, 1), date(2026, 1, 1))),
        }
    )


def _suppressions(draws: Draws, span: Span) -> pl.DataFrame:
    rows = len(span)
    added = span.instants(draws, date(2023, 1, 1), date(2026, 1, 1))
    removed = added + draws.integers(DAY, 400 * DAY, rows)
    return pl.DataFrame(
        {
            "person_id": person_ids(span.persons(draws)),
            "channel": chosen(draws, rows, {"any": 0.4, "email": 0.4, "sms": 0.2}),
            "system": chosen(draws, rows, {"mailer": 0.6, "crm": 0.4}),
            "added_at": instants(added),
            "removed_at": instants(removed, draws.random(rows) < 0.1),
        }
    )


def _recipients() -> list[str]:
    return [f"recipient_{number:02}" for number in range(RECIPIENTS)]


def _recipient_rows(draws: Draws, span: Span) -> pl.DataFrame:
    names = _recipients()[span.first : span.last]
    kinds = {"processor": 0.5, "third_party": 0.3, "joint_user": 0.1, "group": 0.1}
    return pl.DataFrame(
        {
            "recipient": names,
            "name": [f"Company {name}" for name in names],
            "kind": chosen(draws, len(names), kinds),
            "country": chosen(draws, len(names), {"JP": 0.7, "US": 0.2, "DE": 0.1}),
        }
    )


def _contracts(draws: Draws, span: Span) -> pl.DataFrame:
    """About one contract a recipient; some end within the year, some promise too little."""
    rows = len(span)
    starts = (
        pl.Series([date(2024, 1, 1)]).gather([0] * rows)
        + pl.Series(draws.integers(0, 500, rows)).cast(pl.Duration("ms")) * DAY
    )
    ends = starts + pl.Series(draws.integers(300, 900, rows)).cast(pl.Duration("ms")) * DAY
    return pl.DataFrame(
        {
            "contract_id": ids("C", np.arange(span.first, span.last), 4),
            "recipient": chosen(draws, rows, equal_shares(_recipients())),
            "starts_on": starts,
            "ends_on": where(ends, draws.random(rows) < 0.7),
            "is_confidential": pl.Series(draws.random(rows) < 0.9),
            "is_equal_standard": pl.Series(draws.random(rows) < 0.9),
            "reviewed_on": pl.Series([None] * rows, dtype=pl.Date),
        }
    )


BASES: Shares = {
    "entrustment": 0.4, "consent": 0.3, "joint_use": 0.1, "law": 0.08, "opt_out_notice": 0.06, "succession": 0.03,
    "vital_interest": 0.02, "goodwill": 0.01,
}  # fmt: skip


def _disclosures(draws: Draws, span: Span) -> pl.DataFrame:
    rows = len(span)
    basis = chosen(draws, rows, BASES)
    on_consent = (basis == "consent").to_numpy()
    anybody = dict.fromkeys(_recipients(), 1.0) | {"nobody_knows": 0.3}
    partners = chosen(draws, rows, equal_shares(_recipients()[:PARTNERS]))
    agreed = chosen(draws, rows, {"partner_offers": 0.7, "product_improvement": 0.3})
    other = chosen(draws, rows, {"service_operation": 0.97, "curiosity": 0.03})
    by_consent = pl.when(pl.Series(on_consent))
    return pl.DataFrame(
        {
            "disclosure_id": ids("D", np.arange(span.first, span.last), 10),
            "person_id": person_ids(span.persons(draws)),
            "recipient": pl.select(by_consent.then(partners).otherwise(chosen(draws, rows, anybody))).to_series(),
            "basis": basis,
            "purpose": pl.select(by_consent.then(agreed).otherwise(other)).to_series(),
            "items": chosen(draws, rows, equal_shares(["email", "email;name", "name;phone", "payment", "usage"])),
            "disclosed_at": instants(span.instants(draws, date(2025, 1, 1), date(2026, 1, 1))),
            "legal_reference": where(
                pl.Series(["Act 57 Art. 27"]).gather([0] * rows),
                (basis == "law").to_numpy() & (draws.random(rows) < 0.9),
            ),
            "is_recorded": where(pl.Series(draws.random(rows) < 0.9), draws.random(rows) < 0.95),
        }
    )


MAKERS: dict[str, Callable[[Draws, Span], pl.DataFrame]] = {
    "people": _people,
    "consent_events": _consent_events,
    "requests": _requests,
    "request_pauses": _request_pauses,
    "messages": _messages,
    "suppressions": _suppressions,
    "recipients": _recipient_rows,
    "contracts": _contracts,
    "disclosures": _disclosures,
}
