"""Ids of messages, requests, disclosures and uses: unique over all blocks, scattered as real ones are."""

from __future__ import annotations

import polars as pl

_STEP, _ROOM = 7_368_787, 10_000_000
PREFIX = {"messages": "MSG", "requests": "RQ", "disclosures": "DSC", "uses": "USE"}
KEY = {"messages": "message_id", "requests": "request_id", "disclosures": "disclosure_id", "uses": "use_id"}
ODD_FROM = 9_000_000
"""Numbers from here on belong to odd rows, those below `ORDINARY_FROM` to planted ones."""
ORDINARY_FROM = 100_000


def block_letters(block: int) -> str:
    """Return the block as three letters."""
    return "".join(chr(ord("A") + block // 26**place % 26) for place in (2, 1, 0))


def make_id(table: str, block: int, number: int) -> str:
    """Return the id of a table's row by its number in the block."""
    return f"{PREFIX[table]}-{block_letters(block)}-{number * _STEP % _ROOM:07d}"


def make_ids(table: str, block: int, how_many: int, since: int = ORDINARY_FROM) -> pl.Series:
    """Return the ids of rows `since` and after."""
    numbers = (pl.int_range(since, since + how_many, eager=True) * _STEP % _ROOM).cast(pl.String).str.zfill(7)
    return pl.Series([f"{PREFIX[table]}-{block_letters(block)}-"]).new_from_index(0, how_many) + numbers
