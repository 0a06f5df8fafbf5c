"""An `exports.toml`: any layout, told once, read as the native one."""

import pytest
from intake.exporting import (
    MESSAGES,
    account,
    broken,
    cells,
    csv,
    json_lines,
    keep,
    kept,
    message,
    parquet,
    pseudonym,
    refused,
)

SOURCE = '[[source]]\nname = "mail"\ntable = "messages"\nfiles = "{files}"\n'


def mapped(files: str, *lines: str) -> str:
    return SOURCE.format(files=files) + "".join(f"{line}\n" for line in lines)


def test_columns_values_constants_and_null_values(tmp_path):
    mapping = mapped(
        "outbox/*.txt", 'format = "csv"', 'delimiter = ";"', 'null_values = ["NULL", "-"]',
        'constants = { channel = "email", system = "mailer" }',
        "[source.columns]", 'message_id = "Id"', 'person = "Customer No"', 'campaign = "Subject"', 'category = "Type"',
        'sent_at = "Sent"', "[source.values]", 'category = { "AD " = "marketing", INFO = "service" }',
    )  # fmt: skip
    lines = ["1;c1;autumn;AD;2026-09-01 09:00;x", "2;c2;news;INFO;2026-09-01 09:00;y", "3;NULL;-;AD;2026-09-01 09:00;z"]
    files = {"exports.toml": mapping, "outbox/1.txt": csv("Id;Customer No;Subject;Type;Sent;Internal", *lines)}
    store = keep(tmp_path, files)
    assert kept(store, "messages", "message_id", "channel", "category", "system").rows() == [
        ("1", "email", "marketing", "mailer"),
        ("2", "email", "service", "mailer"),
    ]
    assert cells(store, "messages", "person") == [pseudonym("c1"), pseudonym("c2")]
    assert broken(store) == [(3, "missing_campaign"), (3, "missing_person")]
    assert store.unknown_columns.rows() == [("outbox/1.txt", "Internal")]


@pytest.mark.parametrize("column", ["person", "person_id"])
def test_a_column_goes_by_its_canonical_or_its_native_name(tmp_path, column):
    text = csv(MESSAGES.replace("person_id", "who"), message(1))
    store = keep(tmp_path, {"exports.toml": mapped("m.csv", f'columns = {{ {column} = "who" }}'), "m.csv": text})
    assert cells(store, "messages", "person") == [pseudonym("p1")]


@pytest.mark.parametrize("encoding", ["shift_jis", "latin-1", "utf-16", "utf-8-sig", "cp932", "euc_jp"])
def test_encodings(tmp_path, encoding):
    campaign = "résumé" if encoding == "latin-1" else "秋のセール"
    text = csv(MESSAGES, message(1, campaign=campaign), message(2)).encode(encoding)
    store = keep(tmp_path, {"exports.toml": mapped("m.csv", f'encoding = "{encoding}"'), "m.csv": text})
    assert cells(store, "messages", "campaign") == [campaign, "autumn"]
    assert not list(store.folder.glob("plain"))


def test_formats_that_the_name_does_not_tell(tmp_path):
    rows = [dict(zip(MESSAGES.split(","), message(n).split(","), strict=True)) for n in (1, 2)]
    mapping = (
        mapped("mail.log", 'format = "jsonl"')
        + mapped("mail.out", 'format = "parquet"').replace('"mail"', '"more"')
        + mapped("mail.tsv", 'format = "csv"', 'delimiter = "\\t"').replace('"mail"', '"tabs"')
    )
    text = csv(MESSAGES, message(3)).replace(",", "\t")
    files = {"exports.toml": mapping, "mail.log": json_lines(rows[:1]), "mail.out": parquet(rows[1:]), "mail.tsv": text}
    assert cells(keep(tmp_path, files), "messages", "message_id") == ["m1", "m2", "m3"]


def test_one_file_may_feed_two_tables(tmp_path):
    mapping = """
[[source]]
name = "opened"
table = "people"
files = "crm.csv"
columns = { person = "id", opened_at = "since" }
constants = { kind = "member" }

[[source]]
name = "asked"
table = "consent_events"
files = "crm.csv"
columns = { person = "id", at = "since" }
constants = { purpose = "marketing", channel = "any", action = "grant" }
"""
    files = {"exports.toml": mapping, "crm.csv": csv("id,since", "p1,2026-01-01T00:00:00Z", "p2,2026-01-02T00:00:00Z")}
    store = keep(tmp_path, files)
    assert account(store) == {"crm.csv (opened)": (2, 2, 0, 0, 0), "crm.csv (asked)": (2, 2, 0, 0, 0)}
    assert store.facts["unread"] == []


CASES = """
[[source]]
name = "tickets"
table = "requests"
files = "*.csv"
one_row_per = "case"
columns = { request_id = "case", person = "who", received_at = "at", closed_at = "done", outcome = "result" }
constants = { kind = "deletion" }
pick = { received_at = "min", closed_at = "max", outcome = "last" }
"""
EVENTS = [
    "c1,,2026-09-03T09:00:00+09:00,,",
    "c2,p2,2026-09-01T00:00:00Z,2026-09-05T00:00:00Z,denied",
    "c1,p1,2026-09-03T00:30:00+02:00,2026-09-09T10:00:00+09:00,denied",
    "c1,p9,2026-09-04T00:00:00Z,2026-09-09T02:00:00Z,fulfilled",
    "c1,,2026-09-05T00:00:00Z,,",
]


def test_rows_per_event_become_one_row_per_case(tmp_path):
    store = keep(tmp_path, {"exports.toml": CASES, "t.csv": csv("case,who,at,done,result", *EVENTS)})
    first, second = kept(store, "requests").to_dicts()
    # least and greatest by what the times mean, not by their text; first and last pass over empty cells
    assert first["received_at"].isoformat() == "2026-09-02T22:30:00+00:00"
    assert first["closed_at"].isoformat() == "2026-09-09T02:00:00+00:00"
    assert (first["person"], first["outcome"], first["source_row"]) == (pseudonym("p1"), "fulfilled", 1)
    assert (second["person"], second["source_row"]) == (pseudonym("p2"), 2)
    assert account(store)["t.csv"] == (2, 2, 0, 0, 0)
    assert store.intake["raw_rows"].to_list() == [5]


def test_a_case_is_judged_by_a_time_that_cannot_be_read(tmp_path):
    events = ["c1,p1,2026-09-01T00:00:00Z,soon,", "c1,p1,2026-09-01T00:00:00Z,2026-09-05T00:00:00Z,denied"]
    store = keep(tmp_path, {"exports.toml": CASES, "t.csv": csv("case,who,at,done,result", *events)})
    assert broken(store) == [(1, "unreadable_time")]


def test_the_greatest_number_is_not_the_greatest_text(tmp_path):
    mapping = """
[[source]]
name = "leaks"
table = "incidents"
files = "*.csv"
one_row_per = "incident_id"
constants = { kind = "leak", is_malicious = true, has_sensitive = false, has_financial_risk = false }
pick = { people_affected = "max", known_at = "min" }
"""
    lines = ["i1,2026-09-01T00:00:00Z,9", "i1,2026-09-02T00:00:00Z,10", "i1,2026-09-03T00:00:00Z,"]
    store = keep(tmp_path, {"exports.toml": mapping, "i.csv": csv("incident_id,known_at,people_affected", *lines)})
    assert cells(store, "incidents", "people_affected") == [10]
    assert cells(store, "incidents", "known_at") == ["2026-09-01T00:00:00.000000Z"]


def test_cases_are_the_same_however_they_are_cut(tmp_path, monkeypatch):
    lines = [f"c{n % 37},p{n % 37},2026-09-{1 + n % 28:02}T00:00:00Z,,denied" for n in range(300)]
    files = {"exports.toml": CASES, "t.csv": csv("case,who,at,done,result", *lines)}
    whole = keep(tmp_path, files)
    monkeypatch.setattr("pledgebook.intake.cases.BYTES_PER_CUT", 1000)
    monkeypatch.setattr("pledgebook.store_opening.SCHEMA_VERSION", -1)
    cut = keep(tmp_path, files)
    assert cut.folder != whole.folder
    assert kept(whole, "requests").equals(kept(cut, "requests"))
    assert account(whole) == account(cut) == {"t.csv": (37, 37, 0, 0, 0)}
    assert cut.intake["raw_rows"].to_list() == [300]


BAD = [
    (mapped("*.csv", 'tabel = "x"'), "line 5: source.0.tabel"),
    (mapped("*.csv", 'timezone = "Asia/Tokio"'), "line 5: source.0.timezone: 'Asia/Tokio' is no IANA timezone"),
    (mapped("*.csv", 'encoding = "utf-9"'), "line 5: source.0.encoding: encoding 'utf-9' is not known"),
    (mapped("*.csv", 'timestamp_format = "%Q"'), "line 5: source.0.timestamp_format: '%Q' is no strptime format"),
    (mapped("*.csv", 'delimiter = "、"'), "line 5: source.0.delimiter: a delimiter is one ASCII character"),
    (mapped("*.csv", 'delimiter = "\\""'), "line 5: source.0.delimiter"),
    (mapped("*.csv", 'columns = { sender = "x" }'), "'sender' is no column of table messages"),
    (mapped("*.csv", 'pick = { sent_at = "middle" }'), "line 5: source.0.pick.sent_at"),
    (mapped("*.csv", 'columns = { system = "sytem" }'), "m.csv, line 1: column 'sytem' of table messages is missing"),
    (mapped("*.csv", 'one_row_per = "case"'), "m.csv, line 1: column 'case' of table messages is missing"),
    (mapped("../*.csv"), "line 4: source.0.files: files must lie inside the exports folder"),
    (mapped("/etc/*.csv"), "line 4: source.0.files: files must lie inside the exports folder"),
    (mapped("x-*.csv"), "source 'mail': no file matches 'x-*.csv'"),
    (mapped(""), "line 4: source.0.files"),
    (mapped("*.csv") + mapped("*.csv"), "source 'mail' is declared twice"),
    (mapped("m.csv").replace("messages", "mails"), "line 3: source.0.table"),
    ("source = 1\n", "line 1: source"),
    ("", "no [[source]] is declared"),
    ("[[source]\n", "not valid TOML"),
]


@pytest.mark.parametrize(("mapping", "says"), BAD)
def test_a_mapping_with_a_fault_is_refused_with_its_line(tmp_path, mapping, says):
    told = refused(tmp_path, {"exports.toml": mapping, "m.csv": csv(MESSAGES, message(1))})
    assert says in told
    assert "\n" not in told


def test_a_link_that_leads_out_of_the_folder_is_refused(tmp_path):
    (tmp_path / "elsewhere.csv").write_text(csv(MESSAGES, message(1)))
    (tmp_path / "exports").mkdir()
    (tmp_path / "exports" / "messages.csv").symlink_to(tmp_path / "elsewhere.csv")
    assert "a link that leads out of the exports folder" in refused(tmp_path, {})
