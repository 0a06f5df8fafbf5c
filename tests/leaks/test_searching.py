"""The search finds every canary in every writing and packing: a leak test that finds nothing must be able to find."""

import base64
import gzip
import hashlib
import html
import io
import json
import zipfile
from urllib.parse import quote

import polars as pl
import pyarrow as pa
import pytest

from tests.leaks.canaries import KINDS, Canaries
from tests.leaks.searching import Search

BEFORE, AFTER = "told of ", " and so on"


def zipped(data: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inner.txt", data)
    return stream.getvalue()


def as_parquet(text: str) -> bytes:
    stream = io.BytesIO()
    labels = ["a", text] * 20
    pl.DataFrame({"label": labels, "kind": pl.Series(labels, dtype=pl.Categorical)}).write_parquet(stream)
    return stream.getvalue()


def as_dictionary_that_no_row_uses(text: str) -> bytes:
    stream = io.BytesIO()
    column = pa.DictionaryArray.from_arrays(pa.array([0, 0], pa.int32()), pa.array(["a", text]))
    pa.parquet.write_table(pa.table({"label": column}), stream)
    return stream.getvalue()


def notebook(text: str) -> bytes:
    cell = {"cell_type": "code", "outputs": [{"text": [text[: len(text) // 2], text[len(text) // 2 :]]}]}
    return json.dumps({"cells": [cell]}).encode()


def encoded_at(shift: int):
    return lambda text: b"data:" + base64.b64encode(b"x" * shift + text.encode() + b"yy")


WRITINGS = {
    "as it is": str.encode,
    "upper case": lambda text: text.upper().encode(),
    "lower case": lambda text: text.lower().encode(),
    "UTF-16": lambda text: text.encode("utf-16"),
    "UTF-16, big end first": lambda text: text.encode("utf-16-be"),
    "JSON escapes": lambda text: json.dumps(text).encode(),
    "JSON escapes, twice": lambda text: json.dumps(json.dumps(text)).encode(),
    "HTML entities": lambda text: "".join(f"&#{ord(sign)};" for sign in text).encode(),
    "HTML escapes": lambda text: html.escape(text).encode(),
    "url escapes": lambda text: quote(text, safe="").encode(),
    "url escapes in HTML": lambda text: html.escape(quote(text, safe="")).encode(),
    "repr of bytes": lambda text: repr(text.encode()).encode(),
    "base64": encoded_at(0),
    "base64, one off": encoded_at(1),
    "base64, two off": encoded_at(2),
    "base64 in lines": lambda text: base64.encodebytes(b"x" * 100 + text.encode() + b"y" * 100),
    "base64 for urls": lambda text: base64.urlsafe_b64encode(b"?>" + text.encode() + b"?>?>?>"),
    "gzip": lambda text: gzip.compress(text.encode()),
    "gzip behind something": lambda text: b"head" + gzip.compress(text.encode()),
    "gzip in base64": lambda text: base64.b64encode(gzip.compress(text.encode())),
    "zstd": lambda text: pa.compress(text.encode(), codec="zstd", asbytes=True),
    "zstd behind something": lambda text: b"head" + pa.compress(text.encode(), codec="zstd", asbytes=True),
    "zip": lambda text: zipped(text.encode()),
    "Parquet": as_parquet,
    "Parquet in zip": lambda text: zipped(as_parquet(text)),
    "a dictionary that no row uses": as_dictionary_that_no_row_uses,
    "notebook, cut into lines": notebook,
    "a chart's data in a page": lambda text: f"<script>{json.dumps([{'x': text}])}</script>".encode(),
}  # fmt: skip
SPLITS = {
    "split by spaces": lambda text: " ".join(text).encode(),
    "split by line breaks": lambda text: "\n".join(text).encode(),
    "split by dashes": lambda text: "‐".join(text).encode(),
    "split by nothing that is seen": lambda text: "\u200b".join(text).encode(),
}


def found(kind: str, written, before: str = BEFORE, after: str = AFTER) -> list[str]:
    canaries = Canaries()
    text = canaries.new("table.column", kind)
    return Search(canaries).in_bytes(written(f"{before}{text}{after}"))


@pytest.mark.parametrize("writing", WRITINGS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_canary_is_found(kind, writing):
    assert found(kind, WRITINGS[writing])


@pytest.mark.parametrize("writing", SPLITS)
@pytest.mark.parametrize("kind", KINDS)
def test_a_canary_that_was_taken_apart_is_found(kind, writing):
    if kind != "birth date" or writing in ("split by spaces", "split by line breaks"):
        assert found(kind, SPLITS[writing])


@pytest.mark.parametrize(
    "writing", ["as it is", "upper case", "base64, one off", "gzip", "Parquet", "notebook, cut into lines"]
)
def test_a_key_is_found(writing):
    assert Search(Canaries(secrets=["a0" * 32])).in_bytes(WRITINGS[writing](f"{BEFORE}{'a0' * 32}{AFTER}"))


def test_a_phone_that_became_a_number_is_found():
    canaries = Canaries()
    text = canaries.new("incidents.people_affected", "phone, digits alone")
    stream = io.BytesIO()
    pl.DataFrame({"n": [1, int(text), 3]}).write_parquet(stream)
    assert Search(canaries).in_bytes(stream.getvalue())


def test_where_a_link_leads_is_searched(tmp_path):
    (tmp_path / "report").symlink_to("/nowhere/canary")
    assert len(Search(Canaries()).below(tmp_path)) == 1


@pytest.mark.parametrize("encoding", ["cp932", "euc_jp"])
@pytest.mark.parametrize("kind", ["name", "free text", "email", "phone", "card", "birth date"])
def test_a_canary_in_a_japanese_encoding_is_found(kind, encoding):
    assert found(kind, lambda text: text.encode(encoding))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("writing", ["as it is", "gzip", "notebook, cut into lines", "base64"])
def test_nothing_is_found_where_nothing_is(kind, writing):
    canaries = Canaries()
    canaries.new("table.column", kind)
    assert (
        Search(canaries).in_bytes(WRITINGS[writing]("told of nobody on 2026-09-01, 03-1234-5678, taro@example.com"))
        == []
    )


@pytest.mark.parametrize("form", ["hex", "raw", "number", "base64", "in Parquet"])
@pytest.mark.parametrize("name", ["sha256", "md5"])
@pytest.mark.parametrize("kind", ["id", "email", "name", "phone in wide digits"])
def test_a_hash_without_a_key_is_found(kind, name, form):
    canaries = Canaries()
    canaries.ids.append(canaries.new("people.person_id", kind))
    digest = hashlib.new(name, canaries.ids[0].encode()).digest()
    number = int.from_bytes(digest[:8], "big")
    stream = io.BytesIO()
    pl.DataFrame({"person": pl.Series([1, number, 3] * 9, dtype=pl.UInt64)}).write_parquet(stream)
    told = {
        "hex": digest.hex().upper().encode(),
        "raw": b"\0\1" + digest + b"\2",
        "number": f"person={number};".encode(),
        "base64": base64.b64encode(digest),
        "in Parquet": stream.getvalue(),
    }[form]
    assert Search(canaries).in_bytes(told)


def test_names_of_files_and_folders_are_searched(tmp_path):
    canaries = Canaries()
    search = Search(canaries)
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "report.txt").write_text("nothing")
    assert search.below(tmp_path) == []
    (tmp_path / "a" / "messages-canary@x.csv").write_text("nothing")
    assert len(search.below(tmp_path)) == 1
