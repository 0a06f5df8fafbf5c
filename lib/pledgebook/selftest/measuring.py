"""Measuring: by how much planting moved each figure, and whether anything else moved."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection
from functools import cached_property

import polars as pl

from pledgebook.book import Book
from pledgebook.metrics.catalogue import published
from pledgebook.selftest.kinds import Kind
from pledgebook.selftest.outcome import FOUND, MISSED, Result
from pledgebook.selftest.planting import Cell, Expected, Planting
from pledgebook.worklists import are_same_rows

STILL = (
    "intake", "quarantine", "consent_coverage", "consent_gap", "marketing_messages", "opt_out_breaches",
    "disclosures", "disclosures_by_recipient", "disclosures_by_item", "disclosure_items", "disclosure_findings",
    "disclosures_daily", "request_turnaround", "requests_open",
)  # fmt: skip
"""Tables whose other rows must be as they were, to the last digit."""


class Comparison:
    """The figures of two books, one untouched and one planted."""

    def __init__(self, untouched: Book, planted: Book, planting: Planting) -> None:
        self.untouched, self.planted, self.planting = untouched, planted, planting

    @cached_property
    def changes(self) -> dict[Cell, int]:
        """By how much each cell that is spoken of moved."""
        after = _measure(self.planted, self._before)
        return {cell: after[cell] - before for cell, before in self._before.items()}

    @cached_property
    def _before(self) -> dict[Cell, int]:
        return _measure(self.untouched, {each.cell for each in self.planting.expected})

    @cached_property
    def _wanted(self) -> dict[Cell, int]:
        """By how much each cell must move: cases that share a cell add up."""
        wanted: dict[Cell, int] = defaultdict(int)
        for each in self.planting.expected:
            wanted[each.cell] += each.change
        return wanted

    def _fails(self, expected: Expected) -> bool:
        change = self.changes[expected.cell]
        if expected.weight is None:
            return change != self._wanted[expected.cell]
        return (change // expected.weight) % 2 != (0 if expected.is_innocent else 1)

    def judge(self, kind: Kind) -> Result:
        """Return what became of a kind that was planted."""
        mine = [each for each in self.planting.expected if each.kind == kind.name]
        where = ", ".join(dict.fromkeys(_place(each.cell) for each in mine if not each.is_innocent))
        failing = [each for each in mine if self._fails(each)]
        reason = "; ".join(dict.fromkeys(self._said(each) for each in failing))
        verdict = MISSED if failing or not mine else FOUND
        return Result(kind.name, kind.title, kind.question, kind.world, where, verdict, reason)

    def _said(self, expected: Expected) -> str:
        place = _place(expected.cell)
        if expected.weight is not None:
            return f"{place}: {'an innocent neighbour is counted' if expected.is_innocent else 'not counted'}"
        who = " of an innocent neighbour" if expected.is_innocent else ""
        return f"{place}{who}: {self.changes[expected.cell]} where {self._wanted[expected.cell]} was planted"

    def raised(self) -> list[str]:
        """Return the kinds whose planted ids and labels the untouched exports hold already."""
        tag = self.planting.setting.tag
        own = [each for each in self.planting.expected if any(tag in value for _, value in each.cell.groups)]
        return sorted({each.kind for each in own if self._before[each.cell] != 0})

    def moved(self) -> list[str]:
        """Return the figures that moved although nothing was planted there, or otherwise than all that was planted."""
        whole = {each.cell for each in self.planting.expected if not each.kind}
        named = {each.cell for each in self.planting.expected if each.kind}
        off = [_place(cell) for cell in whole - named if self.changes[cell] != self._wanted[cell]]
        return sorted(off) + [name for name in STILL if not self._stands_still(name)]

    def _stands_still(self, table: str) -> bool:
        before, after = (_others(_rows(book, table), table, self.planting) for book in (self.untouched, self.planted))
        return are_same_rows(before, after)


def _rows(book: Book, table: str) -> pl.LazyFrame:
    if table in ("quarantined", "unknown_columns"):
        return getattr(book.store, table).lazy()  # type: ignore[no-any-return]
    declared = published(table)
    is_worklist = declared is not None and declared.is_worklist
    return book.scan_worklist(table) if is_worklist else book.compute(table).lazy()


def _measure(book: Book, cells: Collection[Cell]) -> dict[Cell, int]:
    """What each cell says; a table is read once for all of its cells."""
    of_table: dict[str, list[Cell]] = defaultdict(list)
    for cell in cells:
        of_table[cell.table].append(cell)
    measured: dict[Cell, int] = {}
    for table, mine in of_table.items():
        figures = [_figure(cell).alias(str(number)) for number, cell in enumerate(mine)]
        told = _rows(book, table).select(figures).collect(engine="streaming")
        measured |= zip(mine, told.row(0), strict=True)
    return measured


def _figure(cell: Cell) -> pl.Expr:
    is_it = pl.all_horizontal(pl.lit(value=True), *[_says(name, value) for name, value in cell.groups])
    if cell.column is None:
        return pl.int_range(pl.len()).filter(is_it).len().cast(pl.Int64)
    total, *less = [
        pl.col(name).filter(is_it).sum().cast(pl.Int64) for name in (cell.column, cell.less) if name is not None
    ]
    return total - less[0] if less else total


def _says(name: str, value: str) -> pl.Expr:
    text = pl.col(name).cast(pl.String)
    return text.str.contains(value, literal=True) if name == "reason" else text == value


def _others(rows: pl.LazyFrame, table: str, planting: Planting) -> pl.LazyFrame:
    """The rows that planting must leave alone: no totals, no planted label, none of the figures that it touched."""
    tag, setting = planting.setting.tag, planting.setting
    texts = [pl.col(name) for name, dtype in rows.collect_schema().items() if dtype == pl.String]
    is_mine = pl.any_horizontal(*[text.str.contains(tag, literal=True).fill_null(value=False) for text in texts])
    is_total = pl.any_horizontal(*[(text == "all").fill_null(value=False) for text in texts])
    touched = [pl.lit(value=False)]
    if table == "request_turnaround":
        cells = [cell[1:] for cell in planting.touched if cell[0] == table]
        touched += [(pl.col("regime") == regime) & (pl.col("kind") == kind) for regime, kind in cells]
    if table == "consent_gap":
        touched += [pl.col("purpose").is_in([cell[1] for cell in planting.touched if cell[0] == table])]
    if table == "consent_coverage":
        touched += [pl.col("kind").is_in([setting.covered_kind, setting.other_kind])]
    return rows.filter(~is_mine & ~is_total & ~pl.any_horizontal(*touched))


def _place(cell: Cell) -> str:
    groups = dict(cell.groups)
    if cell.table == "quarantined":
        return f"quarantine: {groups.get('rule', 'any rule')}"
    if cell.table == "notes":
        return f"notes: {groups['note']}"
    if cell.table == "scorecard":
        return f"scorecard: {groups['verdict']}"
    column = f"{cell.column} - {cell.less}" if cell.less else cell.column
    finding = groups.get("finding")
    return ".".join(part for part in (cell.table, column or finding) if part)
