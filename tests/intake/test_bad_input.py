"""Bad input: one clear message with source, line and remedy; never a cell; never half a store."""

import gzip
import io
import zipfile

import pyarrow as pa
import pytest
from intake.exporting import CONSENT, MESSAGES, POLICY, account, csv, json_lines, keep, message, parquet, refused, write
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.intake import inspection

SECRET = "taro@example.com"
GOOD = csv(MESSAGES, message(1), message(2, person_id=SECRET), message(3))
ROWS = [dict(zip(MESSAGES.split(","), line.split(","), strict=True)) for line in GOOD.splitlines()[1:]]
LONG = GOOD + message(4, campaign="x" * (5 << 20)) + "\n"


def zipped() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("messages.csv", GOOD)
    return stream.getvalue()


BAD = {
    "empty file": ({"messages.csv": ""}, "messages.csv: the file is empty (0 bytes)"),
    "wrong delimiter": ({"messages.csv": GOOD.replace(",", ";")}, "Its only column holds ';': set delimiter in exports.toml"),
    "missing column": (
        {"messages.csv": GOOD.replace("sent_at", "sent")},
        "messages.csv, line 1: column 'sent_at' of table messages is missing. Add it to the export, or map it",
    ),
    "two missing columns": ({"messages.csv": csv("a,b", f"{SECRET},1")}, "(and 5 more: person_id, channel"),
    "no header": ({"messages.csv": f"{SECRET},{SECRET},x\n"}, "messages.csv, line 1: column 'message_id'"),
    "only a line break": ({"messages.csv": "\n"}, "messages.csv, line 1: column 'message_id'"),
    "duplicate column": (
        {"messages.csv": csv(f"{MESSAGES},system", message(1) + ",x")},
        "messages.csv, line 1: column 'system' stands twice",
    ),
    "Parquet as .csv": ({"messages.csv": parquet(ROWS)}, "text was expected, the bytes say Parquet"),
    "gzip as .csv": ({"messages.csv": gzip.compress(GOOD.encode())}, "text was expected, the bytes say gzip"),
    "zip as .csv": ({"messages.csv": zipped()}, "text was expected, the bytes say zip (a workbook?)"),
    "text as .gz": ({"messages.csv.gz": GOOD}, "gzip was expected, the bytes say text"),
    "gzip as .zst": ({"messages.csv.zst": gzip.compress(GOOD.encode())}, "Zstandard was expected, the bytes say gzip"),
    "text as .parquet": ({"messages.parquet": GOOD}, "messages.parquet: not what its name says: Parquet was expected"),
    "Parquet cut off": ({"messages.parquet": parquet(ROWS)[:-30]}, "messages.parquet: damaged or cut off"),
    "Parquet damaged": (
        {"messages.parquet": parquet(ROWS)[:40] + b"\xff" * 200 + parquet(ROWS)[240:]},
        "messages.parquet: ",
    ),
    "gzip cut off": ({"messages.csv.gz": gzip.compress(GOOD.encode() * 999)[:-9]}, "damaged or cut off"),
    "zstd cut off": ({"messages.csv.zst": pa.compress(GOOD.encode(), codec="zstd", asbytes=True)[:-5]}, "damaged or cut off"),
    "Latin-1 bytes": (
        {"messages.csv": GOOD.replace("p3", "Ren\u00e9").encode("latin-1")},
        "messages.csv, line 4: bytes that are not utf-8. Save the export as UTF-8, or name its encoding",
    ),
    "Shift_JIS bytes": ({"messages.csv": GOOD.replace("p3", "太郎").encode("shift_jis")}, "line 4: bytes that are not utf-8"),
    "UTF-16 bytes": ({"messages.csv": GOOD.encode("utf-16")}, "line 1: bytes that are not utf-8"),
    "UTF-8 cut inside a character": ({"messages.csv": GOOD.encode() + "太".encode()[:2]}, "line 5: bytes that are not utf-8"),
    "NUL bytes": ({"messages.csv": GOOD.replace("autumn", "au\0mn")}, "a NUL byte; this is not text"),
    "endless line": ({"messages.csv": LONG}, "messages.csv, line 5: longer than 4 MiB"),
    "endless JSON line": ({"messages.jsonl": '{"a": "' + "x" * (5 << 20)}, "longer than 4 MiB"),
    "carriage returns alone": ({"messages.csv": GOOD.replace("\n", "\r")}, "its lines end with a carriage return alone"),
    "unclosed quote": ({"messages.csv": GOOD.replace("p3", '"p3')}, "messages.csv, line 4: a quote is opened and not closed"),
    "quote inside a field": ({"messages.csv": GOOD.replace("p3", 'p"3')}, "messages.csv, line 4: a quote is opened"),
    "two quotes inside fields, far apart": (
        {"messages.csv": GOOD.replace("m1,", 'm"1,').replace("m3,", 'm"3,')},
        "messages.csv, line 2: a quote is opened",
    ),
    "text after a quote": ({"messages.csv": GOOD.replace("p3", '"p"3')}, "messages.csv, line 4: a quote is opened"),
    "JSON that holds no object": ({"messages.jsonl": f'["{SECRET}"]\n'}, "messages.jsonl, line 1: no JSON object"),
    "JSON array over lines": ({"messages.jsonl": "[\n" + ",\n".join(json_lines(ROWS).split("\n"))}, "messages.jsonl"),
    "JSON without a column": ({"messages.jsonl": json_lines([{"message_id": SECRET}])}, "column 'person_id'"),
    "nothing to read": ({"README.txt": "hello", "planted.csv": "x"}, "no exports here. Expected <table>.csv"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_it_is_refused_with_one_clear_message(tmp_path, name):
    files, says = BAD[name]
    told = refused(tmp_path, files)
    assert says in told
    assert SECRET not in told
    assert "taro" not in told
    assert len(told) < 400
    assert not list((tmp_path / "stores").glob("*/store.json"))
    assert not list((tmp_path / "stores").glob(".making-*"))


def test_json_lines_that_are_no_object_are_quarantined_among_others(tmp_path):
    text = json_lines(ROWS) + '["x"]\n"x"\n{"message_id": \n{"message_id": "\\ud800"}\n' + "[" * 100_000 + "\n"
    store = keep(tmp_path, {"messages.jsonl": text})
    assert store.quarantined.select("source_row", "rule").rows() == [(row, "unreadable_row") for row in range(4, 9)]


def test_a_missing_folder_and_an_empty_folder(tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    with pytest.raises(InputError, match=r"no such folder\. Give the folder of the exports with --exports"):
        from pledgebook.book import open_store_of

        open_store_of(tmp_path / "nowhere", tmp_path / "policy.toml", environment={"PLEDGEBOOK_KEY": "k" * 40})
    assert "no exports here" in refused(tmp_path, {})


@pytest.mark.parametrize(
    "header", [MESSAGES, MESSAGES + "\n", MESSAGES + "\r\n\r\n", '"' + MESSAGES.replace(",", '","') + '"']
)
def test_a_header_without_rows_is_an_empty_table_and_no_error(tmp_path, header):
    store = keep(tmp_path, {"messages.csv": header})
    assert account(store) == {"messages.csv": (0, 0, 0, 0, 0)}
    assert not store.has("messages")
    beside = keep(
        tmp_path, {"messages.csv": header, "requests.csv": "request_id,person_id,kind,received_at\n"}, name="two"
    )
    assert beside.intake["rows_read"].sum() == 0


def test_an_empty_parquet_table_and_empty_json_lines(tmp_path):
    import polars as pl

    nothing = pl.DataFrame(schema=dict.fromkeys(MESSAGES.split(","), pl.String))
    assert account(keep(tmp_path, {"messages.parquet": parquet(nothing)})) == {"messages.parquet": (0, 0, 0, 0, 0)}
    assert "0 bytes" in refused(tmp_path, {"messages.jsonl": ""}, name="json")


def test_an_unknown_column_is_dropped_named_and_counted(tmp_path):
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES + ",phone,", message(1) + ",090-1234-5678,")})
    assert store.unknown_columns.rows() == [("messages.csv", "phone"), ("messages.csv", "")]
    assert account(store)["messages.csv"] == (1, 1, 0, 0, 0)


@pytest.mark.parametrize("name", ["missing column", "Latin-1 bytes", "unclosed quote", "zip as .csv"])
def test_the_command_line_says_it_and_exits_with_2(tmp_path, name, monkeypatch):
    files, says = BAD[name]
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "stores"))
    (tmp_path / "policy.toml").write_text(POLICY)
    exports = write(tmp_path / "exports", files)
    result = CliRunner().invoke(app, ["check", "--exports", str(exports), "--policy", str(tmp_path / "policy.toml")])
    assert result.exit_code == 2
    assert says in result.stderr.replace("\n", "")
    assert "taro" not in result.output


def test_the_command_line_names_what_was_dropped_and_what_is_empty(tmp_path, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "stores"))
    (tmp_path / "policy.toml").write_text(POLICY)
    files = {
        "messages.csv": csv(MESSAGES + ",phone", message(1) + ",1"),
        "consent_events.csv": CONSENT + "\n",
        "x.txt": "",
    }
    exports = write(tmp_path / "exports", files)
    result = CliRunner().invoke(app, ["check", "--exports", str(exports), "--policy", str(tmp_path / "policy.toml")])
    assert result.exit_code == 0
    assert "column 'phone' is not known; it was dropped" in result.stdout
    assert "consent_events.csv: a header and no rows" in result.stdout
    assert "Not read: x.txt" in result.stdout


@pytest.mark.parametrize("size", [1, 2, 3, 1000])
def test_a_character_that_a_chunk_ends_inside_is_whole_or_refused(tmp_path, monkeypatch, size):
    monkeypatch.setattr(inspection, "CHUNK", size)
    whole = csv(MESSAGES, message(1, campaign="太"), message(2)).encode()
    assert account(keep(tmp_path, {"messages.csv": whole})) == {"messages.csv": (2, 2, 0, 0, 0)}
    cut = whole.replace("太".encode(), "太".encode()[:2])
    assert "line 2: bytes that are not utf-8" in refused(tmp_path, {"messages.csv": cut})
