"""Charts of the work ahead: what falls due and when, who waits longest, how requests end, and under which clock."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import Drawing, Setting, Tables, hides, thinned
from pledgebook.charts.stacks import in_parts, stacked_bars, with_words
from pledgebook.charts.theme import (
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PALETTE,
    SKY,
    VERMILION,
    Colours,
    as_data,
    count_axis,
    nothing_to_show,
    titled,
)
from pledgebook.charts.words import count, decimal, name_of, number, percent

FEW = 2_000
"""Steps that a curve may have before it is thinned."""
DUE = Colours(
    {
        "overdue": ("Overdue", VERMILION),
        "due_in_7_days": ("Due within 7 days", ORANGE),
        "due_in_14_days": ("Due in 8 to 14 days", SKY),
        "due_in_30_days": ("Due in 15 to 30 days", BLUE),
        "later": ("Due later", GREEN),
        "no_due_date": ("No clock", GREY),
    }
)
CLOCKS = Colours(
    {
        "statutory": ("Statutory: the law sets the days", BLUE),
        "guidance": ("Guidance: a regulator sets the days", SKY),
        "promised": ("Promised: the company sets the days", ORANGE),
        "none": ("No clock", GREY),
    }
)


def draw_falling_due(tables: Tables, _: Setting) -> Any:
    """Draw the open requests of each regime by when they fall due, with the weekly pace that answers them in time."""
    name, title = "request_backlog", "Open requests by when they fall due"
    rows = tables[name].filter((pl.col("kind") == "all") & (pl.col("open").fill_null(0) > 0))
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no request was open.", tables)
    soon, next_week, month = (pl.col(f"due_in_{days}_days").fill_null(0) for days in (7, 14, 30))
    known = rows.with_columns(pl.col("overdue", "no_due_date").fill_null(0))
    told = known.with_columns(
        soon.alias("due_in_7_days"),
        (next_week - soon).alias("due_in_14_days"),
        (month - next_week).alias("due_in_30_days"),
        (pl.col("open") - pl.col("overdue") - month - pl.col("no_due_date")).clip(0).alias("later"),
    )
    parts = in_parts(told, DUE, ["regime"], part="part", counts="requests").filter(pl.col("requests") > 0)
    tips = [alt.Tooltip("regime:N"), alt.Tooltip("words:N", title="due"), alt.Tooltip("requests:Q", format=",")]
    base = alt.Chart(as_data(parts, name)).encode(y=alt.Y("regime:N", title="regime"))
    drawn = stacked_bars(base, DUE, alt.X("requests:Q", title="open requests", axis=count_axis()), tips)
    finding = " ".join(_pace(row) for row in rows.sort("open", descending=True).head(2).to_dicts()) + hides(rows)
    return titled(drawn, name, title, finding, "Stacked bars by regime.", width=620, height=40 + 42 * rows.height)


def _pace(row: dict[str, Any]) -> str:
    needed = f"{decimal(row['needed_per_week'])} a week" if row["needed_per_week"] is not None else "an unknown pace"
    kept = f"{decimal(row['closed_per_week'])}" if row["closed_per_week"] is not None else "an unknown number"
    return f"{row['regime']}: {count(row['open'], 'request')} open, {needed} answers them in time; {kept} were closed a week."


def draw_waits_by_kind(tables: Tables, _: Setting) -> Any:
    """Draw, per regime and kind, the days by which half and nine of ten are answered: who waits longest comes first."""
    name, title = "request_waits_by_kind", "Who waits longest"
    rows = tables["request_turnaround"].filter((pl.col("kind") != "all") & pl.col("p50_days").is_not_null())
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: too few requests were answered.", tables)
    longest = rows.sort("p90_days", "p50_days", descending=True, nulls_last=False).with_columns(
        pl.format("{} ({})", pl.col("kind").map_elements(name_of, return_dtype=pl.String), "regime").alias("words")
    )
    measures = {
        "p50_days": "Half answered",
        "p90_days": "Nine of ten answered",
        "answered_median_gross_days": "Median with pauses",
    }
    long = longest.unpivot(
        list(measures), index=["words", "received"], variable_name="which", value_name="days"
    ).with_columns(pl.col("which").replace_strict(measures))
    scale = alt.Scale(domain=list(measures.values()), range=[BLUE, VERMILION, GREY])
    drawn = alt.Chart(as_data(long.drop_nulls("days"), name)).mark_point(filled=True, size=90, opacity=0.9).encode(
        x=alt.X("days:Q", title="days since receipt (net of pauses, grey: pauses counted)", scale=alt.Scale(zero=True)),
        y=alt.Y("words:N", sort=longest["words"].to_list(), title="kind of request"),
        color=alt.Color("which:N", scale=scale),
        shape=alt.Shape("which:N", scale=alt.Scale(domain=list(measures.values()))),
        tooltip=[
            alt.Tooltip("words:N", title="kind"), alt.Tooltip("which:N", title="measure"),
            alt.Tooltip("days:Q", format=".1f"), alt.Tooltip("received:Q", title="requests received", format=","),
        ],
    )  # fmt: skip
    worst = longest.row(0, named=True)
    nine = decimal(worst["p90_days"], "days") if worst["p90_days"] is not None else "more days than were seen"
    finding = (
        f"{worst['words']}: half were answered within {decimal(worst['p50_days'], 'days')}, nine of ten within {nine}."
    )
    return titled(drawn, name, title, finding + hides(rows), "Points by kind.", width=560, height=30 + 26 * rows.height)


def draw_outcomes(tables: Tables, setting: Setting) -> Any:
    """Draw the chance that a request has ended by each day, by outcome, for the company's own regime."""
    name, title = "request_outcomes", "How requests end, and when"
    every = tables[name].filter((pl.col("kind") == "all") & pl.col("share").is_not_null())
    own = every.filter(pl.col("regime") == setting.policy.company.regime)
    if every.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no request was closed.", tables)
    rows = own if not own.is_empty() else every.filter(pl.col("regime") == every["regime"].min())
    last = rows.group_by("outcome").agg(pl.col("share").max()).sort("share", "outcome", descending=[True, False])
    words = {outcome: f"{name_of(outcome)} ({percent(share)})" for outcome, share in last.iter_rows()}
    start = last.select("outcome", pl.lit(0.0).alias("days"), pl.lit(0.0).alias("share"))
    end = last.select("outcome", pl.lit(float(rows["days"].max() or 0)).alias("days"), "share")  # type: ignore[arg-type]
    seen = rows if rows.height <= FEW else thinned(rows, "outcome")
    curve = pl.concat([start, seen.select("outcome", "days", "share"), end]).sort("outcome", "days", "share")
    told = curve.with_columns(pl.col("outcome").replace_strict(words).alias("words"))
    scale = alt.Scale(domain=list(words.values()), range=list(PALETTE[: len(words)]))
    drawn = alt.Chart(as_data(told, name)).mark_line(interpolate="step-after").encode(
        x=alt.X("days:Q", title="days since receipt, net of pauses", scale=alt.Scale(nice=False)),
        y=alt.Y("share:Q", title="requests ended so", axis=alt.Axis(format="%")),
        color=alt.Color("words:N", scale=scale),
        strokeDash=alt.StrokeDash("words:N", scale=alt.Scale(domain=list(words.values()))),
        tooltip=[
            alt.Tooltip("words:N", title="outcome"), alt.Tooltip("days:Q", format=".1f"), alt.Tooltip("share:Q", format=".1%")
        ],
    )  # fmt: skip
    parts = ", ".join(f"{percent(share)} {name_of(outcome).lower()}" for outcome, share in last.iter_rows())
    finding = f"{rows['regime'][0]}: {parts}; the rest were still open. One outcome shuts out the others."
    return titled(drawn, name, title, finding + hides(rows), "Step curves by outcome.", width=660, height=260)


def draw_clocks(tables: Tables, _: Setting) -> Any:
    """Draw the received requests of each regime by the kind of clock they run against."""
    name, title = "request_clocks", "Which clock requests run against"
    rows = tables[name].filter(pl.col("requests").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no request was received in the period.", tables)
    summed = rows.group_by("regime", "clock").agg(pl.col("requests").sum()).sort("regime", "clock")
    base = alt.Chart(as_data(with_words(summed, CLOCKS, "clock"), name)).encode(y=alt.Y("regime:N", title="regime"))
    tips = [alt.Tooltip("regime:N"), alt.Tooltip("words:N", title="clock"), alt.Tooltip("requests:Q", format=",")]
    drawn = stacked_bars(base, CLOCKS, alt.X("requests:Q", title="requests received", axis=count_axis()), tips)
    height = 40 + 42 * summed["regime"].n_unique()
    return titled(
        drawn, name, title, _clocks_finding(rows) + hides(rows), "Stacked bars by regime.", width=620, height=height
    )


def _clocks_finding(rows: pl.DataFrame) -> str:
    total, promised = int(rows["requests"].sum()), int(rows.filter(pl.col("clock") == "promised")["requests"].sum())
    doubtful = rows.filter(pl.col("clock").is_in(["statutory", "guidance"]) & pl.col("confidence").str.contains("S|G"))
    unverified = int(doubtful["requests"].sum())
    said = f"{number(promised)} of {count(total, 'request')} run against the company's promise: the law sets no number for them."
    if unverified:
        rests = "rests" if unverified == 1 else "rest"
        said += f" {number(unverified)} {rests} on a rule whose text, or a detail of it, is not verified."
    return said


DRAWINGS = {
    "request_backlog": Drawing(("request_backlog",), draw_falling_due),
    "request_waits_by_kind": Drawing(("request_turnaround",), draw_waits_by_kind),
    "request_outcomes": Drawing(("request_outcomes",), draw_outcomes),
    "request_clocks": Drawing(("request_clocks",), draw_clocks),
}
