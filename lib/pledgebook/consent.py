"""State of consent at an instant: the one primitive under the metrics.

A lane is what one question can ask about: a person, a purpose, a channel, a recipient. Its events are those that cover
it; `consent_states` holds, per lane, intervals without gaps from the beginning to the end of time. The lane of channel
`any` without a recipient also remembers which narrower lanes the person has, so that a question finds its interval by
one join on the person and a filter.
"""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from pledgebook.period import local_midnight
from pledgebook.policy import Policy, Purpose
from pledgebook.tables import CHANNELS, UTC_MICROSECONDS

BEGINNING = datetime(1, 1, 1, tzinfo=UTC)
END = datetime(9999, 12, 31, tzinfo=UTC)
STATES = ("granted", "outdated", "expired", "withdrawn", "never_asked")
LANE = ["person", "purpose", "channel", "recipient"]
CHANNEL = pl.Enum(CHANNELS)
CONSENT_STATES = pl.Schema(
    {
        "person": pl.UInt64(),
        "purpose": pl.String(),
        "channel": CHANNEL,
        "recipient": pl.String(),
        "since": UTC_MICROSECONDS,
        "until": UTC_MICROSECONDS,
        "state": pl.Enum(STATES),
        "withdrawn_at": UTC_MICROSECONDS,
        "narrower_channels": pl.UInt8(),
        "narrower_recipients": pl.List(pl.String()),
    }
)


def all_consent_events(events: pl.LazyFrame, requests: pl.LazyFrame, policy: Policy) -> pl.LazyFrame:
    """Return the consent events and one withdraw, on any channel, per request to opt out of marketing.

    One row per event: person, purpose, channel, recipient, action, at, expires_at, notice_version.
    """
    columns = [*LANE, "action", "at", "expires_at", "notice_version"]
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


def build_consent_states(events: pl.LazyFrame, policy: Policy) -> pl.LazyFrame:
    """Return the intervals of one state per lane: since (inside), until (outside), and what a question needs.

    `withdrawn_at` is the first withdraw of the unbroken run that an interval of state `withdrawn` belongs to (a grant
    at the very instant of a withdraw stays withdrawn, and begins a new run); null in other states.
    """
    moments = _moments(_lane_events(events), policy)
    ordered = _once(_in_lanes(moments))
    intervals = _once(pl.concat([_never_asked(ordered), *_states(ordered)]))
    return _with_narrower_lanes(pl.concat([intervals, _unasked_any(intervals)])).select(
        pl.col(name).cast(dtype) for name, dtype in CONSENT_STATES.items()
    )


def _once(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Compute now what several parts of the plan go on from; a shard bounds its size."""
    return frame.collect(engine="in-memory").lazy()


def _in_lanes(moments: pl.LazyFrame) -> pl.LazyFrame:
    """Sort moments by lane and time, and tell each what came before and what comes next in its lane.

    A run of withdraws always begins in its own lane, so that filling its beginning forward never crosses a lane.
    """
    ordered = moments.sort(*LANE, "at", nulls_last=False).with_columns(pl.struct(LANE).rle_id().alias("_lane"))
    is_first = (pl.col("_lane") != pl.col("_lane").shift(1)).fill_null(value=True)
    is_last = (pl.col("_lane") != pl.col("_lane").shift(-1)).fill_null(value=True)
    stays = pl.col("is_withdrawn").shift(1).fill_null(value=False) & ~is_first & ~pl.col("has_grant")
    return ordered.with_columns(
        pl.when(is_last).then(END).otherwise(pl.col("at").shift(-1)).alias("next_at"),
        is_first.alias("is_first"),
        pl.when(pl.col("is_withdrawn") & ~stays).then("at").forward_fill().alias("run_at"),
    )


def _lane_events(events: pl.LazyFrame) -> pl.LazyFrame:
    """Every event once per lane that it covers: its own, and those narrower ones that the person has."""
    is_any, is_open = pl.col("channel") == "any", pl.col("recipient").is_null()
    general = events.filter(is_any & is_open)
    by_channel = events.filter(~is_any & is_open)
    by_recipient = events.filter(is_any & ~is_open)
    own = ["person", "purpose"]
    channels = by_channel.select(*own, "channel").unique()
    recipients = by_recipient.select(*own, "recipient").unique()
    names = events.collect_schema().names()
    covered_channels = general.drop("channel").join(channels, on=own).select(names)
    covered_recipients = general.drop("recipient").join(recipients, on=own).select(names)
    return pl.concat([general, by_channel, by_recipient, covered_channels, covered_recipients])


def _moments(events: pl.LazyFrame, policy: Policy) -> pl.LazyFrame:
    """One row per lane and instant: whether it withdraws, whether it grants, and when its grants weaken."""
    validity = _validity(policy).lazy()
    notices = _notices(policy).lazy()
    told = events.join(validity, on="purpose", how="left").join(
        notices, on=["purpose", "notice_version"], how="left", nulls_equal=False
    )
    grants = pl.col("action") == "grant"
    lapses = pl.min_horizontal("expires_at", pl.col("at") + pl.col("valid_for")).fill_null(END)
    ages = (
        pl.when(pl.col("lists_notices").fill_null(value=False))
        .then(pl.col("notice_until").fill_null(BEGINNING))
        .otherwise(END)
    )
    return told.group_by(*LANE, "at").agg(
        (~grants).any().alias("is_withdrawn"),
        grants.any().alias("has_grant"),
        lapses.filter(grants).min().alias("expired_from"),
        ages.filter(grants).min().alias("outdated_from"),
    )


def _validity(policy: Policy) -> pl.DataFrame:
    purposes = policy.purpose
    return pl.DataFrame(
        {
            "purpose": [p.id for p in purposes],
            "valid_for": [None if p.valid_days is None else p.valid_days * 86_400_000_000 for p in purposes],
            "lists_notices": [p.notice_versions is not None for p in purposes],
        },
        schema={"purpose": pl.String, "valid_for": pl.Duration("us"), "lists_notices": pl.Boolean},
    )


def _notices(policy: Policy) -> pl.DataFrame:
    listed = [(p, notice) for p in policy.purpose for notice in p.notice_versions or ()]
    until = [END if n.valid_until is None else local_midnight(n.valid_until, policy.timezone) for _, n in listed]
    frame = pl.DataFrame(
        {
            "purpose": [p.id for p, _ in listed],
            "notice_version": [n.id for _, n in listed],
            "notice_until": until,
        },
        schema={"purpose": pl.String, "notice_version": pl.String, "notice_until": UTC_MICROSECONDS},
    )
    return frame.unique(["purpose", "notice_version"], keep="first", maintain_order=True)


def _interval(ordered: pl.LazyFrame, state: str, since: pl.Expr, until: pl.Expr) -> pl.LazyFrame:
    run = pl.col("run_at") if state == "withdrawn" else pl.lit(None, dtype=UTC_MICROSECONDS)
    return ordered.select(
        *LANE,
        since.alias("since"),
        until.alias("until"),
        pl.lit(state).alias("state"),
        run.alias("withdrawn_at"),
    ).filter(pl.col("since") < pl.col("until"))


def _never_asked(ordered: pl.LazyFrame) -> pl.LazyFrame:
    beginning = pl.lit(BEGINNING, dtype=UTC_MICROSECONDS)
    return _interval(ordered.filter("is_first"), "never_asked", beginning, pl.col("at"))


def _states(ordered: pl.LazyFrame) -> list[pl.LazyFrame]:
    at, next_at, lapse, age = (pl.col(name) for name in ("at", "next_at", "expired_from", "outdated_from"))
    withdrawn = ordered.filter("is_withdrawn")
    granted = ordered.filter(~pl.col("is_withdrawn"))
    return [
        _interval(withdrawn, "withdrawn", at, next_at),
        _interval(granted, "granted", at, pl.min_horizontal(age, lapse, next_at)),
        _interval(granted, "outdated", pl.max_horizontal(at, age), pl.min_horizontal(lapse, next_at)),
        _interval(granted, "expired", pl.max_horizontal(at, lapse), next_at),
    ]


def _unasked_any(intervals: pl.LazyFrame) -> pl.LazyFrame:
    """Whoever answered on narrower lanes alone was never asked in general: that lane too has no gap."""
    is_general = (pl.col("channel") == "any") & pl.col("recipient").is_null()
    own = ["person", "purpose"]
    asked = intervals.filter(is_general).select(own).unique()
    lanes = intervals.select(own).unique().join(asked, on=own, how="anti")
    return lanes.select(
        *own,
        pl.lit("any").cast(CHANNEL).alias("channel"),
        pl.lit(None, dtype=pl.String).alias("recipient"),
        pl.lit(BEGINNING, dtype=UTC_MICROSECONDS).alias("since"),
        pl.lit(END, dtype=UTC_MICROSECONDS).alias("until"),
        pl.lit("never_asked").alias("state"),
        pl.lit(None, dtype=UTC_MICROSECONDS).alias("withdrawn_at"),
    )


def _channel_bit(channel: pl.Expr) -> pl.Expr:
    bits = {name: 1 << (place - 1) for place, name in enumerate(CHANNELS) if name != "any"}
    return channel.cast(pl.String).replace_strict(bits, default=0, return_dtype=pl.UInt8)


def _with_narrower_lanes(intervals: pl.LazyFrame) -> pl.LazyFrame:
    own = ["person", "purpose"]
    lanes = intervals.select(LANE).unique()
    narrower = lanes.group_by(own).agg(
        _channel_bit(pl.col("channel")).filter(pl.col("recipient").is_null()).sum().alias("narrower_channels"),
        pl.col("recipient").drop_nulls().sort().alias("narrower_recipients"),
    )
    is_general = (pl.col("channel") == "any") & pl.col("recipient").is_null()
    told = intervals.join(narrower, on=own, how="left")
    return told.with_columns(
        pl.when(is_general).then("narrower_channels").otherwise(0).alias("narrower_channels"),
        pl.when(is_general).then("narrower_recipients").alias("narrower_recipients"),
    )


def find_lanes(asks: pl.LazyFrame, states: pl.LazyFrame) -> pl.LazyFrame:
    """Return each ask with every interval of the one lane that answers it; an ask without any is left out.

    asks: person, purpose, channel (Enum), recipient (null: none), and whatever else.
    """
    return asks.join(states, on=["person", "purpose"], suffix="_of_state").filter(_fits())


def _fits() -> pl.Expr:
    same_channel = pl.col("channel_of_state") == pl.col("channel")
    has_channel = (pl.col("narrower_channels") & _channel_bit(pl.col("channel"))) != 0
    general_channel = (pl.col("channel_of_state") == "any") & ~has_channel
    same_recipient = pl.col("recipient_of_state").eq_missing(pl.col("recipient"))
    has_recipient = pl.col("narrower_recipients").list.contains(pl.col("recipient")).fill_null(value=False)
    general_recipient = pl.col("recipient_of_state").is_null() & ~has_recipient
    return (same_channel | general_channel) & (same_recipient | general_recipient)


def find_states(asks: pl.LazyFrame, states: pl.LazyFrame, at: str) -> pl.LazyFrame:
    """Return the asks with `state` and `withdrawn_at` at the instant in column `at`; rows in no order, none lost.

    asks: person, purpose, channel (text or Enum), recipient (null: none), `at`, and whatever else. Who never answered
    for the purpose is `never_asked`.
    """
    kept = asks.collect_schema().names()
    told = asks.with_columns(pl.col("channel").cast(CHANNEL).alias("channel"))
    found = told.join(states, on=["person", "purpose"], how="left", suffix="_of_state")
    inside = (pl.col("since") <= pl.col(at)) & (pl.col(at) < pl.col("until"))
    answered = found.filter(pl.col("since").is_null() | (_fits() & inside))
    return answered.select(*kept, pl.col("state").fill_null("never_asked"), "withdrawn_at")


def find_states_at(asks: pl.LazyFrame, states: pl.LazyFrame, instant: datetime) -> pl.LazyFrame:
    """Return the asks with their state at one instant, as `find_states` does."""
    moment = pl.lit(instant, dtype=UTC_MICROSECONDS)
    then = states.filter((pl.col("since") <= moment) & (moment < pl.col("until")))
    return find_states(asks.with_columns(moment.alias("_at")), then, "_at").drop("_at")


def purpose_asks(purpose: Purpose) -> list[str]:
    """Return the channels on which a purpose's coverage is measured."""
    return ["any"] if purpose.channels is None else list(purpose.channels)
