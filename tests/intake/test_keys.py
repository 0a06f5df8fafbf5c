"""Duplicates, newer exports, contradictions, further ids of people, references to nobody."""

import polars as pl
import pytest
from intake.exporting import (
    CONSENT,
    MESSAGES,
    PEOPLE,
    REQUESTS,
    account,
    broken,
    cells,
    csv,
    keep,
    kept,
    message,
    notes,
    pseudonym,
)

from pledgebook.intake import fallen

A = "r1,p1,deletion,2026-08-01T00:00:00Z,,"
B = "r1,p1,deletion,2026-08-01T00:00:00Z,2026-08-20T00:00:00Z,fulfilled"
OTHER = "r2,p2,deletion,2026-08-01T00:00:00Z,,"


def requests(tmp_path, **files):
    """Files by the date in their name (`d2026_09_30`), or undated."""
    names = {name: f"requests-{name.removeprefix('d').replace('_', '-')}.csv" for name in files}
    return keep(tmp_path, {names[name]: csv(REQUESTS, *lines) for name, lines in files.items()})


def fates(store):
    return {source.removeprefix("requests-").removesuffix(".csv"): rows[1:] for source, rows in account(store).items()}


def test_exact_duplicates_are_dropped_and_the_first_is_kept(tmp_path):
    store = requests(tmp_path, part1=[A, OTHER, A], part2=[A])
    assert fates(store) == {"part1": (2, 0, 1, 0), "part2": (0, 0, 1, 0)}
    assert kept(store, "requests", "source_row").to_series().to_list() == [1, 2]


def test_exact_duplicates_of_events_are_dropped(tmp_path):
    grant = "p1,marketing,email,grant,2026-09-01T00:00:00Z"
    same_instant = "p1,marketing,email,grant,2026-09-01T09:00:00+09:00"
    store = keep(tmp_path, {"consent_events.csv": csv(CONSENT, grant, same_instant, grant.replace("p1", "p2"))})
    assert account(store)["consent_events.csv"] == (3, 2, 0, 1, 0)


def test_a_newer_export_supersedes_by_the_date_in_the_file_s_name(tmp_path):
    store = requests(tmp_path, d2026_09_30=[A, OTHER], d2026_10_31=[B])
    assert fates(store) == {"2026-09-30": (1, 0, 0, 1), "2026-10-31": (1, 0, 0, 0)}
    assert cells(store, "requests", "outcome") == [None, "fulfilled"]


def test_a_newer_export_supersedes_by_exported_at(tmp_path):
    source = '[[source]]\nname = "{0}"\ntable = "requests"\nfiles = "{0}.csv"\nexported_at = {1}\n'
    mapping = source.format("x", "2026-10-01T12:00:00Z") + source.format("a", "2026-10-01T11:59:59Z")
    store = keep(tmp_path, {"exports.toml": mapping, "x.csv": csv(REQUESTS, B), "a.csv": csv(REQUESTS, A)})
    assert account(store) == {"x.csv": (1, 1, 0, 0, 0), "a.csv": (1, 0, 0, 0, 1)}


def test_a_restatement_back_makes_the_first_content_the_newest_again(tmp_path):
    store = requests(tmp_path, d2026_09_30=[A], d2026_10_31=[B], d2026_11_30=[A])
    assert fates(store) == {"2026-09-30": (0, 0, 1, 0), "2026-10-31": (0, 0, 0, 1), "2026-11-30": (1, 0, 0, 0)}
    assert cells(store, "requests", "outcome") == [None]


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        ({"part1": [A, B]}, {"part1": (0, 2, 0, 0)}),
        ({"part1": [A], "part2": [B]}, {"part1": (0, 1, 0, 0), "part2": (0, 1, 0, 0)}),
        ({"d2026_09_30": [A, B]}, {"2026-09-30": (0, 2, 0, 0)}),
        ({"d2026_09_30": [A], "part": [B]}, {"2026-09-30": (0, 1, 0, 0), "part": (0, 1, 0, 0)}),
        ({"d2026_09_30": [A, OTHER], "d2026_10_31": [A, B]}, {"2026-09-30": (1, 0, 1, 0), "2026-10-31": (0, 2, 0, 0)}),
    ],
    ids=["one file", "two undated parts", "one dated export", "dated and undated", "the newest contradicts itself"],
)
def test_contents_that_contradict_each_other_are_all_quarantined(tmp_path, files, expected):
    store = requests(tmp_path, **files)
    assert fates(store) == expected
    assert {rule for _, rule in broken(store)} == {"conflicting_key"}


def test_a_mixture(tmp_path):
    store = requests(
        tmp_path, d2026_09_30=[A, OTHER, A, "r3,,deletion,2026-08-01T00:00:00Z,,"], d2026_10_31=[B, OTHER, "r4,,,,,"]
    )
    # September: A once superseded and once a copy of it, OTHER a copy of October's, r3 without a person
    assert fates(store) == {"2026-09-30": (0, 1, 2, 1), "2026-10-31": (2, 1, 0, 0)}


def test_a_row_that_breaks_a_rule_supersedes_nothing(tmp_path):
    store = requests(tmp_path, d2026_09_30=[A], d2026_10_31=[B.replace("fulfilled", "done")])
    assert fates(store) == {"2026-09-30": (1, 0, 0, 0), "2026-10-31": (0, 1, 0, 0)}


def test_a_table_may_be_all_in_conflict(tmp_path):
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES, message(1), message(1, channel="sms"))}, shards=2)
    assert account(store)["messages.csv"] == (2, 0, 2, 0, 0)
    assert not store.has("messages")


def test_keys_are_judged_over_all_shards(tmp_path):
    lines = [message(n) for n in range(40)] + [message(n).replace(f"p{n}", f"q{n}") for n in range(20)]
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES, *lines)}, shards=8)
    assert account(store)["messages.csv"] == (60, 20, 40, 0, 0)


IDENTITIES = "id,person_id"


def test_further_ids_lead_to_their_person_by_one_hop(tmp_path):
    files = {
        "people.csv": csv(PEOPLE, "p1,customer,JP,2026-01-01T00:00:00Z,"),
        "identities.csv": csv(IDENTITIES, "Taro@Example.com,p1", "device-7,taro@example.com"),
        "messages.csv": csv(MESSAGES, *[message(n, person_id=p) for n, p in enumerate(("p1", "TARO@example.com ", "device-7"))]),
    }  # fmt: skip
    people = cells(keep(tmp_path, files), "messages", "person")
    assert people == [pseudonym("p1"), pseudonym("p1"), pseudonym("taro@example.com")]


@pytest.mark.parametrize("shards", [1, 4])
def test_people_that_become_one(tmp_path, shards):
    files = {
        "people.csv": csv(
            PEOPLE,
            "old,prospect,US,2025-01-01T00:00:00Z,2025-06-01T00:00:00Z",
            "p1,member,JP,2025-05-01T00:00:00Z,2026-01-01T00:00:00Z",
            "q-old,prospect,US,2025-03-01T00:00:00Z,",
            "q1,member,,2025-05-01T00:00:00Z,2026-01-01T00:00:00Z",
        ),
        "identities.csv": csv(IDENTITIES, "old,p1", "q-old,q1"),
    }
    store = keep(tmp_path, files, shards=shards)
    merged = {row["person"]: row for row in kept(store, "people").to_dicts()}
    first, second = merged[pseudonym("p1")], merged[pseudonym("q1")]
    assert (first["kind"], first["region"], first["opened_at"].year, first["closed_at"].year) == (
        "member",
        "JP",
        2025,
        2026,
    )
    assert first["opened_at"].month == 1
    assert (second["kind"], second["region"], second["opened_at"].month, second["closed_at"]) == (
        "member",
        None,
        3,
        None,
    )
    assert account(store)["people.csv"] == (4, 4, 0, 0, 0)
    assert notes(store) == {}


def test_an_id_of_two_persons_is_quarantined_and_leads_nowhere(tmp_path):
    files = {
        "identities.csv": csv(IDENTITIES, "device-7,p1", "device-7,p2", "device-8,p1", "device-8,p1"),
        "messages.csv": csv(MESSAGES, message(1, person_id="device-7"), message(2, person_id="device-8")),
    }
    store = keep(tmp_path, files)
    assert account(store)["identities.csv"] == (4, 1, 2, 1, 0)
    assert cells(store, "messages", "person") == [pseudonym("device-7"), pseudonym("p1")]


def test_events_under_two_ids_of_one_person_are_duplicates(tmp_path):
    files = {
        "identities.csv": csv(IDENTITIES, "taro@example.com,p1"),
        "consent_events.csv": csv(
            CONSENT,
            "p1,marketing,email,grant,2026-09-01T00:00:00Z",
            "taro@example.com,marketing,email,grant,2026-09-01T00:00:00Z",
        ),
    }
    assert account(keep(tmp_path, files))["consent_events.csv"] == (2, 1, 0, 1, 0)


@pytest.mark.parametrize("shards", [1, 4])
def test_references_to_nobody_are_kept_and_counted(tmp_path, shards):
    at = "2026-09-01T00:00:00Z"
    files = {
        "people.csv": csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in range(12)]),
        "identities.csv": csv(IDENTITIES, *[f"d{n},p{n}" for n in range(14)]),
        "messages.csv": csv(MESSAGES, *[message(n) for n in range(15)]),
        "requests.csv": csv(REQUESTS, A, OTHER),
        "request_pauses.csv": csv("request_id,paused_at,resumed_at", f"r1,{at},", f"r9,{at},", f"r8,{at},"),
        "recipients.csv": csv("recipient,name,kind,country", "acme,Acme,processor,JP"),
        "contracts.csv": csv(
            "contract_id,recipient,starts_on,ends_on,is_confidential,is_equal_standard",
            "c1,acme,2026-01-01,,true,true",
            "c2,nobody,2026-01-01,,true,true",
        ),
        "consent_events.csv": csv(
            CONSENT + ",recipient", f"p1,marketing,any,grant,{at},", f"p1,marketing,any,grant,{at},elsewhere"
        ),
    }
    store = keep(tmp_path, files, shards=shards)
    assert notes(store) == {
        ("identities", "orphan_person"): 2,
        ("messages", "orphan_person"): 3,
        ("request_pauses", "orphan_request"): 2,
        ("contracts", "orphan_recipient"): 1,
        ("consent_events", "orphan_recipient"): 1,
    }
    assert store.rows_kept("request_pauses") == 3
    assert sorted(filter(None, cells(store, "request_pauses", "person"))) == [pseudonym("p1")]


@pytest.mark.parametrize("earlier", [True, False])
def test_of_rows_that_are_given_again_those_of_a_few_keys_are_held_at_once(tmp_path, monkeypatch, earlier):
    held, judge = [], fallen.judge_shared
    monkeypatch.setattr(fallen, "KEYS_AT_ONCE", 4)
    monkeypatch.setattr(fallen, "judge_shared", lambda rows, *how: held.append(rows.height) or judge(rows, *how))
    lines = [message(n, "2026-08-01T00:00:00Z") for n in range(50)]
    first = {"messages-1.csv": csv(MESSAGES, *lines)}
    if earlier:
        keep(tmp_path, first)
    store = keep(tmp_path, {**first, "messages-2.csv": csv(MESSAGES, *lines[:31], message(60, "2026-08-01T00:00:00Z"))})
    assert account(store) == {"messages-1.csv": (50, 50, 0, 0, 0), "messages-2.csv": (32, 1, 0, 31, 0)}
    assert sorted(held) == [6, *[8] * 7]


def test_files_of_rows_that_fell_stay_few(tmp_path, monkeypatch):
    """What fell before lies together; a file that is large and that nothing touches is taken over as it is."""
    monkeypatch.setattr(fallen, "FEW", 3)

    def again(number: int, *people: int):
        rows = [message(n, "2026-08-01T00:00:00Z") for n in people]
        return keep(tmp_path, {f"messages-{number}.csv": csv(MESSAGES, *rows)})

    def files(store) -> list[tuple[str, int]]:
        lines = store.catalogue.filter(pl.col("table") == "fallen_messages").sort("path")
        return lines.select("path", "rows").rows()

    again(1, *range(20))
    assert [rows for _, rows in files(again(2, 1))] == [1]
    assert sorted(rows for _, rows in files(again(3, 2, 3))) == [1, 2]
    assert sorted(rows for _, rows in files(again(4, 4))) == [1, 3]
    four = files(again(5, 5))
    assert sorted(rows for _, rows in four) == [1, 4]
    five = files(again(6, 6))
    assert {file for file in four if file[1] == 4} < set(five)
    assert files(again(7)) == five
    assert account(again(8, 19))["messages-8.csv"] == (1, 0, 0, 1, 0)
