"""Small files that unpack to a flood, nest without end or name thousands of columns: refused soon, in little memory."""

import gzip
import io
import json
import resource
import subprocess
import sys
import time

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from intake.exporting import KEY, MESSAGES, account, broken, csv, json_lines, keep, message, refused, write

from pledgebook.errors import InputError
from pledgebook.intake import inspection
from pledgebook.policy import read_policy

MEBIBYTE = 1 << 20
MEMORY, SECONDS = 4 << 30, 60
LINE = message(1) + "\n"


def parquet(table: pa.Table, **how) -> bytes:
    stream = io.BytesIO()
    pq.write_table(table, stream, **how)
    return stream.getvalue()


def repeated(rows: int) -> pa.Table:
    cells = dict(zip(MESSAGES.split(","), message(1).split(","), strict=True))
    zeros = pa.array([0]).take(pa.array([0] * rows)).cast(pa.int32())
    return pa.table({name: pa.DictionaryArray.from_arrays(zeros, pa.array([cell])) for name, cell in cells.items()})


@pytest.mark.parametrize("ending", ["csv.gz", "csv.zst", "jsonl.gz", "jsonl.zst"])
def test_what_unpacks_to_a_flood_is_refused(tmp_path, monkeypatch, ending):
    monkeypatch.setattr(inspection, "ALWAYS_ALLOWED", MEBIBYTE)
    text = (csv(MESSAGES) + LINE * 60_000 if ending.startswith("csv") else '{"a": 1}\n' * 400_000).encode()
    packed = gzip.compress(text, 9) if ending.endswith("gz") else pa.compress(text, codec="zstd", asbytes=True)
    assert len(text) > inspection.LARGEST_GROWTH * len(packed)
    assert "unpacks to more than 200 times its size" in refused(tmp_path, {f"messages.{ending}": packed})
    assert not [path for path in (tmp_path / "stores").rglob("*") if path.is_file() and path.stat().st_size > MEBIBYTE]


def test_small_files_may_unpack_as_they_like(tmp_path):
    packed = gzip.compress((csv(MESSAGES) + LINE * 20_000).encode(), 9)
    assert account(keep(tmp_path, {"messages.csv.gz": packed}))["messages.csv.gz"] == (20_000, 1, 0, 19_999, 0)


def test_parquet_that_unpacks_to_a_flood_is_refused(tmp_path):
    long = pa.table({name: ["x" * (5 * MEBIBYTE)] for name in MESSAGES.split(",")})
    assert "unpacks to more than 200 times" in refused(
        tmp_path, {"messages.parquet": parquet(long, compression="zstd")}
    )
    many = parquet(repeated(2_000_000), compression="zstd")
    assert len(many) * 20 < 2_000_000
    assert "20 rows a byte" in refused(tmp_path, {"messages.parquet": many}, name="many")


BOMB = """
import sys
from pathlib import Path
from pledgebook.book import open_store_of
from pledgebook.errors import InputError
try:
    open_store_of(sys.argv[1], sys.argv[2], environment={"PLEDGEBOOK_KEY": "k" * 40, "PLEDGEBOOK_STORE": sys.argv[3]})
except InputError as fault:
    print(fault)
"""


def test_a_bomb_of_gigabytes_is_refused_in_bounded_memory(tmp_path, root):
    """Four layers of zeros would be gigabytes; the process may use no more than a few, and its disk no more than one."""
    block = pa.compress((LINE * (MEBIBYTE // len(LINE))).encode(), codec="zstd", asbytes=True)
    head = pa.compress(csv(MESSAGES).encode(), codec="zstd", asbytes=True)
    write(tmp_path / "exports", {"messages.csv.zst": head + block * 8_000})

    def limited():
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 30, 1 << 30))

    words = [
        sys.executable,
        "-c",
        BOMB,
        str(tmp_path / "exports"),
        str(root / "data/policy.toml"),
        str(tmp_path / "stores"),
    ]
    done = subprocess.run(words, capture_output=True, text=True, timeout=SECONDS, preexec_fn=limited, check=True)
    assert "unpacks to more than 200 times its size" in done.stdout


@pytest.mark.parametrize("depth", [300, 2_000, 200_000])
@pytest.mark.parametrize("signs", [("[", "]"), ('{"a":', "}")])
def test_a_line_of_deep_json_breaks_only_itself(tmp_path, depth, signs):
    rows = [dict(zip(MESSAGES.split(","), message(n).split(","), strict=True)) for n in (1, 2)]
    deep = json.dumps(rows[1])[:-1] + f', "system": {signs[0] * depth}1{signs[1] * depth}}}'
    store = keep(tmp_path, {"messages.jsonl": json_lines(rows[:1]) + deep + "\n"})
    read, kept, quarantined, *_ = account(store)["messages.jsonl"]
    assert (read, kept + quarantined) == (2, 2)
    assert broken(store) in ([], [(2, "unreadable_row")])
    if depth > 1_000:
        assert quarantined == 1


WIDE = {
    "CSV": ("messages.csv", f"{MESSAGES}," + ",".join(f"c{n}" for n in range(50_000)) + "\n" + LINE, "more than 2,000 columns"),
    "JSON": ("messages.jsonl", json.dumps({f"c{n}": 1 for n in range(50_000)}) + "\n", "more than 2,000 names"),
    "Parquet": ("messages.parquet", parquet(pa.table({f"c{n}": [1] for n in range(3_000)})), "more than 2,000 columns"),
}  # fmt: skip


@pytest.mark.parametrize("name", WIDE)
def test_thousands_of_columns_are_refused(tmp_path, name):
    file, data, said = WIDE[name]
    begun = time.process_time()
    assert said in refused(tmp_path, {file: data})
    assert time.process_time() - begun < 10


DEEP = {
    "brackets": "a = " + "[" * 100_000,
    "tables in line": "a = " + "{a=" * 100_000,
    "dots": ".".join("a" * 50_000) + " = 1",
    "a dotted table": "[" + ".".join("a" * 50_000) + "]",
    "a long number": "a = " + "9" * 100_000,
    "a long text": 'a = "' + "x" * (2 * MEBIBYTE) + '"',
    "many keys": "\n".join(f"k{n} = 1" for n in range(60_000)),
    "many tables": "[[purpose]]\n" * 60_000,
}


@pytest.mark.parametrize("name", DEEP)
def test_a_policy_of_endless_depth_or_length_is_refused_soon(tmp_path, name):
    (tmp_path / "policy.toml").write_text(DEEP[name])
    begun = time.process_time()
    with pytest.raises(InputError) as fault:
        read_policy(tmp_path / "policy.toml")
    assert time.process_time() - begun < 10
    assert len(str(fault.value)) < 5_000


@pytest.mark.parametrize(
    "text", ["1 " * 300_000, "9" * 600_000, "a@" * 300_000, "%40" * 200_000, "0-" * 300_000, "\u0301\u0316" * 200_000]
)
def test_a_label_of_a_megabyte_is_judged_soon(tmp_path, text):
    begun = time.process_time()
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES, message(1, campaign=f"x{text}"), message(2))})
    assert time.process_time() - begun < 10
    read, kept, quarantined, *_ = account(store)["messages.csv"]
    assert (read, kept + quarantined) == (2, 2)


def test_a_field_as_long_as_a_line_may_be_is_read(tmp_path):
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES, message(1, campaign="x" * (3 * MEBIBYTE)), message(2))})
    assert pl.concat([store.scan("messages", 0).collect()])["campaign"].str.len_bytes().max() == 3 * MEBIBYTE
    assert KEY not in json.dumps(store.facts, default=str)
