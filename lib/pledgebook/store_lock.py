"""Who works in the stores: any number of runs beside each other, or one command that removes something, alone."""

from __future__ import annotations

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pledgebook.errors import InputError
from pledgebook.storage import is_remote

JOURNAL = ".forgetting.json"


@contextmanager
def beside_others(stores: Path) -> Iterator[None]:
    """Hold the stores while they are read or added to; waits while somebody is forgotten.

    Raises InputError when a forgetting was interrupted: its stores hold half a person. At an address nobody is
    forgotten one by one, and nothing needs to be held.
    """
    if is_remote(stores):
        yield
        return
    with _lock(stores, fcntl.LOCK_SH):
        if (stores / JOURNAL).is_file():
            raise InputError(
                f"{stores}: somebody is being forgotten and it was interrupted. Run pledgebook forget again, it finishes."
            )
        yield


@contextmanager
def alone(stores: Path) -> Iterator[None]:
    """Hold the stores with nobody beside. Raises InputError while a run reads them or an intake adds to them.

    And for stores at an address, where nobody can be kept out.
    """
    if is_remote(stores):
        raise InputError(
            f"{stores}: nothing can be removed from object storage here. A store holds nothing that the exports do not: "
            "delete all of the folder with the storage's own tools, old versions too; the next run makes it anew."
        )
    with _lock(stores, fcntl.LOCK_EX | fcntl.LOCK_NB):
        yield


@contextmanager
def _lock(stores: Path, kind: int) -> Iterator[None]:
    with private_files():
        stores.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(stores, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, kind)
        except BlockingIOError:
            raise InputError(f"{stores}: a run is at work there. Try again when it is finished.") from None
        except OSError:  # some network folders know no locks
            pass
        yield
    finally:
        os.close(descriptor)


@contextmanager
def private_files() -> Iterator[None]:
    """Whatever the umask: what is made meanwhile is for its owner alone. Of the whole process, so only for short."""
    usual = os.umask(0o077)
    try:
        yield
    finally:
        os.umask(usual)


def remove_unfinished(stores: Path) -> None:
    """Remove what killed intakes and runs left: it may hold clear text. Raises InputError when one is at work."""
    for folder in sorted(stores.glob(".making-*")):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            raise InputError(f"{stores}: an intake or a run is at work there. Try again when it is finished.") from None
        finally:
            os.close(descriptor)
