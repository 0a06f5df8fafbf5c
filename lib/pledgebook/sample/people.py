"""The people of one block: who they are, by which ids the systems know them, when they came and went."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pledgebook.sample.clock import DAY, END, NEVER, OLDEST, Instants, draw_instants, midnight
from pledgebook.sample.company import KINDS, REGIONS
from pledgebook.sample.layout import as_written, make_table

KIND_NAMES = tuple(KINDS)
REGION_NAMES = tuple(REGIONS)
STRANGERS = 8
"""How many ids a block knows that stand in no list of people; their numbers follow those of the people."""


@dataclass(frozen=True)
class People:
    """People of a block, by number.

    `ids`, `emails`, `member_numbers` hold the strangers too; an email or member number is null where there is
    none. The records of the `reserved` are written by hand, for planted breaches; they have no others.
    """

    ids: pl.Series
    emails: pl.Series
    member_numbers: pl.Series
    kind: NDArray[np.int64]
    region: NDArray[np.int64]
    opened_at: Instants
    closed_at: Instants
    reserved: NDArray[np.int64]

    @property
    def count(self) -> int:
        """How many people, strangers left out."""
        return len(self.kind)

    @property
    def left_at(self) -> Instants:
        """When each was no longer there: closing, or the end of the history."""
        return np.where(self.closed_at == NEVER, END, self.closed_at)

    @property
    def is_ordinary(self) -> NDArray[np.bool_]:
        """True for who is not reserved."""
        ordinary = np.ones(self.count, dtype=bool)
        ordinary[self.reserved] = False
        return ordinary

    def of_kind(self, kinds: Sequence[str]) -> NDArray[np.int64]:
        """Return the numbers of the ordinary people of these kinds."""
        wanted = [KIND_NAMES.index(kind) for kind in kinds]
        return np.flatnonzero(np.isin(self.kind, wanted) & self.is_ordinary)

    def in_region(self, *names: str) -> NDArray[np.bool_]:
        """Return for each person whether they live in one of these regions."""
        return np.isin(self.region, [REGION_NAMES.index(name) for name in names])


def make_people(rng: Generator, first: int, count: int, reserved_regions: Sequence[str]) -> People:
    """Make people number `first` and after; one of them is reserved per region of `reserved_regions`."""
    kind = rng.choice(len(KIND_NAMES), count, p=[share for share, _ in KINDS.values()])
    weights = np.array(list(REGIONS.values()))
    region = rng.choice(len(REGION_NAMES), count, p=weights / weights.sum())
    latest = OLDEST + ((END - OLDEST) * rng.random(count) ** 0.7).astype(np.int64)
    opened_at = draw_instants(rng, np.maximum(latest - 30 * DAY, OLDEST), latest + DAY // 2)
    reserved = np.sort(rng.choice(count, len(reserved_regions), replace=False))
    kind[reserved] = KIND_NAMES.index("customer")
    region[reserved] = [REGION_NAMES.index(name) for name in reserved_regions]
    opened_at[reserved] = midnight(2021, 2) + (opened_at[reserved] - OLDEST) // 6
    opened_at = np.minimum(opened_at, END - 600)
    closed_at = _draw_closings(rng, opened_at)
    closed_at[reserved] = NEVER
    emails, member_numbers = _further_ids(rng, first, kind)
    return People(_ids(first, kind), emails, member_numbers, kind, region, opened_at, closed_at, reserved)


def _draw_closings(rng: Generator, opened_at: Instants) -> Instants:
    earliest = opened_at + 30 * DAY
    leaves = (rng.random(len(opened_at)) < 0.13) & (earliest < END - DAY)
    drawn = draw_instants(rng, np.minimum(earliest, END - DAY), np.full(len(opened_at), END))
    return np.where(leaves, drawn, NEVER)


def _ids(first: int, kind: NDArray[np.int64]) -> pl.Series:
    letters = pl.Series([letter for _, letter in KINDS.values()]).gather(kind)
    numbers = pl.int_range(first + 1, first + 1 + len(kind), eager=True).cast(pl.String).str.zfill(7)
    strangers = [f"Y{first + number:07d}" for number in range(STRANGERS)]
    return pl.concat([letters + numbers, pl.Series(strangers)])


def _further_ids(rng: Generator, first: int, kind: NDArray[np.int64]) -> tuple[pl.Series, pl.Series]:
    has_email = np.append(rng.random(len(kind)) < 0.3, np.zeros(STRANGERS, dtype=bool))
    is_member = np.append(kind == KIND_NAMES.index("member"), np.zeros(STRANGERS, dtype=bool))
    number = pl.int_range(first + 1, first + 1 + len(has_email), eager=True).alias("number")
    made = pl.DataFrame({"number": number, "has_email": has_email, "is_member": is_member}).select(
        pl.when("has_email").then(pl.format("user{}@mail{}.example.jp", "number", pl.col("number") % 3 + 1)).alias("e"),
        pl.when("is_member").then(pl.format("MN-{}", (pl.col("number") + 1_000_000).cast(pl.String))).alias("m"),
    )
    return made["e"], made["m"]


def write_people(people: People) -> dict[str, pl.DataFrame]:
    """Return the files `people` and `identities`.

    A few customers stand in the list twice, the first time by email, as the prospects that they once were.
    """
    columns = {
        "person_id": np.arange(people.count),
        "kind": pl.Series(KIND_NAMES).gather(people.kind),
        "region": pl.Series(REGION_NAMES, dtype=pl.String).gather(people.region),
        "opened_at": people.opened_at,
        "closed_at": people.closed_at,
    }
    table = make_table("people", columns, people.count)
    written = as_written("people", table, people.ids)
    emails = people.emails.head(people.count)
    was_prospect = (emails.is_not_null() & written["closed_at"].is_null()).to_numpy() & (
        np.arange(people.count) % 40 == 0
    )
    earlier = table.filter(was_prospect).with_columns(pl.col("opened_at") - 20 * DAY, kind=pl.lit("prospect"))
    prospects = as_written("people", earlier, people.ids).with_columns(person_id=emails.filter(was_prospect))
    return {"people": pl.concat([written, prospects]), "identities": _identities(people)}


def _identities(people: People) -> pl.DataFrame:
    both = [people.emails, people.member_numbers]
    parts = [pl.DataFrame({"id": ids, "person_id": people.ids}).drop_nulls("id") for ids in both]
    return pl.concat(parts)
