"""The questions in Polars, written as an analyst would: as-of joins, group-bys, one plan a question."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import polars as pl

from benchmarks import rules
from benchmarks.agreement import FINDINGS, OUTCOMES, VERDICTS
from benchmarks.made_tables import BASES, REQUEST_KINDS
from benchmarks.stretches import Stretch

Frames = dict[str, pl.LazyFrame]
LANE = ["person_id", "purpose", "channel", "recipient"]
HOURS = timedelta(hours=rules.JAPAN_HOURS)
MICRODAY = 86_400_000_000
TOLERANCE = 1e-9
NEVER = datetime(2999, 1, 1)
ALWAYS = datetime(1900, 1, 1)
TOLD = (
    "kind", "outcome", "net", "gross", "is_open", "is_received", "is_due", "in_time", "taken_back", "is_to_identify",
    "is_identified", "is_paused",
)  # fmt: skip
"""What is told of each request, for its figures to be counted of."""


def _day(instant: str | pl.Expr) -> pl.Expr:
    column = pl.col(instant) if isinstance(instant, str) else instant
    return (column + HOURS).dt.date()


def _naive(instant: datetime) -> pl.Expr:
    return pl.lit(datetime.fromtimestamp(instant.timestamp(), tz=UTC).replace(tzinfo=None))


def _rule(frame: pl.DataFrame) -> pl.LazyFrame:
    return frame.lazy().with_columns(pl.col(pl.Datetime).dt.replace_time_zone(None))


def _answers(frames: Frames, told: Stretch) -> pl.LazyFrame:
    """Every answer about consent; a request to opt out of marketing is a withdraw on any channel."""
    given = frames["consent_events"].select(*LANE, "action", "at", "expires_at", "notice_version")
    asked = frames["requests"].filter(pl.col("kind") == "marketing_opt_out")
    withdrawn = asked.select(
        "person_id", purpose=pl.lit("marketing"), channel=pl.lit("any"), recipient=pl.lit(None, dtype=pl.String),
        action=pl.lit("withdraw"), at="received_at", expires_at=pl.lit(None, dtype=pl.Datetime("us")),
        notice_version=pl.lit(None, dtype=pl.String),
    )  # fmt: skip
    return pl.concat([given, withdrawn]).filter(pl.col("at") < _naive(told.end))


def _moments(answers: pl.LazyFrame) -> pl.LazyFrame:
    """What was decided at each instant of a lane; the weakest of the grants that share an instant counts."""
    told = answers.join(_rule(rules.validity()), on="purpose").join(
        _rule(rules.notices()), on=["purpose", "notice_version"], how="left"
    )
    lapse = pl.min_horizontal("expires_at", pl.col("at") + pl.col("valid_for"))
    age = pl.when("lists_notices").then(pl.col("notice_until").fill_null(ALWAYS))
    grant = pl.col("action") == "grant"
    return told.group_by(*LANE, "at").agg(
        is_withdrawn=(~grant).any(),
        has_grant=grant.any(),
        expired_from=pl.when(grant).then(lapse).min().fill_null(NEVER),
        outdated_from=pl.when(grant).then(age).min().fill_null(NEVER),
    )


def _on_channels(answers: pl.LazyFrame, channels: tuple[str, ...]) -> pl.LazyFrame:
    """Each answer once per channel that it covers."""
    general = answers.filter(pl.col("channel") == "any")
    narrow = answers.filter(pl.col("channel") != "any")
    return pl.concat([narrow, *(general.with_columns(channel=pl.lit(channel)) for channel in channels)])


def _opt_outs(frames: Frames, told: Stretch) -> pl.DataFrame:
    marketing = _answers(frames, told).filter((pl.col("purpose") == "marketing") & pl.col("recipient").is_null())
    runs = _runs(_moments(_on_channels(marketing, rules.CHANNELS_OF_MESSAGES)), frames["people"])
    in_period = (pl.col("sent_at") >= _naive(told.start)) & (pl.col("sent_at") < _naive(told.end))
    sent = frames["messages"].filter((pl.col("category") == "marketing") & in_period)
    found = (
        sent.select("person_id", "channel", "campaign", "sent_at")
        .sort("sent_at")
        .join_asof(
            runs.sort("at"),
            left_on="sent_at",
            right_on="at",
            by=["person_id", "channel"],
            coalesce=False,
            check_sortedness=False,
        )
    )
    judged = found.select(
        month=(pl.col("sent_at") + HOURS).dt.truncate("1mo"), verdict=_verdict(), channel="channel", campaign="campaign"
    )
    counted = judged.group_by("month", "channel", "campaign").agg(
        messages=pl.len(), **{name: (pl.col("verdict") == name).sum() for name in VERDICTS}
    )
    return counted.with_columns(pl.col("month").dt.strftime("%Y-%m")).collect()


def _runs(moments: pl.LazyFrame, people: pl.LazyFrame) -> pl.LazyFrame:
    """A withdraw with the first of its unbroken run, and from when that one binds."""
    lane = ["person_id", "channel"]
    ordered = moments.drop("purpose", "recipient").sort(*lane, "at")
    before = pl.col("is_withdrawn").shift(1, fill_value=False).over(lane)
    begins = pl.col("is_withdrawn") & (pl.col("has_grant") | ~before)
    told = ordered.with_columns(withdrawn_at=pl.when(begins).then("at").forward_fill().over(lane))
    known = told.join(people.select("person_id", "region"), on="person_id", how="left").with_columns(
        day=_day("withdrawn_at")
    )
    graced = pl.col("region").str.starts_with("US") & pl.col("channel").is_in(rules.CHANNELS_WITH_GRACE)
    binding = known.join(_rule(rules.grace()), on="day", how="left").with_columns(
        binding_from=pl.when(graced).then("binds_at").otherwise("withdrawn_at")
    )
    return binding.select(*lane, "at", "is_withdrawn", "binding_from", "expired_from", "outdated_from")


def _verdict() -> pl.Expr:
    return (
        pl.when(pl.col("is_withdrawn") & (pl.col("binding_from") < pl.col("sent_at"))).then(pl.lit("after_opt_out"))
        .when(pl.col("is_withdrawn")).then(pl.lit("in_grace"))
        .when(pl.col("at").is_null()).then(pl.lit("no_consent"))
        .when(pl.col("expired_from") <= pl.col("sent_at")).then(pl.lit("expired"))
        .when(pl.col("outdated_from") <= pl.col("sent_at")).then(pl.lit("outdated"))
        .otherwise(pl.lit("permitted"))
    )  # fmt: skip


def _coverage(frames: Frames, told: Stretch) -> pl.DataFrame:
    asked, start, end = rules.coverage_asked(), _naive(told.start), _naive(told.end)
    general = _answers(frames, told).filter(pl.col("recipient").is_null())
    marketing = _on_channels(general.filter(pl.col("purpose") == "marketing"), ("email", "sms"))
    others = general.filter((pl.col("purpose") != "marketing") & (pl.col("channel") == "any"))
    lane = ["person_id", "purpose", "channel"]
    moments = _moments(pl.concat([marketing, others])).sort(*lane, "at")
    following = pl.col("at").shift(-1).over(lane).fill_null(NEVER)
    granted = moments.with_columns(until=pl.min_horizontal(following, "expired_from", "outdated_from")).filter(
        ~pl.col("is_withdrawn")
    )
    members = frames["people"].join(asked.lazy(), on="kind").with_columns(pl.col("closed_at").fill_null(NEVER))
    states = members.join(granted, on=lane)
    spans = pl.concat(
        [
            members.select("purpose", "channel", begins="opened_at", ends="closed_at", people=1, granted=0),
            states.select(
                "purpose", "channel", begins=pl.max_horizontal("opened_at", "at"),
                ends=pl.min_horizontal("closed_at", "until"), people=0, granted=1,
            ),
        ]
    ).filter((pl.col("begins") < pl.col("ends")) & (pl.col("ends") >= start))  # fmt: skip
    counts = ["people", "granted"]
    opened = spans.select("purpose", "channel", pl.max_horizontal("begins", start).alias("at"), *counts)
    ended = spans.select("purpose", "channel", pl.col("ends").alias("at"), *[-pl.col(n) for n in counts])
    moved = pl.concat([opened, ended]).filter(pl.col("at") < end)
    daily = moved.group_by("purpose", "channel", date=_day("at")).agg(pl.col(counts).sum())
    grid = pl.LazyFrame({"date": told.days}).join(asked.lazy().select("purpose", "channel").unique(), how="cross")
    running = pl.col(counts).fill_null(0).cum_sum().over("purpose", "channel", order_by="date")
    return grid.join(daily, on=["date", "purpose", "channel"], how="left").with_columns(running).collect()


def _turnaround(frames: Frames, told: Stretch) -> pl.DataFrame:
    start, end = _naive(told.start), _naive(told.end)
    closed = pl.col("closed_at") < end
    known = frames["requests"].filter(pl.col("received_at") < end).with_columns(
        closed_at=pl.when(closed).then("closed_at"), outcome=pl.when(closed).then("outcome"),
        is_to_identify=pl.col("kind").is_in(rules.identified_kinds()),
    )  # fmt: skip
    is_running = pl.col("closed_at").is_null() & (pl.col("resumed_at") >= end).fill_null(value=True)
    clipped = frames["request_pauses"].filter(pl.col("paused_at") < end).join(known, on="request_id").select(
        "request_id", begins=pl.max_horizontal("paused_at", "received_at"),
        ends=pl.min_horizontal("resumed_at", "closed_at", end), is_paused=is_running,
    ).filter(pl.col("begins") < pl.col("ends"))  # fmt: skip
    stopped = pl.min_horizontal("ends", pl.col("begins") + rules.longest_pause())
    paused = clipped.select(
        "request_id",
        "is_paused",
        paused=(stopped - pl.col("begins")).dt.total_microseconds(),
        paused_days=(_day(stopped) - _day("begins")).dt.total_days(),
    )
    joined = known.join(paused, on="request_id", how="left").join(rules.promised_days(REQUEST_KINDS).lazy(), on="kind")
    days = pl.duration(days=1 + pl.col("promised_days") + pl.col("paused_days").fill_null(0))
    dated = joined.with_columns(
        due_at=(pl.col("received_at") + HOURS).dt.truncate("1d") + days - HOURS,
        gross=(pl.col("closed_at").fill_null(end) - pl.col("received_at")).dt.total_microseconds(),
        is_open=pl.col("closed_at").is_null(),
        taken_back=(pl.col("outcome") == "withdrawn").fill_null(value=False),
        is_identified=(pl.col("verified_at") <= pl.col("closed_at")).fill_null(value=False),
    ).with_columns(
        net=pl.col("gross") - pl.col("paused").fill_null(0),
        in_time=(pl.col("closed_at") < pl.col("due_at")).fill_null(value=False),
        is_received=(pl.col("received_at") >= start) & (pl.col("received_at") < end),
        is_due=(pl.col("due_at") > start) & (pl.col("due_at") <= end) & ~pl.col("taken_back"),
    )
    told = dated.filter(pl.col("is_received") | pl.col("is_due")).select(TOLD).collect()
    both = pl.concat([told, told.with_columns(kind=pl.lit("all"))]).lazy()
    figures = pl.collect_all([_turnaround_counts(both), _turnaround_percentiles(both)])
    return figures[0].join(figures[1], on="kind", how="left").with_columns(regime=pl.lit("APPI"))


def _turnaround_counts(told: pl.LazyFrame) -> pl.LazyFrame:
    received, due, is_open, in_time = (pl.col(name) for name in ("is_received", "is_due", "is_open", "in_time"))
    told_something = pl.col("outcome").is_in(["fulfilled", "partly_fulfilled"]) | pl.col("outcome").is_null()
    flags = {name: received & (pl.col("outcome") == name) for name in OUTCOMES[:5]} | {
        "received": received,
        "outcome_unknown": received & ~is_open & pl.col("outcome").is_null(),
        "open": received & is_open,
        "due": due,
        "on_time": due & in_time,
        "late": due & ~is_open & ~in_time,
        "overdue_open": due & is_open,
        "unverified_answers": received
        & pl.col("is_to_identify")
        & ~is_open
        & told_something
        & ~pl.col("is_identified"),
        "paused_open": received & pl.col("is_paused"),
    }
    answered = received & ~is_open & ~pl.col("taken_back")
    return told.group_by("kind").agg(
        **{name: flag.sum() for name, flag in flags.items()},
        answered_median_days=pl.col("net").filter(answered).median() / MICRODAY,
        answered_mean_days=pl.col("net").filter(answered).mean() / MICRODAY,
        answered_median_gross_days=pl.col("gross").filter(answered).median() / MICRODAY,
    )  # fmt: skip


def _turnaround_percentiles(told: pl.LazyFrame) -> pl.LazyFrame:
    """Kaplan-Meier: an answer is an event, whoever waits still or took the request back is censored."""
    is_event = ~pl.col("is_open") & ~pl.col("taken_back")
    moments = told.filter("is_received").group_by("kind", "net").agg(events=is_event.sum(), leaving=pl.len())
    survival = (1 - pl.col("events") / pl.col("leaving").cum_sum(reverse=True)).cum_prod()
    return moments.sort("net").group_by("kind").agg(
        **{
            f"p{q}_days": pl.col("net").filter(survival <= 1 - q / 100 + TOLERANCE).min() / MICRODAY
            for q in (50, 90, 95)
        }
    )  # fmt: skip


def _disclosures(frames: Frames, told: Stretch) -> pl.DataFrame:
    in_period = (pl.col("disclosed_at") >= _naive(told.start)) & (pl.col("disclosed_at") < _naive(told.end))
    disclosed = frames["disclosures"].filter(in_period).with_columns(on=_day("disclosed_at"))
    own = ["person_id", "purpose", "recipient"]
    lanes = disclosed.filter(pl.col("basis") == "consent").select(own).unique()
    answers = _answers(frames, told).filter(pl.col("channel") == "any")
    narrow = answers.filter(pl.col("recipient").is_not_null()).join(lanes, on=own, how="semi")
    general = answers.filter(pl.col("recipient").is_null()).drop("recipient").join(lanes, on=own[:2])
    moments = _moments(pl.concat([narrow, general.select(narrow.collect_schema().names())])).drop("channel")
    asked = disclosed.filter(pl.col("basis") == "consent").sort("disclosed_at").join_asof(
        moments.sort("at"), left_on="disclosed_at", right_on="at", by=own, coalesce=False, check_sortedness=False
    )  # fmt: skip
    at = pl.col("disclosed_at")
    granted = ~pl.col("is_withdrawn") & (pl.col("expired_from") > at) & (pl.col("outdated_from") > at)
    others = disclosed.filter(pl.col("basis") != "consent").with_columns(is_granted=pl.lit(value=False))
    judged = pl.concat(
        [asked.select(*disclosed.collect_schema().names(), is_granted=granted.fill_null(value=False)), others]
    )
    recipients = frames["recipients"].select("recipient", "country", recipient_kind="kind")
    contracts = frames["contracts"].filter(pl.col("is_confidential") & pl.col("is_equal_standard"))
    in_force = (pl.col("starts_on") <= pl.col("on")) & (
        pl.col("ends_on").is_null() | (pl.col("ends_on") >= pl.col("on"))
    )
    sound = disclosed.select("recipient", "on").unique().join(contracts, on="recipient").filter(in_force)
    held = sound.select("recipient", "on", has_contract=pl.lit(value=True)).unique()
    found = judged.join(recipients, on="recipient", how="left").join(held, on=["recipient", "on"], how="left")
    return found.with_columns(finding=_finding()).group_by("recipient", "recipient_kind", "country").agg(
        disclosures=pl.len(), people=pl.col("person_id").n_unique(),
        **{name: (pl.col("finding") == name).sum() for name in FINDINGS},
    ).collect()  # fmt: skip


def _finding() -> pl.Expr:
    basis = pl.col("basis")
    known = [name for name in BASES if name != "goodwill"]
    return (
        pl.when(pl.col("recipient_kind").is_null()).then(pl.lit("unknown_recipient"))
        .when(~basis.is_in(known)).then(pl.lit("unknown_basis"))
        .when((basis == "consent") & ~pl.col("is_granted")).then(pl.lit("no_consent"))
        .when(basis.is_in(["entrustment", "joint_use"]) & pl.col("has_contract").is_null()).then(pl.lit("no_contract"))
        .when((basis == "law") & pl.col("legal_reference").is_null()).then(pl.lit("no_legal_reference"))
        .when(basis.is_in(rules.recorded_bases()) & ~pl.col("is_recorded").fill_null(value=False)).then(pl.lit("not_recorded"))
        .when(~pl.col("purpose").is_in(rules.declared_purposes())).then(pl.lit("undeclared_purpose"))
        .otherwise(pl.lit("in_order"))
    )  # fmt: skip


ASK: dict[str, Callable[[Frames, Stretch], pl.DataFrame]] = {
    "opt-outs": _opt_outs,
    "opt-outs-month": _opt_outs,
    "coverage": _coverage,
    "turnaround": _turnaround,
    "disclosures": _disclosures,
}
