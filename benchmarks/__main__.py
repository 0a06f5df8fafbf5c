"""`python -m benchmarks`: make the world, build the store, measure in rounds, print the table."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import platformdirs
import typer

from benchmarks.engines import ENGINES
from benchmarks.engines.own import build_store
from benchmarks.questions import QUESTIONS, Place
from benchmarks.results_table import as_markdown, put_into_readme
from benchmarks.rounds import Results, machine, measure, read_results
from benchmarks.targets import TENFOLD
from benchmarks.world import BLOCK, make_world

FOLDER = platformdirs.user_cache_path("pledgebook") / "benchmarks"


def compare(
    messages: int,
    folder: Path,
    *,
    rounds: int = 5,
    questions: list[str] | None = None,
    engines: list[str] | None = None,
    seed: int = 1,
    block: int = BLOCK,
) -> Results:
    """Measure and return the results, beside those that lie in `folder` of other questions and engines.

    All are written there as JSON. Raises Disagreement before any time is told.
    """
    _tell(f"making a world of {messages:,} messages in {folder}")
    world = make_world(folder, messages, seed=seed, block=block)
    _tell("building the store that questions are asked of")
    build_store(Place(world, world / "scratch"))
    series = measure(world, questions or list(QUESTIONS), engines or list(ENGINES), rounds, tell=_tell)
    file = folder / f"results-{messages}.json"
    results = Results(messages, machine(seed), series)
    together = results.beside(read_results(file)) if file.is_file() else results
    together.write(file)
    return together


def main(
    messages: Annotated[int, typer.Option(help="Messages of the world; the other tables in proportion.")] = 10_000_000,
    rounds: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 5,
    only: Annotated[str, typer.Option(help=f"Questions, with commas: {', '.join(QUESTIONS)}.")] = "",
    engines: Annotated[str, typer.Option(help=f"Engines, with commas: {', '.join(ENGINES)}.")] = "",
    folder: Annotated[Path, typer.Option(help="Where worlds, stores and results lie.")] = FOLDER,
    seed: Annotated[int, typer.Option(help="Another seed makes another world.")] = 1,
    readme: Annotated[
        bool, typer.Option("--readme", help="Write the tables of all sizes into the README too.")
    ] = False,
) -> None:
    """Hold Pledgebook against its peers: same exports, same figures, time and peak memory."""
    chosen = {"only": _chosen(only, list(QUESTIONS)), "engines": _chosen(engines, list(ENGINES))}
    results = compare(
        messages, folder.resolve(), rounds=rounds, questions=chosen["only"], engines=chosen["engines"], seed=seed
    )
    found = {each.messages: each for each in map(read_results, folder.glob("results-*.json"))}
    typer.echo(as_markdown(results, found.get(messages // TENFOLD)))
    if readme:
        put_into_readme("\n".join(as_markdown(found[size], found.get(size // TENFOLD)) for size in sorted(found)))


def _chosen(names: str, known: list[str]) -> list[str]:
    chosen = [name.strip() for name in names.split(",") if name.strip()] or known
    if strange := [name for name in chosen if name not in known]:
        raise typer.BadParameter(f"'{strange[0]}' is not known. Give some of: {', '.join(known)}.")
    return [name for name in known if name in chosen]


def _tell(what: str) -> None:
    sys.stderr.write(f"{what}\n")
    sys.stderr.flush()


if __name__ == "__main__":
    typer.run(main)
