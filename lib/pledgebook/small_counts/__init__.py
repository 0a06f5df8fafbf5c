"""What the public may see: small counts hidden, the others rounded, nothing left to be worked out by subtraction."""

from __future__ import annotations

from pledgebook.small_counts.reading import readable
from pledgebook.small_counts.rules import FEWEST_CASES, LARGEST_HIDDEN, ROUNDED_TO
from pledgebook.small_counts.scorecard import hide_small_counts_in_scorecard
from pledgebook.small_counts.tables import hide_small_counts

__all__ = [
    "FEWEST_CASES",
    "LARGEST_HIDDEN",
    "ROUNDED_TO",
    "hide_small_counts",
    "hide_small_counts_in_scorecard",
    "readable",
]
