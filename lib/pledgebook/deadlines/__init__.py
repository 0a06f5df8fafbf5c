"""Regimes, business days, due dates and their explanation."""

from pledgebook.deadlines.clock_register import describe_clocks
from pledgebook.deadlines.due_dates import add_due_dates
from pledgebook.deadlines.examples import Answers, answer_examples
from pledgebook.deadlines.incident_clocks import add_incident_clocks
from pledgebook.deadlines.marketing import add_effective_instants, binds_anyhow, check_marketing_regime
from pledgebook.deadlines.midnights import local_midnights, midnight_after
from pledgebook.deadlines.one_request import due_date, explain_due
from pledgebook.deadlines.one_rule import Due
from pledgebook.deadlines.regimes import REQUEST_KINDS, Regimes, read_regimes
from pledgebook.deadlines.rules import Extension, Regime, Rule

__all__ = [
    "REQUEST_KINDS",
    "Answers",
    "Due",
    "Extension",
    "Regime",
    "Regimes",
    "Rule",
    "add_due_dates",
    "add_effective_instants",
    "add_incident_clocks",
    "answer_examples",
    "binds_anyhow",
    "check_marketing_regime",
    "describe_clocks",
    "due_date",
    "explain_due",
    "local_midnights",
    "midnight_after",
    "read_regimes",
]
