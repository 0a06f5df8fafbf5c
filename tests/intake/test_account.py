"""Nothing is lost: every row read is kept, quarantined, a duplicate or superseded, whatever the rows."""

import csv as csv_module
import io
import random
import tempfile
from pathlib import Path

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from intake.exporting import account, json_lines, keep, kept, notes, parquet

HEADER = ["request_id", "person_id", "kind", "region", "received_at", "closed_at", "outcome", "denial_reason"]
TIMES = [
    "2026-09-01T00:00:00Z",
    "2026-09-01T09:00:00+09:00",
    "2026-09-02 08:00",
    "2026-09-03",
    "soon",
    "",
    "2026-12-01T00:00:00Z",
]
ROW = st.fixed_dictionaries(
    {
        "request_id": st.sampled_from(["r1", "r2", "r3", " r1 ", "r4", "a@b.jp", ""]),
        "person_id": st.sampled_from(["p1", "p2", "p3", "taro@example.jp", ""]),
        "kind": st.sampled_from(["deletion", "marketing_opt_out", "delete", ""]),
        "region": st.sampled_from(["JP", "jp", ""]),
        "received_at": st.sampled_from(TIMES),
        "closed_at": st.sampled_from(TIMES),
        "outcome": st.sampled_from(["denied", "", "Denied"]),
        "denial_reason": st.sampled_from(["", "090-1234-5678", "not; ours, \"really\"\nnot"]),
    }
)  # fmt: skip
EXPORTS = st.lists(st.lists(ROW, max_size=8), min_size=1, max_size=3)
NAMES = ["requests-2026-09-30", "requests-2026-10-31", "requests-b"]
QUIET = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def as_csv(rows):
    stream = io.StringIO(newline="")
    writer = csv_module.DictWriter(stream, HEADER, lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return stream.getvalue()


def as_parquet(rows):
    return parquet(pl.DataFrame(rows, schema=dict.fromkeys(HEADER, pl.String)))


def opened(files, **how):
    with tempfile.TemporaryDirectory() as folder:
        store = keep(Path(folder), files, **how)
        columns = kept(store, "requests").columns[:-2]
        rows = kept(store, "requests").select(columns).sort(columns)
        rules = store.quarantined["rule"].value_counts().sort("rule").rows()
        return account(store), rows.rows(), rules, notes(store)


@QUIET
@given(EXPORTS)
def test_the_account_adds_up_for_every_source(exports):
    files = {f"{name}.csv": as_csv(rows) for name, rows in zip(NAMES, exports, strict=False)}
    told, rows, *_ = opened(files)
    for name, exported in zip(NAMES, exports, strict=False):
        read, *parts = told[f"{name}.csv"]
        assert read == sum(parts) == len(exported)
    assert len(rows) == sum(parts[1] for parts in told.values())
    assert len({row[0] for row in rows}) == len(rows)


@QUIET
@given(EXPORTS, st.sampled_from([1, 2, 8]), st.randoms(use_true_random=False))
def test_order_format_and_shards_change_nothing(exports, shards, chance: random.Random):
    plain = opened({f"{name}.csv": as_csv(rows) for name, rows in zip(NAMES, exports, strict=False)})
    files = {}
    for name, rows in zip(NAMES, exports, strict=False):
        mixed = chance.sample(rows, len(rows))
        ending = chance.choice(["csv", "parquet", "jsonl"] if mixed else ["csv", "parquet"])
        files[f"{name}.{ending}"] = {"csv": as_csv, "parquet": as_parquet, "jsonl": json_lines}[ending](mixed)
    again = opened(files, shards=shards)
    assert plain[1:] == again[1:]
    assert sorted(plain[0].values()) == sorted(again[0].values())


@QUIET
@given(st.lists(ROW, max_size=12), st.integers(1, 3))
def test_parts_change_no_sum(rows, parts):
    whole = opened({"requests.csv": as_csv(rows)})
    cut = opened({f"requests-{part}.csv": as_csv(rows[part::parts]) for part in range(parts)})
    assert whole[1:] == cut[1:]
    assert [sum(column) for column in zip(*whole[0].values(), strict=True)] == [
        sum(column) for column in zip(*cut[0].values(), strict=True)
    ]


def test_batches_change_nothing(tmp_path, monkeypatch):
    chance = random.Random(7)
    rows = [{n: chance.choice(["r", "p1", "deletion", "JP", *TIMES]) for n in HEADER} for _ in range(500)]
    rows = [row | {"request_id": f"r{chance.randrange(300)}", "kind": "deletion"} for row in rows]
    whole = opened({"requests.csv": as_csv(rows)})
    monkeypatch.setattr("pledgebook.intake.staging.BATCH", 37)
    monkeypatch.setattr("pledgebook.intake.keys.CUT", 50)
    monkeypatch.setattr("pledgebook.intake.cutting.HELD", 90)
    assert opened({"requests.csv": as_csv(rows)}, shards=4) == whole
