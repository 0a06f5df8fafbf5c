"""Consent coverage: who of those a purpose applies to has consented, at an instant, day by day, and at each occasion."""

from __future__ import annotations

import polars as pl

from pledgebook.consent import CHANNEL, END, STATES, find_lanes, find_states, find_states_at, purpose_asks
from pledgebook.metrics.definition import (
    ALL,
    Column,
    Frames,
    Metric,
    Parts,
    Published,
    Question,
    collect,
    count_by,
    ratio,
    with_total,
)
from pledgebook.tables import PEOPLE_KINDS

STATE_COUNTS = ("people", *STATES)
GAP_COUNTS = ("occasions", "granted")


def measure(frames: Frames, question: Question) -> Parts:
    """Return one shard's counts of states, its daily changes, and its occasions; all add up over shards."""
    return collect(
        {
            "states": _count_states(frames, question),
            "changes": pl.concat([_people_changes(frames, question), _granted_changes(frames, question)]),
            "gap": _count_occasions(frames, question),
        }
    )


def finish(parts: Parts, question: Question) -> Parts:
    """Return `consent_coverage`, `consent_coverage_daily` and `consent_gap`."""
    return {
        "consent_coverage": _coverage(parts["states"], question),
        "consent_coverage_daily": _daily(parts["changes"], question),
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


def _members(frames: Frames, question: Question) -> pl.LazyFrame:
    """People crossed with what is asked of their kind: person, kind, opened_at, closed_at, purpose, channel, recipient."""
    people = frames["people"].select("person", pl.col("kind").cast(pl.String), "opened_at", "closed_at")
    asked = people.join(_asked(question).lazy(), on="kind")
    return asked.with_columns(pl.lit(None, dtype=pl.String).alias("recipient"))


def _count_states(frames: Frames, question: Question) -> pl.LazyFrame:
    members = _members(frames, question)
    is_member = (pl.col("opened_at") < question.as_of) & (
        pl.col("closed_at").is_null() | (pl.col("closed_at") >= question.as_of)
    )
    told = find_states_at(members.filter(is_member), frames["consent_states"], question.last_moment)
    return told.group_by("purpose", "channel", "kind").agg(
        pl.len().cast(pl.Int64).alias("people"), *count_by("state", STATES)
    )


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


def _people_changes(frames: Frames, question: Question) -> pl.LazyFrame:
    spans = _members(frames, question).select(
        "purpose",
        "channel",
        pl.col("opened_at").alias("from_at"),
        pl.col("closed_at").fill_null(END).alias("to_at"),
    )
    return _changes(spans, question, "people")


def _granted_changes(frames: Frames, question: Question) -> pl.LazyFrame:
    granted = frames["consent_states"].filter(pl.col("state") == "granted")
    lanes = find_lanes(_members(frames, question), granted)
    spans = lanes.select(
        "purpose",
        "channel",
        pl.max_horizontal("opened_at", "since").alias("from_at"),
        pl.min_horizontal(pl.col("closed_at").fill_null(END), "until").alias("to_at"),
    )
    return _changes(spans, question, "granted")


def _changes(spans: pl.LazyFrame, question: Question, what: str) -> pl.LazyFrame:
    """Turn spans into +1 and -1 on the first local day whose end sees them; what is over before the period is left out.

    The state at a day's end is that of the microsecond before midnight, so a change counts from the local day in which
    it falls.
    """
    start = pl.lit(question.period.start, dtype=pl.Datetime("us", "UTC"))
    real = spans.filter((pl.col("from_at") < pl.col("to_at")) & (pl.col("to_at") >= start))
    begins = real.select(
        "purpose", "channel", pl.max_horizontal("from_at", start).alias("at"), pl.lit(1).alias("change")
    )
    ends = real.select("purpose", "channel", pl.col("to_at").alias("at"), pl.lit(-1).alias("change"))
    moved = pl.concat([begins, ends]).filter(pl.col("at") < question.until)
    return moved.group_by("purpose", "channel", question.local_date("at").alias("date")).agg(
        pl.col("change").cast(pl.Int64).sum(), pl.lit(what).first().alias("what")
    )


def _daily(changes: pl.DataFrame, question: Question) -> pl.DataFrame:
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


def _count_occasions(frames: Frames, question: Question) -> pl.LazyFrame:
    """Uses, and disclosures on consent, of purposes that need consent: was it granted at that instant?"""
    needing = [purpose.id for purpose in question.policy.purpose if purpose.needs_consent]
    uses = frames["uses"].select("person", "purpose", pl.lit(None, dtype=pl.String).alias("recipient"), at="used_at")
    disclosed = frames["disclosures"].filter(pl.col("basis") == "consent")
    provisions = disclosed.select("person", "purpose", "recipient", at="disclosed_at")
    asks = pl.concat([uses, provisions]).filter(pl.col("purpose").is_in(needing) & question.within("at"))
    told = find_states(asks.with_columns(pl.lit("any").alias("channel")), frames["consent_states"], "at")
    return told.group_by("purpose").agg(
        pl.len().cast(pl.Int64).alias("occasions"),
        (pl.col("state") == "granted").sum().cast(pl.Int64).alias("granted"),
    )


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
                Column("withdrawn", "consent taken back", population="people"),
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
    frames=("people", "consent_states", "uses", "disclosures"),
    measure=measure,
    finish=finish,
)
