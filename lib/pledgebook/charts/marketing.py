"""Charts of advertising: messages against a person's answer, by day and campaign, and how fast a no arrives."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import (
    Drawing,
    Setting,
    Tables,
    by_day_or_week,
    hides,
    stacked,
    step_words,
    whole_period,
)
from pledgebook.charts.opt_out_waits import draw_waits
from pledgebook.charts.stacks import in_parts, stacked_bars, stacked_days
from pledgebook.charts.theme import (
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    Colours,
    as_data,
    bar_end_text,
    count_axis,
    nothing_to_show,
    titled,
)
from pledgebook.charts.words import count, name_day, number, share

VIOLATIONS = Colours(
    {
        "after_opt_out": ("After an opt-out", VERMILION),
        "no_consent": ("Never asked", PURPLE),
        "expired": ("On expired consent", ORANGE),
        "outdated": ("On an outdated notice", SKY),
    }
)
KINDS = list(VIOLATIONS.of)
MOST = 12
_AGAINST = "messages against a person's answer"


def _against(rows: pl.DataFrame) -> int:
    return int(rows.select(pl.sum_horizontal(pl.col(KINDS).sum())).item() or 0)


def draw_violations_daily(tables: Tables, setting: Setting) -> Any:
    """Draw the period's messages that went against a person's answer, by day."""
    name, title = "marketing_violations_daily", "Messages sent against a person's answer"
    rows = tables["marketing_messages_daily"]
    sent, wrong = int(rows["messages"].sum() or 0), _against(rows)
    if not wrong:
        none = f"none of {count(sent, 'marketing message')} went against a person's answer."
        why = f"Nothing to show: {none if sent else 'no marketing message is on record.'}"
        return nothing_to_show(name, title, why, tables)
    days = by_day_or_week(rows, setting, [], ["messages", *KINDS])
    parts = in_parts(days, VIOLATIONS, ["date", "until", "day", "messages"], part="verdict")
    told = stacked(parts.filter(pl.col("count") > 0), "date", "place", "count")
    step = step_words(setting)
    tips = [
        alt.Tooltip("day:N", title=step),
        alt.Tooltip("words:N", title="sent"),
        alt.Tooltip("count:Q", title="messages", format=","),
        alt.Tooltip("messages:Q", title="of all messages then", format=","),
    ]
    bars = stacked_days(alt.Chart(as_data(told, name)), VIOLATIONS, setting, f"messages a {step}", tips)
    finding = f"{number(wrong)} of {count(sent, 'marketing message')} ({share(wrong, sent)}). {_worst_days(days, step)}"
    if hides(rows):
        finding = f"At least {count(wrong, 'marketing message')}."
    chart = alt.layer(bars, whole_period(setting, name))
    return titled(chart, name, title, finding + hides(rows), f"Stacked bars by {step}.", width=660, height=240)


def _worst_days(days: pl.DataFrame, step: str) -> str:
    ordered = days.with_columns(pl.sum_horizontal(KINDS).alias("wrong")).sort("wrong", "date", descending=[True, False])
    worst = ordered.row(0, named=True)
    when = name_day(worst["date"]) if step == "day" else f"the week of {name_day(worst['date'])}"
    return f"Most on {when}: {number(worst['wrong'])} of {count(worst['messages'], 'message')} sent then."


def draw_violations_by_campaign(tables: Tables, setting: Setting) -> Any:  # noqa: ARG001
    """Draw the campaigns with most messages against a person's answer."""
    name, title = "marketing_violations_by_campaign", "Campaigns that went against people's answers"
    rows = tables["marketing_messages"].filter(pl.col("campaign") != "all")
    is_hidden = pl.any_horizontal(pl.col(KINDS).is_null())
    if not _against(rows) and not rows.select(is_hidden.any()).item():
        return nothing_to_show(
            name, title, "Nothing to show: no campaign sent a message against a person's answer.", tables
        )
    ordered, campaigns = _campaigns(rows, is_hidden)
    shown = ordered.head(MOST)
    told = in_parts(shown, VIOLATIONS, ["campaign", "messages", "wrong", "said"], part="verdict")
    order = shown["campaign"].to_list()
    base = alt.Chart(as_data(told.sort("campaign", "place"), name)).encode(
        y=alt.Y("campaign:N", sort=order, title=None)
    )
    tips = [
        alt.Tooltip("campaign:N"),
        alt.Tooltip("words:N", title="sent"),
        alt.Tooltip("count:Q", title="messages", format=","),
        alt.Tooltip("said:N", title="in all"),
    ]
    bars = stacked_bars(base, VIOLATIONS, alt.X("count:Q", title=_AGAINST, axis=count_axis()), tips)
    ends = alt.Chart(as_data(shown.select("campaign", "wrong", "said"), f"{name}_ends"))
    text = ends.mark_text(**bar_end_text()).encode(
        y=alt.Y("campaign:N", sort=order), x=alt.X("wrong:Q", title=_AGAINST, axis=count_axis()), text="said:N"
    )
    finding = _campaign_finding(ordered, campaigns) + hides(rows)
    return titled(
        alt.layer(bars, text), name, title, finding, "Stacked bars.", width=420, height=max(90, 36 * len(order))
    )


def _campaigns(rows: pl.DataFrame, is_hidden: pl.Expr) -> tuple[pl.DataFrame, int]:
    """The campaigns with messages against a person's answer, the worst first, and how many campaigns there were."""
    summed = rows.group_by("campaign").agg(pl.col("messages", *KINDS).sum(), is_hidden.any().alias("hidden"))
    wrong = summed.with_columns(pl.sum_horizontal(KINDS).alias("wrong"))
    ordered = wrong.filter((pl.col("wrong") > 0) | pl.col("hidden")).sort("wrong", "campaign", descending=[True, False])
    said = [
        "some messages" if hidden else f"{number(wrong)} of {number(sent)} ({share(wrong, sent)})"
        for wrong, sent, hidden in ordered.select("wrong", "messages", "hidden").iter_rows()
    ]
    return ordered.with_columns(pl.Series("said", said, dtype=pl.String)), summed.height


def _campaign_finding(ordered: pl.DataFrame, campaigns: int) -> str:
    worst = ordered.row(0, named=True)
    if ordered["hidden"].any():
        return f"{number(ordered.height)} of {count(campaigns, 'campaign')} sent such messages."
    total = int(ordered["wrong"].sum())
    left_out = f" The {MOST} worst are shown." if ordered.height > MOST else ""
    return (
        f"{number(ordered.height)} of {count(campaigns, 'campaign')}; {worst['campaign']} alone sent "
        f"{number(worst['wrong'])} of the {count(total, 'message')} ({share(worst['wrong'], total)}).{left_out}"
    )


DRAWINGS = {
    "marketing_violations_daily": Drawing(("marketing_messages_daily",), draw_violations_daily),
    "marketing_violations_by_campaign": Drawing(("marketing_messages",), draw_violations_by_campaign),
    "opt_out_waits": Drawing(("opt_out_waits", "opt_outs"), draw_waits),
}
