"""A copy of exports in a private folder, and the planted files beside them."""

from __future__ import annotations

import csv
import tomllib
from contextlib import suppress
from pathlib import Path
from typing import Any

from pledgebook.errors import InputError
from pledgebook.intake.formats import MAPPING, native_columns
from pledgebook.selftest.planting import BEYOND, Part, Planting
from pledgebook.storage import copy_here, is_remote
from pledgebook.tables import TABLES

SMALL = 64 << 20
"""Up to so many bytes exports are copied; larger ones are linked, which changes nothing but their count of links."""


def copy_exports(exports: Path, target: Path) -> None:
    """Put every file of an export folder into `target` under its own name, but for links out of it, which nobody reads.

    Raises InputError where one cannot be read.
    """
    files = [path for path in sorted(exports.rglob("*")) if path.is_file() and _is_inside(exports, path)]
    may_link = not is_remote(exports) and sum(path.stat().st_size for path in files) > SMALL
    for path in files:
        place = target / str(path.relative_to(exports))
        place.parent.mkdir(parents=True, exist_ok=True)
        try:
            _put(path, place, may_link=may_link)
        except OSError as fault:
            told = f"{path.name}: cannot be copied ({fault.strerror}). Mend its permissions, or make room."
            raise InputError(told) from None


def _is_inside(exports: Path, path: Path) -> bool:
    return is_remote(exports) or path.resolve().is_relative_to(exports.resolve())


def _put(path: Path, place: Path, *, may_link: bool) -> None:
    if may_link:
        with suppress(OSError):
            place.hardlink_to(path.resolve())
            return
    copy_here(path, place)


def write_planted(planting: Planting, folder: Path) -> None:
    """Write the planted files into a copy; where a mapping says what is read, name them there.

    Raises InputError for a mapping that cannot be added to.
    """
    for part, rows in planting.files.items():
        file = folder / planting.source(part)
        file.parent.mkdir(parents=True, exist_ok=True)
        columns = [*native_columns(TABLES[part.table])]
        columns += [
            name for name in dict.fromkeys(name for row in rows for name in row) if name not in (*columns, BEYOND)
        ]
        with file.open("x", encoding="utf-8", newline="") as stream:
            writer = csv.writer(stream, lineterminator="\n")
            writer.writerow(columns)
            writer.writerows(_cells(row, columns) for row in rows)
    if planting.is_mapped:
        _add_sources(planting, folder / MAPPING)


def _cells(row: dict[str, Any], columns: list[str]) -> list[str]:
    return [row.get(name) or "" for name in columns] + ([row[BEYOND]] if BEYOND in row else [])


def _add_sources(planting: Planting, mapping: Path) -> None:
    before = mapping.read_text(encoding="utf-8-sig") if mapping.is_file() else ""
    text = before + "".join(_source(planting, part) for part in planting.files)
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        raise InputError(
            f"{MAPPING}: planted files cannot be added to it. Write each source as a [[source]] table."
        ) from None
    mapping.unlink(missing_ok=True)
    mapping.write_text(text, encoding="utf-8")


def _source(planting: Planting, part: Part) -> str:
    name = f"{planting.setting.tag}-{part.table}{part.suffix}"
    zone = planting.timezones.get(part)
    lines = ["", "[[source]]", f'name = "{name}"', f'table = "{part.table}"', 'format = "csv"']
    lines.append(f'files = "{planting.source(part)}"')
    return "\n".join([*lines, *([f'timezone = "{zone}"'] if zone else []), ""])
