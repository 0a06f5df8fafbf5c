"""Findings in sentences, made from the numbers and never typed by hand (Markdown)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from pledgebook.charts.drawing import Tables
from pledgebook.charts.words import count, counted, decimal, is_none, listed, name_lane, number, percent, share
from pledgebook.policy import Policy

FINDINGS = {
    "unknown_recipient": "to an unknown recipient",
    "unknown_basis": "on a ground that nobody recognises",
    "no_consent": "without a valid consent",
    "no_contract": "without a contract in force",
    "no_legal_reference": "without naming the law",
    "not_recorded": "without the statutory record",
    "undeclared_purpose": "for an undeclared purpose",
}
NOTHING = "**Cannot tell**: {} is missing, empty or all in quarantine."


@dataclass(frozen=True)
class Sentence:
    """The finding of a metric: the tables it speaks of, and how it is said."""

    tables: tuple[str, ...]
    say: Callable[[Tables, Policy], str]


def headline(name: str, tables: Tables, policy: Policy) -> str:
    """Return the finding of a metric, of the `scorecard` or of what `arrived` as Markdown, made from its tables."""
    return SENTENCES[name].say(tables, policy)


def _row(table: pl.DataFrame, **groups: str) -> dict[str, Any] | None:
    chosen = table.filter(*[pl.col(name) == value for name, value in groups.items()])
    return None if chosen.is_empty() else chosen.row(0, named=True)


def _add(*values: float | None) -> float | None:
    """Return a sum; null where a part is hidden."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def _say_coverage(tables: Tables, policy: Policy) -> str:
    rows = tables["consent_coverage"].filter((pl.col("kind") == "all") & pl.col("coverage").is_not_null())
    if rows.is_empty():
        return NOTHING.format("the table of people or of consent")
    ordered = rows.sort("coverage", "purpose", "channel")
    low, high = ordered.row(0, named=True), ordered.row(-1, named=True)
    said = [
        f"Of the people whom a purpose concerns, **{percent(low['coverage'])}** "
        f"({name_lane(low['purpose'], low['channel'])}) to **{percent(high['coverage'])}** "
        f"({name_lane(high['purpose'], high['channel'])}) hold a valid consent."
    ]
    if policy.marketing and (own := rows.filter(pl.col("purpose") == policy.marketing.purpose)).height:
        told = [
            f"{name_lane(row['purpose'], row['channel'])}: **{percent(row['coverage'])}** "
            f"({counted(row, 'granted')} of {counted(row, 'people')})"
            for row in own.sort("channel").to_dicts()
        ]
        said.append(f"{'; '.join(told)}.")
    return " ".join([*said, _say_gap(tables["consent_gap"])]).strip()


def _say_gap(gap: pl.DataFrame) -> str:
    overall = _row(gap, purpose="all")
    if overall is None or is_none(overall, "occasions"):
        return ""
    occasions, granted = overall["occasions"], overall["granted"]
    if "granted_is_suppressed" in overall:
        how_many = f"{counted(overall, 'granted')} of {counted(overall, 'occasions')}"
        return f"At {how_many} occasions ({share(granted, occasions)}) there was a valid consent."
    if granted == occasions:
        return f"Each of the {count(occasions, 'occasion')} that needed a consent had one."
    without = occasions - granted
    return (
        f"Data was used, or disclosed on consent, {number(occasions)} times; **{number(without)} times "
        f"({share(without, occasions)}) without a valid consent** at that instant."
    )


def _say_turnaround(tables: Tables, policy: Policy) -> str:
    rows = tables["request_turnaround"].filter(pl.col("kind") == "all")
    if rows.is_empty():
        return NOTHING.format("the table of requests")
    due, on_time, late, waiting = (_add(*rows[name]) for name in ("due", "on_time", "late", "overdue_open"))
    said = "No request fell due in the period."
    if due != 0:
        said = (
            f"Of **{count(due, 'request')}** that fell due, **{number(on_time)} ({share(on_time, due)}) were answered "
            f"on time**; {number(late)} late, and {number(waiting)} are overdue and still open."
        )
    home = _row(rows, regime=policy.company.regime) or rows.sort("received", descending=True).row(0, named=True)
    return f"{said} {_say_waiting(home)}"


def _say_waiting(home: dict[str, Any]) -> str:
    if not home["received"]:
        return f"No request under {home['regime']} was received in the period."
    waits = [
        f"{words} within **{decimal(home[name], 'days')}**"
        for words, name in (("half were answered", "p50_days"), ("nine of ten", "p90_days"))
        if home[name] is not None
    ]
    told = listed(waits) if waits else "too few were answered to say how long people wait"
    still = "is" if home["open"] == 1 else "are"
    return (
        f"Of the {count(home['received'], 'request')} received under {home['regime']}, {told} (net of pauses); "
        f"{number(home['open'])} {still} still open."
    )


def _say_marketing(tables: Tables, _: Policy) -> str:
    overall = _row(tables["marketing_messages"], month="all", channel="all", campaign="all")
    if overall is None:
        return NOTHING.format("the table of messages or of consent")
    sent, after = overall["messages"], overall["after_opt_out"]
    others = {
        "to people who were never asked": "no_consent",
        "on expired consent": "expired",
        "on an outdated notice": "outdated",
    }
    lacking = [f"{counted(overall, name)} {words}" for words, name in others.items() if not is_none(overall, name)]
    said = f"Of **{counted(overall, 'messages')} marketing messages**, **{counted(overall, 'after_opt_out')} ({share(after, sent)}) went out after an opt-out**"
    said += f"; besides, {listed(lacking)}." if lacking else "; every other one had a valid consent or was in grace."
    return f"{said} {_say_opt_outs(tables['opt_outs'])}".strip()


def _say_opt_outs(table: pl.DataFrame) -> str:
    row = _row(table, channel="all")
    if row is None or is_none(row, "opt_outs"):
        return "Nobody opted out in the period."
    said = (
        f"Of **{counted(row, 'opt_outs')} opt-outs**, {counted(row, 'breached')} were followed by a message against it"
    )
    if row["median_hours_to_suppression"] is not None:
        said += f"; half reached every sending system within **{decimal(row['median_hours_to_suppression'], 'hours')}**"
    if is_none(row, "not_suppressed"):
        return f"{said}."
    return f"{said}, and {counted(row, 'not_suppressed')} had not reached all of them."


def _say_disclosures(tables: Tables, _: Policy) -> str:
    rows = tables["disclosures_by_recipient"]
    overall = _row(rows, recipient="all")
    if overall is None:
        return NOTHING.format("the table of disclosures")
    sent = overall["disclosures"]
    if is_none(overall, "disclosures"):
        return "No personal data was disclosed in the period."
    recipients = rows.filter(pl.col("recipient") != "all").height
    people = f"{counted(overall, 'people')} people"
    said = f"**{counted(overall, 'disclosures')} disclosures** about {people} went to {count(recipients, 'recipient')}"
    found = [f"{counted(overall, name)} {words}" for name, words in FINDINGS.items() if not is_none(overall, name)]
    if not found:
        return f"{said}; every one was in order."
    wrong = _add(*[overall[name] for name in FINDINGS])
    how_many = "not all are in order" if wrong is None else f"{number(wrong)} ({share(wrong, sent)}) are not in order"
    return f"{said}; **{how_many}**: {listed(found)}."


def _say_scorecard(tables: Tables, _: Policy) -> str:
    rows = tables["scorecard"]
    if rows.is_empty():
        return "The policy file declares no promise."
    counted = dict(rows.group_by("verdict").len().iter_rows())
    order = ("broken", "kept", "cannot tell", "not applicable")
    words = {"cannot tell": "cannot be told", "not applicable": "had nothing to apply to"}
    told = [f"**{counted[verdict]} {words.get(verdict, verdict)}**" for verdict in order if counted.get(verdict)]
    return f"Of **{count(rows.height, 'promise')}** of the policy: {listed(told)}."


def _say_arrived(tables: Tables, _: Policy) -> str:
    rows = tables["intake"]
    read, kept = int(rows["rows_read"].sum()), int(rows["rows_kept"].sum())
    if not read:
        return NOTHING.format("every table")
    aside = {
        "in quarantine": "rows_quarantined",
        "duplicates": "rows_duplicate",
        "superseded by a newer export": "rows_superseded",
    }
    sums = {words: int(rows[name].sum()) for words, name in aside.items()}
    told = [f"{number(value)} {words}" for words, value in sums.items() if value]
    rest = f"; not kept: {listed(told)}" if told else ""
    sources = count(rows.filter(pl.col("rows_read") > 0).height, "source")
    return f"**{count(read, 'row')}** arrived in {sources}; **{number(kept)} ({share(kept, read)}) were kept**{rest}."


SENTENCES = {
    "consent_coverage": Sentence(("consent_coverage", "consent_gap"), _say_coverage),
    "request_turnaround": Sentence(("request_turnaround",), _say_turnaround),
    "marketing_opt_outs": Sentence(("marketing_messages", "opt_outs"), _say_marketing),
    "third_party_disclosures": Sentence(("disclosures_by_recipient",), _say_disclosures),
    "scorecard": Sentence(("scorecard",), _say_scorecard),
    "arrived": Sentence(("intake",), _say_arrived),
}
