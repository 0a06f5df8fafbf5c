"""Every table of the definitions in every format: the same rows, however they were written."""

import gzip
from datetime import UTC, date, datetime, timedelta, timezone

import polars as pl
import pyarrow as pa
import pytest
from intake.exporting import MESSAGES, account, cells, csv, json_lines, keep, kept, message, parquet, pseudonym

from pledgebook.tables import TABLES

TOKYO = timezone(timedelta(hours=9))
NOON = datetime(2026, 9, 1, 12, 0, 0, 123456, tzinfo=TOKYO)
LATER = datetime(2026, 9, 3, 8, tzinfo=TOKYO)
DAY = date(2026, 9, 1)
WORLD = {
    "people": {"person_id": "p1", "kind": "customer", "region": "JP-13", "opened_at": NOON, "closed_at": None},
    "identities": {"id": "Taro@Example.JP", "person_id": "p1"},
    "consent_events": {"person_id": "p1", "purpose": "marketing", "channel": "email", "recipient": None, "action": "grant",
                       "at": NOON, "expires_at": LATER, "notice_version": "2026-01", "method": "web form"},
    "requests": {"request_id": "r1", "person_id": "p1", "kind": "disclosure", "regime": "APPI", "region": "JP",
                 "received_at": NOON, "acknowledged_at": NOON, "verified_at": None, "extended_at": None,
                 "closed_at": LATER, "outcome": "denied", "denial_reason": "not ours"},
    "request_pauses": {"request_id": "r1", "paused_at": NOON, "resumed_at": LATER},
    "messages": {"message_id": "m1", "person_id": "p1", "channel": "sms", "campaign": "sale-2026-09-01",
                 "category": "service", "system": None, "sent_at": NOON},
    "suppressions": {"person_id": "p1", "channel": "any", "system": "mailer", "added_at": NOON, "removed_at": LATER},
    "recipients": {"recipient": "acme", "name": "Acme, Inc.", "kind": "processor", "country": "JP"},
    "contracts": {"contract_id": "c1", "recipient": "acme", "starts_on": DAY, "ends_on": None, "is_confidential": True,
                  "is_equal_standard": False, "reviewed_on": DAY},
    "disclosures": {"disclosure_id": "d1", "person_id": "p1", "recipient": "acme", "basis": "law", "purpose": "marketing",
                    "items": ["name", "email", "name"], "disclosed_at": NOON, "legal_reference": "Art. 27 (1) i",
                    "is_recorded": None},
    "uses": {"use_id": "u1", "person_id": "p1", "purpose": "marketing", "system": "crm", "items": ["name"], "used_at": NOON},
    "incidents": {"incident_id": "i1", "kind": "leak", "known_at": NOON, "contained_at": LATER,
                  "preliminary_report_at": None, "final_report_at": None, "people_notified_at": None,
                  "people_affected": 12, "is_malicious": True, "has_sensitive": False, "has_financial_risk": False,
                  "reviewed_at": None},
    "staff": {"employee_id": "e1", "role": "support", "joined_on": DAY, "left_on": None},
    "trainings": {"employee_id": "e1", "course": "privacy basics", "completed_on": DAY},
    "accesses": {"employee_id": "e1", "person_id": "p1", "system": "crm", "reason": "call back", "at": NOON,
                 "was_granted": True},
    "policy_reviews": {"subject": "privacy policy", "reviewed_on": DAY},
    "page_views": {"at": NOON, "cookie_choice": "all", "cookies_set": ["_ga", "sid"], "url": "https://www.example.com/a/17",
                   "outbound_url": "https://ads.example.net/x?email=a%40b.jp"},
}  # fmt: skip
CANONICAL = {
    "people": {"person": pseudonym("p1"), "kind": "customer", "region": "JP-13", "opened_at": NOON, "closed_at": None},
    "identities": {"id": pseudonym("taro@example.jp"), "person": pseudonym("p1")},
    "consent_events": {"channel": "email", "recipient": None, "action": "grant", "expires_at": LATER},
    "requests": {"request_id": "r1", "outcome": "denied", "verified_at": None, "denial_reason": "not ours"},
    "request_pauses": {"person": pseudonym("p1"), "paused_at": NOON, "resumed_at": LATER},
    "messages": {"campaign": "sale-2026-09-01", "system": None, "sent_at": NOON},
    "suppressions": {"channel": "any", "removed_at": LATER},
    "recipients": {"name": "Acme, Inc."},
    "contracts": {"starts_on": DAY, "ends_on": None, "is_confidential": True, "is_equal_standard": False},
    "disclosures": {"items": "email;name", "legal_reference": True, "is_recorded": None, "basis": "law"},
    "uses": {"items": "name"},
    "incidents": {"people_affected": 12, "is_malicious": True, "has_sensitive": False, "contained_at": LATER},
    "staff": {"employee": pseudonym("e1"), "left_on": None},
    "trainings": {"completed_on": DAY},
    "accesses": {"employee": pseudonym("e1"), "person": pseudonym("p1"), "has_reason": True, "was_granted": True},
    "policy_reviews": {"subject": "privacy policy"},
    "page_views": {"cookies_set": "_ga;sid", "host": "www.example.com", "path": "/a/*",
                   "outbound_host": "ads.example.net", "has_personal_data_in_url": True, "has_login": False},
}  # fmt: skip


def as_text(value) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    text = ";".join(value) if isinstance(value, list) else value.isoformat() if isinstance(value, date) else str(value)
    return f'"{text}"' if "," in text else text


def as_csv(row: dict) -> str:
    return csv(",".join(row), ",".join(map(as_text, row.values())))


def as_json(row: dict) -> str:
    return json_lines([{n: v.isoformat() if isinstance(v, date) else v for n, v in row.items()}])


def as_parquet(row: dict) -> bytes:
    """Typed: datetimes with a timezone, dates, booleans, lists, integers."""
    return parquet([row], **{name: pl.String for name, value in row.items() if value is None})


LAYOUTS = {
    "csv": ("csv", as_csv),
    "parquet": ("parquet", as_parquet),
    "jsonl": ("jsonl", as_json),
    "csv.gz": ("csv.gz", lambda row: gzip.compress(as_csv(row).encode())),
    "jsonl.zst": ("jsonl.zst", lambda row: pa.compress(as_json(row).encode(), codec="zstd", asbytes=True)),
}


@pytest.fixture(scope="module", params=LAYOUTS)
def store(request, tmp_path_factory):
    ending, written = LAYOUTS[request.param]
    files = {f"{table}.{ending}": written(row) for table, row in WORLD.items()}
    return keep(tmp_path_factory.mktemp("world"), files)


def test_the_world_has_every_table():
    assert set(WORLD) == set(CANONICAL) == set(TABLES)


@pytest.mark.parametrize("table", WORLD)
def test_every_table_is_read_in_every_format(store, table):
    row = kept(store, table).row(0, named=True)
    assert {name: row[name] for name in CANONICAL[table]} == CANONICAL[table]
    assert account(store)[row["source"]] == (1, 1, 0, 0, 0)
    assert row["source_row"] == 1


def test_nothing_is_quarantined_dropped_or_left_unread(store):
    assert store.quarantined.is_empty()
    assert store.unknown_columns.is_empty()
    assert store.facts["unread"] == []


def test_a_table_may_come_in_parts_beside_each_other_and_in_a_folder(tmp_path):
    files = {
        "messages-1.csv": csv(MESSAGES, message(1)),
        "messages-2.csv.gz": gzip.compress(csv(MESSAGES, message(2)).encode()),
        "messages/2026/part-0.csv": csv(MESSAGES, message(3), message(4)),
        "messages/.part-0.csv": "half written",
        "messages/_SUCCESS": "",
        "notes.txt": "nobody reads this",
    }
    store = keep(tmp_path, files)
    assert cells(store, "messages", "message_id") == ["m1", "m2", "m3", "m4"]
    assert cells(store, "messages", "source_row") == [1, 1, 1, 2]
    assert store.facts["unread"] == ["messages/_SUCCESS", "notes.txt"]


def test_concatenated_compressed_files_are_read_to_the_end(tmp_path):
    twice = gzip.compress(csv(MESSAGES, message(1)).encode()) + gzip.compress(f"{message(2)}\n".encode())
    assert account(keep(tmp_path, {"messages.csv.gz": twice})) == {"messages.csv.gz": (2, 2, 0, 0, 0)}


def test_parquet_times_without_a_timezone_are_read_in_the_policy_s(tmp_path):
    row = WORLD["messages"] | {"sent_at": datetime(2026, 9, 1, 0, 30)}
    store = keep(tmp_path, {"messages.parquet": parquet([row], system=pl.String)})
    assert cells(store, "messages", "sent_at") == ["2026-08-31T15:30:00.000000Z"]


def test_parquet_may_hold_integers_categories_nanoseconds_and_dates_as_midnights(tmp_path):
    rows = pl.DataFrame([WORLD["messages"]]).with_columns(
        pl.lit(7).alias("person_id"),
        pl.col("channel").cast(pl.Categorical),
        pl.lit(None).alias("system"),
        pl.lit(1_788_231_600_123_456_789).cast(pl.Datetime("ns", "UTC")).alias("sent_at"),
    )
    trainings = pl.DataFrame({"employee_id": [1], "course": ["x"], "completed_on": [datetime(2026, 9, 1)]})
    incidents = pl.DataFrame([WORLD["incidents"]]).with_columns(pl.lit(12.0).alias("people_affected"))
    files = {"messages": rows, "trainings": trainings, "incidents": incidents}
    store = keep(tmp_path, {f"{name}.parquet": parquet(frame) for name, frame in files.items()})
    assert store.quarantined.is_empty()
    assert cells(store, "messages", "person") == [pseudonym("7")]
    assert cells(store, "messages", "sent_at") == ["2026-09-01T03:00:00.123456Z"]
    assert cells(store, "trainings", "completed_on") == [DAY]
    assert cells(store, "incidents", "people_affected") == [12]


def test_a_parquet_date_where_an_instant_is_due_is_not_guessed(tmp_path):
    store = keep(tmp_path, {"messages.parquet": parquet([WORLD["messages"] | {"sent_at": DAY}], system=pl.String)})
    assert store.quarantined["rule"].to_list() == ["date_without_time"]


def test_json_text_stays_what_it_is(tmp_path):
    base = WORLD["messages"] | {"sent_at": NOON.isoformat()}
    rows = [
        base | {"message_id": 1, "campaign": "[autumn]"},
        base | {"message_id": "2", "campaign": "null"},
        base | {"message_id": "3", "campaign": 'say "hi" \\ あ'},
        base | {"message_id": "4", "campaign": 1.50, "system": True},
    ]
    store = keep(tmp_path, {"messages.jsonl": "\ufeff" + json_lines(rows) + "\n"})
    assert cells(store, "messages", "message_id") == ["1", "2", "3", "4"]
    assert cells(store, "messages", "campaign") == ["[autumn]", "null", 'say "hi" \\ あ', "1.5"]
    assert cells(store, "messages", "system") == [None, None, None, "true"]


def test_a_json_column_may_turn_up_late(tmp_path):
    early = WORLD["messages"] | {"sent_at": NOON.isoformat()}
    early.pop("system")
    rows = [early | {"message_id": f"m{n}"} for n in range(1200)] + [early | {"message_id": "late", "system": "crm"}]
    store = keep(tmp_path, {"messages.jsonl": json_lines(rows)})
    assert kept(store, "messages")["system"].drop_nulls().to_list() == ["crm"]


def test_columns_that_have_names_of_ours_do_no_harm(tmp_path):
    header = MESSAGES + ",source_row,source,_surplus,_until,_unreadable,_case"
    store = keep(tmp_path, {"messages.csv": csv(header, message(1) + ",9,9,9,9,9,9")})
    assert cells(store, "messages", "source_row") == [1]
    assert len(store.unknown_columns) == 6
    frame = pl.DataFrame([WORLD["messages"] | {"source_row": 9, "system": "s"}])
    again = keep(tmp_path, {"messages.parquet": parquet(frame)}, name="parquet")
    assert cells(again, "messages", "source_row") == [1]


def test_instants_are_stored_in_utc_with_microseconds(store):
    dtype = kept(store, "messages").schema["sent_at"]
    assert dtype == pl.Datetime("us", "UTC")
    assert kept(store, "messages")["sent_at"][0] == NOON.astimezone(UTC)
