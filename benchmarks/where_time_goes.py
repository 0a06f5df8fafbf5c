"""Where the time of a question goes: `python -m benchmarks.where_time_goes opt-outs`, on a store that is built already.

One row per function of Pledgebook, with the seconds spent in it and below it, the longest first.
"""

from __future__ import annotations

import cProfile
import pstats
from collections.abc import Callable
from concurrent.futures import Executor, Future
from pathlib import Path
from typing import Annotated, Any, TypeVar
from unittest.mock import patch

import typer

from benchmarks.__main__ import FOLDER
from benchmarks.engines.own import build_store, prepare
from benchmarks.questions import QUESTIONS, Place
from benchmarks.world import make_world
from pledgebook import measuring

LIBRARY = "/pledgebook/"
Told = TypeVar("Told")


class InPlace(Executor):
    """Measures shards where it is told to, one after the other: a profile sees one thread alone."""

    def __init__(self, _: int) -> None:
        pass

    def submit(self, function: Callable[..., Told], /, *args: Any, **named: Any) -> Future[Told]:
        """Carry out the call now."""
        future: Future[Told] = Future()
        future.set_result(function(*args, **named))
        return future


def profile(question: str, place: Place, manner: str = "") -> list[tuple[str, int, float]]:
    """Answer the question once, and return the functions of Pledgebook: name, calls, seconds with all below it."""
    build_store(place)
    work, told = prepare(QUESTIONS[question], place, manner), cProfile.Profile()
    with patch.object(measuring, "ThreadPoolExecutor", InPlace):
        told.runcall(work)
    rows = [
        (f"{Path(file).stem}.{function}", calls, below)
        for (file, _, function), (_, calls, _, below, _) in pstats.Stats(told).stats.items()
        if LIBRARY in file and not function.startswith("<")
    ]
    return sorted(rows, key=lambda row: -row[2])


def main(
    question: Annotated[str, typer.Argument(help=f"One of: {', '.join(QUESTIONS)}.")],
    messages: Annotated[int, typer.Option(help="Messages of the world.")] = 10_000_000,
    folder: Annotated[Path, typer.Option(help="Where worlds and stores lie.")] = FOLDER,
    most: Annotated[int, typer.Option(help="How many functions.")] = 20,
    alone: Annotated[bool, typer.Option("--alone", help="Of the table that the peers compute, and no other.")] = False,
) -> None:
    """Print the functions in which most of the time goes."""
    world = make_world(folder.resolve(), messages)
    rows = profile(question, Place(world, world / "scratch"), "alone" if alone else "")
    typer.echo("| function | calls | seconds, with all below it |\n| --- | ---: | ---: |")
    for name, calls, below in rows[:most]:
        typer.echo(f"| `{name}` | {calls} | {below:.2f} |")


if __name__ == "__main__":
    typer.run(main)
