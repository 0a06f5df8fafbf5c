"""Charts of disclosures: over time by ground and recipient, findings by recipient, and who gets which data."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.disclosures_daily import draw_daily
from pledgebook.charts.drawing import Drawing, Setting, Tables, hides
from pledgebook.charts.stacks import in_parts, stacked_bars
from pledgebook.charts.theme import (
    BLUE,
    GREEN,
    INK,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    Colours,
    as_data,
    bar_end_text,
    count_axis,
    nothing_to_show,
    titled,
)
from pledgebook.charts.words import count, counted, listed, name_of, number, share

FINDINGS = Colours(
    {
        "unknown_recipient": ("Unknown recipient", VERMILION),
        "unknown_basis": ("Unknown basis", ORANGE),
        "no_consent": ("No valid consent", BLUE),
        "no_contract": ("No contract in force", PURPLE),
        "no_legal_reference": ("No law named", SKY),
        "not_recorded": ("Not recorded", GREEN),
        "undeclared_purpose": ("Undeclared purpose", YELLOW),
    }
)
KINDS = list(FINDINGS.of)
MOST = 20
_NOT_IN_ORDER = "disclosures not in order"


def draw_findings(tables: Tables, setting: Setting) -> Any:  # noqa: ARG001
    """Draw the disclosures that are not in order, by recipient and finding."""
    name, title = "disclosure_findings_by_recipient", "Disclosures that are not in order, by recipient"
    rows = tables["disclosures_by_recipient"].filter(pl.col("recipient") != "all")
    is_hidden = pl.any_horizontal(pl.col(KINDS).is_null())
    with_sum = rows.with_columns(pl.sum_horizontal(KINDS).alias("found")).filter((pl.col("found") > 0) | is_hidden)
    if with_sum.is_empty():
        sent = count(int(rows["disclosures"].sum() or 0), "disclosure")
        why = (
            f"Nothing to show: each of {sent} was in order."
            if rows.height
            else "Nothing to show: no disclosure is on record."
        )
        return nothing_to_show(name, title, why, tables)
    ordered = with_sum.sort("found", "recipient", descending=[True, False])
    shown = ordered.head(MOST).with_columns(pl.Series("said", [_said(row) for row in ordered.head(MOST).to_dicts()]))
    order = shown["recipient"].to_list()
    told = in_parts(shown, FINDINGS, ["recipient", "disclosures"], part="finding").sort("recipient", "place")
    y = alt.Y("recipient:N", sort=order, title=None)
    tips = [
        alt.Tooltip("recipient:N"),
        alt.Tooltip("words:N", title="finding"),
        alt.Tooltip("count:Q", title="disclosures", format=","),
        alt.Tooltip("disclosures:Q", title="of all to it", format=","),
    ]
    x = alt.X("count:Q", title=_NOT_IN_ORDER, axis=count_axis())
    bars = stacked_bars(alt.Chart(as_data(told, name)).encode(y=y), FINDINGS, x, tips, legend_columns=4)
    ends = alt.Chart(as_data(shown.select("recipient", "found", "said"), f"{name}_ends")).mark_text(**bar_end_text())
    text = ends.encode(y=y, x=alt.X("found:Q", title=_NOT_IN_ORDER, axis=count_axis()), text="said:N")
    finding = _findings_said(ordered, rows) + hides(rows)
    height = max(90, 34 * len(order))
    return titled(alt.layer(bars, text), name, title, finding, "Stacked bars.", width=340, height=height)


def _said(row: dict[str, Any]) -> str:
    found = [FINDINGS.words(kind).lower() for kind in KINDS if row[kind] != 0]
    how_many = "some" if any(row[kind] is None for kind in KINDS) else number(row["found"])
    return f"{how_many} of {counted(row, 'disclosures')}: {listed(found)}"


def _findings_said(ordered: pl.DataFrame, rows: pl.DataFrame) -> str:
    found, sent = int(ordered["found"].sum()), int(rows["disclosures"].sum())
    if ordered.select(pl.any_horizontal(pl.col(KINDS).is_null()).any()).item():
        return f"At {number(ordered.height)} of {count(rows.height, 'recipient')} something is not in order."
    top = f" The {MOST} with most are shown." if ordered.height > MOST else ""
    return (
        f"{number(found)} of {count(sent, 'disclosure')} ({share(found, sent)}), "
        f"at {number(ordered.height)} of {count(rows.height, 'recipient')}.{top}"
    )


def draw_items(tables: Tables, setting: Setting) -> Any:  # noqa: ARG001
    """Draw which categories of data went to which recipient, darker where more often."""
    name, title = "disclosure_items_matrix", "Who is given which data"
    rows = tables["disclosure_items"].filter(pl.col("disclosures").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no disclosure names the data that it held.", tables)
    most = (
        rows.group_by("recipient")
        .agg(pl.col("disclosures").sum())
        .sort("disclosures", "recipient", descending=[True, False])
    )
    recipients = most["recipient"].head(MOST).to_list()
    shown = rows.filter(pl.col("recipient").is_in(recipients))
    told = shown.with_columns(pl.Series("data", [name_of(item) for item in shown["item"]], dtype=pl.String))
    items = (
        told.group_by("data")
        .agg(pl.col("disclosures").sum())
        .sort("disclosures", "data", descending=[True, False])["data"]
    )
    base = alt.Chart(as_data(told.sort("recipient", "data"), name)).encode(
        x=alt.X("data:N", sort=items.to_list(), title="category of data", axis=alt.Axis(labelAngle=-40, orient="top")),
        y=alt.Y("recipient:N", sort=recipients, title="recipient"),
        tooltip=[
            alt.Tooltip("recipient:N"),
            alt.Tooltip("data:N", title="category of data"),
            alt.Tooltip("disclosures:Q", format=","),
            alt.Tooltip("people:Q", format=","),
        ],
    )
    scale = alt.Scale(type="log", range=["#DCEAF4", "#004C7A"])
    cells = base.mark_rect(stroke="white", strokeWidth=2).encode(
        color=alt.Color("disclosures:Q", scale=scale, legend=None)
    )
    dark = alt.datum.disclosures > float(rows["disclosures"].max()) ** 0.55  # type: ignore[arg-type]
    text = base.mark_text().encode(
        text=alt.Text("disclosures:Q", format=","), color=alt.condition(dark, alt.value("white"), alt.value(INK))
    )
    finding = _items_said(rows, items.len(), hides(tables["disclosure_items"]))
    size = {"width": max(120, min(560, 72 * items.len())), "height": 28 * len(recipients)}
    return titled(alt.layer(cells, text), name, title, finding, "Table of recipients and categories of data.", **size)


def _items_said(rows: pl.DataFrame, items: int, hidden: str) -> str:
    widest = (
        rows.group_by("recipient").agg(pl.col("item").n_unique()).sort("item", "recipient", descending=[True, False])
    )
    first = widest.row(0, named=True)
    if hidden:
        return f"At least {count(widest.height, 'recipient')}. In each cell: disclosures in the period.{hidden}"
    top = f" The {MOST} with most disclosures are shown." if widest.height > MOST else ""
    return (
        f"{count(widest.height, 'recipient')}, {count(items, 'category', 'categories')} of data; {first['recipient']} is given "
        f"the most kinds ({number(first['item'])}). In each cell: disclosures in the period.{top}"
    )


DRAWINGS = {
    "disclosures_daily": Drawing(("disclosures_daily",), draw_daily),
    "disclosure_findings_by_recipient": Drawing(("disclosures_by_recipient",), draw_findings),
    "disclosure_items_matrix": Drawing(("disclosure_items",), draw_items),
}
