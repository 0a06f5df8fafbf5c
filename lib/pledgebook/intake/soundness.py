"""Soundness: whether the files of a store or a part are there and whole, told by their ends without reading them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.errors import InputError
from pledgebook.intake.parts import FALLEN, Part
from pledgebook.message_states import TALLIES
from pledgebook.storage import is_remote
from pledgebook.tables import TABLES

END = b"PAR1"
MADE = (
    "consent_states",
    "changed_states",
    "changed_people",
    "message_states",
    *TALLIES,
    "disclosure_states",
    "strangers",
)
"""Tables that intake makes of others, and that another store may build on."""
ACCOUNTS = ("catalogue", "intake", "quarantine", "notes", "feeds", "unknown_columns")


def is_whole(file: Path) -> bool:
    """Return whether a Parquet file is there to its end; an object at an address is there whole or not at all."""
    return file.is_file() if is_remote(file) else _has_end(str(file))


def _has_end(file: str) -> bool:
    """Asked of every file that a store stands on, so that it is asked without making a path, or a buffer, of each."""
    try:
        with open(file, "rb", buffering=0) as stream:  # noqa: PTH123
            stream.seek(-len(END), 2)
            return stream.read() == END
    except OSError:
        return False


def not_whole(stores: Path) -> InputError:
    """Return the fault of a disk that took a file and did not keep all of it."""
    return InputError(f"{stores}: a file that was written there is not whole. Check the disk, then run again.")


def has_all(part: Part, stores: Path) -> bool:
    """Return whether a part whose record is there has its files; at an address they are not looked at."""
    return is_remote(stores) or _first_cut_off(stores, _files_of(part)) is None


def _files_of(part: Part) -> Iterator[str]:
    yield from (f"{part.folder}/{name}.parquet" for name in ("quarantine", "feeds", "recipients"))
    yield from (part.rows_file(cut) for cut in part.cuts)
    yield from part.keys_files()
    if part.further_ids:
        yield part.further_ids_file
    if "person" in TABLES[part.table].columns:
        yield from (part.shard_file("persons", shard) for shard in part.shards())


def find_damage(stores: Path, facts: dict[str, Any]) -> str | None:
    """Return the first file of a store that is missing or cut off, below `stores`; None where all are there."""
    if is_remote(stores):
        return None
    own = f"{facts['fingerprint']}/{facts['data']}"
    try:
        shown = pl.read_parquet(stores / own / "catalogue.parquet")["path"]
    except (OSError, PolarsError):
        return f"{own}/catalogue.parquet"
    return _first_cut_off(stores, [*(f"{own}/{name}.parquet" for name in ACCOUNTS), *shown])


def has_states(catalogue: pl.DataFrame, stores: Path) -> bool:
    """Return whether what intake made of tables, as a catalogue shows it, is there for another store to build on."""
    table = pl.col("table")
    shown = catalogue.filter(table.is_in(MADE) | table.str.starts_with(FALLEN))["path"]
    return is_remote(stores) or _first_cut_off(stores, shown) is None


def _first_cut_off(stores: Path, paths: Iterable[str]) -> str | None:
    return next((path for path in paths if not _has_end(f"{stores}/{path}")), None)


def find_unreadable(stores: Path, paths: Iterable[str]) -> str | None:
    """Return the first file that is there and cannot be read through; None where all can."""
    for path in paths:
        try:
            pl.scan_parquet(f"{stores}/{path}", hive_partitioning=False, glob=False).select(
                pl.all().hash().max()
            ).collect(engine="streaming")
        except (PolarsError, OSError):
            return path
    return None
