"""What a further month costs: `python -m benchmarks.growth` adds files to exports that have their store already.

Messages and consent events of one block come beside the world's, are taken in, and are removed again: a month that
follows the world's last, then as many rows within its last month. The same rows alone are taken in first, into a store
of their own. Seconds are of whole openings, in this process, files in memory or not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import numpy as np
import polars as pl
import typer

from benchmarks.__main__ import FOLDER
from benchmarks.draws import Span
from benchmarks.engines.own import environment_of
from benchmarks.made_tables import MAKERS
from benchmarks.questions import INSTANTS, Place
from benchmarks.rules import POLICY
from benchmarks.stretches import YEAR
from benchmarks.world import CSV_INSTANT, make_world, rows_of_tables
from pledgebook.book import open_store_of
from pledgebook.store import Store

FURTHER = {"messages": 1_000_000, "consent_events": 250_000}


@dataclass(frozen=True)
class Further:
    """Rows that follow the last ones of a world: in the world's last month, or from the day after its end on."""

    name: str
    follows: bool
    sizes: Mapping[str, int] = field(default_factory=FURTHER.copy)
    seed: int = field(default_factory=time.time_ns)
    """Others each time, for what was taken in once is there already."""

    def rows(self, table: str, messages: int) -> pl.DataFrame:
        """Return the rows of a table beside those of a world of so many messages."""
        there, rows, when = rows_of_tables(messages), self.sizes[table], pl.col(INSTANTS[table])
        span = Span(there[table], there[table] + rows, there[table] + rows, there["people"])
        made = MAKERS[table](np.random.default_rng([self.seed, list(self.sizes).index(table)]), span)
        return made.with_columns(when - when.min() + YEAR.end) if self.follows else made


KINDS = (Further("a month that follows", follows=True), Further("days of the last month", follows=False))


@contextmanager
def further_files(exports: Path, messages: int, kind: Further) -> Iterator[None]:
    """Lay one more file of each table beside those of an export folder."""
    made = []
    try:
        for table in kind.sizes:
            made.append(exports / table / "part-further.csv")
            made[-1].parent.mkdir(parents=True, exist_ok=True)
            kind.rows(table, messages).write_csv(made[-1], datetime_format=CSV_INSTANT)
        yield
    finally:
        for file in made:
            file.unlink(missing_ok=True)


def open_as_it_is(exports: Path, stores: Path) -> tuple[Store, float]:
    """Open the store of exports as they are; return it, and how many seconds that took."""
    begun = time.perf_counter()
    store = open_store_of(exports, POLICY, environment=environment_of(stores))
    return store, time.perf_counter() - begun


def _alone(messages: int, kind: Further) -> float:
    """How many seconds the further rows take in a store of their own."""
    with TemporaryDirectory() as folder:
        exports, stores = Path(folder, "exports"), Path(folder, "stores")
        with further_files(exports, messages, kind):
            return open_as_it_is(exports, stores)[1]


def main(
    messages: Annotated[int, typer.Option(help="Messages of the world that grows.")] = 10_000_000,
    folder: Annotated[Path, typer.Option(help="Where worlds and stores lie.")] = FOLDER,
) -> None:
    """Print what opening costs: the first time, again, with further files of two tables, and without them again."""
    world = make_world(folder.resolve(), messages)
    place = Place(world, world / "scratch")
    exports, stores = place.exports("csv"), place.stores
    rows = ", ".join(f"{count:,} {table}" for table, count in FURTHER.items())
    typer.echo(f"{messages:,} messages, store there or made: {open_as_it_is(exports, stores)[1]:.1f} s")
    typer.echo(f"again: {open_as_it_is(exports, stores)[1]:.2f} s; with {rows} more:")
    for kind in KINDS:
        typer.echo(f"{kind.name}, in a store of their own: {_alone(messages, kind):.1f} s")
        with further_files(exports, messages, kind):
            typer.echo(f"{kind.name}, beside the others: {open_as_it_is(exports, stores)[1]:.1f} s")
            typer.echo(f"again: {open_as_it_is(exports, stores)[1]:.2f} s")
        typer.echo(f"without them: {open_as_it_is(exports, stores)[1]:.2f} s")


if __name__ == "__main__":
    typer.run(main)
