"""The key and the HMAC: how a clear id becomes a number that nobody can turn back."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import platformdirs
import polars as pl
import polars_hash  # noqa: F401  registers the expressions below `chash`

from pledgebook.errors import KeyFault

SHORTEST = 32
DEMONSTRATION = "demonstration.key"


@dataclass(frozen=True)
class Key:
    """The secret of one installation. `id` may be published: it tells keys apart and reveals nothing."""

    secret: str = field(repr=False)

    @property
    def id(self) -> str:
        """16 hex digits that name the key."""
        return hashlib.sha256(b"pledgebook key id\0" + self.secret.encode()).hexdigest()[:16]


def find_key(exports: Path, environment: Mapping[str, str], *, may_make: bool) -> tuple[Key, Path | None]:
    """Return the key for `exports`, and the file just made for it (None where none was made).

    Order: the exports' own public demonstration key; `PLEDGEBOOK_KEY`; the file of `PLEDGEBOOK_KEY_FILE` (default: the
    user's configuration folder). Raises KeyFault when it is missing, short, readable by others, or the public one.
    """
    public = exports / DEMONSTRATION
    if public.is_file():
        return _demonstration(public), None
    if text := environment.get("PLEDGEBOOK_KEY"):
        return Key(_private(text.strip(), "PLEDGEBOOK_KEY")), None
    file = Path(environment.get("PLEDGEBOOK_KEY_FILE") or platformdirs.user_config_path("pledgebook") / "key")
    if file.is_file():
        return Key(_private(_read(file), str(file))), None
    if not may_make:
        raise KeyFault(
            f"no pseudonym key: set PLEDGEBOOK_KEY ({SHORTEST} characters or more), or put one into {file} (mode 0600), "
            "or run the command once on a terminal and let it make one."
        )
    return _make(file), file


def _demonstration(file: Path) -> Key:
    if not (file.parent / "planted.csv").is_file():
        raise KeyFault(f"{file}: the demonstration key is for the synthetic sample alone. Remove it, use your own key.")
    return Key(_long_enough(file.read_text().strip(), str(file)))


def _read(file: Path) -> str:
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFault(f"{file}: others can read the key. Run: chmod 600 {file}")
    return file.read_text().strip()


def _make(file: Path) -> Key:
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    secret = secrets.token_hex(32)
    with os.fdopen(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as stream:
        stream.write(secret + "\n")
    return Key(secret)


def _long_enough(secret: str, where: str) -> str:
    if len(secret) < SHORTEST:
        raise KeyFault(f"{where}: the pseudonym key is shorter than {SHORTEST} characters. Use a longer one.")
    return secret


def _private(secret: str, where: str) -> str:
    if secret.startswith("pledgebook-public-"):
        raise KeyFault(f"{where}: this is the sample's public key, refused for any other exports. Use one of your own.")
    return _long_enough(secret, where)


def normalised(column: pl.Expr) -> pl.Expr:
    """Return an id trimmed, NFKC-normalised, and lower-cased when it holds an `@`."""
    text = column.str.normalize("NFKC").str.strip_chars()
    return pl.when(text.str.contains("@", literal=True)).then(text.str.to_lowercase()).otherwise(text)


def digest(column: pl.Expr, key: Key) -> pl.Expr:
    """Return HMAC-SHA-256 of the normalised id as 64 hex digits; null stays null."""
    return normalised(column).chash.hmac_sha256(key=key.secret)  # type: ignore[attr-defined, no-any-return]


def pseudonym(hexadecimal: pl.Expr) -> pl.Expr:
    """Return the first 8 bytes, big-endian, of a digest as UInt64: the person's key in the store."""
    return hexadecimal.str.slice(0, 16).str.to_integer(base=16, dtype=pl.UInt64)


def collision_guard(hexadecimal: pl.Expr) -> pl.Expr:
    """Return the next 8 bytes, kept at intake so that two people under one key are noticed."""
    return hexadecimal.str.slice(16, 16).str.to_integer(base=16, dtype=pl.UInt64)
