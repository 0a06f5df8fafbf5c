"""When a leak must be told."""

from datetime import UTC, date, datetime

import polars as pl
import pytest

from pledgebook.deadlines import add_incident_clocks
from pledgebook.errors import InputError

SCHEMA = {"incident_id": pl.String, "known_at": pl.Datetime("us", "UTC"), "is_malicious": pl.Boolean}


def clocks(regimes, regime, *incidents, timezone="Asia/Tokyo"):
    rows = [(str(number), at, malicious) for number, (at, malicious) in enumerate(incidents)]
    frame = pl.LazyFrame(rows, schema=SCHEMA, orient="row")
    return add_incident_clocks(frame, regimes, regime=regime, timezone=timezone).collect().to_dicts()


def test_japan_counts_the_day_of_knowledge_and_rolls_over_administrative_holidays(regimes):
    plain, malicious, late = clocks(
        regimes,
        "APPI",
        (datetime(2026, 4, 4, 3, tzinfo=UTC), False),
        (datetime(2026, 11, 5, 3, tzinfo=UTC), True),
        (datetime(2026, 8, 20, 15, tzinfo=UTC), False),
    )
    assert (plain["final_due_on"], plain["final_clock"], plain["final_rule"]) == (
        date(2026, 5, 7), "statutory", "br_jp_final",
    )  # fmt: skip
    assert plain["final_due_at"] == datetime(2026, 5, 7, 15, tzinfo=UTC)
    assert (plain["preliminary_due_on"], plain["preliminary_clock"]) == (date(2026, 4, 9), "guidance")
    assert (plain["people_due_on"], plain["people_clock"], plain["people_rule"]) == (
        None,
        "none",
        "br_jp_person",
    )
    assert (malicious["final_due_on"], malicious["final_rule"]) == (date(2027, 1, 4), "br_jp_final_mal")
    assert late["final_due_on"] == date(2026, 9, 24)


def test_hours_are_counted_from_the_instant(regimes):
    known = datetime(2026, 12, 24, 15, 20, tzinfo=UTC)
    found = clocks(regimes, "GDPR", (known, False), timezone="Europe/Berlin")[0]
    assert found["preliminary_due_at"] == datetime(2026, 12, 27, 15, 20, tzinfo=UTC)
    assert (found["preliminary_due_on"], found["final_rule"]) == (date(2026, 12, 27), None)


def test_versions_and_other_regimes(regimes):
    before, after = clocks(
        regimes,
        "UK_PECR",
        (datetime(2025, 8, 1, tzinfo=UTC), False),
        (datetime(2025, 9, 1, tzinfo=UTC), False),
    )
    assert before["preliminary_due_at"] == datetime(2025, 8, 2, tzinfo=UTC)
    assert after["preliminary_due_at"] == datetime(2025, 9, 4, tzinfo=UTC)
    brazil = clocks(regimes, "LGPD", (datetime(2026, 11, 18, 15, tzinfo=UTC), True), timezone="America/Sao_Paulo")[0]
    assert (brazil["preliminary_due_on"], brazil["people_due_on"]) == (date(2026, 11, 24), date(2026, 11, 24))
    assert clocks(regimes, "PDPA_SG", (datetime(2026, 4, 30, tzinfo=UTC), False))[0]["preliminary_due_on"] is None


def test_an_empty_table_and_an_unknown_regime(regimes):
    assert clocks(regimes, "APPI") == []
    with pytest.raises(InputError, match="regime 'ELSEWHERE'"):
        clocks(regimes, "ELSEWHERE")
