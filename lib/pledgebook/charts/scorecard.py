"""The chart of the scorecard: a tile for every promise, clause by clause."""

from __future__ import annotations

from typing import Any

import altair as alt
import polars as pl

from pledgebook.charts.drawing import Drawing, Setting, Tables
from pledgebook.charts.theme import GREEN, INK, ORANGE, PALE, VERMILION, Colours, as_data, nothing_to_show, titled
from pledgebook.charts.words import NONE, count

VERDICTS = Colours(
    {
        "broken": ("✗ broken", VERMILION),
        "cannot tell": ("? cannot tell", ORANGE),
        "kept": ("✓ kept", GREEN),
        "not applicable": ("– not applicable", PALE),
    }
)


def draw_verdicts(tables: Tables, setting: Setting) -> Any:  # noqa: ARG001
    """Draw the promises by clause, each with its verdict as colour and sign."""
    name, title = "scorecard_verdicts", "Every promise and its verdict"
    rows = tables["scorecard"]
    if rows.is_empty():
        return nothing_to_show(name, title, "Nothing to show: the policy file declares no promise.", tables)
    clauses = rows["clause"].unique(maintain_order=True).to_list()
    told = _tiles(rows)
    base = alt.Chart(as_data(told, name)).encode(
        x=alt.X("place:O", title="promises of the clause", axis=alt.Axis(labels=False, ticks=False, domain=False)),
        y=alt.Y("clause:N", sort=clauses, title="clause of the policy", axis=alt.Axis(domain=False, ticks=False)),
        tooltip=[
            alt.Tooltip("clause:N"),
            alt.Tooltip("title:N", title="promise"),
            alt.Tooltip("words:N", title="verdict"),
            alt.Tooltip("target:N"),
            alt.Tooltip("reason:N"),
        ],
    )
    colour = alt.Color("words:N", scale=VERDICTS.scale())
    tiles = base.mark_rect(stroke="white", strokeWidth=3, cornerRadius=4).encode(color=colour)
    white = alt.FieldOneOfPredicate(field="verdict", oneOf=["broken", "kept"])
    signs = base.mark_text(fontSize=15, fontWeight="bold").encode(
        text="sign:N", color=alt.condition(white, alt.value("white"), alt.value(INK))
    )
    size = {"width": 44 * max(told["place"].to_list()), "height": 34 * len(clauses)}
    return titled(
        alt.layer(tiles, signs), name, title, finding(rows), "A tile for each promise, in rows of clauses.", **size
    )


def _tiles(rows: pl.DataFrame) -> pl.DataFrame:
    words = {verdict: words for verdict, (words, _) in VERDICTS.of.items()}
    return rows.select(
        "clause", "title", "verdict",
        pl.int_range(1, pl.len() + 1).over("clause").alias("place"),
        pl.col("verdict").replace_strict(words).alias("words"),
        pl.col("verdict").replace_strict({verdict: said[0] for verdict, said in words.items()}).alias("sign"),
        pl.col("target").cast(pl.String).fill_null(NONE),
        pl.col("reason").fill_null(NONE),
    )  # fmt: skip


def finding(rows: pl.DataFrame) -> str:
    """Return how many promises have which verdict, in one line."""
    counted = dict(rows.group_by("verdict").len().iter_rows())
    told = [f"{counted[verdict]} {verdict}" for verdict in VERDICTS.of if counted.get(verdict)]
    return f"{count(rows.height, 'promise')}: {', '.join(told)}."


DRAWINGS = {"scorecard_verdicts": Drawing(("scorecard",), draw_verdicts)}
