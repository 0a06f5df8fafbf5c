"""What a report costs a user: `python -m benchmarks.suite` runs all notebooks on the sample, with no store and with one.

Each run is the command line's, in a process of its own, from start to end. The first one makes store and self-test, the
next finds both.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Annotated

import typer

from benchmarks.questions import SUITE

WORDS = ("-m", "pledgebook", "run", "--exports", "data/sample", "--period", "2026-09", "--out")
AT_MOST = 20


def run_twice(folder: Path) -> tuple[float, float]:
    """Run the suite without a store and again with it; return the seconds of each."""
    environment = os.environ | {"PLEDGEBOOK_STORE": str(folder / "stores")}
    begun = [time.perf_counter()]
    for _ in range(2):
        command = [sys.executable, *WORDS, str(folder / "reports")]
        subprocess.run(command, cwd=SUITE, env=environment, check=True, capture_output=True)
        begun.append(time.perf_counter())
    return begun[1] - begun[0], begun[2] - begun[1]


def main(rounds: Annotated[int, typer.Option(min=1, help="How often both are run.")] = 5) -> None:
    """Print the seconds of a first run and of one after it: medians, shortest and longest."""
    told = []
    for _ in range(rounds):
        with TemporaryDirectory() as folder:
            told.append(run_twice(Path(folder)))
    typer.echo(f"all notebooks on the sample, {rounds} rounds; at most {AT_MOST} s\n")
    typer.echo("| run | seconds | shortest | longest |\n| --- | ---: | ---: | ---: |")
    for name, seconds in zip(("without a store", "with it"), zip(*told, strict=True), strict=True):
        typer.echo(f"| {name} | {median(seconds):.1f} | {min(seconds):.1f} | {max(seconds):.1f} |")


if __name__ == "__main__":
    typer.run(main)
