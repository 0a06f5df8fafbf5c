"""One step: one question to one engine, in a process of its own; how long it took and how much memory it needed."""

from __future__ import annotations

import json
import resource
import sys
import time
from contextlib import nullcontext
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.engines import ENGINES, Engine
from benchmarks.memory import peak_memory, watched
from benchmarks.questions import QUESTIONS, Place, Question

CHUNK = 1 << 20


@dataclass(frozen=True)
class Measured:
    """Seconds of the work, and before it of the imports and of opening; peak memory in bytes, of all processes at once.

    `processor_seconds` adds up what all processors were busy: on a shared machine it is steadier than the clock.
    """

    seconds: float
    processor_seconds: float
    import_seconds: float
    opening_seconds: float
    peak: int


def perform(engine: Engine, question: Question, place: Place) -> Measured:
    """Do one step and leave its figures as Parquet in the scratch folder."""
    begun = time.perf_counter()
    prepare, figures = engine.load()
    imported = time.perf_counter()
    warm_up(engine, question, place)
    opening = time.perf_counter()
    work = prepare(question, place, engine.manner)
    busy, started = processor_seconds(), time.perf_counter()
    with watched() if question.has_processes else nullcontext(lambda: 0) as most:
        result = work()
    ended, busy = time.perf_counter(), processor_seconds() - busy
    measured = Measured(ended - started, busy, imported - begun, started - opening, most() or peak_memory())
    from benchmarks.agreement import in_one_form  # noqa: PLC0415

    for part, told in figures(question, place, result).items():
        in_one_form(part, told).write_parquet(place.scratch / f"{part}.figures")
    return measured


def warm_up(engine: Engine, question: Question, place: Place) -> None:
    """Read what the step will read, so that every engine finds it in memory; a small buffer, read and forgotten."""
    reads_store = engine.module in ("own", "store_files") or engine.manner in ("store", "made")
    if reads_store and question.form == "parquet":
        files = [Path(file) for files in place.stored(question).values() for file in files]
    else:
        files = place.files(question.form, question.columns)
    buffer = bytearray(CHUNK)
    for file in files:
        with file.open("rb", buffering=0) as stream:
            while stream.readinto(buffer):
                pass


def processor_seconds() -> float:
    """Return how long all processors were busy for this process and its finished children."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(each.ru_utime + each.ru_stime for each in used)


def main(engine: str, question: str, world: str, scratch: str) -> None:
    """Do the step that a fresh process was started for, and write its measures beside its figures."""
    place = Place(Path(world), Path(scratch))
    measured = perform(ENGINES[engine], QUESTIONS[question], place)
    (place.scratch / "measured.json").write_text(json.dumps(asdict(measured)))


if __name__ == "__main__":
    main(*sys.argv[1:])
