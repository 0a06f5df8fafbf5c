"""Charts of consent: its states side by side, and consent at what was really done."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.consent_daily import draw_coverage_daily, in_lanes
from pledgebook.charts.drawing import Drawing, Setting, Tables, hides
from pledgebook.charts.stacks import in_parts, stacked_bars
from pledgebook.charts.theme import (
    BLUE,
    INK,
    ORANGE,
    PALE,
    PURPLE,
    VERMILION,
    YELLOW,
    Colours,
    as_data,
    bar_end_text,
    count_axis,
    nothing_to_show,
    titled,
)
from pledgebook.charts.words import count, name_day, name_of, number, percent, share

STATES = Colours(
    {
        "granted": ("Valid consent", BLUE),
        "outdated": ("Outdated notice", YELLOW),
        "expired": ("Expired", ORANGE),
        "withdrawn": ("Withdrawn", PURPLE),
        "never_asked": ("Never asked", PALE),
    }
)
_OCCASIONS = "occasions (uses, and disclosures on consent)"
OCCASIONS = Colours({"granted": ("With a valid consent", BLUE), "without": ("Without one", VERMILION)})


def draw_states(tables: Tables, setting: Setting) -> Any:
    """Draw the states of consent as bars of 100%, one per purpose and channel, for all kinds of people."""
    name, title = "consent_coverage_states", f"States of consent on {name_day(setting.last_day)}"
    rows = in_lanes(tables["consent_coverage"].filter((pl.col("kind") == "all") & (pl.col("people").fill_null(0) > 0)))
    if rows.is_empty():
        return nothing_to_show(name, title, tables=tables)
    ordered = rows.sort("coverage", "lane", descending=[True, False], nulls_last=True)
    long = ordered.unpivot(
        list(STATES.of), index=["lane", "people"], variable_name="state", value_name="count"
    ).fill_null(0)
    before = pl.col("count").cum_sum().over("lane") - pl.col("count")
    told = long.with_columns(
        pl.col("state").replace_strict({state: words for state, (words, _) in STATES.of.items()}).alias("words"),
        (before / pl.col("count").sum().over("lane")).alias("left"),
        ((before + pl.col("count")) / pl.col("count").sum().over("lane")).alias("right"),
    ).with_columns((pl.col("right") - pl.col("left")).alias("ratio"))
    told = told.filter(pl.col("ratio").is_finite()).with_columns(
        pl.Series(
            "said", [percent(each) for each in told.filter(pl.col("ratio").is_finite())["ratio"]], dtype=pl.String
        )
    )
    lanes = ordered["lane"].to_list()
    finding, shows = _states_finding(ordered) + hides(rows), _states_in_words(ordered)
    return titled(_states_chart(told, lanes, name), name, title, finding, shows, width=520, height=44 * len(lanes))


def _states_chart(told: pl.DataFrame, lanes: list[str], name: str) -> Any:
    base = alt.Chart(as_data(told, name)).encode(y=alt.Y("lane:N", sort=lanes, title=None))
    tips = [
        alt.Tooltip("lane:N", title="purpose"),
        alt.Tooltip("words:N", title="state"),
        alt.Tooltip("count:Q", title="people", format=","),
        alt.Tooltip("said:N", title="share"),
        alt.Tooltip("people:Q", title="of people", format=","),
    ]
    bars = base.mark_bar(stroke="white", strokeWidth=1).encode(
        x=alt.X(
            "left:Q", title="share of the people concerned", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
        ),
        x2="right:Q",
        color=alt.Color("words:N", scale=STATES.scale(), legend=alt.Legend(columns=5)),
        tooltip=tips,
    )
    light = alt.datum.words == STATES.words("granted")
    inside = base.transform_filter(alt.datum.ratio >= 0.075).transform_calculate(
        middle="(datum.left + datum.right) / 2"
    )
    text = inside.mark_text(fontSize=12).encode(
        x="middle:Q", text="said:N", color=alt.condition(light, alt.value("white"), alt.value(INK))
    )
    return alt.layer(bars, text)


def _states_finding(rows: pl.DataFrame) -> str:
    high, low = rows.row(0, named=True), rows.row(-1, named=True)
    said = f"Valid consent from {percent(low['coverage'])} ({low['lane']}) to {percent(high['coverage'])} ({high['lane']})."
    no = rows.sort(pl.col("withdrawn") / pl.col("people"), "lane", descending=[True, False], nulls_last=True).row(
        0, named=True
    )
    if no["withdrawn"]:
        said += f" Withdrawn most often: {no['lane']}, by {number(no['withdrawn'])} of {number(no['people'])} people."
    return said


def _states_in_words(rows: pl.DataFrame) -> str:
    said = [
        f"{lane}: {number(granted)} of {number(people)} ({percent(coverage)})"
        for lane, granted, people, coverage in rows.select("lane", "granted", "people", "coverage").iter_rows()
    ]
    return f"Stacked bars. People with a valid consent: {'; '.join(said)}."


def draw_gap(tables: Tables, setting: Setting) -> Any:  # noqa: ARG001
    """Draw how often data was used or disclosed with and without a valid consent, per purpose."""
    name, title = "consent_gap", "Consent at what was really done"
    rows = tables[name].filter(pl.col("occasions").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(
            name, title, "Nothing to show: no use or disclosure in the period needed consent.", tables
        )
    ordered = rows.filter(pl.col("purpose") != "all").sort("coverage", "purpose", nulls_last=True)
    told = _gap_rows(ordered)
    order = told["label"].unique(maintain_order=True).to_list()
    base = alt.Chart(as_data(told, name)).encode(y=alt.Y("label:N", sort=order, title=None))
    tips = [
        alt.Tooltip("label:N", title="purpose"),
        alt.Tooltip("words:N", title="occasions"),
        alt.Tooltip("count:Q", title="how many", format=","),
        alt.Tooltip("said:N", title="in short"),
    ]
    bars = stacked_bars(base, OCCASIONS, alt.X("count:Q", title=_OCCASIONS, axis=count_axis()), tips)
    ends = base.transform_filter(alt.datum.place == 0).mark_text(**bar_end_text())
    text = ends.encode(x=alt.X("occasions:Q", title=_OCCASIONS, axis=count_axis()), text="said:N")
    overall = rows.filter(pl.col("purpose") == "all").to_dicts() or [{"occasions": None, "granted": None}]
    finding = _gap_finding(overall[0]) + hides(rows)
    height = 40 * len(order)
    return titled(alt.layer(bars, text), name, title, finding, "Stacked bars by purpose.", width=400, height=height)


def _gap_rows(ordered: pl.DataFrame) -> pl.DataFrame:
    labels = [name_of(purpose) for purpose in ordered["purpose"]]
    said = [
        f"{number(granted)} of {number(occasions)} ({share(granted, occasions)})"
        for granted, occasions in ordered.select("granted", "occasions").iter_rows()
    ]
    with_labels = ordered.with_columns(
        pl.Series("label", labels, dtype=pl.String),
        pl.Series("said", said, dtype=pl.String),
        (pl.col("occasions") - pl.col("granted")).alias("without"),
    )
    return in_parts(with_labels, OCCASIONS, ["label", "said", "occasions"])


def _gap_finding(overall: dict[str, Any]) -> str:
    occasions, granted = overall["occasions"], overall["granted"]
    if occasions is None or granted is None:
        return "Occasions on which data was used, or disclosed on consent."
    if "granted_is_suppressed" in overall:
        return f"{number(granted)} of {count(occasions, 'occasion')} ({share(granted, occasions)}) had a valid consent."
    without = occasions - granted
    lack = f"{number(without)} of {count(occasions, 'occasion')} ({share(without, occasions)}) lacked a valid consent"
    return (
        f"{lack} at that instant."
        if without
        else f"All {count(occasions, 'occasion')} had a valid consent at that instant."
    )


DRAWINGS = {
    "consent_coverage_daily": Drawing(("consent_coverage_daily",), draw_coverage_daily),
    "consent_coverage_states": Drawing(("consent_coverage",), draw_states),
    "consent_gap": Drawing(("consent_gap",), draw_gap),
}
