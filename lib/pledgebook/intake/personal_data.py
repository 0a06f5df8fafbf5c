"""Telling an email, a phone number or a card number from a label."""

from __future__ import annotations

import polars as pl

EMAIL = r"[^\s@]+@[^\s@]+\.[^\s@]+"
PHONE = (
    r"(?:^|[^0-9A-Za-z.])(?:\+[0-9][0-9 ()\-.]{6,16}[0-9]"
    r"|\(?0[1-9][0-9]{0,3}\)?[ \-.]?[0-9]{1,4}[ \-.]?[0-9]{3,4}"
    r"|\(?[2-9][0-9]{2}\)?[ \-.][0-9]{3}[ \-.][0-9]{4})(?:$|[^0-9A-Za-z])"
)
LOOKS_PERSONAL = r"@|^[+(]?[0-9][0-9 ()\-.]{8,22}$"
HAS_ENOUGH_DIGITS = r"@|(?:[0-9][^0-9]*){8}"
DASHES = r"[‐‑‒–—―−ー－ｰ]"
CARD = r"(?:^|[^0-9])([0-9](?:[ \-]?[0-9]){12,18})(?:$|[^0-9])"
LONGEST_CARD = 19


def holds_personal_data(text: pl.Expr) -> pl.Expr:
    """Return whether a label holds an email, a phone or a card number anywhere; null stays null."""
    plain = text.str.normalize("NFKC")
    return plain.str.contains(EMAIL) | is_phone_within(plain) | is_card_within(plain)


def is_personal_data(text: pl.Expr) -> pl.Expr:
    """Return whether an id holds an `@`, or as a whole is a phone or a card number; null stays null."""
    plain = text.str.normalize("NFKC")
    bare = plain.str.contains(r"^[+(]?[0-9][0-9 ()\-.]{8,22}$")
    return plain.str.contains("@", literal=True) | (bare & (is_phone_within(plain) | is_card_within(plain)))


def is_phone_within(text: pl.Expr) -> pl.Expr:
    """Return whether a phone number of 10 to 15 digits (national: 10 or 11) stands in the text."""
    found = text.str.extract(f"({PHONE})", 1)
    digits = found.str.count_matches(r"[0-9]")
    national = digits.is_between(10, 11)
    return ((found.str.contains(r"\+") & digits.is_between(8, 15)) | national).fill_null(value=False)


def is_card_within(text: pl.Expr) -> pl.Expr:
    """Return whether 13 to 19 digits that pass the Luhn check (ISO/IEC 7812-1) stand in the text."""
    digits = text.str.extract(CARD, 1).str.replace_all(r"[ \-]", "").str.zfill(LONGEST_CARD)
    return (digits.is_not_null() & (_luhn_sum(digits) % 10 == 0)).fill_null(value=False)


def _luhn_sum(digits: pl.Expr) -> pl.Expr:
    total = pl.lit(0, dtype=pl.Int64)
    for place in range(LONGEST_CARD):
        digit = digits.str.slice(place, 1).cast(pl.Int64, strict=False)
        doubled = digit * 2
        is_doubled = (LONGEST_CARD - 1 - place) % 2 == 1
        total += pl.when(doubled > 9).then(doubled - 9).otherwise(doubled) if is_doubled else digit
    return total
