"""The chart of consent coverage day by day, with the days on which notices stopped counting."""

from __future__ import annotations

import math
from datetime import timedelta
from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import Setting, Tables, day_axis, hides
from pledgebook.charts.theme import INK, PALETTE, QUIET, as_data, bar_end_text, nothing_to_show, titled
from pledgebook.charts.words import name_day, name_lane, name_of, percent


def in_lanes(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with `lane`, their purpose and channel in words."""
    lanes = [name_lane(purpose, channel) for purpose, channel in rows.select("purpose", "channel").iter_rows()]
    return rows.with_columns(pl.Series("lane", lanes, dtype=pl.String))


def draw_coverage_daily(tables: Tables, setting: Setting) -> Any:
    """Draw coverage over time, one line per purpose and channel, with the days on which notices stopped counting."""
    name, title = "consent_coverage_daily", "Valid consent over time"
    rows = in_lanes(tables[name].filter(pl.col("coverage").is_not_null())).sort("date", "lane")
    if rows.is_empty():
        return nothing_to_show(name, title, tables=tables)
    told = rows.with_columns(
        pl.col("date").dt.strftime("%-d %b %Y").alias("day"),
        pl.Series("said", [percent(value) for value in rows["coverage"]], dtype=pl.String),
    )
    ends = _line_ends(told)
    top = min(1.0, math.ceil(max(float(told["coverage"].max()), float(ends["place"].max())) * 10 + 0.2) / 10)  # type: ignore[arg-type]
    lanes = sorted(ends["lane"].to_list())
    colour = alt.Color("lane:N", scale=alt.Scale(domain=lanes, range=_repeated(len(lanes))), legend=None)
    x = alt.X(
        "date:T",
        title="day (state at its end)",
        axis=day_axis(),
    )
    lines = alt.Chart(as_data(told, name)).mark_line(point=alt.OverlayMarkDef(size=18) if _few_days(told) else False)
    drawn = lines.encode(
        x=x,
        y=alt.Y(
            "coverage:Q",
            title="people with a valid consent",
            axis=alt.Axis(format="%"),
            scale=alt.Scale(domain=[0, top]),
        ),
        color=colour,
        tooltip=_tips(),
    )
    at_end = alt.Chart(as_data(ends, f"{name}_ends")).mark_text(**bar_end_text(dx=8))
    labels = at_end.encode(x="date:T", y="place:Q", text="label:N", color=colour)
    layers = [drawn, labels, *_notice_rules(told, setting, name)]
    finding = _daily_finding(told, setting) + hides(rows)
    return titled(alt.layer(*layers), name, title, finding, "Lines of coverage by day.", width=520, height=320)


def _tips() -> list[alt.Tooltip]:
    return [
        alt.Tooltip("day:N", title="day"),
        alt.Tooltip("lane:N", title="purpose"),
        alt.Tooltip("said:N", title="coverage"),
        alt.Tooltip("granted:Q", title="valid consent", format=","),
        alt.Tooltip("people:Q", title="people", format=","),
    ]


def _few_days(rows: pl.DataFrame) -> bool:
    return rows["date"].n_unique() <= 45


def _repeated(lanes: int) -> list[str]:
    return [PALETTE[n % len(PALETTE)] for n in range(lanes)]


def _line_ends(rows: pl.DataFrame) -> pl.DataFrame:
    """The last point of each line, highest last, with a place for its label that keeps clear of the others."""
    last = rows.group_by("lane", maintain_order=True).last().sort("coverage", "lane")
    gap = float(last["coverage"].max()) / 17  # type: ignore[arg-type]
    places: list[float] = []
    for value in last["coverage"]:
        places.append(max(value, places[-1] + gap) if places else value)
    labels = [f"{lane} {said}" for lane, said in last.select("lane", "said").iter_rows()]
    return last.select("lane", "date").with_columns(pl.Series("place", places), pl.Series("label", labels))


def _notices(setting: Setting) -> pl.DataFrame:
    """Notices that stop counting, with the day on which they do."""
    rows = [
        (f"notice {version.id} ends", version.id, name_of(purpose.id), version.valid_until)
        for purpose in setting.policy.purpose
        for version in purpose.notice_versions or ()
        if purpose.needs_consent and version.valid_until is not None
    ]
    schema = {"label": pl.String, "notice": pl.String, "purpose": pl.String, "date": pl.Date}
    return pl.DataFrame(rows, schema=schema, orient="row").sort("date", "label")


def _notice_rules(rows: pl.DataFrame, setting: Setting, name: str) -> list[Any]:
    shown = _notices(setting).filter(pl.col("date").is_between(rows["date"].min(), rows["date"].max()))
    if shown.is_empty():
        return []
    told = shown.with_columns(pl.Series("day", [name_day(day) for day in shown["date"]], dtype=pl.String))
    base = alt.Chart(as_data(told, f"{name}_notices")).encode(x="date:T")
    tips = [alt.Tooltip("label:N", title="notice"), alt.Tooltip("purpose:N"), alt.Tooltip("day:N", title="from")]
    rule = base.mark_rule(strokeDash=[5, 4], color=QUIET).encode(tooltip=tips)
    return [rule, base.mark_text(align="left", dx=5, dy=2, baseline="top", color=INK, y=0).encode(text="label:N")]


def _daily_finding(rows: pl.DataFrame, setting: Setting) -> str:
    first, last = rows["date"].min(), rows["date"].max()
    now = rows.filter(pl.col("date") == last).sort("coverage", "lane")
    low, high = now.row(0, named=True), now.row(-1, named=True)
    said = f"On {name_day(last)}: from {low['said']} ({low['lane']}) to {high['said']} ({high['lane']})."  # type: ignore[arg-type]
    then = rows.filter(pl.col("date") == first).select("lane", before="coverage", was="said")
    moved = now.join(then, on="lane").with_columns((pl.col("coverage") - pl.col("before")).alias("change"))
    if first != last and not moved.is_empty():
        most = moved.sort(pl.col("change").abs(), "lane", descending=[True, False]).row(0, named=True)
        said += f" Moved most since {name_day(first)}: {most['lane']}, from {most['was']} to {most['said']}."  # type: ignore[arg-type]
    year_before = setting.period.first_day - timedelta(days=366)
    earlier = _notices(setting).filter(pl.col("date").is_between(year_before, first, closed="left"))
    if not earlier.is_empty():
        notice = earlier.row(-1, named=True)
        said += f" Consent to notice {notice['notice']} ({notice['purpose']}) stopped counting on {name_day(notice['date'])}."
    return said
