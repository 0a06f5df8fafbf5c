"""Memory: the most that a process held, and the most that all that it started held at once."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event, Thread

import psutil

EVERY = 0.1


def peak_memory() -> int:
    """Return the most memory, in bytes, that this process or one of its children held at once.

    Linux tells it per program (`VmHWM`); `ru_maxrss` of a fresh process still counts the parent that started it.
    """
    children = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss * 1024
    status = Path("/proc/self/status")
    if not status.is_file():
        scale = 1 if sys.platform == "darwin" else 1024
        return max(children, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * scale)
    line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
    return max(children, int(line.split()[1]) * 1024)


@contextmanager
def watched() -> Iterator[Callable[[], int]]:
    """Yield what tells the most memory, in bytes, that all processes below this one have held at once meanwhile.

    Looked at ten times a second, so that a moment between may have been more; pages that processes share count once.
    """
    held, done = [0], Event()

    def look() -> None:
        while not done.wait(EVERY):
            held[0] = max(held[0], _held_now())

    watching = Thread(target=look, daemon=True)
    watching.start()
    try:
        yield lambda: held[0]
    finally:
        done.set()
        watching.join()


def _held_now() -> int:
    return sum(_shares_of(each) for each in psutil.Process().children(recursive=True))


def _shares_of(process: psutil.Process) -> int:
    """A process's own pages and its share of those that it has with others; none where it has ended."""
    try:
        told = process.memory_full_info()
    except psutil.Error:
        return 0
    return int(getattr(told, "pss", told.rss))
