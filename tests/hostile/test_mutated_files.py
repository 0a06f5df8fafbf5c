"""Files with bytes flipped, lost, doubled or put in: a clear refusal, or only rows that the file really has."""

import gzip
import io

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from intake.exporting import CONSENT, MESSAGES, csv, json_lines, message

from tests.hostile.found import ENDED_THE_PROCESS, PANICKED
from tests.hostile.taking_in import few, person_of, records_of, rows_of, take_in, trimmed

FEW = few(20)
SIGNS = [
    *(
        sign.encode()
        for sign in ('"', ",", "\n", "\r", "\r\n", '""', "\0", "\ufeff", "\t", ";", "\\", "'", "{", "}", "[", "]", ":")
    ),
    *(sign.encode() for sign in (" ", "\u3000", "\u0085", "\u2028", "\x0b", "null", "NaN", "+", "1e400", "\\ud800")),
    *(sign.encode() for sign in ("9999-12-31T23:59:59-12:00", "0000-01-01T00:00:00Z")),
    b"\xff",
    b"\x80",
]
ROWS = [dict(zip(MESSAGES.split(","), message(n).split(","), strict=True)) for n in range(1, 6)]
QUOTED = csv(MESSAGES, message(1, campaign='"a,b"'), message(2, campaign='"x\ny"'), "", message(3, campaign='"q""q"'))
HEADER = '"message_id",person_id,channel,"campaign",category,system,sent_at,"more\nlines"'
CSV = [
    csv(MESSAGES, *[message(n) for n in range(1, 6)]),
    QUOTED + message(4, system=""),
    csv(HEADER, *[message(n) + ",e" for n in (1, 2)]).replace("\n", "\r\n"),
    "\ufeff" + csv(MESSAGES, message(1, campaign="秋"), message(2))[:-1],
]
SETS = [
    {"disclosure_id": f"d{n}", "items": ["name", ["deep"], {"a": [1]}], "is_recorded": True, "disclosed_at": 1}
    for n in range(4)
]
LINES = [
    json_lines(ROWS),
    json_lines([row | {"system": None, "more": {"a": [1, {"b": 2}]}} for row in ROWS]),
    json_lines(SETS),
]


def parquet(frame: pl.DataFrame, **how) -> bytes:
    stream = io.BytesIO()
    pq.write_table(frame.to_arrow(), stream, **how)
    return stream.getvalue()


TABLE = pl.DataFrame(ROWS)
TIMED = TABLE.with_columns(pl.col("sent_at").str.to_datetime(time_zone="UTC"), pl.col("campaign").cast(pl.Categorical))
PARQUET = [
    parquet(TABLE, compression="none"),
    parquet(TIMED, compression="snappy"),
    parquet(pl.concat([TABLE] * 40), compression="zstd", data_page_version="2.0", use_dictionary=True),
]
mutations = st.lists(
    st.tuples(st.integers(0, 1 << 30), st.integers(0, 6), st.integers(0, 255), st.sampled_from(SIGNS)),
    min_size=1,
    max_size=6,
)


def mutated(data: bytes, changes) -> bytes:
    """Bytes after some changes, each at a place: a bit flipped, bytes lost, doubled, put in, or all that follows cut off."""
    for where, what, number, sign in changes:
        at = where % max(len(data), 1)
        length = 1 + number % 60
        data = {
            0: data[:at] + bytes([data[at] ^ (1 << number % 8)]) + data[at + 1 :] if data else b"",
            1: data[:at] + bytes([number]) + data[at + 1 :],
            2: data[:at] + data[at + length :],
            3: data[:at] + sign + data[at:],
            4: data[: at + length] + data[at:],
            5: data[:at] + sign + data[at + 1 :],
            6: data[:at] if number % 4 == 0 else data[:at] + sign + data[at:],
        }[what]
    return data


def messages_of(store) -> list[dict]:
    return rows_of(store, "messages") if store.has("messages") else []


def assert_rows_are_of(data: bytes) -> None:
    records, kept = records_of(data), take_in({"messages.csv": data}, lambda store: (messages_of(store), store.intake))
    if records is None or isinstance(kept, str):
        return
    rows, account = kept
    assert account["rows_read"].sum() == len(records)
    for row in rows:
        record = {"system": "", **records[row["source_row"] - 1]}
        assert int(record[""]) <= 0, "a row with more cells than the header has names was kept"
        for name in ("campaign", "system", "channel", "category"):
            assert trimmed(row[name]) == trimmed(record[name])
        assert row["person"] in (person_of(record["person_id"]), person_of(record["person_id"].strip(" \t\r\n")))


@FEW
@given(st.sampled_from(CSV), mutations)
def test_csv_gives_its_own_rows_or_none(text, changes):
    assert_rows_are_of(mutated(text.encode(), changes))


@pytest.mark.parametrize("text", CSV)
def test_the_files_themselves_are_read(text):
    assert take_in({"messages.csv": text}, lambda store: len(messages_of(store))) == len(records_of(text.encode()))
    assert_rows_are_of(text.encode())


@FEW
@given(st.sampled_from(LINES), mutations)
def test_json_lines_are_read_or_refused(text, changes):
    name = "disclosures.jsonl" if "disclosure_id" in text else "messages.jsonl"
    take_in({name: mutated(text.encode(), changes)})


@FEW
@given(st.sampled_from(PARQUET), mutations)
@example(ENDED_THE_PROCESS, [])
@example(PANICKED, [])
def test_parquet_is_read_or_refused(data, changes):
    take_in({"messages.parquet": mutated(data, changes)})


@pytest.mark.parametrize("data", PARQUET)
def test_the_parquet_files_themselves_are_read(data):
    assert take_in({"messages.parquet": data}, lambda store: store.rows_kept("messages")) == 5


@pytest.mark.parametrize("name", ["ended the process", "panicked"])
def test_what_polars_does_not_survive_is_refused_by_name(name, capfd):
    data = {"ended the process": ENDED_THE_PROCESS, "panicked": PANICKED}[name]
    assert str(take_in({"messages.parquet": data})).startswith("messages.parquet: damaged or cut off")
    assert "panicked" not in capfd.readouterr().err


@FEW
@given(st.sampled_from(["csv.gz", "csv.zst", "jsonl.gz"]), mutations)
def test_compressed_files_are_read_or_refused(ending, changes):
    text = CSV[0].encode() if ending.startswith("csv") else LINES[0].encode()
    packed = gzip.compress(text, mtime=0) if ending.endswith("gz") else pa.compress(text, codec="zstd", asbytes=True)
    take_in({f"messages.{ending}": mutated(packed, changes)})


@FEW
@given(st.sampled_from(["utf-16", "utf-16-le", "cp932", "euc_jp", "iso2022_jp", "utf-7", "hz", "cp037"]), mutations)
def test_foreign_encodings_are_read_or_refused(encoding, changes):
    mapping = f'[[source]]\nname = "c"\ntable = "consent_events"\nfiles = "c.csv"\nencoding = "{encoding}"\n'
    text = csv(
        CONSENT, "p1,marketing,email,grant,2026-09-01T00:00:00Z", "p2,marketing,any,withdraw,2026-09-02T00:00:00Z"
    )
    take_in({"exports.toml": mapping, "c.csv": mutated(text.encode(encoding), changes)})


NAMES = ["^.*$", "*", "a.b", "person_id", "[x]", "cell 1", ""]


@pytest.mark.parametrize("name", NAMES)
def test_a_column_of_parquet_whose_name_is_a_pattern_is_one_column(name):
    """Polars and Arrow both read names as patterns or paths where one lets them."""
    frame = TABLE.rename({"person_id": name}).with_columns(pl.lit("other").alias("a"), pl.lit("other").alias("a.c"))
    mapping = f'[[source]]\nname = "m"\ntable = "messages"\nfiles = "m.parquet"\ncolumns = {{person_id = "{name}"}}\n'
    rows = take_in({"exports.toml": mapping, "m.parquet": parquet(frame)}, messages_of)
    assert {row["person"] for row in rows} == {person_of(row["person_id"]) for row in ROWS}
