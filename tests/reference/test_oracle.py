"""Specs of the oracle: a handful of records in, the arithmetic done by hand.

All specs live in Tokyo, nine hours ahead of UTC and without summer time, unless they say otherwise.
The period is March 2026; as_of is its end.
"""

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from zoneinfo import ZoneInfo

import pytest

from .oracle import TABLES, compute, inquire
from .oracle_business_days import german_holidays, observed, us_business_day_after, us_federal_holidays
from .oracle_consent import state
from .oracle_marketing import all_opt_outs, verdict
from .oracle_requests import due_date, kaplan_meier, months_after
from .worlds import make_world, period_bounds, write_world

TOKYO = ZoneInfo("Asia/Tokyo")
MICROSECOND = timedelta(microseconds=1)
HOUR = timedelta(hours=1)


def tokyo(text):
    return datetime.fromisoformat(text).replace(tzinfo=TOKYO).astimezone(UTC)


START, END = tokyo("2026-03-01"), tokyo("2026-04-01")


def purpose(identity="marketing", **more):
    return {"id": identity, "needs_consent": True, **more}


def policy(*purposes, requests=None, marketing=None, by_region=None, needs_record=(), timezone="Asia/Tokyo"):
    return {
        "company": {"timezone": timezone, "regime": "APPI", "by_region": by_region or {}},
        "purpose": list(purposes or [purpose(channels=["email"])]),
        "requests": {"promised_days": {"default": 14, "complaint": 7}, **(requests or {})},
        "marketing": {
            "purpose": "marketing",
            "regime": "JP_SPECIFIED_EMAIL",
            "opt_in": True,
            **(marketing or {}),
        },
        "disclosures": {"needs_record": list(needs_record)},
    }


UNITED_STATES = {"by_region": {"US": {"email": "CAN_SPAM", "sms": "TCPA"}}}


def person(identity="ann", kind="customer", region=None, opened="2025-01-01", closed=None):
    return {
        "person": identity,
        "kind": kind,
        "region": region,
        "opened_at": tokyo(opened),
        "closed_at": closed and tokyo(closed),
    }


def answer(action, at, channel="any", **more):
    return {
        "person": "ann",
        "purpose": "marketing",
        "channel": channel,
        "recipient": None,
        "action": action,
        "at": at if isinstance(at, datetime) else tokyo(at),
        "expires_at": None,
        "notice_version": None,
        "method": None,
        **more,
    }


def grant(at, channel="any", **more):
    return answer("grant", at, channel, **more)


def withdraw(at, channel="any", **more):
    return answer("withdraw", at, channel, **more)


def request(identity, received, closed=None, outcome="fulfilled", kind="disclosure", **more):
    return {
        "request_id": identity,
        "person": "ann",
        "kind": kind,
        "regime": None,
        "region": None,
        "received_at": tokyo(received),
        "acknowledged_at": None,
        "verified_at": None,
        "extended_at": None,
        "closed_at": closed and tokyo(closed),
        "outcome": outcome if closed else None,
        "denial_reason": None,
        **more,
    }


def pause(identity, paused, resumed=None):
    return {"request_id": identity, "paused_at": tokyo(paused), "resumed_at": resumed and tokyo(resumed)}


def message(identity, sent, channel="email", system="mailer", **more):
    return {
        "message_id": identity,
        "person": "ann",
        "channel": channel,
        "campaign": "spring",
        "category": "marketing",
        "system": system,
        "sent_at": sent if isinstance(sent, datetime) else tokyo(sent),
        **more,
    }


def suppressed(added, channel="email", system="mailer", removed=None):
    return {
        "person": "ann",
        "channel": channel,
        "system": system,
        "added_at": tokyo(added),
        "removed_at": removed and tokyo(removed),
    }


def disclosure(identity="d-1", basis="consent", at="2026-03-10T12:00", **more):
    return {
        "disclosure_id": identity,
        "person": "ann",
        "recipient": "r-1",
        "basis": basis,
        "purpose": "marketing",
        "items": frozenset({"name"}),
        "disclosed_at": tokyo(at),
        "legal_reference": None,
        "is_recorded": None,
        **more,
    }


def ask(rules=None, as_of=END, holidays=None, **tables):
    return inquire(tables, rules or policy(), START, END, as_of, holidays=holidays)


def only(table):
    assert len(table) == 1
    return table[0]


def row_of(table, **group):
    return only([row for row in table if all(row[column] == value for column, value in group.items())])


# State of consent


def state_of(events, at, channel="email", recipient=None, rules=None, **tables):
    inquiry = ask(rules, as_of=tokyo("2027-01-01"), consent_events=events, **tables)
    return state(inquiry, "ann", "marketing", channel, recipient, at if isinstance(at, datetime) else tokyo(at))


class TestState:
    def test_an_event_counts_from_its_own_instant(self):
        at = tokyo("2026-03-05")
        assert state_of([grant(at)], at) == "granted"
        assert state_of([grant(at)], at - MICROSECOND) == "never_asked"

    def test_the_latest_instant_decides(self):
        events = [grant("2026-03-03"), withdraw("2026-03-02"), grant("2026-03-01")]
        assert state_of(events, "2026-03-04") == "granted"

    def test_a_withdraw_beats_a_grant_at_one_instant(self):
        assert state_of([withdraw("2026-03-02"), grant("2026-03-02")], "2026-03-02") == "withdrawn"

    def test_an_answer_for_any_channel_covers_each_one(self):
        events = [grant("2026-03-01", "email"), withdraw("2026-03-02", "any")]
        assert state_of(events, "2026-03-03", "email") == "withdrawn"

    def test_an_answer_for_one_channel_covers_neither_any_nor_another(self):
        events = [withdraw("2026-03-01", "any"), grant("2026-03-02", "email")]
        assert state_of(events, "2026-03-03", "email") == "granted"
        assert state_of(events, "2026-03-03", "sms") == "withdrawn"
        assert state_of(events, "2026-03-03", "any") == "withdrawn"

    def test_null_recipient_is_covered_by_null_alone(self):
        events = [grant("2026-03-01"), withdraw("2026-03-02", recipient="r-1")]
        assert state_of(events, "2026-03-03", recipient=None) == "granted"
        assert state_of(events, "2026-03-03", recipient="r-1") == "withdrawn"
        assert state_of(events, "2026-03-03", recipient="r-2") == "granted"

    def test_it_expires_at_the_instant_of_expiry(self):
        expiry = tokyo("2026-03-05T10:00")
        events = [grant("2026-03-01", expires_at=expiry)]
        assert state_of(events, expiry - MICROSECOND) == "granted"
        assert state_of(events, expiry) == "expired"

    def test_valid_days_are_of_24_hours_even_when_clocks_change(self):
        # Berlin loses an hour on 29 March 2026: 48 hours after 28 March 12:00 it is 30 March 13:00 there.
        rules = policy(purpose(valid_days=2), timezone="Europe/Berlin")
        at = datetime(2026, 3, 28, 11, tzinfo=UTC)
        limit = datetime(2026, 3, 30, 11, tzinfo=UTC)
        assert limit.astimezone(ZoneInfo("Europe/Berlin")).hour == 13
        assert state_of([grant(at)], limit - MICROSECOND, rules=rules) == "granted"
        assert state_of([grant(at)], limit, rules=rules) == "expired"

    def test_a_notice_is_outdated_from_the_local_midnight_of_its_date(self):
        rules = policy(purpose(notice_versions=[{"id": "one", "valid_until": date(2026, 3, 5)}, {"id": "two"}]))
        midnight = datetime(2026, 3, 4, 15, tzinfo=UTC)
        events = [grant("2026-03-01", notice_version="one")]
        assert state_of(events, midnight - MICROSECOND, rules=rules) == "granted"
        assert state_of(events, midnight, rules=rules) == "outdated"
        assert state_of([grant("2026-03-01", notice_version="two")], midnight, rules=rules) == "granted"

    @pytest.mark.parametrize("notice", [None, "unlisted"])
    def test_an_unlisted_or_missing_notice_is_outdated_only_where_notices_are_listed(self, notice):
        events = [grant("2026-03-01", notice_version=notice)]
        assert state_of(events, "2026-03-02") == "granted"
        listed = policy(purpose(notice_versions=[{"id": "one"}]))
        assert state_of(events, "2026-03-02", rules=listed) == "outdated"

    def test_expired_comes_before_outdated(self):
        listed = policy(purpose(notice_versions=[{"id": "one"}]))
        events = [grant("2026-03-01", expires_at=tokyo("2026-03-02"))]
        assert state_of(events, "2026-03-02", rules=listed) == "expired"

    def test_the_weakest_of_several_grants_at_one_instant_counts(self):
        events = [grant("2026-03-01"), grant("2026-03-01", "email", expires_at=tokyo("2026-03-02"))]
        assert state_of(events, "2026-03-03", "email") == "expired"
        # The grant for email does not cover sms, and so does not weaken it.
        assert state_of(events, "2026-03-03", "sms") == "granted"

    def test_a_request_to_stop_marketing_withdraws_from_every_channel(self):
        stop = request("q-1", "2026-03-02", "2026-03-03", "denied", kind="marketing_opt_out")
        events = [grant("2026-03-01", "email")]
        assert state_of(events, "2026-03-02", "email", requests=[stop]) == "withdrawn"


# Coverage


class TestConsentCoverage:
    def test_states_add_up_and_kinds_stand_beside_all(self):
        people = [person("ann"), person("bob", "member"), person("cat")]
        table = TABLES["consent_coverage"](ask(people=people, consent_events=[grant("2026-03-01")]))
        assert [(row["kind"], row["people"], row["granted"]) for row in table] == [
            ("all", 1 + 1 + 1, 1),
            ("customer", 2, 1),
            ("member", 1, 0),
        ]
        assert table[0]["never_asked"] == 2
        assert table[0]["coverage"] == 1 / 3

    def test_the_state_is_that_of_one_microsecond_before_as_of(self):
        events = [grant(END)]
        assert TABLES["consent_coverage"](ask(people=[person()], consent_events=events))[0]["granted"] == 0
        events = [grant(END - MICROSECOND)]
        assert TABLES["consent_coverage"](ask(people=[person()], consent_events=events))[0]["granted"] == 1

    def test_what_expires_at_as_of_still_stands(self):
        for expiry, granted in ((END, 1), (END - MICROSECOND, 0)):
            events = [grant("2026-03-01", expires_at=expiry)]
            table = TABLES["consent_coverage"](ask(people=[person()], consent_events=events))
            assert table[0]["granted"] == granted

    def test_who_opens_in_the_last_microsecond_counts(self):
        people = [{**person(), "opened_at": END - MICROSECOND}]
        assert TABLES["consent_coverage"](ask(people=people))[0]["people"] == 1

    def test_who_closes_at_the_boundary_is_still_there_and_who_opens_at_it_is_not(self):
        people = [person("ann", closed="2026-04-01"), person("bob", opened="2026-04-01")]
        assert TABLES["consent_coverage"](ask(people=people))[0]["people"] == 1

    def test_a_purpose_applies_to_its_kinds_and_is_measured_per_channel(self):
        rules = policy(
            purpose(kinds=["member"], channels=["sms", "email"]),
            purpose("analytics"),
            {"id": "payment", "needs_consent": False},
        )
        people = [person("ann"), person("bob", "member")]
        table = TABLES["consent_coverage"](ask(rules, people=people))
        assert [(row["purpose"], row["channel"], row["people"]) for row in table if row["kind"] == "all"] == [
            ("analytics", "any", 2),
            ("marketing", "email", 1),
            ("marketing", "sms", 1),
        ]

    def test_each_day_is_seen_at_its_end(self):
        events = [grant("2026-03-02"), withdraw("2026-03-03T23:59:59.999999")]
        table = TABLES["consent_coverage_daily"](ask(people=[person()], consent_events=events))
        assert len(table) == 31
        assert [row["granted"] for row in table[:4]] == [0, 1, 0, 0]

    def test_only_days_that_have_ended_by_as_of_are_there(self):
        as_of = tokyo("2026-03-03")
        assert len(TABLES["consent_coverage_daily"](ask(as_of=as_of, people=[person()]))) == 2
        assert len(TABLES["consent_coverage_daily"](ask(as_of=as_of - MICROSECOND, people=[person()]))) == 1

    def test_the_gap_counts_occasions_and_not_people(self):
        uses = [
            {"person": "ann", "purpose": "marketing", "used_at": tokyo(at)}
            for at in ("2026-03-01", "2026-03-02", "2026-03-03")
        ]
        disclosures = [
            disclosure(at="2026-03-04"),
            disclosure("d-2", at="2026-03-04", recipient="r-2"),
            disclosure("d-3", basis="law"),
        ]
        events = [grant("2026-03-02"), withdraw("2026-03-04", recipient="r-2")]
        table = TABLES["consent_gap"](ask(uses=uses, disclosures=disclosures, consent_events=events))
        assert [row["purpose"] for row in table] == ["all", "marketing"]
        # Uses: no, yes, yes. Disclosures on consent: yes to r-1, no to r-2.
        assert (table[0]["occasions"], table[0]["granted"]) == (3 + 2, 2 + 1)
        assert table[1]["coverage"] == 3 / 5


# Requests


class TestDueDates:
    def due(self, one, *pauses, rules=None, as_of=END, **more):
        inquiry = ask(rules, as_of, requests=[one], request_pauses=list(pauses), **more)
        return due_date(inquiry, only(inquiry.rows("requests")))

    def test_a_promise_counts_from_the_local_date_and_does_not_roll(self):
        # 6 March 23:59 in Tokyo is still 6 March 14:59 in UTC; 20 March 2026 is a public holiday in Japan.
        assert self.due(request("q-1", "2026-03-06T23:59")) == date(2026, 3, 6 + 14)
        # 00:30 in Tokyo is the day before in UTC.
        assert self.due(request("q-1", "2026-03-07T00:30", kind="complaint")) == date(2026, 3, 7 + 7)

    def test_a_kind_without_a_number_has_no_due_date(self):
        rules = policy(requests={"promised_days": {"complaint": 7}})
        assert self.due(request("q-1", "2026-03-06"), rules=rules) is None

    def test_paused_days_are_differences_of_local_dates(self):
        one = request("q-1", "2026-03-01T12:00", "2026-03-30T12:00")
        # Two minutes over midnight are one day; twenty-three hours inside a day are none.
        assert self.due(one, pause("q-1", "2026-03-05T23:59", "2026-03-06T00:01")) == date(2026, 3, 15 + 1)
        assert self.due(one, pause("q-1", "2026-03-05T00:30", "2026-03-05T23:30")) == date(2026, 3, 15)

    def test_touching_pauses_are_one_and_separate_ones_are_added(self):
        one = request("q-1", "2026-03-01T12:00", "2026-03-30T12:00")
        touching = [
            pause("q-1", "2026-03-05T12:00", "2026-03-06T12:00"),
            pause("q-1", "2026-03-06T12:00", "2026-03-08T12:00"),
        ]
        assert self.due(one, *touching) == date(2026, 3, 15 + 3)
        apart = pause("q-1", "2026-03-10T12:00", "2026-03-11T12:00")
        assert self.due(one, *touching, apart) == date(2026, 3, 15 + 3 + 1)

    def test_the_longest_pause_is_cut_after_merging(self):
        rules = policy(requests={"max_pause_days": 2})
        one = request("q-1", "2026-03-01T12:00", "2026-03-30T12:00")
        pauses = [
            pause("q-1", "2026-03-05T12:00", "2026-03-06T18:00"),
            pause("q-1", "2026-03-06T12:00", "2026-03-09T12:00"),
        ]
        assert self.due(one, *pauses, rules=rules) == date(2026, 3, 15 + 2)

    def test_the_longest_pause_is_of_touching_pauses_together(self):
        rules = policy(requests={"max_pause_days": 3})
        one = request("q-1", "2026-03-01T12:00", "2026-03-30T12:00")
        touching = [
            pause("q-1", "2026-03-05T12:00", "2026-03-07T12:00"),
            pause("q-1", "2026-03-07T12:00", "2026-03-09T12:00"),
        ]
        assert self.due(one, *touching, rules=rules) == date(2026, 3, 15 + 3)
        # A microsecond between them makes two pauses, each short enough.
        touching[1]["paused_at"] += MICROSECOND
        assert self.due(one, *touching, rules=rules) == date(2026, 3, 15 + 2 + 2)

    def test_an_unresumed_pause_of_an_open_request_runs_to_as_of(self):
        one = request("q-1", "2026-03-01T12:00")
        assert self.due(one, pause("q-1", "2026-03-25T12:00")) == date(2026, 3, 15) + timedelta(days=7)
        # 25 March to 1 April, the local date of as_of, are seven days. A resumption at as_of is not known.
        assert self.due(one, pause("q-1", "2026-03-25T12:00", "2026-04-01")) == date(2026, 3, 22)

    def test_gdpr_goes_to_the_same_day_of_the_month_or_its_last(self):
        assert months_after(date(2026, 1, 31), 1) == date(2026, 2, 28)
        assert months_after(date(2024, 1, 30), 1) == date(2024, 2, 29)
        assert months_after(date(2026, 11, 30), 3) == date(2027, 2, 28)

    def test_gdpr_rolls_once_and_only_with_a_calendar(self):
        # 28 February 2026 is a Saturday.
        one = request("q-1", "2026-01-31T12:00", regime="GDPR", region="DE")
        assert self.due(one) == date(2026, 2, 28)
        assert self.due(one, holidays={"DE": german_holidays()}) == date(2026, 3, 2)
        assert self.due(one, holidays={"IE": set()}) == date(2026, 2, 28)

    def test_gdpr_extends_from_the_receipt(self):
        # 30 November + 3 months: 28 February 2027, a Sunday; Monday is 1 March.
        notice = tokyo("2026-12-30T23:59")
        one = request("q-1", "2026-11-30T12:00", regime="GDPR", region="DE", extended_at=notice)
        as_of, calendar = tokyo("2027-05-01"), {"DE": german_holidays()}
        assert self.due(one, as_of=as_of, holidays=calendar) == date(2027, 3, 1)
        too_late = {**one, "extended_at": tokyo("2026-12-31")}
        assert self.due(too_late, as_of=as_of, holidays=calendar) == date(2026, 12, 30)
        assert self.due(one, as_of=notice, holidays=calendar) == date(2026, 12, 30)

    def test_ccpa_counts_45_or_90_days_and_knows_no_pause(self):
        one = request("q-1", "2026-03-02T12:00", regime="CCPA")
        long_pause = pause("q-1", "2026-03-03", "2026-03-20")
        assert self.due(one, long_pause, as_of=tokyo("2026-07-01")) == date(2026, 4, 16)
        extended = {**one, "extended_at": tokyo("2026-04-16T23:59")}
        assert self.due(extended, as_of=tokyo("2026-07-01")) == date(2026, 5, 31)

    def test_the_regime_is_of_the_row_then_its_region_then_the_persons_then_the_companys(self):
        rules = policy(by_region={"US": "GDPR", "US-CA": "CCPA"})
        requests = [
            request("q-1", "2026-03-02", regime="APPI", region="US-CA"),
            request("q-2", "2026-03-02", region="US-CA"),
            request("q-3", "2026-03-02", region="US-NY"),
            request("q-4", "2026-03-02"),
            request("q-5", "2026-03-02", region="JP"),
            request("q-6", "2026-03-02", person="nobody"),
        ]
        table = TABLES["requests_open"](ask(rules, people=[person(region="US-CA")], requests=requests))
        assert {row["request_id"]: row["regime"] for row in table} == {
            "q-1": "APPI",
            "q-2": "CCPA",
            "q-3": "GDPR",
            "q-4": "CCPA",
            # A region without an entry ends the search: the person's is not asked.
            "q-5": "APPI",
            "q-6": "APPI",
        }


class TestRequestTurnaround:
    def turnaround(self, requests, pauses=(), rules=None, as_of=END, kind="all"):
        table = TABLES["request_turnaround"](ask(rules, as_of, requests=requests, request_pauses=list(pauses)))
        return row_of(table, kind=kind)

    def test_outcomes_add_up_to_received(self):
        requests = [
            request("q-1", "2026-03-01", "2026-03-02", "fulfilled"),
            request("q-2", "2026-03-01", "2026-03-02", "withdrawn"),
            request("q-3", "2026-03-01", "2026-03-02", None),
            # An outcome without a closing, and one with a closing at as_of, are of an open request.
            {**request("q-4", "2026-03-01"), "outcome": "denied"},
            request("q-5", "2026-03-01", "2026-04-01", "denied"),
            request("q-6", "2026-02-28T23:59", "2026-03-01", "denied"),
        ]
        row = self.turnaround(requests)
        assert row["received"] == 1 + 1 + 1 + 2
        assert (row["fulfilled"], row["withdrawn"], row["outcome_unknown"], row["open"]) == (1, 1, 1, 2)
        assert row["denied"] == 0

    def test_the_due_cohort_is_open_at_the_start_and_closed_at_the_end(self):
        # Due instants 1 March (the start: left out), 2 March, 1 April (the end: counted) and 2 April.
        received = {"q-1": "2026-02-14", "q-2": "2026-02-15", "q-3": "2026-03-17", "q-4": "2026-03-18"}
        requests = [request(identity, on) for identity, on in received.items()]
        row = self.turnaround(requests)
        assert (row["received"], row["due"], row["overdue_open"]) == (2, 2, 2)
        assert row["on_time_ratio"] == 0 / 2

    def test_closing_at_the_due_instant_is_late(self):
        requests = [
            request("q-1", "2026-03-01", "2026-03-15T23:59:59.999999"),
            request("q-2", "2026-03-01", "2026-03-16"),
            request("q-3", "2026-03-01", "2026-03-16", "withdrawn"),
        ]
        row = self.turnaround(requests)
        assert (row["due"], row["on_time"], row["late"], row["overdue_open"]) == (2, 1, 1, 0)
        assert row["on_time_ratio"] == 1 / 2

    def test_what_is_due_after_as_of_is_not_due_yet(self):
        as_of = tokyo("2026-03-16")
        requests = [request("q-1", "2026-03-01")]
        assert self.turnaround(requests, as_of=as_of)["overdue_open"] == 1
        assert self.turnaround(requests, as_of=as_of - MICROSECOND)["due"] == 0

    def test_a_request_withdrawn_after_as_of_is_still_overdue(self):
        requests = [request("q-1", "2026-03-01", "2026-04-01", "withdrawn")]
        assert self.turnaround(requests)["overdue_open"] == 1

    def test_net_takes_pauses_out_and_gross_does_not(self):
        requests = [request("q-1", "2026-03-02", "2026-03-12"), request("q-2", "2026-03-02", "2026-03-07")]
        # Clipped to the request: it begins before the receipt, and two days of it count.
        pauses = [
            pause("q-1", "2026-02-20", "2026-03-04"),
            pause("q-1", "2026-03-05", "2026-03-05T12:00"),
            pause("q-1", "2026-03-11"),
        ]
        row = self.turnaround(requests, pauses)
        net_days = 10 - 2 - 0.5 - 1
        assert row["answered_mean_days"] == (net_days + 5) / 2
        assert row["answered_median_days"] == (net_days + 5) / 2
        assert row["answered_median_gross_days"] == (10 + 5) / 2
        assert row["p50_days"] == 5

    def test_kaplan_meier_lets_events_come_before_censorings_at_a_tie(self):
        # At 2: four at risk, the censored one among them: 1 - 1/4. At 5: two at risk: 3/4 * 1/2 = 3/8 <= 1/2.
        assert kaplan_meier([2, 5], [2, 7], Fraction(50, 100)) == 5
        # Were the censored one gone first, 2/3 * 1/2 = 1/3 would pass the 65th percentile.
        assert kaplan_meier([2, 5], [2, 7], Fraction(65, 100)) is None

    def test_kaplan_meier_reaches_a_quantile_exactly(self):
        # Nine of ten have answered at 9: the curve is 1/10, which is 1 - 0.9.
        assert kaplan_meier(list(range(1, 11)), [], Fraction(90, 100)) == 9
        assert kaplan_meier(list(range(1, 11)), [], Fraction(95, 100)) == 10

    def test_open_requests_hold_percentiles_back(self):
        requests = [request("q-1", "2026-03-02", "2026-03-05"), request("q-2", "2026-03-02")]
        row = self.turnaround(requests)
        # One of two answered after three days: the curve is 1/2 from there on.
        assert (row["p50_days"], row["p90_days"], row["answered_median_days"]) == (3, None, 3)

    def test_withdrawn_requests_are_censored_and_not_answered(self):
        requests = [
            request("q-1", "2026-03-02", "2026-03-03", "withdrawn"),
            request("q-2", "2026-03-02", "2026-03-05", "denied"),
        ]
        row = self.turnaround(requests)
        # After the censoring one is at risk, and its answer takes the curve to 0.
        assert (row["p50_days"], row["p95_days"], row["answered_mean_days"]) == (3, 3, 3)

    def test_an_answer_needs_identification_by_its_closing(self):
        rules = policy(requests={"needs_identification": ["disclosure"]})
        closed = "2026-03-05"
        requests = [
            request("q-1", "2026-03-02", closed, verified_at=tokyo("2026-03-01")),
            request("q-2", "2026-03-02", closed, verified_at=tokyo(closed)),
            request("q-3", "2026-03-02", closed, verified_at=tokyo(closed) + MICROSECOND),
            request("q-4", "2026-03-02", closed, None),
            request("q-5", "2026-03-02", closed, "denied"),
            request("q-6", "2026-03-02", closed, kind="complaint"),
        ]
        assert self.turnaround(requests, rules=rules)["unverified_answers"] == len(["q-3", "q-4"])

    def test_a_pause_still_holds_after_it_stops_counting(self):
        rules = policy(requests={"max_pause_days": 1})
        requests = [request("q-1", "2026-03-02"), request("q-2", "2026-03-02", "2026-03-09")]
        pauses = [pause("q-1", "2026-03-03", "2026-04-01"), pause("q-2", "2026-03-03")]
        assert self.turnaround(requests, pauses, rules=rules)["paused_open"] == 1
        assert self.turnaround(requests, [pause("q-1", "2026-04-01")], rules=rules)["paused_open"] == 0

    def test_a_request_due_in_the_period_brings_its_group_in(self):
        table = TABLES["request_turnaround"](ask(requests=[request("q-1", "2026-02-20", kind="complaint")]))
        assert table == []
        table = TABLES["request_turnaround"](ask(requests=[request("q-1", "2026-02-22", kind="complaint")]))
        assert [(row["regime"], row["kind"], row["received"], row["due"]) for row in table] == [
            ("APPI", "all", 0, 1),
            ("APPI", "complaint", 0, 1),
        ]


class TestRequestsOpen:
    def test_days_left_and_overdue_at_the_edge_of_as_of(self):
        one = request("q-1", "2026-03-01")
        # Due on 15 March. Its last instant is 0 days before, the next midnight is overdue.
        last_day = TABLES["requests_open"](ask(as_of=tokyo("2026-03-16") - MICROSECOND, requests=[one]))[0]
        assert (last_day["due_on"], last_day["days_left"]) == (date(2026, 3, 15), 0)
        assert not last_day["is_overdue"]
        midnight = TABLES["requests_open"](ask(as_of=tokyo("2026-03-16"), requests=[one]))[0]
        assert (midnight["days_left"], midnight["is_overdue"]) == (0, True)
        after = TABLES["requests_open"](ask(as_of=tokyo("2026-03-16") + MICROSECOND, requests=[one]))[0]
        assert after["days_left"] == -1

    def test_it_lists_requests_of_any_time_by_due_date_and_those_without_one_last(self):
        rules = policy(requests={"promised_days": {"disclosure": 14}})
        requests = [
            request("q-0", "2026-03-01", kind="inquiry"),
            request("q-3", "2026-03-20"),
            request("q-2", "2026-03-20"),
            request("q-1", "2024-01-01"),
            request("q-4", "2026-03-01", "2026-03-02"),
            request("q-5", "2026-04-01"),
        ]
        table = TABLES["requests_open"](ask(rules, requests=requests))
        assert [row["request_id"] for row in table] == ["q-1", "q-2", "q-3", "q-0"]
        assert (table[-1]["due_on"], table[-1]["days_left"], table[-1]["is_overdue"]) == (None, None, False)


# Marketing


def verdict_of(sent, events, channel="email", rules=None, region=None, **tables):
    inquiry = ask(
        rules,
        as_of=tokyo("2027-01-01"),
        consent_events=events,
        messages=[message("m-1", sent, channel)],
        people=[person(region=region)],
        **tables,
    )
    return verdict(inquiry, only(inquiry.rows("messages")))


class TestVerdict:
    def test_a_message_at_the_instant_of_the_opt_out_is_in_grace_and_later_it_is_not(self):
        at = tokyo("2026-03-10T12:00")
        assert verdict_of(at, [withdraw(at)]) == "in_grace"
        assert verdict_of(at + MICROSECOND, [withdraw(at)]) == "after_opt_out"
        assert verdict_of(at - MICROSECOND, [grant("2026-03-01"), withdraw(at)]) == "permitted"

    @pytest.mark.parametrize("channel", ["email", "sms"])
    def test_grace_ends_with_the_tenth_business_day(self, channel):
        # Monday 9 March; ten business days later is Monday 23 March.
        rules, events = policy(marketing=UNITED_STATES), [withdraw("2026-03-09T18:00")]
        midnight = tokyo("2026-03-24")
        assert verdict_of(midnight, events, channel, rules, "US-NY") == "in_grace"
        assert verdict_of(midnight + MICROSECOND, events, channel, rules, "US-NY") == "after_opt_out"

    def test_grace_is_of_the_region_and_of_the_channel(self):
        rules, events = policy(marketing=UNITED_STATES), [withdraw("2026-03-09")]
        assert verdict_of("2026-03-10", events, "email", rules, "US") == "in_grace"
        assert verdict_of("2026-03-10", events, "push", rules, "US") == "after_opt_out"
        assert verdict_of("2026-03-10", events, "email", rules, "JP") == "after_opt_out"

    def test_an_entry_of_ones_own_decides_alone(self):
        rules = policy(marketing={"by_region": {"US": "TCPA", "US-CA": {"email": "CAN_SPAM"}}})
        events = [withdraw("2026-03-09")]
        assert verdict_of("2026-03-10", events, "sms", rules, "US-NY") == "in_grace"
        assert verdict_of("2026-03-10", events, "sms", rules, "US-CA") == "after_opt_out"

    def test_an_opt_out_repeated_in_its_grace_does_not_start_another(self):
        rules = policy(marketing=UNITED_STATES)
        events = [withdraw("2026-03-02"), withdraw("2026-03-16")]
        # The first one binds after 16 March.
        assert verdict_of("2026-03-18", events, "email", rules, "US") == "after_opt_out"
        granted_between = [*events, grant("2026-03-10")]
        assert verdict_of("2026-03-18", granted_between, "email", rules, "US") == "in_grace"

    def test_a_grant_at_the_instant_of_the_withdraw_does_not_lift_it(self):
        events = [grant("2026-03-02"), withdraw("2026-03-02")]
        assert verdict_of("2026-03-03", events) == "after_opt_out"

    def test_opting_out_of_any_after_granting_one(self):
        events = [grant("2026-03-01", "email"), withdraw("2026-03-02", "any")]
        assert verdict_of("2026-03-03", events, "email") == "after_opt_out"
        assert verdict_of("2026-03-03", [*events, grant("2026-03-02T12:00", "email")], "email") == "permitted"

    def test_an_answer_that_names_a_recipient_says_nothing_about_messages(self):
        assert verdict_of("2026-03-03", [withdraw("2026-03-02", recipient="r-1")]) == "no_consent"

    def test_no_consent_only_where_opt_in_was_promised(self):
        assert verdict_of("2026-03-03", []) == "no_consent"
        assert verdict_of("2026-03-03", [], rules=policy(marketing={"opt_in": False})) == "permitted"

    def test_expired_and_outdated(self):
        rules = policy(purpose(notice_versions=[{"id": "one"}]))
        expired = grant("2026-03-01", notice_version="one", expires_at=tokyo("2026-03-02"))
        assert verdict_of("2026-03-03", [expired], rules=rules) == "expired"
        assert verdict_of("2026-03-03", [grant("2026-03-01")], rules=rules) == "outdated"


class TestMarketingMessages:
    def test_messages_are_those_of_marketing_in_the_period_before_as_of(self):
        messages = [
            message("m-1", START),
            message("m-2", START - MICROSECOND),
            message("m-3", tokyo("2026-03-20") - MICROSECOND, "sms"),
            message("m-4", tokyo("2026-03-20")),
            message("m-5", "2026-03-05", category="service"),
        ]
        events = [withdraw("2026-03-02")]
        table = TABLES["marketing_messages"](ask(as_of=tokyo("2026-03-20"), messages=messages, consent_events=events))
        assert [(row["month"], row["channel"], row["campaign"], row["messages"]) for row in table] == [
            ("2026-03", "email", "spring", 1),
            ("2026-03", "sms", "spring", 1),
            ("all", "all", "all", 2),
        ]
        assert table[-1]["no_consent"] + table[-1]["after_opt_out"] == table[-1]["messages"]
        assert table[-1]["violation_ratio"] == 1 / 2

    def test_all_is_there_with_nothing_in_it(self):
        row = only(TABLES["marketing_messages"](ask(messages=[])))
        assert (row["month"], row["messages"], row["violation_ratio"]) == ("all", 0, None)

    def test_a_breach_names_the_earliest_opt_out_that_binds(self):
        events = [
            withdraw("2026-03-01"),
            grant("2026-03-02"),
            withdraw("2026-03-03", "email"),
            withdraw("2026-03-04"),
        ]
        messages = [message("m-2", "2026-03-05"), message("m-1", "2026-03-05"), message("m-0", "2026-03-06")]
        table = TABLES["opt_out_breaches"](ask(consent_events=events, messages=messages))
        assert [row["message_id"] for row in table] == ["m-1", "m-2", "m-0"]
        assert table[0]["opted_out_at"] == tokyo("2026-03-03")
        assert [row["hours_after"] for row in table] == [2 * 24, 2 * 24, 3 * 24]


class TestOptOuts:
    def found(self, events, **tables):
        return sorted(
            (one["channel"], one["at"].astimezone(TOKYO).day)
            for one in all_opt_outs(ask(consent_events=events, **tables))
        )

    def test_saying_no_again_is_no_new_opt_out(self):
        events = [withdraw("2026-03-02", "email"), withdraw("2026-03-03", "email")]
        assert self.found(events) == [("email", 2)]
        assert self.found([*events, grant("2026-03-02T12:00", "sms")]) == [("email", 2)]
        assert self.found([*events, grant("2026-03-02T12:00")]) == [("email", 2), ("email", 3)]

    def test_one_channel_after_any_is_no_new_opt_out_and_any_after_one_channel_is(self):
        assert self.found([withdraw("2026-03-02"), withdraw("2026-03-03", "email")]) == [("any", 2)]
        assert self.found([withdraw("2026-03-02", "email"), withdraw("2026-03-03")]) == [
            ("any", 3),
            ("email", 2),
        ]

    def test_any_is_new_after_a_grant_on_whatever_channel(self):
        events = [withdraw("2026-03-02"), withdraw("2026-03-05")]
        assert self.found(events) == [("any", 2)]
        assert self.found([*events, grant("2026-03-03", "sms")]) == [("any", 2), ("any", 5)]
        # A grant at the instant of either lies neither after the one nor before the other.
        assert self.found([*events, grant("2026-03-02", "sms"), grant("2026-03-05", "sms")]) == [("any", 2)]

    def test_opting_out_before_the_period_counts_as_having_opted_out(self):
        assert self.found([withdraw("2026-02-02"), withdraw("2026-03-05")]) == []

    def test_a_withdraw_for_one_recipient_is_no_opt_out(self):
        assert self.found([withdraw("2026-03-02", recipient="r-1")]) == []

    def test_a_withdraw_and_a_request_at_one_instant_are_one(self):
        stop = request("q-1", "2026-03-02", kind="marketing_opt_out")
        assert self.found([withdraw("2026-03-02"), withdraw("2026-03-02", method="web")], requests=[stop]) == [
            ("any", 2)
        ]

    def opt_outs(self, events, messages=(), suppressions=(), as_of=END, channel="all", **more):
        inquiry = ask(
            as_of=as_of,
            consent_events=events,
            messages=list(messages),
            suppressions=list(suppressions),
            **more,
        )
        return row_of(TABLES["opt_outs"](inquiry), channel=channel)

    def test_a_message_after_the_period_breaches_too(self):
        events, late = [withdraw("2026-03-30")], [message("m-1", "2026-04-02")]
        assert self.opt_outs(events, late)["breached"] == 0
        row = self.opt_outs(events, late, as_of=tokyo("2026-04-03"), channel="any")
        assert (row["opt_outs"], row["breached"], row["honoured"], row["honoured_ratio"]) == (1, 1, 0, 0 / 1)

    def test_a_breach_is_on_a_covered_channel_without_a_new_grant(self):
        events = [withdraw("2026-03-02", "email")]
        assert self.opt_outs(events, [message("m-1", "2026-03-03", "sms")])["honoured"] == 1
        assert self.opt_outs(events, [message("m-1", "2026-03-02")])["honoured"] == 1
        assert self.opt_outs(events, [message("m-1", "2026-03-03")])["breached"] == 1
        granted = [*events, grant("2026-03-03")]
        assert self.opt_outs(granted, [message("m-1", "2026-03-03")])["honoured"] == 1

    # Another person's messages make the pairs in use.
    pairs = (
        message("m-1", "2026-03-01", "email", "mailer", person="bob"),
        message("m-2", "2026-03-01", "sms", "gateway", person="bob"),
        message("m-3", "2026-03-01", "phone", None, person="bob"),
        message("m-4", "2026-02-01", "email", "crm", person="bob"),
    )

    def test_hours_are_to_the_last_pair(self):
        entries = [
            suppressed("2026-03-02T06:00"),
            suppressed("2026-03-02T05:00", "any"),
            suppressed("2026-03-03", "any", "gateway"),
        ]
        row = self.opt_outs([withdraw("2026-03-02")], self.pairs, entries)
        assert (row["median_hours_to_suppression"], row["not_suppressed"]) == (max(5, 24), 0)
        row = self.opt_outs([withdraw("2026-03-02", "email")], self.pairs, entries)
        assert row["median_hours_to_suppression"] == 5

    def test_an_entry_from_before_takes_no_time(self):
        row = self.opt_outs([withdraw("2026-03-02", "email")], self.pairs, [suppressed("2026-02-01")])
        assert row["median_hours_to_suppression"] == 0

    def test_a_pair_without_a_standing_entry_is_not_suppressed(self):
        removed = suppressed("2026-03-02", removed="2026-03-31")
        row = self.opt_outs([withdraw("2026-03-02", "email")], self.pairs, [removed])
        assert (row["median_hours_to_suppression"], row["not_suppressed"]) == (None, 1)
        removed_at_as_of = suppressed("2026-03-02", removed="2026-04-01")
        row = self.opt_outs([withdraw("2026-03-02", "email")], self.pairs, [removed_at_as_of])
        assert (row["median_hours_to_suppression"], row["not_suppressed"]) == (0, 0)

    def test_a_new_grant_excuses_a_pair_and_then_there_are_no_hours(self):
        events = [withdraw("2026-03-02"), grant("2026-03-05", "sms")]
        row = self.opt_outs(events, self.pairs, [suppressed("2026-03-03")])
        assert (row["median_hours_to_suppression"], row["not_suppressed"]) == (None, 0)
        row = self.opt_outs(events, self.pairs, [])
        assert row["not_suppressed"] == 1

    def test_no_pairs_is_in_neither_figure(self):
        row = self.opt_outs([withdraw("2026-03-02", "phone")], self.pairs)
        assert (row["opt_outs"], row["median_hours_to_suppression"], row["not_suppressed"]) == (1, None, 0)


class TestBusinessDays:
    def test_observed_days_move_off_the_weekend(self):
        assert observed(us_federal_holidays(2026)["Independence Day"]) == date(2026, 7, 3)
        assert observed(us_federal_holidays(2027)["Juneteenth"]) == date(2027, 6, 18)
        assert observed(us_federal_holidays(2028)["New Year's Day"]) == date(2027, 12, 31)
        assert us_federal_holidays(2025)["Memorial Day"] == date(2025, 5, 26)
        assert us_federal_holidays(2026)["Thanksgiving Day"] == date(2026, 11, 26)

    def test_published_examples(self):
        assert us_business_day_after(date(2025, 5, 20), 10) == date(2025, 6, 4)
        assert us_business_day_after(date(2026, 11, 20), 10) == date(2026, 12, 7)
        assert us_business_day_after(date(2026, 6, 25), 15) == date(2026, 7, 17)
        assert us_business_day_after(date(2026, 12, 21), 15) == date(2027, 1, 13)


# Disclosures

RECIPIENT = {"recipient": "r-1", "name": "Company 1", "kind": "processor", "country": "JP"}


def contract(starts, ends=None, confidential=True, equal=True):
    return {
        "contract_id": f"c-{starts}",
        "recipient": "r-1",
        "starts_on": date.fromisoformat(starts),
        "ends_on": ends and date.fromisoformat(ends),
        "is_confidential": confidential,
        "is_equal_standard": equal,
        "reviewed_on": None,
    }


class TestFindings:
    def finding(self, one, needs_record=(), **tables):
        inquiry = ask(policy(needs_record=needs_record), disclosures=[one], recipients=[RECIPIENT], **tables)
        table = TABLES["disclosure_findings"](inquiry)
        return only(table)["finding"] if table else "in_order"

    def test_unknown_recipient_comes_before_unknown_basis(self):
        assert self.finding(disclosure(basis="gift", recipient="r-9")) == "unknown_recipient"
        assert self.finding(disclosure(basis="gift")) == "unknown_basis"

    def test_consent_is_for_the_recipient_at_the_instant(self):
        one = disclosure(at="2026-03-10")
        assert self.finding(one, consent_events=[grant("2026-03-10", recipient="r-1")]) == "in_order"
        assert self.finding(one, consent_events=[grant("2026-03-10", recipient="r-2")]) == "no_consent"
        assert self.finding(one, consent_events=[grant("2026-03-10", "email")]) == "no_consent"
        expired = [grant("2026-03-01", expires_at=tokyo("2026-03-10"))]
        assert self.finding(one, consent_events=expired) == "no_consent"

    @pytest.mark.parametrize("basis", ["entrustment", "joint_use"])
    def test_a_contract_binds_on_its_first_and_last_local_day(self, basis):
        # 00:30 in Tokyo is still 9 March in UTC.
        one = disclosure(basis=basis, at="2026-03-10T00:30")
        assert self.finding(one, contracts=[contract("2026-03-10", "2026-03-10")]) == "in_order"
        assert self.finding(one, contracts=[contract("2026-03-11")]) == "no_contract"
        assert self.finding(one, contracts=[contract("2026-03-01", "2026-03-09")]) == "no_contract"
        # One contract has to promise both.
        halves = [contract("2026-03-01", equal=False), contract("2026-03-02", confidential=False)]
        assert self.finding(one, contracts=halves) == "no_contract"

    def test_the_law_has_to_be_named(self):
        assert self.finding(disclosure(basis="law")) == "no_legal_reference"
        assert self.finding(disclosure(basis="law", legal_reference="Act 57")) == "in_order"

    @pytest.mark.parametrize(("recorded", "found"), [(True, "in_order"), (False, "not_recorded")])
    def test_a_record_is_needed_where_the_policy_says_so(self, recorded, found):
        one = disclosure(basis="opt_out_notice", is_recorded=recorded)
        assert self.finding(one, ["opt_out_notice"]) == found
        assert self.finding({**one, "is_recorded": None}, ["opt_out_notice"]) == "not_recorded"
        assert self.finding(one) == "in_order"

    def test_an_undeclared_purpose_comes_last(self):
        assert self.finding(disclosure(basis="succession", purpose="resale")) == "undeclared_purpose"
        assert self.finding(disclosure(basis="law", purpose="resale")) == "no_legal_reference"


class TestDisclosureTables:
    disclosures = (
        disclosure("d-2", "succession", items=frozenset({"name", "email"})),
        disclosure("d-1", "law"),
        disclosure("d-3", "gift", person="bob"),
        disclosure("d-4", "other_gift", person="bob", recipient="r-9"),
        disclosure("d-5", "law", at="2026-04-01"),
    )

    def inquiry(self):
        return ask(disclosures=list(self.disclosures), recipients=[RECIPIENT])

    def test_groups_carry_the_recipient_and_show_an_unknown_basis_as_other(self):
        table = TABLES["disclosures"](self.inquiry())
        columns = ("recipient", "recipient_kind", "country", "basis", "disclosures", "in_order_ratio")
        assert [tuple(row[column] for column in columns) for row in table] == [
            ("r-1", "processor", "JP", "law", 1, 0 / 1),
            ("r-1", "processor", "JP", "other", 1, 0 / 1),
            ("r-1", "processor", "JP", "succession", 1, 1 / 1),
            ("r-9", None, None, "other", 1, 0 / 1),
        ]

    def test_people_are_counted_afresh(self):
        table = TABLES["disclosures_by_recipient"](self.inquiry())
        assert [(row["recipient"], row["disclosures"], row["people"]) for row in table] == [
            ("all", 4, len({"ann", "bob"})),
            ("r-1", 3, 2),
            ("r-9", 1, 1),
        ]
        assert table[0]["in_order_ratio"] == 1 / 4

    def test_items_count_each_disclosure_that_holds_them(self):
        table = TABLES["disclosures_by_item"](self.inquiry())
        assert [tuple(row.values()) for row in table] == [
            ("email", "processor", 1, 1),
            ("name", "processor", 3, 2),
            ("name", "unknown", 1, 1),
        ]

    def test_findings_are_in_order_of_time_then_id(self):
        table = TABLES["disclosure_findings"](self.inquiry())
        assert [(row["disclosure_id"], row["basis"], row["finding"]) for row in table] == [
            ("d-1", "law", "no_legal_reference"),
            ("d-3", "other", "unknown_basis"),
            ("d-4", "other", "unknown_recipient"),
        ]


# Worlds


class TestWorlds:
    def compute(self, world):
        return compute(world.tables, world.policy, world.start, world.end, world.as_of, holidays=world.holidays)

    def test_a_seed_makes_one_world(self):
        assert make_world(7) == make_world(7)
        assert make_world(7).tables != make_world(8).tables

    def test_periods_are_cut_at_local_midnights(self):
        berlin = ZoneInfo("Europe/Berlin")
        start, end = period_bounds("2026-03", berlin)
        assert end - start == timedelta(days=31) - HOUR
        start, end = period_bounds("2026-W27", TOKYO)
        assert (start, end - start) == (tokyo("2026-06-29"), timedelta(days=7))
        assert period_bounds("2025-Q4", TOKYO) == (tokyo("2025-10-01"), tokyo("2026-01-01"))
        assert period_bounds("2026", TOKYO) == (tokyo("2026-01-01"), tokyo("2027-01-01"))

    @pytest.mark.parametrize("seed", range(25))
    def test_rows_pass_the_row_rules_and_sums_add_up(self, seed):
        world = make_world(seed, allow_empty=seed % 5 == 0)
        for table, begun, *ended in (
            ("people", "opened_at", "closed_at"),
            ("consent_events", "at", "expires_at"),
            ("requests", "received_at", "acknowledged_at", "extended_at", "closed_at"),
            ("request_pauses", "paused_at", "resumed_at"),
            ("suppressions", "added_at", "removed_at"),
            ("contracts", "starts_on", "ends_on"),
        ):
            for row in world.tables[table]:
                assert all(row[column] is None or row[column] >= row[begun] for column in ended)
        for rows in world.tables.values():
            assert len({tuple(row.values()) for row in rows}) == len(rows)
        tables = self.compute(world)
        for row in tables["marketing_messages"]:
            assert row["messages"] == sum(list(row.values())[4:-1])
        for row in tables["request_turnaround"]:
            assert row["received"] == sum(list(row.values())[3:10])
            assert row["due"] == row["on_time"] + row["late"] + row["overdue_open"]
        for row in tables["disclosures_by_recipient"]:
            assert row["disclosures"] == sum(list(row.values())[5:-1])
        for row in tables["consent_coverage"]:
            assert row["people"] == sum(list(row.values())[4:-1])

    def test_every_verdict_and_finding_comes_up(self):
        totals = {}
        for seed in range(40):
            tables = self.compute(make_world(seed))
            for row in [
                *tables["marketing_messages"],
                *tables["disclosures_by_recipient"],
                *tables["opt_outs"],
            ]:
                for column, value in row.items():
                    totals[column] = totals.get(column, 0) + (value if isinstance(value, int) else 0)
        counts = {column for column, total in totals.items() if total == 0}
        assert counts <= {"month", "channel", "campaign", "recipient", "recipient_kind", "country"} | {
            column for column in totals if column.endswith("_ratio") or column.startswith("median")
        }

    @pytest.mark.parametrize("file_format", ["csv", "jsonl", "parquet"])
    def test_exports_hold_every_row_once(self, tmp_path, file_format):
        polars = pytest.importorskip("polars")
        world = make_world(3, people=6)
        write_world(world, tmp_path, file_format, parts=2, shuffle=1)
        read = {
            "csv": polars.read_csv,
            "jsonl": lambda path: polars.read_ndjson(path) if path.stat().st_size else polars.DataFrame(),
            "parquet": polars.read_parquet,
        }[file_format]
        for table, rows in world.tables.items():
            paths = sorted(tmp_path.glob(f"{table}-part-*.{file_format}"))
            assert len(paths) == 2
            assert sum(len(read(path)) for path in paths) == len(rows)

    def test_an_instant_keeps_its_meaning_whatever_its_offset(self, tmp_path):
        world = make_world(3, people=6)
        write_world(world, tmp_path, shuffle=None)
        lines = (tmp_path / "messages.csv").read_text().splitlines()[1:]
        written = [datetime.fromisoformat(line.rsplit(",", 1)[1]) for line in lines]
        assert written == [row["sent_at"] for row in world.tables["messages"]]
