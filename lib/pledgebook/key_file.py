"""The key: the secret of one installation, where it lies, and who may read it."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Never

import platformdirs

from pledgebook.errors import KeyFault
from pledgebook.suite import suite_root

SHORTEST = 32
DEMONSTRATION = "demonstration.key"


@dataclass(frozen=True)
class Key:
    """The secret of one installation. `id` may be published: it tells keys apart and reveals nothing.

    It cannot be pickled, so that it never travels in a task: a worker finds its own with `find_key_named`. An
    expression or a lazy frame made by `pseudonyms.digest` carries it, and is made where it is collected.
    """

    secret: str = field(repr=False)

    @property
    def id(self) -> str:
        """16 hex digits that name the key."""
        return hashlib.sha256(b"pledgebook key id\0" + self.secret.encode()).hexdigest()[:16]

    def __reduce__(self) -> Never:
        raise KeyFault(
            "the pseudonym key is never sent to another process. Give the worker PLEDGEBOOK_KEY or "
            "PLEDGEBOOK_KEY_FILE in its own environment; it finds the key there."
        )


def find_key(exports: Path, environment: Mapping[str, str], *, may_make: bool) -> tuple[Key, Path | None]:
    """Return the key for `exports`, and the file just made for it (None where none was made).

    Order: the exports' own public demonstration key; `PLEDGEBOOK_KEY`; the file of `PLEDGEBOOK_KEY_FILE` (default: the
    user's configuration folder). Raises KeyFault when it is missing, short, readable by others, somebody else's, inside
    the suite, or the public one.
    """
    public = exports / DEMONSTRATION
    if public.is_file():
        return _demonstration(public), None
    key = own_key(environment)
    if key is not None:
        return key, None
    file = key_file(environment)
    if not may_make:
        raise KeyFault(
            f"no pseudonym key: set PLEDGEBOOK_KEY ({SHORTEST} characters or more), or put one into {file} (mode 0600), "
            "or run the command once on a terminal and let it make one."
        )
    return _make(file), file


def own_key(environment: Mapping[str, str]) -> Key | None:
    """Return the installation's key, whatever the exports; None where there is none yet. Raises KeyFault as `find_key`."""
    if text := environment.get("PLEDGEBOOK_KEY"):
        return Key(_private(text.strip(), "PLEDGEBOOK_KEY"))
    file = key_file(environment)
    return read_key(file) if file.exists() else None


def key_file(environment: Mapping[str, str]) -> Path:
    """Return where the key's file lies: `PLEDGEBOOK_KEY_FILE`, else the user's configuration folder."""
    named = environment.get("PLEDGEBOOK_KEY_FILE")
    return Path(named).expanduser() if named else platformdirs.user_config_path("pledgebook") / "key"


def kept_keys(environment: Mapping[str, str]) -> dict[str, Path]:
    """Return the files of keys that `pledgebook key rotate` has kept beside the key's file, by key id."""
    file = key_file(environment)
    named = {each.name.removeprefix(f"{file.name}."): each for each in sorted(file.parent.glob("*"))}
    return {name: each for name, each in named.items() if _is_key_id(name) and each.name != name and each.is_file()}


def find_key_named(key_id: str, exports: Path, environment: Mapping[str, str]) -> Key:
    """Return the key with this id: the one of `find_key`, else one that was kept when it was rotated.

    For a worker, which reads its own environment, and for pseudonyms of old reports. Raises KeyFault when it is not here.
    """
    with_demonstration = (exports / DEMONSTRATION).is_file()
    key = find_key(exports, environment, may_make=False)[0] if with_demonstration else own_key(environment)
    if key is not None and key.id == key_id:
        return key
    kept = kept_keys(environment).get(key_id)
    found = read_key(kept) if kept is not None else None
    if found is None or found.id != key_id:
        has = f"the key here is {key.id}" if key is not None else "there is no key here"
        raise KeyFault(f"no key with the id '{key_id[:16]}': {has}. See: pledgebook key show.")
    return found


def read_key(file: Path) -> Key:
    """Return the key in a file. Raises KeyFault when it lies in the suite, others can read it, or it is not the user's."""
    _check_place(file)
    if not file.is_file():
        raise KeyFault(f"{file}: no file, but a folder, a pipe or a device. Put the key into a file of your own.")
    try:
        with file.open("rb") as stream:
            _check_owner(file, os.fstat(stream.fileno()))
            text = stream.read().decode().strip()
    except UnicodeDecodeError:
        raise KeyFault(f"{file}: this is not a key; a key is text. Name another file.") from None
    except OSError as fault:
        raise KeyFault(f"{file}: the key cannot be read ({fault.strerror}). Make it your own, mode 0600.") from None
    return Key(_private(text, str(file)))


def _check_place(file: Path) -> None:
    if file.resolve().is_relative_to(suite_root()):
        raise KeyFault(
            f"{file}: the key lies inside the suite's own folder, where it may be committed or copied along. "
            "Move it out, for instance into your configuration folder, and name it in PLEDGEBOOK_KEY_FILE."
        )


def _check_owner(file: Path, facts: os.stat_result) -> None:
    if facts.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise KeyFault(f"{file}: others can read the key. Run: chmod 600 {file}")
    if facts.st_uid not in (0, os.geteuid()):
        raise KeyFault(f"{file}: the key belongs to another user, who could change it. Make it your own: chown.")


def _demonstration(file: Path) -> Key:
    if not (file.parent / "planted.csv").is_file():
        raise KeyFault(f"{file}: the demonstration key is for the synthetic sample alone. Remove it, use your own key.")
    return Key(_long_enough(file.read_text().strip(), str(file)))


def _make(file: Path) -> Key:
    _check_place(file)
    key = Key(secrets.token_hex(32))
    try:
        write_key(file, key, may_replace=False)
    except FileExistsError:  # another first run was quicker
        return read_key(file)
    return key


def write_key(file: Path, key: Key, *, may_replace: bool) -> None:
    """Write a key for its owner alone, whole or not at all, whatever the umask and whenever the power goes.

    Raises FileExistsError where a file stands and may not be replaced.
    """
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    descriptor, name = tempfile.mkstemp(prefix=f".{file.name}-", dir=file.parent)
    try:
        with os.fdopen(descriptor, "w") as stream:
            stream.write(key.secret + "\n")
            stream.flush()
            os.fsync(stream.fileno())
        if may_replace:
            Path(name).replace(file)
        else:
            file.hardlink_to(name)
    finally:
        Path(name).unlink(missing_ok=True)
    folder = os.open(file.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)


def _is_key_id(text: str) -> bool:
    return len(text) == 16 and set(text) <= set("0123456789abcdef")


def _long_enough(secret: str, where: str) -> str:
    if len(secret) < SHORTEST:
        raise KeyFault(f"{where}: the pseudonym key is shorter than {SHORTEST} characters. Use a longer one.")
    return secret


def _private(secret: str, where: str) -> str:
    if secret.startswith("pledgebook-public-"):
        raise KeyFault(f"{where}: this is the sample's public key, refused for any other exports. Use one of your own.")
    return _long_enough(secret, where)
