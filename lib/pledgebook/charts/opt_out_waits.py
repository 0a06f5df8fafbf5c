"""The chart of waits: hours from an opt-out until every sending system lists the person."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import Setting, Tables, hides, stacked
from pledgebook.charts.theme import INK, PALETTE, QUIET, VERMILION, as_data, count_axis, nothing_to_show, titled
from pledgebook.charts.words import count, decimal, number, share

BINS = 16
WIDTHS = (1, 2, 3, 6, 12, 24, 48, 168)
FURTHEST = 24 * 45
PROMISE = ("opt_outs", "median_hours_to_suppression")


def draw_waits(tables: Tables, setting: Setting) -> Any:
    """Draw how many opt-outs took how long to be suppressed everywhere, with the median and the promised hours."""
    name, title = "opt_out_waits", "Hours from an opt-out to suppression in every sending system"
    rows = tables[name].filter(pl.col("opt_outs").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(
            name, title, "Nothing to show: no opt-out of the period was suppressed everywhere.", tables
        )
    told, channels = _binned(rows)
    edges = sorted({*told["from"].to_list(), *told["until"].to_list(), 0})
    scale = alt.Scale(domain=channels, range=list(PALETTE[: len(channels)]))
    bars = (
        alt.Chart(as_data(told, name))
        .mark_rect(stroke="white", strokeWidth=1)
        .encode(
            x=alt.X("from:Q", title="hours", axis=count_axis(values=edges), scale=alt.Scale(nice=False)),
            x2="until:Q",
            y=alt.Y("low:Q", title="opt-outs", axis=count_axis()),
            y2="high:Q",
            color=alt.Color("words:N", scale=scale),
            tooltip=[
                alt.Tooltip("hours:N"),
                alt.Tooltip("words:N", title="opt-out"),
                alt.Tooltip("opt_outs:Q", title="opt-outs", format=","),
            ],
        )
    )
    overall = (tables["opt_outs"].filter(pl.col("channel") == "all").to_dicts() or [{}])[0]
    lines = _lines(overall.get(PROMISE[1]), setting, name)
    finding = _finding(rows, overall) + hides(rows, tables["opt_outs"])
    return titled(alt.layer(bars, *lines), name, title, finding, "Stacked bars of opt-outs.", width=660, height=260)


def _binned(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    """Opt-outs by stretch of hours and channel; what took longer than the furthest stretch lies in the last one."""
    capped = rows.with_columns(pl.col("hours").clip(upper_bound=FURTHEST))
    longest = int(capped["hours"].max()) + 1  # type: ignore[arg-type]
    width = next((width for width in WIDTHS if width * BINS >= longest), WIDTHS[-1])
    start = (pl.col("hours") // width * width).alias("from")
    spoken = {"any": "From all advertising"}
    words = pl.col("channel").map_elements(
        lambda c: spoken.get(c, f"By {c.upper() if c == 'sms' else c}"), return_dtype=pl.String
    )
    told = capped.group_by(start, words.alias("words")).agg(pl.col("opt_outs").sum()).sort("from", "words")
    until = (pl.col("from") + width).alias("until")
    stretch = pl.format("{} to {}", "from", pl.col("from") + width).alias("hours")
    return stacked(told.with_columns(until, stretch), "from", "words", "opt_outs"), sorted(
        told["words"].unique().to_list()
    )


def _lines(median: float | None, setting: Setting, name: str) -> list[Any]:
    marks = [] if median is None else [{"hours": median, "words": f"median {median:,.1f} h", "colour": QUIET}]
    for promise in setting.policy.promise:
        cell = promise.cell
        if cell is not None and (cell.table, cell.column) == PROMISE and promise.at_most is not None:
            said = f"promised for the median: {promise.at_most:g} h"
            marks.append({"hours": promise.at_most, "words": said, "colour": VERMILION})
    if not marks:
        return []
    rows = [{**mark, "place": place} for place, mark in enumerate(marks)]
    base = alt.Chart(as_data(pl.DataFrame(rows), f"{name}_lines")).encode(x="hours:Q")
    colour = alt.Color("colour:N", scale=None)
    tips = [alt.Tooltip("words:N", title="line")]
    rule = base.mark_rule(strokeDash=[6, 4], strokeWidth=1.5).encode(color=colour, tooltip=tips)
    texts = [
        base.transform_filter(alt.datum.place == place)
        .mark_text(align="left", baseline="top", dx=5, color=INK, y=18 * place)
        .encode(text="words:N")
        for place in range(len(marks))
    ]
    return [rule, *texts]


def _finding(rows: pl.DataFrame, overall: dict[str, Any]) -> str:
    done = int(rows["opt_outs"].sum())
    slow = int(rows.filter(pl.col("hours") >= 48)["opt_outs"].sum())
    said = f"{count(done, 'opt-out')} reached every system; {number(slow)} ({share(slow, done)}) took two days or more."
    if overall.get(PROMISE[1]) is not None:
        said += f" Half arrived within {decimal(overall[PROMISE[1]], 'hours')}."
    if overall.get("not_suppressed"):
        said += f" Not drawn: {number(overall['not_suppressed'])} that some system still does not list."
    return said
