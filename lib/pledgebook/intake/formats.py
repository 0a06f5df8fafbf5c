"""Which files hold which table, and how they are written: the native layout, or an `exports.toml`."""

from __future__ import annotations

import codecs
import re
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from polars.exceptions import PolarsError
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from pledgebook.errors import InputError
from pledgebook.period import INSTANT, local_midnight, place_in
from pledgebook.policy import is_timezone
from pledgebook.tables import TABLES, Table
from pledgebook.toml_file import read_toml

MAPPING = "exports.toml"
ENDINGS = {"csv": "csv", "parquet": "parquet", "jsonl": "jsonl", "ndjson": "jsonl"}
COMPRESSIONS = {"gz": "gzip", "zst": "zstd"}
RENAMED = {
    "people": {"person": "person_id"},
    "accesses": {"has_reason": "reason"},
    "page_views": {"host": "url", "path": "url", "outbound_host": "outbound_url"},
}
NOT_REQUIRED = {
    "page_views": {"cookies_set", "outbound_host", "has_personal_data_in_url", "has_login"},
    "disclosures": {"legal_reference"},
}
Pick = Literal["first", "last", "min", "max"]
DATED_NAME = re.compile(r"(?<!\d)((?:19|20)\d\d)(-?)(\d\d)\2(\d\d)(?!\d)", re.ASCII)
EPOCHS = ("epoch_seconds", "epoch_milliseconds")


def _is_encoding(name: str) -> str:
    try:
        codecs.lookup(name)
        codecs.getincrementaldecoder(name)().decode(b"")
    except (LookupError, AssertionError):
        raise ValueError(f"encoding '{name}' is not known; name one such as shift_jis") from None
    return name


def _is_form(form: str) -> str:
    """A format in which Polars reads what it writes, else the fault would show row by row."""
    try:
        written = pl.select(pl.lit(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)).dt.strftime(form)).to_series()
        is_read = written.str.to_datetime(form, strict=False).is_not_null().all()
    except PolarsError:
        is_read = False
    if not is_read:
        raise ValueError(f"'{form}' is no strptime format such as %Y/%m/%d %H:%M:%S")
    return form


def _is_instant_form(form: str) -> str:
    return form if form in EPOCHS else _is_form(form)


def _is_delimiter(sign: str) -> str:
    if not sign.isascii() or sign in '"\r\n':
        raise ValueError("a delimiter is one ASCII character, and neither a quote nor a line break")
    return sign


def _is_inside(pattern: str) -> str:
    if Path(pattern).is_absolute() or ".." in Path(pattern).parts:
        raise ValueError("files must lie inside the exports folder")
    return pattern


def _is_pattern(pattern: str) -> str:
    try:
        list(Path("/nowhere").glob(pattern))
    except (ValueError, NotImplementedError, IndexError):
        raise ValueError(f"'{pattern}' is no pattern of file names such as requests-*.csv") from None
    return pattern


class Source(BaseModel):
    """One feed: files of one layout that hold one table. `columns` maps canonical or native names to the file's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    table: Literal[tuple(TABLES)]  # type: ignore[valid-type]
    files: Annotated[str, Field(min_length=1), AfterValidator(_is_inside), AfterValidator(_is_pattern)]
    format: Literal["csv", "parquet", "jsonl"] | None = None
    encoding: Annotated[str, AfterValidator(_is_encoding)] = "utf-8"
    delimiter: Annotated[str, Field(min_length=1, max_length=1), AfterValidator(_is_delimiter)] = ","
    timezone: Annotated[str, AfterValidator(is_timezone)] | None = None
    timestamp_format: Annotated[str, AfterValidator(_is_instant_form)] | None = None
    date_format: Annotated[str, AfterValidator(_is_form)] | None = None
    date_alone_means: Literal["start", "end"] | None = None
    null_values: tuple[str, ...] = ()
    exported_at: datetime | date | None = None
    columns: dict[str, str] = {}
    values: dict[str, dict[str, str]] = {}
    constants: dict[str, str | bool | int] = {}
    one_row_per: str | None = None
    pick: dict[str, Pick] = {}

    @model_validator(mode="after")
    def _names_columns_of_its_table(self) -> Source:
        known = set(TABLES[self.table].columns) | set(native_columns(TABLES[self.table]))
        for part, names in (
            ("columns", self.columns),
            ("values", self.values),
            ("constants", self.constants),
            ("pick", self.pick),
        ):
            if strange := sorted(set(names) - known):
                raise ValueError(f"[source.{part}] '{strange[0]}' is no column of table {self.table}")
        return self


class Mapping(BaseModel):
    """An `exports.toml`: one `[[source]]` per feed."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    source: tuple[Source, ...] = ()

    @model_validator(mode="after")
    def _declares_something(self) -> Mapping:
        if not self.source:
            raise ValueError("no [[source]] is declared")
        return self


class ExportFile(BaseModel):
    """One file of a source: where it lies, its name below the exports folder, format, compression, date of export.

    `exported_until` is the last instant at which a record in it may be dated; null where nobody says.
    """

    model_config = ConfigDict(frozen=True)
    path: Path
    name: str
    source: Source
    format: Literal["csv", "parquet", "jsonl"]
    compression: Literal["gzip", "zstd"] | None
    exported_until: datetime | None


def native_column(table: Table, column: str) -> str:
    """Return the name under which a canonical column stands in the native layout."""
    if column in ("person", "employee"):
        return f"{column}_id"
    return RENAMED.get(table.name, {}).get(column, column)


def native_columns(table: Table) -> dict[str, bool]:
    """Return the native columns of a table, in order, and whether a file must have them."""
    optional = NOT_REQUIRED.get(table.name, set())
    found: dict[str, bool] = {}
    for column in table.columns:
        name = native_column(table, column)
        found[name] = found.get(name, False) or (table.is_required(column) and column not in optional)
    return found


def find_exports(folder: Path, timezone: str) -> tuple[list[ExportFile], list[str]]:
    """Return the files of an export folder in order of table and name, and the names of files that nobody reads.

    Raises InputError when the folder is missing or holds nothing that can be read.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Give the folder of the exports with --exports.")
    sources = _declared(folder) if (folder / MAPPING).is_file() else _native(folder)
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
    taken = {*read, MAPPING}
    every = (str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file())
    return files, [name for name in every if name not in taken and not Path(name).name.startswith(".")]


def _declared(folder: Path) -> list[tuple[Source, list[Path]]]:
    mapping = read_toml(folder / MAPPING, Mapping, "mapping", "Write one, or use the native layout.")
    names = [source.name for source in mapping.source]
    if twice := sorted({name for name in names if names.count(name) > 1}):
        raise InputError(f"{folder / MAPPING}: source '{twice[0]}' is declared twice. Give each its own name.")
    return [(source, _matching(folder, source)) for source in mapping.source]


def _matching(folder: Path, source: Source) -> list[Path]:
    found = [path for path in sorted(folder.glob(source.files)) if path.is_file()]
    if not found:
        raise InputError(f"{folder / MAPPING}: source '{source.name}': no file matches '{source.files}'.")
    return found


def _native(folder: Path) -> list[tuple[Source, list[Path]]]:
    found = []
    for name in TABLES:
        whole = re.compile(rf"{name}(-.*)?\.({'|'.join(ENDINGS)})(\.({'|'.join(COMPRESSIONS)}))?")
        part = re.compile(rf".+\.({'|'.join(ENDINGS)})(\.({'|'.join(COMPRESSIONS)}))?")
        paths = [path for path in folder.iterdir() if path.is_file() and whole.fullmatch(path.name)]
        if (folder / name).is_dir():
            inside = (path for path in (folder / name).rglob("*") if path.is_file() and not path.name.startswith("."))
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
    if form is None:
        raise InputError(f"{path.name}: format not told by its name. Add `format` to source '{source.name}'.")
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{path.name}: a link that leads out of the exports folder. Copy the file there.")
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
