"""The search: whether any byte of an output still tells a canary, in whatever writing or packing it stands there."""

import base64
import hashlib
import html
import io
import json
import re
import unicodedata
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import unquote

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from tests.leaks.canaries import HEADERS, MARKERS, Canaries

ENCODINGS = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "cp932", "euc_jp")
HASHES = ("md5", "sha1", "sha256", "sha512", "blake2b")
BETWEEN = re.compile(r"[\s\-‐‑‒–—―−ー_.,;:/()\\|\"'\u200b-\u200f\ufeff\x00]+")
ENCODED = re.compile(rb"[A-Za-z0-9+/_-]{16,}={0,2}(?:\\?n?\r?\n[A-Za-z0-9+/_-]+={0,2})*")
DEEPEST = 3
View = tuple[str, str]
"""How it was read, and what was read."""


class Search:
    """Looks for canaries, and for their hashes without a key, which anybody could turn back by trying."""

    def __init__(self, canaries: Canaries) -> None:
        texts = [*canaries.places, *HEADERS]
        self.ids, self.secrets = canaries.ids, canaries.secrets
        told = {_digits(t).lstrip("0") for t in texts if not _marked(t)}  # as a number it has no zero before it
        self.numbers = sorted(each for each in told if len(each) >= 10)
        self.births = sorted({t for t in texts if re.fullmatch(r"1907-\d\d-\d\d", t)})
        self.dates = [born.replace("-", between) for born in self.births for between in ("-", "/", ".")]
        self.plain = [*_in_encodings([*MARKERS, *self.numbers, *canaries.secrets]), *_hashes_of(canaries.ids)]
        self.squeezed = [*(mark.casefold() for mark in MARKERS), *self.numbers]

    def in_bytes(self, data: bytes, where: str = "") -> list[str]:
        """Return what was found in these bytes: where, how it had to be read, and which needle."""
        return self._found([(where, view) for view in views(data)])

    def below(self, *places: Path) -> list[str]:
        """Return what was found in the names and the contents of all files below some folders."""
        looked_at = []
        for place in places:
            for path in sorted(place.rglob("*")):
                looked_at += [(str(path), ("the name", str(path.relative_to(place))))]
                if path.is_symlink():
                    looked_at += [(str(path), ("where it leads", str(path.readlink())))]
                if path.is_file() and not path.is_symlink():
                    looked_at += [(str(path), view) for view in views(path.read_bytes())]
        return self._found(looked_at)

    def _found(self, looked_at: list[tuple[str, View]]) -> list[str]:
        bare = [_unwrapped(text) for _, (_, text) in looked_at]
        hits = zip(
            _hits([text.lower() for _, (_, text) in looked_at], self.plain),
            _hits([re.sub(r"\s+", "", text) for text in bare], self.dates),
            _hits([BETWEEN.sub("", text) for text in bare], self.squeezed),
            strict=True,
        )
        told = zip(looked_at, ({*raw, *dates, *squeezed} for raw, dates, squeezed in hits), strict=True)
        return [f"{where} ({how}): {', '.join(sorted(needles))}" for (where, (how, _)), needles in told if needles]


def _hits(texts: list[str], needles: list[str]) -> list[list[str]]:
    wanted = sorted({needle.lower() for needle in needles}) or ["\x00 nothing is looked for \x00"]
    return pl.Series(texts, dtype=pl.String).str.extract_many(wanted, overlapping=True).to_list()


def _marked(text: str) -> bool:
    return any(mark in unicodedata.normalize("NFKC", text).casefold() for mark in MARKERS)


def _digits(text: str) -> str:
    return re.sub(r"\D", "", unicodedata.normalize("NFKC", text)) if not text.startswith("1907") else ""


def _in_encodings(texts: Iterable[str]) -> Iterator[str]:
    """Needles as the bytes of a text would look when every byte is read as one character."""
    for text in texts:
        for form in (text, text.upper()):
            for encoding in ENCODINGS:
                yield form.encode(encoding).decode("latin-1")
            yield form.encode().hex()


def _hashes_of(ids: list[str]) -> Iterator[str]:
    for clear in ids:
        normal = unicodedata.normalize("NFKC", clear).strip()
        for form in {clear, normal, normal.lower()}:
            for name in HASHES:
                digest = hashlib.new(name, form.encode()).digest()
                yield digest.hex()[:16]
                yield digest[:8].decode("latin-1")
                yield digest[7::-1].decode("latin-1")
                yield str(int.from_bytes(digest[:8], "big"))
                yield base64.b64encode(digest)[:16].decode()


def _unwrapped(text: str) -> str:
    """A text without the escapes of JSON, HTML and urls, however often they were laid over each other; NFKC, one case."""
    for _ in range(3):
        bare = unquote(html.unescape(_unescaped(text)))
        if bare == text:
            break
        text = bare
    return unicodedata.normalize("NFKC", text).casefold()


def _unescaped(text: str) -> str:
    text = re.sub(r"\\u([0-9a-fA-F]{4})", lambda match: chr(int(match[1], 16)), text)
    text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "ignore")
    return re.sub(
        r"(?:\\x[0-9a-fA-F]{2})+",
        lambda match: bytes.fromhex(match[0].replace("\\x", "")).decode("utf-8", "ignore"),
        text,
    )


def views(data: bytes, depth: int = 0) -> Iterator[View]:
    """Yield every reading of some bytes: as they are, as text, and what is packed or encoded in them."""
    yield "byte by byte", data.decode("latin-1")
    yield "as UTF-8", data.decode("utf-8", "ignore")
    if data[:4096].count(0) * 10 > len(data[:4096]) and data[:4] != b"PAR1":
        yield from (("as UTF-16", data.decode(encoding, "ignore")) for encoding in ("utf-16-le", "utf-16-be"))
    if depth < DEEPEST:
        for how, inner in [*_unpacked(data), *_decoded(data)]:
            yield from ((f"{how}, {deeper}", text) for deeper, text in views(inner, depth + 1))
    yield from _of_parquet(data)
    yield from _of_json(data)


def _unpacked(data: bytes) -> Iterator[tuple[str, bytes]]:
    for place in [match.start() for match in re.finditer(rb"\x1f\x8b\x08", data)]:
        with suppress(zlib.error):
            yield "gzip", zlib.decompressobj(zlib.MAX_WBITS | 16).decompress(data[place:])
    for place in [match.start() for match in re.finditer(rb"\x28\xb5\x2f\xfd", data)]:
        with suppress(OSError):
            yield "zstd", pa.input_stream(pa.py_buffer(data[place:]), compression="zstd").read()
    if data[:4] == b"PK\x03\x04":
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            yield from (("zip", archive.read(name)) for name in archive.namelist())


def _decoded(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Base64, of either alphabet, begun at any of its four places."""
    runs = [re.sub(rb"[^A-Za-z0-9+/_-]", b"", run.replace(b"\\n", b"")) for run in ENCODED.findall(data)]
    for offset in range(4):
        whole = [_from_base64(run[offset:]) for run in runs]
        yield "base64", b"\0".join(whole)
        yield from (
            ("base64", each) for each in whole if each[:3] == b"\x1f\x8b\x08" or each[:4] in (b"PAR1", b"PK\x03\x04")
        )


def _from_base64(run: bytes) -> bytes:
    plain = run.replace(b"-", b"+").replace(b"_", b"/")
    return base64.b64decode(plain[: len(plain) // 4 * 4])


def _of_parquet(data: bytes) -> Iterator[View]:
    """Every value of every column, every value of its dictionaries, the statistics and the remarks of the file."""
    if data[:4] != b"PAR1":
        return
    file = pq.ParquetFile(io.BytesIO(data))
    names = [
        field.name
        for field in file.schema_arrow
        if pa.types.is_large_string(field.type) or pa.types.is_string(field.type)
    ]
    table = pq.ParquetFile(io.BytesIO(data), read_dictionary=names).read()
    for name, column in zip(table.column_names, table.columns, strict=True):
        values = [*column.to_pylist()]
        for chunk in column.chunks:
            if isinstance(chunk, pa.DictionaryArray):
                values += chunk.dictionary.to_pylist()
        yield f"Parquet column {name}", "\n".join(map(str, values))
    yield "Parquet metadata", f"{file.metadata.to_dict()} {file.metadata.metadata} {file.schema_arrow}"


def _of_json(data: bytes) -> Iterator[View]:
    """Every text of a JSON document, lists of texts put together, as notebooks cut theirs into lines."""
    if data[:1] not in (b"{", b"["):
        return
    try:
        told = json.loads(data)
    except ValueError:
        return
    yield "JSON", "\n".join(_texts(told))


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, dict):
        for name, each in value.items():
            yield str(name)
            yield from _texts(each)
    elif isinstance(value, list):
        yield "".join(each for each in value if isinstance(each, str))
        for each in value:
            yield from _texts(each)
    else:
        yield str(value)
