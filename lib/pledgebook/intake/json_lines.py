"""Reading JSON Lines: one object a line, every value as the text that a CSV export would hold."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from itertools import islice
from typing import Any

import polars as pl

from pledgebook.errors import InputError
from pledgebook.intake.inspection import Inspected

LOOKED_AT, MOST_NAMES = 1000, 2000
DECODER = json.JSONDecoder(parse_int=str, parse_float=str, parse_constant=str)


def names_in(inspected: Inspected) -> dict[str, int]:
    """Return the names in the first thousand objects, in order of appearance, and how many objects have each."""
    names: Counter[str] = Counter()
    with inspected.plain.open(encoding="utf-8-sig", newline="\n") as stream:
        for line in islice(stream, LOOKED_AT):
            names.update((_object(line) or {}).keys())
            if len(names) > MOST_NAMES:
                raise InputError(
                    f"{inspected.file.name}: more than {MOST_NAMES:,} names; its columns differ from row to row."
                )
    if not names and inspected.plain.stat().st_size:
        raise InputError(f"{inspected.file.name}, line 1: no JSON object. Write one object a line.")
    return names


def cells_of_lines(lines: pl.LazyFrame, columns: Mapping[str, str], row: str, unreadable: str) -> pl.LazyFrame:
    """Return one row per line that is not blank: its number, whether it is no object, and its cells as text.

    columns: name in the objects -> name of the column.
    """
    schema = pl.Schema({row: pl.UInt32(), unreadable: pl.Boolean(), **dict.fromkeys(columns.values(), pl.String())})

    names, nothing = list(columns), [None] * len(columns)

    def cells(batch: pl.DataFrame) -> pl.DataFrame:
        if batch.is_empty():
            return schema.to_frame()
        told = [_texts(line, names) for line in batch["line"]]
        data = dict(zip(columns.values(), zip(*[texts or nothing for texts in told], strict=True), strict=True))
        is_none = [texts is None for texts in told]
        return pl.DataFrame({row: batch[row], unreadable: is_none, **data}, schema=schema)

    told = lines.filter(pl.col("line").str.strip_chars("\ufeff \t\r") != "")
    return told.map_batches(cells, schema=schema, streamable=True, validate_output_schema=False)


def _texts(line: str, names: list[str]) -> list[str | None] | None:
    """The cells of a line under these names; None where it is no object, or one too deep to be written as text."""
    found = _object(line)
    try:
        return None if found is None else [_as_text(found.get(name)) for name in names]
    except RecursionError:
        return None


def _object(line: str) -> dict[str, Any] | None:
    """The object of a line; None where there is none, or where its text is no Unicode."""
    try:
        found = DECODER.decode(line.lstrip("\ufeff"))
        if "\\u" in line:
            json.dumps(found, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _as_text(value: Any) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ";".join(_as_text(each) or "" for each in value)
    return json.dumps(value, ensure_ascii=False)
