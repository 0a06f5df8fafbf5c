"""The scorecard finished for reading: verdicts in words and signs as well as colour, figures with their units."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from pledgebook.charts.words import NONE, counted, decimal, name_of, number, percent
from pledgebook.metrics.catalogue import published

if TYPE_CHECKING:
    from great_tables import GT

SIGNS = {"kept": "✓", "broken": "✗", "cannot tell": "?", "not applicable": "–"}
VERDICT_INK = {"kept": "#00664B", "broken": "#B23A00", "cannot tell": "#7A5200", "not applicable": "#52606D"}


def present_scorecard(rows: pl.DataFrame, title: str, name: str = "scorecard") -> GT:
    """Return promises with their verdicts, in words and signs as well as colour."""
    from great_tables import loc, style  # noqa: PLC0415

    from pledgebook.charts.finished_tables import finish_table  # noqa: PLC0415

    told = scorecard_in_words(rows)
    columns = ["verdict", "clause", "title", "value", "target", "counted", "before", "reason"]
    columns = [c for c in columns if c in ("verdict", "clause", "title") or any(row[c] != NONE for row in told)]
    cells = {column: [row[column] for row in told] for column in columns}
    labels = {column: name_of(column) for column in columns} | {"title": "Promise", "value": "Figure"}
    table = finish_table(cells, labels, title, name, numbers=[c for c in ("value", "counted") if c in columns])
    for verdict, colour in VERDICT_INK.items():
        mine = [place for place, row in enumerate(rows["verdict"]) if row == verdict]
        if mine:
            table = table.tab_style(style.text(color=colour, weight="bold"), loc.body(columns="verdict", rows=mine))
    return table


def scorecard_in_words(rows: pl.DataFrame) -> list[dict[str, str]]:
    """Return the scorecard as people read it: a dict of words per promise, a dash where there is nothing."""
    return [_promise_in_words(row) for row in rows.to_dicts()]


def _promise_in_words(row: dict[str, Any]) -> dict[str, str]:
    unit = unit_of(row["figure"])
    hidden = [name for name in ("numerator", "denominator") if row.get(f"{name}_is_suppressed")]
    parts = [counted(row, name) for name in ("numerator", "denominator") if row[name] is not None or name in hidden]
    before = [
        row["previous_verdict"] or "",
        "" if row["previous_value"] is None else in_unit(row["previous_value"], unit),
    ]
    return {
        "promise": row["promise"],
        "verdict": f"{SIGNS.get(row['verdict'], '')} {row['verdict']}".strip(),
        "clause": row["clause"],
        "title": row["title"],
        "value": _value(row, unit),
        "target": _target(row["target"], unit),
        "counted": " of ".join(parts if len(parts) != 1 else ["", *parts]).strip() or NONE,
        "before": ", ".join(part for part in before if part) or NONE,
        "reason": row["reason"] or NONE,
    }


def _value(row: dict[str, Any], unit: str) -> str:
    if row.get("value_is_suppressed"):
        return counted(row, "value")
    return NONE if row["value"] is None else in_unit(row["value"], unit)


def unit_of(figure: str | None) -> str:
    """Return the unit of a figure `table[...].column`, `count` where the catalogue does not say."""
    table, _, column = (figure or "").partition("[")
    declared = published(table)
    found = declared.column(column.rpartition(".")[2]) if declared else None
    return found.unit if found else "count"


def in_unit(value: float, unit: str) -> str:
    """Return a figure with its unit."""
    if unit == "ratio":
        return percent(value)
    return decimal(value, unit) if unit in ("days", "hours") else number(value)


def _target(target: Any, unit: str) -> str:
    if target is None:
        return NONE
    words, _, figure = str(target).rpartition(" ")
    said = f"{float(figure) * 100:.6g}%" if unit == "ratio" else f"{float(figure):,.6g}"
    return f"{words} {said}{f' {unit}' if unit in ('days', 'hours') else ''}".strip()
