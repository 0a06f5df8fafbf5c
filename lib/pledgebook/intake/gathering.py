"""Gathering the parts of an export folder: those that are there already, and those that must be read now."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path

import polars as pl

from pledgebook.intake.keys import judge_keys
from pledgebook.intake.parts import Intaking, Part, part_id, read_part, scan_files
from pledgebook.intake.staging import Seen, stage_part
from pledgebook.tables import TABLES

IDENTITIES = "identities"


def stage_parts(
    files: Sequence[Seen],
    intaking: Intaking,
    code: str,
    stores: Path,
    scratch: Path,
    progress: Callable[[str], None],
) -> list[Part]:
    """Return the parts of files, in their order; identities are read first, for they say whom the others speak of."""

    def gather(which: list[Seen], known: pl.DataFrame | None) -> dict[str, Part]:
        mark = "" if known is None else hashlib.sha256(known.hash_rows().to_numpy().tobytes()).hexdigest()
        found = {}
        for each in which:
            name = part_id(each.file, each.sha256, intaking, code, mark)
            part = read_part(stores, name)
            if part is None:
                progress(f"reading {each.file.name}")
                part = stage_part(each, name, intaking, known, stores, scratch)
            found[each.file.name] = part
        return found

    naming = gather([each for each in files if each.file.source.table == IDENTITIES], None)
    known = _identities(list(naming.values()), stores)
    others = gather([each for each in files if each.file.source.table != IDENTITIES], known)
    return [{**naming, **others}[each.file.name] for each in files]


def _identities(parts: list[Part], stores: Path) -> pl.DataFrame | None:
    """Whose every further id is, sorted by it: id, person, person_guard."""
    if not parts:
        return None
    files = [part.rows_file(cut) for part in parts for cut in part.cuts]
    if not files:
        return pl.DataFrame(schema={"id": pl.UInt64, "person": pl.UInt64, "person_guard": pl.UInt64})
    fallen = judge_keys(TABLES[IDENTITIES], parts, (), None, stores).fallen.lazy()
    standing = scan_files(stores, files).join(fallen, on=["source", "source_row"], how="anti")
    return standing.select("id", "person", "person_guard").sort("id").collect()
