"""Strangers: people of whom rows speak and whom nobody exported, kept so that the next intake need not look for them.

Every pseudonym comes with a guard, by which two ids under one pseudonym are told. Of whom a further file speaks is held
against people and strangers; files that were there are read again where one is gone, and where strangers become known.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from pledgebook.errors import InputError
from pledgebook.intake import accounts
from pledgebook.intake.parts import Part, is_one_of, persons_files, scan_files
from pledgebook.intake.soundness import is_whole
from pledgebook.intake.standing import Lines, Place, entry, files_of
from pledgebook.intake.states import Earlier

STRANGERS = "strangers"
SPOKEN_OF = pl.Schema({"person": pl.UInt64, "person_guard": pl.UInt64})


def find_strangers(
    parts: Sequence[Part], people: pl.LazyFrame, earlier: Earlier | None, shard: int, stores: Path
) -> pl.DataFrame:
    """Return of whom parts of a shard speak who is not among its people: person, person_guard; sorted by person.

    Raises InputError for two ids under one pseudonym (once in 370,000 intakes of 10 million people).
    """
    known = earlier.known if earlier else frozenset()
    still, added = ([part for part in parts if (part.id in known) == is_known] for is_known in (True, False))
    new = _spoken_of(added, shard, stores).unique().collect(engine="streaming")
    exported = _spoken_of([part for part in still if part.table == "people"], shard, stores).filter(is_one_of(new))
    unexported = [] if earlier is None else _met_before(still, earlier, shard, stores)
    every = pl.concat([new.lazy(), *unexported, exported]).unique().collect(engine="streaming")
    if every["person"].n_unique() < every.height:
        raise InputError("two different ids have the same pseudonym under this key. Make another key and run again.")
    standing = people.filter(is_one_of(every)).collect(engine="streaming")
    return every.filter(~is_one_of(standing)).sort("person")


def _met_before(still: Sequence[Part], earlier: Earlier, shard: int, stores: Path) -> list[pl.LazyFrame]:
    """Strangers of the earlier store; where parts are gone, of whom these spoke only those of whom others still do."""
    before = strangers_of(earlier, stores)
    if not earlier.gone:
        return [before]
    theirs = _spoken_of(earlier.gone, shard, stores).select("person").unique().collect(engine="streaming")
    return [before.filter(~is_one_of(theirs)), _spoken_of(still, shard, stores).filter(is_one_of(theirs))]


def strangers_of(earlier: Earlier, stores: Path) -> pl.LazyFrame:
    """Return the strangers of one shard of an earlier store: person, person_guard."""
    return scan_files(stores, files_of(earlier.catalogue, STRANGERS), SPOKEN_OF)


def _spoken_of(parts: Sequence[Part], shard: int, stores: Path) -> pl.LazyFrame:
    return scan_files(stores, persons_files(parts, shard), SPOKEN_OF).select(SPOKEN_OF.names())


def settle_strangers(found: pl.DataFrame, earlier: Earlier | None, shard: int, place: Place) -> Lines:
    """Write the strangers of a shard, or take over those of the earlier store; return their lines of the catalogue."""
    if earlier is not None and found.equals(strangers_of(earlier, place.stores).collect()):
        return earlier.catalogue.filter(pl.col("table") == STRANGERS).to_dicts()
    if found.is_empty():
        return []
    path = place.write(found, f"{STRANGERS}/shard={shard}.parquet")
    return [entry(STRANGERS, shard, path, found.height)]


def count_orphans(
    parts: Sequence[Part],
    strangers: pl.DataFrame,
    catalogue: pl.DataFrame,
    earlier: Earlier | None,
    shard: int,
    stores: Path,
) -> pl.DataFrame:
    """Count the rows of each part in a shard that speak of strangers, as `orphans_of_parts` does.

    Counts of parts that were there stay where all people are there still and no stranger has become one of them.
    """
    if earlier is None or not _are_strangers_still(catalogue, earlier, shard, stores):
        return accounts.orphans_of_parts(parts, strangers, shard, stores)
    counted = earlier.orphans.filter(pl.col("part").is_in([part.id for part in parts]))
    added = [part for part in parts if part.id not in earlier.known]
    return pl.concat([counted, accounts.orphans_of_parts(added, strangers, shard, stores)])


def _are_strangers_still(catalogue: pl.DataFrame, earlier: Earlier, shard: int, stores: Path) -> bool:
    """Whether no stranger of the earlier store is known now, and nobody whom it knew has become one."""
    then, now = (each.filter(pl.col("table") == "people") for each in (earlier.catalogue, catalogue))
    went, came = then.join(now, on="path", how="anti"), now.join(then, on="path", how="anti")
    if not all(is_whole(stores / path) for path in went["path"]):
        return False
    introduced = strangers_of(earlier, stores).join(accounts.people_of(came, shard, stores), on="person", how="semi")
    if not introduced.limit(1).collect(engine="streaming").is_empty():
        return False
    if went.is_empty():
        return True
    left = accounts.people_of(went, shard, stores).join(accounts.people_of(now, shard, stores), on="person", how="anti")
    return left.limit(1).collect(engine="streaming").is_empty()
