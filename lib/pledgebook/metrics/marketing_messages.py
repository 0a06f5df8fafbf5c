"""The verdict of every marketing message: was the person opted out, in grace, or never asked when it was sent?"""

from __future__ import annotations

import polars as pl

from pledgebook.consent import CHANNEL, find_states
from pledgebook.deadlines import add_effective_instants
from pledgebook.metrics.definition import ALL, Frames, Parts, Question, count_by, ratio, with_total
from pledgebook.metrics.durations import HOUR
from pledgebook.metrics.regions import marketing_regime, regions_of_people

VERDICTS = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
GROUPS = ["month", "channel", "campaign"]
BREACH_COLUMNS = ("message_id", "campaign", "channel", "system", "sent_at", "opted_out_at", "hours_after")


def judge_messages(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return marketing messages since the period's start and before as_of, with regime, state and verdict.

    One row per message, also those after the period's end: person, message_id, campaign, channel, system, sent_at,
    regime, state, withdrawn_at (first withdraw of the run, null unless withdrawn), verdict.
    """
    marketing = question.policy.marketing
    people = regions_of_people(frames, question)
    in_time = (pl.col("sent_at") >= question.period.start) & (pl.col("sent_at") < question.as_of)
    sent = (
        frames["messages"]
        .filter((pl.col("category") == "marketing") & in_time)
        .select("person", "message_id", "campaign", pl.col("channel").cast(CHANNEL), "system", "sent_at")
    )
    asks = sent.with_columns(
        pl.lit(marketing.purpose if marketing else None, dtype=pl.String).alias("purpose"),
        pl.lit(None, dtype=pl.String).alias("recipient"),
    )
    told = find_states(asks, frames["consent_states"], "sent_at").drop("purpose", "recipient")
    with_regime = (
        told.with_columns(pl.col("channel").cast(pl.String))
        .join(people, on="person", how="left")
        .with_columns(marketing_regime(people, question).alias("regime"))
    )
    effective = add_effective_instants(
        with_regime, question.regimes, at="withdrawn_at", regime="regime", timezone=question.timezone
    )
    return effective.with_columns(_verdict(question).alias("verdict"))


def _verdict(question: Question) -> pl.Expr:
    state = pl.col("state").cast(pl.String)
    opt_in = bool(question.policy.marketing and question.policy.marketing.opt_in)
    return (
        pl.when((state == "withdrawn") & (pl.col("effective_at") < pl.col("sent_at"))).then(pl.lit("after_opt_out"))
        .when(state == "withdrawn").then(pl.lit("in_grace"))
        .when((state == "never_asked") & pl.lit(opt_in)).then(pl.lit("no_consent"))
        .when(state.is_in(["expired", "outdated"])).then(state)
        .otherwise(pl.lit("permitted"))
    )  # fmt: skip


def count_messages(judged: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Return the period's messages by month, channel and campaign, one count per verdict."""
    month = question.local_date("sent_at").dt.strftime("%Y-%m").alias("month")
    return (
        judged.filter(question.within("sent_at"))
        .group_by(month, "channel", "campaign")
        .agg(pl.len().cast(pl.Int64).alias("messages"), *count_by("verdict", VERDICTS))
    )


def count_days(judged: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Return the period's messages by local day and channel, one count per verdict."""
    day = question.local_date("sent_at").alias("date")
    return (
        judged.filter(question.within("sent_at"))
        .group_by(day, "channel")
        .agg(pl.len().cast(pl.Int64).alias("messages"), *count_by("verdict", VERDICTS))
    )


def breaches(judged: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Return the period's messages after an opt-out, with the hours since the earliest withdraw of the verdict."""
    hours = (pl.col("sent_at") - pl.col("withdrawn_at")).dt.total_microseconds() / HOUR
    found = judged.filter(question.within("sent_at") & (pl.col("verdict") == "after_opt_out"))
    told = found.with_columns(pl.col("withdrawn_at").alias("opted_out_at"), hours.alias("hours_after"))
    return told.select(BREACH_COLUMNS)


def finish_messages(parts: Parts) -> Parts:
    """Return `marketing_messages` and the worklist `opt_out_breaches`."""
    summed = parts["messages"].group_by(GROUPS).agg(pl.col("messages", *VERDICTS).sum())
    rows = with_total(summed, GROUPS, dict.fromkeys(GROUPS, ALL))
    told = rows.with_columns(ratio("after_opt_out", "messages").alias("violation_ratio"))
    return {
        "marketing_messages": told.sort(GROUPS),
        "marketing_messages_daily": parts["days"]
        .group_by("date", "channel")
        .agg(pl.col("messages", *VERDICTS).sum())
        .sort("date", "channel"),
        "opt_out_breaches": parts["breaches"].sort("sent_at", "message_id"),
    }
