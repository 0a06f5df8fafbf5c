"""A new key in place of the old one, which is kept beside it, so that pseudonyms of old reports can still be told."""

from __future__ import annotations

import fcntl
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from pledgebook.errors import KeyFault
from pledgebook.key_file import SHORTEST, Key, kept_keys, key_file, own_key, read_key, write_key


@dataclass(frozen=True)
class Rotation:
    """What a rotation did: the ids of both keys, the file of the new one, and where the old one is kept."""

    old: str
    new: str
    file: Path
    kept: Path


def rotate_key(environment: Mapping[str, str]) -> Rotation:
    """Make a new key, and keep the old one beside it as `<file>.<key id>`; both for their owner alone.

    The old key is kept before the new one takes its place by a rename: a rotation that is killed leaves a key. Raises
    KeyFault when the key is not in a file, or there is none.
    """
    if environment.get("PLEDGEBOOK_KEY"):
        raise KeyFault(
            "the key comes from PLEDGEBOOK_KEY: a new one must be set where that one is. Keep the old one in a file "
            f"{key_file(environment)}.{own_id(environment)} (mode 0600), so that `pledgebook who --key-id` can use it."
        )
    file = key_file(environment).resolve()
    if not file.is_file():
        raise KeyFault(f"{file}: there is no key yet. Run a command once on a terminal and let it make one.")
    try:
        with _alone(file.parent):
            old, new = read_key(file), Key(secrets.token_hex(32))
            kept = file.with_name(f"{file.name}.{old.id}")
            write_key(kept, old, may_replace=True)
            write_key(file, new, may_replace=True)
    except OSError as fault:
        raise KeyFault(f"{file.parent}: no key can be written there ({fault.strerror}). Nothing was changed.") from None
    return Rotation(old.id, new.id, file, kept)


def own_id(environment: Mapping[str, str]) -> str:
    """Return the id of the installation's key. Raises KeyFault where there is none."""
    key = own_key(environment)
    if key is None:
        raise KeyFault(f"no key yet: neither PLEDGEBOOK_KEY is set nor is there a file {key_file(environment)}.")
    return key.id


def keys_at_hand(environment: Mapping[str, str]) -> list[Key]:
    """Return the installation's key and those kept when they were rotated. Raises KeyFault where there is none."""
    current = own_key(environment)
    kept = [read_key(file) for file in kept_keys(environment).values()]
    found = [*([current] if current is not None else []), *kept]
    if not found:
        own_id(environment)
    return found


def secrets_at_hand(environment: Mapping[str, str]) -> list[str]:
    """Return the texts of all keys that can be read, so that none is let into a parameter; no fault where one cannot."""
    texts = [environment.get("PLEDGEBOOK_KEY", "").strip()]
    for file in (key_file(environment), *kept_keys(environment).values()):
        try:
            texts.append(file.read_text().strip())
        except (OSError, UnicodeDecodeError):
            continue
    return [text for text in texts if len(text) >= SHORTEST]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """One rotation at a time, so that none loses the key of another."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)
