"""Findings in sentences, made from the numbers and never typed by hand (Markdown)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import polars as pl

from pledgebook.charts.drawing import NOTHING, Tables, add_up, row_of
from pledgebook.charts.outgoing_sentences import say_disclosures, say_marketing
from pledgebook.charts.words import (
    count,
    counted,
    decimal,
    in_brackets,
    is_none,
    listed,
    name_lane,
    number,
    percent,
    share,
)
from pledgebook.policy import Policy


@dataclass(frozen=True)
class Sentence:
    """The finding of a metric: the tables it speaks of, and how it is said."""

    tables: tuple[str, ...]
    say: Callable[[Tables, Policy], str]


def headline(name: str, tables: Tables, policy: Policy) -> str:
    """Return the finding of a metric, of the `scorecard` or of what `arrived` as Markdown, made from its tables."""
    return SENTENCES[name].say(tables, policy)


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
    overall = row_of(gap, purpose="all")
    if overall is None or is_none(overall, "occasions"):
        return ""
    occasions, granted = overall["occasions"], overall["granted"]
    if "granted_is_suppressed" in overall:
        how_many = f"{counted(overall, 'granted')} of {counted(overall, 'occasions')}"
        return f"At {how_many} occasions{in_brackets(granted, occasions)} there was a valid consent."
    if granted == occasions:
        return f"Each of the {count(occasions, 'occasion')} that needed a consent had one."
    without = occasions - granted
    return (
        f"Data was used, or disclosed on consent, {number(occasions)} times; **{number(without)} times "
        f"({share(without, occasions)}) without a valid consent** at that instant."
    )


PROMISE = "the company's own promise, the law setting no number for them"


def _say_turnaround(tables: Tables, policy: Policy) -> str:
    rows = tables["request_turnaround"].filter(pl.col("kind") == "all")
    if rows.is_empty():
        return NOTHING.format("the table of requests")
    due, on_time, late, waiting = (add_up(*rows[name]) for name in ("due", "on_time", "late", "overdue_open"))
    under = " under all regimes" if rows.height > 1 else ""
    said = "No request fell due in the period."
    if None in (due, on_time, late, waiting):
        said = "How many were answered on time is in the table, as far as small counts can be shown."
    elif due != 0:
        said = (
            f"Of **{count(due, 'request')}** that fell due{under}, **{number(on_time)}{in_brackets(on_time, due)} were answered "
            f"on time**; {number(late)} late, and {number(waiting)} are overdue and still open."
        )
    home = row_of(rows, regime=policy.company.regime) or rows.sort("received", descending=True).row(0, named=True)
    return f"{said} {_say_clocks(tables['request_clocks'])}{_say_waiting(home)}"


def _say_clocks(clocks: pl.DataFrame) -> str:
    """Whose clock it was: a rate against the company's own promise is no legal rate, and is never called one."""
    said = []
    for clock, words in (
        ("statutory", "a statutory clock"),
        ("guidance", "a regulator's guidance"),
        ("promised", PROMISE),
    ):
        rows = clocks.filter(pl.col("clock") == clock)
        due, on_time = add_up(*rows["due"]), add_up(*rows["on_time"])
        if due and on_time is not None:
            said.append(f"{number(on_time)} of {number(due)} against {words}")
    return f"On time were {listed(said)}. " if said else ""


def _say_waiting(home: dict[str, Any]) -> str:
    if is_none(home, "received"):
        return f"No request under {home['regime']} was received in the period."
    waits = [
        f"{words} within **{decimal(home[name], 'days')}**"
        for words, name in (("half were answered", "p50_days"), ("nine of ten", "p90_days"))
        if home[name] is not None
    ]
    told = listed(waits) if waits else "too few were answered to say how long people wait"
    received = "the" if home["received"] is None else f"the {counted(home, 'received')}"
    said = f"Of {received} requests received under {home['regime']}, {told} (net of pauses)"
    still = "is" if home["open"] == 1 else "are"
    return f"{said}." if home["open"] is None else f"{said}; {counted(home, 'open')} {still} still open."


def _say_scorecard(tables: Tables, _: Policy) -> str:
    rows = tables["scorecard"]
    if rows.is_empty():
        return "The policy file declares no promise."
    found = dict(rows.group_by("verdict").len().iter_rows())
    order = ("broken", "kept", "cannot tell", "not applicable")
    words = {"cannot tell": "cannot be told", "not applicable": "had nothing to apply to"}
    told = [f"**{found[verdict]} {words.get(verdict, verdict)}**" for verdict in order if found.get(verdict)]
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
    "request_turnaround": Sentence(("request_turnaround", "request_clocks"), _say_turnaround),
    "marketing_opt_outs": Sentence(("marketing_messages", "opt_outs"), say_marketing),
    "third_party_disclosures": Sentence(("disclosures_by_recipient",), say_disclosures),
    "scorecard": Sentence(("scorecard",), _say_scorecard),
    "arrived": Sentence(("intake",), _say_arrived),
}
