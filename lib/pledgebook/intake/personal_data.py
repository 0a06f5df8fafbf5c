"""Telling an email, a phone number or a card number from a label."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import polars as pl

from pledgebook.masking import reveals
from pledgebook.pseudonyms import Key, digest

SUSPECT_LABEL = r"@|%40|(?:[0-9][^0-9]*){8}"
SUSPECT_ID = r"@|%40|^[+(]?[0-9][0-9 ()\-.‐‑‒–—―−ー]{8,22}$"


def holds_personal_data(text: pl.Expr) -> pl.Expr:
    """Return whether a label holds an email, a phone or a card number anywhere; null stays null."""
    told = partial(_told, suspect=SUSPECT_LABEL, judge=reveals)
    return text.map_batches(told, return_dtype=pl.Boolean, is_elementwise=True)


def without_personal_data(ids: pl.Expr, key: Key) -> pl.Expr:
    """Return ids; one that holds an `@`, or as a whole is a phone or a card number, as its HMAC."""

    def replaced(column: pl.Series) -> pl.Series:
        personal = _told(column, suspect=SUSPECT_ID, judge=_is)
        if not personal.any():
            return column
        return pl.select(pl.when(personal).then(digest(pl.lit(column), key)).otherwise(column)).to_series()

    return ids.map_batches(replaced, return_dtype=pl.String, is_elementwise=True)


def _told(column: pl.Series, *, suspect: str, judge: Callable[[str], bool]) -> pl.Series:
    """Judge each different text that looks suspect once; labels repeat, and most hold no digits."""
    plain = column.str.normalize("NFKC")
    suspects = plain.filter(plain.str.contains(suspect)).unique()
    return plain.is_in(pl.Series([text for text in suspects if judge(text)], dtype=pl.String))


def _is(text: str) -> bool:
    return "@" in text or reveals(text)
