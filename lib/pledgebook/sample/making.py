"""A made-up Japanese payment company, block of people by block of people."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import polars as pl
from numpy.random import Generator, default_rng

from pledgebook.errors import InputError
from pledgebook.sample.blocks import make_block
from pledgebook.sample.layout import as_written
from pledgebook.sample.safeguards import make_safeguards
from pledgebook.sample.writing import SampleFiles

FEWEST = 200
BLOCK = 20_000
_COMPANY = 2**32 - 1
"""Stands where the number of a block would in the seed of what there is once."""

Progress = Callable[[int, int], None]


def make_sample(people: int, seed: int, out: Path, *, progress: Progress | None = None) -> None:
    """Write exports of a made-up payment company, in the native layout, with planted breaches.

    The history goes from 2025-04-01 to 2026-10-01, Asia/Tokyo; its last month has a case of each breach.
    The same people and seed give the same bytes; memory does not grow with people.

    `planted.csv` is no table of the layout, and intake ignores it. It has one row per planted breach and
    figure: `kind`; `table` and `key` of the row at fault (its id; without one, the clear id of the person or
    employee, or the instant as written); `period`, the month whose report must show it, as of the month's
    end; `expect_table`, `expect_column`, the figure that counts it, in the row `all` (for a ratio: one case
    less in its numerator); `detail`. In the tables of sections 3.2 to 3.5 nothing else is at fault.

    Args:
        people: how many the company knows, 200 or more.
        seed: 0 or more; another seed, another company.
        out: folder for one `<table>.csv` per table and `planted.csv`; files of that name are replaced.
        progress: called with people done and people in all after each block.

    Raises:
        InputError: fewer than 200 people, a negative seed, a folder that cannot be written.
    """
    if people < FEWEST:
        raise InputError(f"--people {people}: too few for a case of each planted breach. Give {FEWEST} or more.")
    if seed < 0:
        raise InputError(f"--seed {seed}: give 0 or a positive number.")
    rng = default_rng([seed, _COMPANY])
    company = make_safeguards(rng, people)
    with SampleFiles(Path(out)) as files:
        nobody = pl.Series([], dtype=pl.String)
        files.append({name: as_written(name, table, nobody) for name, table in company.tables.items()})
        files.append({"planted": company.planted})
        for block, (first, count) in enumerate(cut_into_blocks(people, BLOCK)):
            files.append(make_block(_rng_of(seed, block), block, first, count, company))
            if progress is not None:
                progress(first + count, people)


def _rng_of(seed: int, block: int) -> Generator:
    return default_rng(np.array([seed, block]))


def cut_into_blocks(people: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield the number of the first person and how many, per block; the last one takes what is left over."""
    blocks = max(people // size, 1)
    for block in range(blocks):
        first = block * size
        yield first, people - first if block == blocks - 1 else size
