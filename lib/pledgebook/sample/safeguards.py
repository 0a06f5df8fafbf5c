"""What there is once, however many the people: recipients, contracts, staff, courses, reviews, incidents."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import polars as pl
from numpy.random import Generator

from pledgebook.sample.clock import DAY, HOUR, NEVER, day_number, midnight
from pledgebook.sample.company import CONTRACTS, LAPSED, NOT_REVIEWED, RECIPIENTS
from pledgebook.sample.layout import make_table, rows_of

ROLES = {"support": 0.4, "engineering": 0.25, "operations": 0.2, "sales": 0.1, "legal": 0.05}
UNTRAINED = 2
LEFT = 3
SUBJECTS = ("privacy_policy", "safety_measures", "oversight_of_contractors")
REVIEWED_ON = (date(2025, 4, 22), date(2025, 10, 21), date(2026, 4, 21))


@dataclass(frozen=True)
class Safeguards:
    """Tables of the company as a whole, the staff who left, and what is wrong with it."""

    tables: dict[str, pl.DataFrame]
    leavers: list[str]
    planted: pl.DataFrame


def make_safeguards(rng: Generator, people_count: int) -> Safeguards:
    """Make the tables that do not grow with the people; the staff grows a little."""
    staff = _make_staff(rng, min(20 + people_count // 400, 400))
    contracts = [
        {
            "contract_id": contract,
            "recipient": recipient,
            "starts_on": day_number(starts),
            "ends_on": None if ends is None else day_number(ends),
            "is_confidential": True,
            "is_equal_standard": True,
            "reviewed_on": day_number(reviewed),
        }
        for contract, recipient, starts, ends, reviewed in CONTRACTS
    ]
    reviews = [{"subject": subject, "reviewed_on": day_number(on)} for on in REVIEWED_ON for subject in SUBJECTS]
    recipients = [dict(zip(("recipient", "name", "kind", "country"), row, strict=True)) for row in RECIPIENTS]
    tables = {
        "recipients": rows_of("recipients", recipients),
        "contracts": rows_of("contracts", contracts),
        "staff": staff,
        "trainings": _make_trainings(staff),
        "policy_reviews": rows_of("policy_reviews", reviews),
        "incidents": rows_of("incidents", _incidents()),
    }
    leavers = staff["employee_id"].slice(UNTRAINED, LEFT).to_list()
    return Safeguards(tables, leavers, rows_of("planted", _planted(staff)))


def _make_staff(rng: Generator, size: int) -> pl.DataFrame:
    """The first `UNTRAINED` are those without a course this year, the next `LEFT` those who left in 2025."""
    role = rng.choice(list(ROLES), size, p=list(ROLES.values()))
    joined = day_number(date(2018, 4, 2)) + rng.integers(0, 2_300, size)
    newcomers = np.arange(size) >= size - max(size // 10, 2)
    joined = np.where(newcomers, day_number(date(2025, 4, 1)) + rng.integers(0, 480, size), joined)
    left = np.full(size, NEVER)
    left[UNTRAINED : UNTRAINED + LEFT] = day_number(date(2025, 7, 31)) + 31 * np.arange(LEFT)
    columns = {
        "employee_id": [f"S{number:04d}" for number in range(101, 101 + size)],
        "role": pl.Series(role),
        "joined_on": joined,
        "left_on": left,
    }
    return make_table("staff", columns, size)


def _make_trainings(staff: pl.DataFrame) -> pl.DataFrame:
    """Everybody on the first day and each May, but for those who missed the course of 2026."""
    first = staff.select("employee_id", course=pl.lit("privacy_basics"), completed_on="joined_on")
    parts = [first]
    for year in (2024, 2025, 2026):
        day = day_number(date(year, 5, 11))
        there = staff.filter(
            (pl.col("joined_on") < day) & (pl.col("left_on").is_null() | (pl.col("left_on") > day + 20))
        )
        missed = staff["employee_id"].head(UNTRAINED if year == 2026 else 0).implode()
        on = day + pl.int_range(pl.len()) % 12
        yearly = there.select("employee_id", course=pl.lit("privacy_yearly"), completed_on=on)
        parts.append(yearly.filter(~pl.col("employee_id").is_in(missed)))
    columns = pl.concat(parts, how="vertical_relaxed").sort("completed_on", "employee_id")
    return make_table("trainings", columns.to_dict(), columns.height)


def _incident(number: int, kind: str, known_at: int, **others: Any) -> dict[str, Any]:
    """In order: contained in a day, reported in two, people told in four, full report in twenty, reviewed."""
    row: dict[str, Any] = {
        "incident_id": f"INC-{number:04d}",
        "kind": kind,
        "known_at": known_at,
        "contained_at": known_at + 20 * HOUR,
        "preliminary_report_at": known_at + 2 * DAY,
        "final_report_at": known_at + 20 * DAY,
        "people_notified_at": known_at + 4 * DAY,
        "people_affected": 7 + number * 3,
        "is_malicious": False,
        "has_sensitive": False,
        "has_financial_risk": True,
        "reviewed_at": known_at + 24 * DAY,
    }
    return row | others


def _incidents() -> list[dict[str, Any]]:
    ten = 10 * HOUR
    early, told, full = midnight(2026, 8, 4) + ten, midnight(2026, 7, 6) + ten, midnight(2026, 8, 6) + ten
    late = midnight(2026, 9, 2) + ten
    return [
        _incident(1, "leak", midnight(2025, 5, 13) + ten),
        _incident(2, "loss", midnight(2025, 7, 29) + ten, has_financial_risk=False, people_affected=1),
        _incident(3, "leak", midnight(2025, 10, 16) + ten),
        _incident(4, "unlawful_access", midnight(2025, 12, 18) + ten, is_malicious=True, people_affected=1_240),
        _incident(5, "damage", midnight(2026, 2, 5) + ten),
        _incident(6, "leak", midnight(2026, 5, 21) + ten, has_sensitive=True),
        _incident(7, "unlawful_access", told, people_notified_at=told + 62 * DAY, people_affected=1_420),
        _incident(8, "loss", early, reviewed_at=None),
        _incident(9, "leak", full, final_report_at=full + 47 * DAY),
        _incident(10, "leak", late, preliminary_report_at=late + 12 * DAY),
    ]


PLANTED = (
    ("late_notice_to_people", "incidents", "INC-0007", "incidents", "people_late", "told 62 days after"),
    (
        "incident_without_review",
        "incidents",
        "INC-0008",
        "incidents",
        "not_reviewed",
        "no review since August",
    ),
    ("late_final_report", "incidents", "INC-0009", "incidents", "final_late", "full report after 47 days"),
    (
        "late_incident_report",
        "incidents",
        "INC-0010",
        "incidents",
        "preliminary_late",
        "reported after 12 days",
    ),
    (
        "vendor_without_contract",
        "contracts",
        LAPSED,
        "processor_oversight",
        "without_contract",
        "ended 2026-06-30",
    ),
    (
        "vendor_not_reviewed",
        "contracts",
        NOT_REVIEWED,
        "processor_oversight",
        "not_reviewed",
        "last in 2024-11",
    ),
)


def _planted(staff: pl.DataFrame) -> list[dict[str, Any]]:
    names = ("kind", "table", "key", "expect_table", "expect_column", "detail")
    untrained = [
        ("untrained_staff", "staff", key, "training", "trained_ratio", "missed the course of 2026")
        for key in staff["employee_id"].head(UNTRAINED)
    ]
    return [dict(zip(names, row, strict=True), period="2026-09") for row in (*PLANTED, *untrained)]
