"""The sample is the same each time, has every planted breach, and nothing else is at fault."""

from __future__ import annotations

import csv
from collections import Counter
from datetime import timedelta
from pathlib import Path

import pytest
from sample_reckoning import TOKYO, Exports, Reckoning, at, month_of

from pledgebook.errors import InputError
from pledgebook.sample import make_sample, making
from pledgebook.sample.clock import Month
from pledgebook.sample.layout import LAYOUT
from pledgebook.tables import TABLES

COMMITTED = Path(__file__).parents[2] / "data" / "sample"
NATIVE = {
    "person": "person_id",
    "employee": "employee_id",
    "has_reason": "reason",
    "host": "url",
    "path": None,
}
NATIVE |= {"outbound_host": "outbound_url", "has_personal_data_in_url": None}
COUNTED = {
    "marketing_messages": ("after_opt_out", "no_consent", "expired", "outdated"),
    "opt_outs": ("breached", "not_suppressed"),
    "request_turnaround": ("late", "overdue_open", "unverified_answers"),
    "consent_gap": ("coverage",),
    "disclosures": (
        "unknown_recipient", "unknown_basis", "no_consent", "no_contract", "no_legal_reference",
        "not_recorded", "undeclared_purpose",
    ),
}  # fmt: skip
LATER = {
    "purpose_limitation": ("undeclared_purpose", "undeclared_item"),
    "processor_oversight": ("without_contract", "not_reviewed"),
    "incidents": ("preliminary_late", "final_late", "people_late", "not_reviewed"),
    "training": ("trained_ratio",),
    "record_access": ("after_leaving", "without_reason"),
    "cookies": ("beyond_necessary", "personal_data_in_url"),
}
MONTHS = [Month(2025 + number // 12, number % 12 + 1).name for number in range(3, 21)]


def read(folder: Path, table: str) -> list[dict]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def contents(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in sorted(folder.glob("*.csv"))}


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> dict[str, Path]:
    """Samples by name; `three blocks` is cut small, so that people, ids and breaches cross blocks."""
    made = {}
    wanted = {"smallest": (200, 5), "smallest again": (200, 5), "other seed": (200, 6), "usual": (2_500, 9)}
    for name, (people, seed) in wanted.items():
        made[name] = tmp_path_factory.mktemp("sample")
        make_sample(people, seed, made[name])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(making, "BLOCK", 500)
        made["three blocks"] = tmp_path_factory.mktemp("sample")
        made["one block"] = tmp_path_factory.mktemp("sample")
        make_sample(1_700, 3, made["three blocks"])
        make_sample(500, 3, made["one block"])
    return made | {"committed": COMMITTED}


def test_same_seed_same_bytes(folders):
    assert contents(folders["smallest"]) == contents(folders["smallest again"])
    assert contents(folders["smallest"])["messages.csv"] != contents(folders["other seed"])["messages.csv"]


def test_committed_sample_is_what_its_readme_says(tmp_path):
    assert "--people 3000 --seed 2026" in (COMMITTED / "README.md").read_text("utf-8")
    make_sample(3_000, 2026, tmp_path)
    assert contents(tmp_path) == contents(COMMITTED)


def test_committed_sample_is_small_and_has_its_key():
    assert sum(file.stat().st_size for file in COMMITTED.iterdir()) < 6_000_000
    assert len((COMMITTED / "demonstration.key").read_text("utf-8").strip()) >= 32


@pytest.mark.parametrize("table", TABLES)
def test_columns_are_those_of_the_native_layout(table, folders):
    expected = {NATIVE.get(name, name) for name in TABLES[table].columns} - {None}
    with (folders["smallest"] / f"{table}.csv").open(encoding="utf-8") as file:
        assert set(file.readline().strip().split(",")) == expected
    assert read(folders["smallest"], table) or table == "request_pauses"


@pytest.mark.parametrize("name", ["smallest", "usual", "three blocks", "committed"])
def test_all_planted_are_found_and_none_besides(name, folders):
    """For each month and figure of sections 3.2 to 3.5: as many cases as `planted.csv` lists."""
    planted = Counter(
        (row["period"], row["expect_table"], row["expect_column"]) for row in read(folders[name], "planted")
    )
    reckoning = Reckoning(Exports(folders[name]))
    for month in MONTHS:
        figures = reckoning.figures(month)
        for table, columns in COUNTED.items():
            for column in columns:
                assert figures[table, column] == planted[month, table, column], (month, table, column)


@pytest.mark.parametrize("name", ["smallest", "usual", "three blocks", "committed"])
def test_each_kind_of_breach_is_in_the_last_month(name, folders):
    there = {
        (r["expect_table"], r["expect_column"]) for r in read(folders[name], "planted") if r["period"] == "2026-09"
    }
    assert there == {(table, column) for table, columns in (COUNTED | LATER).items() for column in columns}
    kinds = {row["kind"] for row in read(folders[name], "planted")}
    assert {"campaign_ignored_suppression", "message_after_opt_out_request", "message_after_grace"} <= kinds


@pytest.mark.parametrize("name", ["smallest", "usual", "three blocks", "committed"])
def test_keys_of_planted_rows_are_in_their_tables(name, folders):
    columns = {
        "messages": "message_id",
        "requests": "request_id",
        "disclosures": "disclosure_id",
        "uses": "use_id",
    }
    columns |= {"accesses": "at", "page_views": "at", "staff": "employee_id", "incidents": "incident_id"}
    columns |= {"contracts": "recipient", "consent_events": "person_id"}
    known = {table: {row[column] for row in read(folders[name], table)} for table, column in columns.items()}
    for row in read(folders[name], "planted"):
        assert row["key"] in known[row["table"]], row


@pytest.mark.parametrize("name", ["usual", "three blocks", "committed"])
def test_oddities_are_few_and_never_a_no(name, folders):
    exports = Exports(folders[name])
    for table, rows in exports.read.items():
        assert exports.quarantined[table] <= 0.01 * rows, table
    assert exports.quarantined["messages"] > 0
    assert exports.duplicates["messages"] > 0
    for table in ("suppressions", "identities", "people", "staff", "recipients", "contracts"):
        assert exports.quarantined[table] == 0
    noes = [row for row in read(folders[name], "consent_events") if row["action"] == "withdraw"]
    assert len(noes) == sum(row["action"] == "withdraw" for row in exports.rows["consent_events"])
    asked = [row for row in read(folders[name], "requests") if row["kind"] == "marketing_opt_out"]
    assert len(asked) == sum(row["kind"] == "marketing_opt_out" for row in exports.rows["requests"])


def test_ids_are_of_one_person_and_one_row_over_all_blocks(folders):
    people = [row["person_id"] for row in read(folders["three blocks"], "people")]
    assert len(people) == len(set(people)) >= 1_700
    exports = Exports(folders["three blocks"])
    for table, column in {"uses": "use_id", "requests": "request_id"}.items():
        ids = [row[column] for row in exports.rows[table]]
        assert len(ids) == len(set(ids))
        assert {key.split("-")[1] for key in ids} == {"AAA", "AAB", "AAC"}


def test_a_block_does_not_depend_on_those_after_it(folders):
    """The first block's people and opt-outs are the same, alone or with others after them."""
    for table in ("people", "identities", "suppressions"):
        alone, more = read(folders["one block"], table), read(folders["three blocks"], table)
        assert more[: len(alone)] == alone


@pytest.mark.parametrize(("people", "sizes"), [(200, [200]), (1_000, [500, 500]), (1_700, [500, 500, 700])])
def test_blocks_hold_everybody_once(people, sizes):
    blocks = list(making.cut_into_blocks(people, 500))
    assert [count for _, count in blocks] == sizes
    assert [first for first, _ in blocks] == [500 * number for number in range(len(sizes))]


def test_time_is_that_of_a_company(folders):
    """Instants lie in the history and carry an offset; weekends are quieter; December is busiest."""
    rows = Exports(folders["usual"]).rows["messages"]
    sent = [at(row["sent_at"]).astimezone(TOKYO) for row in rows]
    assert min(map(month_of, sent)) == "2025-04"
    assert max(map(month_of, sent)) == "2026-09"
    weekdays = Counter(instant.weekday() for instant in sent)
    assert max(weekdays[5], weekdays[6]) < min(weekdays[day] for day in range(5))
    assert Counter(map(month_of, sent)).most_common(1)[0][0] == "2025-12"
    assert {row["sent_at"][-6:] for row in rows if row["system"] == "hayate_sms"} == {"+09:00"}


def test_opt_outs_are_suppressed_in_time(folders):
    """No entry of a suppression list is older than the history or later than its end."""
    for row in read(folders["usual"], "suppressions"):
        assert at(row["added_at"]) - timedelta(hours=9) < at("2026-10-01T00:00:00+09:00")
        assert not row["removed_at"] or at(row["removed_at"]) >= at(row["added_at"])


def test_people_are_known_by_several_ids(folders):
    """Emails and member numbers stand for people in the mailer and in requests."""
    further = {row["id"]: row["person_id"] for row in read(folders["usual"], "identities")}
    people = {row["person_id"] for row in read(folders["usual"], "people")}
    assert set(further.values()) <= people
    assert any(row["person_id"] in further for row in read(folders["usual"], "messages"))
    assert any(row["person_id"] in further for row in read(folders["usual"], "requests"))
    assert all(name.split("@")[1].endswith(".example.jp") for name in further if "@" in name)


def test_progress_is_told_after_each_block(tmp_path, monkeypatch):
    monkeypatch.setattr(making, "BLOCK", 200)
    told = []
    make_sample(500, 1, tmp_path, progress=lambda done, of: told.append((done, of)))
    assert told == [(200, 500), (500, 500)]


@pytest.mark.parametrize(("people", "seed"), [(199, 1), (0, 1), (-5, 1), (500, -1)])
def test_what_cannot_be_made_is_refused(people, seed, tmp_path):
    with pytest.raises(InputError, match=r"--people|--seed"):
        make_sample(people, seed, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_refused(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="--out"):
        make_sample(200, 1, tmp_path / "file")


def test_an_error_leaves_the_earlier_sample(tmp_path):
    make_sample(200, 1, tmp_path)
    before = contents(tmp_path)

    def stop(done, of):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_sample(200, 2, tmp_path, progress=stop)
    assert contents(tmp_path) == before
    assert {file.name for file in tmp_path.iterdir()} == {f"{table}.csv" for table in LAYOUT}
