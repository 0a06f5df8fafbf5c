"""Marketing opt-outs: a small table in, plain arithmetic out."""

from datetime import datetime, timedelta

import polars as pl
import pytest

from asking import ask, policy, row, table
from pledgebook.consent import CHANNEL
from pledgebook.metrics.marketing_opt_outs import METRIC
from pledgebook.metrics.regions import places_of_people

PEOPLE = """
person | kind     | region | opened_at
1      | customer | JP-13  | 2026-01-01T00:00:00
2      | customer | US-NY  | 2026-01-01T00:00:00
"""


def tables(events, messages, suppressions=None, requests=None, **asking):
    frames = {"people": table("people", PEOPLE), "consent_events": table("consent_events", events)}
    head = "message_id | person | channel | campaign | category | system | sent_at\n"
    frames["messages"] = table("messages", head + messages)
    if suppressions:
        frames["suppressions"] = table(
            "suppressions", "person | channel | system | added_at | removed_at\n" + suppressions
        )
    if requests:
        frames["requests"] = table("requests", "request_id | person | kind | received_at\n" + requests)
    return METRIC.compute(frames, ask(**asking))


HEAD = "person | purpose | channel | action | at\n"
GRANTED = (
    HEAD + "1 | marketing | any | grant | 2026-01-02T00:00:00\n2 | marketing | any | grant | 2026-01-02T00:00:00\n"
)
STOP_1 = GRANTED + "1 | marketing | email | withdraw | 2026-09-01T12:00:00\n"
STOP_2 = GRANTED + "2 | marketing | any | withdraw | 2026-09-01T12:00:00\n"


@pytest.mark.parametrize(
    ("sent_at", "verdict"),
    [
        ("2026-09-01T11:59:59.999999", "permitted"),
        ("2026-09-01T12:00:00", "in_grace"),
        ("2026-09-01T12:00:00.000001", "after_opt_out"),
    ],
)
def test_japan_gives_no_grace(sent_at, verdict):
    messages = tables(STOP_1, f"m | 1 | email | autumn | marketing | mailer | {sent_at}")["marketing_messages"]
    assert row(messages, month="all")[verdict] == 1


@pytest.mark.parametrize(
    ("sent_at", "verdict"),
    [("2026-09-17T00:00:00", "in_grace"), ("2026-09-17T00:00:00.000001", "after_opt_out")],
)
def test_america_gives_ten_business_days_without_labor_day(sent_at, verdict):
    # from Tuesday 1 September 2026: the 2nd is day 1, Labor Day on the 7th does not count, the 16th is day 10
    messages = tables(STOP_2, f"m | 2 | sms | autumn | marketing | gate | {sent_at}")["marketing_messages"]
    assert row(messages, month="all")[verdict] == 1


def test_people_are_not_read_where_the_policy_of_marketing_chooses_by_no_region():
    def fail(_):
        raise LookupError("people were read")

    frames = {"people": table("people", PEOPLE).lazy().map_batches(fail)}
    sent = pl.DataFrame({"person": [1, 2]}, schema={"person": pl.UInt64}).with_columns(channel=pl.lit("email", CHANNEL))
    everywhere = ask(rules=policy(marketing={"by_region": {}}))
    told = places_of_people(frames, everywhere).with_regimes(sent)["regime"]
    assert told.cast(pl.String).to_list() == ["JP_SPECIFIED_EMAIL", "JP_SPECIFIED_EMAIL"]
    with pytest.raises(LookupError, match="people were read"):
        places_of_people(frames, ask())


def test_an_opt_out_for_email_leaves_sms_alone():
    messages = tables(STOP_1, "m | 1 | sms | autumn | marketing | gate | 2026-09-02T00:00:00")["marketing_messages"]
    assert row(messages, month="all")["permitted"] == 1


def test_a_request_to_opt_out_is_a_withdraw_on_every_channel():
    found = tables(
        GRANTED,
        "m | 1 | sms | autumn | marketing | gate | 2026-09-04T00:00:00",
        requests="r | 1 | marketing_opt_out | 2026-09-03T00:00:00",
    )
    assert row(found["marketing_messages"], month="all")["after_opt_out"] == 1
    assert found["opt_out_breaches"].row(0, named=True)["hours_after"] == 24
    assert row(found["opt_outs"], channel="any")["breached"] == 1


def test_consent_given_again_ends_the_opt_out():
    again = STOP_1 + "1 | marketing | any | grant | 2026-09-02T00:00:00\n"
    found = tables(again, "m | 1 | email | autumn | marketing | mailer | 2026-09-03T00:00:00")
    assert row(found["marketing_messages"], month="all")["permitted"] == 1
    assert row(found["opt_outs"], channel="all")["honoured_ratio"] == 1 / 1


def test_grant_and_withdraw_at_one_instant_stay_withdrawn_and_begin_a_new_run():
    both = STOP_1 + (
        "1 | marketing | email | grant | 2026-09-05T00:00:00\n1 | marketing | email | withdraw | 2026-09-05T00:00:00\n"
    )
    found = tables(both, "m | 1 | email | autumn | marketing | mailer | 2026-09-06T00:00:00")
    assert found["opt_out_breaches"].row(0, named=True)["hours_after"] == 24
    # the second withdraw says nothing new: the latest earlier event is a withdraw
    assert row(found["opt_outs"], channel="all")["opt_outs"] == 1


def test_saying_no_twice_is_one_opt_out():
    twice = STOP_1 + "1 | marketing | email | withdraw | 2026-09-10T00:00:00\n"
    assert row(tables(twice, "")["opt_outs"], channel="all")["opt_outs"] == 1


def test_a_message_after_the_period_still_breaches_its_opt_out():
    message = "m | 1 | email | autumn | marketing | mailer | 2026-10-05T00:00:00"
    assert row(tables(STOP_1, message, as_of="2026-10-31T00:00")["opt_outs"], channel="email")["breached"] == 1
    assert row(tables(STOP_1, message)["opt_outs"], channel="email")["breached"] == 0


PAIRS = (
    "m1 | 2 | email | autumn | marketing | mailer | 2026-09-20T00:00:00\n"
    "m2 | 2 | email | autumn | marketing | letters | 2026-09-20T00:00:00\n"
)


def test_suppressed_when_every_system_in_use_lists_the_person():
    lists = "1 | email | mailer | 2026-09-01T13:00:00 | -\n1 | any | letters | 2026-09-02T12:00:00 | -"
    opt_outs = row(tables(STOP_1, PAIRS, lists)["opt_outs"], channel="email")
    assert (opt_outs["median_hours_to_suppression"], opt_outs["not_suppressed"]) == (24, 0)


def test_not_suppressed_when_an_entry_is_missing_or_taken_off_again():
    lists = (
        "1 | email | mailer | 2026-09-01T13:00:00 | -\n1 | any | letters | 2026-09-02T12:00:00 | 2026-09-03T00:00:00"
    )
    opt_outs = row(tables(STOP_1, PAIRS, lists)["opt_outs"], channel="all")
    assert (opt_outs["median_hours_to_suppression"], opt_outs["not_suppressed"]) == (None, 1)


def test_listed_before_the_opt_out_counts_as_no_wait():
    lists = "1 | any | mailer | 2026-01-01T00:00:00 | -\n1 | any | letters | 2026-01-01T00:00:00 | -"
    assert row(tables(STOP_1, PAIRS, lists)["opt_outs"], channel="all")["median_hours_to_suppression"] == 0


def test_verdicts_add_up_to_the_messages():
    expired = HEAD + "1 | marketing | any | grant | 2020-01-01T00:00:00\n"
    messages = (
        "a | 1 | email | autumn | marketing | mailer | 2026-09-02T00:00:00\n"
        "b | 2 | email | autumn | marketing | mailer | 2026-09-02T00:00:00\n"
        "c | 2 | email | notices | service | mailer | 2026-09-02T00:00:00\n"
    )
    total = row(tables(expired, messages)["marketing_messages"], month="all")
    assert (total["messages"], total["permitted"], total["no_consent"]) == (2, 1, 1)


def test_messages_without_a_system_are_counted_in_the_notes():
    notes = tables(STOP_1, "m | 1 | sms | autumn | marketing | - | 2026-09-02T00:00:00")["notes"]
    assert notes.rows() == [("messages", "no_system", 1)]


@pytest.mark.parametrize(
    ("as_of", "counted"),
    [
        ("2026-09-02T00:00", ["2026-09-01"]),
        ("2026-09-02T00:00:00.000001", ["2026-09-01", "2026-09-02"]),
        ("2026-09-02T12:00", ["2026-09-01", "2026-09-02"]),
        ("2026-09-02T12:00:00.000001", ["2026-09-01", "2026-09-02", "2026-09-02"]),
        ("2026-09-01T00:00", []),
    ],
)
def test_of_the_day_that_as_of_cuts_the_messages_before_it_are_counted(as_of, counted):
    messages = (
        "a | 2 | email | autumn | marketing | mailer | 2026-09-01T23:59:59.999999\n"
        "b | 2 | email | autumn | marketing | mailer | 2026-09-02T00:00:00\n"
        "c | 2 | sms   | autumn | marketing | -      | 2026-09-02T12:00:00\n"
    )
    found = tables(GRANTED, messages, as_of=as_of)
    days = found["marketing_messages_daily"]
    assert (
        days.select(pl.col("date").cast(pl.String).repeat_by("messages")).explode("date").to_series().to_list()
        == counted
    )
    assert row(found["marketing_messages"], month="all")["messages"] == len(counted)
    assert found["notes"].height == (len(counted) == 3)


def test_where_clocks_go_back_across_a_midnight_no_message_of_a_period_is_lost_or_counted_twice():
    """In Newfoundland 2009-11-01 began, after a minute clocks showed 2009-10-31 23:01 again, and then it went on."""
    rules = policy(company={"timezone": "America/St_Johns"})
    sent = ("2009-11-01T02:30:00", "2009-11-01T02:30:30", "2009-11-01T02:31:00", "2009-11-01T03:30:00")
    texts = [f"{datetime.fromisoformat(each) + timedelta(hours=9):%Y-%m-%dT%H:%M:%S}" for each in sent]
    messages = "\n".join(f"m{n} | 2 | email | autumn | marketing | mailer | {text}" for n, text in enumerate(texts))
    months = {
        period: row(tables(GRANTED, messages, period=period, rules=rules)["marketing_messages"], month="all")[
            "messages"
        ]
        for period in ("2009-10", "2009-11", "2009-Q4", "2009-10-31/2009-10-31", "2009-11-01/2009-11-30")
    }
    assert months == {
        "2009-10": 0, "2009-11": 4, "2009-Q4": 4, "2009-10-31/2009-10-31": 0, "2009-11-01/2009-11-30": 4,
    }  # fmt: skip
