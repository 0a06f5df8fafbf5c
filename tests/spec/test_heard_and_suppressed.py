"""A no that is heard: which withdraws are opt-outs of the period, who must list the person, and how long it took."""

from datetime import date

import polars as pl
import pytest

from asking import MARKETING, RESEARCH, ask, policy, row, table
from pledgebook.metrics.marketing_opt_outs import METRIC

PEOPLE = """
person | kind     | region | opened_at
1      | customer | JP     | 2026-01-01T00:00:00
2      | customer | US-NY  | 2026-01-01T00:00:00
"""
ANSWERS = "person | purpose | channel | recipient | action | at | expires_at | notice_version\n"
SENT = "message_id | person | channel | campaign | category | system | sent_at\n"
LISTED = "person | channel | system | added_at | removed_at\n"
YES = ("grant", "2026-01-02T00:00:00")
NO = ("withdraw", "2026-09-01T12:00:00")


def answer(action, at, channel="any", person=1, purpose="marketing", recipient="-", expires="-", notice="-"):
    return f"{person} | {purpose} | {channel} | {recipient} | {action} | {at} | {expires} | {notice}"


def mail(at, channel="email", person=1, system="mailer", campaign="autumn", category="marketing"):
    return f"m | {person} | {channel} | {campaign} | {category} | {system} | {at}"


def tables(answers, mails=(), listed=(), rules=None, people=PEOPLE, **asking):
    frames = {
        "people": table("people", people),
        "consent_events": table("consent_events", ANSWERS + "\n".join(answers)),
        "messages": table("messages", SENT + "\n".join(mails)),
        "suppressions": table("suppressions", LISTED + "\n".join(listed)),
    }
    return METRIC.compute(frames, ask(rules=rules, **asking))


def opt_outs(*arguments, channel="all", **named):
    return row(tables(*arguments, **named)["opt_outs"], channel=channel)


# ---- what is an opt-out of the period ----


@pytest.mark.parametrize(
    ("at", "counted"),
    [
        ("2026-08-31T23:59:59.999999", 0), ("2026-09-01T00:00:00", 1), ("2026-09-30T23:59:59.999999", 1),
        ("2026-10-01T00:00:00", 0),
    ],
)  # fmt: skip
@pytest.mark.parametrize("channel", ["any", "email"])
def test_a_no_within_the_period_counts(at, counted, channel):
    assert opt_outs([answer(*YES), answer("withdraw", at, channel)])["opt_outs"] == counted


@pytest.mark.parametrize(
    ("answers", "counted"),
    [
        ([answer(*NO)], 1),  # also of somebody who never said yes
        ([answer(*NO), answer("withdraw", "2026-09-02T00:00:00")], 1),
        ([answer(*NO), answer("grant", "2026-09-02T00:00:00"), answer("withdraw", "2026-09-03T00:00:00")], 2),
        ([answer(*NO), answer("grant", "2026-09-02T00:00:00", "email"), answer("withdraw", "2026-09-03T00:00:00")], 2),
        ([answer(*NO), answer("grant", NO[1]), answer("withdraw", "2026-09-03T00:00:00")], 1),  # granted at that instant
        ([answer(*NO), answer("withdraw", "2026-09-02T00:00:00", "email")], 1),  # `any` had covered it
        ([answer(*NO, "email"), answer("withdraw", "2026-09-02T00:00:00")], 2),  # `any` says more
        ([answer(*NO, "email"), answer("withdraw", "2026-09-02T00:00:00", "sms")], 2),
        ([answer(*NO, "email"), answer("withdraw", "2026-09-02T00:00:00", "email")], 1),
        ([answer(*NO, "email"), answer("grant", "2026-09-02T00:00:00"), answer("withdraw", "2026-09-03T00:00:00", "email")], 2),
        ([answer("withdraw", "2026-08-01T00:00:00"), answer(*NO)], 0),  # said before the period
        ([answer(*NO, purpose="research")], 0),
        ([answer(*NO, recipient="acme")], 0),
        ([answer(*NO), answer(*NO, person=2)], 2),
    ],
)  # fmt: skip
def test_a_no_that_says_something_new_is_an_opt_out(answers, counted):
    assert opt_outs(answers)["opt_outs"] == counted


def test_opt_outs_are_told_by_channel_and_together():
    told = tables([answer(*NO, "email"), answer(*NO, person=2)])["opt_outs"]
    shown = told.select("channel", "opt_outs", "honoured", "breached", "honoured_ratio").rows()
    assert shown == [("all", 2, 2, 0, 1.0), ("any", 1, 1, 0, 1.0), ("email", 1, 1, 0, 1.0)]


# ---- breached ----


@pytest.mark.parametrize(
    ("answers", "sent", "breached"),
    [
        ([answer(*NO, "email")], mail("2026-09-02T00:00:00"), 1),
        ([answer(*NO, "email")], mail("2026-09-02T00:00:00", "sms"), 0),
        ([answer(*NO)], mail("2026-09-02T00:00:00", "sms"), 1),
        ([answer(*NO)], mail(NO[1]), 0),  # at the very instant
        ([answer(*NO)], mail("2026-09-02T00:00:00", category="service"), 0),
        ([answer(*NO)], mail("2026-09-02T00:00:00", person=2), 0),
        ([answer(*NO), answer("grant", "2026-09-02T00:00:00", "email")], mail("2026-09-03T00:00:00"), 0),
        ([answer(*NO), answer("grant", "2026-09-02T00:00:00", "email")], mail("2026-09-03T00:00:00", "sms"), 1),
        ([answer(*NO, person=2)], mail("2026-09-16T12:00:00", person=2), 0),  # ten business days in America
        ([answer(*NO, person=2)], mail("2026-09-17T12:00:00", person=2), 1),
    ],
)
def test_advertising_after_a_no_was_in_force_breaches_it(answers, sent, breached):
    assert opt_outs(answers, [sent])["breached"] == breached


def test_a_grant_between_two_refusals_shields_the_first_from_a_later_message():
    answers = [
        answer("withdraw", "2026-09-01T00:00:00", "email"), answer("grant", "2026-09-02T00:00:00", "email"),
        answer("withdraw", "2026-09-03T00:00:00", "email"),
    ]  # fmt: skip
    figures = opt_outs(answers, [mail("2026-09-04T00:00:00")])
    assert (figures["opt_outs"], figures["breached"], figures["honoured"], figures["honoured_ratio"]) == (2, 1, 1, 0.5)


def test_the_list_of_breaches_counts_the_hours_since_the_run_of_refusals_began():
    answers = [answer("withdraw", "2026-08-31T00:00:00"), answer("withdraw", "2026-09-01T00:00:00", "email")]
    told = tables(answers, [mail("2026-09-01T12:00:00"), mail("2026-08-31T12:00:00"), mail("2026-10-01T00:00:00")])
    assert told["opt_out_breaches"].select("campaign", "channel", "system", "hours_after").rows() == [
        ("autumn", "email", "mailer", 36.0)
    ]  # fmt: skip
    assert told["opt_out_breaches"].schema["channel"] == pl.String


# ---- suppressed ----

IN_USE = [mail("2026-09-20T00:00:00", person=2), mail("2026-09-20T00:00:00", "sms", 2, "gate")]


@pytest.mark.parametrize(
    ("listed", "hours", "missing"),
    [
        ([], None, 1),
        (["1 | email | mailer | 2026-09-01T18:00:00 | -"], None, 1),  # the gate is in use too
        (["1 | email | mailer | 2026-09-01T18:00:00 | -", "1 | sms | gate | 2026-09-02T12:00:00 | -"], 24, 0),
        (["1 | any | mailer | 2026-09-01T18:00:00 | -", "1 | any | gate | 2026-09-01T12:00:00 | -"], 6, 0),
        (["1 | any | mailer | 2026-08-01T00:00:00 | -", "1 | any | gate | 2026-08-01T00:00:00 | -"], 0, 0),
        (["1 | sms | mailer | 2026-09-01T18:00:00 | -", "1 | sms | gate | 2026-09-01T18:00:00 | -"], None, 1),
        (["2 | email | mailer | 2026-09-01T18:00:00 | -", "1 | sms | gate | 2026-09-01T18:00:00 | -"], None, 1),
        (["1 | any | mailer | 2026-10-01T00:00:00 | -", "1 | any | gate | 2026-09-01T18:00:00 | -"], None, 1),
        (["1 | any | mailer | 2026-09-01T18:00:00 | 2026-10-01T00:00:00", "1 | any | gate | 2026-09-01T18:00:00 | -"], 6, 0),
        (["1 | any | mailer | 2026-09-01T18:00:00 | 2026-09-30T23:59:59", "1 | any | gate | 2026-09-01T18:00:00 | -"], None, 1),
        (["1 | any | mailer | 2026-09-01T18:00:00 | -", "1 | email | mailer | 2026-09-01T15:00:00 | -",
          "1 | any | gate | 2026-09-01T12:00:00 | -"], 3, 0),  # the earliest entry of a system counts
    ],
)  # fmt: skip
def test_every_system_in_use_must_list_the_person(listed, hours, missing):
    figures = opt_outs([answer(*NO)], IN_USE, listed)
    assert (figures["median_hours_to_suppression"], figures["not_suppressed"]) == (hours, missing)


def test_a_no_for_one_channel_needs_the_systems_of_that_channel_alone():
    figures = opt_outs([answer(*NO, "email")], IN_USE, ["1 | email | mailer | 2026-09-01T15:00:00 | -"])
    assert (figures["median_hours_to_suppression"], figures["not_suppressed"]) == (3, 0)


@pytest.mark.parametrize(
    ("again", "missing"),
    [
        (answer("grant", "2026-09-02T00:00:00"), 0),
        (answer("grant", "2026-09-02T00:00:00", "email"), 1),  # the gate must still list the person
        (answer("grant", NO[1]), 1),  # at the very instant of the no
        (answer("grant", "2026-08-02T00:00:00"), 1),
    ],
)
def test_who_agreed_again_need_not_be_listed(again, missing):
    assert opt_outs([answer(*NO), again], IN_USE)["not_suppressed"] == missing


@pytest.mark.parametrize(
    "unused",
    [
        mail("2026-08-31T23:59:59", person=2), mail("2026-10-01T00:00:00", person=2),
        mail("2026-09-20T00:00:00", person=2, category="service"), mail("2026-09-20T00:00:00", person=2, system="-"),
    ],
)  # fmt: skip
def test_a_system_that_sent_no_advertising_in_the_period_need_not_list_anybody(unused):
    figures = opt_outs([answer(*NO)], [unused], as_of="2026-10-02T00:00")
    assert (figures["not_suppressed"], figures["median_hours_to_suppression"]) == (0, None)


def test_waits_are_shown_by_full_hours_and_channel():
    answers = [answer(*NO, "email"), answer(*NO, "email", 2)]
    listed = ["1 | any | mailer | 2026-09-01T13:59:59 | -", "2 | any | mailer | 2026-09-01T14:00:00 | -"]
    told = tables(answers, [mail("2026-09-20T00:00:00", person=2)], listed)
    assert told["opt_out_waits"].rows() == [("email", 1, 1), ("email", 2, 1)]
    assert row(told["opt_outs"], channel="all")["median_hours_to_suppression"] == pytest.approx((2 - 1 / 3600 + 2) / 2)


def test_waits_stand_by_channel_before_hours():
    answers = [answer(*NO), answer(*NO, "email", 2)]
    listed = ["1 | any | mailer | 2026-09-01T17:00:00 | -", "2 | any | mailer | 2026-09-01T14:00:00 | -"]
    told = tables(answers, [mail("2026-09-20T00:00:00", person=2)], listed)
    assert told["opt_out_waits"].rows() == [("any", 5, 1), ("email", 2, 1)]


# ---- verdicts of messages ----

RULES = [MARKETING | {"valid_days": 30, "notice_versions": [{"id": "new"}]}, RESEARCH]


@pytest.mark.parametrize(
    ("given", "opt_in", "verdict"),
    [
        ([], True, "no_consent"),
        ([], False, "permitted"),
        ([answer("grant", "2026-09-01T00:00:00", notice="new")], True, "permitted"),
        ([answer("grant", "2026-08-01T00:00:00", notice="new")], True, "expired"),
        ([answer("grant", "2026-09-01T00:00:00", notice="old")], True, "outdated"),
        ([answer("grant", "2026-09-01T00:00:00", notice="old")], False, "outdated"),
        ([answer("withdraw", "2026-09-01T00:00:00")], False, "after_opt_out"),
    ],
)
def test_every_message_has_one_verdict(given, opt_in, verdict):
    rules = policy(purpose=RULES, marketing={"opt_in": opt_in})
    figures = row(tables(given, [mail("2026-09-10T00:00:00")], rules=rules)["marketing_messages"], month="all")
    verdicts = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
    assert {name: figures[name] for name in verdicts} == dict.fromkeys(verdicts, 0) | {verdict: 1}
    assert (figures["messages"], figures["violation_ratio"]) == (1, 1.0 if verdict == "after_opt_out" else 0.0)


@pytest.mark.parametrize(
    ("opened_at", "verdict"),
    [("2026-09-30T23:59:59.999999", "in_grace"), ("2026-10-01T00:00:00", "after_opt_out")],
)
def test_a_region_that_is_recorded_at_as_of_is_not_known_yet(opened_at, verdict):
    people = PEOPLE + f"3 | customer | US-NY | {opened_at}\n"
    told = tables([answer(*NO, person=3)], [mail("2026-09-02T00:00:00", person=3)], people=people)
    assert row(told["marketing_messages"], month="all")[verdict] == 1


@pytest.mark.parametrize("person", [1, 2])
@pytest.mark.parametrize("at", ["1970-01-01T09:00:00", "1989-12-31T23:59:59"])
def test_a_no_from_before_every_law_on_marketing_binds_at_once(at, person):
    told = tables([answer("withdraw", at, person=person)], [mail("2026-09-10T00:00:00", person=person)])
    assert row(told["marketing_messages"], month="all")["after_opt_out"] == 1
    assert told["opt_out_breaches"].height == 1


def test_messages_are_told_by_month_day_channel_and_campaign():
    sent = [
        mail("2026-09-01T00:00:00"), mail("2026-09-30T23:59:59"), mail("2026-10-01T00:00:00", "sms", campaign="winter"),
        mail("2026-08-31T23:59:59"), mail("2026-11-01T00:00:00"),
    ]  # fmt: skip
    told = tables([answer("withdraw", "2026-09-15T00:00:00", "email")], sent, period="2026-09-01/2026-10-31")
    messages = told["marketing_messages"].select(
        "month", "channel", "campaign", "messages", "after_opt_out", "no_consent"
    )
    assert messages.rows() == [
        ("2026-09", "email", "autumn", 2, 1, 1), ("2026-10", "sms", "winter", 1, 0, 1), ("all", "all", "all", 3, 1, 2),
    ]  # fmt: skip
    daily = told["marketing_messages_daily"].select("date", "channel", "messages", "after_opt_out").rows()
    assert daily == [
        (date(2026, 9, 1), "email", 1, 0), (date(2026, 9, 30), "email", 1, 1), (date(2026, 10, 1), "sms", 1, 0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("person", "at", "notes"),
    [
        (
            2,
            "2026-09-20T00:00:00",
            [("messages", "unverified_clock", 1)],
        ),  # the American rules were not read in the law
        (2, "2026-08-31T23:59:59", []),
    ],
)
def test_messages_judged_by_a_rule_that_nobody_read_are_noted(person, at, notes):
    answers = [answer("withdraw", "2026-08-01T00:00:00", person=person)]
    assert tables(answers, [mail(at, "sms", person)])["notes"].rows() == notes


def test_without_a_marketing_purpose_there_are_no_opt_outs_and_messages_are_still_counted():
    rules = policy()
    rules = rules.model_copy(update={"marketing": None})
    told = tables([answer(*NO)], [mail("2026-09-10T00:00:00")], rules=rules)
    assert row(told["opt_outs"], channel="all")["opt_outs"] == 0
    assert row(told["marketing_messages"], month="all")["permitted"] == 1
