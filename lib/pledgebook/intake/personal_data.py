"""Telling an email, a phone number or a card number from a label."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import polars as pl

from pledgebook.pseudonyms import Key, digest

SUSPECT_LABEL = r"@|(?:[0-9][^0-9]*){8}"
SUSPECT_ID = r"@|^[+(]?[0-9][0-9 ()\-.‐‑‒–—―−ー]{8,22}$"
EMAIL = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
DASHES = re.compile(r"[‐‑‒–—―−ー]")
DATES = re.compile(
    r"(?<![0-9])(?:19|20)[0-9]{2}(?:(-)?(?:0[1-9]|1[0-2])(?(1)-)(?:0[1-9]|[12][0-9]|3[01]))(?:(?<!-..)[0-9]{6})?(?![0-9])"
)
NATIONAL = [(a, b, c) for a in range(4) for b in range(1, 5) for c in (3, 4) if 10 <= 2 + a + b + c <= 11]
PHONE = re.compile(
    r"(?<![0-9A-Za-z.])(?:\+[0-9](?:[ ()\-.]{0,2}[0-9]){7,14}|"
    + "|".join(rf"\(?0[1-9][0-9]{{{a}}}[ \-.()]?[0-9]{{{b}}}[ \-.()]?[0-9]{{{c}}}" for a, b, c in NATIONAL)
    + r"|\(?[2-9][0-9]{2}\)?[ \-.][0-9]{3}[ \-.][0-9]{4})(?![0-9A-Za-z])"
)
DIGITS = re.compile(r"[0-9]+(?:[ \-][0-9]+)*")
CARD_DIGITS = range(13, 20)


def holds_personal_data(text: pl.Expr) -> pl.Expr:
    """Return whether a label holds an email, a phone or a card number anywhere; null stays null."""
    told = partial(_told, suspect=SUSPECT_LABEL, judge=_holds)
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


def _holds(text: str) -> bool:
    if EMAIL.search(text):
        return True
    plain = DATES.sub("/", DASHES.sub("-", text))
    return PHONE.search(plain) is not None or _holds_card(plain)


def _is(text: str) -> bool:
    return "@" in text or _holds(text)


def _holds_card(text: str) -> bool:
    """Whether 13 to 19 digits, whole groups of them, pass the Luhn check (ISO/IEC 7812-1)."""
    for match in DIGITS.finditer(text):
        groups = re.split(r"[ \-]", match[0])
        for first in range(len(groups)):
            number = ""
            for group in groups[first:]:
                number += group
                if len(number) in CARD_DIGITS and _passes_luhn(number):
                    return True
    return False


def _passes_luhn(number: str) -> bool:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (doubled + sum(map(int, number[::-2]))) % 10 == 0
