"""The gap: was there consent at each occasion? And who is a member of a purpose, on which days."""

from datetime import date

import polars as pl
import pytest

from asking import MARKETING, RESEARCH, ask, policy, row, table
from pledgebook.metrics.consent_coverage import METRIC

SERVICE = {"id": "service", "clause": "", "title": "", "needs_consent": False}
EVENTS = """
person | purpose  | channel | recipient | action   | at
1      | research | any     | -         | grant    | 2026-09-01T00:00:00
1      | research | any     | acme      | withdraw | 2026-09-05T00:00:00
1      | service  | any     | -         | grant    | 2026-09-01T00:00:00
"""
PERSON = "person | kind | opened_at | closed_at\n"


def tables(period="2026-09", as_of=None, purpose=(MARKETING, RESEARCH, SERVICE), **frames):
    given = {"consent_events": table("consent_events", EVENTS)} | {n: table(n, text) for n, text in frames.items()}
    return METRIC.compute(given, ask(period, as_of, policy(purpose=list(purpose))))


def use(at, purpose="research", person=1):
    return f"u | {person} | {purpose} | lab | email | {at}"


def gap(*uses, disclosures=""):
    head = "use_id | person | purpose | system | items | used_at\n"
    told = "disclosure_id | person | recipient | basis | purpose | items | disclosed_at\n"
    return tables(uses=head + "\n".join(uses), disclosures=told + disclosures)["consent_gap"]


@pytest.mark.parametrize(
    ("at", "occasions", "granted"),
    [
        ("2026-08-31T23:59:59.999999", 0, 0), ("2026-09-01T00:00:00", 1, 1),
        ("2026-09-30T23:59:59.999999", 1, 1), ("2026-10-01T00:00:00", 0, 0),
    ],
)  # fmt: skip
def test_uses_in_the_period_are_occasions(at, occasions, granted):
    total = row(gap(use(at)), purpose="all")
    assert (total["occasions"], total["granted"]) == (occasions, granted)
    assert total["coverage"] == (1.0 if occasions else None)


def test_only_purposes_that_need_consent_are_asked_for_it():
    told = gap(
        use("2026-09-02T00:00:00"), use("2026-09-02T00:00:00", "service"), use("2026-09-02T00:00:00", "marketing")
    )
    assert told.rows() == [("all", 2, 1, 0.5), ("marketing", 1, 0, 0.0), ("research", 1, 1, 1.0)]


def test_a_disclosure_on_consent_is_an_occasion_for_its_recipient():
    # For all recipients it was granted; what was withdrawn for acme is withdrawn for acme alone.
    lines = [
        "a | 1 | acme  | consent | research | email | 2026-09-04T23:59:59",
        "b | 1 | acme  | consent | research | email | 2026-09-05T00:00:00",
        "c | 1 | other | consent | research | email | 2026-09-05T00:00:00",
        "d | 1 | acme  | law     | research | email | 2026-09-05T00:00:00",
    ]
    assert row(gap(disclosures="\n".join(lines)), purpose="research") == {
        "purpose": "research", "occasions": 3, "granted": 2, "coverage": 2 / 3,
    }  # fmt: skip


def test_uses_ask_for_the_consent_for_no_recipient():
    assert row(gap(use("2026-09-06T00:00:00")), purpose="research")["granted"] == 1


# ---- members ----


@pytest.mark.parametrize(
    ("opened", "closed", "is_member"),
    [
        ("2026-09-30T23:59:59.999999", "-", True), ("2026-10-01T00:00:00", "-", False),
        ("2026-01-01T00:00:00", "2026-09-30T23:59:59.999999", False), ("2026-01-01T00:00:00", "2026-10-01T00:00:00", True),
    ],
)  # fmt: skip
def test_members_are_open_at_the_last_moment_of_the_period(opened, closed, is_member):
    told = tables(people=f"{PERSON}1 | customer | {opened} | {closed}")["consent_coverage"]
    assert row(told, purpose="research", kind="all")["people"] == is_member


def test_a_purpose_is_about_its_kinds_of_people_alone():
    narrow = RESEARCH | {"kinds": ["member"]}
    people = f"{PERSON}1 | customer | 2026-01-01T00:00:00 | -\n2 | member | 2026-01-01T00:00:00 | -"
    told = tables(purpose=[MARKETING, narrow], people=people)["consent_coverage"]
    shown = told.filter(purpose="research").select("kind", "people", "never_asked", "coverage").rows()
    assert shown == [("all", 1, 1, 0.0), ("member", 1, 1, 0.0)]


def test_nobody_is_no_ratio_and_a_purpose_without_need_of_consent_is_not_measured():
    told = tables()["consent_coverage"]
    assert told.select("purpose", "channel", "kind", "people", "coverage").rows() == [
        ("marketing", "email", "all", 0, None), ("marketing", "sms", "all", 0, None), ("research", "any", "all", 0, None),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("opened", "closed", "seen"),
    [
        ("2026-08-01T00:00:00", "-", [1, 1, 1]),
        ("2026-08-01T00:00:00", "2026-09-01T00:00:00", [0, 0, 0]),  # closed at the first instant
        ("2026-08-01T00:00:00", "2026-09-01T00:00:00.000001", [0, 0, 0]),  # not there at the end of the first day
        ("2026-08-01T00:00:00", "2026-09-02T00:00:00", [1, 0, 0]),
        ("2026-09-02T00:00:00", "-", [0, 1, 1]),
        ("2026-09-01T23:59:59.999999", "2026-09-03T23:59:59", [1, 1, 0]),
        ("2026-09-02T10:00:00", "2026-09-02T11:00:00", [0, 0, 0]),  # opened and closed within a day
        ("2026-09-02T10:00:00", "2026-09-02T10:00:00", [0, 0, 0]),
        ("2026-08-01T00:00:00", "2026-08-20T00:00:00", [0, 0, 0]),
        ("2026-09-04T00:00:00", "-", [0, 0, 0]),
    ],
)
def test_a_day_counts_who_is_there_at_its_end(opened, closed, seen):
    people = f"{PERSON}1 | customer | {opened} | {closed}"
    daily = tables(period="2026-09-01/2026-09-03", people=people)["consent_coverage_daily"].filter(purpose="research")
    assert daily["date"].to_list() == [date(2026, 9, day) for day in (1, 2, 3)]
    assert daily["people"].to_list() == seen
    assert daily["granted"].to_list() == seen  # granted since the first instant of September
    assert daily["coverage"].to_list() == [1.0 if there else None for there in seen]


def test_a_day_s_consent_is_of_those_who_are_members_then():
    # The grant of 1 September is older than the membership, which begins on the 2nd and ends on the 3rd.
    people = f"{PERSON}1 | customer | 2026-09-02T00:00:00 | 2026-09-03T00:00:00\n2 | member | 2026-08-01T00:00:00 | -"
    daily = tables(period="2026-09-01/2026-09-03", people=people)["consent_coverage_daily"].filter(purpose="research")
    assert daily.select("people", "granted", "coverage").rows() == [(1, 0, 0.0), (2, 1, 0.5), (1, 0, 0.0)]


def test_days_end_where_as_of_cuts_the_period():
    people = f"{PERSON}1 | customer | 2026-01-01T00:00:00 | -"
    daily = tables(as_of="2026-09-03T12:00", people=people)["consent_coverage_daily"].filter(purpose="research")
    assert [f"{day:%d}" for day in daily["date"]] == ["01", "02"]


def test_channels_are_published_as_words():
    told = tables(people=f"{PERSON}1 | customer | 2026-01-01T00:00:00 | -")
    for name in ("consent_coverage", "consent_coverage_daily"):
        assert told[name].schema["channel"] == pl.String
