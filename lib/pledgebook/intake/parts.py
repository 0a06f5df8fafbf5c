"""Parts: what one export file gave, judged and cut once, and kept under a name made of all that shaped it.

A part lies in `<stores>/parts/<id>/<token>/`; its record `<stores>/parts/<id>.json` is written last, so that a part is
there whole or not at all. Stores share parts: a new month's file costs what its own rows cost. The record also lies in
the part's folder, by which a task names the part to the worker that needs it.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import polars as pl
from pydantic import BaseModel, ConfigDict

from pledgebook.errors import InputError
from pledgebook.intake.formats import ExportFile
from pledgebook.pseudonyms import Key
from pledgebook.storage import is_remote, read_each
from pledgebook.tables import TABLES, Table

QUARANTINE = pl.Schema(
    {"table": pl.String, "source": pl.String, "source_row": pl.UInt64, "rule": pl.String, "is_opt_out": pl.Boolean}
)
FEEDS = pl.Schema({"table": pl.String, "feed": pl.String, "kind": pl.String, "date": pl.Date, "rows": pl.Int64})
PERSONS = pl.Schema({"person": pl.UInt64, "person_guard": pl.UInt64, "rows": pl.Int64})
RECIPIENTS = pl.Schema({"recipient": pl.String, "rows": pl.Int64})
RECORD, LISTED = "part.json", "parts.json"
FALLEN = "fallen_"
Fallen = Mapping[str, Sequence[str]]
"""The files of the rows of each table that do not stand, below the folder of all stores."""
_READ: dict[tuple[str, str], Part] = {}


@dataclass(frozen=True)
class Intaking:
    """What every file of an intake is judged with, and into how many shards its rows are cut."""

    key: Key
    timezone: str
    known_regimes: frozenset[str]
    shards: int

    def shape(self) -> dict[str, object]:
        """Return all of it that shapes a part, the key by its id."""
        regimes = sorted(self.known_regimes)
        return {"key": self.key.id, "timezone": self.timezone, "regimes": regimes, "shards": self.shards}


@dataclass(frozen=True)
class PartName:
    """What a part is told by: its reading, which is all that shaped it but the identities, and the mark of these."""

    reading: str
    identities: str

    @property
    def id(self) -> str:
        """The name of its record and its folder."""
        return hashlib.sha256(f"{self.reading} {self.identities}".encode()).hexdigest()[:32]


class Cut(BaseModel):
    """Rows of one shard and month (`all` where the table is not cut by month)."""

    model_config = ConfigDict(frozen=True)
    shard: int
    month: str
    rows: int


class Part(BaseModel):
    """What one file gave: its rows cut by shard and month, and the account of them.

    reading: as in its `PartName`; where earlier identities gave it the same people, the id is of those. rows_read counts
    rows (cases, with `one_row_per`), raw_rows lines, assumed the withdraws that were given a channel, further_ids those
    under which rows came. keyed: the shard with which each file of keys ends; all keys of a part are asked for at once, and
    lie in few files.
    """

    model_config = ConfigDict(frozen=True)
    id: str
    reading: str
    token: str
    source: str
    feed: str
    table: str
    exported_until: datetime | None
    cuts: tuple[Cut, ...] = ()
    keyed: tuple[int, ...] = ()
    rows_read: int = 0
    raw_rows: int = 0
    rows_quarantined: int = 0
    assumed: int = 0
    further_ids: int = 0
    unknown_columns: tuple[str, ...] = ()

    @property
    def folder(self) -> str:
        """Where its files lie, below the folder of all stores."""
        return f"parts/{self.id}/{self.token}"

    @property
    def further_ids_file(self) -> str:
        """The file of the further ids under which rows came, below the folder of all stores; not there where none did."""
        return f"{self.folder}/further_ids.parquet"

    @property
    def rows_kept(self) -> int:
        """How many rows broke no rule."""
        return sum(cut.rows for cut in self.cuts)

    def rows_file(self, cut: Cut) -> str:
        """Return the file of a cut's rows, below the folder of all stores."""
        return f"{self.folder}/rows/shard={cut.shard}/{cut.month}.parquet"

    def shard_file(self, what: str, shard: int) -> str:
        """Return the file of a shard's `persons`, or of the `keys` up to it, below the folder of all stores."""
        return f"{self.folder}/{what}/shard={shard}.parquet"

    def shards(self) -> list[int]:
        """Return the shards in which it has rows."""
        return sorted({cut.shard for cut in self.cuts})

    def only(self, *shards: int) -> Part:
        """Return the same with the cuts of these shards alone."""
        return self.model_copy(update={"cuts": tuple(cut for cut in self.cuts if cut.shard in shards)})

    def keys_files(self) -> dict[str, range]:
        """Return its files of keys, below the folder of all stores, each with the shards whose keys it holds."""
        begins = (0, *(last + 1 for last in self.keyed))
        spans = zip(begins, self.keyed, strict=False)
        return {self.shard_file("keys", last): range(first, last + 1) for first, last in spans}


def reading_of(file: ExportFile, sha256: str, intaking: Intaking, code: str) -> str:
    """Return the name of a file's reading: other bytes, mapping, key or code give another."""
    shaping = {
        "name": file.name,
        "sha256": sha256,
        "source": file.source.model_dump(mode="json"),
        "format": [file.format, file.compression, str(file.exported_until)],
        "code": [code, pl.__version__],
        **intaking.shape(),
    }
    return hashlib.sha256(json.dumps(shaping, sort_keys=True).encode()).hexdigest()[:32]


def new_part(file: ExportFile, name: PartName) -> Part:
    """Return the beginnings of a part; its token keeps two makers of the same part out of each other's files."""
    return Part(
        id=name.id,
        reading=name.reading,
        token=uuid.uuid4().hex[:12],
        source=file.name,
        feed=file.source.name,
        table=file.source.table,
        exported_until=file.exported_until,
    )


def read_parts(stores: Path, names: Sequence[str]) -> list[Part | None]:
    """Return finished parts by their names, None where there is none."""
    return [_as_part(each) for each in read_each([stores / "parts" / f"{name}.json" for name in names])]


def parts_listed(stores: Path, data: str) -> list[Part] | None:
    """Return the parts of a store, from its folder below `stores`; None where one is gone.

    Raises OSError or ValueError where the list cannot be read.
    """
    parts = read_parts(stores, json.loads((stores / data / LISTED).read_text()))
    return [part for part in parts if part] if all(parts) else None


def parts_in(stores: Path, folders: Sequence[str]) -> list[Part]:
    """Return the parts that lie in these folders, each read once. Raises InputError when one is gone."""
    missing = [folder for folder in folders if (str(stores), folder) not in _READ]
    for folder, content in zip(missing, read_each([stores / each / RECORD for each in missing]), strict=True):
        part = _as_part(content)
        if part is None:
            raise InputError(f"{stores}/{folder}: a part is not there. Exports and stores must lie where all see them.")
        _READ[str(stores), folder] = part
    return [_READ[str(stores), folder] for folder in folders]


def _as_part(content: bytes | None) -> Part | None:
    try:
        return None if content is None else Part.model_validate_json(content)
    except ValueError:
        return None


def keep_part(stores: Path, part: Part) -> None:
    """Write a part's record: from now on it is there."""
    record = part.model_dump_json().encode()
    write_whole(stores / part.folder / RECORD, record)
    write_whole(stores / "parts" / f"{part.id}.json", record)


def private_folder(folder: Path) -> Path:
    """Make a folder, and those above it that are missing, for the user alone; return it. Addresses have no folders."""
    if is_remote(folder):
        return folder
    for each in reversed([folder, *folder.parents]):
        if not each.exists():
            each.mkdir(mode=0o700, exist_ok=True)
    return folder


def write_whole(file: Path, content: bytes) -> None:
    """Write a small file by one rename, at an address in one piece, so that nobody ever reads half of it."""
    if is_remote(file):
        file.write_bytes(content)
        return
    swap = file.with_name(f".{file.name}-{os.getpid()}-{uuid.uuid4().hex[:6]}")
    with removed_on_fault(swap):
        swap.write_bytes(content)
        swap.replace(file)


@contextmanager
def removed_on_fault(half: Path) -> Iterator[None]:
    """Remove a file or folder that is being made, when a fault or an interruption ends the making."""
    try:
        yield
    except BaseException:
        if is_remote(half):
            raise
        half.unlink(missing_ok=True) if half.is_file() else shutil.rmtree(half, ignore_errors=True)
        raise


def parts_of(table: Table, parts: Iterable[Part]) -> list[Part]:
    """Return the parts of a table, in reading order."""
    return [part for part in parts if part.table == table.name]


def kept_columns(table: Table) -> list[str]:
    """Columns of a part's rows: the canonical ones, and what settling needs besides.

    People keep `own`, the pseudonym of the id that the row itself gave; identities keep whom they guard.
    """
    besides = {"people": ["own"], "identities": ["person_guard"]}.get(table.name, [])
    return [*table.columns, *besides, "source", "source_row"]


def scan_files(stores: Path, files: Iterable[str], schema: pl.Schema | None = None) -> pl.LazyFrame:
    """Return the rows of files below the folder of all stores; of no file none, with the columns of `schema`."""
    found = [f"{stores}/{file}" for file in files]
    if not found and schema is not None:
        return schema.to_frame().lazy()
    return pl.scan_parquet(found, hive_partitioning=False, glob=False)


def scan_with_file(paths: Iterable[str]) -> pl.LazyFrame:
    """Return the rows of files, each beside the path of its `file`; at least one file."""
    return pl.scan_parquet([*paths], hive_partitioning=False, glob=False, include_file_paths="file")


def persons_files(parts: Iterable[Part], shard: int) -> dict[str, Part]:
    """Return the files in which parts say of whom their rows in a shard speak, below the folder of all stores."""
    speaking = [part for part in parts if "person" in TABLES[part.table].columns and shard in part.shards()]
    return {part.shard_file("persons", shard): part for part in speaking}


def is_one_of(people: pl.DataFrame) -> pl.Expr:
    """Return whether a row is of one of these people; as a filter, so that of other rows only the person is read."""
    return pl.col("person").is_in(people["person"].implode())
