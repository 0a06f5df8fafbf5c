"""Charts of what arrived: rows kept and set aside per source, and the rules that quarantined rows break."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import Drawing, Setting, Tables, hides
from pledgebook.charts.stacks import in_parts, stacked_bars
from pledgebook.charts.theme import (
    BLUE,
    GREY,
    ORANGE,
    SKY,
    VERMILION,
    Colours,
    as_data,
    bar_end_text,
    count_axis,
    nothing_to_show,
    titled,
)
from pledgebook.charts.words import count, number, share

ASIDE = Colours(
    {
        "rows_quarantined": ("Quarantined", VERMILION),
        "rows_duplicate": ("Duplicate", SKY),
        "rows_superseded": ("Superseded by a newer export", ORANGE),
    }
)
MOST = 30


def draw_intake(tables: Tables, setting: Setting) -> Any:  # noqa: ARG001
    """Draw the rows of each source: how many arrived, and how many of them were not kept, and why."""
    name, title = "intake_rows", "What arrived, source by source"
    rows = tables["intake"].filter(pl.col("rows_read").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no source had a row.", tables)
    ordered = rows.sort("rows_read", "source", descending=[True, False]).head(MOST)
    left = _read(ordered, name)
    right = _aside(ordered, name)
    read, kept = int(rows["rows_read"].sum()), int(rows["rows_kept"].sum())
    finding = f"{count(read, 'row')} in {count(rows.height, 'source')}; {number(kept)} ({share(kept, read)}) were kept."
    chart = alt.hconcat(left, right, spacing=20).resolve_scale(color="independent")
    shows = "On the left, bars of rows read and kept; on the right, bars of rows not kept and why."
    return titled(chart, name, title, finding + hides(rows), shows)


def _read(rows: pl.DataFrame, name: str) -> Any:
    said = [f"{number(kept)} of {number(read)}" for kept, read in rows.select("rows_kept", "rows_read").iter_rows()]
    told = rows.select("source", "table", "rows_read", "rows_kept").with_columns(pl.Series("said", said))
    base = alt.Chart(as_data(told, f"{name}_kept")).encode(
        y=alt.Y("source:N", sort=rows["source"].to_list(), title=None)
    )
    tips = [
        alt.Tooltip("source:N"),
        alt.Tooltip("table:N"),
        alt.Tooltip("rows_read:Q", title="read", format=","),
        alt.Tooltip("rows_kept:Q", title="kept", format=","),
    ]
    x = alt.X("rows_kept:Q", title="rows kept of rows read", axis=count_axis(tickCount=4))
    bars = base.mark_bar(color=BLUE).encode(x=x, tooltip=tips)
    text = base.mark_text(**bar_end_text()).encode(x=x, text="said:N")
    return alt.layer(bars, text).properties(width=210, height=26 * rows.height)


def _aside(rows: pl.DataFrame, name: str) -> Any:
    long = in_parts(rows, ASIDE, ["source", "rows_read"], counts="rows")
    aside = rows.select("source", pl.sum_horizontal(list(ASIDE.of)).alias("rows"), "rows_read")
    said = [f"{number(n)} ({share(n, read)})" if n else "" for n, read in aside.select("rows", "rows_read").iter_rows()]
    y = alt.Y("source:N", sort=rows["source"].to_list(), title=None, axis=alt.Axis(labels=False, ticks=False))
    x = alt.X("rows:Q", title="rows not kept", axis=count_axis(tickCount=4))
    tips = [alt.Tooltip("source:N"), alt.Tooltip("words:N", title="not kept"), alt.Tooltip("rows:Q", format=",")]
    bars = stacked_bars(alt.Chart(as_data(long, f"{name}_aside")).encode(y=y), ASIDE, x, tips, is_outlined=False)
    ends = alt.Chart(as_data(aside.with_columns(pl.Series("said", said)), f"{name}_ends")).mark_text(**bar_end_text())
    return alt.layer(bars, ends.encode(y=y, x=x, text="said:N")).properties(width=210, height=26 * rows.height)


def draw_quarantine(tables: Tables, setting: Setting) -> Any:  # noqa: ARG001
    """Draw how many rows broke which rule, per table."""
    name, title = "quarantine_rules", "Rules that quarantined rows break"
    rows = tables["quarantine"].filter(pl.col("rows").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no row is in quarantine.", tables)
    summed = rows.group_by("table", "rule").agg(pl.col("rows").sum())
    ordered = summed.sort("rows", "table", "rule", descending=[True, False, False])
    told = ordered.head(MOST).with_columns(pl.format("{}: {}", "table", "rule").alias("label"))
    order = told["label"].to_list()
    base = alt.Chart(as_data(told, name)).encode(y=alt.Y("label:N", sort=order, title=None))
    x = alt.X("rows:Q", title="rows (a row may break several rules)", axis=count_axis())
    tips = [alt.Tooltip("table:N"), alt.Tooltip("rule:N"), alt.Tooltip("rows:Q", format=",")]
    bars = base.mark_bar(color=GREY).encode(x=x, tooltip=tips)
    text = base.mark_text(**bar_end_text()).encode(x=x, text=alt.Text("rows:Q", format=","))
    worst = ordered.row(0, named=True)
    rules, at = count(ordered["rule"].n_unique(), "rule"), count(ordered["table"].n_unique(), "table")
    finding = f"{rules} broken in {at}; most often {worst['rule']} in {worst['table']} ({count(worst['rows'], 'row')})."
    layers = alt.layer(bars, text)
    return titled(layers, name, title, finding + hides(rows), "Bars by rule.", width=420, height=26 * len(order))


DRAWINGS = {
    "intake_rows": Drawing(("intake",), draw_intake),
    "quarantine_rules": Drawing(("quarantine",), draw_quarantine),
}
