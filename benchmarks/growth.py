"""What a further month costs: `python -m benchmarks.growth` adds files to exports that have their store already.

Files of a million messages, and of all that comes with them, come beside the world's, are taken in, and are removed
again: as a month that follows the world's last, then as rows within its last months, then a hundredth of them, then as
many that the world has already, then further ids of its people. The same rows alone are taken in first, into a store of
their own. Seconds are of whole openings, in this process, files in memory or not.
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
import polars.selectors as cs
import typer

from benchmarks.__main__ import FOLDER
from benchmarks.draws import Span, person_ids
from benchmarks.engines.own import environment_of
from benchmarks.made_tables import MAKERS
from benchmarks.questions import INSTANTS, Place
from benchmarks.rules import POLICY
from benchmarks.stretches import YEAR
from benchmarks.world import CSV_INSTANT, make_world, rows_of_tables
from pledgebook.book import open_store_of
from pledgebook.intake.further_ids import IDENTITIES
from pledgebook.store import Store

LISTS = ("recipients", "contracts")
DATED = {**INSTANTS, "request_pauses": "paused_at"}


def all_with(messages: int) -> dict[str, int]:
    """Return the rows of each table that grows, as they come with so many messages."""
    return {name: rows for name, rows in rows_of_tables(messages).items() if name not in LISTS}


@dataclass(frozen=True)
class Further:
    """Rows that follow the last ones of a world: in its last months, or from the day after its end on; people at any time.

    is_known: rows of the world's last files instead.
    """

    name: str
    follows: bool
    sizes: Mapping[str, int]
    is_known: bool = False
    seed: int = field(default_factory=time.time_ns)
    """Others each time, for what was taken in once is there already."""

    def rows(self, table: str, exports: Path, messages: int) -> pl.DataFrame:
        """Return the rows of a table beside those of a world of so many messages."""
        if self.is_known:
            return pl.read_csv(max((exports / table).glob("*.csv")), n_rows=self.sizes[table], infer_schema=False)
        if table == IDENTITIES:
            return self._further_ids(rows_of_tables(messages)["people"])
        return self._made(table, messages)

    def _made(self, table: str, messages: int) -> pl.DataFrame:
        there, rows, when = rows_of_tables(messages), self.sizes[table], pl.col(DATED[table])
        span = Span(there[table], there[table] + rows, there[table] + rows, there["people"])
        made = MAKERS[table](np.random.default_rng([self.seed, list(self.sizes).index(table)]), span)
        is_moved = self.follows and table != "people"
        return made.with_columns(cs.datetime() + (YEAR.end - when.min())) if is_moved else made

    def _further_ids(self, people: int) -> pl.DataFrame:
        """Ids that no row names."""
        persons = np.random.default_rng(self.seed).integers(0, people, self.sizes[IDENTITIES])
        numbers = pl.int_range(persons.size, eager=True)
        ids = pl.select(pl.format("{}.{}@example.org", numbers, self.seed)).to_series()
        return pl.DataFrame({"id": ids, "person_id": person_ids(persons)})


KINDS = (
    Further("a month that follows", follows=True, sizes=all_with(1_000_000)),
    Further("late rows", follows=False, sizes=all_with(1_000_000)),
    Further("a few rows that follow", follows=True, sizes=all_with(10_000)),
    Further("as many that are there already", follows=False, sizes=all_with(10_000), is_known=True),
    Further("further ids of people", follows=False, sizes={IDENTITIES: 100_000}),
)


@contextmanager
def further_files(exports: Path, world: Path, messages: int, kind: Further) -> Iterator[None]:
    """Lay one more file of each table beside those of an export folder; `world` has the exports of so many messages."""
    made = []
    try:
        for table in kind.sizes:
            rows = kind.rows(table, world, messages)
            made.append(exports / table / "part-further.csv")
            made[-1].parent.mkdir(parents=True, exist_ok=True)
            rows.write_csv(made[-1], datetime_format=CSV_INSTANT)
        yield
    finally:
        for file in made:
            file.unlink(missing_ok=True)


def open_as_it_is(exports: Path, stores: Path, shards: int | None = None) -> tuple[Store, float]:
    """Open the store of exports as they are; return it, and how many seconds that took."""
    begun = time.perf_counter()
    store = open_store_of(exports, POLICY, environment=environment_of(stores), shards=shards)
    return store, time.perf_counter() - begun


def _alone(world: Path, messages: int, kind: Further, shards: int) -> float:
    """How many seconds the further rows take in a store of their own, of so many shards."""
    with TemporaryDirectory() as folder:
        exports, stores = Path(folder, "exports"), Path(folder, "stores")
        with further_files(exports, world, messages, kind):
            return open_as_it_is(exports, stores, shards)[1]


def main(
    messages: Annotated[int, typer.Option(help="Messages of the world that grows.")] = 10_000_000,
    folder: Annotated[Path, typer.Option(help="Where worlds and stores lie.")] = FOLDER,
) -> None:
    """Print what opening costs: the first time, again, with further files of each table, and without them again."""
    world = make_world(folder.resolve(), messages)
    place = Place(world, world / "scratch")
    exports, stores = place.exports("csv"), place.stores
    store, seconds = open_as_it_is(exports, stores)
    typer.echo(f"{messages:,} messages, store there or made: {seconds:.1f} s")
    typer.echo(f"again: {open_as_it_is(exports, stores)[1]:.2f} s")
    for kind in KINDS:
        typer.echo(f"{kind.name}: {', '.join(f'{count:,} {table}' for table, count in kind.sizes.items())}")
        typer.echo(
            f"  alone: {_alone(exports, messages, kind, 1):.1f} s; "
            f"in {store.shards} shards: {_alone(exports, messages, kind, store.shards):.1f} s"
        )
        with further_files(exports, exports, messages, kind):
            typer.echo(f"  beside the others: {open_as_it_is(exports, stores)[1]:.1f} s")
            typer.echo(f"  again: {open_as_it_is(exports, stores)[1]:.2f} s")
        typer.echo(f"  without them: {open_as_it_is(exports, stores)[1]:.2f} s")


if __name__ == "__main__":
    typer.run(main)
