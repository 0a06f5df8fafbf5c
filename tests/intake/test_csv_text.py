"""Quotes and records of a CSV text: told as Python's csv module tells them, in chunks of any size."""

import csv
import io

from hypothesis import example, given
from hypothesis import strategies as st

from pledgebook.intake.csv_text import CsvText

CELLS = st.text(alphabet='a",\n ;é', max_size=4)
RECORDS = st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=6)


def read(text: bytes, size: int):
    """The line of the first stray quote, or of one left open; else rows and blank records."""
    told = CsvText(",")
    for start in range(0, len(text), size):
        if (stray := told.first_stray(text[start : start + size])) is not None:
            return ("stray", stray)
    if told.left_open() is not None:
        return ("open", told.left_open())
    return (told.rows(), told.blank_records())


@given(RECORDS, st.integers(1, 7), st.sampled_from(["\n", "\r\n"]), st.sampled_from([csv.QUOTE_ALL, csv.QUOTE_MINIMAL]))
def test_what_csv_writes_is_well_formed(records, size, ending, quoting):
    stream = io.StringIO(newline="")
    csv.writer(stream, lineterminator=ending, quoting=quoting).writerows(records)
    assert read(stream.getvalue().encode(), size) == (len(records) - 1, [])


@given(st.text(alphabet='a",\n', max_size=14), st.integers(1, 5))
def test_chunks_of_any_size_tell_the_same(text, size):
    assert read(text.encode(), size) == read(text.encode(), 1000)


def test_examples():
    assert read(b"\xef\xbb\xbfa,b\n1,2\n\n3,4", 1000) == (2, [2])
    assert read(b'a,b\r\n"1\r\n\r\n",2\r\n\r\n', 3) == (1, [2])
    assert read(b'a,b\n1,"2\n3,4\n', 1000) == ("open", 2)
    assert read(b'a,b\n1,"2\n3",4\n5,6"\n', 2) == ("stray", 4)
    assert read(b'a,b\n1,"2" \n', 9) == ("stray", 2)
    assert read(b"a,b\n", 1000) == read(b"a,b", 1000) == (0, [])


@given(st.text(alphabet='a,\n\t\r \u3000é"', max_size=14), st.integers(1, 5))
@example("a \ra", 1)
def test_fields_are_bare_where_trimming_changes_none(text, size):
    told = CsvText(",")
    chunks = [text.encode()[start : start + size] for start in range(0, len(text.encode()), size)]
    is_well_formed = all(told.first_stray(chunk) is None for chunk in chunks) and told.left_open() is None
    fields = [field for line in text.split("\n") for field in line.split(",")]
    is_trimmed = text.isascii() and '"' not in text and all(field == field.strip() for field in fields)
    assert not is_well_formed or told.is_bare() == is_trimmed


def test_spaces_inside_a_field_leave_it_bare():
    told = CsvText(",")
    assert told.first_stray(b"a,b\nx y, z\n") is None
    assert not told.is_bare()
    told = CsvText(",")
    assert told.first_stray(b"a,b\nx y,2026-01-01 09:00\n") is None
    assert told.is_bare()
