"""Every chart: drawn from small and from empty tables, with title, alternative text, axes and tooltips, always the same."""

import json
from datetime import UTC, datetime

import altair as alt
import polars as pl
import pytest
from charts.charted import POLICY, SETTING, small_tables

from pledgebook.charts.catalogue import CHARTS
from pledgebook.charts.drawing import Setting
from pledgebook.charts.theme import THEME
from pledgebook.metrics.catalogue import ACCOUNTS, METRICS
from pledgebook.metrics.definition import Column, Published
from pledgebook.period import read_period
from pledgebook.small_counts import hide_small_counts

PUBLISHED = {declared.name: declared for metric in METRICS.values() for declared in metric.tables} | ACCOUNTS
NAMES = sorted(CHARTS)


@pytest.fixture(autouse=True)
def _theme():
    before = alt.theme.active
    alt.theme.enable(THEME)
    yield
    alt.theme.enable(before)


def spec_of(name, tables, setting=SETTING):
    return CHARTS[name].draw(tables, setting).to_dict()


def views(spec):
    """The single views of a spec, layers and concatenations opened."""
    parts = [part for key in ("layer", "hconcat", "vconcat") for part in spec.get(key, [])]
    return [view for part in parts for view in views(part)] if parts else [spec]


def data_of(part):
    """The named data of a spec: name to rows."""
    found = {}
    if isinstance(part, dict):
        if "values" in part and "name" in part:
            found[part["name"]] = part["values"]
        part = list(part.values())
    for each in part if isinstance(part, list) else []:
        found |= data_of(each)
    return found


@pytest.mark.parametrize("name", NAMES)
def test_has_title_finding_and_alternative_text(name):
    spec = spec_of(name, small_tables())
    finding = " ".join(spec["title"]["subtitle"])
    assert spec["title"]["text"]
    assert any(letter.isdigit() for letter in finding)
    assert spec["title"]["text"] in spec["description"]
    assert finding in spec["description"]
    assert spec["name"]


@pytest.mark.parametrize("name", NAMES)
def test_axes_are_labelled_and_marks_have_tooltips(name):
    seen = views(spec_of(name, small_tables()))
    assert any("tooltip" in view["encoding"] for view in seen)
    for view in seen:
        for axis in ("x", "y"):
            channel = view.get("encoding", {}).get(axis, {})
            if channel.get("type") == "quantitative" and "tooltip" in view["encoding"] and "axis" in channel:
                assert channel.get("title"), (name, axis)


@pytest.mark.parametrize("name", NAMES)
def test_is_the_same_each_time(name):
    once, again = (json.dumps(spec_of(name, small_tables()), sort_keys=True) for _ in range(2))
    assert once == again
    assert "view_" not in once


@pytest.mark.parametrize("name", NAMES)
def test_says_so_when_there_is_nothing_to_show(name):
    spec = spec_of(name, {table: rows.clear() for table, rows in small_tables().items()})
    assert "Nothing to show" in spec["description"]


@pytest.mark.parametrize("name", NAMES)
def test_data_is_named_and_aggregated(name):
    data = data_of(spec_of(name, small_tables()))
    assert all(key.startswith(name) for key in data)
    assert data
    assert not any("person" in row for rows in data.values() for row in rows)


@pytest.mark.parametrize("name", NAMES)
def test_draws_what_the_public_may_see(name):
    tables = {
        table: hide_small_counts(rows, _declared(table, rows)) if table in PUBLISHED else rows
        for table, rows in small_tables().items()
    }
    assert spec_of(name, tables)["description"]


def _declared(table, rows):
    """The declaration, with the columns that the small table has."""
    whole = PUBLISHED[table]
    columns = tuple(column for column in whole.columns if column.name in rows.columns)
    assert isinstance(columns[0], Column)
    return Published(whole.name, whole.grain, whole.groups, columns, whole.needs, whole.inputs)


@pytest.mark.parametrize("name", NAMES)
def test_a_long_period_is_drawn_in_weeks(name):
    year = Setting(POLICY, read_period("2026", "Asia/Tokyo"), datetime(2026, 12, 31, 15, tzinfo=UTC))
    spec = spec_of(name, small_tables(), year)
    if name in ("marketing_violations_daily", "disclosures_daily"):
        assert "week" in json.dumps(spec)


def test_a_notice_that_ends_is_marked_on_its_day():
    marked = data_of(spec_of("consent_coverage_daily", small_tables()))["consent_coverage_daily_notices"]
    told = [(row["date"], row["day"], row["label"], row["purpose"]) for row in marked]
    assert told == [("2026-09-02T00:00:00", "2 Sep 2026", "notice 2025-04 ends", "Marketing")]


def test_the_promised_days_are_lines_and_a_legal_clock_is_named_as_such():
    spec = spec_of("request_survival", small_tables())
    words = [row["words"] for row in data_of(spec)["request_survival_promises"]]
    assert words == ["complaint: 7 days", "promised: 14 days"]
    assert "GDPR has clocks of its own in law" in spec["description"]


@pytest.mark.parametrize(("cases", "most"), [(1_000, 2_004), (50_000, 900)])
def test_outcomes_of_many_requests_are_drawn_with_no_more_points_than_the_eye_can_see(cases, most):
    steps = [
        ("APPI", "all", outcome, day / 1000, 1, day / cases / 3)
        for day in range(cases)
        for outcome in ("fulfilled", "denied")
    ]
    rows = pl.DataFrame(steps, schema=small_tables()["request_outcomes"].schema, orient="row")
    drawn = pl.DataFrame(
        data_of(spec_of("request_outcomes", small_tables() | {"request_outcomes": rows}))["request_outcomes"]
    )
    assert 800 < drawn.height <= most
    assert (
        drawn.group_by("outcome").agg(pl.col("share").max())["share"].to_list()
        == [round((cases - 1) / cases / 3, 6)] * 2
    )
    assert drawn["days"].max() == (cases - 1) / 1000


def test_states_of_consent_fill_the_whole_bar():
    rows = pl.DataFrame(data_of(spec_of("consent_coverage_states", small_tables()))["consent_coverage_states"])
    ends = rows.group_by("lane").agg(pl.col("right").max(), pl.col("ratio").sum().round(6))
    assert ends["right"].to_list() == [1.0] * 3
    assert ends["ratio"].to_list() == [1.0] * 3
