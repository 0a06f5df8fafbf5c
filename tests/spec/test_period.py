"""Periods and as-of: from local midnight to local midnight, told in a few words or refused with what to write."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pledgebook.errors import InputError
from pledgebook.period import local_midnight, read_as_of, read_period

TOKYO, BERLIN = "Asia/Tokyo", "Europe/Berlin"
NOW = datetime(2026, 10, 12, 3, 0, tzinfo=UTC)  # Monday noon in Tokyo

DAYS = {
    "2026-10": ("2026-10-01", "2026-10-31"),
    "2026-02": ("2026-02-01", "2026-02-28"),
    "2024-02": ("2024-02-01", "2024-02-29"),
    "2026-Q3": ("2026-07-01", "2026-09-30"),
    "2026-Q4": ("2026-10-01", "2026-12-31"),
    "2026": ("2026-01-01", "2026-12-31"),
    "2026-W41": ("2026-10-05", "2026-10-11"),
    "2026-W01": ("2025-12-29", "2026-01-04"),
    "2026-W53": ("2026-12-28", "2027-01-03"),
    "2026-10-01/2026-10-31": ("2026-10-01", "2026-10-31"),
    "2026-10-07/2026-10-07": ("2026-10-07", "2026-10-07"),
    " 2026-10 ": ("2026-10-01", "2026-10-31"),
}
RELATIVE = {
    "yesterday": ("2026-10-11", "2026-10-11"),
    "last-week": ("2026-10-05", "2026-10-11"),
    "last-month": ("2026-09-01", "2026-09-30"),
    "last-quarter": ("2026-07-01", "2026-09-30"),
    "last-year": ("2025-01-01", "2025-12-31"),
}
BEFORE = {
    "2026-01": "2025-12",
    "2026-Q1": "2025-Q4",
    "2026": "2025",
    "2026-W01": "2025-W52",
    "2027-W01": "2026-W53",
    "2026-10-11/2026-10-20": "2026-10-01/2026-10-10",
    "2026-03-01/2026-03-01": "2026-02-28/2026-02-28",
}
NONSENSE = [
    "2026-13", "2026-00", "2026-Q5", "2025-W53", "2026-W00", "26-10", "2026-1", "2026-10-01", "2026-02-30/2026-03-01",
    "2026-10-31/2026-10-01", "2026-10-01/", "next-month", "", "2026-10-01..2026-10-31", "２０２６-10", "0000", "1899", "3000-01",
    "2026-10\n2026-11",
]  # fmt: skip


@pytest.mark.parametrize("text", DAYS)
def test_a_period_names_its_first_and_last_day(text):
    period = read_period(text, TOKYO)
    assert (str(period.first_day), str(period.last_day)) == DAYS[text]


@pytest.mark.parametrize("text", RELATIVE)
def test_a_relative_period_is_resolved_against_now(text):
    period = read_period(text, TOKYO, NOW)
    assert (str(period.first_day), str(period.last_day)) == RELATIVE[text]
    assert read_period(period.label, TOKYO) == period


def test_relative_means_relative_to_the_reporting_timezone():
    just_after_midnight_in_tokyo = datetime(2026, 9, 30, 15, 0, tzinfo=UTC)
    assert read_period("last-month", TOKYO, just_after_midnight_in_tokyo).label == "2026-09"
    assert read_period("last-month", BERLIN, just_after_midnight_in_tokyo).label == "2026-08"


@pytest.mark.parametrize("text", BEFORE)
def test_the_period_before_is_of_the_same_kind(text):
    assert read_period(text, TOKYO).before() == read_period(BEFORE[text], TOKYO)


@pytest.mark.parametrize("text", NONSENSE)
def test_nonsense_is_refused_with_what_to_write(text):
    with pytest.raises(InputError, match=r"Give one of|Write the earlier day first|outside the years"):
        read_period(text, TOKYO, NOW)


def test_a_relative_period_needs_a_now():
    with pytest.raises(InputError, match="Give an absolute period"):
        read_period("yesterday", TOKYO)


def test_it_runs_from_local_midnight_to_local_midnight():
    september = read_period("2026-09", TOKYO)
    assert september.start == datetime(2026, 8, 31, 15, tzinfo=UTC)
    assert september.end == datetime(2026, 9, 30, 15, tzinfo=UTC)
    changes = read_period("2026-03-29/2026-03-29", BERLIN)
    assert changes.end - changes.start == timedelta(hours=23)
    assert read_period("2026-10-01/2026-10-31", TOKYO).folder == "2026-10-01_2026-10-31"


def test_a_midnight_that_a_clock_change_skips_or_repeats():
    assert local_midnight(date(2018, 11, 4), "America/Sao_Paulo") == datetime(2018, 11, 4, 3, tzinfo=UTC)
    assert local_midnight(date(2026, 11, 1), "America/Havana") == datetime(2026, 11, 1, 4, tzinfo=UTC)


@given(st.dates(date(1950, 1, 1), date(2090, 1, 1)), st.sampled_from([TOKYO, BERLIN, "America/Sao_Paulo", "UTC"]))
def test_days_follow_each_other_without_a_gap(day, timezone):
    one, other = (read_period(f"{d}/{d}", timezone) for d in (day, day + timedelta(days=1)))
    assert one.end == other.start
    assert other.before() == one


AS_OF = {
    "2026-10-01T00:00:00Z": datetime(2026, 10, 1, tzinfo=UTC),
    "2026-10-01T09:00+09:00": datetime(2026, 10, 1, tzinfo=UTC),
    "2026-10-01T09:00": datetime(2026, 10, 1, tzinfo=UTC),
    "2026-10-01": datetime(2026, 9, 30, 15, tzinfo=UTC),
    "2026-08-31T15:00:00Z": datetime(2026, 8, 31, 15, tzinfo=UTC),
    "2030-01-01": datetime(2029, 12, 31, 15, tzinfo=UTC),
}


@pytest.mark.parametrize("text", AS_OF)
def test_as_of_is_read_in_the_reporting_timezone_and_may_lie_after_the_end(text):
    assert read_as_of(text, read_period("2026-09", TOKYO), NOW) == AS_OF[text]


def test_as_of_defaults_to_the_period_s_end_or_now_if_earlier():
    assert read_as_of(None, read_period("2026-09", TOKYO), NOW) == datetime(2026, 9, 30, 15, tzinfo=UTC)
    assert read_as_of("", read_period("2026-10", TOKYO), NOW) == NOW


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("2026-08-31T14:59:59.999999Z", "before period '2026-09' starts"),
        ("2026-08-31T23:59", "before period '2026-09' starts"),
        ("soon", "not a time"),
        ("2026-02-30", "not a time"),
        ("9999-12-31T23:59:59-10:00", "not a time"),
    ],
)
def test_an_as_of_that_makes_no_sense_is_refused(text, says):
    with pytest.raises(InputError, match=says):
        read_as_of(text, read_period("2026-09", TOKYO), NOW)


def test_a_period_without_an_end_in_sight_is_refused():
    assert read_period("1930-01-01/2029-12-31", TOKYO).last_day == date(2029, 12, 31)
    with pytest.raises(InputError, match="period '1900-01-01/2999-12-31': longer than 100 years"):
        read_period("1900-01-01/2999-12-31", TOKYO)


def test_a_period_that_lies_ahead_is_refused():
    with pytest.raises(InputError, match="before period '2027' starts"):
        read_as_of(None, read_period("2027", TOKYO), NOW)


@pytest.mark.parametrize("text", ["2026-10-25T02:30", "2026-03-29T02:30"])
def test_a_naive_as_of_inside_a_clock_change_is_refused(text):
    with pytest.raises(InputError, match=r"inside a clock change of Europe/Berlin\. Add an offset"):
        read_as_of(text, read_period("2026-03", BERLIN), NOW)
