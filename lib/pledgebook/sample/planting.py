"""Writing the records of a planted breach, and the line of `planted.csv` that tells what must be found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
import polars as pl
from numpy.random import Generator

from pledgebook.sample.clock import DAY, EARLIER_MONTHS, HOUR, LAST_MONTH, Month
from pledgebook.sample.company import SENDERS
from pledgebook.sample.consent import notice_at
from pledgebook.sample.layout import rows_of, stamp_text
from pledgebook.sample.naming import KEY, make_id


@dataclass
class Planting:
    """Rows written by hand for one block, by table; `planted` says what is wrong with them.

    `month` is the one whose promises are being broken.
    """

    rng: Generator
    block: int
    leavers: list[str]
    person_ids: pl.Series
    month: Month = LAST_MONTH
    rows: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, table: str, /, **row: Any) -> str:
        """Write a row; it gets an id where the table has one, which is returned."""
        rows = self.rows.setdefault(table, [])
        key = make_id(table, self.block, len(rows)) if table in KEY else ""
        rows.append(row | ({KEY[table]: key} if key else {}))
        return key

    def expect(self, kind: str, table: str, key: str, where: str, detail: str) -> None:
        """Say what the report on the month must find: one case in the figure `where` (table.column)."""
        expect_table, _, expect_column = where.partition(".")
        line = {"kind": kind, "table": table, "key": key, "period": self.month.name, "detail": detail}
        self.add("planted", **line, expect_table=expect_table, expect_column=expect_column)

    def draw(self, month: Month, first: int, last: int) -> int:
        """Draw an instant in office hours of one of the days `first` to `last` of a month."""
        return month.start + int(self.rng.integers(first - 1, last)) * DAY + int(self.rng.integers(9 * HOUR, 18 * HOUR))

    def grant(self, person: int, at: int, **others: Any) -> None:
        """Write a yes, by default to all advertising."""
        row = {
            "person_id": person,
            "purpose": "marketing",
            "channel": "any",
            "action": "grant",
            "at": at & ~1,
        }
        others.setdefault(
            "notice_version", str(notice_at(np.array([at]))[0]) if others.get("purpose") is None else None
        )
        self.add("consent_events", **(row | {"method": "sign_up_form"} | others))

    def refuse(self, person: int, at: int, channel: str = "any", without: str = "") -> int:
        """Write a no to advertising, suppressed in all systems but `without`; return its instant."""
        row = {
            "person_id": person,
            "purpose": "marketing",
            "channel": channel,
            "action": "withdraw",
            "at": at | 1,
        }
        self.add("consent_events", **row, method="preference_page")
        self.suppress(person, at | 1, channel, without)
        return at | 1

    def suppress(self, person: int, at: int, channel: str, without: str = "") -> None:
        """Write the entries of the suppression lists a few hours after a no."""
        pairs = [(c, s) for c, systems in SENDERS.items() for s in systems if channel in ("any", c) and s != without]
        for reached, system in pairs:
            added = at + int(self.rng.integers(60, 6 * HOUR))
            self.add("suppressions", person_id=person, channel=reached, system=system, added_at=added)

    def advertise(self, person: int, at: int, campaign: str = "monthly_letter") -> str:
        """Write an advertising email and return its id."""
        row = {"person_id": person, "channel": "email", "campaign": campaign, "category": "marketing"}
        return self.add("messages", **row, system="kaze_mailer", sent_at=at)

    def request(self, person: int, kind: str, received_at: int, closed_at: int | None, **others: Any) -> str:
        """Write a request, identified the next day, and return its id."""
        row = {
            "person_id": person,
            "kind": kind,
            "received_at": received_at,
            "acknowledged_at": received_at + HOUR,
        }
        closing = {"closed_at": closed_at, "outcome": None if closed_at is None else "fulfilled"}
        return self.add("requests", **(row | closing | {"verified_at": received_at + DAY} | others))

    def disclose(self, person: int, at: int, recipient: str, basis: str, purpose: str, **others: Any) -> str:
        """Write a disclosure of name and email and return its id."""
        row = {
            "person_id": person,
            "recipient": recipient,
            "basis": basis,
            "purpose": purpose,
            "disclosed_at": at,
        }
        return self.add("disclosures", **(row | {"items": "email;name"} | others))

    def tables(self) -> dict[str, pl.DataFrame]:
        """Return what was written."""
        return {table: rows_of(table, rows) for table, rows in self.rows.items()}

    def written(self, instant: int, holds: str = "instant") -> str:
        """Return an instant as its file shows it, the key of rows without an id."""
        return stamp_text(instant, holds)


class Breach(NamedTuple):
    """A way to break a promise: how it is written, where the person lives, in which months it can be."""

    write: Callable[[Planting, int, Month], None]
    region: str = "JP-13"
    months: tuple[Month, ...] = EARLIER_MONTHS

    def month(self, rng: Generator, case: int) -> Month:
        """Every other case is in the last month, the others before."""
        return LAST_MONTH if case % 2 == 0 else self.months[int(rng.integers(0, len(self.months)))]


def cases_for(people_count: int) -> int:
    """Return how many cases of each breach a block of so many people gets."""
    return 1 + people_count // 1_000
