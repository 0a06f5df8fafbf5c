"""What standard error may say while a command runs: the program's own lines, and nothing that quotes data."""

from __future__ import annotations

import io
import logging
import os
import resource
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, NoReturn

STDERR = 2


@contextmanager
def own_words_alone() -> Iterator[None]:
    """Keep native code, threads, logs and warnings from standard error, here and in every process begun meanwhile.

    A panic of native code, and a traceback, quote the cells that they fell over.
    """
    try:
        kept = os.dup(STDERR)
    except OSError:  # there is no standard error to keep clean
        yield
        return
    mine, before = _speaking(kept), sys.stderr
    sink = os.open(os.devnull, os.O_WRONLY)
    os.dup2(sink, STDERR)
    os.close(sink)
    sys.stderr = mine
    try:
        with warnings.catch_warnings(), _silent_hooks():
            warnings.simplefilter("ignore")
            yield
    finally:
        with suppress(OSError, ValueError):
            mine.flush()
        sys.stderr = before
        os.dup2(kept, STDERR)
        os.close(kept)


def _speaking(kept: int) -> Any:
    """Standard error as it is, where a test or a notebook has put something in its place; else the terminal's."""
    try:
        is_own = sys.stderr.fileno() == STDERR
    except (AttributeError, OSError, ValueError):
        is_own = False
    if not is_own:
        return sys.stderr
    sys.stderr.flush()
    raw = os.fdopen(os.dup(kept), "wb", buffering=0)
    return io.TextIOWrapper(raw, encoding=sys.stderr.encoding, errors="backslashreplace", line_buffering=True)


@contextmanager
def _silent_hooks() -> Iterator[None]:
    unraisable, thread = sys.unraisablehook, threading.excepthook
    sys.unraisablehook, threading.excepthook = lambda _: None, lambda _: None
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        sys.unraisablehook, threading.excepthook = unraisable, thread
        logging.disable(logging.NOTSET)


def leave_no_core() -> None:
    """Keep this process and those that it begins from leaving an image of their memory, clear text and key, on a disk."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))


def leave_on_termination() -> None:
    """Let SIGTERM end a command as an exception does: half-made folders, which may hold clear text, are removed."""
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, _leave)


def _leave(number: int, _: Any) -> NoReturn:
    raise SystemExit(128 + number)
