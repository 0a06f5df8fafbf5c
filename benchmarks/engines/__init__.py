"""The engines that are held against each other, and which questions each of them answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from benchmarks.questions import QUESTIONS

ASKED = ("opt-outs", "opt-outs-month", "coverage", "turnaround", "disclosures")
MEASURED = ("intake", *ASKED, "run")
FROM_EXPORTS = ("intake", "run", "report")
JOINED = ("opt-outs", "opt-outs-month", "disclosures")

OWN, ALONE = "pledgebook", "pledgebook-table"


@dataclass(frozen=True)
class Engine:
    """One way to the figures: a module, in one of its manners; what it reads; and whether it tells figures at all."""

    name: str
    title: str
    module: str
    questions: tuple[str, ...]
    manner: str = ""
    tells_figures: bool = True

    def title_for(self, question: str) -> str:
        """Return how it goes about a question, in words."""
        return "Pledgebook" if self.name == OWN and question in FROM_EXPORTS else self.title

    def load(self) -> tuple[Callable[..., Callable[[], Any]], Callable[..., Any]]:
        """Import the module, and with it what it stands on; return its `prepare` and its `figures`."""
        module = import_module(f"benchmarks.engines.{self.module}")
        return module.prepare, module.figures


ENGINES = {
    engine.name: engine
    for engine in (
        Engine(OWN, "Pledgebook, built store", "own", tuple(QUESTIONS)),
        Engine(ALONE, "Pledgebook, the peers' table alone", "own", ASKED, "alone"),
        Engine("scan-store", "bare scan of the store", "bare_scan", ASKED, "store", tells_figures=False),
        Engine("scan-made", "bare scan of what intake made of it", "bare_scan", JOINED, "made", tells_figures=False),
        Engine("scan-exports", "bare scan of the exports", "bare_scan", MEASURED, "exports", tells_figures=False),
        Engine("duckdb-store", "DuckDB on the same store", "store_files", JOINED),
        Engine("duckdb-asof", "DuckDB `ASOF JOIN` on exports", "duckdb_exports", JOINED, "asof"),
        Engine("duckdb", "DuckDB SQL on exports", "duckdb_exports", MEASURED, "intervals"),
        Engine("polars", "Polars on exports", "polars_exports", MEASURED),
        Engine("pandas", "pandas on exports", "pandas_exports", MEASURED),
    )
}
