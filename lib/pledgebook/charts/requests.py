"""Charts of requests: how long people wait, what is still open, and what was on time month by month."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import Drawing, Setting, Tables, hides
from pledgebook.charts.request_survival import draw_survival
from pledgebook.charts.stacks import in_parts, stacked_bars
from pledgebook.charts.theme import (
    BLUE,
    INK,
    ORANGE,
    SKY,
    VERMILION,
    Colours,
    as_data,
    count_axis,
    nothing_to_show,
    titled,
)
from pledgebook.charts.words import count, name_instant, number, percent, share

OUTCOMES = Colours(
    {"on_time": ("On time", BLUE), "late": ("Late", ORANGE), "overdue_open": ("Overdue and still open", VERMILION)}
)
AGES = Colours({"in_time": ("Not yet due", SKY), "overdue": ("Overdue", VERMILION)})
LAST_WEEK = 26


def draw_open_ages(tables: Tables, setting: Setting) -> Any:
    """Draw open requests by full weeks since receipt, the overdue ones set off."""
    name, title = "requests_open_ages", "Open requests by age"
    rows = tables[name].filter(pl.col("requests").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no request was open.", tables)
    told, weeks = _by_week(rows)
    bars = alt.Chart(as_data(told, name)).mark_bar(stroke="white", strokeWidth=1)
    drawn = bars.encode(
        x=alt.X(
            "age:N", sort=weeks, title="weeks since receipt", axis=alt.Axis(labelAngle=0), scale=alt.Scale(domain=weeks)
        ),
        y=alt.Y("requests:Q", title="open requests", axis=count_axis()),
        color=alt.Color("words:N", scale=AGES.scale()),
        order=alt.Order("is_overdue:Q", sort="descending"),
        tooltip=[
            alt.Tooltip("age:N", title="weeks since receipt"),
            alt.Tooltip("words:N", title="due"),
            alt.Tooltip("requests:Q", format=","),
        ],
    )
    open_now, late = int(rows["requests"].sum()), int(rows.filter("is_overdue")["requests"].sum())
    at = name_instant(setting.as_of, setting.policy.timezone)
    oldest = count(rows["weeks_open"].max(), "full week")  # type: ignore[arg-type]
    finding = f"{count(open_now, 'request')} open on {at}; {number(late)} overdue. The oldest came {oldest} ago."
    if hides(tables[name]):
        finding = f"At least {count(open_now, 'request')} open on {at}."
    return titled(drawn, name, title, finding + hides(tables[name]), "Stacked bars by week.", width=620, height=220)


def _by_week(rows: pl.DataFrame) -> tuple[pl.DataFrame, list[str]]:
    last = min(int(rows["weeks_open"].max()), LAST_WEEK)  # type: ignore[arg-type]
    weeks = [
        "under 1",
        *[str(week) for week in range(1, last)],
        *([f"{last} or more"] if last == LAST_WEEK else [str(last)]),
    ]
    weeks = weeks if last else weeks[:1]
    summed = (
        rows.with_columns(pl.col("weeks_open").clip(upper_bound=last))
        .group_by("weeks_open", "is_overdue")
        .agg(pl.col("requests").sum())
    )
    told = summed.with_columns(
        pl.col("weeks_open").map_elements(lambda week: weeks[week], return_dtype=pl.String).alias("age"),
        pl.when("is_overdue")
        .then(pl.lit(AGES.words("overdue")))
        .otherwise(pl.lit(AGES.words("in_time")))
        .alias("words"),
        pl.col("is_overdue").cast(pl.Int8),
    )
    return told.sort("weeks_open", "is_overdue"), weeks


def draw_due_by_month(tables: Tables, setting: Setting) -> Any:
    """Draw requests by the month in which they fell due: on time, late, or overdue and still open."""
    name, title = "requests_due_by_month", "Requests by the month in which they fell due"
    rows = tables[name].filter(pl.col("due").fill_null(0) > 0)
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no request fell due in the year.", tables)
    told = _months(tables[name])
    domain = _year_of_months(setting)
    x = alt.X("month:N", title="month of the due date", axis=alt.Axis(labelAngle=0), scale=alt.Scale(domain=domain))
    tips = [
        alt.Tooltip("month:N"),
        alt.Tooltip("words:N", title="answered"),
        alt.Tooltip("count:Q", title="requests", format=","),
        alt.Tooltip("due:Q", title="of due", format=","),
        alt.Tooltip("said:N", title="on time"),
    ]
    base = alt.Chart(as_data(in_parts(told, OUTCOMES, ["month", "due", "said"]), name)).encode(x=x)
    bars = stacked_bars(base, OUTCOMES, alt.Y("count:Q", title="requests due", axis=count_axis()), tips)
    above = alt.Chart(as_data(told, f"{name}_ratios")).mark_text(dy=-8, color=INK)
    text = above.encode(x=x, y=alt.Y("due:Q", title="requests due", axis=count_axis()), text="said:N")
    finding = _months_finding(told) + hides(tables[name])
    return titled(alt.layer(bars, text), name, title, finding, "Stacked bars by month.", width=680, height=260)


def _months(rows: pl.DataFrame) -> pl.DataFrame:
    """The requests due in each month over all regimes, with the share on time in words; partial where counts are hidden."""
    is_partial = pl.any_horizontal(pl.col("due", *OUTCOMES.of).is_null()).any().alias("is_partial")
    months = rows.group_by("month").agg(pl.col("due", *OUTCOMES.of).sum(), is_partial).sort("month")
    said = [
        "" if partial else share(on_time, due)
        for on_time, due, partial in months.select("on_time", "due", "is_partial").iter_rows()
    ]
    return months.with_columns(pl.Series("said", said, dtype=pl.String)).filter(pl.col("due") > 0)


def _year_of_months(setting: Setting) -> list[str]:
    """The twelve months that end with the period."""
    last = setting.period.last_day.year * 12 + setting.period.last_day.month - 1
    return [f"{month // 12}-{month % 12 + 1:02}" for month in range(last - 11, last + 1)]


def _months_finding(months: pl.DataFrame) -> str:
    latest = months.row(-1, named=True)
    if months["is_partial"].any():
        return f"Over the months shown at least {number(int(months['due'].sum()))} fell due. Above each bar: the share on time."
    due, on_time = int(months["due"].sum()), int(months["on_time"].sum())
    year = f"Over the months shown {number(on_time)} of {number(due)} ({percent(on_time / due)}) were on time"
    return (
        f"{year}; in {latest['month']} {number(latest['on_time'])} of {number(latest['due'])} "
        f"({share(latest['on_time'], latest['due'])}). Above each bar: the share on time."
    )


DRAWINGS = {
    "request_survival": Drawing(("request_survival", "request_turnaround", "request_clocks"), draw_survival),
    "requests_open_ages": Drawing(("requests_open_ages",), draw_open_ages),
    "requests_due_by_month": Drawing(("requests_due_by_month",), draw_due_by_month),
}
