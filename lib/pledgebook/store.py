"""The store: canonical tables cut by person, on disk or at an address, and how their rows are read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import platformdirs
import polars as pl

from pledgebook.consent import BEGINNING, CONSENT_STATES, END
from pledgebook.consent_states import with_changed
from pledgebook.disclosure_states import DISCLOSURE_STATES
from pledgebook.errors import InputError
from pledgebook.intake.soundness import find_unreadable
from pledgebook.message_states import MESSAGE_STATES, TALLIES
from pledgebook.period import month_of
from pledgebook.storage import storage_for_stores
from pledgebook.tables import TABLES

TOO_LONG = ("inputs", "unread")
"""Facts that no worker needs, and that grow with the exports."""
STATES = {
    "consent_states": (CONSENT_STATES, None),
    "changed_states": (CONSENT_STATES, None),
    "message_states": (MESSAGE_STATES, "sent_at"),
    **{name: (schema, None) for name, schema in TALLIES.items()},
    "disclosure_states": (DISCLOSURE_STATES, "disclosed_at"),
}
"""What intake makes of the tables: the columns, and the instant of a row by which a stretch of it is read."""


@dataclass(frozen=True)
class Store:
    """A store on disk. `facts`: shards, fingerprint, key id, files that nobody read, the mapping's hash, and inputs.

    An input: name, file below the exports folder, table, sha256, bytes. Its rows lie in parts, which stores share; its
    own files in the folder that `facts["data"]` names.
    """

    folder: Path
    facts: dict[str, Any]

    def __reduce__(self) -> tuple[Any, ...]:
        """To a worker it is sent small, and reads its catalogue there."""
        return Store, (self.folder, {name: fact for name, fact in self.facts.items() if name not in TOO_LONG})

    @property
    def shards(self) -> int:
        """How many groups of people the store is cut into."""
        return int(self.facts["shards"])

    @cached_property
    def catalogue(self) -> pl.DataFrame:
        """One row per file of rows: table, shard, month, purpose (of consent states), path, rows."""
        return self._account("catalogue")

    def files(
        self,
        table: str,
        shard: int | Sequence[int],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        purposes: Collection[str] | None = None,
    ) -> list[Path]:
        """Return the files with the rows of a shard, or of several: of the months that meet the stretch, of these purposes."""
        shards = [shard] if isinstance(shard, int) else shard
        kept = _files_in(f"{self.folder}/{self.facts['data']}")
        first, last = month_of(start or BEGINNING), month_of(end or END)
        return [
            self.folder.parent / path
            for each in shards
            for month, purpose, path in kept.get((table, each), [])
            if (month == "all" or first <= month <= last) and (not purpose or purposes is None or purpose in purposes)
        ]

    def scan(
        self,
        table: str,
        shard: int | Sequence[int],
        *,
        start: datetime | None = None,
        end: datetime | None = None,
        purposes: Collection[str] | None = None,
    ) -> pl.LazyFrame:
        """Return the rows of a table in a shard, or in several; small tables lie in shard 0. Of `[start, end)` where given.

        A table cut by month is read only where its months meet the stretch, consent states only of `purposes`. A
        missing table has its columns, no rows.
        """
        files = self.files(table, shard, start=start, end=end, purposes=purposes)
        if table in STATES:
            schema, when = STATES[table]
            rows = _scan(files) if files else pl.LazyFrame(schema=schema)
            if table == "consent_states" and (people := self.files("changed_people", shard)):
                rows = with_changed(rows, self.scan("changed_states", shard, purposes=purposes), _scan(people))
        else:
            known, when = TABLES[table], TABLES[table].when
            rows = _scan(files).select(known.stored_columns) if files else known.nothing()
        if start is not None and when:
            rows = rows.filter(pl.col(when) >= start)
        return rows.filter(pl.col(when) < end) if end is not None and when else rows

    @cached_property
    def intake(self) -> pl.DataFrame:
        """One row per source: source, table, rows_read, rows_kept, rows_quarantined, rows_duplicate, rows_superseded."""
        return self._account("intake")

    @cached_property
    def quarantined(self) -> pl.DataFrame:
        """One row per broken rule of a row: table, source, source_row, rule, is_opt_out."""
        return self._account("quarantine")

    @cached_property
    def notes(self) -> pl.DataFrame:
        """What was counted at intake: table, note, rows."""
        return self._account("notes")

    @cached_property
    def feeds(self) -> pl.DataFrame:
        """Rows of each feed on each local day: table, feed, kind, date, rows."""
        return self._account("feeds")

    @cached_property
    def unknown_columns(self) -> pl.DataFrame:
        """Columns that were dropped: source, column."""
        return self._account("unknown_columns")

    def _account(self, name: str) -> pl.DataFrame:
        return pl.read_parquet(f"{self.folder}/{self.facts['data']}/{name}.parquet")

    def refuse_damage(self) -> None:
        """Raise InputError when a file of the store cannot be read to its end; for when reading it met a fault."""
        damaged = find_unreadable(self.folder.parent, self.catalogue["path"])
        if damaged is not None:
            raise InputError(
                f"{self.folder.parent}/{damaged}: this file of a store is damaged. Remove the folder {self.folder.parent} "
                "and run again; it holds nothing that the exports do not."
            )

    def rows_kept(self, table: str) -> int:
        """Return how many rows of a table the store was given."""
        return int(self.intake.filter(pl.col("table") == table)["rows_kept"].sum())

    def has(self, table: str) -> bool:
        """Return whether the table was exported and has a row."""
        return self.rows_kept(table) > 0


def stores_folder(environment: Mapping[str, str]) -> Path:
    """Return where stores lie: `PLEDGEBOOK_STORE`, else the user's cache folder.

    Raises InputError for an address of a storage that cannot hold stores.
    """
    named = environment.get("PLEDGEBOOK_STORE")
    return (
        storage_for_stores(named, "PLEDGEBOOK_STORE")
        if named
        else platformdirs.user_cache_path("pledgebook") / "stores"
    )


@lru_cache(maxsize=4)
def _files_in(data: str) -> dict[tuple[str, int], list[tuple[str, str, str]]]:
    """The files of each table and shard, as month, purpose, path: read once a process, for a catalogue never changes."""
    found: dict[tuple[str, int], list[tuple[str, str, str]]] = {}
    for row in pl.read_parquet(f"{data}/catalogue.parquet").iter_rows(named=True):
        found.setdefault((row["table"], row["shard"]), []).append((row["month"], row["purpose"], row["path"]))
    return found


def _scan(files: list[Path]) -> pl.LazyFrame:
    return pl.scan_parquet([str(file) for file in files], hive_partitioning=False, glob=False)
