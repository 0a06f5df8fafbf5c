"""Findings about what went out, in sentences: advertising and disclosures (Markdown)."""

from __future__ import annotations

import polars as pl

from pledgebook.charts.drawing import NOTHING, Tables, add_up, row_of
from pledgebook.charts.words import count, counted, decimal, in_brackets, is_none, listed, number
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
LACKING = {
    "to people who were never asked": "no_consent",
    "on expired consent": "expired",
    "on an outdated notice": "outdated",
}


def say_marketing(tables: Tables, _: Policy) -> str:
    """Return what went out after an opt-out or without a valid consent, and how fast opt-outs arrived."""
    overall = row_of(tables["marketing_messages"], month="all", channel="all", campaign="all")
    if overall is None:
        return NOTHING.format("the table of messages or of consent")
    sent, after = overall["messages"], overall["after_opt_out"]
    lacking = [f"{counted(overall, name)} {words}" for words, name in LACKING.items() if not is_none(overall, name)]
    broken = f"{counted(overall, 'after_opt_out')}{in_brackets(after, sent)} went out after an opt-out"
    said = f"Of **{counted(overall, 'messages')} marketing messages**, **{broken}**"
    said += f"; besides, {listed(lacking)}." if lacking else "; every other one had a valid consent or was in grace."
    return f"{said} {_say_opt_outs(tables['opt_outs'])}".strip()


def _say_opt_outs(table: pl.DataFrame) -> str:
    row = row_of(table, channel="all")
    if row is None or is_none(row, "opt_outs"):
        return "Nobody opted out in the period."
    opt_outs = "the opt-outs" if row["opt_outs"] is None else f"**{counted(row, 'opt_outs')} opt-outs**"
    said = f"Of {opt_outs}, {counted(row, 'breached')} were followed by a message against it"
    if row["median_hours_to_suppression"] is not None:
        said += f"; half reached every sending system within **{decimal(row['median_hours_to_suppression'], 'hours')}**"
    if is_none(row, "not_suppressed"):
        return f"{said}."
    return f"{said}, and {counted(row, 'not_suppressed')} had not reached all of them."


def say_disclosures(tables: Tables, _: Policy) -> str:
    """Return how many disclosures went to how many recipients, and what is not in order about them."""
    rows = tables["disclosures_by_recipient"]
    overall = row_of(rows, recipient="all")
    if overall is None:
        return NOTHING.format("the table of disclosures")
    sent = overall["disclosures"]
    if is_none(overall, "disclosures"):
        return "No personal data was disclosed in the period."
    recipients = rows.filter(pl.col("recipient") != "all").height
    people = f"{counted(overall, 'people')} people"
    sent_said = counted(overall, "disclosures").capitalize()
    said = f"**{sent_said} disclosures** about {people} went to {count(recipients, 'recipient')}"
    found = [f"{counted(overall, name)} {words}" for name, words in FINDINGS.items() if not is_none(overall, name)]
    if not found:
        return f"{said}; every one was in order."
    wrong = add_up(*[overall[name] for name in FINDINGS])
    how_many = (
        "not all are in order" if wrong is None else f"{number(wrong)}{in_brackets(wrong, sent)} are not in order"
    )
    return f"{said}; **{how_many}**: {listed(found)}."
