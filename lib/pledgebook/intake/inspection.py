"""One look at every byte of an export before it is parsed: its hash, its encoding, and whether it is what it says."""

from __future__ import annotations

import codecs
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pledgebook.errors import InputError
from pledgebook.intake.csv_text import CsvText
from pledgebook.intake.formats import ExportFile
from pledgebook.intake.mapping import MAPPING

CHUNK = 1 << 20
LONGEST_LINE = 1 << 22
LARGEST_GROWTH, ALWAYS_ALLOWED = 200, 1 << 28
"""How many times its size a compressed file may unpack to, once that is more than 256 MiB."""
MAGIC = {
    b"PAR1": "Parquet",
    b"\x1f\x8b": "gzip",
    b"\x28\xb5\x2f\xfd": "Zstandard",
    b"PK\x03\x04": "zip (a workbook?)",
}


@dataclass(frozen=True)
class Inspected:
    """A file that can be parsed, and where its plain UTF-8 text lies: itself, or a copy.

    Of a CSV file also how many rows it has, which of its records are blank lines (the header is record 0), and whether
    its fields are bare: nothing around them that reading takes off.
    """

    file: ExportFile
    plain: Path
    rows: int | None = None
    blank_records: tuple[int, ...] = ()
    is_bare: bool = False


def hash_file(path: Path) -> str:
    """Return the SHA-256 of a file's bytes as hex digits. Raises InputError when it cannot be read."""
    try:
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as fault:
        raise InputError(f"{path.name}: cannot be read ({fault.strerror}). Mend its permissions.") from None


def inspect_file(file: ExportFile, scratch: Path) -> Inspected:
    """Look through a file once; a compressed or foreign-encoded text is copied plain into `scratch`.

    Raises InputError naming file, line and remedy: empty, not what its name says, not in its encoding, a line that
    never ends, a quote that is not closed.
    """
    with file.path.open("rb") as stream:
        start = stream.read(4)
    if not start:
        raise InputError(f"{file.name}: the file is empty (0 bytes). Export it again, or remove it.")
    _check_kind(file, start)
    if file.format == "parquet":
        return Inspected(file, file.path)
    is_plain = file.compression is None and _is_utf8(file.source.encoding)
    plain = file.path if is_plain else scratch / f"{hashlib.sha256(file.name.encode()).hexdigest()}.{file.format}"
    text = _look_through(file, None if is_plain else plain)
    if text is None:
        return Inspected(file, plain)
    return Inspected(file, plain, text.rows(), tuple(text.blank_records()), text.is_bare())


def _is_utf8(encoding: str) -> bool:
    return codecs.lookup(encoding).name in ("utf-8", "utf-8-sig", "ascii")


def _check_kind(file: ExportFile, start: bytes) -> None:
    found = next((kind for magic, kind in MAGIC.items() if start.startswith(magic)), "text")
    expected = {"gzip": "gzip", "zstd": "Zstandard"}.get(file.compression or "", "text")
    if file.format == "parquet":
        expected = "Parquet"
    if found != expected:
        raise InputError(
            f"{file.name}: not what its name says: {expected} was expected, the bytes say {found}. Rename it."
        )


def _chunks(file: ExportFile) -> Iterator[bytes]:
    from pyarrow import input_stream  # noqa: PLC0415

    most, size = max(ALWAYS_ALLOWED, LARGEST_GROWTH * file.path.stat().st_size), 0
    try:
        with input_stream(str(file.path), compression=file.compression) as stream:
            while chunk := stream.read(CHUNK):
                size += len(chunk)
                _check_growth(file, size, most)
                yield chunk
    except OSError:
        raise InputError(f"{file.name}: the compressed data is damaged or cut off. Export it again.") from None


def _check_growth(file: ExportFile, size: int, most: int) -> None:
    if file.compression and size > most:
        raise InputError(
            f"{file.name}: unpacks to more than {LARGEST_GROWTH} times its size, as exports do not. Unpack it yourself if "
            "that is right, and put the plain file there."
        )


def _look_through(file: ExportFile, copy: Path | None) -> CsvText | None:
    decoder = codecs.getincrementaldecoder(file.source.encoding)()
    is_utf8 = _is_utf8(file.source.encoding)
    text = CsvText(file.source.delimiter) if file.format == "csv" else None
    line, since_newline, has_return = 1, 0, False
    with (copy or Path("/dev/null")).open("wb") as out:
        for chunk in _chunks(file):
            is_sure = is_utf8 and chunk.isascii() and not decoder.getstate()[0]
            decoded = chunk if is_sure else _decode(file, decoder, chunk, line)
            plain = chunk if is_utf8 else decoded
            since_newline = _check_lines(file, plain, line, since_newline)
            _check_quotes(file, None if text is None else text.first_stray(plain))
            line = line + plain.count(b"\n") if text is None else text.line
            has_return = has_return or b"\r" in plain
            if copy is not None:
                out.write(plain)
        _decode(file, decoder, b"", line, is_last=True)
    _check_quotes(file, None if text is None else text.left_open())
    if line == 1 and has_return and text is not None:
        raise InputError(f"{file.name}: its lines end with a carriage return alone. Save it with line feeds.")
    return text


def _check_quotes(file: ExportFile, line: int | None) -> None:
    if line is not None:
        raise InputError(
            f"{file.name}, line {line}: a quote is opened and not closed, or stands inside a field that is not quoted. "
            "Put the field into quotes, and double the quotes in it."
        )


def _decode(
    file: ExportFile, decoder: codecs.IncrementalDecoder, chunk: bytes, line: int, *, is_last: bool = False
) -> bytes:
    """The chunk as UTF-8."""
    try:
        return decoder.decode(chunk, is_last).encode()
    except UnicodeError as fault:
        at = line + chunk[: getattr(fault, "start", 0)].count(b"\n")
        raise InputError(
            f"{file.name}, line {at}: bytes that are not {file.source.encoding}. Save the export as UTF-8, or name "
            f"its encoding (such as shift_jis or latin-1) in {MAPPING}."
        ) from None


def _check_lines(file: ExportFile, chunk: bytes, line: int, before: int) -> int:
    if b"\0" in chunk:
        raise InputError(f"{file.name}, about line {line}: a NUL byte; this is not text. Export it again.")
    last = chunk.rfind(b"\n")
    if last < 0:
        before += len(chunk)
    if before + max(chunk.find(b"\n"), 0) > LONGEST_LINE:
        raise InputError(
            f"{file.name}, line {line}: longer than {LONGEST_LINE >> 20} MiB. A line break or a quote is missing."
        )
    return before if last < 0 else len(chunk) - last - 1
