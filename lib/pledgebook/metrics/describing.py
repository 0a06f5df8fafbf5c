"""The catalogue in words: the README's table of metrics, and the glossary's entries of figures and of laws."""

from __future__ import annotations

from collections.abc import Iterable

from pledgebook.deadlines import Regimes
from pledgebook.metrics.catalogue import ACCOUNTS, METRICS, STILL_TO_COME
from pledgebook.metrics.definition import Column, Metric, Published

UNSETTLED = "too few cases were settled, or none"


def metrics_table() -> str:
    """Return one row per metric, in Markdown: what it asks, its tables, which direction is good, and its notebook."""
    head = ("metric", "question", "tables", "better", "clause", "notebook")
    rows = [
        (
            f"`{metric.name}`",
            metric.question,
            _listed(table.name for table in metric.tables),
            metric.better,
            metric.clause,
            f"`{metric.notebook}`",
        )
        for metric in METRICS.values()
    ]
    return _table(head, rows)


def figures_glossary() -> str:
    """Return the glossary's entries of every published table and figure, also of those still to come, in Markdown."""
    told = [part for metric in METRICS.values() for part in _metric_entry(metric)]
    others = {"Accounts of the intake": ACCOUNTS, "Figures of notebooks to come": STILL_TO_COME}
    for title, tables in others.items():
        told += [f"### {title}", *(part for table in tables.values() for part in _table_entry(table))]
    return "\n\n".join(told) + "\n"


def regimes_table(regimes: Regimes) -> str:
    """Return one row per regime, in Markdown: its law, and whether it has clocks of requests, marketing, incidents."""
    head = ("regime", "law", "requests", "marketing, by channel", "incidents")
    rows = []
    for name in regimes.names:
        law = regimes.by_id[name]
        incidents = any(rule.role.startswith("incident") for rule in law.rules)
        answers = any(rule.role == "response" for rule in law.rules)
        channels = ", ".join(sorted(regimes.channels_of(name)))
        rows.append((f"`{name}`", law.title, _said(answers), channels or "no", _said(incidents)))
    return _table(head, rows)


def _metric_entry(metric: Metric) -> list[str]:
    facts = (
        f"{metric.question} Population: {metric.population}. Unit: {metric.unit}. Better: {metric.better}. "
        f"Clause: {metric.clause}. Source: {metric.source}. Owner: {metric.owner}. Valid since {metric.valid_since}. "
        f"Notebook: `{metric.notebook}`."
    )
    caveats = "\n".join(f"- {caveat}" for caveat in metric.caveats)
    tables = [part for table in metric.tables for part in _table_entry(table)]
    return [f"### {metric.title} (`{metric.name}`)", facts, *([caveats] if caveats else []), *tables]


def _table_entry(table: Published) -> list[str]:
    grain = table.grain[0].upper() + table.grain[1:]
    if table.is_worklist:
        columns = _listed(column.name for column in table.columns)
        return [f"#### `{table.name}`", f"Worklist: {grain[0].lower()}{grain[1:]}. Columns: {columns}."]
    rows = [(f"`{column.name}`", column.unit, column.meaning, _null(column)) for column in table.columns]
    told = f"{grain}. Grouped by {_listed(table.groups)}.{_needs(table)}"
    return [f"#### `{table.name}`", told, _table(("column", "unit", "meaning", "null when"), rows).rstrip()]


def _needs(table: Published) -> str:
    needs = [_listed(table.needs)] if table.needs else []
    if table.needs_one_of:
        needs.append("one of " + _listed(table.needs_one_of))
    return f" Has no rows without {' and '.join(needs)}." if needs else ""


def _null(column: Column) -> str:
    if column.unit == "label":
        return "not known, or the row is `all`"
    if column.unit == "ratio" and column.population:
        return f"`{column.population}` is 0"
    return UNSETTLED if column.unit in ("days", "hours") else "never"


def _said(answer: bool) -> str:
    return "yes" if answer else "no"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, tuple("---" for _ in head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines) + "\n"
