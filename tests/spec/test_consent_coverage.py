"""Consent coverage: a small table in, plain arithmetic out."""

import pandas as pd

from asking import ask, policy, row, table
from pledgebook.metrics.consent_coverage import METRIC

PEOPLE = """
person | kind     | opened_at           | closed_at
1      | customer | 2026-01-01T00:00:00 | -
2      | customer | 2026-01-01T00:00:00 | 2026-09-16T00:00:00
3      | member   | 2026-09-10T12:00:00 | -
4      | member   | 2026-10-01T00:00:00 | -
"""
EVENTS = """
person | purpose   | channel | recipient | action   | at
1      | marketing | email   | -         | grant    | 2026-02-01T00:00:00
1      | marketing | any     | -         | withdraw | 2026-09-20T23:59:59.999999
2      | marketing | any     | -         | grant    | 2026-02-01T00:00:00
3      | marketing | sms     | -         | grant    | 2026-09-12T00:00:00
3      | research  | any     | -         | grant    | 2026-09-12T00:00:00
"""
USES = """
use_id | person | purpose   | system | items | used_at
u1     | 3      | research  | lab    | email | 2026-09-11T23:59:59.999999
u2     | 3      | research  | lab    | email | 2026-09-12T00:00:00
u3     | 1      | research  | lab    | email | 2026-09-12T00:00:00
"""


def tables(**more):
    frames = {"people": table("people", PEOPLE), "consent_events": table("consent_events", EVENTS), **more}
    return METRIC.compute(frames, ask())


def test_states_at_the_end_of_the_period_add_up_to_the_people():
    coverage = tables()["consent_coverage"]
    # person 2 closed on the 16th, person 4 opens at the very end: neither is counted
    everyone = row(coverage, purpose="marketing", channel="email", kind="all")
    assert (everyone["people"], everyone["withdrawn"], everyone["never_asked"], everyone["granted"]) == (2, 1, 1, 0)
    members = row(coverage, purpose="marketing", channel="sms", kind="member")
    assert (members["people"], members["granted"], members["coverage"]) == (1, 1, 1 / 1)


def test_a_purpose_without_channels_is_measured_on_any():
    research = row(tables()["consent_coverage"], purpose="research", kind="all")
    assert (research["channel"], research["people"], research["granted"]) == ("any", 2, 1)


def test_a_day_shows_the_state_at_its_end():
    daily = tables()["consent_coverage_daily"]
    days = {str(d): (p, g) for d, p, g in daily.filter(channel="email").select("date", "people", "granted").rows()}
    assert days["2026-09-09"] == (2, 2)
    assert days["2026-09-10"] == (3, 2)  # person 3 opened at noon
    assert days["2026-09-15"] == (3, 2)  # person 2 closes at the midnight that follows
    assert days["2026-09-16"] == (2, 1)
    assert days["2026-09-19"] == (2, 1)
    assert days["2026-09-20"] == (2, 0)  # withdrawn a microsecond before midnight
    assert len(days) == 30


def test_a_consent_counts_from_the_day_on_which_it_is_given():
    daily = tables()["consent_coverage_daily"].filter(channel="sms")
    days = {str(d): (p, g) for d, p, g in daily.select("date", "people", "granted").rows()}
    assert [days[f"2026-09-{day}"] for day in (10, 11, 12)] == [(3, 1), (3, 1), (3, 2)]  # person 3 agrees on the 12th


def test_an_expired_and_an_outdated_consent_are_told_apart():
    rules = policy(
        purpose=[
            {
                "id": "marketing",
                "clause": "",
                "title": "",
                "needs_consent": True,
                "valid_days": 30,
                "channels": ["email"],
            },
            {
                "id": "research",
                "clause": "",
                "title": "",
                "needs_consent": True,
                "notice_versions": [{"id": "2026-01"}],
            },
        ]
    )
    frames = {"people": table("people", PEOPLE), "consent_events": table("consent_events", EVENTS)}
    coverage = METRIC.compute(frames, ask(as_of="2026-09-15T00:00", rules=rules))["consent_coverage"]
    assert row(coverage, purpose="marketing", kind="all")["expired"] == 2
    assert row(coverage, purpose="research", kind="all")["outdated"] == 1


def test_the_gap_asks_at_each_occasion():
    gap = tables(uses=table("uses", USES))["consent_gap"]
    assert row(gap, purpose="all") == {"purpose": "all", "occasions": 3, "granted": 1, "coverage": 1 / 3}


def test_pandas_frames_give_the_same_figures():
    frames = {
        "people": table("people", PEOPLE).to_pandas(),
        "consent_events": table("consent_events", EVENTS).to_pandas(),
    }
    assert isinstance(frames["people"], pd.DataFrame)
    assert METRIC.compute(frames, ask())["consent_gap"].equals(tables()["consent_gap"])
    assert METRIC.compute(frames, ask())["consent_coverage"].equals(tables()["consent_coverage"])
