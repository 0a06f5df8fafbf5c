"""The targets: how much time a question may take against the others, and how memory and time may grow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.engines import ALONE, ASKED, OWN
from benchmarks.rounds import Results, Series

PEERS = ("duckdb", "duckdb-asof", "polars", "pandas")
LARGE, MOST_MEMORY = 100_000_000, 1.5 * 2**30
TENFOLD, MOST_GROWTH = 10, 12.0
SMALL = 0.1


@dataclass(frozen=True)
class Target:
    """A question may take `own` at most so many times as long as the fastest of these engines."""

    question: str
    against: tuple[str, ...]
    at_most: float
    words: str
    own: str = OWN

    @property
    def tables(self) -> str:
        """Which tables are computed in that time: of a question about the store the same, or all that it has."""
        if self.question not in ASKED:
            return ""
        return ", the same table" if self.own == ALONE else ", all its tables"


@dataclass(frozen=True)
class Judged:
    """A target held against what was measured."""

    words: str
    measured: str
    at_most: str
    is_met: bool


TARGETS = (
    Target("intake", ("duckdb",), 1.5, "DuckDB reading, hashing, sorting and writing the same CSV"),
    *(
        Target("opt-outs", against, at_most, words, own)
        for own in (ALONE, OWN)
        for against, at_most, words in (
            (("scan-store",), 2.5, "the bare scan of the store"),
            (("duckdb-store",), 1.0, "DuckDB on the same store"),
            (("duckdb", "duckdb-asof"), 0.3, "DuckDB's best on the exports"),
            (("pandas",), 0.05, "pandas on the exports"),
        )
    ),
    *(
        Target(question, against, at_most, words, own)
        for question in ("coverage", "turnaround", "disclosures")
        for own in (ALONE, OWN)
        for against, at_most, words in (
            (PEERS, 1.0, "the fastest peer on the exports"),
            (("scan-store",), 4.0, "the bare scan of the store"),
        )
    ),
)


def judge(results: Results, tenth: Results | None = None) -> Iterator[Judged]:
    """Hold every target against the results that it can be held against; `tenth` has a tenth of the messages."""
    for target in TARGETS:
        own = results.of(target.question, target.own)
        peers = [found for name in target.against if (found := results.of(target.question, name))]
        if own and peers:
            ratio = own.seconds / min(each.seconds for each in peers)
            yield Judged(
                f"{target.question}{target.tables}: time against {target.words}",
                f"{ratio:.2f}" if ratio >= SMALL else f"{ratio:.3f}",
                f"{target.at_most}",
                ratio <= target.at_most,
            )
    for own in (each for each in results.series if each.engine == OWN and each.measured):
        if results.messages >= LARGE:
            peak = max(each.peak for each in own.measured)
            words = f"{own.question}: peak memory"
            yield Judged(words, f"{peak / 2**20:.0f} MiB", f"{MOST_MEMORY / 2**20:.0f} MiB", peak < MOST_MEMORY)
        if tenth is not None and (before := tenth.of(own.question, OWN)):
            yield _growth(own, before)


def _growth(own: Series, before: Series) -> Judged:
    growth = own.seconds / before.seconds
    words = f"{own.question}: time against a tenth of the messages"
    return Judged(words, f"{growth:.1f}", f"{MOST_GROWTH:g}", growth <= MOST_GROWTH)
