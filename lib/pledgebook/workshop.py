"""A folder for clear text while it is read: the user's alone, always on this machine, and gone afterwards."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

from pledgebook.storage import is_remote

JUST_BEGUN = 60


class Workshop(tempfile.TemporaryDirectory[str]):
    """A private folder that is gone afterwards, whatever happens; locked while it is worked in.

    It lies in the folder that `PLEDGEBOOK_SCRATCH` names, else beside the stores; where those are not this machine's
    own, in its folder for temporary files.
    """

    def __init__(self, stores: Path | None = None) -> None:
        named = os.environ.get("PLEDGEBOOK_SCRATCH")
        is_beside = stores is not None and not is_remote(stores)
        folder = Path(named) if named else stores if is_beside and stores else Path(tempfile.gettempdir())
        prefix = ".making-" if folder == stores else ".pledgebook-making-"
        _sweep(folder, prefix)
        super().__init__(prefix=prefix, dir=folder, ignore_cleanup_errors=True)
        self._lock = os.open(self.name, os.O_RDONLY)
        with suppress(OSError):
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    def __enter__(self) -> Path:  # type: ignore[override]
        return Path(super().__enter__())

    def __exit__(self, *fault: Any) -> None:
        super().__exit__(*fault)
        os.close(self._lock)


def _sweep(folder: Path, prefix: str) -> None:
    """Remove what a killed run left half made: it may hold clear text. A folder that is worked in is locked."""
    for left in folder.glob(f"{prefix}*"):
        with suppress(OSError):
            facts = left.lstat()
            if time.time() - facts.st_mtime < JUST_BEGUN or facts.st_uid != os.geteuid():
                continue
            lock = os.open(left, os.O_RDONLY | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                shutil.rmtree(left, ignore_errors=True)
            finally:
                os.close(lock)
