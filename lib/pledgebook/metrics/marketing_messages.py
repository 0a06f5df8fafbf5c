"""The verdict of every marketing message: was the person opted out, in grace, or never asked when it was sent?"""

from __future__ import annotations

import polars as pl

from pledgebook.consent import STATE, beside_states
from pledgebook.deadlines import add_effective_instants
from pledgebook.metrics.definition import ALL, Frames, Parts, Question, count_rows, ratio, with_total
from pledgebook.metrics.durations import HOUR
from pledgebook.metrics.regions import marketing_laws, marketing_regime, regions_of_people

VERDICTS = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
GROUPS = ["month", "channel", "campaign"]
CELL = ["date", "channel", "campaign"]
OCCASION = ["person", "channel", "sent_at"]
BREACH_COLUMNS = ("message_id", "campaign", "channel", "system", "sent_at", "opted_out_at", "hours_after")


def sent_messages(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return the marketing messages since the period's start and before as_of, also those after the period's end."""
    in_time = (pl.col("sent_at") >= question.period.start) & (pl.col("sent_at") < question.as_of)
    return frames["messages"].filter((pl.col("category") == "marketing") & in_time)


def answered_messages(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return those messages beside the state of consent at sending; those to people never asked are left out.

    One row per message: person, campaign, channel, system, sent_at, state, withdrawn_at (first withdraw of the run,
    null unless withdrawn).
    """
    marketing = question.policy.marketing
    alive = (pl.col("until") > question.period.start) & (pl.col("since") < question.as_of)
    asked = (pl.col("purpose") == (marketing.purpose if marketing else "")) & (pl.col("state") != "never_asked")
    sent = sent_messages(frames, question).select("person", "campaign", "channel", "system", "sent_at")
    return beside_states(sent, frames["consent_states"].filter(alive & asked), "sent_at")


def judge_refused(frames: Frames, question: Question) -> pl.DataFrame:
    """Return the messages to people who had opted out, with `regime` and `verdict`: after_opt_out or in_grace."""
    mine = answered_messages(frames, question).filter(pl.col("state") == "withdrawn")
    refused = mine.with_columns(pl.col("channel").cast(pl.String)).collect(engine="streaming")
    people = regions_of_people(frames, question)
    asked = people.join(refused.lazy().select("person").unique(), on="person", how="semi")
    regions = asked.collect(engine="in-memory").lazy()
    told = refused.lazy().join(regions, on="person", how="left").with_columns(
        marketing_regime(regions, question).alias("regime")
    )  # fmt: skip
    effective = add_effective_instants(
        told, marketing_laws(question), at="withdrawn_at", regime="regime", timezone=question.timezone
    )
    is_over = (pl.col("effective_at") < pl.col("sent_at")).fill_null(value=False)
    verdict = pl.when(is_over).then(pl.lit("after_opt_out")).otherwise(pl.lit("in_grace"))
    return effective.with_columns(verdict.alias("verdict")).collect(engine="in-memory")


def count_messages(refused: pl.DataFrame, frames: Frames, question: Question) -> pl.DataFrame:
    """Return the period's messages by local day, channel, campaign and verdict: date, channel, campaign, verdict, rows.

    Who was never asked is what is left of all messages.
    """
    day, within = question.day_in_period("sent_at").alias("date"), question.within("sent_at")
    every = count_rows(sent_messages(frames, question).filter(within), day, *CELL[1:])
    heard = answered_messages(frames, question).filter(within & (pl.col("state") != "withdrawn"))
    states = count_rows(heard, day, *CELL[1:], "state").with_columns(pl.col("channel").cast(pl.String))
    mine = count_rows(refused.lazy().filter(within), day, *CELL[1:], "verdict")
    asked = pl.concat([states.select(*CELL, "rows"), mine.select(*CELL, "rows")])
    unasked = every.with_columns(pl.col("channel").cast(pl.String)).join(
        asked.group_by(CELL).agg(pl.col("rows").sum().alias("asked")), on=CELL, how="left"
    )
    left = unasked.with_columns(pl.col("rows") - pl.col("asked").fill_null(0)).filter(pl.col("rows") > 0)
    never = left.with_columns(pl.lit("never_asked", dtype=STATE).alias("state")).select(states.columns)
    told = pl.concat([states, never]).with_columns(_verdict(question).alias("verdict"))
    return pl.concat([told.select(*CELL, "verdict", "rows"), mine.select(*CELL, "verdict", "rows")])


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
    told = named.with_columns(pl.col("channel").cast(pl.String)).join(occasions.lazy(), on=OCCASION)
    hours = (pl.col("sent_at") - pl.col("opted_out_at")).dt.total_microseconds() / HOUR
    return told.select(*BREACH_COLUMNS[:-1], hours.alias("hours_after")).collect(engine="in-memory")


def finish_messages(parts: Parts) -> Parts:
    """Return `marketing_messages`, by month and by day, and the worklist `opt_out_breaches`."""
    counted = parts["messages"]
    month = pl.col("date").dt.strftime("%Y-%m").alias("month")
    rows = with_total(_by_verdict(counted.with_columns(month), GROUPS), GROUPS, dict.fromkeys(GROUPS, ALL))
    told = rows.with_columns(ratio("after_opt_out", "messages").alias("violation_ratio"))
    return {
        "marketing_messages": told.sort(GROUPS),
        "marketing_messages_daily": _by_verdict(counted, ["date", "channel"]).sort("date", "channel"),
        "opt_out_breaches": parts["breaches"].sort("sent_at", "message_id"),
    }


def _by_verdict(counted: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    """One row per group: its messages, and one count per verdict."""
    rows = pl.col("rows")
    counts = [rows.filter(pl.col("verdict") == verdict).sum().alias(verdict) for verdict in VERDICTS]
    return counted.group_by(groups).agg(rows.sum().alias("messages"), *counts)
