"""Exports that cannot be read, broken at a canary: no message, traceback, log or folder tells it."""

import gzip
import io
import json
import traceback

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from intake.exporting import KEY, MESSAGES, POLICY, csv, json_lines, keep, message, write
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.report import evidence
from pledgebook.report.findings import Finding
from tests.leaks.canaries import KINDS, PATTERNS, Canaries
from tests.leaks.searching import Search

CANARIES = Canaries()
TEXTS = {kind: CANARIES.new("an export", kind) for kind in KINDS}
CANARIES.ids += TEXTS.values()
SEARCH = Search(CANARIES)
EVERY = list(TEXTS.values())
GOOD = csv(MESSAGES, *[message(n, person_id=f'"{text}"') for n, text in enumerate(EVERY)])
ROWS = [
    dict(zip(MESSAGES.split(","), message(n).split(","), strict=True)) | {"person_id": t} for n, t in enumerate(EVERY)
]
LINES = json_lines(ROWS)
CELLS = ",".join(f'"{text}"' for text in EVERY)


def parquet(rows=ROWS, metadata=None, **columns) -> bytes:
    stream = io.BytesIO()
    table = pa.Table.from_pylist([row | columns for row in rows])
    pq.write_table(table.replace_schema_metadata(metadata or {}), stream, compression="none")
    return stream.getvalue()


def mapping(*lines: str) -> dict[str, str]:
    return {
        "exports.toml": "\n".join(['[[source]]\nname = "m"\ntable = "messages"\nfiles = "m.csv"', *lines]),
        "m.csv": GOOD,
    }


def flipped(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]


WHOLE = parquet()
BROKEN = {
    "a quote that is not closed": {"messages.csv": GOOD + f'"{CELLS}'},
    "a quote inside a field": {"messages.csv": GOOD + f'{EVERY[0]}"{EVERY[1]},x\n'},
    "text behind a quote": {"messages.csv": GOOD + f'"{EVERY[0]}"{EVERY[7]},x\n'},
    "no header": {"messages.csv": GOOD.split("\n", 1)[1]},
    "canaries as header": {"messages.csv": f"{CELLS}\n{CELLS}\n"},
    "a column twice, a canary": {"messages.csv": csv(f"{MESSAGES},{EVERY[0]},{EVERY[0]}", message(1) + ",x,y")},
    "another delimiter": {"messages.csv": GOOD.replace(",", ";")},
    "Shift_JIS": {"messages.csv": GOOD.encode("cp932", "replace")},
    "UTF-16": {"messages.csv": GOOD.encode("utf-16")},
    "a NUL": {"messages.csv": GOOD + f"{EVERY[0]}\0"},
    "an endless line": {"messages.csv": GOOD + CELLS * 30_000},
    "thousands of columns": {"messages.csv": f"{MESSAGES},{CELLS * 300}\n{CELLS}\n"},
    "lines ending with returns": {"messages.csv": GOOD.replace("\n", "\r")},
    "JSON that is no object": {"messages.jsonl": f'"{EVERY[0]}"\n["{EVERY[7]}"]\n'},
    "JSON without a column": {"messages.jsonl": json_lines([{text: text for text in EVERY}])},
    "JSON of thousands of names": {"messages.jsonl": json_lines([{f"{EVERY[7]}{n}": 1 for n in range(3000)}])},
    "an endless JSON line": {"messages.jsonl": LINES + '{"a": "' + EVERY[0] * 300_000},
    "gzip cut off": {"messages.csv.gz": gzip.compress(GOOD.encode() * 50)[:-9]},
    "gzip damaged": {"messages.jsonl.gz": flipped(gzip.compress(LINES.encode()), 40)},
    "zstd cut off": {"messages.csv.zst": pa.compress(GOOD.encode(), codec="zstd", asbytes=True)[:-5]},
    "Parquet cut off": {"messages.parquet": WHOLE[:-20]},
    "Parquet cut in the middle": {"messages.parquet": WHOLE[: len(WHOLE) // 2] + WHOLE[-300:]},
    "Parquet without a column": {"messages.parquet": parquet([{text: text for text in EVERY}])},
    "Parquet of records": {"messages.parquet": parquet(system={EVERY[0]: EVERY[7]})},
    "text as Parquet": {"messages.parquet": GOOD},
    "a file named after a canary": {f"messages-{TEXTS['email']}.csv": GOOD},
    "a file named after a phone": {f"messages-{TEXTS['phone']}.csv": GOOD},
    "a folder's file named after a card": {f"messages/{TEXTS['card']}.csv": GOOD},
    "a mapping of another file": {**mapping(f'delimiter = "{EVERY[0]}"'), "x.csv": GOOD},
}  # fmt: skip
UNUSUAL = {
    "unknown columns named after canaries": {
        "messages.csv": csv(f"{MESSAGES},{TEXTS['email']},{TEXTS['card']}", message(1) + ",x,y")
    },
    "JSON names that are canaries": {"messages.jsonl": json_lines([ROWS[0] | dict.fromkeys(EVERY, 1), *ROWS[1:]])},
    "broken JSON lines": {"messages.jsonl": LINES + f'{{"person_id": "{EVERY[0]}", \n"{EVERY[7]}"\n[1]\n'},
    "rows that are too long": {"messages.csv": GOOD + f"{message(90)},{CELLS}\n"},
    "rows that are too short": {"messages.csv": GOOD + "\n".join(f'"{text}"' for text in EVERY)},
    "remarks in Parquet": {"messages.parquet": parquet(metadata={b"note": EVERY[0].encode(), EVERY[7].encode(): b"x"})},
    "lists in Parquet": {"messages.parquet": parquet(system=["x", TEXTS["email"]])},
    "keys in conflict": {"messages.csv": csv(MESSAGES, *[message(1, person_id=f'"{text}"') for text in EVERY])},
}  # fmt: skip
TOML = {
    "encoding": 'encoding = "{}"',
    "timezone": 'timezone = "{}"',
    "format": 'format = "{}"',
    "time": 'timestamp_format = "{}"',
    "delimiter": 'delimiter = "{}"',
    "date": 'exported_at = "{}"',
    "key": '"{}" = 1',
    "column": '[source.columns]\n"{}" = "x"',
    "column of the file": '[source.columns]\nsystem = "{}"',
    "value": '[source.values.channel]\n"{}" = 3',
    "values of": '[source.values."{}"]\nx = "y"',
    "pick": '[source.pick]\nsystem = "{}"',
    "one row per": 'one_row_per = "{}"',
    "no TOML": "{} = 1",
    "twice": '"{0}" = 1\n"{0}" = 2',
    "table again": '[source."{0}"]\n[source."{0}"]',
    "another source": '[[source]]\nname = "{}"\ntable = "people"\nfiles = "x.csv"',
    "files": '[[source]]\nname = "n"\ntable = "people"\nfiles = "{}.csv"',
    "table": '[[source]]\nname = "n"\ntable = "{}"\nfiles = "m.csv"',
}
PROMISE = '[[promise]]\nid = "x"\nclause = "1"\ntitle = "t"\nfigure = "{0}"\nat_most = 0\n'
POLICIES = {
    "name of a key": ('name = "Example"', 'name = "Example"\n"{}" = 1'),
    "timezone": ("Asia/Tokyo", "{}"),
    "regime": ('"APPI"', '"{}"'),
    "marketing regime": ("JP_SPECIFIED_EMAIL", "{}"),
    "marketing purpose": ('purpose = "marketing"', 'purpose = "{}"'),
    "number": ("valid_days = 730", 'valid_days = "{}"'),
    "flag": ("needs_consent = true", 'needs_consent = "{}"'),
    "no TOML": ("[marketing]", "[marketing] {}"),
    "region": ("[marketing]", '[company.by_region]\n"{0}" = "{0}"\n[marketing]'),
    "company": ('name = "Example"', 'name = "Call {}"'),
    "title": ('title = "Advertise"', 'title = "{}"'),
    "clause": ('clause = "(2)"', 'clause = "{}"'),
    "item": ("valid_days = 730", 'items = ["name", "{}"]'),
    "notice": ("valid_days = 730", 'notice_versions = [{{ id = "{}" }}]'),
    "promise": ("[marketing]", '[[promise]]\nid = "x"\nclause = "1"\ntitle = "{}"\nreason = "y"\n[marketing]'),
    "reason": ("[marketing]", '[[promise]]\nid = "x"\nclause = "1"\ntitle = "t"\nreason = "ask {}"\n[marketing]'),
    "figure": ("[marketing]", PROMISE + "[marketing]"),
    "figure of no table": ("[marketing]", PROMISE.replace('"{0}"', '"x[a={0}].y"') + "[marketing]"),
}


def told(tmp_path, capfd, files, policy: str = POLICY) -> tuple[int, bytes]:
    """What a refusal says, on the command line and to Python; and the exit code."""
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    (tmp_path / "policy.toml").write_text(policy)
    words = ["check", "--exports", str(write(tmp_path / "exports", files)), "--policy", str(tmp_path / "policy.toml")]
    result = CliRunner().invoke(app, words, env=environment)
    trace = "".join(traceback.format_exception(result.exception)) if result.exception is not None else ""
    try:
        keep(tmp_path, files, policy=policy, name="again")
    except InputError as fault:
        trace += "".join(traceback.format_exception(fault))
    captured = capfd.readouterr()
    return result.exit_code, "\n".join([result.output, captured.out, captured.err, trace]).encode()


@pytest.mark.parametrize("name", BROKEN)
def test_a_refusal_shows_nobody(tmp_path, capfd, name):
    code, said = told(tmp_path, capfd, BROKEN[name])
    assert code == 2
    assert SEARCH.in_bytes(said) == []
    assert SEARCH.below(tmp_path / "stores") == []


@pytest.mark.parametrize("name", UNUSUAL)
def test_what_is_kept_of_unusual_exports_shows_nobody(tmp_path, capfd, name):
    code, said = told(tmp_path, capfd, UNUSUAL[name])
    assert code == 0
    assert SEARCH.in_bytes(said) == []
    assert SEARCH.below(tmp_path / "stores") == []


def test_a_store_keeps_no_path_of_the_exports(tmp_path):
    folder = f"of {TEXTS['email']}"
    keep(tmp_path, {"messages.csv": GOOD}, name=folder)
    assert len(list((tmp_path / "stores").rglob("*.*"))) > 10
    assert SEARCH.below(tmp_path / "stores") == []


@pytest.mark.parametrize("name", TOML)
def test_a_mapping_is_refused_without_what_it_quotes(tmp_path, capfd, name):
    for kind in ("email", "phone", "card"):
        code, said = told(tmp_path, capfd, mapping(TOML[name].format(TEXTS[kind])))
        assert code == 2
        assert SEARCH.in_bytes(said) == []


@pytest.mark.parametrize("name", POLICIES)
def test_a_policy_is_refused_without_what_it_quotes(tmp_path, capfd, name):
    before, after = POLICIES[name]
    for kind in ("email", "phone", "card"):
        assert before in POLICY
        code, said = told(tmp_path, capfd, {"messages.csv": GOOD}, POLICY.replace(before, after.format(TEXTS[kind]), 1))
        assert code == 2
        assert SEARCH.in_bytes(said) == []


@pytest.mark.parametrize("kind", PATTERNS)
def test_an_error_hides_what_its_author_let_it_quote(kind):
    assert SEARCH.in_bytes(f"'{TEXTS[kind]}' is wrong".encode())
    assert SEARCH.in_bytes(str(InputError(f"x.csv, line 3: '{TEXTS[kind]}' is wrong. Mend it.")).encode()) == []
    assert str(InputError(f"x.csv, line 3: '{TEXTS[kind]}' is wrong.")).startswith("x.csv, line 3: '")


@pytest.mark.parametrize("kind", PATTERNS)
def test_what_verify_finds_hides_what_the_name_of_a_file_tells(kind):
    found = Finding("added", f"tables/{TEXTS[kind]}.csv", f"beside {TEXTS[kind]}")
    assert found.in_words().startswith("added: ")
    assert SEARCH.in_bytes(found.in_words().encode()) == []
    assert SEARCH.in_bytes(json.dumps(found.as_json()).encode()) == []


def test_a_manifest_names_its_maker_but_for_an_address(monkeypatch):
    for name, told in (("taro", "taro"), (TEXTS["email"], "(hidden)")):
        monkeypatch.setattr("getpass.getuser", lambda name=name: name)
        assert evidence._user() == told
