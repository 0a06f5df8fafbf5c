"""Telling an email, a phone number or a card number from a label."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial

import polars as pl

from pledgebook.masking import reveals
from pledgebook.pseudonyms import Key, digest, is_ascii

SIGN = r"@|%(?:25)*40|&#(?:64|x40);|&commat;"
SUSPECT_LABEL = rf"(?i){SIGN}|(?:\d\D*){{8}}"
SUSPECT_ID = rf"(?i){SIGN}|^[+(]?\d[\d ()\-./~\u00ad\u200b-\u200f\u2060\ufeff‐‑‒–—―−ー・]{{8,30}}$"
MAY_BE_SIGN = ["@", "%", "&"]
ID_BEGINS = "+(0123456789"
LOOKED_AT = 1000


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
    texts = column.unique() if column.head(LOOKED_AT).n_unique() < LOOKED_AT // 2 else column
    plain = texts if is_ascii(texts) else texts.str.normalize("NFKC")
    suspects = texts.filter(_looks(plain, suspect)).unique()
    found = [text for text in suspects if judge(text)]
    return column.is_in(pl.Series(found, dtype=pl.String).implode())


def _looks(plain: pl.Series, suspect: str) -> pl.Series:
    """Whether a text looks suspect; ids that begin with neither digit nor sign, and hold no `@`, are soon passed over."""
    if suspect == SUSPECT_ID and is_ascii(plain) and not plain.str.contains_any(MAY_BE_SIGN).any():
        begins = plain.str.head(1).is_in(list(ID_BEGINS))
        if not begins.any():
            return begins
    return plain.str.contains(suspect)


def _is(text: str) -> bool:
    return "@" in unicodedata.normalize("NFKC", text) or reveals(text)
