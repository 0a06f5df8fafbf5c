"""Building `message_states`: every marketing message beside the state of consent at the instant when it was sent.

What somebody had answered by then does not change with the period or with as-of, so that it is found once, at intake,
and counted once by local day: by campaign in `message_tallies`, by system in `system_tallies`. No question asks for both,
and by both there would be several times as many counts.
"""

from __future__ import annotations

import polars as pl

from pledgebook.consent import CHANNEL, STATE, find_states
from pledgebook.period import local_dates, local_day
from pledgebook.policy import Policy
from pledgebook.tables import UTC_MICROSECONDS

MESSAGE_STATES = pl.Schema(
    {
        "person": pl.UInt64(),
        "channel": CHANNEL,
        "campaign": pl.String(),
        "system": pl.String(),
        "sent_at": UTC_MICROSECONDS,
        "state": STATE,
        "withdrawn_at": UTC_MICROSECONDS,
        "message_id": pl.String(),
    }
)
BY_CAMPAIGN, BY_SYSTEM = "message_tallies", "system_tallies"
COUNTED = {
    BY_CAMPAIGN: ["date", "channel", "campaign", "state"],
    BY_SYSTEM: ["date", "channel", "system", "state"],
}
TALLIES = {
    table: pl.Schema({name: MESSAGE_STATES.get(name, pl.Date()) for name in names} | {"rows": pl.Int64()})
    for table, names in COUNTED.items()
}


def marketing_purpose(policy: Policy) -> str:
    """Return the purpose under which a policy promises about marketing; empty where it promises nothing."""
    return policy.marketing.purpose if policy.marketing else ""


def build_message_states(messages: pl.LazyFrame, states: pl.LazyFrame, policy: Policy) -> pl.DataFrame:
    """Return one row per marketing message: whom it went to, on what, and the state of consent at `sent_at`.

    messages: rows of the table; states: as `build_consent_states` gives them. `withdrawn_at` is the first withdraw of
    the unbroken run; it and `message_id` are null in states other than `withdrawn`. In the order of the messages.
    """
    sent = messages.filter(pl.col("category") == "marketing").with_columns(pl.col("channel").cast(CHANNEL))
    asks = sent.select("person", "channel", "campaign", "system", "sent_at", "message_id")
    told = find_states(asks, states, "sent_at", purpose=marketing_purpose(policy))
    named = pl.when(pl.col("state") == "withdrawn").then("message_id")
    return told.with_columns(named.alias("message_id")).select(MESSAGE_STATES.names())


def tally_messages(states: pl.LazyFrame, timezone: str) -> dict[str, pl.DataFrame]:
    """Return how many messages went out, of each table of `TALLIES`: one row per local day of `timezone` and what it names.

    states: rows of `message_states`. `rows` counts messages; `system` is null where it is not known. In no order.
    """
    sent = states.select(pl.col("sent_at").min().alias("first"), pl.col("sent_at").max().alias("last"))
    first, last = sent.collect(engine="streaming").row(0)
    if first is None:
        return {table: schema.to_frame() for table, schema in TALLIES.items()}
    day = local_dates("sent_at", local_day(first, timezone), local_day(last, timezone), timezone).alias("date")
    by = dict.fromkeys(name for names in COUNTED.values() for name in names if name != "date")
    every = states.group_by(day, *by).agg(pl.len().cast(pl.Int64).alias("rows")).collect(engine="in-memory")
    return {table: every.group_by(names).agg(pl.col("rows").sum()) for table, names in COUNTED.items()}
