"""Processes that run notebooks: they end when the run ends, however it ends, and take their kernels with them."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Sequence
from multiprocessing.process import BaseProcess
from typing import Never

SECONDS_TO_LEAVE = 5


def end_with_the_run() -> None:
    """Make this process leave when it is told to, and when the run is no more; a terminal's Ctrl-C goes to the run.

    It and its kernels say nothing on the run's own streams, which a scheduler mails and keeps.
    """
    if not os.environ.get("PLEDGEBOOK_DEBUG"):
        _say_nothing()
    signal.signal(signal.SIGTERM, _leave)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_watch_the_run, daemon=True).start()


def _say_nothing() -> None:
    """A kernel's own standard output is no notebook's: what is written there past the notebook may quote data."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (1, 2):
        os.dup2(nowhere, stream)
    os.close(nowhere)


def _leave(_number: int, _frame: object) -> Never:
    """Through every `finally`: the kernel is ended, its sockets are removed. Being told twice changes nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit(128 + signal.SIGTERM)


def _watch_the_run() -> None:
    run = multiprocessing.parent_process()
    if run is not None:
        run.join()
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(SECONDS_TO_LEAVE)
        os._exit(1)


def end_processes(processes: Sequence[BaseProcess]) -> None:
    """End processes, and kill those that do not leave in time."""
    for each in processes:
        each.terminate()
    for each in processes:
        each.join(SECONDS_TO_LEAVE)
        if each.is_alive():
            each.kill()
