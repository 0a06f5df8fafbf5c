"""The work ahead: what is open and since when, what falls due, how fast it must go, what was doubtful."""

from datetime import date

import pytest

from asking import ask, policy, row, table
from pledgebook.metrics.request_turnaround import METRIC

HEAD = (
    "request_id | person | kind | regime | region | received_at | acknowledged_at | verified_at | extended_at "
    "| closed_at | outcome\n"
)
NAMES = [
    "id",
    "person",
    "kind",
    "regime",
    "region",
    "received",
    "acknowledged",
    "verified",
    "extended",
    "closed",
    "outcome",
]
BLANK = dict.fromkeys(NAMES, "-") | {"id": "a", "person": "1", "kind": "complaint", "regime": "APPI"}
PROMISE = {"promised_days": {"default": 14, "complaint": 7}, "needs_identification": ["disclosure"]}


def request(number, **values):
    return " | ".join((BLANK | {"id": f"r{number}"} | values)[name] for name in NAMES)


def tables(*requests, period="2026-09", as_of=None, pauses=None, **rules):
    lines = "\n".join(request(number, **values) for number, values in enumerate(requests))
    frames = {"requests": table("requests", HEAD + lines)}
    if pauses:
        frames["request_pauses"] = table("request_pauses", "request_id | paused_at | resumed_at\n" + pauses)
    return METRIC.compute(frames, ask(period, as_of, policy(requests=PROMISE | rules)))


def received(day, **values):
    return {"received": f"2026-09-{day:02}T12:00:00"} | values


# ---- the backlog ----


def test_open_requests_fall_due_within_a_week_two_and_a_month():
    # As of the end of Wednesday 30 September; complaints are due 7 days after receipt, all else 14.
    told = tables(
        received(22),  # due on the 29th: its midnight is past
        received(23),  # due on the 30th, whose midnight is as-of itself: overdue
        received(24),  # due on 1 October
        received(30),  # due on the 7th, in 7 days
        received(24, kind="inquiry"),  # due on the 8th, in 8 days
        received(30, kind="inquiry"),  # due on the 14th, in 14 days
        {"kind": "disclosure", "regime": "CCPA", "received": "2026-09-15T12:00:00"},  # 45 days: 30 October
        {"kind": "disclosure", "regime": "CCPA", "received": "2026-09-16T12:00:00"},  # 31 October
    )["request_backlog"]
    counted = ("open", "overdue", "due_in_7_days", "due_in_14_days", "due_in_30_days", "no_due_date")
    assert [row(told, regime="APPI", kind="all")[name] for name in counted] == [6, 2, 2, 4, 4, 0]
    assert [row(told, regime="APPI", kind="complaint")[name] for name in counted] == [4, 2, 2, 2, 2, 0]
    assert [row(told, regime="CCPA", kind="all")[name] for name in counted] == [2, 0, 0, 0, 1, 0]


def test_the_pace_needed_is_that_of_the_tightest_week():
    # Overdue 2 and due within 7 days 2: four in a week; within 14 days 2 + 4 in two weeks would be three a week.
    lines = [received(22), received(23), received(24), received(30)]
    lines += [received(24, kind="inquiry"), received(30, kind="inquiry")]
    assert row(tables(*lines)["request_backlog"], kind="all")["needed_per_week"] == 4
    # Nine inquiries due within 14 days and none before: 4.5 a week.
    later = [received(30, kind="inquiry")] * 9
    assert row(tables(*later)["request_backlog"], kind="all")["needed_per_week"] == 4.5


def test_what_was_closed_in_the_period_shows_the_pace():
    # 30 days are 30/7 weeks; closed in August, and closed at the first instant of October, are of other periods.
    closed = [{"received": "2026-08-20T12:00:00", "closed": at, "outcome": "fulfilled"} for at in (
        "2026-08-31T23:59:59", "2026-09-01T00:00:00", "2026-09-30T23:59:59", "2026-10-01T00:00:00",
    )]  # fmt: skip
    told = row(tables(*closed, as_of="2026-10-02T00:00")["request_backlog"], kind="all")
    assert (told["closed"], told["open"]) == (2, 0)
    assert told["closed_per_week"] == pytest.approx(2 / (30 / 7))


def test_a_request_without_a_clock_is_open_without_a_due_date():
    told = tables(received(24), promised_days={"inquiry": 1, "default": 14, "complaint": 7})
    assert row(told["request_backlog"], kind="complaint")["no_due_date"] == 0
    # An extension in time that PIPA leaves open: no day by law, and no promise in its place.
    put_off = {
        "kind": "disclosure",
        "regime": "PIPA_KR",
        "received": "2026-09-20T12:00:00",
        "extended": "2026-09-22T12:00:00",
    }
    figures = row(tables(put_off)["request_backlog"], kind="all")
    assert (figures["open"], figures["no_due_date"], figures["overdue"], figures["due_in_30_days"]) == (1, 1, 0, 0)
    assert figures["needed_per_week"] == 0


def test_open_requests_are_aged_in_full_weeks():
    # From 17 September 00:00 to the end of the 30th are 14 days to the microsecond, from an instant later not yet.
    told = tables(
        {"received": "2026-09-17T00:00:00"},
        {"received": "2026-09-17T00:00:00.000001"},
        {"received": "2026-09-30T12:00:00"},
        {"received": "2026-09-30T13:00:00"},
    )["requests_open_ages"]
    ages = told.select("weeks_open", "is_overdue", "requests").rows()
    assert ages == [(0, False, 2), (1, True, 1), (2, True, 1)]


def test_the_list_of_open_requests_is_sorted_by_due_date_and_counts_the_days_left():
    told = tables(received(24), received(22), received(30, kind="inquiry"))["requests_open"]
    shown = told.select("request_id", "due_on", "days_left", "is_overdue", "is_paused").rows()
    assert shown == [
        ("r1", date(2026, 9, 29), -1, True, False),
        ("r0", date(2026, 10, 1), 1, False, False),
        ("r2", date(2026, 10, 14), 14, False, False),
    ]
    assert told["due_explanation"][0].startswith("received Tue 22 Sep 2026; the 7 days promised end Tue 29 Sep; due")


# ---- acknowledgements ----


def californian(**values):
    return {"kind": "disclosure", "regime": "CCPA", "region": "US-CA", "received": "2026-09-01T00:00:00"} | values


def test_acknowledged_or_answered_before_the_midnight_after_the_last_day():
    # 11 CCR 7021(a): ten business days from 1 September, Labor Day left out, end on Wednesday the 16th.
    told = tables(
        californian(acknowledged="2026-09-16T23:59:59.999999"),
        californian(acknowledged="2026-09-17T00:00:00"),
        californian(closed="2026-09-16T23:59:59", outcome="fulfilled"),
        californian(acknowledged="2026-09-20T00:00:00", closed="2026-09-10T00:00:00", outcome="fulfilled"),
        californian(closed="2026-09-20T00:00:00", outcome="fulfilled"),
        californian(),
    )["request_acknowledgements"]
    assert told.rows() == [("CCPA", "disclosure", 6, 3, 2, 1)]


@pytest.mark.parametrize(
    ("received", "due"),
    [
        ("2026-08-14T12:00:00", 0),  # ten business days end on Friday 28 August
        ("2026-08-17T12:00:00", 0),  # on Monday 31 August, and its midnight is the start of the period
        ("2026-08-18T12:00:00", 1),  # on Tuesday 1 September
        ("2026-09-16T12:00:00", 1),  # on Wednesday 30 September, and its midnight is the end of the period
        ("2026-09-17T12:00:00", 0),
    ],
)
def test_an_acknowledgement_belongs_to_the_period_in_which_it_fell_due(received, due):
    told = tables(californian(received=received))["request_acknowledgements"]
    assert told["acknowledgements_due"].sum() == due


def test_a_law_without_that_duty_has_no_row():
    told = tables(received(1))["request_acknowledgements"]
    assert told.columns == [
        "regime", "kind", "acknowledgements_due", "acknowledged_on_time", "acknowledged_late", "not_acknowledged",
    ]  # fmt: skip
    assert told.is_empty()


# ---- what was doubtful ----

REASONS = ("extension_too_late", "calendar_assumed", "region_problem", "unverified_clock", "no_clock")
GERMAN = {"kind": "disclosure", "regime": "GDPR", "region": "DE", "received": "2026-09-01T00:00:00"}


@pytest.mark.parametrize(
    ("values", "reasons"),
    [
        (GERMAN, {"unverified_clock"}),
        (GERMAN | {"extended": "2026-09-20T00:00:00"}, {"unverified_clock"}),
        (GERMAN | {"region": "-"}, {"unverified_clock", "calendar_assumed"}),
        (GERMAN | {"region": "US"}, {"unverified_clock", "calendar_assumed", "region_problem"}),
        (received(1), set()),  # a promise is no law, and rests on no text of one
        (received(1, extended="2026-09-02T00:00:00"), {"extension_too_late"}),
        ({"kind": "marketing_opt_out", "regime": "TCPA", "received": "2026-09-01T00:00:00"}, {"unverified_clock"}),
        ({"kind": "disclosure", "regime": "PIPA_KR", "received": "2026-09-20T12:00:00", "extended": "2026-09-22T12:00:00"},
         {"no_clock"}),
    ],
)  # fmt: skip
def test_a_doubtful_due_date_is_counted_by_its_reason(values, reasons):
    told = tables(values)
    figures = told["request_doubts"].row(0, named=True)
    assert (figures["received"], {name for name in REASONS if figures[name] == 1}) == (1, reasons)
    assert sorted(told["notes"].rows()) == sorted(("requests", reason, 1) for reason in reasons)


def test_doubts_are_those_of_requests_received_in_the_period():
    told = tables(GERMAN | {"received": "2026-08-20T00:00:00"}, GERMAN, received(1))
    assert told["request_doubts"].select("regime", "received", "unverified_clock").rows() == [
        ("APPI", 1, 0),
        ("GDPR", 1, 1),
    ]


# ---- months, clocks, ends ----


def test_months_look_back_a_year_and_leave_out_what_was_taken_back():
    # Complaints are due 7 days after receipt: received on 23 September 2025 it is due on the 30th, which is a year ago.
    year = [
        {"received": "2025-09-23T12:00:00"},
        {"received": "2025-09-24T12:00:00", "closed": "2025-10-01T23:59:59", "outcome": "fulfilled"},
        {"received": "2025-09-25T12:00:00", "closed": "2025-10-03T00:00:00", "outcome": "denied"},
        {"received": "2025-09-25T12:00:00", "closed": "2025-09-26T00:00:00", "outcome": "withdrawn"},
        {"received": "2026-09-23T12:00:00"},
        {"received": "2026-09-24T12:00:00"},
    ]
    months = tables(*year)["requests_due_by_month"]
    assert months.columns == ["regime", "month", "due", "on_time", "late", "overdue_open", "on_time_ratio"]
    assert months.rows() == [("APPI", "2025-10", 2, 1, 1, 0, 1 / 2), ("APPI", "2026-09", 1, 0, 0, 1, 0.0)]


def test_clocks_are_counted_by_whose_they_are():
    told = tables(received(1), received(2, closed="2026-09-03T00:00:00", outcome="fulfilled"), GERMAN)["request_clocks"]
    shown = told.select("regime", "clock", "confidence", "requests", "due", "on_time").rows()
    assert shown == [("APPI", "promised", "G", 2, 2, 1), ("GDPR", "statutory", "S", 1, 0, 0)]


@pytest.mark.parametrize(
    ("values", "counted"),
    [
        ({}, 1),
        ({"verified": "2026-09-03T00:00:00"}, 0),
        ({"verified": "2026-09-04T00:00:00"}, 0),  # at the instant of the answer
        ({"verified": "2026-09-04T00:00:01"}, 1),
        ({"outcome": "denied"}, 0),
        ({"outcome": "-"}, 1),  # closed, and nobody wrote down how: taken as an answer
        ({"kind": "complaint"}, 0),
    ],
)
def test_an_answer_to_somebody_who_was_not_identified_first(values, counted):
    answered = received(1, kind="disclosure", closed="2026-09-04T00:00:00", outcome="fulfilled") | values
    assert row(tables(answered)["request_turnaround"], kind="all")["unverified_answers"] == counted


@pytest.mark.parametrize(
    ("pause", "paused"),
    [
        ("2026-09-20T00:00:00 | -", 1),
        ("2026-09-20T00:00:00 | 2026-09-21T00:00:00", 0),
        ("2026-09-20T00:00:00 | 2026-10-01T00:00:00", 1),  # ends at as-of itself: not yet known
        ("2026-10-01T00:00:00 | -", 0),
    ],
)
def test_an_open_request_waits_for_the_person_while_its_pause_has_no_end(pause, paused):
    told = tables(received(1), pauses=f"r0 | {pause}")["request_turnaround"]
    assert row(told, kind="all")["paused_open"] == paused


def test_a_closed_request_waits_for_nobody():
    closed = received(1, closed="2026-09-25T00:00:00", outcome="fulfilled")
    told = tables(closed, pauses="r0 | 2026-09-20T00:00:00 | -")["request_turnaround"]
    assert row(told, kind="all")["paused_open"] == 0


def test_a_pause_outside_the_request_stops_nothing():
    # 1 to 11 September is ten days; of the pause only 9 to 11 September lies in the request: eight days net.
    closed = {"received": "2026-09-01T00:00:00", "closed": "2026-09-11T00:00:00", "outcome": "fulfilled"}
    told = tables(closed, pauses="r0 | 2026-09-09T00:00:00 | 2026-09-20T00:00:00")["request_turnaround"]
    figures = row(told, kind="all")
    assert (figures["answered_median_days"], figures["answered_median_gross_days"]) == (8, 10)
    before = tables(closed, pauses="r0 | 2026-08-20T00:00:00 | 2026-09-03T00:00:00")["request_turnaround"]
    assert row(before, kind="all")["answered_mean_days"] == 8


def test_each_of_several_pauses_is_cut_to_the_longest_that_the_policy_lets_count():
    closed = {"received": "2026-09-01T00:00:00", "closed": "2026-09-21T00:00:00", "outcome": "fulfilled"}
    pauses = "r0 | 2026-09-02T00:00:00 | 2026-09-05T00:00:00\nr0 | 2026-09-10T00:00:00 | 2026-09-11T00:00:00"
    told = tables(closed, pauses=pauses, max_pause_days=2)["request_turnaround"]
    assert row(told, kind="all")["answered_mean_days"] == 20 - 2 - 1


# Of four, one is denied after 1 day, one answered after 2, one closed without a word after 3; the last waits for 2.
FOUR = (
    {"received": "2026-09-01T00:00:00", "closed": "2026-09-02T00:00:00", "outcome": "denied"},
    {"received": "2026-09-01T00:00:00", "closed": "2026-09-03T00:00:00", "outcome": "fulfilled"},
    {"received": "2026-09-01T00:00:00", "closed": "2026-09-04T00:00:00", "outcome": "-"},
    {"received": "2026-09-29T00:00:00"},
)


def test_the_chance_of_an_outcome_leaves_room_for_the_others_and_for_those_who_wait():
    told = tables(*FOUR)["request_outcomes"].filter(kind="complaint")
    assert told.select("outcome", "days", "requests", "share").rows() == [
        ("denied", 1.0, 1, 1 / 4),
        ("fulfilled", 2.0, 1, pytest.approx(3 / 4 * 1 / 3)),
        ("outcome_unknown", 3.0, 1, pytest.approx(3 / 4 * 2 / 3)),
    ]


def test_chances_are_listed_by_outcome_and_then_by_time():
    late = {"received": "2026-09-01T00:00:00", "closed": "2026-09-09T00:00:00", "outcome": "denied"}
    told = tables(*FOUR[:2], late)["request_outcomes"].filter(kind="complaint")
    assert told.select("outcome", "days").rows() == [("denied", 1.0), ("denied", 8.0), ("fulfilled", 2.0)]


def test_the_curve_of_those_who_still_wait_has_its_band():
    # Kaplan-Meier: 3/4 after a day, two thirds of that after 2, none after 3; who waits for 2 days is at risk until then.
    told = tables(*FOUR)["request_survival"].filter(kind="all")
    assert told.columns == ["regime", "kind", "days", "at_risk", "events", "survival", "lower", "upper"]
    shown = told.select("days", "at_risk", "events", "survival").rows()
    assert shown == [(1.0, 4, 1, 3 / 4), (2.0, 3, 1, pytest.approx(1 / 2)), (3.0, 1, 1, pytest.approx(0))]
    assert all(low < share < high for low, share, high in told.head(2).select("lower", "survival", "upper").rows())
    assert told.tail(1).select("lower", "upper").rows() == [(pytest.approx(0), pytest.approx(0))]


def test_the_mean_counts_everybody_also_those_who_waited_equally_long():
    # Two waited for 2 days, one for 5: nine days among three.
    day = ("03", "03", "06")
    told = tables(
        *(
            {"received": "2026-09-01T00:00:00", "closed": f"2026-09-{end}T00:00:00", "outcome": "fulfilled"}
            for end in day
        )
    )
    figures = row(told["request_turnaround"], kind="all")
    assert (figures["answered_mean_days"], figures["answered_median_days"]) == (3, 2)
