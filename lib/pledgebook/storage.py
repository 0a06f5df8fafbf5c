"""Storage: a folder on a disk, or an address such as `s3://bucket/exports`; both are spoken to in pathlib's words.

A local folder is a `pathlib.Path` and nothing is loaded for it. An address is a `UPath` of universal-pathlib, typed as
`Path` because it has its words. Polars reads and writes tables at either by their text.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import re
import uuid
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

from pledgebook.credentials import refuse_credentials
from pledgebook.errors import InputError

ADDRESS = re.compile(r"([a-z][a-z0-9+.-]+):/{2,}", re.IGNORECASE)
HOLDS_STORES = ("s3", "s3a", "gs", "gcs", "az", "abfs", "abfss")
VERSIONS = ("ETag", "etag", "generation", "md5Hash", "VersionId", "mtime", "LastModified", "last_modified", "created")
CHUNK = 1 << 22


def storage_at(given: str | Path, what: str) -> Path:
    """Return a place in pathlib's words; `what` names the parameter that it comes from.

    Raises InputError for an address with credentials in it, of a kind that nobody here reads, or without a bucket.
    """
    if not isinstance(given, str):
        return given
    found = ADDRESS.match(given)
    if found is None:
        return Path(given).expanduser()
    refuse_credentials(what, given)
    scheme, rest = found[1].lower(), given[found.end() :].strip("/")
    if scheme == "file":
        return Path("/") / rest
    return _at_address(f"{scheme}://{rest}", what)


def storage_for_stores(given: str | Path, what: str) -> Path:
    """Return a place as `storage_at` does, where Polars can read and write tables. Raises InputError for others."""
    place = storage_at(given, what)
    scheme = ADDRESS.match(str(place))
    if is_remote(place) and (scheme is None or scheme[1] not in HOLDS_STORES):
        raise InputError(f"{what} {place}: stores lie on a disk, or at an address with {', '.join(HOLDS_STORES)}.")
    return place


def _at_address(address: str, what: str) -> Path:
    if importlib.util.find_spec("upath") is None:
        raise InputError(f"{what} {address}: object storage needs the extra `cloud`: pip install 'pledgebook[cloud]'.")
    from upath import UPath  # noqa: PLC0415

    _check_encrypted(address, what)
    try:
        if address.endswith("://"):
            raise ValueError(address)
        place = UPath(address, use_listings_cache=False)
        place.fs  # noqa: B018  here it is told whether the scheme is known and its package there
    except (ValueError, ImportError):
        raise InputError(
            f"{what} {address}: no such storage. Write s3://bucket/folder; other schemes need the fsspec package of theirs."
        ) from None
    return cast("Path", place)


def _check_encrypted(address: str, what: str) -> None:
    """Refuse an endpoint of S3 without TLS, as Polars does: exports would go over the network for others to read."""
    endpoints = (os.environ.get(name, "") for name in ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL"))
    endpoint = next(filter(None, endpoints), "")
    is_allowed = os.environ.get("AWS_ALLOW_HTTP", "").lower() == "true"
    if address.startswith("s3") and endpoint.lower().startswith("http://") and not is_allowed:
        raise InputError(
            f"{what} {address}: AWS_ENDPOINT_URL is not encrypted. Write https://; where the network itself encrypts, set "
            "AWS_ALLOW_HTTP=true."
        )


def is_remote(place: Path) -> bool:
    """Return whether a place is an address and no local path."""
    return not isinstance(place, Path)


def check_reachable(place: Path, what: str) -> None:
    """Raise InputError when a storage does not answer, or does not let us in."""
    if not is_remote(place):
        return
    try:
        if not place.exists():  # of a server that does not answer some storages say no more than this
            place.is_dir()
    except Exception as fault:
        raise InputError(
            f"{what} {place}: the storage does not answer or refuses ({type(fault).__name__}). Address, region and "
            "credentials come from the environment or the cloud's own profile."
        ) from None


def listed_afresh(folder: Path) -> Path:
    """Return a folder as it is now; an address is listed once and its listing remembered, until it is asked again."""
    if not is_remote(folder):
        return folder
    from upath import UPath  # noqa: PLC0415

    listed = cast("Path", UPath(folder, use_listings_cache=True))
    _fs(listed).invalidate_cache()
    _fs(listed).find(str(listed))
    return listed


def mark(path: Path) -> str:
    """Return what changes when a file does, told without reading it; as a hash, for stores keep it and no path."""
    return hashlib.sha256(_facts(path).encode("utf-8", "surrogateescape")).hexdigest()


def _facts(path: Path) -> str:
    if not is_remote(path):
        stat = path.stat()
        return f"{path.resolve()}|{stat.st_size}|{stat.st_mtime_ns}|{stat.st_ctime_ns}|{stat.st_ino}"
    facts = _fs(path).info(str(path))
    version = next((facts[name] for name in VERSIONS if facts.get(name)), uuid.uuid4().hex)
    return f"{path}|{facts['size']}|{version}"


def copy_here(file: Path, target: Path) -> str:
    """Copy a file to a local one; return the SHA-256 of what came."""
    hashed = hashlib.sha256()
    with file.open("rb") as stream, target.open("wb") as out:
        while chunk := stream.read(CHUNK):
            hashed.update(chunk)
            out.write(chunk)
    return hashed.hexdigest()


def put_below(folder: Path, target: Path) -> None:
    """Copy all files of a local folder to an address, several at once."""
    files = sorted(file for file in folder.rglob("*") if file.is_file())
    _fs(target).put(
        [str(file) for file in files], [f"{target}/{file.relative_to(folder).as_posix()}" for file in files]
    )


def read_each(files: Sequence[Path]) -> list[bytes | None]:
    """Return what is in small files of one storage, at an address several at once; None where one cannot be read."""
    if not files or not is_remote(files[0]):
        return [_content(file) for file in files]
    found = _fs(files[0]).cat([str(file) for file in files], on_error="return")
    told = [found.get(_fs(file)._strip_protocol(str(file))) for file in files]
    return [each if isinstance(each, bytes) else None for each in told]


def _content(file: Path) -> bytes | None:
    try:
        return file.read_bytes()
    except OSError:
        return None


def _fs(place: Path) -> Any:
    """The file system of fsspec behind an address."""
    return place.fs  # type: ignore[attr-defined]
