"""Write the golden tables afresh: `make golden`. Review the change as a diff before it is committed."""

from pathlib import Path

import polars as pl

from pledgebook.book import Book, open_book
from pledgebook.metrics.catalogue import METRICS
from pledgebook.publishing import INSTANT_FORMAT

FOLDER = Path(__file__).parent


def sample_book() -> Book:
    return open_book("data/sample", "2026-09", "2026-10-01T00:00:00+09:00", "data/policy.toml")


def names() -> list[str]:
    metrics = [table.name for metric in METRICS.values() for table in metric.tables]
    return ["intake", "quarantine", "notes", "scorecard", *metrics]


def as_text(table: pl.DataFrame) -> str:
    return table.write_csv(datetime_format=INSTANT_FORMAT)


if __name__ == "__main__":
    book = sample_book()
    for name in names():
        (FOLDER / f"{name}.csv").write_text(as_text(book.compute(name)), encoding="utf-8")
