"""What a notebook shows: charts that draw offline, finished tables, sentences, definitions, verdicts."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import altair as alt
import polars as pl
from great_tables import GT
from IPython.core.getipython import get_ipython
from IPython.display import Markdown

from pledgebook.charts.catalogue import CHARTS
from pledgebook.charts.drawing import Setting
from pledgebook.charts.finished_tables import finish_table, present_table
from pledgebook.charts.scorecard_table import present_scorecard
from pledgebook.charts.sentences import SENTENCES, headline
from pledgebook.charts.theme import THEME
from pledgebook.charts.words import NONE, count, in_markdown, name_of, number
from pledgebook.metrics.catalogue import ACCOUNTS, METRICS, published
from pledgebook.metrics.definition import Metric, count_rows

if TYPE_CHECKING:
    from pledgebook.book import Book

VEGA_LITE = "application/vnd.vegalite.v5+json"
BY = {"opt_out_breaches": "campaign", "requests_open": "kind", "disclosure_findings": "finding"}


def set_up_display() -> None:
    """Make every display draw without a network and come out the same twice: charts, finished tables, frames."""
    alt.theme.enable(THEME)
    alt.renderers.register(THEME, _as_bundle)
    alt.renderers.enable(THEME)
    pl.Config.set_tbl_rows(20).set_tbl_cols(24).set_tbl_width_chars(160).set_fmt_str_lengths(60)
    kernel = get_ipython()
    if kernel is not None and kernel.display_formatter is not None:
        plain = kernel.display_formatter.formatters["text/plain"]
        plain.for_type(GT, lambda table, printer, _: printer.text(_in_plain_text(table)))


def _as_bundle(spec: dict[str, Any], **_: Any) -> dict[str, Any]:
    """Return a chart's spec for JupyterLab, without the address of its schema, and its description as plain text."""
    told = {key: value for key, value in spec.items() if key != "$schema"}
    return {VEGA_LITE: told, "text/plain": str(spec.get("description", "a chart"))}


def _in_plain_text(table: GT) -> str:
    return f"{table._heading.title} ({count(len(table._tbl_data), 'row')})"


def _as_markdown(text: str) -> Any:
    return Markdown(text)  # type: ignore[no-untyped-call]


def draw_chart(book: Book, name: str) -> Any:
    """Return a chart of the catalogue, drawn from the book's tables as its audience may see them."""
    if name not in CHARTS:
        raise KeyError(f"no chart '{name}'. Charts: {', '.join(sorted(CHARTS))}.")
    drawing = CHARTS[name]
    tables = {table: book.published_table(table) for table in drawing.tables}
    return drawing.draw(tables, Setting(book.policy, book.period, book.question.as_of))


def present(book: Book, table: str) -> GT:
    """Return a published table of the book, the scorecard, or an account of the intake, finished for reading."""
    if table == "scorecard":
        return present_scorecard(book.published_table(table), "The promises and their verdicts")
    declared = published(table) or ACCOUNTS[table]
    return present_table(book.published_table(table), declared, f"{name_of(table)}: {declared.grain}")


def present_sentence(book: Book, name: str) -> Any:
    """Return the finding of a metric as a sentence made from its numbers."""
    tables = {table: book.published_table(table) for table in SENTENCES[name].tables}
    return _as_markdown(headline(name, tables, book.policy))


def present_definition(metric: Metric) -> Any:
    """Return how a metric is defined, from its declaration in the catalogue."""
    facts = {
        "Question": metric.question,
        "Counted": metric.population,
        "Unit": metric.unit,
        "Better": metric.better,
        "Clause of the policy": metric.clause,
        "Source": metric.source,
        "Owner": f"{metric.owner}; valid since {metric.valid_since}",
    }
    said = "".join(f"- **{what}**: {text}\n" for what, text in facts.items())
    shown = [declared for declared in metric.tables if not declared.is_worklist]
    tables = "".join(f"- `{declared.name}`: {declared.grain}\n" for declared in shown)
    columns = {column.name: column for declared in reversed(shown) for column in declared.columns}
    order = dict.fromkeys(column.name for declared in shown for column in declared.columns)
    rows = "".join(
        f"| `{name}` | {columns[name].meaning.replace('|', '/')} | {columns[name].unit} |\n" for name in order
    )
    caveats = "".join(f"- {caveat}\n" for caveat in metric.caveats)
    return _as_markdown(
        f"### How it is defined\n\n{said}\n### Its tables\n\n{tables}\n| column | meaning | unit |\n|---|---|---|\n{rows}\n"
        f"### What to keep in mind\n\n{caveats}"
    )


def present_worklist(book: Book, table: str) -> Any:
    """Return how many rows a worklist has and where its file lies; no people."""
    if book.audience == "public":
        return _as_markdown("Worklists are not part of a public report.")
    rows = book.scan_worklist(table)
    parts = count_rows(rows, BY[table]).sort("rows", BY[table], descending=[True, False])
    total = int(parts["rows"].sum())
    told = f"**{count(total, 'row')}** to act on in the worklist `{table}`"
    if total:
        told += f", by {BY[table]}: " + ", ".join(
            f"{_group(BY[table], name)} {number(rows)}" for name, rows in parts.iter_rows()
        )
    if "is_overdue" in rows.collect_schema():
        overdue = rows.select(pl.col("is_overdue").sum()).collect(engine="streaming").item()
        told += f"; **{number(overdue)} overdue**"
    where = f"The rows are in [worklists/{table}.csv](worklists/{table}.csv), for those who act on them."
    here = f'`book.worklist("{table}")` gives the rows; a run writes them to `worklists/{table}.csv`.'
    return _as_markdown(f"{told}.\n\n{where if book.out is not None else here}")


def _group(column: str, name: str) -> str:
    return in_markdown(name) if column == "campaign" else name_of(name).lower()


def present_verdicts(book: Book, name: str) -> Any:
    """Return the verdicts of the promises that rest on a metric; for other tables, where they were written."""
    if name in METRICS:
        rows = book.published_table("scorecard").filter(pl.col("notebook") == METRICS[name].notebook)
        return present_scorecard(rows, "What this says about the promises", f"promises_{name}")
    written = (
        "written to `tables/` of the report" if book.out is not None else "not written: this notebook was run by hand"
    )
    return _as_markdown(f"The tables of this page are {written}.")


def present_arrived(book: Book, tables: tuple[str, ...]) -> GT:
    """Return what arrived for these tables (none named: for all): rows by fate, oldest and newest record, broken rules."""
    intake = book.published_table("intake")
    fates = ["rows_read", "rows_kept", "rows_quarantined", "rows_duplicate", "rows_superseded"]
    wanted = list(tables or intake["table"].unique(maintain_order=True))
    dated = book.store.feeds.group_by("table").agg(oldest=pl.col("date").min(), newest=pl.col("date").max())
    told = pl.DataFrame({"table": wanted}).join(dated, on="table", how="left", maintain_order="left")
    cells = {"table": wanted} | {
        fate: [_add_up(intake.filter(pl.col("table") == table)[fate]) for table in wanted] for fate in fates
    }
    cells |= {name: [str(v or NONE) for v in told[name]] for name in ("oldest", "newest")}
    labels = {name: name_of(name.removeprefix("rows_")) for name in cells} | {
        "oldest": "Oldest record",
        "newest": "Newest record",
    }
    notes = _account(book, wanted)
    return finish_table(cells, labels, "What arrived", "arrived", numbers=[*fates, "oldest", "newest"], notes=notes)


def _add_up(rows: pl.Series) -> str:
    """The rows of all sources of a table: a dash where it has none, `hidden` where a part of them is."""
    if rows.is_empty():
        return NONE
    return "hidden" if rows.null_count() else number(int(rows.sum()))


def _account(book: Book, tables: list[str]) -> list[str]:
    rules = book.published_table("quarantine").filter(pl.col("table").is_in(tables))
    broken = [
        f"{table} {rule} {number(rows)}" for table, rule, rows in rules.select("table", "rule", "rows").iter_rows()
    ]
    missing = [table for table in tables if not book.store.has(table)]
    notes = [f"In quarantine, by rule (a row may break several): {'; '.join(broken) or 'none'}."]
    return [*notes, *([f"Nothing arrived for: {', '.join(missing)}."] if missing else [])]
