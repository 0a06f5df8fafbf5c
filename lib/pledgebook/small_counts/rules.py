"""The numbers of the rules, and which counts of a published table add up to which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import polars as pl

from pledgebook.consent import STATES
from pledgebook.metrics.ccpa_7102 import ENDS, REASONS
from pledgebook.metrics.definition import Published
from pledgebook.metrics.marketing_messages import VERDICTS
from pledgebook.metrics.request_backlog import ACKNOWLEDGED
from pledgebook.metrics.request_tables import DUE, RECEIVED
from pledgebook.metrics.third_party_disclosures import FINDINGS

LARGEST_HIDDEN = 7
ROUNDED_TO = 5
FEWEST_CASES = 20

SUPPRESSED, SECONDARY, AT_LEAST = "_is_suppressed", "_is_secondary", "_is_at_least"
TOTALS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("people", STATES),
    ("received", RECEIVED[1:]),
    ("received", ENDS),
    ("due", DUE[1:]),
    ("acknowledgements_due", ACKNOWLEDGED[1:]),
    ("messages", VERDICTS),
    ("opt_outs", ("honoured", "breached")),
    ("disclosures", FINDINGS),
    ("rows_read", ("rows_kept", "rows_quarantined", "rows_duplicate", "rows_superseded")),
)
SUBTOTALS = {"denied": tuple(f"denied_{reason}" for reason in REASONS)}
NOT_ADDITIVE = frozenset({"people", "at_risk", "events"})


@dataclass(frozen=True)
class Counts:
    """Counts that belong together: the parts and, where the table has it, the column that is their sum.

    `subtotals`: a part of that total that is itself the sum of some of the parts. Where the parts add up down the rows
    too, `is_additive` holds; distinct people do not.
    """

    parts: tuple[str, ...]
    total: str | None = None
    subtotals: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    is_additive: bool = True

    @property
    def totals(self) -> tuple[str, ...]:
        """The columns that are sums of others."""
        return (*(() if self.total is None else (self.total,)), *self.subtotals)

    @property
    def part_of(self) -> dict[str, str]:
        """What each part goes by in the total: its subtotal, else its own name."""
        inside = {part: subtotal for subtotal, parts in self.subtotals.items() for part in parts}
        return {part: inside.get(part, part) for part in self.parts}


def is_small(count: pl.Expr) -> pl.Expr:
    """Return whether a count is hidden: from 1 to `LARGEST_HIDDEN`; zero is not."""
    return (count > 0) & (count <= LARGEST_HIDDEN)


def rounded(count: pl.Expr) -> pl.Expr:
    """Return a count to the nearest multiple of `ROUNDED_TO`, half up (a whole number is never half way of 5)."""
    return (2 * count + ROUNDED_TO) // (2 * ROUNDED_TO) * ROUNDED_TO


def group_counts(table: pl.DataFrame, declared: Published) -> list[Counts]:
    """Return the counts of a table, each in one group: totals with their parts first, then the others one by one."""
    names = [column.name for column in declared.columns if column.unit == "count" and column.name in table.columns]
    sums = [_sum_of(total, parts, names) for total, parts in TOTALS if {total, *parts} <= set(names)]
    taken = {name for counts in sums for name in (*counts.totals, *counts.parts)}
    alone = [Counts((name,), is_additive=name not in NOT_ADDITIVE) for name in names if name not in taken]
    return [*sums, *alone]


def _sum_of(total: str, parts: tuple[str, ...], names: list[str]) -> Counts:
    split = {name: inside for name, inside in SUBTOTALS.items() if name in parts and set(inside) <= set(names)}
    return Counts(tuple(leaf for part in parts for leaf in split.get(part, (part,))), total, split)
