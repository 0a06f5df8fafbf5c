"""Rows of any text, written by Python's own CSV and JSON writers in any style: what is kept is what was written."""

import csv
import io
import json

import polars as pl
from hypothesis import example, given
from hypothesis import strategies as st

from tests.hostile.taking_in import few, person_of, rows_of, take_in

FEW = few(10)
NAMES = ["message_id", "person_id", "channel", "campaign", "category", "system", "sent_at"]
ODD = [
    '"',
    '""',
    ",",
    "\n",
    "\r\n",
    "\\",
    "'",
    ";",
    "\t",
    "a,b",
    '"x"',
    "\u2028",
    "\u0085",
    "🙂",
    "e\u0301",
    "=1+1",
    "-",
    "NULL",
    "{",
    "#x",
]
texts = st.lists(st.sampled_from([*ODD, *"abcäöü日本 "]), min_size=1, max_size=6).map("".join)
cells = st.tuples(texts, texts, texts, texts)
QUOTINGS = [csv.QUOTE_ALL, csv.QUOTE_MINIMAL, csv.QUOTE_NONNUMERIC]
styles = st.tuples(st.sampled_from(QUOTINGS), st.sampled_from(["\n", "\r\n"]), st.booleans(), st.booleans())


def written(rows: list[list[str]], style) -> bytes:
    quoting, ending, has_mark, has_end = style
    stream = io.StringIO(newline="")
    csv.writer(stream, quoting=quoting, lineterminator=ending).writerows([NAMES, *rows])
    text = stream.getvalue() if has_end else stream.getvalue().removesuffix(ending)
    return text.encode("utf-8-sig" if has_mark else "utf-8")


def as_rows(told) -> list[list[str]]:
    """Ids that differ, so that none is a duplicate; text that is more than white space, without lone returns."""
    rows = []
    for number, row in enumerate(told):
        ident, person, campaign, system = ("x" + cell.replace("\r\n", "\n") + "x" for cell in row)
        rows.append([f"{ident}{number}", person, "email", campaign, "marketing", system, "2026-09-01T00:00:00Z"])
    return rows


def assert_kept(rows: list[list[str]], files) -> None:
    def look(store):
        return rows_of(store, "messages"), store.quarantined["rule"].to_list()

    kept, fallen = take_in(files, look)
    assert fallen == []
    found = {row["source_row"]: row for row in kept}
    assert sorted(found) == list(range(1, len(rows) + 1))
    for number, (ident, person, _, campaign, _, system, _) in enumerate(rows, start=1):
        row = found[number]
        assert [row["message_id"], row["campaign"], row["system"]] == [ident, campaign, system]
        assert row["person"] == person_of(person)


@FEW
@given(st.lists(cells, min_size=1, max_size=24), styles)
@example([("a\nb", 'c"d', "e,f", "g\n\nh")] * 3, (csv.QUOTE_MINIMAL, "\r\n", True, False))
def test_csv_of_any_style_is_read_as_it_was_written(told, style):
    rows = as_rows(told)
    assert_kept(rows, {"messages.csv": written(rows, style)})


@FEW
@given(st.lists(cells, min_size=1, max_size=24), st.booleans())
def test_json_lines_are_read_as_they_were_written(told, is_ascii):
    rows = as_rows(told)
    lines = [json.dumps(dict(zip(NAMES, row, strict=True)), ensure_ascii=is_ascii) for row in rows]
    assert_kept(rows, {"messages.jsonl": "\n".join(lines)})


@FEW
@given(st.lists(cells, min_size=1, max_size=24))
def test_parquet_is_read_as_it_was_written(told):
    rows, stream = as_rows(told), io.BytesIO()
    pl.DataFrame([dict(zip(NAMES, row, strict=True)) for row in rows]).write_parquet(stream)
    assert_kept(rows, {"messages.parquet": stream.getvalue()})
