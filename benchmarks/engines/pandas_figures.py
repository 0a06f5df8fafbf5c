"""The questions in pandas, written as an analyst would: `merge_asof`, group-bys, cumulative sums."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import numpy as np
import pandas as pd

from benchmarks import rules
from benchmarks.agreement import FINDINGS, OUTCOMES, VERDICTS
from benchmarks.made_tables import BASES, REQUEST_KINDS
from benchmarks.stretches import Stretch

Frames = dict[str, pd.DataFrame]
LANE = ["person_id", "purpose", "channel", "recipient"]
HOURS = pd.Timedelta(hours=rules.JAPAN_HOURS)
DAY = pd.Timedelta(days=1)
MICROSECOND = pd.Timedelta(1, "us")
MICRODAY, TOLERANCE = DAY // MICROSECOND, 1e-9
NEVER, ALWAYS = pd.Timestamp("2999-01-01"), pd.Timestamp("1900-01-01")


def _naive(instant: datetime) -> pd.Timestamp:
    return pd.Timestamp(instant).tz_convert("UTC").tz_localize(None)


def _rule(name: str) -> pd.DataFrame:
    frame = getattr(rules, name)().to_pandas()
    zoned = frame.select_dtypes("datetimetz").columns
    return frame.assign(**{column: frame[column].dt.tz_localize(None) for column in zoned})


def _answers(frames: Frames, told: Stretch) -> pd.DataFrame:
    """Every answer about consent; a request to opt out of marketing is a withdraw on any channel."""
    asked = frames["requests"].query("kind == 'marketing_opt_out'")
    withdrawn = asked[["person_id"]].assign(
        purpose="marketing", channel="any", recipient=None, action="withdraw", at=asked["received_at"],
        expires_at=pd.NaT, notice_version=None,
    )  # fmt: skip
    withdrawn = withdrawn.astype(frames["consent_events"].dtypes[withdrawn.columns].to_dict())
    answers = pd.concat([frames["consent_events"][list(withdrawn.columns)], withdrawn], ignore_index=True)
    return answers[answers["at"] < _naive(told.end)]


def _moments(answers: pd.DataFrame, lane: list[str]) -> pd.DataFrame:
    """What was decided at each instant of a lane; the weakest of the grants that share an instant counts."""
    told = answers.merge(_rule("validity"), on="purpose").merge(
        _rule("notices"), on=["purpose", "notice_version"], how="left"
    )
    grant = told["action"] == "grant"
    lapse = np.fmin(told["expires_at"].fillna(NEVER), (told["at"] + told["valid_for"]).fillna(NEVER))
    age = told["notice_until"].fillna(ALWAYS).where(told["lists_notices"], NEVER)
    weighed = told[[*lane, "at"]].assign(
        is_withdrawn=~grant,
        has_grant=grant,
        expired_from=lapse.where(grant, NEVER),
        outdated_from=age.where(grant, NEVER),
    )
    return weighed.groupby([*lane, "at"], sort=True, as_index=False).agg(
        {"is_withdrawn": "max", "has_grant": "max", "expired_from": "min", "outdated_from": "min"}
    )


def _on_channels(answers: pd.DataFrame, channels: tuple[str, ...]) -> pd.DataFrame:
    """Each answer once per channel that it covers."""
    general = answers[answers["channel"] == "any"]
    narrow = answers[answers["channel"] != "any"]
    return pd.concat([narrow, *(general.assign(channel=channel) for channel in channels)], ignore_index=True)


def _opt_outs(frames: Frames, told: Stretch) -> pd.DataFrame:
    answers = _answers(frames, told)
    marketing = answers[(answers["purpose"] == "marketing") & answers["recipient"].isna()]
    moments = _moments(_on_channels(marketing, rules.CHANNELS_OF_MESSAGES), ["person_id", "channel"])
    runs = _runs(moments, frames["people"])
    messages = frames["messages"]
    in_period = (messages["sent_at"] >= _naive(told.start)) & (messages["sent_at"] < _naive(told.end))
    sent = messages.loc[
        (messages["category"] == "marketing") & in_period, ["person_id", "channel", "campaign", "sent_at"]
    ]
    found = pd.merge_asof(
        sent.sort_values("sent_at"),
        runs.sort_values("at"),
        left_on="sent_at",
        right_on="at",
        by=["person_id", "channel"],
    )
    judged = found.assign(month=(found["sent_at"] + HOURS).dt.to_period("M"), verdict=_verdict(found))
    groups = ["month", "channel", "campaign"]
    counted = judged.groupby([*groups, "verdict"]).size().unstack(fill_value=0)
    counted = counted.reindex(columns=VERDICTS, fill_value=0)
    rows = counted.assign(messages=counted.sum(axis=1)).reset_index()
    return rows.assign(month=rows["month"].astype(str))


def _runs(moments: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    """A withdraw with the first of its unbroken run, and from when that one binds."""
    lane = ["person_id", "channel"]
    before = moments.groupby(lane)["is_withdrawn"].shift(1, fill_value=False)
    begins = moments["is_withdrawn"] & (moments["has_grant"] | ~before)
    moments["begun_at"] = moments["at"].where(begins)
    withdrawn_at = moments.groupby(lane)["begun_at"].ffill()
    told = moments.assign(withdrawn_at=withdrawn_at, day=(withdrawn_at + HOURS).dt.normalize())
    known = told.merge(people[["person_id", "region"]], on="person_id", how="left")
    graces = _rule("grace").astype({"day": told["day"].dtype})
    known = known.merge(graces, on="day", how="left")
    graced = known["region"].str.startswith("US").fillna(value=False).astype(bool) & known["channel"].isin(
        rules.CHANNELS_WITH_GRACE
    )
    binding = known["binds_at"].where(graced, known["withdrawn_at"])
    return known.assign(binding_from=binding)[
        [*lane, "at", "is_withdrawn", "binding_from", "expired_from", "outdated_from"]
    ]


def _verdict(found: pd.DataFrame) -> np.ndarray:
    withdrawn, sent = found["is_withdrawn"].eq(other=True), found["sent_at"]
    holds = {
        "after_opt_out": withdrawn & (found["binding_from"] < sent),
        "in_grace": withdrawn,
        "no_consent": found["at"].isna(),
        "expired": found["expired_from"] <= sent,
        "outdated": found["outdated_from"] <= sent,
    }
    return np.select(list(holds.values()), list(holds), default="permitted")


def _coverage(frames: Frames, told: Stretch) -> pd.DataFrame:
    start, end, asked = _naive(told.start), _naive(told.end), _rule("coverage_asked")
    answers = _answers(frames, told)
    general = answers[answers["recipient"].isna()]
    of_marketing = general["purpose"] == "marketing"
    marketing = _on_channels(general[of_marketing], ("email", "sms"))
    others = general[~of_marketing & (general["channel"] == "any")]
    lane = ["person_id", "purpose", "channel"]
    moments = _moments(pd.concat([marketing, others]), lane)
    following = moments.groupby(lane)["at"].shift(-1).fillna(NEVER)
    until = np.fmin(np.fmin(following, moments["expired_from"]), moments["outdated_from"])
    granted = moments.assign(until=until)[~moments["is_withdrawn"]]
    members = frames["people"].merge(asked, on="kind")
    members["closed_at"] = members["closed_at"].fillna(NEVER)
    states = members.merge(granted, on=lane)
    since, closed = np.fmax(states["opened_at"], states["at"]), np.fmin(states["closed_at"], states["until"])
    people = _changes(members, members["opened_at"], members["closed_at"], start, end).rename("people")
    agreed = _changes(states, since, closed, start, end).rename("granted")
    days = pd.DataFrame({"date": pd.to_datetime(told.days).astype("datetime64[us]")})
    grid = days.merge(asked[["purpose", "channel"]].drop_duplicates(), how="cross").set_index(
        ["date", "purpose", "channel"]
    )
    daily = grid.join(people).join(agreed).fillna(0).astype("int64").sort_index()
    running = daily.groupby(["purpose", "channel"]).cumsum().reset_index()
    return running.assign(date=running["date"].dt.date)


def _changes(
    spans: pd.DataFrame, begins: pd.Series, ends: pd.Series, start: pd.Timestamp, end: pd.Timestamp
) -> pd.Series:
    """How many spans more are open at the end of each local day than on the day before."""
    real = (begins < ends) & (ends >= start)
    lanes = spans.loc[real, ["purpose", "channel"]]
    moved = pd.concat(
        [lanes.assign(at=begins[real].clip(lower=start), change=1), lanes.assign(at=ends[real], change=-1)]
    )
    moved = moved[moved["at"] < end]
    moved["date"] = (moved["at"] + HOURS).dt.normalize()
    return moved.groupby(["date", "purpose", "channel"])["change"].sum()


def _turnaround(frames: Frames, told: Stretch) -> pd.DataFrame:
    start, end = _naive(told.start), _naive(told.end)
    known = frames["requests"].query("received_at < @end").copy()
    is_closed = known["closed_at"] < end
    known["closed_at"], known["outcome"] = known["closed_at"].where(is_closed), known["outcome"].where(is_closed)
    ended_at = known["closed_at"].fillna(end)
    pauses = frames["request_pauses"].query("paused_at < @end").merge(
        known[["request_id", "received_at"]].assign(ended_at=ended_at, is_open=~is_closed), on="request_id"
    )  # fmt: skip
    running = pauses.loc[pauses["is_open"] & ~(pauses["resumed_at"] < end), "request_id"]
    begins = np.fmax(pauses["paused_at"], pauses["received_at"])
    ends = np.fmin(pauses["resumed_at"].fillna(NEVER), pauses["ended_at"])
    real = begins < ends
    stopped = np.fmin(ends, begins + rules.longest_pause())[real]
    pauses = pauses[real].assign(
        paused=(stopped - begins[real]) // MICROSECOND,
        paused_days=(stopped + HOURS).dt.normalize() - (begins[real] + HOURS).dt.normalize(),
    )
    promised = rules.promised_days(REQUEST_KINDS).to_pandas().set_index("kind")["promised_days"]
    known = known.assign(ended_at=ended_at).merge(
        pauses[["request_id", "paused", "paused_days"]], on="request_id", how="left"
    )
    days = pd.to_timedelta(known["kind"].map(promised) + 1, unit="D") + known["paused_days"].fillna(pd.Timedelta(0))
    due_at = (known["received_at"] + HOURS).dt.normalize() + days - HOURS
    is_paused = known["request_id"].isin(running)
    return _turnaround_counts(known.assign(due_at=due_at, is_paused=is_paused), start, end)


def _turnaround_counts(known: pd.DataFrame, start: pd.Timestamp, end: pd.Timestamp) -> pd.DataFrame:
    outcome, is_open = known["outcome"], known["closed_at"].isna()
    gross = (known["ended_at"] - known["received_at"]) // MICROSECOND
    net = gross - known["paused"].fillna(0).astype("int64")
    taken_back = outcome.eq("withdrawn").fillna(value=False).astype(bool)
    received = (known["received_at"] >= start) & (known["received_at"] < end)
    due = (known["due_at"] > start) & (known["due_at"] <= end) & ~taken_back
    in_time = known["closed_at"] < known["due_at"]
    answered = received & ~is_open & ~taken_back
    told_something = outcome.isin(["fulfilled", "partly_fulfilled"]) | outcome.isna()
    to_identify = known["kind"].isin(rules.identified_kinds()) & ~(known["verified_at"] <= known["closed_at"])
    flags = {name: received & outcome.eq(name).fillna(value=False).astype(bool) for name in OUTCOMES[:5]} | {
        "received": received,
        "outcome_unknown": received & ~is_open & outcome.isna(),
        "open": received & is_open,
        "due": due,
        "on_time": due & in_time,
        "late": due & ~is_open & ~in_time,
        "overdue_open": due & is_open,
        "unverified_answers": received & to_identify & ~is_open & told_something,
        "paused_open": received & known["is_paused"],
    }
    told = pd.DataFrame(flags).assign(kind=known["kind"], net=net, gross=gross, is_event=answered)[received | due]
    both = pd.concat([told, told.assign(kind="all")], ignore_index=True)
    counts = both.groupby("kind")[list(flags)].sum()
    days = both.loc[both["is_event"], ["kind", "net", "gross"]].groupby("kind")
    counts["answered_median_days"] = days["net"].median() / MICRODAY
    counts["answered_mean_days"] = days["net"].mean() / MICRODAY
    counts["answered_median_gross_days"] = days["gross"].median() / MICRODAY
    return (
        counts.join(_turnaround_percentiles(both.loc[both["received"], ["kind", "net", "is_event"]]))
        .reset_index()
        .assign(regime="APPI")
    )


def _turnaround_percentiles(received: pd.DataFrame) -> pd.DataFrame:
    """Kaplan-Meier: an answer is an event, whoever waits still or took the request back is censored."""
    moments = received.groupby(["kind", "net"])["is_event"].agg(events="sum", leaving="count").reset_index()
    left = moments.iloc[::-1].groupby("kind")["leaving"].cumsum()
    survival = (1 - moments["events"] / left).groupby(moments["kind"]).cumprod()
    return pd.DataFrame(
        {
            f"p{q}_days": moments[survival <= 1 - q / 100 + TOLERANCE].groupby("kind")["net"].min() / MICRODAY
            for q in (50, 90, 95)
        }
    )


def _disclosures(frames: Frames, told: Stretch) -> pd.DataFrame:
    disclosed = frames["disclosures"]
    in_period = (disclosed["disclosed_at"] >= _naive(told.start)) & (disclosed["disclosed_at"] < _naive(told.end))
    disclosed = disclosed[in_period].sort_values("disclosed_at")
    disclosed = disclosed.assign(on=(disclosed["disclosed_at"] + HOURS).dt.normalize())
    own = ["person_id", "purpose", "recipient"]
    asked = disclosed[disclosed["basis"] == "consent"]
    lanes = asked[own].drop_duplicates()
    answers = _answers(frames, told).query("channel == 'any'")
    narrow = answers[answers["recipient"].notna()].merge(lanes, on=own)
    general = answers[answers["recipient"].isna()].drop(columns="recipient").merge(lanes, on=own[:2])
    moments = _moments(pd.concat([narrow, general]), own)
    found = pd.merge_asof(asked, moments.sort_values("at"), left_on="disclosed_at", right_on="at", by=own)
    at = found["disclosed_at"]
    granted = found["is_withdrawn"].eq(other=False) & (found["expired_from"] > at) & (found["outdated_from"] > at)
    others = disclosed[disclosed["basis"] != "consent"].assign(is_granted=False)
    judged = pd.concat([found[disclosed.columns].assign(is_granted=granted), others], ignore_index=True)
    recipients = frames["recipients"].rename(columns={"kind": "recipient_kind"})
    known = judged.merge(recipients[["recipient", "recipient_kind", "country"]], on="recipient", how="left")
    known = known.merge(_under_contract(disclosed, frames["contracts"]), on=["recipient", "on"], how="left")
    known["finding"] = _finding(known)
    groups = ["recipient", "recipient_kind", "country"]
    counted = known.groupby([*groups, "finding"], dropna=False).size().unstack(fill_value=0)
    counted = counted.reindex(columns=FINDINGS, fill_value=0)
    people = known.groupby(groups, dropna=False)["person_id"].nunique()
    return counted.assign(disclosures=counted.sum(axis=1), people=people).reset_index()


def _under_contract(disclosed: pd.DataFrame, contracts: pd.DataFrame) -> pd.DataFrame:
    """The recipients and local days on which a contract with both promises was in force."""
    sound = contracts[contracts["is_confidential"] & contracts["is_equal_standard"]]
    occasions = disclosed[["recipient", "on"]].drop_duplicates().merge(sound, on="recipient")
    starts, ends = pd.to_datetime(occasions["starts_on"]), pd.to_datetime(occasions["ends_on"])
    in_force = (starts <= occasions["on"]) & (ends.isna() | (ends >= occasions["on"]))
    return occasions.loc[in_force, ["recipient", "on"]].drop_duplicates().assign(has_contract=True)


def _finding(known: pd.DataFrame) -> np.ndarray:
    basis = known["basis"]
    holds = {
        "unknown_recipient": known["recipient_kind"].isna(),
        "unknown_basis": ~basis.isin([name for name in BASES if name != "goodwill"]),
        "no_consent": (basis == "consent") & ~known["is_granted"],
        "no_contract": basis.isin(["entrustment", "joint_use"]) & known["has_contract"].isna(),
        "no_legal_reference": (basis == "law") & known["legal_reference"].isna(),
        "not_recorded": basis.isin(rules.recorded_bases()) & ~known["is_recorded"].eq(other=True),
        "undeclared_purpose": ~known["purpose"].isin(rules.declared_purposes()),
    }
    return np.select([np.asarray(rule, dtype=bool) for rule in holds.values()], list(holds), default="in_order")


ASK: dict[str, Callable[[Frames, Stretch], pd.DataFrame]] = {
    "opt-outs": _opt_outs,
    "opt-outs-month": _opt_outs,
    "coverage": _coverage,
    "turnaround": _turnaround,
    "disclosures": _disclosures,
}
