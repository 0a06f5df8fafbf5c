"""Tallies: rows, and different people, under several headings at once.

What the headings of a row say is put into one number. Sorted, equal numbers stand together, and what stands together is
counted in one pass: half the time of grouping by several columns, or of telling different people apart in each group.
"""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl


@dataclass(frozen=True)
class Heading:
    """A column as a digit of the number: 0 where it is null, else how far it is from its `least` value, and 1."""

    name: str
    dtype: pl.DataType
    physical: pl.DataType
    least: int
    size: int


def tally(rows: pl.DataFrame, *headings: str) -> pl.DataFrame:
    """Return one row per combination of headings (Enums, days, whole numbers; null is one of its own) with its `disclosures`."""
    digits = [_heading(rows[name]) for name in headings]
    told = rows.select(_number(digits)).to_series().sort().rle().struct.unnest()
    return _spelled(told["value"], digits).with_columns(told["len"].cast(pl.Int64).alias("disclosures"))


def tally_people(rows: pl.DataFrame, *headings: str) -> pl.DataFrame:
    """Return what `tally` returns, and how many different ones are in column `person`, numbers from 0: `people`."""
    digits = [_heading(rows[name]) for name in (*headings, "person")]
    numbers, size = rows.select(_number(digits)).to_series().sort(), digits[-1].size
    told = (numbers // size).rle().struct.unnest()
    different = (numbers.rle().struct.field("value") // size).rle().struct.field("len")
    counts = (told["len"].cast(pl.Int64).alias("disclosures"), different.cast(pl.Int64).alias("people"))
    return _spelled(told["value"], digits[:-1]).with_columns(*counts)


def _heading(column: pl.Series) -> Heading:
    values = column.to_physical()
    least, most = (0, 0) if values.null_count() == values.len() else (values.min(), values.max())
    return Heading(column.name, column.dtype, values.dtype, least, most - least + 2)


def _number(digits: list[Heading]) -> pl.Expr:
    number = pl.lit(0, dtype=pl.Int64)
    for each in digits:
        digit = (pl.col(each.name).to_physical().cast(pl.Int64) - (each.least - 1)).fill_null(0)
        number = number * each.size + digit
    return number.alias("number")


def _spelled(numbers: pl.Series, digits: list[Heading]) -> pl.DataFrame:
    """What the numbers stand for, as columns in the order of the digits."""
    columns = []
    for each in reversed(digits):
        digit, numbers = numbers % each.size, numbers // each.size
        values = (digit + (each.least - 1)).set(digit == 0, None).cast(each.physical).alias(each.name)
        columns.append(values.cat.to(each.dtype) if isinstance(each.dtype, pl.Enum) else values.cast(each.dtype))
    return pl.DataFrame(columns[::-1])
