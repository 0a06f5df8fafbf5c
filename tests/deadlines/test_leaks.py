"""When a leak must be told: which event starts the clock, which duty the law has, what stays in the table."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from pledgebook.deadlines import add_incident_clocks

SCHEMA = {"known_at": pl.Datetime("us", "UTC"), "is_malicious": pl.Boolean, "note": pl.String}
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)  # a Monday
STAGES = ("preliminary", "final", "people")


def told(regimes, *leaks, regime="LAND", timezone="UTC"):
    rows = [{"known_at": NOON, "is_malicious": False, "note": "n"} | leak for leak in leaks or [{}]]
    return add_incident_clocks(pl.LazyFrame(rows, schema=SCHEMA), regimes, regime=regime, timezone=timezone).collect()


def rule(role, length, **values):
    name = f"land_{role}"
    blank = {"id": name, "role": role, "kinds": [], "words": [name], "length": length, "start": "knowledge"}
    return blank | values


def hours(role, length, **values):
    return rule(role, length, counting="hours", unit="hour", **values)


def test_sixty_days_from_the_discovery_in_american_health_care(regimes):
    # 45 CFR 164.404(b): discovered Monday 2 March 2026, so by Friday 1 May.
    row = told(regimes, regime="HIPAA").row(0, named=True)
    assert (row["people_due_on"], row["people_rule"]) == (date(2026, 5, 1), "br_hipaa")
    assert row["people_due_at"] == datetime(2026, 5, 2, tzinfo=UTC)


@pytest.mark.parametrize(("start", "due"), [("knowledge", True), ("discovery", True), ("assessment", False)])
def test_a_clock_that_waits_for_an_assessment_has_no_date(law, start, due):
    laws = law(*(rule(role, 5, start=start) for role in ("incident_preliminary", "incident_final_malicious")))
    row = told(laws, {"is_malicious": True}).row(0, named=True)
    day = date(2026, 3, 7) if due else None
    assert (row["preliminary_due_on"], row["final_due_on"]) == (day, day)
    assert row["final_rule"] == ("land_incident_final_malicious" if due else None)


@pytest.mark.parametrize(
    ("is_malicious", "day"), [(True, date(2026, 3, 12)), (False, date(2026, 3, 7)), (None, date(2026, 3, 7))]
)
def test_an_attack_has_a_clock_of_its_own_where_the_law_has_one(law, is_malicious, day):
    laws = law(rule("incident_final", 5), rule("incident_final_malicious", 10))
    assert told(laws, {"is_malicious": is_malicious})["final_due_on"].to_list() == [day]


def test_an_attack_has_the_usual_clock_where_the_law_has_no_other(law):
    laws = law(rule("incident_final", 5))
    assert told(laws, {"is_malicious": True})["final_due_on"].to_list() == [date(2026, 3, 7)]


def test_without_a_duty_there_is_no_clock(law):
    row = told(law()).row(0, named=True)
    assert {row[f"{stage}_clock"] for stage in STAGES} == {"none"}
    assert {row[f"{stage}_{part}"] for stage in STAGES for part in ("due_on", "due_at", "rule")} == {None}


def test_each_stage_has_its_rule_and_its_clock(law):
    laws = law(
        hours("incident_preliminary", 72), rule("incident_final", 30, hardness="guidance"),
        rule("incident_people", None, counting="none", unit="none", hardness="none"),
    )  # fmt: skip
    row = told(laws).row(0, named=True)
    assert [row[f"{stage}_clock"] for stage in STAGES] == ["statutory", "guidance", "none"]
    assert [row[f"{stage}_due_on"] for stage in STAGES] == [date(2026, 3, 5), date(2026, 4, 1), None]
    assert row["people_rule"] == "land_incident_people"


def test_other_columns_and_the_order_stay_and_older_answers_are_replaced(law):
    frame = told(law(rule("incident_final", 5)), {"note": "b"}, {"note": "a"})
    assert frame.columns[:3] == list(SCHEMA)
    assert frame["note"].to_list() == ["b", "a"]
    again = add_incident_clocks(frame.lazy(), law(), regime="LAND", timezone="UTC").collect()
    assert again.columns == frame.columns
    assert again["final_due_on"].to_list() == [None, None]


def test_hours_end_at_their_minute_and_days_at_the_local_midnight(law):
    # Known on Monday 2 March 23:30 in London, which is Tuesday in Tokyo: three days end on Friday there.
    known = {"known_at": datetime(2026, 3, 2, 23, 30, tzinfo=UTC)}
    row = told(law(hours("incident_preliminary", 24), rule("incident_final", 3)), known, timezone="Asia/Tokyo").row(
        0, named=True
    )
    assert (row["preliminary_due_at"], row["preliminary_due_on"]) == (
        datetime(2026, 3, 3, 23, 30, tzinfo=UTC), date(2026, 3, 4),
    )  # fmt: skip
    assert (row["final_due_on"], row["final_due_at"]) == (date(2026, 3, 6), datetime(2026, 3, 6, 15, tzinfo=UTC))


@pytest.mark.parametrize(
    ("day", "rule_id"),
    [(date(2019, 12, 31), None), (date(2020, 1, 1), "land_incident_final"), (date(2099, 12, 31), "land_incident_final"),
     (date(2100, 1, 1), None)],
)  # fmt: skip
def test_only_leaks_in_the_time_of_the_rule_have_a_clock(law, day, rule_id):
    at = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    row = told(law(rule("incident_final", 5)), {"known_at": at}).row(0, named=True)
    assert row["final_rule"] == rule_id
