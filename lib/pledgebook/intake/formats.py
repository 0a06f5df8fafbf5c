"""Which files hold which table: those of the native layout, or those that an `exports.toml` names."""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, SkipValidation

from pledgebook.errors import InputError
from pledgebook.intake.mapping import MAPPING, Mapping, Source, native_column, native_columns
from pledgebook.masking import presentable
from pledgebook.period import INSTANT, local_midnight, place_in
from pledgebook.tables import TABLES
from pledgebook.toml_file import read_toml

__all__ = ["MAPPING", "ExportFile", "Mapping", "Source", "find_exports", "native_column", "native_columns"]

ENDINGS = {"csv": "csv", "parquet": "parquet", "jsonl": "jsonl", "ndjson": "jsonl"}
COMPRESSIONS = {"gz": "gzip", "zst": "zstd"}
DATED_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)(-?)(\d\d)\2(\d\d)(?!\d)", re.ASCII)


class ExportFile(BaseModel):
    """One file of a source: where it lies, its name below the exports folder, format, compression, date of export.

    `exported_until` is the last instant at which a record in it may be dated; null where nobody says.
    """

    model_config = ConfigDict(frozen=True)
    path: Annotated[Path, SkipValidation]
    name: str
    source: Source
    format: Literal["csv", "parquet", "jsonl"]
    compression: Literal["gzip", "zstd"] | None
    exported_until: datetime | None


def find_exports(folder: Path, timezone: str) -> tuple[list[ExportFile], list[str]]:
    """Return the files of an export folder in order of table and name, and the names of files that nobody reads.

    Raises InputError when the folder is missing or holds nothing that can be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Give the folder of the exports with --exports.")
    try:
        return _files_and_others(folder, timezone)
    except RecursionError:
        raise InputError(f"{folder}: its folders lie too deep in one another. Remove what is no export.") from None


def _files_and_others(folder: Path, timezone: str) -> tuple[list[ExportFile], list[str]]:
    is_mapped = (folder / MAPPING).exists() or (folder / MAPPING).is_symlink()
    sources = _declared(folder) if is_mapped else _native(folder)
    files = [_export_file(folder, path, source, timezone) for source, paths in sources for path in paths]
    uses = Counter(file.name for file in files)
    shared = {name for name, count in uses.items() if count > 1}
    read = list(uses)
    files = [f.model_copy(update={"name": f"{f.name} ({f.source.name})"}) if f.name in shared else f for f in files]
    if not files:
        raise InputError(
            f"{folder}: no exports here. Expected <table>.csv, .parquet or .jsonl (tables: {', '.join(TABLES)}), "
            f"or an {MAPPING} that says which files to read."
        )
    return files, _unread(folder, {*read, MAPPING})


def _unread(folder: Path, taken: set[str]) -> list[str]:
    places = sorted(path for path in folder.rglob("*") if path.is_file() or path.is_symlink())
    names = [str(path.relative_to(folder)) for path in places if not path.name.startswith(".")]
    return [presentable(name) for name in names if name not in taken]


def _declared(folder: Path) -> list[tuple[Source, list[Path]]]:
    check_place(folder, folder / MAPPING)
    mapping = read_toml(folder / MAPPING, Mapping, "mapping", "Write one, or use the native layout.")
    names = [source.name for source in mapping.source]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{folder / MAPPING}: source '{twice[0]}' is declared twice. Give each its own name.")
    return [(source, _matching(folder, source)) for source in mapping.source]


def _matching(folder: Path, source: Source) -> list[Path]:
    found = [path for path in sorted(folder.glob(source.files)) if not path.is_dir()]
    if not found:
        raise InputError(f"{folder / MAPPING}: source '{source.name}': no file matches '{source.files}'.")
    return found


def _native(folder: Path) -> list[tuple[Source, list[Path]]]:
    found = []
    for name in TABLES:
        whole = re.compile(rf"{name}(-.*)?\.({'|'.join(ENDINGS)})(\.({'|'.join(COMPRESSIONS)}))?", re.DOTALL)
        part = re.compile(rf".+\.({'|'.join(ENDINGS)})(\.({'|'.join(COMPRESSIONS)}))?", re.DOTALL)
        paths = [path for path in folder.iterdir() if whole.fullmatch(path.name)]
        if (folder / name).is_dir():
            _check_inside(folder, folder / name)
            inside = (path for path in (folder / name).rglob("*") if not path.name.startswith("."))
            paths += [path for path in inside if part.fullmatch(path.name)]
        if paths:
            source = Source.model_construct(**{**_DEFAULTS, "name": name, "table": name, "files": ""})
            found.append((source, sorted(paths)))
    return found


_DEFAULTS = {name: field.default for name, field in Source.model_fields.items()}


def _export_file(folder: Path, path: Path, source: Source, timezone: str) -> ExportFile:
    *_, ending = (stem := path.name.lower().split("."))
    compression = COMPRESSIONS.get(ending)
    ending = stem[-2] if compression and len(stem) > 1 else ending
    form = source.format or ENDINGS.get(ending)
    check_place(folder, path)
    if form is None:
        raise InputError(f"{path.name}: format not told by its name. Add `format` to source '{source.name}'.")
    return ExportFile.model_validate(
        {
            "path": path,
            "name": str(path.relative_to(folder)),
            "source": source,
            "format": form,
            "compression": compression,
            "exported_until": _exported_until(path.name, source, timezone),
        }
    )


def check_place(folder: Path, path: Path) -> None:
    """Refuse what is no file of this folder: a link that leads nowhere or out of it, a folder, a pipe, a device.

    And a file whose name cannot be shown: every report names the files that it rests on.
    """
    name = presentable(str(path.relative_to(folder)))
    if not path.exists():
        raise InputError(f"{name}: a link that leads nowhere. Remove it, or put the file there.")
    _check_inside(folder, path)
    if not path.is_file():
        raise InputError(f"{name}: no file, but a folder, a pipe or a device. Put a file there.")
    if name != str(path.relative_to(folder)):
        raise InputError(
            f"{name}: the file's name holds an email, a phone or a card number, or a sign that cannot be shown; reports "
            "name the files that they rest on. Rename it."
        )


def _check_inside(folder: Path, path: Path) -> None:
    if not path.resolve().is_relative_to(folder.resolve()):
        name = presentable(str(path.relative_to(folder)))
        raise InputError(f"{name}: a link that leads out of the exports folder. Copy or hard-link the file there.")


def _exported_until(name: str, source: Source, timezone: str) -> datetime | None:
    """`exported_at`, or the last moment of its day; else of the latest day in the file's name."""
    zone = source.timezone or timezone
    told = source.exported_at
    if isinstance(told, datetime):
        return told.astimezone(UTC) if told.tzinfo else place_in(told, zone)
    day = told or max(_days_in(name), default=None)
    return None if day is None else local_midnight(day + timedelta(days=1), zone) - INSTANT


def _days_in(name: str) -> list[date]:
    """The days that a file's name tells, as in `requests-2026-10-01_2026-10-31.csv`."""
    found = []
    for match in DATED_NAME.finditer(name):
        try:
            found.append(date(int(match[1]), int(match[3]), int(match[4])))
        except ValueError:
            continue
    return found
