"""Tallies by one number: what grouping by every heading for itself counts, null a heading of its own."""

from datetime import date

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st
from polars.testing import assert_frame_equal

from pledgebook.metrics.tallies import tally, tally_people

NAMES = pl.Enum(["law", "consent", "never"])
SCHEMA = {"person": pl.UInt32, "day": pl.Date, "basis": NAMES, "number": pl.Int64}
HEADINGS = ("day", "basis", "number")
given_rows = st.lists(
    st.tuples(
        st.integers(0, 3),
        st.none() | st.sampled_from([date(1900, 1, 1), date(1969, 12, 31), date(1970, 1, 1), date(2026, 9, 5)]),
        st.none() | st.sampled_from(["law", "consent"]),
        st.none() | st.integers(-2, 2),
    ),
    max_size=12,
)
DISCLOSURES = pl.len().cast(pl.Int64).alias("disclosures")
PEOPLE = pl.col("person").n_unique().cast(pl.Int64).alias("people")


def frame(rows):
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


@settings(max_examples=60, deadline=None)
@given(given_rows, st.lists(st.sampled_from(HEADINGS), min_size=1, max_size=3, unique=True))
def test_one_number_counts_what_all_headings_do(rows, headings):
    told = frame(rows)
    grouped = told.group_by(headings).agg(DISCLOSURES, PEOPLE).sort(headings, nulls_last=False)
    assert_frame_equal(tally_people(told, *headings), grouped)
    assert_frame_equal(tally_people(told.sort("person"), *headings), grouped)
    assert_frame_equal(tally(told, *headings), grouped.drop("people"))


def test_the_days_of_a_century_and_many_names_are_told_apart():
    names = pl.Enum([f"n{number}" for number in range(70_000)])
    days = [date(1900, 1, 1), date(2999, 12, 31)]
    told = pl.DataFrame(
        {"person": [0, 4_000_000_000] * 2, "day": days * 2, "name": ["n0", "n69999", "n1", "n69999"]},
        schema={"person": pl.UInt32, "day": pl.Date, "name": names},
    )
    assert tally_people(told, "day", "name").rows() == [
        (days[0], "n0", 1, 1),
        (days[0], "n1", 1, 1),
        (days[1], "n69999", 2, 1),
    ]
