"""Planting: the rows of made-up people that break a promise, and what the suite must say of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from typing import Any

from pledgebook.selftest.setting import DAY, HOUR, Setting

BEYOND = "beyond"
"""A cell that the header has no column for."""


@dataclass(frozen=True)
class Cell:
    """A figure of a table: rows of these groups, counted, or with the sum of one column, or of one less another."""

    table: str
    groups: tuple[tuple[str, str], ...]
    column: str | None = None
    less: str | None = None


@dataclass(frozen=True)
class Expected:
    """By how much planting moves a cell. `weight` (a power of two) tells several cases of one cell apart.

    An innocent case stands a microsecond on the other side of an edge: it must not be found. kind: whose case it is;
    empty for what all of them must add up to.
    """

    kind: str
    cell: Cell
    change: int
    is_innocent: bool = False
    weight: int | None = None


@dataclass(frozen=True, order=True)
class Part:
    """A file that is planted: table, and what its name adds (a date says when it was exported)."""

    table: str
    suffix: str = ""


@dataclass
class Planting:
    """Collects the rows of one copy, file by file, and what is expected of them."""

    setting: Setting
    is_mapped: bool = False
    kind: str = ""
    suffix: str = ""
    files: dict[Part, list[dict[str, Any]]] = field(default_factory=dict)
    timezones: dict[Part, str] = field(default_factory=dict)
    expected: list[Expected] = field(default_factory=list)
    touched: set[tuple[str, ...]] = field(default_factory=set)
    _numbers: Counter[str] = field(default_factory=Counter)

    def name(self, what: str) -> str:
        """Return a new id or label that nothing else in the exports has."""
        self._numbers[what] += 1
        return f"{self.setting.tag}-{what}-{self._numbers[what]}"

    def source(self, part: Part) -> str:
        """Return the name of a planted file, below the folder of exports; a mapping's patterns must not match it."""
        if self.is_mapped:
            return f"{self.setting.tag}/{part.table}{part.suffix}.planted"
        return f"{part.table}-{self.setting.tag}{part.suffix}.csv"

    def add(self, table: str, row: Mapping[str, Any], suffix: str = "") -> tuple[str, int]:
        """Write a row; return its source and its number there, so that it can be recognised."""
        part = Part(table, self.suffix + suffix)
        rows = self.files.setdefault(part, [])
        rows.append({name: as_text(value) for name, value in row.items()})
        return self.source(part), len(rows)

    def expect(self, table: str, change: int = 1, column: str | None = None, /, **groups: str) -> None:
        """Say by how much a figure must move; without a column, by how many rows."""
        self.expected.append(Expected(self.kind, Cell(table, tuple(sorted(groups.items())), column), change))

    def spare(self, table: str, column: str | None = None, change: int = 0, /, **groups: str) -> None:
        """Say what an innocent neighbour leaves in a figure: nothing, or its place among the good ones."""
        cell = Cell(table, tuple(sorted(groups.items())), column)
        self.expected.append(Expected(self.kind, cell, change, is_innocent=True))

    def expect_in_all(self, table: str, column: str, /, **groups: str) -> None:
        """Count one more case in a figure in which all planted cases stand together, whatever their kind."""
        self.expected.append(Expected("", Cell(table, tuple(sorted(groups.items())), column), 1))

    def note(self, table: str, note: str) -> None:
        """Expect one more row in a note of the intake or of a metric."""
        self.expect("notes", 1, "rows", table=table, note=note)

    def person(self, region: str | None = None, kind: str | None = None, person: str | None = None) -> str:
        """Write a person known for two years; return the clear id."""
        clear = person or self.name("person")
        opened = self.setting.period.start - 730 * DAY
        row = {"person_id": clear, "kind": kind or self.setting.other_kind, "region": region, "opened_at": opened}
        self.add("people", row)
        return clear

    def further_id(self, person: str) -> str:
        """Write a further id of a person, an address; return it."""
        address = f"{self.name('address')}@selftest.invalid"
        self.add("identities", {"id": address, "person_id": person})
        return address

    def grant(self, person: str, at: datetime, purpose: str, channel: str = "any", **others: Any) -> None:
        """Write a yes, on the notice that holds longest."""
        row = {"person_id": person, "purpose": purpose, "channel": channel, "action": "grant", "at": at}
        self.add("consent_events", row | {"notice_version": self.setting.notice(purpose)} | others)

    def withdraw(self, person: str, at: datetime, purpose: str, channel: str | None = "any", **others: Any) -> None:
        """Write a no; on the purpose of marketing and inside the period it is one more opt-out."""
        row = {"person_id": person, "purpose": purpose, "channel": channel, "action": "withdraw", "at": at}
        self.add("consent_events", row | others)
        if not others and self.setting.policy.marketing and purpose == self.setting.policy.marketing.purpose:
            self.count_opt_out(at)

    def count_opt_out(self, at: datetime) -> None:
        """Count an opt-out that says something new, where it lies in the period."""
        if self.setting.holds(at):
            self.expect_in_all("opt_outs", "opt_outs", channel="all")

    def request(self, person: str, kind: str, received_at: datetime, closed_at: datetime | None, **others: Any) -> str:
        """Write a request, identified and acknowledged at receipt; return its id."""
        key = self.name("request")
        row = {"request_id": key, "person_id": person, "kind": kind, "received_at": received_at}
        known = {"acknowledged_at": received_at, "verified_at": received_at, "closed_at": closed_at}
        self.add("requests", row | known | {"outcome": "fulfilled" if closed_at else None} | others)
        return key

    def message(self, person: str, at: datetime | str, channel: str, campaign: str, **others: Any) -> str:
        """Write a marketing message; return its id."""
        key = self.name("message")
        row = {"message_id": key, "person_id": person, "channel": channel, "campaign": campaign, "sent_at": at}
        self.add("messages", row | {"category": "marketing"} | others)
        return key

    def pause(self, request: str, paused_at: datetime, resumed_at: datetime | None) -> None:
        """Write a stop of a request's clock."""
        self.add("request_pauses", {"request_id": request, "paused_at": paused_at, "resumed_at": resumed_at})

    @property
    def before(self) -> datetime:
        """An hour before the middle of the period."""
        return self.setting.middle - HOUR

    def mark(self) -> tuple[dict[Part, int], int, set[tuple[str, ...]]]:
        """Return how far planting has come, so that a kind that turns out not to apply can be taken back."""
        return {part: len(rows) for part, rows in self.files.items()}, len(self.expected), set(self.touched)

    def take_back(self, mark: tuple[dict[Part, int], int, set[tuple[str, ...]]]) -> None:
        """Forget all that was planted since a mark."""
        rows, expected, self.touched = mark
        self.files = {part: self.files[part][:count] for part, count in rows.items()}
        del self.expected[expected:]

    def leave_out(self, table: str) -> None:
        """Take a table out of the copy again."""
        self.files = {part: rows for part, rows in self.files.items() if part.table != table}

    def rows_of(self, *tables: str) -> int:
        """Return how many rows of these tables are planted."""
        return sum(len(rows) for part, rows in self.files.items() if part.table in tables)


def as_text(value: Any) -> str | None:
    """Return a cell as a native export has it; instants in UTC with microseconds."""
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return None if value is None else str(value)
