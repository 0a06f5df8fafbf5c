"""The verdict of every marketing message: was the person opted out, in grace, or never asked when it was sent?"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from pledgebook.deadlines import add_effective_instants, binds_anyhow
from pledgebook.metrics.definition import ALL, Frames, Parts, Question, count_rows, ratio, with_total
from pledgebook.metrics.durations import HOUR
from pledgebook.metrics.regions import marketing_laws, with_marketing_regimes

VERDICTS = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
GROUPS = ["month", "channel", "campaign"]
DAILY = ["date", "channel"]
BREACH_COLUMNS = ("message_id", "campaign", "channel", "system", "sent_at", "opted_out_at", "hours_after")


def answered_messages(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return the marketing messages since the period's start and before as_of, also those after the period's end.

    One row per message: person, channel, campaign, system, sent_at, and what consent said then: state, withdrawn_at;
    message_id (null unless withdrawn).
    """
    in_time = (pl.col("sent_at") >= question.period.start) & (pl.col("sent_at") < question.as_of)
    return frames["message_states"].filter(in_time)


def refused_messages(answered: pl.LazyFrame, people: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the messages to people who had opted out, with `verdict`: after_opt_out, or in_grace.

    people: as `regions_of_people` gives them. Where more days went by than any law gives, no law is asked.
    """
    refused = answered.filter(pl.col("state") == "withdrawn").collect(engine="streaming")
    laws = marketing_laws(question)
    is_settled = binds_anyhow(refused.lazy(), laws, "withdrawn_at", "sent_at", timezone=question.timezone)
    settled = refused.filter(is_settled).with_columns(pl.lit("after_opt_out").alias("verdict"))
    near = with_marketing_regimes(refused.filter(~is_settled), people, question).lazy()
    effective = add_effective_instants(near, laws, at="withdrawn_at", regime="regime", timezone=question.timezone)
    is_over = (pl.col("effective_at") < pl.col("sent_at")).fill_null(value=False)
    verdict = pl.when(is_over).then(pl.lit("after_opt_out")).otherwise(pl.lit("in_grace")).alias("verdict")
    judged = effective.select(*refused.columns, verdict).collect(engine="in-memory")
    return pl.concat([settled, judged])


def count_messages(answered: pl.LazyFrame, refused: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the period's messages by verdict: month, channel, campaign, verdict, rows."""
    month = question.month_in_period("sent_at").alias("month")
    counted = _count_verdicts(answered, refused, [month, *GROUPS[1:]], question)
    months = dict(enumerate(f"{first:%Y-%m}" for first in question.months()))
    return counted.with_columns(pl.col("month").replace_strict(months, return_dtype=pl.String))


def count_days(answered: pl.LazyFrame, refused: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the period's messages by verdict: date, channel, verdict, rows."""
    return _count_verdicts(answered, refused, [question.day_in_period("sent_at").alias("date"), "channel"], question)


def _count_verdicts(
    answered: pl.LazyFrame, refused: pl.DataFrame, by: Sequence[str | pl.Expr], question: Question
) -> pl.DataFrame:
    """Rows by group and verdict."""
    within = question.within("sent_at")
    others = count_rows(answered.filter(within & (pl.col("state") != "withdrawn")), *by, "state")
    judged = others.with_columns(_verdict(question).alias("verdict")).drop("state")
    told = pl.concat([judged, count_rows(refused.lazy().filter(within), *by, "verdict").select(judged.columns)])
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


def breaches(refused: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the period's messages after an opt-out, with the hours since the earliest withdraw of the verdict."""
    late = refused.filter(question.within("sent_at") & (pl.col("verdict") == "after_opt_out"))
    hours = (pl.col("sent_at") - pl.col("withdrawn_at")).dt.total_microseconds() / HOUR
    told = late.with_columns(pl.col("channel").cast(pl.String), hours.alias("hours_after"))
    return told.rename({"withdrawn_at": "opted_out_at"}).select(BREACH_COLUMNS)


def finish_messages(parts: Parts) -> Parts:
    """Return `marketing_messages`, by month and by day."""
    return {
        "marketing_messages": tell_messages(parts["messages"]),
        "marketing_messages_daily": _by_verdict(parts["daily"], DAILY).sort(DAILY),
    }


def tell_messages(counted: pl.DataFrame) -> pl.DataFrame:
    """Return `marketing_messages` of messages counted by month, channel, campaign and verdict."""
    rows = with_total(_by_verdict(counted, GROUPS), GROUPS, dict.fromkeys(GROUPS, ALL))
    return rows.with_columns(ratio("after_opt_out", "messages").alias("violation_ratio")).sort(GROUPS)


def _by_verdict(counted: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """One row per group: its messages, and one count per verdict."""
    rows = pl.col("rows")
    counts = [rows.filter(pl.col("verdict") == verdict).sum().alias(verdict) for verdict in VERDICTS]
    return counted.group_by(groups).agg(rows.sum().alias("messages"), *counts)
