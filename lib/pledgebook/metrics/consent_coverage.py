"""Consent coverage: who of those a purpose applies to has consented, at an instant, day by day, and at each occasion."""

from __future__ import annotations

import polars as pl

from pledgebook.consent import CAN_GRANT, CHANNEL, END, STATES, covering, find_states_of_recipients, purpose_asks
from pledgebook.metrics.definition import (
    ALL,
    Column,
    Frames,
    Metric,
    Parts,
    Published,
    Question,
    count_by,
    ratio,
    with_total,
)
from pledgebook.policy import Policy, Purpose
from pledgebook.tables import PEOPLE_KINDS, UTC_MICROSECONDS

ANSWERED = tuple(state for state in STATES if state != "never_asked")
STATE_COUNTS = ("people", *STATES)
GAP_COUNTS = ("occasions", "granted")
KIND = pl.Enum(PEOPLE_KINDS)
STATE_PART = pl.Schema(
    {"purpose": pl.String(), "channel": CHANNEL, "kind": pl.String(), **dict.fromkeys(STATE_COUNTS, pl.Int64())}
)


def measure(frames: Frames, question: Question) -> Parts:
    """Return one shard's counts of states, its daily changes, and its occasions; all add up over shards."""
    return count_people(frames, question) | {"gap": _count_occasions(frames, question)}


def count_people(frames: Frames, question: Question) -> Parts:
    """Return one shard's people by the state of their consent at as_of, and how many more or fewer each day had."""
    people = _people(frames, question)
    members = people.lazy().filter("is_member").group_by("kind").agg(pl.len().cast(pl.Int64).alias("people")).collect()
    states, changes = [], [_people_changes(people, question)]
    answers = _answers(people, frames, question)
    for purpose in _needing(question.policy):
        of_purpose = (pl.col("purpose") == purpose.id) & _of_kinds(purpose)
        for channel in purpose_asks(purpose):
            mine = answers.filter(of_purpose & covering(channel))
            states.append(_count_states(mine, members, purpose, channel, question))
            changes.append(_granted_changes(mine, purpose, channel, question))
    return {"states": pl.concat([STATE_PART.to_frame(), *states]), "changes": pl.concat(changes)}


def finish(parts: Parts, question: Question) -> Parts:
    """Return `consent_coverage`, `consent_coverage_daily` and `consent_gap`."""
    return {
        "consent_coverage": _coverage(parts["states"], question),
        "consent_coverage_daily": tell_days(parts["changes"], question),
        "consent_gap": _gap(parts["gap"]),
    }


def _asked(question: Question) -> pl.DataFrame:
    """One row per purpose, channel and kind of person that coverage is measured for."""
    rows = [
        (purpose.id, channel, kind)
        for purpose in question.policy.purpose
        if purpose.needs_consent
        for channel in purpose_asks(purpose)
        for kind in purpose.kinds or PEOPLE_KINDS
    ]
    schema = pl.Schema({"purpose": pl.String(), "channel": CHANNEL, "kind": pl.String()})
    return pl.DataFrame(rows, schema=schema, orient="row")


def _needing(policy: Policy) -> list[Purpose]:
    return [purpose for purpose in policy.purpose if purpose.needs_consent]


def _purposes(policy: Policy) -> list[str]:
    return [purpose.id for purpose in _needing(policy)]


def _people(frames: Frames, question: Question) -> pl.DataFrame:
    """People, when they came and went, and whether they are there one microsecond before as_of."""
    ends = pl.col("closed_at").fill_null(END)
    told = frames["people"].select("person", pl.col("kind").cast(KIND), "opened_at", ends.alias("ended_at"))
    is_member = (pl.col("opened_at") < question.as_of) & (pl.col("ended_at") >= question.as_of)
    return told.with_columns(is_member.alias("is_member")).collect(engine="in-memory")


def _of_kinds(purpose: Purpose) -> pl.Expr:
    if purpose.kinds is None:
        return pl.lit(value=True)
    return pl.col("kind").is_in(pl.Series(purpose.kinds, dtype=KIND).implode())


def _answers(people: pl.DataFrame, frames: Frames, question: Question) -> pl.DataFrame:
    """The intervals that a figure can see, of no recipient in particular, beside the person they are of.

    Of the past only what was granted is told; and who was never asked is known from how many people there are. All
    purposes that need consent at once (that of any other is null), so that people are met once.
    """
    seen = (pl.col("since") < question.as_of) & (pl.col("until") >= min(question.period.start, question.last_moment))
    is_told = (pl.col("state") == "granted") | (pl.col("until") > pl.lit(question.last_moment, dtype=UTC_MICROSECONDS))
    counts = seen & is_told & (pl.col("state") != "never_asked")
    mine = pl.col("recipient").is_null() & counts
    named = pl.col("purpose").cast(pl.Enum(_purposes(question.policy)), strict=False)
    states = frames["consent_states"].filter(mine).select("person", named, "since", "until", "state", "covers")
    return states.join(people.lazy(), on="person").collect(engine="streaming")


def _count_states(
    answers: pl.DataFrame, members: pl.DataFrame, purpose: Purpose, channel: str, question: Question
) -> pl.DataFrame:
    """One row per kind: its people by state; who has no interval was never asked. members: kind, people."""
    moment = pl.lit(question.last_moment, dtype=UTC_MICROSECONDS)
    then = answers.lazy().filter(pl.col("is_member") & (pl.col("since") <= moment) & (moment < pl.col("until")))
    counted = then.group_by("kind").agg(count_by("state", ANSWERED)).collect(engine="streaming")
    told = members.filter(_of_kinds(purpose))
    joined = told.join(counted, on="kind", how="left").with_columns(pl.col(ANSWERED).fill_null(0))
    unasked = pl.col("people") - pl.sum_horizontal(ANSWERED)
    labelled = joined.with_columns(
        unasked.alias("never_asked"), pl.lit(purpose.id).alias("purpose"), pl.lit(channel).alias("channel")
    )
    return labelled.select(pl.col(name).cast(dtype) for name, dtype in STATE_PART.items())


def _coverage(states: pl.DataFrame, question: Question) -> pl.DataFrame:
    groups = ["purpose", "channel", "kind"]
    asked = _asked(question).select("purpose", "channel").unique().with_columns(pl.lit(ALL).alias("kind"))
    summed = states.group_by(groups).agg(pl.col(STATE_COUNTS).sum())
    everyone = asked.join(
        states.group_by("purpose", "channel").agg(pl.col(STATE_COUNTS).sum()),
        on=["purpose", "channel"],
        how="left",
    ).with_columns(pl.col(STATE_COUNTS).fill_null(0))
    rows = pl.concat([summed, everyone.select(summed.columns)])
    told = rows.with_columns(pl.col("channel").cast(pl.String), ratio("granted", "people").alias("coverage"))
    return told.select(*groups, *STATE_COUNTS, "coverage").sort(groups)


def _people_changes(people: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Changes of how many people there are, of every lane that is asked of their kind."""
    spans = people.lazy().select("kind", pl.col("opened_at").alias("from_at"), pl.col("ended_at").alias("to_at"))
    moved = _changes(spans, ["kind"], question).with_columns(pl.col("kind").cast(pl.String))
    asked = moved.join(_asked(question), on="kind")
    summed = asked.group_by("purpose", "channel", "date").agg(pl.col("change").sum())
    return summed.select("purpose", "channel", "date", "change", pl.lit("people").alias("what"))


def _granted_changes(answers: pl.DataFrame, purpose: Purpose, channel: str, question: Question) -> pl.DataFrame:
    granted = answers.lazy().filter(pl.col("state") == "granted")
    spans = granted.select(
        pl.max_horizontal("opened_at", "since").alias("from_at"),
        pl.min_horizontal("ended_at", "until").alias("to_at"),
    )
    told = _changes(spans, [], question)
    lane = (pl.lit(purpose.id).alias("purpose"), pl.lit(channel, dtype=CHANNEL).alias("channel"))
    return told.select(*lane, "date", "change", pl.lit("granted").alias("what"))


def _changes(spans: pl.LazyFrame, by: list[str], question: Question) -> pl.DataFrame:
    """Turn spans into +1 and -1 on the first local day whose end sees them; what is over before the period is left out.

    The state at a day's end is that of the microsecond before midnight, so a change counts from the local day in which
    it falls.
    """
    start = pl.lit(question.period.start, dtype=UTC_MICROSECONDS)
    real = spans.filter((pl.col("from_at") < pl.col("to_at")) & (pl.col("to_at") >= start))
    begins = real.select(*by, pl.max_horizontal("from_at", start).alias("at"), pl.lit(1, pl.Int64).alias("change"))
    ends = real.select(*by, pl.col("to_at").alias("at"), pl.lit(-1, pl.Int64).alias("change"))
    moved = pl.concat([begins, ends]).filter(pl.col("at") < question.until)
    return moved.group_by(*by, question.day_in_period("at").alias("date")).agg(pl.col("change").sum()).collect()


def tell_days(changes: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return `consent_coverage_daily` of the part `changes`."""
    groups = ["date", "purpose", "channel"]
    days = pl.DataFrame({"date": question.full_days()}, schema={"date": pl.Date})
    grid = days.join(_asked(question).select("purpose", "channel").unique(), how="cross")
    for what in ("people", "granted"):
        moved = changes.filter(pl.col("what") == what).group_by(groups).agg(pl.col("change").sum().alias(what))
        grid = grid.join(moved, on=groups, how="left")
    running = grid.sort("date").with_columns(
        pl.col("people", "granted").fill_null(0).cum_sum().over("purpose", "channel")
    )
    told = running.with_columns(pl.col("channel").cast(pl.String), ratio("granted", "people").alias("coverage"))
    return told.select(*groups, "people", "granted", "coverage").sort(groups)


def _count_occasions(frames: Frames, question: Question) -> pl.DataFrame:
    """Uses, and disclosures on consent, of purposes that need consent: was it granted at that instant?"""
    is_needing = pl.col("purpose").is_in(_purposes(question.policy))
    uses = frames["uses"].filter(is_needing & question.within("used_at")).select("person", "purpose", "used_at")
    asks = uses.with_columns(pl.lit("any", dtype=CHANNEL).alias("channel"), pl.lit(None, pl.String).alias("recipient"))
    used = find_states_of_recipients(asks, frames["consent_states"].filter(CAN_GRANT), "used_at")
    disclosed = frames["disclosure_states"].filter(is_needing & question.within("disclosed_at"))
    on_consent = disclosed.filter(pl.col("is_granted").is_not_null()).select("purpose", "is_granted")
    occasions = pl.concat([used.lazy().select("purpose", is_granted=pl.col("state") == "granted"), on_consent])
    counted = occasions.group_by("purpose").agg(
        pl.len().cast(pl.Int64).alias("occasions"), pl.col("is_granted").sum().cast(pl.Int64).alias("granted")
    )
    return counted.collect(engine="streaming")


def _gap(counts: pl.DataFrame) -> pl.DataFrame:
    summed = counts.group_by("purpose").agg(pl.col(GAP_COUNTS).sum())
    rows = with_total(summed, ["purpose"], {"purpose": ALL})
    return rows.with_columns(ratio("granted", "occasions").alias("coverage")).sort("purpose")


_PEOPLE = Column("people", "people of the purpose's kinds, opened and not closed")
_GRANTED = Column("granted", "of them, with a valid consent", population="people")
_COVERAGE = Column("coverage", "granted / people", unit="ratio", population="people", numerator="granted")

METRIC = Metric(
    name="consent_coverage",
    title="Consent coverage",
    question="Of the people whose data a purpose may need, how many have agreed, and was there consent each time?",
    population="people of the kinds that a purpose applies to; for the gap, uses and disclosures on consent",
    unit="ratio of people, or of occasions",
    better="higher",
    clause="2), (1)4, (3)1",
    source="APPI Art. 18, 27; GDPR Art. 7(1): the one who uses data must be able to show the consent",
    owner="privacy officer",
    valid_since="2026-11-23",
    notebook="10_consent_coverage",
    caveats=(
        "The state at the end of a day, or at as-of, is the state one microsecond before it.",
        "A purpose without channels is measured on channel `any`, which an answer for one channel does not cover.",
        "A consent to a notice that the policy does not list counts as outdated, not as granted.",
    ),
    tables=(
        Published(
            "consent_coverage",
            "one row per purpose, channel and kind of person at as-of",
            ("purpose", "channel", "kind"),
            (
                _PEOPLE,
                _GRANTED,
                Column("outdated", "consent to a notice that is no longer valid", population="people"),
                Column("expired", "consent whose time has run out", population="people"),
                Column("withdrawn", "consent taken back", population="people", speaks_of_opt_outs=True),
                Column("never_asked", "no answer on record", population="people"),
                _COVERAGE,
            ),
            needs=("people", "consent_events"),
            inputs=("people", "consent_events"),
        ),
        Published(
            "consent_coverage_daily",
            "one row per local day of the period, purpose and channel, at the day's end",
            ("date", "purpose", "channel"),
            (_PEOPLE, _GRANTED, _COVERAGE),
            needs=("people", "consent_events"),
            inputs=("people", "consent_events"),
        ),
        Published(
            "consent_gap",
            "one row per purpose: occasions on which data was really used or disclosed on consent",
            ("purpose",),
            (
                Column("occasions", "uses, and disclosures on consent, of purposes that need consent"),
                Column("granted", "of them, with a valid consent at that instant", population="occasions"),
                Column(
                    "coverage",
                    "granted / occasions",
                    unit="ratio",
                    population="occasions",
                    numerator="granted",
                ),
            ),
            needs=("consent_events",),
            needs_one_of=("uses", "disclosures"),
            inputs=("consent_events",),
        ),
    ),
    frames=("people", "consent_states", "uses", "disclosure_states"),
    measure=measure,
    finish=finish,
    purposes=_purposes,
)
