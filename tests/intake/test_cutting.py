"""How a part's rows lie: by month, in it by person, instant and row; and what is told of them whatever came first."""

import random

import polars as pl
from intake.exporting import MESSAGES, csv, keep, message

AT = [
    "0001-01-02T00:00:00Z", "0999-12-31T23:59:59.999999Z", "1969-12-31T23:59:59.999999Z", "1970-01-01T00:00:00Z",
    "2026-08-31T23:59:59.999999Z", "2026-09-01T00:00:00Z", "2026-09-01T00:00:00Z", "2026-09-30T23:59:59Z", "9999-12-29T00:00:00Z",
]  # fmt: skip


def test_rows_of_a_month_lie_together_by_person_instant_and_row(tmp_path):
    lines = [message(10 * n + m, at, person_id=f"p{n}") for n in range(5) for m, at in enumerate(AT)]
    random.Random(1).shuffle(lines)
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES, *lines)}, shards=2)
    files = store.catalogue.filter(pl.col("table") == "messages")
    assert files["rows"].sum() == len(lines)
    assert sorted(set(files["month"])) == sorted({at[:7] for at in AT})
    for path, month in files.select("path", "month").iter_rows():
        rows = pl.read_parquet(tmp_path / "stores" / path, hive_partitioning=False)
        assert {f"{at.year:04}-{at.month:02}" for at in rows["sent_at"].dt.date()} == {month}
        assert rows.equals(rows.sort("person", "sent_at", "source_row"))
