"""Silence: a feed far below its own history is broken until proven otherwise."""

from datetime import date, timedelta

import polars as pl
import pytest

from asking import ask
from pledgebook.metrics.silence import silent_feeds

SCHEMA = {"table": pl.String, "feed": pl.String, "kind": pl.String, "date": pl.Date, "rows": pl.UInt32}


def feeds(*daily, feed="crm", kind="withdraw", table="consent_events"):
    """A feed with so many rows in the middle of each month, the last of them September 2026."""
    months = [date(2026 + (8 - back) // 12, (8 - back) % 12 + 1, 15) for back in range(len(daily) - 1, -1, -1)]
    rows = [(table, feed, kind, month, count) for month, count in zip(months, daily, strict=True) if count]
    return pl.DataFrame(rows, schema=SCHEMA, orient="row")


def silent(*daily, **asking):
    return silent_feeds(feeds(*daily), ask(**asking)).select("feed", "kind", "rows", "usual").rows()


@pytest.mark.parametrize(
    ("daily", "expected"),
    [
        ([400, 400, 400, 400, 0], [("crm", "withdraw", 0, 400.0)]),
        ([400, 400, 400, 400, 39], [("crm", "withdraw", 39, 400.0)]),
        ([400, 400, 400, 400, 40], []),
        ([400, 100, 400, 400, 39], [("crm", "withdraw", 39, 400.0)]),
        ([400, 400, 0], []),
        ([20, 20, 20, 20, 1], [("crm", "withdraw", 1, 20.0)]),
        ([19, 19, 19, 19, 0], []),
        ([400, 400, 0, 0, 0, 0, 0], []),
    ],
    ids=["none", "below a tenth", "a tenth", "the median counts", "too short a history", "just enough", "too few to tell",
         "silent for long"],
)  # fmt: skip
def test_a_month_against_the_months_before(daily, expected):
    assert silent(*daily) == expected


def test_each_feed_and_kind_is_judged_by_itself():
    both = pl.concat(
        [feeds(400, 400, 400, 400, 0), feeds(400, 400, 400, 400, 400, kind="grant"), feeds(*[300] * 5, feed="web")]
    )
    assert silent_feeds(both, ask()).select("feed", "kind").rows() == [("crm", "withdraw")]


def test_only_the_year_before_counts():
    assert silent(*[4000] * 20, *[100] * 12, 20) == []


def test_rows_after_the_period_prove_nothing():
    before = feeds(400, 400, 400, 400, 0)
    after = pl.DataFrame([("consent_events", "crm", "withdraw", date(2026, 10, 1), 900)], schema=SCHEMA, orient="row")
    assert len(silent_feeds(pl.concat([before, after]), ask())) == 1


def test_a_period_that_is_not_over_is_measured_against_stretches_as_long():
    start = date(2026, 5, 1)
    rows = [
        ("messages", "mail", "marketing", start + timedelta(days=n), 10) for n in range((date(2026, 9, 1) - start).days)
    ]
    daily = pl.DataFrame(rows, schema=SCHEMA, orient="row")
    told = silent_feeds(daily, ask(as_of="2026-09-08T00:00:00")).select("rows", "usual").rows()
    assert told == [(0, 70.0)]
    assert silent_feeds(daily, ask(as_of="2026-09-01T12:00:00")).is_empty()


def test_no_feeds_no_silence():
    assert silent_feeds(pl.DataFrame(schema=SCHEMA), ask()).is_empty()
