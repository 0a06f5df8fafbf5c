"""The home policy file: every clause has its promise, and the sample keeps to its purposes."""

from __future__ import annotations

from pathlib import Path

from pledgebook.policy import read_policy
from pledgebook.sample.company import NOTICE_ENDS, PARTNERS, RECIPIENTS, VALID_DAYS
from pledgebook.sample.handling import DISCLOSURES, USES, USES_OF_OTHERS
from pledgebook.sample.requests import IDENTIFIED

POLICY = read_policy(Path(__file__).parents[2] / "data" / "policy.toml")
CLAUSES = {
    "1)", "2)", "3)", "4)", "5)", "6)", "(1) 1", "(1) 2", "(1) 3", "(1) 4", "(2)", "(3) 1", "(3) 2", "(4)",
    "(5)", "(6) 1", "(6) 2", "(6) 3",
}  # fmt: skip


def test_every_clause_has_a_promise():
    assert {promise.clause for promise in POLICY.promise} == CLAUSES
    assert {purpose.clause for purpose in POLICY.purpose} == {"(2)"}


def test_every_promise_has_a_target_or_says_why_it_has_none():
    assert all((promise.cell is None) == bool(promise.reason) for promise in POLICY.promise)
    assert len({promise.figure for promise in POLICY.promise if promise.figure}) >= 30


def test_items_of_ordinary_uses_and_disclosures_are_declared():
    habits = [(habit.purpose, habit.items) for habit in (*USES, *DISCLOSURES)]
    for purpose, items in habits + [(purpose, items) for purpose, _, items in USES_OF_OTHERS.values()]:
        assert set(items.split(";")) <= set(POLICY.purposes[purpose].items), purpose


def test_sample_and_policy_agree_on_validity_and_identification():
    assert {p.id: p.valid_days for p in POLICY.purpose if p.valid_days} == VALID_DAYS
    assert {version.id for version in POLICY.purposes["marketing"].notice_versions} == set(NOTICE_ENDS)
    assert set(IDENTIFIED) <= set(POLICY.requests.needs_identification)
    for purpose, partners in PARTNERS.items():
        assert POLICY.purposes[purpose].needs_consent
        assert set(partners) <= {recipient for recipient, *_ in RECIPIENTS}
