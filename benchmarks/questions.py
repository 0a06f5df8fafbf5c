"""The questions that are measured, where each finds its records, and the columns that it cannot do without."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.stretches import MONTH, YEAR, Stretch

SUITE = Path(__file__).resolve().parents[1]
ANSWERS = ("person_id", "purpose", "channel", "recipient", "action", "at", "expires_at", "notice_version")
MESSAGES = ("person_id", "channel", "campaign", "category", "sent_at")
OPT_OUTS = {
    "messages": MESSAGES,
    "consent_events": ANSWERS,
    "requests": ("person_id", "kind", "received_at"),
    "people": ("person_id", "region"),
}
COVERAGE = {
    "people": ("person_id", "kind", "opened_at", "closed_at"),
    "consent_events": ANSWERS,
    "requests": ("person_id", "kind", "received_at"),
}
TURNAROUND = {
    "requests": ("request_id", "kind", "received_at", "verified_at", "closed_at", "outcome"),
    "request_pauses": ("request_id", "paused_at", "resumed_at"),
}
DISCLOSURES = {
    "disclosures": ("person_id", "recipient", "basis", "purpose", "disclosed_at", "legal_reference", "is_recorded"),
    "consent_events": ANSWERS,
    "requests": ("person_id", "kind", "received_at"),
    "recipients": ("recipient", "kind", "country"),
    "contracts": ("recipient", "starts_on", "ends_on", "is_confidential", "is_equal_standard"),
}
TABLES = (
    "people", "consent_events", "requests", "request_pauses", "messages", "suppressions", "recipients", "contracts",
    "disclosures",
)  # fmt: skip
INSTANTS = {
    "people": "opened_at",
    "consent_events": "at",
    "requests": "received_at",
    "messages": "sent_at",
    "suppressions": "added_at",
    "disclosures": "disclosed_at",
}
KEY = "a key of the benchmark, 32 characters or more"
EVERYTHING: dict[str, tuple[str, ...]] = dict.fromkeys(TABLES, ())


@dataclass(frozen=True)
class Question:
    """One thing that is measured: what it asks, the exports it reads, and by which columns (none named: all)."""

    name: str
    title: str
    stretch: Stretch
    form: str
    columns: dict[str, tuple[str, ...]]

    @property
    def has_processes(self) -> bool:
        """Whether answering it takes several processes at once."""
        return self.name == "report"

    @property
    def parts(self) -> list[str]:
        """The questions whose figures it gives: itself, or the four of a whole run; none for a report."""
        return {"run": list(FOUR), "report": []}.get(self.name, [self.name])


FOUR = ("opt-outs", "coverage", "turnaround", "disclosures")
QUESTIONS = {
    question.name: question
    for question in (
        Question("intake", "Intake from CSV", YEAR, "csv", EVERYTHING),
        Question("opt-outs", "Marketing opt-outs, a year", YEAR, "parquet", OPT_OUTS),
        Question("opt-outs-month", "Marketing opt-outs, a month", MONTH, "parquet", OPT_OUTS),
        Question("coverage", "Consent coverage, daily for a year", YEAR, "parquet", COVERAGE),
        Question("turnaround", "Turnaround of requests, a year", YEAR, "parquet", TURNAROUND),
        Question("disclosures", "Third-party disclosures, a year", YEAR, "parquet", DISCLOSURES),
        Question("run", "The whole run from CSV: intake and all figures", YEAR, "csv", EVERYTHING),
        Question("report", "The whole run from CSV with notebooks and pages", YEAR, "csv", EVERYTHING),
    )
}


@dataclass(frozen=True)
class Place:
    """Where a step finds the exports and the built store, and a scratch folder of its own."""

    world: Path
    scratch: Path

    @property
    def stores(self) -> Path:
        """The folder of the store that was built once, before anything is measured."""
        return self.world / "stores"

    @property
    def listing(self) -> Path:
        """The file that lists the store's files by question and table."""
        return self.world / "store_files.json"

    def stored(self, question: Question) -> dict[str, list[str]]:
        """The store's files that a question needs, by table."""
        files: dict[str, list[str]] = json.loads(self.listing.read_text())["files"][question.name]
        return files

    def exports(self, form: str) -> Path:
        """The folder of the exports of one form."""
        return self.world / form

    def pattern(self, form: str, table: str) -> str:
        """The files of a table, as a pattern."""
        return str(self.exports(form) / table / f"*.{form}")

    def header(self, table: str) -> list[str]:
        """The columns of a table, as the first line of its CSV names them."""
        with self.files("csv", (table,))[0].open() as lines:
            return next(lines).strip().split(",")

    def files(self, form: str, tables: Iterable[str]) -> list[Path]:
        """The files of some tables, in order."""
        return [file for table in tables for file in sorted((self.exports(form) / table).glob(f"*.{form}"))]
