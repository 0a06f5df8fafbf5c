"""Tallies: rows, and different people, under several headings at once.

What the headings of a row say is put into one number. Sorted, equal numbers stand together, and what stands together is
counted in one pass: quicker than grouping by several columns and telling different people apart in each group.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import prod

import polars as pl

LARGEST = 2**63 - 1
FEW = 1000
"""Combinations of headings up to which grouping is quicker than sorting, where people stand in order already."""


@dataclass(frozen=True)
class Heading:
    """A column as a digit of the number: 0 where it is null, else how far it is from its `least` value, and 1."""

    name: str
    dtype: pl.DataType
    physical: pl.DataType
    least: int
    size: int


def tally(rows: pl.DataFrame, *headings: str) -> pl.DataFrame:
    """Return one row per combination of headings with its `disclosures`.

    Headings are columns of Enums, days or whole numbers; null is a heading of its own.
    """
    digits = [_heading(rows[name]) for name in headings]
    told = rows.select(_number(digits).sort().rle()).unnest("number")
    return told.select(*_spelled(digits), pl.col("len").cast(pl.Int64).alias("disclosures"))


def tally_people(rows: pl.DataFrame, *headings: str) -> pl.DataFrame:
    """Return what `tally` returns, and how many different ones are in column `person`, numbers from 0: `people`."""
    digits, person = [_heading(rows[name]) for name in headings], _heading(rows["person"])
    if prod(each.size for each in digits) <= FEW and rows["person"].is_sorted():
        return _tally_few(rows, digits)
    numbers, heading = rows.select(_number([*digits, person]).sort()), pl.col("number") // person.size
    told = numbers.select(heading.rle()).unnest("number")
    different = numbers.select(pl.col("number").rle().struct.field("value").alias("number")).select(heading.rle())
    people = different.unnest("number")["len"].cast(pl.Int64).alias("people")
    return told.select(*_spelled(digits), pl.col("len").cast(pl.Int64).alias("disclosures"), people)


def _tally_few(rows: pl.DataFrame, digits: list[Heading]) -> pl.DataFrame:
    """Rows of a group keep their order, so that each different person is one run of it."""
    people = (pl.col("person").rle_id().last() + 1).cast(pl.Int64).alias("people")
    counts = pl.len().cast(pl.Int64).alias("disclosures"), people
    counted = rows.lazy().group_by(_number(digits).alias("value")).agg(counts).collect(engine="in-memory")
    return counted.sort("value").select(*_spelled(digits), "disclosures", "people")


def _heading(column: pl.Series) -> Heading:
    values = column.to_physical()
    bounds = pl.DataFrame({"least": values, "most": values}).select(pl.col("least").min(), pl.col("most").max())
    least, most = bounds.fill_null(0).row(0)
    return Heading(column.name, column.dtype, values.dtype, least, most - least + 2)


def _number(digits: list[Heading]) -> pl.Expr:
    wide = prod(each.size for each in digits) > LARGEST
    number = pl.lit(0, dtype=pl.Int128 if wide else pl.Int64)
    for each in digits:
        digit = (pl.col(each.name).to_physical().cast(pl.Int64) - (each.least - 1)).fill_null(0)
        number = number * each.size + digit
    return number.alias("number")


def _spelled(digits: list[Heading]) -> list[pl.Expr]:
    """What the numbers in column `value` stand for, as columns in the order of the digits."""
    told, number = [], pl.col("value")
    for each in reversed(digits):
        digit, number = number % each.size, number // each.size
        value = pl.when(digit > 0).then(digit + (each.least - 1)).cast(each.physical)
        named = value.cat.to(each.dtype) if isinstance(each.dtype, pl.Enum) else value.cast(each.dtype)
        told.append(named.alias(each.name))
    return told[::-1]
