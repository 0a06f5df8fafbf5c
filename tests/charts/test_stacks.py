"""Stacks: every count is one part with its words and its place, and a hidden count is drawn as nothing."""

import altair as alt
import polars as pl

from pledgebook.charts.stacks import in_parts, stacked_bars, with_words
from pledgebook.charts.theme import Colours

COLOURS = Colours({"late": ("Too late", "#111111"), "open": ("Still open", "#222222")})
ROWS = pl.DataFrame({"law": ["GDPR", "CCPA"], "open": [2, 3], "late": [5, None], "sent": [9, None]})


def test_each_count_becomes_a_part_in_the_order_of_the_colours():
    parts = in_parts(ROWS, COLOURS, ["law", "sent"], part="end", counts="requests").sort("law", "place")
    assert parts.select("law", "end", "words", "place", "requests").rows() == [
        ("CCPA", "late", "Too late", 0, 0),
        ("CCPA", "open", "Still open", 1, 3),
        ("GDPR", "late", "Too late", 0, 5),
        ("GDPR", "open", "Still open", 1, 2),
    ]


def test_a_hidden_count_beside_the_parts_stays_hidden():
    assert in_parts(ROWS, COLOURS, ["law", "sent"]).filter(law="CCPA")["sent"].to_list() == [None, None]


def test_rows_that_are_parts_already_get_words_and_place():
    assert with_words(pl.DataFrame({"end": ["open"]}), COLOURS, "end").row(0, named=True) == {
        "end": "open",
        "words": "Still open",
        "place": 1,
    }


def test_bars_are_stacked_by_place_in_the_colours_of_their_words():
    chart = alt.Chart(alt.InlineData(values=[])).encode(y="law:N")
    drawn = stacked_bars(chart, COLOURS, alt.X("count:Q"), [alt.Tooltip("law:N")], legend_columns=2).to_dict()
    assert drawn["encoding"]["order"] == {"field": "place", "type": "quantitative"}
    assert drawn["encoding"]["color"]["scale"] == {
        "domain": ["Too late", "Still open"],
        "range": ["#111111", "#222222"],
    }
    assert drawn["encoding"]["color"]["legend"] == {"columns": 2}
    assert (drawn["encoding"]["x"]["field"], drawn["encoding"]["y"]["field"]) == ("count", "law")
