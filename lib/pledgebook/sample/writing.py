"""The files of the sample, written part by part under a passing name and renamed when all are whole."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import IO

import polars as pl

from pledgebook.errors import InputError
from pledgebook.sample.layout import LAYOUT


class SampleFiles:
    """One CSV file per table in a folder. Used in a `with`: an error leaves nothing of what was begun."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, IO[bytes]] = {}

    def __enter__(self) -> SampleFiles:
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for table, columns in LAYOUT.items():
                self._open[table] = self._passing(table).open("wb")
                self._open[table].write((",".join(columns) + "\n").encode())
        except OSError as fault:
            self._discard()
            raise self._explained(fault) from None
        return self

    def append(self, tables: Mapping[str, pl.DataFrame]) -> None:
        """Write further rows of tables whose columns are as their files show them."""
        try:
            for table, rows in tables.items():
                rows.write_csv(self._open[table], include_header=False)
        except OSError as fault:
            raise self._explained(fault) from None

    def __exit__(self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None) -> None:
        if kind is not None:
            self._discard()
            return
        for table, file in self._open.items():
            file.close()
            self._passing(table).replace(self._folder / f"{table}.csv")

    def _discard(self) -> None:
        for table, file in self._open.items():
            with suppress(OSError):
                file.close()
            self._passing(table).unlink(missing_ok=True)

    def _explained(self, fault: OSError) -> InputError:
        return InputError(f"{self._folder}: cannot write there ({fault.strerror}). Give another --out.")

    def _passing(self, table: str) -> Path:
        return self._folder / f".{table}.csv.unfinished"
