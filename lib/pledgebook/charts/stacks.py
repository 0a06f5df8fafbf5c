"""Stacked bars: counts cut into parts, each part with its words, its place in the stack and its colour."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import Setting, calendar
from pledgebook.charts.theme import Colours, count_axis


def in_parts(
    rows: pl.DataFrame, colours: Colours, index: Sequence[str], *, part: str = "kind", counts: str = "count"
) -> pl.DataFrame:
    """Return one row per row and part, whose columns are named as the parts: `part`, its count, `words` and `place`.

    A count that is hidden is drawn as 0.
    """
    long = rows.unpivot(list(colours.of), index=index, variable_name=part, value_name=counts)
    return with_words(long.with_columns(pl.col(counts).fill_null(0)), colours, part)


def with_words(rows: pl.DataFrame, colours: Colours, part: str) -> pl.DataFrame:
    """Return rows with the `words` of the part that each of them counts, and its `place` in the stack."""
    words = {name: said for name, (said, _) in colours.of.items()}
    places = {name: place for place, name in enumerate(colours.of)}
    return rows.with_columns(
        pl.col(part).replace_strict(words).alias("words"), pl.col(part).replace_strict(places).alias("place")
    )


def stacked_bars(
    chart: alt.Chart,
    colours: Colours,
    counts: alt.X | alt.Y,
    tips: list[alt.Tooltip],
    *,
    legend_columns: int | None = None,
    is_outlined: bool = True,
) -> Any:
    """Return a chart of `in_parts` rows as stacked bars; `counts` is the axis along which they are stacked."""
    outline: dict[str, Any] = {"stroke": "white", "strokeWidth": 1} if is_outlined else {}
    colour = _colour(colours, legend_columns)
    return chart.mark_bar(**outline).encode(counts, color=colour, order="place:Q", tooltip=tips)


def stacked_days(
    chart: alt.Chart,
    colours: Colours,
    setting: Setting,
    title: str,
    tips: list[alt.Tooltip],
    *,
    legend_columns: int | None = None,
    outline: float = 1,
) -> Any:
    """Return a chart of `stacked` rows as a stack on each day (or week) of the calendar; `title` says what is counted."""
    return chart.mark_rect(stroke="white", strokeWidth=outline).encode(
        calendar(setting),
        alt.Y("low:Q", title=title, axis=count_axis()),
        x2="until:T",
        y2="high:Q",
        color=_colour(colours, legend_columns),
        tooltip=tips,
    )


def _colour(colours: Colours, columns: int | None) -> alt.Color:
    if columns is None:
        return alt.Color("words:N", scale=colours.scale())
    return alt.Color("words:N", scale=colours.scale(), legend=alt.Legend(columns=columns))
