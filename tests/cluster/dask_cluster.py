"""A real scheduler and real workers, as processes on this machine, each with an environment of its own."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PATIENCE = 60
QUIET = {"PYTHONWARNINGS": "ignore", "POLARS_MAX_THREADS": "1"}


def without_key() -> dict[str, str]:
    """This environment, as a machine has it on which nobody has put the key."""
    return {name: text for name, text in os.environ.items() if not name.startswith("PLEDGEBOOK_KEY")} | QUIET


class DaskCluster:
    """A scheduler, and the workers that were started for it."""

    def __init__(self, folder: Path, tls: tuple[str, ...] = ()) -> None:
        self.folder, self.tls, self.file = folder, tls, folder / "scheduler.json"
        self.workers: list[subprocess.Popen[bytes]] = []
        protocol = ["--protocol", "tls"] if tls else []
        self.scheduler = self._start("scheduler", without_key(), "--port", "0", *protocol)

    def _start(self, role: str, environment: dict[str, str], *words: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "dask", role, "--host", "127.0.0.1", "--no-dashboard"]
        with (self.folder / f"{role}.log").open("ab") as log:
            return subprocess.Popen(
                [*command, "--scheduler-file", str(self.file), *self.tls, *words],
                env=environment | {"TMPDIR": str(self.folder)},
                stdout=log,
                stderr=log,
            )

    def add_worker(self, environment: dict[str, str]) -> subprocess.Popen[bytes]:
        """Start a worker of one thread, with this environment."""
        words = ("--nthreads", "1", "--no-nanny", "--local-directory", str(self.folder), "--memory-limit", "0")
        self.workers.append(self._start("worker", environment, *words))
        return self.workers[-1]

    @property
    def address(self) -> str:
        """The scheduler's address, once it has written it down."""
        until = time.monotonic() + PATIENCE
        while not self.file.exists():
            assert self.scheduler.poll() is None, "the scheduler did not start"
            assert time.monotonic() < until, "the scheduler is too slow"
            time.sleep(0.1)
        return str(json.loads(self.file.read_text())["address"])

    def stop(self) -> None:
        """End what was started here."""
        for process in (*self.workers, self.scheduler):
            process.kill()
        for process in (*self.workers, self.scheduler):
            process.wait(PATIENCE)


@contextmanager
def dask_cluster(folder: Path, *environments: dict[str, str], tls: tuple[str, ...] = ()) -> Iterator[DaskCluster]:
    """Yield a cluster with a worker for each environment."""
    folder.mkdir(parents=True, exist_ok=True)
    cluster = DaskCluster(folder, tls)
    try:
        for environment in environments:
            cluster.add_worker(environment)
        yield cluster
    finally:
        cluster.stop()


def memory_of(process: subprocess.Popen[bytes]) -> bytes:
    """What a process can write to in its memory, of a process that this one started."""
    found = []
    with Path(f"/proc/{process.pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{process.pid}/maps").read_text().splitlines():
            stretch, rights = line.split()[:2]
            if "rw" not in rights or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            first, last = (int(place, 16) for place in stretch.split("-"))
            memory.seek(first)
            try:
                found.append(memory.read(last - first))
            except OSError:
                continue
    return b"".join(found)
