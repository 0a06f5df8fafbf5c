"""One look for all charts: calm, for print as for screens, in colours that colour-blind readers tell apart.

Source of the colours: Okabe and Ito, Color Universal Design (jfly.uni-koeln.de/color, checked 2026-11-23).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.words import in_lines

WIDTH = 720
BLUE, SKY, GREEN, YELLOW = "#0072B2", "#56B4E9", "#009E73", "#F0E442"
ORANGE, VERMILION, PURPLE, GREY, PALE = "#E69F00", "#D55E00", "#CC79A7", "#8C8C8C", "#D4D4D4"
INK, QUIET = "#1F2933", "#52606D"
PALETTE = (BLUE, VERMILION, GREEN, PURPLE, SKY, ORANGE, "#7A5C00", GREY)
FONT = "system-ui, -apple-system, 'Segoe UI', 'Noto Sans', 'Hiragino Sans', 'Yu Gothic', sans-serif"
THEME = "pledgebook"


@dataclass(frozen=True)
class Colours:
    """Categories in their order, each with its words and its colour."""

    of: Mapping[str, tuple[str, str]]

    def words(self, category: str) -> str:
        """Return the category's words."""
        return self.of[category][0]

    def scale(self) -> alt.Scale:
        """Return the scale that gives each category's words their colour."""
        return alt.Scale(
            domain=[words for words, _ in self.of.values()], range=[colour for _, colour in self.of.values()]
        )

    def order(self, category: str) -> int:
        """Return the category's place."""
        return list(self.of).index(category)


@alt.theme.register(THEME, enable=False)
def _theme() -> alt.theme.ThemeConfig:
    axis = {
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelColor": INK, "titleColor": QUIET,
        "gridColor": "#E4E7EB", "domainColor": "#9AA5B1", "tickColor": "#9AA5B1", "labelLimit": 260, "titlePadding": 10,
    }  # fmt: skip
    title = {
        "anchor": "start", "frame": "bounds", "fontSize": 16, "fontWeight": 600, "color": INK, "offset": 14,
        "subtitleFontSize": 13, "subtitleColor": QUIET, "subtitlePadding": 6, "subtitleLineHeight": 17,
    }  # fmt: skip
    legend = {
        "labelFontSize": 12, "titleFontSize": 12, "titleFontWeight": "normal", "labelColor": INK, "labelLimit": 320,
        "orient": "top", "direction": "horizontal", "title": None, "symbolType": "square", "columnPadding": 16,
    }  # fmt: skip
    config = {
        "background": "white", "font": FONT, "view": {"stroke": None}, "axis": axis, "title": title, "legend": legend,
        "range": {"category": list(PALETTE)}, "text": {"fontSize": 12, "color": INK}, "rule": {"color": QUIET},
        "bar": {"color": BLUE}, "line": {"strokeWidth": 2}, "concat": {"spacing": 28}, "padding": 4,
    }  # fmt: skip
    return {"config": config}  # type: ignore[typeddict-item]


def as_data(rows: pl.DataFrame, name: str) -> alt.InlineData:
    """Return aggregated rows as a chart's named data: days as local midnights, decimals cut to six places."""
    return alt.InlineData(
        values=[{key: _plain(value) for key, value in row.items()} for row in rows.to_dicts()], name=name
    )


def _plain(value: Any) -> Any:
    if isinstance(value, float):
        return round(value, 6)
    if isinstance(value, date) and not isinstance(value, datetime):
        return f"{value.isoformat()}T00:00:00"
    return value


def titled(chart: Any, name: str, title: str, finding: str, shows: str = "", **size: int) -> Any:
    """Return the chart with its name, title, the finding as subtitle, and both as alternative text."""
    heading = alt.TitleParams(text=title, subtitle=in_lines(finding))
    said = " ".join(part for part in (f"{title}.", shows, finding) if part)
    return chart.properties(name=name, title=heading, description=said, **size)


def nothing_to_show(
    name: str,
    title: str,
    why: str = "Nothing to show: there are no records for it.",
    tables: Mapping[str, pl.DataFrame] | None = None,
) -> Any:
    """Return a quiet chart that says why there is nothing to draw; of a public table nobody can tell none from few."""
    columns = [column for table in (tables or {}).values() for column in table.columns]
    if any(column.endswith("_is_suppressed") for column in columns):
        why = "Nothing to show: there is none, or there are too few for a public report."
    data = alt.InlineData(values=[{"said": why}], name=f"{name}_empty")
    text = alt.Chart(data).mark_text(align="left", fontSize=13, color=QUIET, x=0, baseline="middle")
    return titled(text.encode(text="said:N"), name, title, "", why, width=WIDTH, height=40)


def count_axis(**more: Any) -> alt.Axis:
    """Return an axis of counts: whole numbers only."""
    return alt.Axis(format=",d", labelExpr="datum.value % 1 ? '' : datum.label", tickMinStep=1, **more)


def bar_end_text(**more: Any) -> dict[str, Any]:
    """Return how text right of a bar is set."""
    return {"align": "left", "baseline": "middle", "dx": 6, "fontSize": 12, "color": INK, **more}
