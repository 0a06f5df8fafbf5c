"""Answers a table of worked examples: columns as in `deadline_examples.csv`, then `due`."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError
from pydantic import ValidationError

from pledgebook.deadlines.clock_tables import Place, place_of
from pledgebook.deadlines.one_rule import Due, Facts, due_by_rule, due_in_hours
from pledgebook.deadlines.regimes import Regimes
from pledgebook.deadlines.rules import UNITS, Rule
from pledgebook.errors import InputError

NEEDED = ("regime", "request_type", "received_at")
TRUE, FALSE = ("true", "1", "yes"), ("false", "0", "no", "")
TERM = re.compile(r"(k|n|ext|roll|cal|weekend|start)=(\S+)")


@dataclass(frozen=True)
class Answers:
    """`table`: the rows as they were, then `due` (empty: no answer); `problems`: what to look at."""

    table: pl.DataFrame
    problems: tuple[str, ...]


def answer_examples(examples: pl.DataFrame | str | Path, regimes: Regimes) -> Answers:
    """Return the due date of every row, computed from its regime and request type by the dated rules.

    The calendar that a row's `rule` names (`cal=`, `weekend=`) counts; what else stands before the `|` is
    used only where the rules have no answer of their own, and a difference is told as a problem.

    Args:
        examples: a CSV file, or its columns as strings: `regime`, `request_type`, `received_at`;
            `verified_at`, `paused_days` (the days to add), `extended`, `rule` may be absent or empty.
        regimes: the dated rules.

    Returns: the rows with `due` as `YYYY-MM-DD`, or `YYYY-MM-DDTHH:MM` for hours.

    Raises: InputError when the file cannot be read or a needed column is missing.
    """
    table = examples if isinstance(examples, pl.DataFrame) else _read(Path(examples))
    if missing := [column for column in NEEDED if column not in table.columns]:
        raise InputError(f"examples: column {', '.join(missing)} is missing. Needed are {', '.join(NEEDED)}.")
    dues, problems = [], []
    for number, row in enumerate(table.iter_rows(named=True), start=1):
        due, found = _answer({key: "" if value is None else str(value) for key, value in row.items()}, regimes)
        dues.append(due)
        problems += [f"row {number} ({row['regime']}, {row['request_type']}): {problem}" for problem in found]
    return Answers(table.drop("due", strict=False).with_columns(due=pl.Series(dues, dtype=pl.String)), tuple(problems))


def _read(file: Path) -> pl.DataFrame:
    try:
        return pl.read_csv(file, infer_schema=False).fill_null("")
    except (OSError, PolarsError):  # what Polars says quotes cells
        raise InputError(
            f"{file}: cannot be read as CSV. Give a UTF-8 file with a header, its quotes closed."
        ) from None


def _answer(row: dict[str, str], regimes: Regimes) -> tuple[str, list[str]]:
    try:
        due, problems = _due_of_row(row, regimes)
    except InputError as fault:
        return "", [str(fault)]
    if due.due_at is not None:
        return due.due_at.strftime("%Y-%m-%dT%H:%M"), problems
    return (due.due_on.isoformat(), problems) if due.due_on else ("", [*problems, due.explanation])


def _due_of_row(row: dict[str, str], regimes: Regimes) -> tuple[Due, list[str]]:
    moment = _moment(row["received_at"])
    facts = _facts(row, moment)
    stated = dict(TERM.findall(row.get("rule", "").partition("|")[0]))
    rule, problems = _rule_of_row(row, regimes, facts, stated)
    if rule.counting == "hours":
        return due_in_hours(rule, moment), problems
    place = place_of(regimes.by_id[row["regime"]], None) if row["regime"] in regimes.by_id else Place(None, False, None)
    due = due_by_rule(rule, facts, place)
    if due.calendar_assumed:
        problems.append(f"the rule names no calendar (cal=); {due.calendar} was assumed")
    return due, problems


def _rule_of_row(row: dict[str, str], regimes: Regimes, facts: Facts, stated: dict[str, str]) -> tuple[Rule, list[str]]:
    """The dated rule with the row's calendar; the stated one where the dated rules have no answer."""
    rule, problem = None, "the law sets no number, and the rule text is not complete"
    try:
        rule = regimes.rule_for(row["regime"], row["request_type"], facts.received)
    except InputError as fault:
        problem = str(fault)
    if rule is None or rule.counting == "none" or (facts.is_extended and _has_no_length(rule)):
        if (read := _stated_rule(stated, rule)) is not None:
            return read, [f"computed from the row's own rule text{f': {problem}' if rule is None else ''}"]
        if rule is None or rule.counting == "none":
            raise InputError(problem)
    differs = _differences(rule, stated)
    told = [f"the rule text says {differs}; {rule.id} of {rule.valid_from} was used"] if differs else []
    return _with_calendar(rule, stated), told


def _has_no_length(rule: Rule) -> bool:
    return rule.extension is None or rule.extension.length is None


def _differences(rule: Rule, stated: dict[str, str]) -> str:
    """What the row states otherwise than the rule, as `n=30`; empty where nothing is."""
    ours = {"k": rule.counting, "n": str(rule.length or "")}
    if rule.extension is not None and rule.extension.length is not None:
        ours["ext"] = str(rule.extension.length)
    return " ".join(f"{key}={stated[key]}" for key in ours if key in stated and stated[key] != ours[key])


def _with_calendar(rule: Rule, stated: dict[str, str]) -> Rule:
    if "cal" not in stated:
        return rule
    return _checked({**rule.model_dump(), "calendar": stated["cal"], "weekend": stated.get("weekend", "default")})


def _stated_rule(stated: dict[str, str], near: Rule | None) -> Rule | None:
    """The rule that the row's own text spells out; null when it has no counting kind or no needed number."""
    counting = stated.get("k", "")
    unit = UNITS.get(counting, "none")
    if counting in ("", "none") or counting not in UNITS or (unit != "none" and not stated.get("n", "").isdigit()):
        return None
    values: dict[str, Any] = {
        "id": near.id if near else "stated",
        "words": ("stated",),
        "counting": counting,
        "length": int(stated["n"]) if unit != "none" else None,
        "unit": unit,
        "pause": "added",
        "verification": "restarts" if stated.get("start") == "verified" else "ignored",
        "extension": {"length": int(stated["ext"]), "condition": "stated"} if stated.get("ext", "").isdigit() else None,
        "roll": stated.get("roll", "none"),
        "calendar": stated.get("cal"),
        "weekend": stated.get("weekend", "default"),
        **{"hardness": "none", "citation": "the row's own rule text", "confidence": "G"},
        **{"valid_from": date.min, "checked_on": date.min},
    }
    return _checked(values)


def _checked(values: dict[str, Any]) -> Rule:
    try:
        return Rule.model_validate(values)
    except ValidationError as fault:
        what = fault.errors()[0]["msg"].removeprefix("Value error, ")
        raise InputError(f"rule text: {what}. Use the vocabulary k, n, ext, roll, cal, weekend, start.") from None


def _facts(row: dict[str, str], moment: date | datetime) -> Facts:
    paused, extended = row.get("paused_days", "").strip(), row.get("extended", "").strip().lower()
    if not (paused or "0").isdigit():
        raise InputError(f"paused_days '{paused[:40]}': not a number of days. Give 0 or more.")
    if extended not in (*TRUE, *FALSE):
        raise InputError(f"extended '{extended[:40]}': neither true nor false. Give one of them.")
    verified = row.get("verified_at", "").strip()
    facts = Facts(_day(moment), paused_days=int(paused or 0), is_extended=extended in TRUE)
    return replace(facts, verified=_day(_moment(verified))) if verified else facts


def _day(moment: date | datetime) -> date:
    return moment.date() if isinstance(moment, datetime) else moment


def _moment(text: str) -> date | datetime:
    """A date, or a date with a time of day."""
    try:
        return date.fromisoformat(text.strip()) if len(text.strip()) <= 10 else datetime.fromisoformat(text.strip())
    except ValueError:
        raise InputError(f"'{text[:40]}': no date. Give YYYY-MM-DD, or YYYY-MM-DDTHH:MM for hours.") from None
