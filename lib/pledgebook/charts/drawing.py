"""What a chart is: the tables it looks at, and how it is drawn in its setting."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import altair as alt
import polars as pl

from pledgebook.period import INSTANT, Period, local_day
from pledgebook.policy import Policy

Tables = Mapping[str, pl.DataFrame]
POINTS = 400
NOTHING = "**Cannot tell**: {} is missing, empty or all in quarantine."


@dataclass(frozen=True)
class Setting:
    """What a chart may know beside its tables: the policy, the period, and the instant as of which it is drawn."""

    policy: Policy
    period: Period
    as_of: datetime

    @property
    def last_day(self) -> date:
        """The last local day that the figures can speak of."""
        return min(self.period.last_day, local_day(self.as_of - INSTANT, self.policy.timezone))

    @property
    def many_days(self) -> bool:
        """Whether days are too many to draw one by one; weeks are drawn then."""
        return (self.last_day - self.period.first_day) > timedelta(days=92)


@dataclass(frozen=True)
class Drawing:
    """A chart of the catalogue: `draw` takes the named tables and the setting, and returns an Altair chart."""

    tables: tuple[str, ...]
    draw: Callable[[Tables, Setting], Any]


def by_day_or_week(rows: pl.DataFrame, setting: Setting, groups: list[str], counts: list[str]) -> pl.DataFrame:
    """Return counts per day, or per week (by its Monday) where days are too many, with `day` in words and `until`."""
    step = "1w" if setting.many_days else "1d"
    summed = rows.with_columns(pl.col("date").dt.truncate(step)).group_by("date", *groups).agg(pl.col(counts).sum())
    words = pl.col("date").dt.strftime("%a %-d %b %Y" if step == "1d" else "week of %-d %b %Y")
    return summed.with_columns(words.alias("day"), pl.col("date").dt.offset_by(step).alias("until")).sort(
        "date", *groups
    )


def stacked(rows: pl.DataFrame, place: str, order: str, counts: str) -> pl.DataFrame:
    """Return rows with `low` and `high`: the ends of each part of the stack that stands at a place."""
    ordered = rows.sort(place, order)
    high = pl.col(counts).cum_sum().over(place)
    return ordered.with_columns((high - pl.col(counts)).alias("low"), high.alias("high"))


def thinned(rows: pl.DataFrame, group: str, at: str = "days") -> pl.DataFrame:
    """Return step curves, one a group, with no more points than the eye can see: of each short stretch the last."""
    step = float(rows[at].max() or 0) / POINTS or 1.0  # type: ignore[arg-type]
    stretch = (pl.col(at) / step).ceil().alias("_stretch")
    return rows.sort(group, at).group_by(group, stretch, maintain_order=True).last().drop("_stretch")


def step_words(setting: Setting) -> str:
    """Return `day` or `week`, as `by_day_or_week` cuts."""
    return "week" if setting.many_days else "day"


def hides(*tables: pl.DataFrame) -> str:
    """Return the sentence that a chart of a public report owes its readers, empty where nothing is hidden."""
    marks = [table[name] for table in tables for name in table.columns if name.endswith("_is_suppressed")]
    if any(mark.any() for mark in marks):
        return " Counts from 1 to 7 are hidden and not drawn; others are rounded to the nearest 5."
    return ""


def row_of(table: pl.DataFrame, **groups: str) -> dict[str, Any] | None:
    """Return the row of a table with these groups; None where there is none."""
    chosen = table.filter(*[pl.col(name) == value for name, value in groups.items()])
    return None if chosen.is_empty() else chosen.row(0, named=True)


def add_up(*values: float | None) -> float | None:
    """Return a sum; null where a part is hidden."""
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def day_axis() -> alt.Axis:
    """Return an axis of days whose labels keep clear of each other."""
    return alt.Axis(format="%-d %b", tickCount=15, labelOverlap=True, labelSeparation=8)


def calendar(setting: Setting) -> alt.X:
    """Return the axis of days (or weeks) on which all charts over time lie."""
    return alt.X("date:T", title=step_words(setting), axis=day_axis(), scale=alt.Scale(nice=False))


def whole_period(setting: Setting, name: str) -> Any:
    """Return an unseen layer that stretches the axis from the period's first midnight to the one after its last day."""
    days = (setting.period.first_day, setting.last_day + timedelta(days=1))
    ends = alt.InlineData(values=[{"date": f"{day.isoformat()}T00:00:00"} for day in days], name=f"{name}_period")
    return alt.Chart(ends).mark_point(opacity=0).encode(x=calendar(setting))
