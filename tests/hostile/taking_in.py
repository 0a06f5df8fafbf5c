"""Taking in a file that somebody made to do harm: either one clear refusal, or a store whose account adds up."""

import csv
import io
import os
import re
import shutil
import tempfile
import time
import unicodedata
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, settings
from intake.exporting import KEY, POLICY, digest, write

from pledgebook.book import read_rules
from pledgebook.errors import InputError
from pledgebook.pseudonyms import Key
from pledgebook.store import Store
from pledgebook.store_opening import open_store

LONGEST = 10.0
TIMES = int(os.environ.get("PLEDGEBOOK_FUZZ", "1"))
FALLEN = ("rows_quarantined", "rows_duplicate", "rows_superseded")
_RULES: list = []


def few(examples: int) -> settings:
    """So many examples, always the same; `PLEDGEBOOK_FUZZ` times as many, and others each time, for a long search."""
    return settings(
        max_examples=examples * TIMES,
        derandomize=TIMES == 1,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
    )


def rules(place: Path) -> tuple:
    """The policy and the regimes that every file is read with, read once."""
    if not _RULES:
        (place / "policy.toml").write_text(POLICY)
        _RULES.extend(read_rules(place / "policy.toml"))
    return _RULES[0], frozenset(_RULES[1].request_regimes)


def take_in(files: dict[str, bytes | str], look=lambda store: store) -> object:
    """Return what `look` sees in the store of an export folder, or the message with which the folder is refused.

    Any other exception is passed on, and so fails a test; more than ten seconds of its time fail it too, however busy
    the machine is.
    """
    place, begun = Path(tempfile.mkdtemp(prefix="hostile-")), time.process_time()
    policy, regimes = rules(place)
    try:
        store = open_store(write(place / "exports", files), policy, Key(KEY), place / "stores", known_regimes=regimes)
        assert_adds_up(store)
        return look(store)
    except InputError as fault:
        assert len(str(fault)) < 5000
        return str(fault)
    finally:
        shutil.rmtree(place, ignore_errors=True)
        assert time.process_time() - begun < LONGEST


def assert_adds_up(store: Store) -> None:
    """Every row read has one fate, and what is said to be kept is there."""
    told = store.intake
    assert (told["rows_read"] == told["rows_kept"] + told.select(pl.sum_horizontal(FALLEN)).to_series()).all()
    assert (told.select("rows_kept", *FALLEN).min_horizontal() >= 0).all()
    for table in told["table"].unique():
        held = sum(store.scan(table, shard).collect().height for shard in range(store.shards))
        assert table in ("people", "request_pauses") or held == store.rows_kept(table)


def rows_of(store: Store, table: str) -> list[dict]:
    """The kept rows of a table."""
    return pl.concat([store.scan(table, shard).collect() for shard in range(store.shards)]).to_dicts()


def records_of(data: bytes) -> list[dict[str, str]] | None:
    """The records of a CSV file as Python's own reader, at its strictest, reads them; None where it does not."""
    try:
        text = data.decode("utf-8-sig")
        records = list(csv.reader(io.StringIO(text, newline=""), strict=True))
    except (UnicodeDecodeError, csv.Error):
        return None
    if re.search("\r(?!\n)", text) or not records:
        return None
    header = [name.strip() for name in records[0]]
    return [
        dict(zip(header, record + [""] * (len(header) - len(record)), strict=False))
        | {"": str(len(record) - len(header))}
        for record in records[1:]
        if record
    ]


def trimmed(text: str | None) -> str:
    """A cell without white space around it, with what Unicode and Python count as white space."""
    return (text or "").strip()


def person_of(text: str) -> int:
    """The key of a person, as the definitions say."""
    normal = unicodedata.normalize("NFKC", text).strip()
    return int(digest(normal.lower() if "@" in normal else normal)[:16], 16)
