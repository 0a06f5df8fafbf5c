"""The world that is measured: synthetic exports of any size, the same for the same seed, made block by block."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.draws import Span
from benchmarks.made_tables import MAKERS, RECIPIENTS

BLOCK = 1_000_000
FORMS = ("csv", "parquet")
CSV_INSTANT = "%Y-%m-%dT%H:%M:%S%.3fZ"


def rows_of_tables(messages: int) -> dict[str, int]:
    """Return the rows of each table that come with so many messages; recipients and contracts do not grow."""
    return {
        "people": max(messages // 10, 100),
        "consent_events": messages // 4,
        "requests": messages // 100,
        "request_pauses": messages // 400,
        "messages": messages,
        "suppressions": messages * 3 // 100,
        "recipients": RECIPIENTS,
        "contracts": RECIPIENTS,
        "disclosures": messages // 5,
    }


def make_world(folder: Path, messages: int, *, seed: int = 1, block: int = BLOCK) -> Path:
    """Write the exports as `csv/` and `parquet/` and return the world's folder; one that is there already is kept."""
    world = folder / f"world-{messages}"
    facts = {"messages": messages, "seed": seed, "block": block, "made_by": _code()}
    mark = world / "world.json"
    if mark.is_file() and json.loads(mark.read_text()) == facts:
        return world
    shutil.rmtree(world, ignore_errors=True)
    sizes = rows_of_tables(messages)
    for place, (table, rows) in enumerate(sizes.items()):
        for number, span in enumerate(_spans(rows, block, sizes["people"])):
            _write(MAKERS[table](np.random.default_rng([seed, place, number]), span), world, table, number)
    mark.write_text(json.dumps(facts))
    return world


def _code() -> str:
    files = [Path(__file__).with_name(f"{name}.py") for name in ("world", "draws", "made_tables")]
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()[:16]


def _spans(rows: int, block: int, people: int) -> Iterator[Span]:
    return (Span(first, min(first + block, rows), rows, people) for first in range(0, rows, block))


def _write(rows: pl.DataFrame, world: Path, table: str, number: int) -> None:
    for form in FORMS:
        (world / form / table).mkdir(parents=True, exist_ok=True)
    stem = f"part-{number:04}"
    rows.write_parquet(world / "parquet" / table / f"{stem}.parquet", statistics=True)
    rows.write_csv(world / "csv" / table / f"{stem}.csv", datetime_format=CSV_INSTANT)
