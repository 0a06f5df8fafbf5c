"""The verdict of every marketing message: was the person opted out, in grace, or never asked when it was sent?"""

from __future__ import annotations

from datetime import datetime

import polars as pl

from pledgebook.deadlines import add_effective_instants, binds_anyhow
from pledgebook.message_states import TALLIES, tally_messages
from pledgebook.metrics.definition import ALL, Frames, Parts, Question, count_rows, ratio, with_total
from pledgebook.metrics.durations import HOUR
from pledgebook.metrics.regions import PlacesOfPeople, marketing_laws
from pledgebook.period import crosses_midnight, local_day, local_midnight

VERDICTS = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
GROUPS = ["month", "channel", "campaign"]
DAILY = ["date", "channel"]
COUNTED_BY = ("person", "channel", "campaign", "sent_at", "withdrawn_at")
BREACH_COLUMNS = ("message_id", "campaign", "channel", "system", "sent_at", "opted_out_at", "hours_after")


def refused_messages(frames: Frames, places: PlacesOfPeople, question: Question, *besides: str) -> pl.DataFrame:
    """Return the marketing messages to people who had opted out, from the period's start to as_of, also after its end.

    One row per message: what it is counted by, the columns named `besides`, and `is_bound`: whether the opt-out was
    effective before it was sent. Else it was in grace.
    """
    asked = (pl.col("sent_at") >= question.period.start) & (pl.col("sent_at") < question.as_of)
    is_refused = pl.col("withdrawn_at").is_not_null()  # which Parquet counts: groups without one are not read
    refused = frames["message_states"].filter(asked & is_refused).select(*COUNTED_BY, *besides)
    return with_bound(refused.collect(engine="streaming"), "withdrawn_at", places, question)


def with_bound(rows: pl.DataFrame, at: str, places: PlacesOfPeople, question: Question) -> pl.DataFrame:
    """Return rows with columns person, channel, sent_at beside `is_bound`: a refusal at `at` was effective before sending.

    Where more days went by than any law gives, no law is asked.
    """
    laws, timezone = marketing_laws(question), question.timezone
    anyhow = rows.select(
        binds_anyhow(rows.lazy(), laws, at, "sent_at", timezone=timezone).alias("is_bound")
    ).to_series()
    near = places.with_regimes(rows.select("person", "channel", "sent_at", at).filter(~anyhow)).lazy()
    effective = add_effective_instants(near, laws, at=at, regime="regime", timezone=timezone)
    is_over = (pl.col("effective_at") < pl.col("sent_at")).fill_null(value=False)
    judged = effective.select(is_over).collect(engine="in-memory").to_series()
    return rows.with_columns(anyhow.scatter((~anyhow).arg_true(), judged))


def tallied_messages(frames: Frames, question: Question) -> dict[str, pl.LazyFrame]:
    """Return the period's marketing messages before as_of, counted by day: rows of each table of tallies.

    Whole days as intake counted them; of the day that as_of cuts the messages are counted here.
    """
    until = _tallied_until(question)
    days = (pl.col("date") >= question.period.first_day) & (pl.col("date") < local_day(until, question.timezone))
    whole = {table: frames[table].filter(days) for table in TALLIES}
    if until == question.until:
        return whole
    cut = frames["message_states"].filter((pl.col("sent_at") >= until) & (pl.col("sent_at") < question.until))
    counted = tally_messages(cut, question.timezone)
    return {table: pl.concat([rows, counted[table].lazy()]) for table, rows in whole.items()}


def _tallied_until(question: Question) -> datetime:
    """The midnight until which whole days are counted; the period's start where clocks go back across one of its ends."""
    timezone, start = question.timezone, question.period.start
    last = local_day(question.until, timezone)
    if crosses_midnight(question.period.first_day, timezone) or crosses_midnight(last, timezone):
        return start
    return max(start, local_midnight(last, timezone))


def count_messages(tallied: pl.LazyFrame, refused: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the period's messages by verdict: month, channel, campaign, verdict, rows.

    tallied: as `tallied_messages` gives them by campaign; refused: as `refused_messages`.
    """
    month = pl.col("date").dt.month_start().alias("month")
    counted = _count_verdicts(tallied, refused, question, month, *GROUPS[1:])
    return counted.with_columns(pl.col("month").dt.strftime("%Y-%m"))


def count_days(tallied: pl.LazyFrame, refused: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return the period's messages by verdict: date, channel, verdict, rows; of any tallies, the fewest are those by system."""
    return _count_verdicts(tallied, refused, question, *DAILY)


def _count_verdicts(
    tallied: pl.LazyFrame, refused: pl.DataFrame, question: Question, *by: str | pl.Expr
) -> pl.DataFrame:
    """Rows by group and verdict; groups are of the columns date, channel, campaign."""
    others = tallied.filter(pl.col("state") != "withdrawn")
    answered = others.group_by(*by, "state").agg(pl.col("rows").sum()).collect(engine="streaming")
    met = (
        refused.lazy().filter(question.within("sent_at")).with_columns(question.day_in_period("sent_at").alias("date"))
    )
    bound = pl.when("is_bound").then(pl.lit("after_opt_out")).otherwise(pl.lit("in_grace"))
    judged = answered.with_columns(_verdict(question).alias("verdict")).drop("state")
    counted = count_rows(met, *by, "is_bound").with_columns(bound.alias("verdict")).select(judged.columns)
    return pl.concat([judged, counted]).with_columns(pl.col("channel").cast(pl.String))


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
    late = refused.filter(question.within("sent_at") & pl.col("is_bound"))
    hours = (pl.col("sent_at") - pl.col("withdrawn_at")).dt.total_microseconds() / HOUR
    told = late.with_columns(pl.col("campaign", "system").cast(pl.Categorical), hours.alias("hours_after"))
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
