"""Building `consent_states`: from answers to intervals of one state, lane by lane.

Purposes and recipients stand as small numbers while lanes are sorted and joined; the text comes back at the end.
"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from pledgebook.consent import BEGINNING, CHANNEL, CONSENT_STATES, END, EVERY_CHANNEL, STATE, channel_bit
from pledgebook.period import local_midnight
from pledgebook.policy import Policy, Purpose
from pledgebook.tables import UTC_MICROSECONDS

OWN = ["person", "purpose"]
LANE = [*OWN, "channel", "recipient"]
IN_ORDER = ["purpose", "person", "channel", "recipient", "since"]
NOBODY = 0


def build_consent_states(events: pl.LazyFrame, policy: Policy) -> pl.DataFrame:
    """Return the intervals of one state per lane: since (inside), until (outside), and the channels it answers for.

    events: as `all_consent_events` gives them. `withdrawn_at` is the first withdraw of the unbroken run that an interval
    of state `withdrawn` belongs to (a grant at the very instant of a withdraw stays withdrawn, and begins a new run);
    null in other states. `covers` has a bit per channel. Sorted by purpose, person, channel, recipient (none first), since.
    """
    answers = events.collect(engine="in-memory")
    purposes = pl.Enum(answers["purpose"].unique().sort())
    recipients = pl.Enum(answers["recipient"].drop_nulls().unique().sort())
    coded = answers.select(
        "person",
        pl.col("purpose").cast(purposes).to_physical().cast(pl.UInt32),
        pl.col("channel").cast(CHANNEL).to_physical().cast(pl.UInt8),
        (pl.col("recipient").cast(recipients).to_physical().cast(pl.UInt32) + 1).fill_null(NOBODY).alias("recipient"),
        "at",
        (pl.col("action") == "grant").alias("has_grant"),
        _lapses(policy).alias("expired_from"),
        _ages(policy).alias("outdated_from"),
    )
    moments = _in_lanes(_moments(_lane_events(coded)))
    lanes = moments.filter("is_first").select(LANE)
    intervals = _intervals(_covering(moments, lanes))
    unasked = _covering(_unasked_any(lanes), lanes).select(intervals.columns)
    told = pl.concat([intervals, unasked]).sort(IN_ORDER)
    named = pl.when(pl.col("recipient") != NOBODY).then(pl.col("recipient") - 1)
    return told.with_columns(
        _named(pl.col("purpose"), purposes),
        pl.col("channel").cat.to(CHANNEL),
        _named(named, recipients).alias("recipient"),
    ).select(pl.col(name).cast(dtype) for name, dtype in CONSENT_STATES.items())


def with_changed(states: pl.LazyFrame, changed: pl.LazyFrame, people: pl.LazyFrame) -> pl.LazyFrame:
    """Return consent states with those of some people replaced: `changed` holds all that stands of these `people`."""
    return pl.concat([states.join(people, on="person", how="anti"), changed])


def _named(numbers: pl.Expr, names: pl.Enum) -> pl.Expr:
    return numbers.cat.to(names).cast(pl.String)


def _lapses(policy: Policy) -> pl.Expr:
    """When a grant expires: by its own date or by the purpose's validity, whichever is first."""
    days = {purpose.id: purpose.valid_days for purpose in policy.purpose if purpose.valid_days is not None}
    valid = pl.col("purpose").replace_strict(days, default=None, return_dtype=pl.Int64)
    return pl.min_horizontal("expires_at", pl.col("at") + pl.duration(hours=24 * valid)).fill_null(END)


def _ages(policy: Policy) -> pl.Expr:
    """When a grant becomes outdated: with its notice; at once where the notice is not listed."""
    aged = pl.lit(END, dtype=UTC_MICROSECONDS)
    for purpose in policy.purpose:
        if purpose.notice_versions is not None:
            is_mine = pl.col("purpose") == purpose.id
            aged = pl.when(is_mine).then(_notice_ends(purpose, policy.timezone)).otherwise(aged)
    return aged


def _notice_ends(purpose: Purpose, timezone: str) -> pl.Expr:
    ends: dict[str, datetime] = {}
    for notice in purpose.notice_versions or ():
        until = END if notice.valid_until is None else local_midnight(notice.valid_until, timezone)
        ends.setdefault(notice.id, until)
    return pl.col("notice_version").replace_strict(ends, default=BEGINNING, return_dtype=UTC_MICROSECONDS)


def _lane_events(events: pl.DataFrame) -> pl.DataFrame:
    """Every event once per lane that it covers: its own, and those narrower ones that the person has."""
    is_any, is_open = pl.col("channel") == 0, pl.col("recipient") == NOBODY
    general = events.filter(is_any & is_open)
    narrower = events.filter(is_any != is_open).select(LANE).unique()
    covered = general.drop("channel", "recipient").join(narrower, on=OWN).select(events.columns)
    return pl.concat([events.filter(is_any | is_open), covered])


def _moments(events: pl.DataFrame) -> pl.DataFrame:
    """One row per lane and instant, sorted: whether it withdraws, whether it grants, and when its grants weaken."""
    ordered = events.sort(*LANE, "at").with_columns((~pl.col("has_grant")).alias("is_withdrawn"))
    again = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in [*LANE, "at"]).fill_null(value=False)
    told = ordered.with_columns((~again).cum_sum().alias("_moment"))
    tied = pl.col("_moment").is_in(told.filter(again)["_moment"].unique().implode())
    several = told.filter(tied)
    if several.is_empty():
        return ordered
    grants = pl.col("has_grant")
    merged = several.group_by("_moment").agg(
        pl.col(*LANE, "at").first(),
        pl.col("is_withdrawn").any(),
        pl.col("expired_from").filter(grants).min().fill_null(END),
        pl.col("outdated_from").filter(grants).min().fill_null(END),
        grants.any(),
    )
    single = told.filter(~tied)
    return pl.concat([single, merged.select(single.columns)]).sort("_moment").drop("_moment")


def _in_lanes(moments: pl.DataFrame) -> pl.DataFrame:
    """Tell each moment what came before and what comes next in its lane.

    A run of withdraws always begins in its own lane, so that filling its beginning forward never crosses a lane.
    """
    same = pl.all_horizontal(pl.col(name) == pl.col(name).shift(1) for name in LANE).fill_null(value=False)
    told = moments.with_columns((~same).alias("is_first"))
    is_last = pl.col("is_first").shift(-1).fill_null(value=True)
    stays = pl.col("is_withdrawn").shift(1).fill_null(value=False) & ~pl.col("is_first") & ~pl.col("has_grant")
    return told.with_columns(
        pl.when(is_last).then(END).otherwise(pl.col("at").shift(-1)).alias("next_at"),
        pl.when(pl.col("is_withdrawn") & ~stays).then("at").forward_fill().alias("run_at"),
    )


def _intervals(ordered: pl.DataFrame) -> pl.DataFrame:
    """The intervals of every lane: before its first moment, and what each moment brings until the next."""
    at, next_at, lapse, age = (pl.col(name) for name in ("at", "next_at", "expired_from", "outdated_from"))
    beginning = pl.lit(BEGINNING, dtype=UTC_MICROSECONDS)
    withdrawn, granted = pl.col("is_withdrawn"), ~pl.col("is_withdrawn")
    return pl.concat(
        [
            _interval(ordered.filter("is_first"), "never_asked", beginning, at),
            _interval(ordered.filter(withdrawn), "withdrawn", at, next_at),
            _interval(ordered.filter(granted), "granted", at, pl.min_horizontal(age, lapse, next_at)),
            _interval(
                ordered.filter(granted), "outdated", pl.max_horizontal(at, age), pl.min_horizontal(lapse, next_at)
            ),
            _interval(ordered.filter(granted), "expired", pl.max_horizontal(at, lapse), next_at),
        ]
    )


def _interval(ordered: pl.DataFrame, state: str, since: pl.Expr, until: pl.Expr) -> pl.DataFrame:
    run = pl.col("run_at") if state == "withdrawn" else pl.lit(None, dtype=UTC_MICROSECONDS)
    told = ordered.select(*LANE, "covers", since.alias("since"), until.alias("until"), run.alias("withdrawn_at"))
    return told.filter(pl.col("since") < pl.col("until")).with_columns(pl.lit(state, dtype=STATE).alias("state"))


def _unasked_any(lanes: pl.DataFrame) -> pl.DataFrame:
    """Whoever answered on narrower lanes alone was never asked in general: that lane too has no gap."""
    is_general = (pl.col("channel") == 0) & (pl.col("recipient") == NOBODY)
    unasked = lanes.filter(~is_general).select(OWN).unique().join(lanes.filter(is_general), on=OWN, how="anti")
    return unasked.select(
        *OWN,
        pl.lit(0, dtype=pl.UInt8).alias("channel"),
        pl.lit(NOBODY, dtype=pl.UInt32).alias("recipient"),
        pl.lit(BEGINNING, dtype=UTC_MICROSECONDS).alias("since"),
        pl.lit(END, dtype=UTC_MICROSECONDS).alias("until"),
        pl.lit(None, dtype=UTC_MICROSECONDS).alias("withdrawn_at"),
        pl.lit("never_asked", dtype=STATE).alias("state"),
    )


def _covering(rows: pl.DataFrame, lanes: pl.DataFrame) -> pl.DataFrame:
    """Say which channels each row's lane answers for: the general one for those on which the person has none of their own.

    lanes: every lane once.
    """
    is_any, is_open = pl.col("channel") == 0, pl.col("recipient") == NOBODY
    bit = channel_bit(pl.col("channel").cat.to(CHANNEL))
    taken = lanes.filter(~is_any & is_open).group_by(OWN).agg(bit.sum().cast(pl.UInt8).alias("taken"))
    told = rows.join(taken, on=OWN, how="left")
    left = pl.lit(EVERY_CHANNEL, dtype=pl.UInt8) - pl.col("taken").fill_null(0)
    return told.with_columns(
        pl.when(is_any & is_open)
        .then(left)
        .when(is_any)
        .then(pl.lit(EVERY_CHANNEL, dtype=pl.UInt8))
        .otherwise(bit)
        .alias("covers")
    ).drop("taken")
