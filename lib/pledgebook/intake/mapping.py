"""How a feed's files are written and what its columns mean: the native names, and the words of an `exports.toml`."""

from __future__ import annotations

import codecs
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Annotated, Literal

import polars as pl
from polars.exceptions import PanicException, PolarsError
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pledgebook.masking import presentable
from pledgebook.policy import is_timezone
from pledgebook.tables import TABLES, Table
from pledgebook.toml_file import refuse_number

MAPPING = "exports.toml"
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
NO_TEXT = ("idna", "punycode", "undefined", "unicode-escape", "raw-unicode-escape")
MOST_DEPTHS = 2
YEARS = range(1900, 3000)
EPOCHS = ("epoch_seconds", "epoch_milliseconds")


def _is_encoding(name: str) -> str:
    """An encoding of text: Python's codecs also unpack archives and read escapes, which no export is written in."""
    try:
        is_known = codecs.lookup(name).name not in NO_TEXT
        "x".encode(name)
        codecs.getincrementaldecoder(name)()
    except (LookupError, AssertionError, UnicodeError):
        is_known = False
    if not is_known:
        raise ValueError(f"encoding '{name[:60]}' is not known; name one such as shift_jis")
    return name


def _is_form(form: str) -> str:
    """A format in which Polars reads what it writes, else the fault would show row by row."""
    if "%f" in form.replace("%%", ""):
        raise ValueError("%f would be read as nanoseconds; write .%f as %.f, and other fractions as %3f or %6f")
    try:
        written = pl.select(pl.lit(datetime(2001, 2, 3, 4, 5, 6, tzinfo=UTC)).dt.strftime(form)).to_series()
        is_read = written.str.to_datetime(form, strict=False).dt.date().to_list() == [date(2001, 2, 3)]
    except (PolarsError, PanicException):
        is_read = False
    if not is_read:
        raise ValueError(f"'{form[:60]}' is no strptime format such as %Y/%m/%d %H:%M:%S")
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
    if Path(pattern).parts.count("**") > MOST_DEPTHS:
        raise ValueError(f"'**' stands more than {MOST_DEPTHS} times; name the folders")
    try:
        list(Path("/nowhere").glob(pattern))
    except (ValueError, NotImplementedError, IndexError):
        raise ValueError(f"'{pattern[:60]}' is no pattern of file names such as requests-*.csv") from None
    return pattern


def _is_told(name: str) -> str:
    if presentable(name) != name:
        raise ValueError("the name holds an email, a phone or a card number, or a sign that cannot be shown")
    return name


def _is_near(moment: datetime | date) -> datetime | date:
    if moment.year not in YEARS:
        raise ValueError(f"outside the years {YEARS.start} to {YEARS.stop - 1}")
    return moment


class Source(BaseModel):
    """One feed: files of one layout that hold one table. `columns` maps canonical or native names to the file's."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, Field(min_length=1), AfterValidator(_is_told)]
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
    exported_at: Annotated[datetime | date, BeforeValidator(refuse_number), AfterValidator(_is_near)] | None = None
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
                raise ValueError(f"[source.{part}] '{strange[0][:60]}' is no column of table {self.table}")
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
