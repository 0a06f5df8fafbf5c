"""Rounds: every engine asked every question, one after another, again and again, so that noise meets all alike."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

import polars as pl

from benchmarks.agreement import agree
from benchmarks.engines import ENGINES, OWN, Engine
from benchmarks.questions import QUESTIONS, SUITE, Place, Question
from benchmarks.steps import Measured

LONGEST_STEP = 3600
VERSIONS = ("polars", "duckdb", "pandas", "pyarrow")

Step = Callable[[Engine, Question, Place], Measured]


class StepFailed(Exception):
    """A step ended without an answer: no memory, no time, or a fault."""


@dataclass
class Series:
    """What one engine needed for one question, round by round; `failure` says why there is nothing."""

    question: str
    engine: str
    measured: list[Measured] = field(default_factory=list)
    failure: str = ""

    @property
    def seconds(self) -> float:
        """The median of the seconds."""
        return median(each.seconds for each in self.measured)

    @property
    def peak(self) -> float:
        """The median of the peak memory, in bytes."""
        return median(each.peak for each in self.measured)

    @property
    def start_up(self) -> float:
        """The median of the seconds before the work: imports, and opening book or database."""
        return median(each.import_seconds + each.opening_seconds for each in self.measured)

    @property
    def spread(self) -> float:
        """The longest of the rounds, as a multiple of the shortest."""
        seconds = [each.seconds for each in self.measured]
        return max(seconds) / min(seconds)


@dataclass
class Results:
    """All series of one run of the benchmark, and what they hold for: the machine, the versions, the code, the world's seed."""

    messages: int
    machine: dict[str, str]
    series: list[Series]

    def of(self, question: str, engine: str) -> Series | None:
        """Return a series that was measured, None where there is none."""
        found = (each for each in self.series if (each.question, each.engine) == (question, engine))
        return next((each for each in found if each.measured), None)

    def beside(self, earlier: Results) -> Results:
        """Return these and, where all that they hold for is the same, what only the earlier ones measured."""
        if earlier.machine != self.machine:
            return self
        mine = {(each.question, each.engine): each for each in self.series}
        theirs = {(each.question, each.engine): each for each in earlier.series}
        return Results(self.messages, self.machine, list({**theirs, **mine}.values()))

    def write(self, file: Path) -> None:
        """Write all as JSON."""
        file.write_text(json.dumps(asdict(self), indent=1))


def read_results(file: Path) -> Results:
    """Return results that were written."""
    told = json.loads(file.read_text())
    series = [
        Series(s["question"], s["engine"], [Measured(**m) for m in s["measured"]], s["failure"]) for s in told["series"]
    ]
    return Results(told["messages"], told["machine"], series)


def fresh_process(engine: Engine, question: Question, place: Place) -> Measured:
    """Do a step in a process of its own. Raises StepFailed."""
    words = [engine.name, question.name, str(place.world), str(place.scratch)]
    command = [sys.executable, "-m", "benchmarks.steps", *words]
    try:
        done = subprocess.run(command, cwd=SUITE, capture_output=True, text=True, timeout=LONGEST_STEP, check=False)
    except subprocess.TimeoutExpired:
        raise StepFailed(f"longer than {LONGEST_STEP} s") from None
    if done.returncode:
        raise StepFailed(f"exit {done.returncode}: {done.stderr.strip().splitlines()[-1:] or ['killed']}")
    return Measured(**json.loads((place.scratch / "measured.json").read_text()))


def measure(
    world: Path,
    questions: Iterable[str],
    engines: Iterable[str],
    rounds: int,
    *,
    step: Step = fresh_process,
    tell: Callable[[str], None] = lambda _: None,
) -> list[Series]:
    """Measure every engine on every question that it answers, in rounds.

    Raises Disagreement when an engine tells other figures than the first, and StepFailed when Pledgebook itself fails;
    a peer that fails is left out of the rounds that follow.
    """
    pairs = [(q, e) for q in questions for e in engines if q in ENGINES[e].questions]
    series = {(question, engine): Series(question, engine) for question, engine in pairs}
    told: dict[str, tuple[str, pl.DataFrame]] = {}
    for number in range(rounds):
        for (question, engine), each in series.items():
            if each.failure:
                continue
            tell(f"round {number + 1} of {rounds}: {question}, {engine}")
            for part, figures in _take(each, world, step):
                first, expected = told.setdefault(part, (engine, figures))
                agree(part, (first, engine), (expected, figures))
    return list(series.values())


def _take(series: Series, world: Path, step: Step) -> Iterator[tuple[str, pl.DataFrame]]:
    """Measure one step into its series and give its figures, part by part."""
    engine, question = ENGINES[series.engine], QUESTIONS[series.question]
    scratch = world / "scratch" / f"{question.name}-{engine.name}"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    try:
        series.measured.append(step(engine, question, Place(world, scratch)))
        if engine.tells_figures:
            yield from ((part, pl.read_parquet(scratch / f"{part}.figures")) for part in question.parts)
    except StepFailed as fault:
        if engine.name == OWN:
            raise
        series.failure = str(fault)
        series.measured.clear()
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def machine(seed: int) -> dict[str, str]:
    """Return what the results hold for: processors, memory, Python, the libraries, the code, and the world's seed."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    libraries = {name: version(name) for name in VERSIONS}
    return {
        "processors": str(os.cpu_count()),
        "memory": f"{memory:.0f} GiB",
        "Python": platform.python_version(),
        **libraries,
        "code": code_of(SUITE / "lib" / "pledgebook", SUITE / "benchmarks"),
        "seed": str(seed),
    }


def code_of(*folders: Path) -> str:
    """Return a short hash of all code in some folders."""
    files = sorted(file for folder in folders for kind in ("*.py", "*.sql") for file in folder.rglob(kind))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:8]
