"""Leftovers: what killed runs left in the stores, which no store shows and no record names.

A store and a part are there from the moment that their record is written. What lies beside without one was never
finished, or was made twice at the same time.
"""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from pledgebook.disk import locked, writing_below
from pledgebook.storage import is_remote
from pledgebook.store_lock import JOURNAL, beside_others
from pledgebook.workshop import JUST_BEGUN

PLACE = re.compile(r"[0-9a-f]{32}")
TOKEN = re.compile(r"[0-9a-f]{12}")
SWAP = re.compile(r"\.(?!making-).+-\d+(-[0-9a-f]{6})?")
STILL_READ = 24 * 3600
ROOM = "Make room there, or name another folder in PLEDGEBOOK_STORE."


@contextmanager
def working_in(stores: Path) -> Iterator[None]:
    """Hold the stores while they are read or added to, beside others; what killed runs left there is removed first.

    Raises InputError when they cannot be written to, and when a forgetting was interrupted.
    """
    with writing_below(stores, ROOM):
        sweep_stores(stores)
        with beside_others(stores):
            yield


def sweep_stores(stores: Path) -> None:
    """Remove what killed runs left half made; nothing while somebody works in the stores, or is being forgotten.

    Parts with a record stay, for a later intake to build on. Stores in network folders that know no locks are left as they
    are (`pledgebook forget --older-than` tidies those by age), and so are stores at an address, which nobody tidies.
    """
    if is_remote(stores) or not stores.is_dir():
        return
    with locked(stores, wait=False) as is_alone:
        if is_alone and not (stores / JOURNAL).is_file():
            for left in list(_leftovers(stores)):
                shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
            for place in [*stores.glob("parts/*"), *stores.glob("*")]:
                if PLACE.fullmatch(place.name):
                    with suppress(OSError):  # it holds something
                        place.rmdir()


def _leftovers(stores: Path) -> Iterator[Path]:
    """Folders and files that nobody will ask for again."""
    places = [each for each in stores.glob("*") if PLACE.fullmatch(each.name)]
    parts = [each for each in stores.glob("parts/*") if PLACE.fullmatch(each.name)]
    unfinished = [
        token for place in places for token in _tokens(place) if token.name != _named(place / "store.json", "data")
    ]
    unfinished += [
        token
        for part in parts
        for token in _tokens(part)
        if token.name != _named(part.with_name(f"{part.name}.json"), "token")
    ]
    if unfinished:
        shown = _shown(stores)
        yield from (each for each in unfinished if str(each.relative_to(stores)) not in shown and _may_go(each))
    for folder in (stores, stores / "parts", *places):
        yield from (swap for swap in folder.glob(".*") if SWAP.fullmatch(swap.name))
    yield from (swap for swap in stores.glob("selftests/.*") if SWAP.fullmatch(swap.name) and _is_old(swap))
    for figures in stores.glob("*/figures/*"):
        named = {_named(record, "folder") for record in figures.glob("*.json")}
        swaps = {swap.name for swap in figures.glob(".*") if SWAP.fullmatch(swap.name)}
        folders = {each.name for each in figures.glob("*-*") if each.is_dir()}
        yield from (figures / name for name in swaps | (folders - named) if _is_old(figures / name))
    yield from (making for making in stores.glob(".making-*") if _is_idle(making))


def _tokens(place: Path) -> Iterator[Path]:
    return (each for each in place.glob("*") if TOKEN.fullmatch(each.name))


def _named(record: Path, word: str) -> str | None:
    """The folder that a record names."""
    with suppress(OSError, ValueError):
        told = json.loads(record.read_bytes())
        if isinstance(told, dict):
            return str(told.get(word))
    return None


def _shown(stores: Path) -> set[str]:
    """The folders from which the catalogues of all stores show files, as two steps or three below the stores."""
    import polars as pl  # noqa: PLC0415

    shown: set[str] = set()
    for record in stores.glob("*/store.json"):
        with suppress(OSError, pl.exceptions.PolarsError):
            paths = pl.read_parquet(record.parent / str(_named(record, "data")) / "catalogue.parquet")["path"]
            steps = paths.str.splitn("/", 4).struct.unnest()
            in_parts = pl.format("{}/{}/{}", "field_0", "field_1", "field_2")
            shown |= {
                *steps.select(pl.format("{}/{}", "field_0", "field_1")).to_series(),
                *steps.filter(pl.col("field_2").is_not_null()).select(in_parts).to_series(),
            }
    return shown


def _may_go(token: Path) -> bool:
    """What was made twice may still be read by an open book, which holds no lock."""
    has_record = (
        token.parent.with_name(f"{token.parent.name}.json").is_file() or (token.parent / "store.json").is_file()
    )
    return not has_record or _is_old(token)


def _is_old(path: Path, seconds: float = STILL_READ) -> bool:
    """Whether a time lies far from now, on either side: a clock may have been set back since."""
    with suppress(OSError):
        return abs(time.time() - path.lstat().st_mtime) > seconds
    return False


def _is_idle(making: Path) -> bool:
    """A folder for clear text is locked while it is worked in, but for the moment after it was made."""
    with locked(making, wait=False) as is_idle:
        return is_idle and _is_old(making, JUST_BEGUN)
