"""What a cluster costs and brings: `python -m benchmarks.cluster_overhead` times shards in a loop, and on workers.

Each arm has one thread a worker for Polars, so that one worker is held against the same tasks in a loop, and two
against one; the loop on all cores is what a run does without a cluster. Arms take turns within a round, each from
exports to figures with a store of its own; ratios are of one round, and the median of the rounds is told. Seconds of
the clock mean something on a quiet machine only; seconds of processors, added up over client, scheduler and workers,
also on one that has other work.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Annotated

import platformdirs
import typer

from pledgebook.book import open_book
from pledgebook.cluster import Certificates, joined
from pledgebook.metrics.catalogue import METRICS
from pledgebook.sample import make_sample

FOLDER = platformdirs.user_cache_path("pledgebook") / "benchmarks"
PERIOD, AS_OF, SHARDS = "2026-09", "2026-10-01T00:00:00+09:00", 8
KEY = "a key for synthetic people, and for no others"
LARGE, PIECES = 8 << 20, 4
RATIOS = {
    "one worker / loop": ("one worker", "loop"),
    "two workers / one worker": ("two workers", "one worker"),
    "two workers / loop on all cores": ("two workers", "loop on all cores"),
}


def exports_of(people: int, folder: Path) -> Path:
    """Synthetic exports, the large tables in several files, as a company has one a month; made once."""
    exports = folder / f"cluster-{people}"
    if exports.is_dir():
        return exports
    making = folder / f".cluster-{people}-{os.getpid()}"
    make_sample(people, 1, making)
    for file in [each for each in making.glob("*.csv") if each.stat().st_size > LARGE and each.name != "planted.csv"]:
        cut_into_pieces(file)
    making.rename(exports)
    return exports


def cut_into_pieces(file: Path) -> None:
    size = file.stat().st_size
    with file.open("rb") as stream:
        header = stream.readline()
        for piece in range(PIECES):
            with file.with_name(f"{file.stem}-{piece}.csv").open("wb") as out:
                out.write(header)
                while stream.tell() < size * (piece + 1) // PIECES and (line := stream.readline()):
                    out.write(line)
    file.unlink()


@contextmanager
def cluster(workers: int, folder: Path):
    """Start a scheduler and so many workers on this machine; yield the scheduler's file and their numbers."""
    if not workers:
        yield "", []
        return
    file, environment = folder / f"scheduler-{workers}.json", dict(os.environ) | {"POLARS_MAX_THREADS": "1"}
    dask = [sys.executable, "-m", "dask"]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "env": environment}
    common = ["--host", "127.0.0.1", "--no-dashboard", "--scheduler-file", str(file)]
    words = ["--nthreads", "1", "--no-nanny", "--memory-limit", "0", "--local-directory", str(folder)]
    started = [subprocess.Popen([*dask, "scheduler", "--port", "0", *common], **quiet)]
    started += [subprocess.Popen([*dask, "worker", *common, *words], **quiet) for _ in range(workers)]
    try:
        while not file.exists():
            time.sleep(0.1)
        yield str(file), [process.pid for process in started]
    finally:
        for process in reversed(started):
            process.kill()
            process.wait()


def measured(
    exports: Path, folder: Path, address: str, pids: list[int], workers: int, *, threads: int | None
) -> dict[str, float]:
    """Seconds of the intake and of the metrics, in a process of its own with a store of its own."""
    environment = {name: text for name, text in os.environ.items() if name != "POLARS_MAX_THREADS"}
    environment |= {"PLEDGEBOOK_STORE": str(folder / "stores")} | (
        {} if threads is None else {"POLARS_MAX_THREADS": str(threads)}
    )
    asked = [
        sys.executable,
        "-m",
        "benchmarks.cluster_overhead",
        "--measure",
        address or "-",
        "--workers",
        str(workers),
        "--pids",
        ",".join(map(str, pids)),
    ]
    try:
        done = subprocess.run(
            [*asked, "--folder", str(exports)], env=environment, stdout=subprocess.PIPE, text=True, check=True
        )
    finally:
        shutil.rmtree(folder / "stores", ignore_errors=True)
    return json.loads(done.stdout)


def measure_here(exports: Path, address: str, workers: int, pids: list[int]) -> dict[str, float]:
    """Open the exports and compute every metric, here or on a cluster; seconds of each, and of processors."""
    with ExitStack() as stack:
        if address == "-":
            alone = os.environ.get("POLARS_MAX_THREADS") == "1"
            executor = stack.enter_context(ThreadPoolExecutor(1)) if alone else None
        else:
            executor = stack.enter_context(joined(address, Certificates(), os.environ))
            executor.workers._client.wait_for_workers(workers, timeout=60)
            for done in [executor.submit(sorted, "") for _ in range(8 * workers)]:
                done.result()
        begun, cpu = time.perf_counter(), cpu_seconds(pids)
        book = open_book(exports, PERIOD, AS_OF, "data/policy.toml", shards=SHARDS, executor=executor)
        opened, cpu_then = time.perf_counter(), cpu_seconds(pids)
        for metric in METRICS.values():
            book.compute(metric.tables[0].name)
        return {
            "intake": opened - begun,
            "metrics": time.perf_counter() - opened,
            "intake, processors": cpu_then - cpu,
            "metrics, processors": cpu_seconds(pids) - cpu_then,
        }


def cpu_seconds(pids: list[int]) -> float:
    """Processor seconds so far of this process and of others."""
    ticks = [Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13] for pid in (os.getpid(), *pids)]
    return sum(int(tick) for pair in ticks for tick in pair) / os.sysconf("SC_CLK_TCK")


def most_memory(pid: int) -> float:
    """GiB that a process has ever held at once."""
    told = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in told if line.startswith("VmHWM")) / 2**20


def size_of(folder: Path) -> float:
    return sum(file.stat().st_size for file in folder.iterdir()) / 2**30


def main(
    people: Annotated[int, typer.Option(help="People of the synthetic company.")] = 200_000,
    rounds: Annotated[int, typer.Option(help="How often all arms take their turn.")] = 3,
    folder: Annotated[Path, typer.Option(help="Where exports are made and stores lie meanwhile.")] = FOLDER,
    measure: Annotated[str, typer.Option(hidden=True)] = "",
    workers: Annotated[int, typer.Option(hidden=True)] = 0,
    pids: Annotated[str, typer.Option(hidden=True)] = "",
) -> None:
    """Print seconds of each arm and the ratios between them."""
    if measure:
        typer.echo(json.dumps(measure_here(folder, measure, workers, [int(pid) for pid in pids.split(",") if pid])))
        return
    os.environ["PLEDGEBOOK_KEY"] = KEY
    folder.mkdir(parents=True, exist_ok=True)
    exports = exports_of(people, folder)
    arms = {"loop": (0, 1), "one worker": (1, 1), "two workers": (2, 1), "loop on all cores": (0, None)}
    told: dict[str, list[dict[str, float]]] = {name: [] for name in arms}
    largest = 0.0
    with tempfile.TemporaryDirectory(dir=folder) as room:
        for number in range(rounds):
            for name, (count, threads) in arms.items():
                place = Path(room) / f"{number}-{count}-{threads}"
                place.mkdir()
                with cluster(count, place) as (address, started):
                    told[name].append(measured(exports, place, address, started, count, threads=threads))
                    largest = max([largest, *map(most_memory, started[1:])])
                typer.echo(f"round {number + 1}, {name}: {told[name][-1]}", err=True)
    for step in told["loop"][0]:
        seconds = {name: [each[step] for each in series] for name, series in told.items()}
        for name, series in seconds.items():
            typer.echo(f"{step}, {name}: {median(series):.1f} s ({min(series):.1f} to {max(series):.1f})")
        for name, (over, under) in RATIOS.items():
            ratios = [a / b for a, b in zip(seconds[over], seconds[under], strict=True)]
            typer.echo(f"{step}, {name}: {median(ratios):.2f} ({min(ratios):.2f} to {max(ratios):.2f})")
    typer.echo(
        f"most memory of a worker: {largest:.1f} GiB, with {SHARDS} shards of exports of {size_of(exports):.2f} GiB"
    )


if __name__ == "__main__":
    typer.run(main)
