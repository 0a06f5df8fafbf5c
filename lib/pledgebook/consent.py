"""State of consent at an instant: the one primitive under the metrics.

A lane is what one question can ask about: a person, a purpose, a channel, a recipient. Its events are those that cover
it; `consent_states` holds, per lane, intervals without gaps from the beginning to the end of time, and which channels
the lane answers for: that of channel `any` for all channels on which the person has no lane of their own. So a question
finds its interval by one join on the person and a filter.
"""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from pledgebook.policy import Policy, Purpose
from pledgebook.tables import CHANNELS, UTC_MICROSECONDS

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)
STATES = ("granted", "outdated", "expired", "withdrawn", "never_asked")
CHANNEL = pl.Enum(CHANNELS)
STATE = pl.Enum(STATES)
BITS = {channel: 1 << place for place, channel in enumerate(CHANNELS)}
EVERY_CHANNEL = 255
INTERVAL = ("person", "since", "until", "state", "withdrawn_at", "covers")
CONSENT_STATES = pl.Schema(
    {
        "person": pl.UInt64(),
        "purpose": pl.String(),
        "channel": CHANNEL,
        "recipient": pl.String(),
        "since": UTC_MICROSECONDS,
        "until": UTC_MICROSECONDS,
        "state": STATE,
        "withdrawn_at": UTC_MICROSECONDS,
        "covers": pl.UInt8(),
    }
)


def all_consent_events(events: pl.LazyFrame, requests: pl.LazyFrame, policy: Policy) -> pl.LazyFrame:
    """Return the consent events and one withdraw, on any channel, per request to opt out of marketing.

    One row per event: person, purpose, channel, recipient, action, at, expires_at, notice_version.
    """
    columns = ["person", "purpose", "channel", "recipient", "action", "at", "expires_at", "notice_version"]
    answers = events.select(columns)
    if policy.marketing is None:
        return answers
    schema = answers.collect_schema()
    asked = requests.filter(pl.col("kind") == "marketing_opt_out").select(
        "person",
        pl.lit(policy.marketing.purpose).alias("purpose"),
        pl.lit("any").cast(schema["channel"]).alias("channel"),
        pl.lit(None, dtype=pl.String).alias("recipient"),
        pl.lit("withdraw").cast(schema["action"]).alias("action"),
        pl.col("received_at").alias("at"),
        pl.lit(None, dtype=UTC_MICROSECONDS).alias("expires_at"),
        pl.lit(None, dtype=pl.String).alias("notice_version"),
    )
    return pl.concat([answers, asked])


def channel_bit(channel: pl.Expr) -> pl.Expr:
    """Return the bit that stands for a channel in `covers`."""
    return channel.cast(CHANNEL).replace_strict(BITS, return_dtype=pl.UInt8)


def covering(channel: str) -> pl.Expr:
    """Return whether a row of `consent_states` answers for a channel."""
    return (pl.col("covers") & pl.lit(BITS[channel], dtype=pl.UInt8)) != 0


def find_states(asks: pl.LazyFrame, states: pl.LazyFrame, at: str, *, purpose: str | None = None) -> pl.DataFrame:
    """Return the asks with `state` and `withdrawn_at` at the instant in column `at`; in their order, none lost.

    asks: person, purpose (unless all ask about the one that is named), channel (text or Enum), and whatever else; of no
    recipient in particular. Who never answered for the purpose is `never_asked`.
    """
    asked = asks.collect(engine="in-memory")
    general = states.filter(pl.col("recipient").is_null())
    return _answered(asked, general if purpose is None else general.filter(pl.col("purpose") == purpose), at, purpose)


def beside_states(asks: pl.LazyFrame, states: pl.LazyFrame, at: str) -> pl.LazyFrame:
    """Return the asks beside the interval that answers each: `state`, `withdrawn_at`; of no recipient in particular.

    asks: person, channel, `at`, all about the one purpose that `states` are of. Lazy, so that a stream of millions of
    asks is never held; in no order. Those that no interval of `states` answers are left out.
    """
    general = states.filter(pl.col("recipient").is_null()).select(*INTERVAL)
    joined = asks.with_columns(channel_bit(pl.col("channel")).alias("_bit")).join(general, on="person")
    inside = (pl.col("since") <= pl.col(at)) & (pl.col(at) < pl.col("until"))
    return joined.filter(inside & ((pl.col("covers") & pl.col("_bit")) != 0)).drop("_bit", "since", "until", "covers")


def find_states_of_recipients(asks: pl.LazyFrame, states: pl.LazyFrame, at: str) -> pl.DataFrame:
    """Return the asks with `state` and `withdrawn_at`, as `find_states` does, each for its own recipient; in no order.

    asks: person, purpose, channel, recipient (null: none in particular), `at`, and whatever else. A lane of the
    recipient's own answers, else the one of no recipient.
    """
    lane = ["person", "purpose", "recipient"]
    asked = asks.collect(engine="in-memory")
    own = states.filter(pl.col("recipient").is_not_null()).collect(engine="in-memory")
    has_own = asked.join(own.select(lane).unique(), on=lane, how="semi")
    others = asked.join(own.select(lane).unique(), on=lane, how="anti")
    named = _answered(has_own, own.lazy(), at, None, ["recipient"])
    return pl.concat([named, find_states(others.lazy(), states, at)])


def _answered(
    asked: pl.DataFrame, states: pl.LazyFrame, at: str, purpose: str | None, besides: list[str] | None = None
) -> pl.DataFrame:
    """Each ask beside the one interval that answers it: intervals have no gaps, so that no row is lost or doubled."""
    on = ["person", *(["purpose"] if purpose is None else []), *(besides or [])]
    first, last = asked[at].min(), asked[at].max()
    alive = states.filter((pl.col("until") > first) & (pl.col("since") <= last)) if asked.height else states
    narrow = asked.lazy().select(*on, pl.col(at).alias("_at"), channel_bit(pl.col("channel")).alias("_bit"))
    joined = narrow.join(
        alive.select(*on, "since", "until", "state", "withdrawn_at", "covers"), on=on, how="left", maintain_order="left"
    )
    inside = (pl.col("since") <= pl.col("_at")) & (pl.col("_at") < pl.col("until"))
    fits = inside & ((pl.col("covers") & pl.col("_bit")) != 0)
    found = joined.filter(pl.col("since").is_null() | fits).select("state", "withdrawn_at").collect(engine="in-memory")
    return asked.hstack(found.with_columns(pl.col("state").cast(STATE).fill_null("never_asked")))


def purpose_asks(purpose: Purpose) -> list[str]:
    """Return the channels on which a purpose's coverage is measured."""
    return ["any"] if purpose.channels is None else list(purpose.channels)
