"""Names and numbers as people read them: ids without underscores, ratios that never round up to whole."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime
from textwrap import wrap
from typing import Any
from zoneinfo import ZoneInfo

HIDDEN = "[1-7]"
NONE = "–"
MARKUP = re.compile(r"([\\`*\[\]()#|~!$:]|(?<![0-9A-Za-z])_|_(?![0-9A-Za-z]))")
LETTERS = frozenset({"sms", "id", "ip", "url", "any"})


def name_of(word: str | None) -> str:
    """Return an id of the field as words: `cease_use` is `Cease use`."""
    if word is None:
        return NONE
    spoken = word.replace("_", " ").replace("-", " ") if "_" in word else word
    return spoken.upper() if word in {"sms"} else spoken[:1].upper() + spoken[1:]


def in_markdown(text: str) -> str:
    """Return a text that somebody else wrote so that Markdown shows it as it is: no markup, no link, no picture."""
    return MARKUP.sub(r"\\\1", text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))


def name_lane(purpose: str, channel: str) -> str:
    """Return a purpose and channel as words; channel `any` goes without saying."""
    if channel == "any":
        return name_of(purpose)
    return f"{name_of(purpose)}, {channel.upper() if channel in LETTERS else channel.replace('_', ' ')}"


def number(value: float | None) -> str:
    """Return a count with thousands marks; null is a count from 1 to 7 that is hidden."""
    return HIDDEN if value is None else f"{value:,.0f}"


def counted(row: Mapping[str, Any], name: str) -> str:
    """Return a count of a row as its audience may see it: exact, `[1-7]`, `hidden` or `at least 40`."""
    if row.get(f"{name}_is_secondary"):
        return "hidden"
    if row[name] is not None and row.get(f"{name}_is_at_least"):
        return f"at least {number(row[name])}"
    return number(row[name])


def is_none(row: Mapping[str, Any], name: str) -> bool:
    """Return whether a count is zero beyond doubt: neither hidden nor a total with hidden parts."""
    return row[name] == 0 and not row.get(f"{name}_is_at_least")


def count(value: float | None, noun: str, plural: str = "") -> str:
    """Return a count with its noun: `1 request`, `55 requests`."""
    return f"{number(value)} {noun if value == 1 else plural or noun + 's'}"


def percent(ratio: float | None) -> str:
    """Return a ratio in percent; what is not all never reads 100.0%, and what is something never 0.0%."""
    if ratio is None:
        return NONE
    if 0.9995 <= ratio < 1:
        return "over 99.9%"
    if 0 < ratio < 0.0005:
        return "under 0.1%"
    return f"{ratio:.1%}".replace(".0%", "%") if ratio in {0, 1} else f"{ratio:.1%}"


def share(part: float | None, whole: float | None) -> str:
    """Return a part of a whole in percent; a dash where either is hidden or there is no whole."""
    return percent(part / whole) if part is not None and whole else NONE


def in_brackets(part: float | None, whole: float | None) -> str:
    """Return ` (94.5%)` to stand behind a count; nothing where there is no share to tell."""
    told = share(part, whole)
    return "" if told == NONE else f" ({told})"


def decimal(value: float | None, unit: str = "") -> str:
    """Return a duration with one decimal and its unit; a dash where there is none."""
    if value is None:
        return NONE
    return f"{'under 0.1' if 0 < value < 0.05 else f'{value:,.1f}'} {unit}".strip()


def name_day(day: date) -> str:
    """Return a day as `1 Sep 2026`."""
    return f"{day.day} {day:%b %Y}"


def name_instant(moment: datetime, timezone: str) -> str:
    """Return an instant as `1 Oct 2026, 00:00` on the clocks of `timezone`."""
    local = moment.astimezone(ZoneInfo(timezone))
    return f"{name_day(local.date())}, {local:%H:%M}"


def listed(parts: Iterable[str]) -> str:
    """Return parts as a list in a sentence: `a, b and c`."""
    told = list(parts)
    return told[0] if len(told) == 1 else ", ".join(told[:-1]) + f" and {told[-1]}" if told else ""


def in_lines(text: str, width: int = 104) -> list[str]:
    """Return text cut into lines, as a chart's subtitle needs it."""
    return wrap(text, width) or [""]
