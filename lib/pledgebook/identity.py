"""Whom a clear id speaks of: its pseudonym under a key, and one hop from a further id to the person."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import polars as pl

from pledgebook.errors import InputError
from pledgebook.pseudonyms import Key, digest, pseudonym
from pledgebook.store import Store


def pseudonyms_of(ids: Sequence[str], key: Key) -> list[int]:
    """Return the pseudonym of each clear id, in order, as intake would give it."""
    frame = pl.DataFrame({"id": ids}, schema={"id": pl.String})
    return frame.select(pseudonym(digest(pl.col("id"), key)))["id"].to_list()


def in_words(number: int) -> str:
    """Return a pseudonym as people see it: 16 hex digits."""
    return f"{number:016x}"


def persons_of(numbers: Sequence[int], stores: Iterable[Store]) -> list[int]:
    """Return the person of each pseudonym: of a further id the one it belongs to, one hop; else the pseudonym itself.

    Raises InputError, naming nobody, where stores of different times give one id to several people.
    """
    pairs = _identities(stores).filter(pl.col("id").is_in(as_series(numbers).implode()))
    if pairs["id"].is_duplicated().any():
        raise InputError("an id belonged to several people at different times. Give the person's own id instead.")
    person = dict(pairs.iter_rows())
    return [person.get(number, number) for number in numbers]


def further_ids_of(persons: Iterable[int], stores: Iterable[Store]) -> list[int]:
    """Return the pseudonyms of all further ids of these people."""
    return _identities(stores).filter(pl.col("person").is_in(as_series(persons).implode()))["id"].unique().to_list()


def _identities(stores: Iterable[Store]) -> pl.DataFrame:
    """Each pair of id and person that a store has, once."""
    shards = [
        store.scan("identities", shard).select("id", "person") for store in stores for shard in range(store.shards)
    ]
    return pl.concat([pl.LazyFrame(schema={"id": pl.UInt64, "person": pl.UInt64}), *shards]).unique().collect()


def as_series(numbers: Iterable[int]) -> pl.Series:
    """Return pseudonyms as the stores keep them: UInt64."""
    return pl.Series("person", list(numbers), dtype=pl.UInt64)
