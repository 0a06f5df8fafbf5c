"""The due date of every start day under a rule without pauses, and what it makes of refused marketing."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from pledgebook.deadlines import add_effective_instants
from pledgebook.deadlines.clock_days import due_days_of_role
from pledgebook.errors import InputError

REFUSAL = {"id": "land_refuse", "role": "marketing", "kinds": [], "words": ["refuse"], "channels": ["email"]}
THURSDAY = date(2026, 4, 2)


def day_of(regimes, day=THURSDAY, role="marketing", **options):
    table = due_days_of_role(regimes, "LAND", role, **options)
    return table.filter(pl.col("day") == day).drop("day").to_dicts()


@pytest.mark.parametrize(
    ("rule", "due_on", "hours"),
    [
        ({"length": 5}, date(2026, 4, 7), None),
        ({"length": 5, "counting": "day_incl"}, date(2026, 4, 6), None),
        ({"length": 1, "roll": "next", "calendar": "DE"}, date(2026, 4, 7), None),  # Good Friday to Easter Monday
        ({"length": 1, "roll": "next", "calendar": "region"}, date(2026, 4, 7), None),  # the default of the law
        ({"length": 2, "roll": "next", "calendar": "WEEKENDS", "weekend": "sun"}, date(2026, 4, 4), None),
        ({"length": 1, "counting": "bday", "unit": "business day", "calendar": "DE"}, date(2026, 4, 7), None),
        ({"length": 1, "counting": "bday_incl", "unit": "business day", "calendar": "DE"}, THURSDAY, None),
        ({"length": 1, "counting": "month", "unit": "month"}, date(2026, 5, 2), None),
        ({"length": None, "counting": "zero", "unit": "none"}, THURSDAY, None),
        ({"length": None, "counting": "none", "unit": "none", "hardness": "none"}, None, None),
        ({"length": 72, "counting": "hours", "unit": "hour"}, None, 72),
    ],
)
def test_every_start_day_has_its_due_date(law, rule, due_on, hours):
    regimes = law(REFUSAL | rule, default_calendar="DE")
    counting = rule.get("counting", "day")
    clock = "none" if counting == "none" else "statutory"
    assert day_of(regimes) == [
        {"due_on": due_on, "rule_id": "land_refuse", "clock": clock, "counting": counting, "hours": hours}
    ]


def test_only_rules_of_the_role_that_start_at_a_named_event_count(law):
    regimes = law({}, REFUSAL | {"start": "sending"})
    assert [row["rule_id"] for row in day_of(regimes)] == ["land_refuse"]
    assert [row["rule_id"] for row in day_of(regimes, role="response")] == ["land_access"]
    assert day_of(regimes, starts=("receipt",)) == []
    assert day_of(regimes, role="retention") == []
    assert len(day_of(regimes, starts=("receipt", "sending"))) == 1


def test_a_day_without_a_rule_in_force_is_absent(law):
    regimes = law(REFUSAL | {"valid_from": "2026-01-01", "valid_to": "2026-02-01"})
    days = due_days_of_role(regimes, "LAND", "marketing")["day"]
    assert (days.min(), days.max(), days.len()) == (date(2026, 1, 1), date(2026, 1, 31), 31)


def test_of_two_rules_on_one_day_the_first_in_the_file_counts(law):
    other = REFUSAL | {"id": "land_other", "words": ["other"], "length": 10}
    regimes = law(REFUSAL | {"length": 5}, other)
    assert [row["rule_id"] for row in day_of(regimes)] == ["land_refuse"]
    assert due_days_of_role(regimes, "LAND", "marketing")["day"].is_unique().all()


def binds(regimes, at, timezone="Asia/Tokyo", regime="LAND"):
    frame = pl.LazyFrame({"at": [at], "regime": [regime], "n": [1]}, schema_overrides={"at": pl.Datetime("us", "UTC")})
    found = add_effective_instants(frame, regimes, timezone=timezone).collect()
    assert found.columns == ["at", "regime", "n", "effective_at"]
    return found["effective_at"][0]


def test_grace_ends_at_the_local_midnight_after_its_last_day(law):
    # 2 March 23:30 UTC is the third of March in Tokyo: five days end on Sunday 8 March, midnight after it is 15:00 UTC.
    at = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    regimes = law(REFUSAL | {"length": 5})
    assert binds(regimes, at) == datetime(2026, 3, 8, 15, tzinfo=UTC)
    assert binds(regimes, at, "UTC") == datetime(2026, 3, 8, tzinfo=UTC)


@pytest.mark.parametrize("rule", [{"counting": "zero"}, {"counting": "none", "hardness": "none"}])
def test_without_days_of_grace_a_refusal_binds_at_once(law, rule):
    at = datetime(2026, 3, 2, 23, 30, 0, 1, tzinfo=UTC)
    assert binds(law(REFUSAL | {"length": None, "unit": "none"} | rule), at) == at


AT_ONCE = {"length": None, "counting": "zero", "unit": "none"}
SINCE_1980 = REFUSAL | {"valid_from": "1980-01-01"}


@pytest.mark.parametrize(
    ("at", "is_bound"),
    [
        (datetime(1990, 1, 1, tzinfo=UTC), True), (datetime(2099, 12, 31, 23, 59, tzinfo=UTC), True),
        (datetime(2100, 1, 1, tzinfo=UTC), False),
    ],
)  # fmt: skip
@pytest.mark.parametrize("rule", [AT_ONCE, {"length": 10}])
def test_refusals_are_known_until_2099(law, at, is_bound, rule):
    found = binds(law(SINCE_1980 | rule), at, "UTC")
    assert (found is not None) == is_bound


@pytest.mark.parametrize(
    ("at", "timezone", "binding"),
    [
        (datetime(2020, 1, 2, tzinfo=UTC), "America/New_York", datetime(2020, 1, 12, 5, tzinfo=UTC)),  # from 1 January
        (datetime(2020, 1, 15, tzinfo=UTC), "UTC", datetime(2020, 1, 26, tzinfo=UTC)),
        (datetime(2029, 12, 30, 23, tzinfo=UTC), "Pacific/Kiritimati", datetime(2030, 1, 10, 10, tzinfo=UTC)),  # 31 December
        (datetime(2029, 12, 31, 12, tzinfo=UTC), "UTC", datetime(2030, 1, 11, tzinfo=UTC)),
        (datetime(2030, 1, 1, tzinfo=UTC), "UTC", datetime(2030, 1, 12, tzinfo=UTC)),
        (datetime(2030, 1, 1, tzinfo=UTC), "America/New_York", datetime(2030, 1, 11, 5, tzinfo=UTC)),
    ],
)  # fmt: skip
def test_grace_is_counted_at_both_ends_of_a_decade(law, at, timezone, binding):
    assert binds(law(SINCE_1980 | {"length": 10}), at, timezone) == binding


@pytest.mark.parametrize(
    "at", [datetime(5, 1, 1, tzinfo=UTC), datetime(1970, 1, 1, tzinfo=UTC), datetime(1989, 12, 31, 23, 59, tzinfo=UTC)]
)
@pytest.mark.parametrize("rule", [AT_ONCE, {"length": 10}])
def test_a_refusal_from_before_1990_has_no_grace(law, at, rule):
    assert binds(law(SINCE_1980 | rule), at, "UTC") == at


def test_before_the_rule_was_in_force_a_refusal_binds_at_once(law):
    at = datetime(2019, 12, 31, 12, tzinfo=UTC)
    assert binds(law(REFUSAL | {"length": 10}), at, "UTC") == at


def test_a_law_that_does_not_speak_of_marketing_binds_nobody(law):
    assert binds(law(), datetime(2026, 3, 2, tzinfo=UTC)) is None


def test_a_timezone_that_is_not_known_is_told(law):
    with pytest.raises(InputError) as caught:
        binds(law(REFUSAL), datetime(2026, 3, 2, tzinfo=UTC), "M" * 41)
    assert str(caught.value) == f"timezone '{'M' * 40}': not known. Give an IANA name such as Asia/Tokyo."
