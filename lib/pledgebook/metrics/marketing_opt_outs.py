"""Marketing opt-outs: was each honoured, and how long did the systems take to suppress the person?"""

from __future__ import annotations

from functools import partial

import polars as pl

from pledgebook.consent import CHANNEL, all_consent_events, channel_bit
from pledgebook.message_states import BY_CAMPAIGN, BY_SYSTEM, TALLIES, marketing_purpose
from pledgebook.metrics.definition import (
    ALL,
    Column,
    Frames,
    Metric,
    Parts,
    Published,
    Question,
    collect,
    notes_of,
    ratio,
    with_total,
)
from pledgebook.metrics.durations import HOUR, median_by
from pledgebook.metrics.marketing_messages import (
    BREACH_COLUMNS,
    breaches,
    count_days,
    count_messages,
    finish_messages,
    refused_messages,
    tallied_messages,
    with_bound,
)
from pledgebook.metrics.regions import PlacesOfPeople, marketing_laws, places_of_people
from pledgebook.metrics.suppression import OPT_OUT, suppression
from pledgebook.policy import Policy

COUNTS = ("opt_outs", "honoured", "breached", "not_suppressed")


def survey(frames: Frames, question: Question) -> Parts:
    """Return the (system, channel) pairs that carried a marketing message in the period: what must suppress a person."""
    carried = tallied_messages(frames, question)[BY_SYSTEM].select("system", "channel").drop_nulls("system").unique()
    return {"pairs": carried.with_columns(pl.col("channel").cast(pl.String)).collect(engine="streaming")}


def measure(frames: Frames, question: Question) -> Parts:
    """Return one shard's messages by verdict, its breaches, its opt-outs, and messages without a system."""
    places = places_of_people(frames, question)
    refused = refused_messages(frames, places, question, "system", "message_id")
    tallied = tallied_messages(frames, question)
    answers = _marketing_answers(frames, question).collect(engine="in-memory").lazy()
    opted = _opt_outs(answers, frames, question).with_row_index("opt_out").collect(engine="in-memory")
    breached = _breached(opted, refused, places, question)
    judged = opted.with_columns(is_breached=pl.col("opt_out").is_in(breached.implode()))
    told = judged.join(suppression(opted, answers, frames, question), on="opt_out").lazy()
    return {
        "messages": count_messages(tallied[BY_CAMPAIGN], refused, question),
        "daily": count_days(tallied[BY_SYSTEM], refused, question),
        "opt_out_breaches": breaches(refused, question),
        "unverified": _one_count(_on_unverified_clock(refused, places, question)),
        **collect(
            {
                "no_system": tallied[BY_SYSTEM].filter(pl.col("system").is_null()).select(pl.col("rows").sum()),
                "opt_outs": _counted(told),
                "durations": told.filter(pl.col("wait").is_not_null())
                .group_by(pl.col("channel").cast(pl.String), "wait")
                .len(),
            }
        ),
    }


def _one_count(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"rows": [rows]}, schema={"rows": pl.Int64})


def finish(parts: Parts, _: Question) -> Parts:
    """Return `marketing_messages`, `opt_outs`, the distribution of waits and notes."""
    summed = parts["opt_outs"].group_by("channel").agg(pl.col(COUNTS).sum())
    rows = with_total(summed, ["channel"], {"channel": ALL})
    waits = parts["durations"].group_by("channel", "wait").agg(pl.col("len").sum())
    every = pl.concat([waits, waits.with_columns(pl.lit(ALL).alias("channel"))])
    medians = median_by(every, ["channel"], "wait", HOUR, "median_hours_to_suppression")
    told = rows.join(medians, on="channel", how="left").with_columns(
        ratio("honoured", "opt_outs").alias("honoured_ratio")
    )
    columns = ["channel", *COUNTS[:3], "honoured_ratio", "median_hours_to_suppression", "not_suppressed"]
    return finish_messages(parts) | {
        "opt_outs": told.select(columns).sort("channel"),
        "opt_out_waits": _by_hour(waits),
        "notes": notes_of(
            "messages",
            {
                "no_system": int(parts["no_system"]["rows"].sum()),
                "unverified_clock": int(parts["unverified"]["rows"].sum()),
            },
        ),
    }


def _on_unverified_clock(refused: pl.DataFrame, places: PlacesOfPeople, question: Question) -> int:
    """How many messages to people who had opted out a law speaks of whose rule nobody has verified in its text."""
    regimes, day = marketing_laws(question), question.period.last_day
    rules = {name: regimes.rule_of_role(name, "marketing", day) for name in regimes.marketing_regimes}
    unverified = [name for name, rule in rules.items() if rule is not None and rule.id in regimes.unverified()]
    if not unverified:
        return 0
    mine = refused.lazy().filter(question.within("sent_at")).select("person", "channel").collect()
    return places.count_under(unverified, mine)


def _by_hour(waits: pl.DataFrame) -> pl.DataFrame:
    """How many opt-outs were suppressed within each full hour, by channel."""
    hours = waits.group_by("channel", (pl.col("wait") // HOUR).alias("hours")).agg(pl.col("len").sum().cast(pl.Int64))
    return hours.rename({"len": "opt_outs"}).sort("channel", "hours")


def _marketing_answers(frames: Frames, question: Question) -> pl.LazyFrame:
    """Answers on the marketing purpose, no recipient named, before as_of: person, channel, action, at."""
    events = all_consent_events(frames["consent_events"], frames["requests"], question.policy)
    mine = (pl.col("purpose") == marketing_purpose(question.policy)) & pl.col("recipient").is_null()
    return events.filter(mine & (pl.col("at") < question.as_of)).select(
        "person", pl.col("channel").cast(CHANNEL), "action", "at"
    )


def _opt_outs(answers: pl.LazyFrame, frames: Frames, question: Question) -> pl.LazyFrame:
    """The period's withdraws that say something new: person, channel, at."""
    said = answers.filter((pl.col("action") == "withdraw") & question.within("at")).select(OPT_OUT).unique()
    narrow = _new_on_a_channel(said.filter(pl.col("channel") != "any"), frames, question)
    return pl.concat([narrow, _new_on_any(said.filter(pl.col("channel") == "any"), answers)])


def _new_on_a_channel(said: pl.LazyFrame, frames: Frames, question: Question) -> pl.LazyFrame:
    """Not new where the latest earlier event that covers the channel is a withdraw: one whose state it ends."""
    mine = pl.col("recipient").is_null() & (pl.col("purpose") == marketing_purpose(question.policy))
    ended = frames["consent_states"].filter(mine & (pl.col("state") == "withdrawn") & question.within("until"))
    stood = ended.select("person", pl.col("until").alias("at"), "covers").collect(engine="streaming").lazy()
    covers = (pl.col("covers") & channel_bit(pl.col("channel"))) != 0
    again = said.join(stood, on=["person", "at"]).filter(covers)
    return said.join(again, on=OPT_OUT, how="anti")


def _new_on_any(said: pl.LazyFrame, answers: pl.LazyFrame) -> pl.LazyFrame:
    """Not new where an earlier `any` withdraw stands with nothing granted, on any channel, since it and before this."""
    withdraws = (pl.col("action") == "withdraw") & (pl.col("channel") == "any")
    theirs = answers.join(said.select("person").unique(), on="person", how="semi")
    moments = theirs.group_by("person", "at").agg(
        withdraws.any().alias("withdraws"), (pl.col("action") == "grant").any().alias("grants")
    )
    # Moments stand one person after the other: a last withdraw from before the person's first moment is somebody else's.
    ordered = moments.sort("person", "at").with_columns(
        _last_where(pl.col("person").ne_missing(pl.col("person").shift())).alias("first"),
        *[_last_where(pl.col(what)).shift(1).alias(f"last_{what}") for what in ("withdraws", "grants")],
    )
    told = said.join(ordered, on=["person", "at"], how="left")
    stands = (pl.col("last_withdraws") >= pl.col("first")).fill_null(value=False)
    granted_since = (pl.col("last_grants") > pl.col("last_withdraws")).fill_null(value=False)
    return told.filter(~stands | granted_since).select(OPT_OUT)


def _last_where(condition: pl.Expr) -> pl.Expr:
    """At each row the number of the last row up to it at which the condition holds."""
    return pl.when(condition).then(pl.int_range(pl.len())).forward_fill()


def _breached(opted: pl.DataFrame, refused: pl.DataFrame, places: PlacesOfPeople, question: Question) -> pl.Series:
    """The numbers of opt-outs that a message breached: once effective, on a covered channel, with nothing granted between.

    Nothing was granted between when the message's unbroken run of withdraws had begun by the opt-out.
    """
    sent = refused.lazy().select("person", "channel", "sent_at", "withdrawn_at")
    covers = (pl.col("opted_on") == "any") | (pl.col("opted_on") == pl.col("channel"))
    asked = opted.lazy().rename({"channel": "opted_on"})
    pairs = sent.join(asked, on="person").filter(covers & (pl.col("withdrawn_at") <= pl.col("at"))).collect()
    return with_bound(pairs, "at", places, question).filter("is_bound")["opt_out"].unique()


def _counted(told: pl.LazyFrame) -> pl.LazyFrame:
    breached = pl.col("is_breached")
    return told.group_by(pl.col("channel").cast(pl.String)).agg(
        pl.len().cast(pl.Int64).alias("opt_outs"),
        (~breached).sum().cast(pl.Int64).alias("honoured"),
        breached.sum().cast(pl.Int64).alias("breached"),
        pl.col("is_unsuppressed").sum().cast(pl.Int64).alias("not_suppressed"),
    )


def _marketing_purpose(policy: Policy) -> list[str]:
    return [policy.marketing.purpose] if policy.marketing else []


_VERDICT_MEANINGS = {
    "after_opt_out": "sent after an opt-out was effective",
    "in_grace": "sent after an opt-out, within the grace that the law gives",
    "no_consent": "sent to somebody who never answered, where opt-in is promised",
    "expired": "sent on consent whose time had run out",
    "outdated": "sent on consent to a notice no longer valid",
    "permitted": "sent with nothing against it",
}


def _where_people_live(policy: Policy) -> tuple[str, ...]:
    return ("people",) if policy.marketing and policy.marketing.by_region else ()


def _without_a_purpose(policy: Policy) -> str | None:
    return None if policy.marketing else "the policy has no [marketing]: nobody knows what advertising needs consent to"


_published = partial(Published, speaks_of_opt_outs=True, inputs_by=_where_people_live, unsaid=_without_a_purpose)

METRIC = Metric(
    name="marketing_opt_outs",
    title="Marketing opt-outs",
    question="Does everybody who says no stop getting advertising, and how fast?",
    population="marketing messages, and opt-outs, in the period and before as-of",
    unit="messages; opt-outs; hours",
    better="lower violations, higher honoured",
    clause="(2)",
    source="Specified Email Act Art. 3(3); 15 USC 7704(a)(4); 47 CFR 64.1200(a)(10) (checked 2026-11-22)",
    owner="privacy officer",
    valid_since="2026-11-23",
    notebook="30_marketing_opt_outs",
    caveats=(
        "A message at the very instant of an opt-out, or of its grace's end, is in grace; a microsecond later it is not.",
        "An opt-out in its grace counts as honoured until a message breaches it.",
        "Messages without a system cannot be held against a suppression list; they are counted in `notes`.",
    ),
    tables=(
        _published(
            "marketing_messages",
            "one row per month, channel and campaign, and one for all",
            ("month", "channel", "campaign"),
            (
                Column("messages", "marketing messages sent"),
                *(Column(name, meaning, population="messages") for name, meaning in _VERDICT_MEANINGS.items()),
                Column(
                    "violation_ratio",
                    "after_opt_out / messages",
                    "ratio",
                    population="messages",
                    numerator="after_opt_out",
                ),
            ),
            needs=("messages", "consent_events"),
            inputs=("messages", "consent_events", "requests"),
        ),
        _published(
            "marketing_messages_daily",
            "one row per local day and channel",
            ("date", "channel"),
            (
                Column("messages", "marketing messages sent"),
                *(Column(name, meaning, population="messages") for name, meaning in _VERDICT_MEANINGS.items()),
            ),
            needs=("messages", "consent_events"),
            inputs=("messages", "consent_events", "requests"),
        ),
        _published(
            "opt_outs",
            "one row per channel of the opt-out, and one for all",
            ("channel",),
            (
                Column("opt_outs", "withdraws that say something new"),
                Column("honoured", "after which no message went out against it", population="opt_outs"),
                Column("breached", "after which one did", population="opt_outs"),
                Column(
                    "honoured_ratio",
                    "honoured / opt_outs",
                    "ratio",
                    population="opt_outs",
                    numerator="honoured",
                ),
                Column(
                    "median_hours_to_suppression",
                    "until every system in use lists the person",
                    "hours",
                    "opt_outs",
                ),
                Column("not_suppressed", "some system in use does not list the person", population="opt_outs"),
            ),
            needs=("messages", "consent_events"),
            inputs=("messages", "consent_events", "requests", "suppressions"),
        ),
        _published(
            "opt_out_waits",
            "one row per channel and full hour between opt-out and suppression everywhere",
            ("channel", "hours"),
            (Column("opt_outs", "opt-outs suppressed within that hour"),),
            needs=("messages", "consent_events", "suppressions"),
            inputs=("messages", "consent_events", "requests", "suppressions"),
        ),
        _published(
            "opt_out_breaches",
            "one row per message after an opt-out",
            (),
            tuple(Column(name, "see `marketing_messages`", unit="label") for name in BREACH_COLUMNS),
            needs=("messages", "consent_events"),
            inputs=("messages", "consent_events", "requests"),
            order=("sent_at", "message_id"),
        ),
    ),
    frames=(
        "people",
        "suppressions",
        "consent_events",
        "requests",
        "consent_states",
        "message_states",
        *TALLIES,
    ),
    measure=measure,
    finish=finish,
    survey=survey,
    purposes=_marketing_purpose,
)
