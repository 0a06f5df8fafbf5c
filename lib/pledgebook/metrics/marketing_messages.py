"""The verdict of every marketing message: was the person opted out, in grace, or never asked when it was sent?"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pledgebook.consent import CHANNEL, STATE, beside_states
from pledgebook.deadlines import add_effective_instants
from pledgebook.metrics.definition import ALL, Frames, Parts, Question, count_rows, ratio, with_total
from pledgebook.metrics.durations import HOUR
from pledgebook.metrics.regions import marketing_laws, marketing_regime, regions_of_people

VERDICTS = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
GROUPS = ["month", "channel", "campaign"]
DAILY = ["date", "channel"]
OCCASION = ["person", "channel", "sent_at"]
BREACH_COLUMNS = ("message_id", "campaign", "channel", "system", "sent_at", "opted_out_at", "hours_after")


def sent_messages(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return the marketing messages since the period's start and before as_of, also those after the period's end."""
    in_time = (pl.col("sent_at") >= question.period.start) & (pl.col("sent_at") < question.as_of)
    marketing = frames["messages"].filter((pl.col("category") == "marketing") & in_time)
    return marketing.with_columns(pl.col("channel").cast(CHANNEL))


def collect_sent(frames: Frames, question: Question) -> pl.DataFrame:
    """Return those messages, one row each: person, campaign, channel, sent_at, has_system; ids are not read."""
    has_system = pl.col("system").is_not_null().alias("has_system")
    sent = sent_messages(frames, question).select("person", "campaign", "channel", "sent_at", has_system)
    return sent.collect(engine="streaming")


def answered_messages(sent: pl.DataFrame, frames: Frames, question: Question) -> pl.DataFrame:
    """Return messages beside the state of consent at sending; those to people never asked are left out.

    One row per message: the columns of `sent`, state, withdrawn_at (first withdraw of the run, null unless withdrawn).
    """
    marketing = question.policy.marketing
    alive = (pl.col("until") > question.period.start) & (pl.col("since") < question.as_of)
    asked = (pl.col("purpose") == (marketing.purpose if marketing else "")) & (pl.col("state") != "never_asked")
    states = frames["consent_states"].filter(alive & asked)
    return beside_states(sent, states, "sent_at")


def judge_refused(answered: pl.DataFrame, frames: Frames, question: Question) -> pl.DataFrame:
    """Return the messages to people who had opted out, with `regime` and `verdict`: after_opt_out or in_grace."""
    refused = answered.filter(pl.col("state") == "withdrawn")
    people = regions_of_people(frames, question).collect(engine="streaming")
    told = refused.join(people, on="person", how="left").lazy()
    told = told.with_columns(marketing_regime(people.lazy(), question).alias("regime"))
    effective = add_effective_instants(
        told, marketing_laws(question), at="withdrawn_at", regime="regime", timezone=question.timezone
    )
    is_over = (pl.col("effective_at") < pl.col("sent_at")).fill_null(value=False)
    verdict = pl.when(is_over).then(pl.lit("after_opt_out")).otherwise(pl.lit("in_grace"))
    return effective.with_columns(verdict.alias("verdict")).collect(engine="in-memory")


def count_messages(sent: pl.DataFrame, answered: pl.DataFrame, refused: pl.DataFrame, question: Question) -> Parts:
    """Return the period's messages by verdict: `messages` by month, channel and campaign, `daily` by day and channel."""
    day, within = question.day_in_period("sent_at").alias("date"), question.within("sent_at")
    every = sent.lazy().filter(within).select(day, *GROUPS[1:])
    heard = answered.lazy().filter(within & (pl.col("state") != "withdrawn")).select(day, *GROUPS[1:], "state")
    mine = refused.lazy().filter(within).select(day, *GROUPS[1:], "verdict")
    month = pl.col("date").dt.month_start().alias("month")
    return {
        "messages": _count_verdicts(every, heard, mine, [month, *GROUPS[1:]], question),
        "daily": _count_verdicts(every, heard, mine, DAILY, question),
    }


def _count_verdicts(
    every: pl.LazyFrame, heard: pl.LazyFrame, refused: pl.LazyFrame, by: Sequence[str | pl.Expr], question: Question
) -> pl.DataFrame:
    """Rows by group and verdict; who was never asked is what is left of all messages."""
    states = count_rows(heard, *by, "state").with_columns(_verdict(question).alias("verdict")).drop("state")
    asked = pl.concat([states, count_rows(refused, *by, "verdict").select(states.columns)])
    total = count_rows(every, *by)
    groups = [name for name in total.columns if name != "rows"]
    left = total.join(asked.group_by(groups).agg(pl.col("rows").sum().alias("asked")), on=groups, how="left")
    never = left.with_columns(pl.col("rows") - pl.col("asked").fill_null(0)).filter(pl.col("rows") > 0)
    state = never.with_columns(pl.lit("never_asked", dtype=STATE).alias("state"))
    told = pl.concat([asked, state.with_columns(_verdict(question).alias("verdict")).select(asked.columns)])
    return told.with_columns(pl.col("channel").cast(pl.String))


def _verdict(question: Question) -> pl.Expr:
    """What a state other than withdrawn means for a message."""
    state = pl.col("state").cast(pl.String)
    opt_in = bool(question.policy.marketing and question.policy.marketing.opt_in)
    return (
        pl.when((state == "never_asked") & pl.lit(opt_in)).then(pl.lit("no_consent"))
        .when(state.is_in(["expired", "outdated"])).then(state)
        .otherwise(pl.lit("permitted"))
    )  # fmt: skip


def breaches(refused: pl.DataFrame, frames: Frames, question: Question) -> pl.DataFrame:
    """Return the period's messages after an opt-out, with the hours since the earliest withdraw of the verdict.

    Ids are read only here, for all other figures do without: those of one person, channel and instant share a verdict.
    """
    late = refused.lazy().filter(question.within("sent_at") & (pl.col("verdict") == "after_opt_out"))
    occasions = late.select(*OCCASION, pl.col("withdrawn_at").alias("opted_out_at")).unique().collect()
    named = sent_messages(frames, question).filter(pl.col("person").is_in(occasions["person"].unique().implode()))
    told = named.join(occasions.lazy(), on=OCCASION).with_columns(pl.col("channel").cast(pl.String))
    hours = (pl.col("sent_at") - pl.col("opted_out_at")).dt.total_microseconds() / HOUR
    return told.select(*BREACH_COLUMNS[:-1], hours.alias("hours_after")).collect(engine="streaming")


def finish_messages(parts: Parts) -> Parts:
    """Return `marketing_messages`, by month and by day."""
    return {
        "marketing_messages": tell_messages(parts["messages"]),
        "marketing_messages_daily": _by_verdict(parts["daily"], DAILY).sort(DAILY),
    }


def tell_messages(counted: pl.DataFrame) -> pl.DataFrame:
    """Return `marketing_messages` of messages counted by month, channel, campaign and verdict."""
    by_month = _by_verdict(counted.with_columns(pl.col("month").dt.strftime("%Y-%m")), GROUPS)
    rows = with_total(by_month, GROUPS, dict.fromkeys(GROUPS, ALL))
    return rows.with_columns(ratio("after_opt_out", "messages").alias("violation_ratio")).sort(GROUPS)


def _by_verdict(counted: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """One row per group: its messages, and one count per verdict."""
    rows = pl.col("rows")
    counts = [rows.filter(pl.col("verdict") == verdict).sum().alias(verdict) for verdict in VERDICTS]
    return counted.group_by(groups).agg(rows.sum().alias("messages"), *counts)
