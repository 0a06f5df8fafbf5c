"""Telling an email, a phone number or a card number from a label."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from functools import partial

import polars as pl

from pledgebook.masking import reveals
from pledgebook.pseudonyms import Key, digest, in_one

SIGN = r"@|%(?:25)*40|&#(?:64|x40);|&commat;"
SUSPECT_LABEL = rf"(?i){SIGN}|(?:\d\D*){{8}}"
SUSPECT_ID = rf"(?i){SIGN}|^[+(]?\d[\d ()\-./~\u00ad\u200b-\u200f\u2060\ufeff‐‑‒–—―−ー・]{{8,30}}$"
MAY_BE_SIGN = "@%&"
ID_BEGINS, ID_DOES_NOT_BEGIN = "(", ":"
"""In the order of ASCII brackets, plus and digits lie between these."""
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
    suspects = texts.filter(_looks(texts, suspect)).unique()
    found = [text for text in suspects if judge(text)]
    return column.is_in(pl.Series(found, dtype=pl.String).implode())


def _looks(texts: pl.Series, suspect: str) -> pl.Series:
    """Whether a text looks suspect; ids that begin with neither digit nor sign, and hold no `@`, are soon passed over."""
    together = in_one(texts)
    if not together.isascii():
        return texts.str.normalize("NFKC").str.contains(suspect)
    if suspect == SUSPECT_ID and not any(sign in together for sign in MAY_BE_SIGN):
        begins = texts.is_between(pl.lit(ID_BEGINS), pl.lit(ID_DOES_NOT_BEGIN), closed="left")
        if not begins.any():
            return begins
    return texts.str.contains(suspect)


def _is(text: str) -> bool:
    return "@" in unicodedata.normalize("NFKC", text) or reveals(text)
