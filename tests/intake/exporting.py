"""Small export folders for specs of the intake: files as text in, what the store kept and did not keep out."""

import hashlib
import hmac
import io
import json
from pathlib import Path

import polars as pl
import pytest

from pledgebook.book import open_store_of
from pledgebook.errors import InputError
from pledgebook.store import Store
from pledgebook.tables import TABLES

KEY = "k" * 40
POLICY = """
[company]
name = "Example"
timezone = "Asia/Tokyo"
regime = "APPI"

[[purpose]]
id = "marketing"
clause = "(2)"
title = "Advertise"
needs_consent = true
valid_days = 730

[marketing]
purpose = "marketing"
regime = "JP_SPECIFIED_EMAIL"
"""
BERLIN = POLICY.replace("Asia/Tokyo", "Europe/Berlin")
MESSAGES = "message_id,person_id,channel,campaign,category,system,sent_at"
REQUESTS = "request_id,person_id,kind,received_at,closed_at,outcome"
CONSENT = "person_id,purpose,channel,action,at"
IDENTITIES = "id,person_id"
PEOPLE = "person_id,kind,region,opened_at,closed_at"
DISCLOSURES = "disclosure_id,person_id,recipient,basis,purpose,items,disclosed_at,legal_reference,is_recorded"


def csv(header: str, *lines: str) -> str:
    return "\n".join([header, *lines, ""])


def write(folder: Path, files: dict[str, str | bytes]) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    return folder


def keep(
    tmp: Path, files: dict[str, str | bytes], *, policy: str = POLICY, shards: int | None = None, name: str = "exports"
) -> Store:
    """The store of an export folder with these files."""
    rules = tmp / "policy.toml"
    rules.write_text(policy)
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp / "stores")}
    return open_store_of(write(tmp / name, files), rules, environment=environment, shards=shards)


def refused(tmp: Path, files: dict[str, str | bytes], **how) -> str:
    """The message with which an export folder is refused."""
    with pytest.raises(InputError) as fault:
        keep(tmp, files, **how)
    return str(fault.value)


def kept(store: Store, table: str, *columns: str) -> pl.DataFrame:
    """The rows of a table over all shards, in order of source and row."""
    parts = [store.scan(table, shard).collect() for shard in range(store.shards if TABLES[table].in_shards else 1)]
    rows = pl.concat(parts).sort("source", "source_row")
    return rows.select(columns) if columns else rows


def cells(store: Store, table: str, column: str) -> list:
    """One column of the kept rows; instants as text."""
    values = kept(store, table)[column]
    if isinstance(values.dtype, pl.Datetime):
        values = values.dt.strftime("%Y-%m-%dT%H:%M:%S%.6fZ")
    return values.to_list()


def account(store: Store) -> dict[str, tuple[int, ...]]:
    """Per source: rows read, kept, quarantined, duplicate, superseded."""
    return {row[0]: row[2:7] for row in store.intake.rows()}


def broken(store: Store) -> list[tuple[int, str]]:
    """Source row and rule of every broken rule."""
    return sorted(store.quarantined.select("source_row", "rule").rows())


def notes(store: Store) -> dict[tuple[str, str], int]:
    return {(table, note): rows for table, note, rows in store.notes.rows()}


def digest(text: str) -> str:
    return hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()


def pseudonym(text: str) -> int:
    """What the definitions say: HMAC-SHA-256, the first 8 bytes, big-endian."""
    return int(digest(text)[:16], 16)


def parquet(rows: list[dict] | pl.DataFrame, **schema) -> bytes:
    frame = (
        rows
        if isinstance(rows, pl.DataFrame)
        else pl.DataFrame(rows, schema_overrides=schema, infer_schema_length=None)
    )
    stream = io.BytesIO()
    frame.write_parquet(stream)
    return stream.getvalue()


def json_lines(rows: list[dict]) -> str:
    return "".join(json.dumps(row, ensure_ascii=False, default=str) + "\n" for row in rows)


def spoil_to_its_end(file: Path) -> None:
    """Overwrite a whole Parquet file so that it looks whole."""
    file.write_bytes(b"?" * file.stat().st_size + b"PAR1")


def message(number: int, sent_at: str = "2026-09-01T00:00:00Z", **changes: str) -> str:
    """A line of `messages`, in order but for what is changed."""
    cell = {"message_id": f"m{number}", "person_id": f"p{number}", "channel": "email", "campaign": "autumn"}
    cell |= {"category": "marketing", "system": "mailer", "sent_at": sent_at} | changes
    return ",".join(cell[name] for name in MESSAGES.split(","))
