"""One request at the edges of its rule: hours, verification, pauses, extensions, closed days."""

from datetime import date, datetime, timedelta, timezone

import pytest

from pledgebook.deadlines import due_date
from pledgebook.deadlines.counting import last_day
from pledgebook.errors import InputError

MONDAY = date(2026, 3, 2)
RESTARTS = {"verification": "restarts", "start": "verification"}
OPEN = {"extension": {"condition": "until the reason ends"}}


def land(law, rule, received=MONDAY, regime=None, **facts):
    return due_date(law(rule, **(regime or {})), "LAND", "disclosure", received, **facts)


def words_of(due):
    return due.explanation.partition(". ")[0]


# ---- hours ----


def test_a_clock_in_hours_keeps_date_rule_and_sentence(regimes):
    # GDPR Art. 33(1): 72 hours from Thursday 24 December 16:20, through Christmas and a Sunday.
    due = due_date(regimes, "GDPR", "breach_authority", datetime(2026, 12, 24, 16, 20))
    assert (due.due_on, due.due_at) == (date(2026, 12, 27), datetime(2026, 12, 27, 16, 20))
    assert (due.rule_id, due.clock) == ("br_gdpr_sa", "statutory")
    assert due.explanation.startswith(
        "known Thu 24 Dec 2026 16:20; 72 hours run through closed days; due Sun 27 Dec 2026 16:20. GDPR Art. 33"
    )


def test_hours_are_counted_in_the_offset_of_the_moment(regimes):
    known = datetime(2026, 12, 24, 16, 20, tzinfo=timezone(timedelta(hours=9)))
    assert due_date(regimes, "GDPR", "breach_authority", known).due_at == known + timedelta(hours=72)


def test_hours_need_a_time_of_day_and_the_remedy_is_told(regimes):
    with pytest.raises(InputError) as caught:
        due_date(regimes, "GDPR", "breach_authority", date(2026, 12, 24))
    assert str(caught.value) == "rule br_gdpr_sa: counts hours. Give the time of day too, such as 2026-12-24T16:20."


# ---- verification ----


@pytest.mark.parametrize(
    ("rule", "verified", "day"),
    [
        (RESTARTS, date(2026, 3, 10), date(2026, 4, 9)),  # 10 March + 30
        (RESTARTS, date(2026, 2, 10), date(2026, 4, 1)),  # verified before it was received: 2 March + 30
        (RESTARTS, None, date(2026, 4, 1)),
        ({}, date(2026, 3, 10), date(2026, 4, 1)),
        ({"verification": "adds"}, date(2026, 3, 10), date(2026, 4, 1)),  # such days come in as a pause
    ],
)
def test_verification_restarts_the_clock_only_where_the_rule_says_so(law, rule, verified, day):
    assert land(law, rule, verified=verified).due_on == day


@pytest.mark.parametrize("facts", [{"extended_on": date(2026, 3, 20)}, {"is_extended": True}])
def test_verification_is_told_also_where_the_answer_is_put_off(law, facts):
    due = land(law, RESTARTS | OPEN, verified=date(2026, 3, 10), **facts)
    assert (due.due_on, due.clock, due.is_extension_valid) == (None, "none", True)
    assert words_of(due) == (
        "received Mon 2 Mar 2026; verified Tue 10 Mar 2026, which starts the clock; the notice in time puts the "
        "answer off, to no day that the law fixes; no due date"
    )
    assert "verified" not in land(law, RESTARTS | OPEN, verified=MONDAY, **facts).explanation


# ---- pauses ----


@pytest.mark.parametrize(
    ("pause", "pauses", "day"),
    [
        ("none", 2, date(2026, 4, 1)),
        ("added", 2, date(2026, 4, 10)),  # 1 April + 9
        ("inclusive", 2, date(2026, 4, 12)),  # and one more for each pause: both end days are days of waiting
        ("inclusive", 0, date(2026, 4, 10)),
    ],
)
def test_days_of_waiting_count_as_the_rule_says(law, pause, pauses, day):
    assert land(law, {"pause": pause}, paused_days=9, pauses=pauses).due_on == day


def test_days_without_a_count_of_pauses_are_added_alone(law):
    assert land(law, {"pause": "inclusive"}, paused_days=9).due_on == date(2026, 4, 10)


# ---- extensions ----


def test_an_extension_whose_notice_has_no_date_is_taken_as_in_time(regimes):
    # GDPR Art. 12(3): one month and two more, 28 February 2027 is a Sunday (Reg. 1182/71 Art. 3(4)).
    due = due_date(regimes, "GDPR", "access", date(2026, 11, 30), region="DE", is_extended=True)
    assert (due.due_on, due.is_extension_valid) == (date(2027, 3, 1), True)


@pytest.mark.parametrize(
    ("extended_on", "valid", "day"),
    [
        (date(2026, 4, 1), True, date(2026, 4, 16)),  # the last day of the 30
        (date(2026, 4, 2), False, date(2026, 4, 1)),
    ],
)
def test_a_notice_on_the_last_day_is_in_time(law, extended_on, valid, day):
    due = land(law, {"extension": {"length": 15, "condition": "many requests"}}, extended_on=extended_on)
    assert (due.is_extension_valid, due.due_on) == (valid, day)


@pytest.mark.parametrize("facts", [{"extended_on": MONDAY}, {"is_extended": True}])
def test_a_law_without_an_extension_gives_none(law, facts):
    due = land(law, {}, **facts)
    assert (due.is_extension_valid, due.due_on) == (False, date(2026, 4, 1))


def test_a_notice_in_time_is_judged_by_the_due_date_with_pauses_and_closed_days(law):
    # 30 days end on Wednesday 1 April, 2 of waiting make Good Friday, which moves to Tuesday 7 April.
    rule = {"pause": "added", "roll": "next", "calendar": "DE", "extension": {"length": 5, "condition": "many"}}
    due = land(law, rule, paused_days=2, extended_on=date(2026, 4, 7))
    assert (due.is_extension_valid, due.due_on) == (True, date(2026, 4, 8))  # 35 days end on 6 April, 2 more


# ---- closed days ----


@pytest.mark.parametrize(
    ("weekend", "received", "day"),
    [
        ("default", date(2026, 3, 5), date(2026, 3, 9)),  # Thursday + 2 = Saturday, moves to Monday
        ("sun", date(2026, 3, 5), date(2026, 3, 7)),  # Saturday is open
        ("sun", date(2026, 3, 6), date(2026, 3, 9)),  # Sunday moves
    ],
)
def test_a_last_day_moves_from_the_weekend_of_the_law(law, weekend, received, day):
    rule = {"length": 2, "roll": "next", "calendar": "WEEKENDS", "weekend": weekend}
    assert land(law, rule, received).due_on == day


@pytest.mark.parametrize(
    ("counting", "length", "weekend", "day"),
    [
        ("bday", 1, "default", date(2026, 3, 9)),
        ("bday", 1, "sun", date(2026, 3, 7)),
        ("bday_incl", 1, "sun", date(2026, 3, 6)),
        ("bday_incl", 2, "sun", date(2026, 3, 7)),
        ("bday_incl", 3, "sun", date(2026, 3, 9)),
    ],
)
def test_where_only_sunday_is_closed_saturday_is_a_business_day(counting, length, weekend, day):
    assert last_day(date(2026, 3, 6), counting, length, "WEEKENDS", weekend) == day


def test_a_first_business_day_that_is_closed_does_not_count():
    # From Saturday 7 March, the day itself counted where open.
    assert last_day(date(2026, 3, 7), "bday_incl", 1, "WEEKENDS", "default") == date(2026, 3, 9)
    assert last_day(date(2026, 3, 7), "bday_incl", 1, "WEEKENDS", "sun") == date(2026, 3, 7)


@pytest.mark.parametrize(
    ("region", "day", "calendar", "assumed"),
    [
        ("DE", date(2026, 4, 7), "DE", False),  # Good Friday to Easter Monday
        ("DE-BY", date(2026, 4, 7), "DE-BY", False),
        ("US", date(2026, 4, 3), "US", False),  # an open Friday
        (None, date(2026, 4, 3), "US", True),
    ],
)
def test_a_regional_calendar_is_that_of_the_person(law, region, day, calendar, assumed):
    rule = {"length": 1, "roll": "next", "calendar": "region"}
    due = land(law, rule, date(2026, 4, 2), regime={"default_calendar": "US"}, region=region)
    assert (due.due_on, due.calendar, due.calendar_assumed) == (day, calendar, assumed)
    assert ("calendar US assumed" in due.explanation) == assumed
