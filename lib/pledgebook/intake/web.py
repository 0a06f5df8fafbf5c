"""Cutting urls at intake: host, path without digits or ids, and whether personal data or a login stood in them."""

from __future__ import annotations

import polars as pl

from pledgebook.intake.personal_data import holds_personal_data

AUTHORITY = r"^(?:[a-zA-Z][a-zA-Z0-9+.\-]*:)?//"
HOST = AUTHORITY + r"(?:[^/?#]*@)?(\[[0-9a-fA-F:.]+\]|[\p{L}\p{N}._\-]+)(?::[0-9]*)?(?:[/?#]|$)"
PATH = r"^(?:(?:[a-zA-Z][a-zA-Z0-9+.\-]*:)?//[^/?#]*)?([^?#;]*)"
NO_PLACE = r"^[a-zA-Z][a-zA-Z0-9+.\-]*:(?:[^/]|/[^/]|/?$)"
MAY_NAME = r"[^/]*[0-9@%=:~\s[^\x00-\x7F]][^/]*"
OF_SOMEBODY = r"(?i)\b(users?|members?|customers?|accounts?|profiles?|people|persons?|employees?|staff|u)/[^/]+"
NAMED = r"(?i)[?&;](?:e?-?mail|name|phone|tel|mobile|birth(?:day|date)?|dob|address|card|user(?:_?id|name)?|member(?:_?id)?)="
LOGIN = r"(?i)(?://[^/?#]*@|[?&;](?:pass(?:word)?|pwd|token|session(?:_?id)?|auth|api_?key)=)"


def url_host(url: pl.Expr) -> pl.Expr:
    """Return the lower-case host of a url; null where there is none.

    A path alone: `(this site)`. Where more than a host stands in the host's place: `(unclear)`, for it may name somebody.
    """
    plain = _slashes(url)
    host = plain.str.extract(HOST, 1).str.to_lowercase()
    told = pl.when(host.is_not_null()).then(host).when(plain.str.contains(AUTHORITY)).then(pl.lit("(unclear)"))
    return told.when(url.is_not_null()).then(pl.lit("(this site)"))


def url_path(url: pl.Expr) -> pl.Expr:
    """Return the path with every segment that may name somebody replaced by `*`; all of a `mailto:` or `data:` url.

    Such a segment holds a digit, an `@`, an escape, or a letter that an escape would stand for; or it is long; or it
    stands behind one such as `members`, where a name of letters alone is somebody's id.
    """
    place = _slashes(url)
    path = pl.when(place.str.contains(NO_PLACE)).then(pl.lit("*")).otherwise(place.str.extract(PATH, 1))
    plain = path.str.replace_all(MAY_NAME, "*").str.replace_all(r"[^/]{25,}", "*").str.replace_all(OF_SOMEBODY, "$1/*")
    return pl.when(plain != "").then(plain).when(url.is_not_null()).then(pl.lit("/"))


def outbound_flags() -> dict[str, pl.Expr]:
    """Return the flags of a page view: personal data in the url that leads out, a login in either."""
    out, own = _plain(pl.col("outbound_url")), _plain(pl.col("url"))
    named = out.str.contains(NAMED) | holds_personal_data(out)
    return {
        "has_personal_data_in_url": named.fill_null(value=False),
        "has_login": (out.str.contains(LOGIN).fill_null(value=False) | own.str.contains(LOGIN).fill_null(value=False)),
    }


def _slashes(url: pl.Expr) -> pl.Expr:
    """As browsers read it: a backslash is a slash."""
    return url.str.replace_all("\\", "/", literal=True)


def _plain(url: pl.Expr) -> pl.Expr:
    return url.str.replace_all("%40", "@", literal=True).str.replace_all(r"%2[Bb]", "+")
