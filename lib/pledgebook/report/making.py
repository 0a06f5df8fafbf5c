"""The folder in which a run is made: its own alone while it is at work, gone when it fails, swept when it was killed."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from os import geteuid
from pathlib import Path

from pledgebook.disk import locked

SOCKETS = "pledgebook-kernel-"
JUST_BEGUN = 60


@contextmanager
def making_run(runs: Path, run: str) -> Iterator[Path]:
    """Give a run the folder `.making-<run>` in `.runs`; it is removed when a fault or an interruption ends the run.

    What runs left that were killed is removed first: their folders, and the sockets of their kernels.
    """
    making = runs / f".making-{run}"
    _remove_idle(each for each in Path(tempfile.gettempdir()).glob(f"{SOCKETS}*") if _is_ours(each))
    with ExitStack() as holding:
        with locked(runs, wait=True):  # so that nobody takes a folder for left behind before it is locked
            _remove_idle(runs.glob(".making-*"))
            making.mkdir(mode=0o700)
            holding.enter_context(locked(making, wait=False))
        try:
            yield making
        except BaseException:
            shutil.rmtree(making, ignore_errors=True)
            raise


def _remove_idle(folders: Iterable[Path]) -> None:
    for folder in folders:
        with locked(folder, wait=False) as is_idle:
            if is_idle:
                shutil.rmtree(folder, ignore_errors=True)


def _is_ours(folder: Path) -> bool:
    """Whether sockets may go: this user's, and not so new that they may still be about to be locked."""
    with suppress(OSError):
        facts = folder.lstat()
        return facts.st_uid == geteuid() and abs(time.time() - facts.st_mtime) > JUST_BEGUN
    return False
