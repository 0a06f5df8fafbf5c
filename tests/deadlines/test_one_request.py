"""One request: its sentence, hours, timezones, and what is refused."""

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from pledgebook.deadlines import due_date, explain_due
from pledgebook.errors import InputError


def test_the_sentence_says_how_the_date_came_about(regimes):
    due = due_date(regimes, "GDPR", "access", date(2026, 3, 5), region="DE")
    assert due.explanation == (
        "received Thu 5 Mar 2026; one month ends Sun 5 Apr (Easter Sunday); "
        "Mon 6 Apr is a holiday in DE (Easter Monday); due Tue 7 Apr 2026. "
        "GDPR Art. 12(3), 15; Reg. 1182/71 Art. 3(2)(c), 3(4) "
        "[statutory; rule gdpr_access of 2018-05-25; confidence S]"
    )


@pytest.mark.parametrize(
    ("regime", "kind", "options", "says"),
    [
        (
            "UK_GDPR",
            "access",
            {"verified": date(2026, 7, 31)},
            "verified Fri 31 Jul 2026, which starts the clock",
        ),
        (
            "UK_GDPR",
            "access",
            {"paused_days": 9, "pauses": 1},
            "10 paused days added: Sun 30 Aug (weekend); Mon 31",
        ),
        ("UK_GDPR", "access", {}, "calendar GB-ENG assumed"),
        (
            "GDPR",
            "access",
            {"extended_on": date(2026, 7, 21)},
            "three months (extended in time) end Tue 20 Oct",
        ),
        (
            "GDPR",
            "access",
            {"extended_on": date(2026, 9, 1)},
            "the extension notice of Tue 1 Sep 2026 does not count",
        ),
        (
            "APPI",
            "access",
            {"promised_days": {"default": 14}},
            "the 14 days promised end Mon 3 Aug; due Mon 3 Aug",
        ),
        (
            "APPI",
            "access",
            {"promised_days": {"default": 14}},
            "The law sets no number: APPI Art. 33(2), 33(3)",
        ),
        ("APPI", "access", {"promised_days": {"default": 14}}, "[promised]"),
        ("APPI", "access", {}, "neither the law nor the policy sets a number of days; no due date"),
        ("CCPA", "opt_out_sale", {}, "15 business days (holidays of US left out) end Mon 10 Aug"),
        (
            "CCPA",
            "know",
            {"extended_on": date(2026, 8, 1)},
            "Sun 18 Oct; the rule does not move a closed last day",
        ),
        (
            "GDPR",
            "object_direct_marketing",
            {},
            "no grace: the clock ends on Mon 20 Jul; due Mon 20 Jul 2026",
        ),
    ],
)
def test_the_sentence_names_each_step(regimes, regime, kind, options, says):
    assert says in due_date(regimes, regime, kind, date(2026, 7, 20), **options).explanation


def test_hours_run_through_closed_days_and_clock_changes(regimes):
    naive = due_date(regimes, "GDPR", "breach_authority", datetime(2026, 12, 24, 16, 20))
    assert naive.due_at == datetime(2026, 12, 27, 16, 20)
    berlin = datetime(2026, 10, 24, 12, tzinfo=ZoneInfo("Europe/Berlin"))
    assert due_date(regimes, "GDPR", "breach_authority", berlin).due_at.isoformat() == "2026-10-27T11:00:00+01:00"


def test_an_instant_is_received_on_its_local_date(regimes):
    late = datetime(2026, 3, 4, 23, 30, tzinfo=UTC)
    due = due_date(regimes, "GDPR", "access", late, region="DE", timezone="Europe/Berlin")
    assert due.due_on == date(2026, 4, 7)
    assert due.explanation.startswith("received Thu 5 Mar 2026")
    assert due_date(regimes, "CCPA", "know", late, timezone="America/Los_Angeles").due_on == date(2026, 4, 18)


def test_what_is_known_about_the_rule_stays_visible(regimes):
    due = due_date(regimes, "UK_GDPR", "access", date(2026, 2, 4), region="GB-SCT")
    assert (due.rule_id, due.version, due.clock) == ("uk_access", date(2018, 5, 25), "guidance")
    assert (due.hardness, due.confidence, due.calendar) == ("guidance", "P/G", "GB-SCT")
    assert "uk_access" in regimes.unverified()


@pytest.mark.parametrize(
    ("regime", "kind", "options", "says"),
    [
        ("GPDR", "access", {}, "regime 'GPDR': not known. Give one of: APPI"),
        ("GDPR", "know", {}, "kind 'know'.*one of our kinds.*access"),
        ("GDPR", "access", {"region": "US"}, "region US contradicts GDPR"),
        ("GDPR", "access", {"region": "DE-XX"}, "region DE-XX has no known calendar"),
        ("GDPR", "breach_authority", {}, "counts hours. Give the time of day"),
        ("CCPA", "admt_access", {}, "no rule of 2026-07-20 is called so"),
    ],
)
def test_bad_input_is_named(regimes, regime, kind, options, says):
    with pytest.raises(InputError, match=says):
        due_date(regimes, regime, kind, date(2026, 7, 20), **options)


def test_a_timezone_that_is_not_known_is_named(regimes):
    with pytest.raises(InputError, match="timezone 'Mars/Phobos'"):
        due_date(regimes, "GDPR", "access", datetime(2026, 7, 20, tzinfo=UTC), timezone="Mars/Phobos")


def test_explain_due_says_how_the_date_came_about(regimes):
    said = explain_due(regimes, "GDPR", "access", date(2026, 3, 5), region="DE")
    assert said.startswith("received Thu 5 Mar 2026; one month ends Sun 5 Apr (Easter Sunday)")
    assert "due Tue 7 Apr 2026. GDPR Art. 12(3)" in said
