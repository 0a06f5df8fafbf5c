"""Reading a manifest back: what it must say so that a report can be held against it."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, Field, PlainSerializer, PlainValidator, ValidationError

from pledgebook.errors import InputError
from pledgebook.report.chain import RUNS, read_object
from pledgebook.storage import storage_at

MANIFEST = "manifest.json"
Hash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


def _is_below(name: str) -> str:
    path = PurePosixPath(name)
    if not name or path.is_absolute() or ".." in path.parts:
        raise ValueError("a file must lie below its folder")
    return _is_path(name)


def _is_path(name: str) -> str:
    if "\0" in name:
        raise ValueError("no path has a NUL")
    return name


def _is_one_line(text: str) -> str:
    if not text.isprintable():
        raise ValueError("a sign that cannot be shown")
    return text


Below = Annotated[str, AfterValidator(_is_below)]
Word = Annotated[str, AfterValidator(_is_one_line)]
Folder = Annotated[Path, PlainValidator(lambda text: storage_at(text, "exports")), PlainSerializer(str)]


class Input(BaseModel):
    """An export that was read: its source name, its file below the exports folder, and the table it holds."""

    name: str
    file: Below
    table: str
    sha256: Hash
    bytes: int


class HashedPath(BaseModel):
    """A file outside the report, by its whole path."""

    path: Annotated[Path, BeforeValidator(_is_path)]
    sha256: Hash


class Parameters(BaseModel):
    """What the run was asked; further parameters of notebooks are passed over."""

    exports: Folder
    period: Word
    as_of: Word
    audience: Word


class Compared(BaseModel):
    """The scorecard that previous values came from: name of the report's link, the run, hash of the Parquet file."""

    report: Below
    run: Below
    sha256: Hash


class Before(BaseModel):
    """The run before, and the hash of its manifest."""

    run: str
    manifest: str


class Used(BaseModel):
    """The store that the figures came from; `forgotten` is null where nobody was removed from it."""

    shards: Annotated[int, Field(ge=1, le=1024)]
    key_id: Word
    forgotten: dict[str, Any] | None = None


class Grounds(BaseModel):
    """What a published table was computed from, the pages that show it, the promises that it decides."""

    reads: tuple[str, ...]
    pages: tuple[str, ...]
    promises: tuple[str, ...]


class Manifest(BaseModel):
    """A manifest, as far as checking and computing again need it."""

    run: Word
    parameters: Parameters
    inputs: tuple[Input, ...]
    unread_files: tuple[str, ...]
    mapping: str
    policy: HashedPath
    regimes: dict[Below, Hash]
    notebooks: tuple[HashedPath, ...]
    store: Used
    code: dict[str, str | None]
    packages: dict[str, str]
    compared_with: Compared | None
    previous: Before | None
    chain: Hash | None
    tables: dict[str, Grounds]
    folders: tuple[Below, ...]
    files: dict[Below, Hash]

    def lying_at(self, exports: Path | None, policy: Path | None) -> Manifest:
        """Return the same with exports or policy at another place than they lay; None: where they lay."""
        parameters = self.parameters.model_copy(update={} if exports is None else {"exports": exports.resolve()})
        rules = self.policy.model_copy(update={} if policy is None else {"path": policy.resolve()})
        return self.model_copy(update={"parameters": parameters, "policy": rules})


@dataclass(frozen=True)
class Place:
    """Where a report lies: the name that was given, its folder with all links followed, the runs that it stands among.

    `runs` is None where it was handed on alone. Neither folder need be there.
    """

    named: Path
    folder: Path
    runs: Path | None


def find_place(given: Path) -> Place:
    """Return where a report lies that a period's link, the run's folder or a file in it names.

    The runs beside the name count, not those beside what its link leads to: somebody may have turned the link.
    """
    named = Path(os.path.normpath(Path.cwd() / (given.parent if given.is_file() else given)))
    folder = Path(os.path.realpath(named))
    beside = named.parent if named.parent.name == RUNS else named.parent / RUNS
    if beside.is_dir():
        return Place(named, folder, beside)
    return Place(named, folder, folder.parent if folder.parent.name == RUNS else None)


def report_folder(given: Path) -> Path:
    """Return the run folder that a period's link, the folder itself or a file in it stands for.

    Raises InputError where there is no manifest: it is no report.
    """
    folder = find_place(given).folder
    if not folder.is_dir():
        raise InputError(f"{given}: there is no such report. Give its folder, such as reports/2026-09.")
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{given}: no {MANIFEST} in it: this is no report, or its manifest is gone.")
    return folder


def what_manifest_says(folder: Path) -> dict[str, Any]:
    """Return what a run's manifest says, unchecked; nothing where it cannot be read."""
    with suppress(OSError):
        if (folder / MANIFEST).is_file():
            return read_object((folder / MANIFEST).read_bytes())
    return {}


def read_manifest(folder: Path) -> Manifest:
    """Return the manifest of a run folder. Raises InputError where it is damaged, or by another version."""
    file = folder / MANIFEST
    try:
        return Manifest.model_validate_json(file.read_bytes())
    except OSError as fault:
        raise InputError(f"{file}: cannot be read ({fault.strerror}). Mend its permissions.") from None
    except ValidationError as fault:
        where = ".".join(map(str, fault.errors()[0]["loc"])) or "the whole file"
        raise InputError(
            f"{file}: cannot be used ({where}): it is damaged, or another version of the suite wrote it. "
            "Nothing of this report can be checked against it."
        ) from None
