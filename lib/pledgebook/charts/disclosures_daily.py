"""The chart of disclosures over time: by ground above, by recipient below, on one calendar."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import (
    Setting,
    Tables,
    by_day_or_week,
    calendar,
    hides,
    stacked,
    step_words,
    whole_period,
)
from pledgebook.charts.stacks import stacked_days
from pledgebook.charts.theme import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALE,
    PURPLE,
    SKY,
    VERMILION,
    YELLOW,
    Colours,
    as_data,
    nothing_to_show,
    titled,
)
from pledgebook.charts.words import count, name_day, number, share

BASES = Colours(
    {
        "consent": ("Consent", BLUE),
        "law": ("Law", GREEN),
        "entrustment": ("Entrustment", SKY),
        "joint_use": ("Joint use", PURPLE),
        "succession": ("Succession", GREY),
        "opt_out_notice": ("Opt-out notice", YELLOW),
        "vital_interest": ("Vital interest", ORANGE),
        "other": ("Not recognised", VERMILION),
    }
)
MOST = 15
OTHERS = "other recipients"


def draw_daily(tables: Tables, setting: Setting) -> Any:
    """Draw disclosures by day (or week) and ground, and below them by recipient."""
    name, title = "disclosures_daily", "Disclosures over time"
    rows = tables[name].filter(pl.col("disclosures").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no disclosure in the period.", tables)
    chart = alt.vconcat(_by_basis(rows, setting, name), _by_recipient(rows, setting, name)).resolve_scale(
        color="independent"
    )
    hidden = hides(tables[name])
    visible = f"At least {count(int(rows['disclosures'].sum()), 'disclosure')}."
    finding = visible + hidden if hidden else _finding(rows, setting)
    shows = "Above, stacked bars by ground of the disclosure; below, a strip for each recipient."
    return titled(chart, name, title, finding, shows)


def _by_basis(rows: pl.DataFrame, setting: Setting, name: str) -> Any:
    step = step_words(setting)
    told = by_day_or_week(rows, setting, ["basis"], ["disclosures"]).with_columns(
        pl.col("basis")
        .replace_strict({basis: words for basis, (words, _) in BASES.of.items()}, default="Not recognised")
        .alias("words")
    )
    used = Colours({basis: said for basis, said in BASES.of.items() if said[0] in set(told["words"])})
    bars = stacked(told, "date", "words", "disclosures")
    tips = [
        alt.Tooltip("day:N", title=step),
        alt.Tooltip("words:N", title="ground"),
        alt.Tooltip("disclosures:Q", format=","),
    ]
    base = alt.Chart(as_data(bars, f"{name}_by_basis"))
    drawn = stacked_days(base, used, setting, f"disclosures a {step}", tips, legend_columns=7, outline=0.5)
    return alt.layer(drawn, whole_period(setting, f"{name}_by_basis")).properties(width=540, height=180)


def _by_recipient(rows: pl.DataFrame, setting: Setting, name: str) -> Any:
    step = step_words(setting)
    totals = (
        rows.group_by("recipient")
        .agg(pl.col("disclosures").sum())
        .sort("disclosures", "recipient", descending=[True, False])
    )
    shown = totals["recipient"].head(MOST).to_list()
    one_name = pl.when(pl.col("recipient").is_in(shown)).then("recipient").otherwise(pl.lit(OTHERS)).alias("recipient")
    told = by_day_or_week(rows.with_columns(one_name), setting, ["recipient"], ["disclosures"])
    order = [*shown, OTHERS] if totals.height > MOST else shown
    scale = alt.Scale(range=["#DCEAF4", "#004C7A"], domainMin=0)
    drawn = alt.Chart(as_data(told, f"{name}_by_recipient")).mark_rect(stroke="white", strokeWidth=0.5).encode(
        x=calendar(setting),
        x2="until:T",
        y=alt.Y("recipient:N", sort=order, title=None, axis=alt.Axis(grid=True, tickBand="extent", gridColor=PALE)),
        color=alt.Color("disclosures:Q", scale=scale, legend=alt.Legend(
            title=f"disclosures a {step}", orient="bottom", titleOrient="left", gradientLength=160, format=",d", tickMinStep=1
        )),
        tooltip=[alt.Tooltip("day:N", title=step), alt.Tooltip("recipient:N"), alt.Tooltip("disclosures:Q", format=",")],
    )  # fmt: skip
    layers = alt.layer(drawn, whole_period(setting, f"{name}_by_recipient"))
    return layers.properties(width=540, height=22 * len(order))


def _finding(rows: pl.DataFrame, setting: Setting) -> str:
    sent = int(rows["disclosures"].sum())
    grounds = (
        rows.group_by("basis").agg(pl.col("disclosures").sum()).sort("disclosures", "basis", descending=[True, False])
    )
    parts = [
        f"{BASES.of.get(basis, BASES.of['other'])[0].lower()} {number(part)} ({share(part, sent)})"
        for basis, part in grounds.iter_rows()
    ]
    busiest = (
        by_day_or_week(rows, setting, [], ["disclosures"])
        .sort("disclosures", "date", descending=[True, False])
        .row(0, named=True)
    )
    when = name_day(busiest["date"]) if not setting.many_days else f"the week of {name_day(busiest['date'])}"
    to = count(rows["recipient"].n_unique(), "recipient")
    return f"{count(sent, 'disclosure')} to {to}: {', '.join(parts)}. Most on {when}: {number(busiest['disclosures'])}."
