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
SAME_PURPOSE = pl.col("purpose").eq_missing(pl.col("_purpose"))
"""States of no purpose are not read. Said as `==` it becomes a second key of the join, of text: half as long again."""
CAN_GRANT = (pl.col("state") == "granted") | pl.col("recipient").is_not_null()
"""What is read of the states to know who had granted and no more: of a recipient's own lane all, for all of it counts."""
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
    return pl.lit(2, dtype=pl.UInt8).pow(channel.cast(CHANNEL).to_physical())


def covering(channel: str) -> pl.Expr:
    """Return whether a row of `consent_states` answers for a channel."""
    return (pl.col("covers") & pl.lit(BITS[channel], dtype=pl.UInt8)) != 0


def find_states(asks: pl.LazyFrame, states: pl.LazyFrame, at: str, *, purpose: str) -> pl.DataFrame:
    """Return the asks with `state` and `withdrawn_at` at the instant in column `at`; in their order, none lost.

    asks: person, channel (text or Enum), and whatever else; all of the one purpose, and of no recipient in particular.
    Who never answered for the purpose is `never_asked`.
    """
    asked = asks.collect(engine="in-memory")
    mine = states.filter(pl.col("recipient").is_null() & (pl.col("purpose") == purpose))
    return _beside(asked, _answers(asked, mine, at))


def find_states_of_recipients(asks: pl.LazyFrame, states: pl.LazyFrame, at: str) -> pl.DataFrame:
    """Return the asks with `state` and `withdrawn_at`, as `find_states` does, each for its own recipient.

    asks: person, purpose, channel, recipient (null: none in particular), `at`, and whatever else. A lane of the
    recipient's own answers, else the one of no recipient.
    """
    asked = asks.collect(engine="in-memory")
    is_own = pl.col("recipient").is_not_null()
    fits = SAME_PURPOSE & (~is_own | (pl.col("recipient") == pl.col("_recipient")))
    found = _answers(asked, states, at, fits, "purpose", "recipient").sort(is_own)
    return _beside(asked, found.unique("_ask", keep="last", maintain_order=True))


def _answers(
    asked: pl.DataFrame, states: pl.LazyFrame, at: str, fits: pl.Expr | None = None, *named: str
) -> pl.DataFrame:
    """The intervals that answer each ask: its row as `_ask`, recipient, state, withdrawn_at.

    They meet on the person alone, which is one number, and whose intervals are few: what else must agree is compared
    where they met. `fits` may speak of the asks' columns that are `named`, each as `_<name>`. What cannot answer is not
    read: other times, other purposes, and in general `never_asked`, which no answer means as well.
    """
    first, last = asked[at].min(), asked[at].max()
    alive = states.filter((pl.col("until") > first) & (pl.col("since") <= last)) if asked.height else states
    alive = alive.filter((pl.col("state") != "never_asked") | pl.col("recipient").is_not_null())
    if "purpose" in named:
        alive = alive.filter(pl.col("purpose").is_in(asked["purpose"].cast(pl.String).unique().drop_nulls().to_list()))
    told = [pl.col(name).cast(pl.String).alias(f"_{name}") for name in named]
    bit = channel_bit(pl.col("channel")).alias("_bit")
    narrow = asked.lazy().with_row_index("_ask").select("_ask", "person", pl.col(at).alias("_at"), bit, *told)
    inside = (pl.col("since") <= pl.col("_at")) & (pl.col("_at") < pl.col("until"))
    answers = inside & ((pl.col("covers") & pl.col("_bit")) != 0)
    agrees = answers if fits is None else answers & fits
    joined = narrow.join(alive.select(*INTERVAL, "purpose", "recipient"), on="person").filter(agrees)
    return joined.select("_ask", "recipient", "state", "withdrawn_at").collect(engine="streaming")


def _beside(asked: pl.DataFrame, found: pl.DataFrame) -> pl.DataFrame:
    """Each ask, in its order, beside what answers it; who never answered is `never_asked`."""
    numbered = asked.select(pl.int_range(pl.len(), dtype=pl.get_index_type()).alias("_ask"))
    told = numbered.join(found, on="_ask", how="left", maintain_order="left")
    return asked.hstack(told.select(pl.col("state").cast(STATE).fill_null("never_asked"), "withdrawn_at"))


def purpose_asks(purpose: Purpose) -> list[str]:
    """Return the channels on which a purpose's coverage is measured."""
    return ["any"] if purpose.channels is None else list(purpose.channels)
