"""The chart of waiting: the share of requests still without an answer, day after day, with the promised line."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import Setting, Tables, hides, thinned
from pledgebook.charts.theme import INK, PALETTE, QUIET, VERMILION, as_data, nothing_to_show, titled
from pledgebook.charts.words import count, decimal, listed, number, percent


def draw_survival(tables: Tables, setting: Setting) -> Any:
    """Draw the Kaplan-Meier curve of each regime (all kinds), with the days that the company promises."""
    name, title = "request_survival", "How long people wait for an answer"
    rows = tables[name].filter((pl.col("kind") == "all") & pl.col("survival").is_not_null())
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: no request was received in the period.", tables)
    curves = _curves(rows)
    totals = (
        tables["request_turnaround"]
        .filter(pl.col("kind") == "all")
        .sort("received", "regime", descending=[True, False])
    )
    received = dict(totals.select("regime", "received").iter_rows())
    order = sorted(curves["regime"].unique().to_list(), key=lambda regime: (-(received.get(regime) or 0), regime))
    words = {regime: f"{regime} ({number(received.get(regime))} received)" for regime in order}
    told = curves.with_columns(
        pl.col("regime").replace_strict(words).alias("words"),
        pl.Series("said", [percent(value) for value in curves["survival"]], dtype=pl.String),
    )
    scale = alt.Scale(domain=list(words.values()), range=[PALETTE[n % len(PALETTE)] for n in range(len(words))])
    reach = max(float(told["days"].max()), *(days for days, _ in _promises(setting)), 1.0) * 1.05  # type: ignore[arg-type]
    layers = [
        *_promise_lines(setting, name),
        *_tenth(reach, name),
        _band(told, name, order[0], PALETTE[0]),
        _curve_lines(told, name, reach, scale),
    ]
    finding = _finding(totals, setting) + _clocks_of_law(tables["request_clocks"]) + hides(rows)
    return titled(
        alt.layer(*layers),
        name,
        title,
        finding,
        "Step curves by regime, the first with its 95 % confidence band.",
        width=660,
        height=320,
    )


def _curve_lines(told: pl.DataFrame, name: str, reach: float, scale: alt.Scale) -> Any:
    return (
        alt.Chart(as_data(told, name))
        .mark_line(interpolate="step-after")
        .encode(
            x=alt.X(
                "days:Q", title="days since receipt, net of pauses", scale=alt.Scale(domain=[0, reach], nice=False)
            ),
            y=alt.Y(
                "survival:Q", title="requests still waiting", axis=alt.Axis(format="%"), scale=alt.Scale(domain=[0, 1])
            ),
            color=alt.Color("words:N", scale=scale),
            strokeDash=alt.StrokeDash(
                "words:N", scale=alt.Scale(domain=told["words"].unique(maintain_order=True).to_list())
            ),
            tooltip=[
                alt.Tooltip("words:N", title="regime"),
                alt.Tooltip("days:Q", format=".1f"),
                alt.Tooltip("said:N", title="still waiting"),
                alt.Tooltip("at_risk:Q", title="waiting just before", format=","),
            ],
        )
    )


def _curves(rows: pl.DataFrame) -> pl.DataFrame:
    """Each curve from all waiting at receipt, thinned to what the eye can see."""
    kept = thinned(rows, "regime").select("regime", "days", "at_risk", "survival", "lower", "upper")
    start = (
        rows.group_by("regime")
        .agg(pl.col("at_risk").max())
        .select(
            "regime",
            pl.lit(0.0).alias("days"),
            "at_risk",
            *[pl.lit(1.0).alias(name) for name in ("survival", "lower", "upper")],
        )
    )
    return pl.concat([start, kept]).sort("regime", "days")


def _band(curves: pl.DataFrame, name: str, regime: str, colour: str) -> Any:
    """The 95 % confidence band of the regime with most requests; more bands than one would hide each other."""
    mine = curves.filter((pl.col("regime") == regime) & pl.col("lower").is_not_null())
    area = alt.Chart(as_data(mine, f"{name}_band")).mark_area(interpolate="step-after", opacity=0.15, color=colour)
    return area.encode(x="days:Q", y=alt.Y("lower:Q", title="requests still waiting"), y2="upper:Q")


def _promises(setting: Setting) -> list[tuple[int, str]]:
    """The promised days, each with what it is promised for, the fewest first."""
    said: dict[int, list[str]] = {}
    for kind, days in setting.policy.requests.promised_days.items():
        said.setdefault(days, []).append("promised" if kind == "default" else kind.replace("_", " "))
    return [(days, ", ".join(kinds)) for days, kinds in sorted(said.items())]


def _promise_lines(setting: Setting, name: str) -> list[Any]:
    rows = [
        {"days": days, "words": f"{words}: {count(days, 'day')}", "place": 1 - 0.07 * place}
        for place, (days, words) in enumerate(_promises(setting))
    ]
    if not rows:
        return []
    base = alt.Chart(as_data(pl.DataFrame(rows), f"{name}_promises")).encode(x="days:Q")
    rule = base.mark_rule(color=VERMILION, strokeDash=[6, 4]).encode(tooltip=[alt.Tooltip("words:N", title="line")])
    text = base.mark_text(align="left", baseline="top", dx=5, color=INK).encode(y="place:Q", text="words:N")
    return [rule, text]


def _tenth(reach: float, name: str) -> list[Any]:
    row = pl.DataFrame({"survival": [0.1], "days": [reach], "words": ["nine of ten answered"]})
    base = alt.Chart(as_data(row, f"{name}_tenth")).encode(y="survival:Q")
    rule = base.mark_rule(color=QUIET, strokeDash=[2, 3])
    return [rule, base.mark_text(align="right", dy=-7, color=QUIET).encode(x="days:Q", text="words:N")]


def _finding(totals: pl.DataFrame, setting: Setting) -> str:
    mine = totals.filter(pl.col("regime") == setting.policy.company.regime)
    rows = (mine if not mine.is_empty() else totals).to_dicts()[:1]
    if not rows:
        return "Share of requests without an answer by the days since receipt."
    row = rows[0]
    half = f"half were answered within {decimal(row['p50_days'], 'days')}" if row["p50_days"] is not None else ""
    most = f"nine of ten within {decimal(row['p90_days'], 'days')}" if row["p90_days"] is not None else ""
    reached = ", ".join(part for part in (half, most) if part) or "too few were answered for a median"
    return f"{row['regime']}: {reached}; {number(row['open'])} of {count(row['received'], 'request')} were still open."


def _clocks_of_law(clocks: pl.DataFrame) -> str:
    """The regimes whose law sets a number of days of its own: the promised lines are not theirs."""
    regimes = clocks.filter(pl.col("clock") == "statutory")["regime"].unique().sort().to_list()
    if not regimes:
        return " The dashed lines are the company's own promise."
    return f" The dashed lines are the company's own promise; {listed(regimes)} has clocks of its own in law."
