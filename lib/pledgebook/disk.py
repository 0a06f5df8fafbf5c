"""Disks: one that is full, or may not be written to, is said with the folder and what to do about it."""

from __future__ import annotations

import errno
import fcntl
import os
import re
import resource
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pledgebook.errors import InputError

ANYWHERE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""Faults that only writing meets."""
BELOW = (errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.EEXIST)
"""Faults that reading meets as well: told as those of a folder only where they name a path of it."""
FULL = 1 << 20
NUMBER = re.compile(r"(?:os error |Errno )(\d+)")


@contextmanager
def writing_below(folder: Path, remedy: str) -> Iterator[None]:
    """Say it of `folder` when a disk is full or read-only, or may not be written to, while this is worked in.

    Raises InputError, with `remedy` as its last sentence. Other faults pass as they are.
    """
    from polars.exceptions import PolarsError  # noqa: PLC0415 processes that make pages do without Polars

    try:
        yield
    except (OSError, PolarsError) as fault:
        reason = why_unwritable(str(fault), folder)
        if reason is None:
            raise
        raise InputError(f"{folder}: cannot be written to ({reason}). {remedy}") from None


def why_unwritable(told: str, folder: Path) -> str | None:
    """Return why a folder cannot be written to, from what a fault tells; None where it tells something else."""
    number = fault_number(told) or _lost_number(told, folder)
    names_it = any(str(place) in told for place in (folder, folder.resolve())) or f"'{folder.parent}'" in told
    if number in ANYWHERE or (number in BELOW and names_it):
        return os.strerror(number)
    return None


def fault_number(told: str) -> int:
    """Return the number of a fault of the operating system that a text tells of; 0 where it tells of none."""
    found = NUMBER.search(told)
    return int(found[1]) if found and int(found[1]) in errno.errorcode else 0


def _lost_number(told: str, folder: Path) -> int:
    """The number of a fault met while Polars wrote the end of a file, of which it says no more than this."""
    if "transport error" not in told:
        return 0
    if shutil.disk_usage(folder).free < FULL:
        return errno.ENOSPC
    return 0 if resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY else errno.EFBIG


@contextmanager
def locked(folder: Path, *, wait: bool) -> Iterator[bool]:
    """Hold a folder for this process alone; yields False where another holds it, or the disk knows no locks.

    A process that is killed lets go of what it held.
    """
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_NOFOLLOW | os.O_DIRECTORY)
    except OSError:
        yield False
        return
    try:
        yield _is_held(descriptor, wait=wait)
    finally:
        os.close(descriptor)


def _is_held(descriptor: int, *, wait: bool) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True
