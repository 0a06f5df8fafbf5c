"""What a further month costs: `python -m benchmarks.growth` adds a file to exports that have their store already.

Messages and consent events of one block come beside the world's, are taken in, and are removed again; the store that
was there before is then found as it was. Seconds are of whole openings, in this process, files in memory or not.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import numpy as np
import typer

from benchmarks.__main__ import FOLDER
from benchmarks.draws import Span
from benchmarks.engines.own import environment_of
from benchmarks.made_tables import MAKERS
from benchmarks.questions import Place
from benchmarks.rules import POLICY
from benchmarks.world import CSV_INSTANT, make_world, rows_of_tables
from pledgebook.book import open_store_of
from pledgebook.store import Store

FURTHER = {"messages": 1_000_000, "consent_events": 250_000}


@contextmanager
def further_files(place: Place, messages: int, further: Mapping[str, int]) -> Iterator[None]:
    """Lay one more file of each table beside the world's, of rows that follow its last ones in time."""
    sizes, made = rows_of_tables(messages), []
    try:
        for number, (table, rows) in enumerate(further.items()):
            span = Span(sizes[table], sizes[table] + rows, sizes[table] + rows, sizes["people"])
            made.append(place.exports("csv") / table / "part-further.csv")
            MAKERS[table](np.random.default_rng([7, number]), span).write_csv(made[-1], datetime_format=CSV_INSTANT)
        yield
    finally:
        for file in made:
            file.unlink(missing_ok=True)


def open_as_it_is(place: Place) -> tuple[Store, float]:
    """Open the store of the exports as they are; return it, and how many seconds that took."""
    begun = time.perf_counter()
    store = open_store_of(place.exports("csv"), POLICY, environment=environment_of(place.stores))
    return store, time.perf_counter() - begun


def main(
    messages: Annotated[int, typer.Option(help="Messages of the world that grows.")] = 10_000_000,
    folder: Annotated[Path, typer.Option(help="Where worlds and stores lie.")] = FOLDER,
) -> None:
    """Print what opening costs: the first time, again, with a further file of two tables, and without it again."""
    world = make_world(folder.resolve(), messages)
    place = Place(world, world / "scratch")
    typer.echo(f"{messages:,} messages, store there or made: {open_as_it_is(place)[1]:.1f} s")
    typer.echo(f"again: {open_as_it_is(place)[1]:.2f} s")
    with further_files(place, messages, FURTHER):
        rows = ", ".join(f"{count:,} {table}" for table, count in FURTHER.items())
        typer.echo(f"with {rows} more: {open_as_it_is(place)[1]:.1f} s")
        typer.echo(f"again: {open_as_it_is(place)[1]:.2f} s")
    typer.echo(f"without them: {open_as_it_is(place)[1]:.2f} s")


if __name__ == "__main__":
    typer.run(main)
