"""Every table of the sample is what was reviewed and committed."""

import pytest

from tests.golden.update import FOLDER, as_text, names, sample_book


@pytest.fixture(scope="module")
def book():
    return sample_book()


@pytest.mark.parametrize("name", names())
def test_table_of_the_sample_is_as_reviewed(book, name):
    assert as_text(book.compute(name)) == (FOLDER / f"{name}.csv").read_text(encoding="utf-8")


def test_no_golden_table_is_left_over():
    assert {file.stem for file in FOLDER.glob("*.csv")} == set(names())
