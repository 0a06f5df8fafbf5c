"""Regimes, business days, due dates and their explanation."""

from pledgebook.deadlines.due_dates import add_due_dates
from pledgebook.deadlines.marketing import add_effective_instants, check_marketing_regime
from pledgebook.deadlines.midnights import local_midnights
from pledgebook.deadlines.regimes import Regimes, read_regimes

__all__ = [
    "Regimes",
    "add_due_dates",
    "add_effective_instants",
    "check_marketing_regime",
    "local_midnights",
    "read_regimes",
]
