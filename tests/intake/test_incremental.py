"""A further file costs what it brings: other parts stay, and every figure is that of a store made from nothing."""

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
import pytest
from intake.exporting import (
    CONSENT,
    DISCLOSURES,
    IDENTITIES,
    KEY,
    MESSAGES,
    PEOPLE,
    POLICY,
    REQUESTS,
    account,
    csv,
    keep,
    message,
    spoil_to_its_end,
    write,
)

from pledgebook.book import open_book, open_store_of
from pledgebook.intake import asking_rows, cutting, fallen, states, states_of_rows
from pledgebook.intake.parts import Part
from pledgebook.intake.strangers import SPOKEN_OF
from pledgebook.message_states import TALLIES
from pledgebook.metrics.catalogue import METRICS
from pledgebook.metrics.marketing_messages import refused_messages
from pledgebook.metrics.regions import places_of_people
from pledgebook.tables import TABLES

AT = "2026-0{}-15T0{}:00:00Z"
PERSONS = range(8)
BEGIN = {
    "people-1.csv": csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in PERSONS]),
    "consent_events-2026-03-31.csv": csv(
        CONSENT,
        *[f"p{n},marketing,any,grant,{AT.format(1, n)}" for n in range(6)],
        f"p1,marketing,email,withdraw,{AT.format(2, 1)}",
        f"p1,marketing,email,withdraw,{AT.format(2, 1)}",
    ),
    "messages-2026-03-31.csv": csv(MESSAGES, *[message(n, AT.format(3, n)) for n in PERSONS]),
    "requests-2026-03-31.csv": csv(
        REQUESTS, f"r1,p2,marketing_opt_out,{AT.format(2, 2)},,", f"r2,p3,deletion,{AT.format(2, 3)},,"
    ),
    "disclosures-2026-03-31.csv": csv(
        DISCLOSURES,
        *[f"d{n},p{n},acme,consent,marketing,email,{AT.format(3, n)},,true" for n in PERSONS],
        f"d9,p1,court,law,marketing,email,{AT.format(3, 9)},,true",
    ),
}
STEPS = {
    "a month more": {
        "consent_events-2026-04-30.csv": csv(
            CONSENT,
            f"p1,marketing,email,grant,{AT.format(4, 1)}",
            f"p2,marketing,any,grant,{AT.format(4, 2)}",
            f"p7,marketing,any,withdraw,{AT.format(4, 7)}",
            f"p3,marketing,any,grant,{AT.format(1, 3)}",
        ),
        "messages-2026-04-30.csv": csv(
            MESSAGES,
            *[message(n + 100, AT.format(4, n), person_id=f"p{n}") for n in PERSONS],
            message(3, AT.format(3, 3)),
            message(4, AT.format(3, 4), campaign="other"),
            message(9, AT.format(4, 9), person_id="stranger"),
        ),
        "disclosures-2026-04-30.csv": csv(
            DISCLOSURES,
            *[f"d{n + 100},p{n},acme,consent,marketing,email,{AT.format(4, n)},,true" for n in PERSONS],
            f"d109,p1,acme,consent,marketing,email,{AT.format(3, 9)},,true",
        ),
    },
    "a restatement": {"requests-2026-04-30.csv": csv(REQUESTS, f"r2,p3,deletion,{AT.format(2, 3)},{AT.format(4, 3)},fulfilled")},
    "an older answer comes late": {
        "consent_events-late-2026-05-31.csv": csv(CONSENT, f"p5,marketing,any,withdraw,{AT.format(1, 6)}")
    },
    "an answer of the year 26": {
        "consent_events-old-2026-05-31.csv": csv(CONSENT, "p6,marketing,any,withdraw,0026-03-01T00:00:00Z")
    },
    "one of the year 9, with late messages": {
        "consent_events-older-2026-05-31.csv": csv(CONSENT, "p7,marketing,sms,grant,0009-03-01T00:00:00Z"),
        "messages-late-2026-05-31.csv": csv(MESSAGES, message(300, AT.format(3, 5), person_id="p1")),
        "disclosures-late-2026-05-31.csv": csv(
            DISCLOSURES, f"d300,p1,acme,consent,marketing,email,{AT.format(3, 5)},,true"
        ),
    },
    "a file changes": {"consent_events-2026-04-30.csv": csv(CONSENT, f"p2,marketing,any,withdraw,{AT.format(4, 2)}")},
    "a file goes": {"messages-2026-04-30.csv": None},
    "whom nobody knew is known": {"people-2.csv": csv(PEOPLE, "stranger,customer,JP,2026-01-01T00:00:00Z,")},
    "a newcomer, of whom nobody spoke": {"people-3.csv": csv(PEOPLE, "p99,customer,JP,2026-01-01T00:00:00Z,")},
    "somebody is exported no longer": {
        "people-1.csv": csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in PERSONS if n != 4])
    },
    "two exports of people contradict each other": {"people-4.csv": csv(PEOPLE, "p2,customer,US,2026-01-01T00:00:00Z,")},
    "that goes, and with it who was known by it": {"people-4.csv": None, "people-2.csv": None},
    "two exports contradict each other": {
        "messages-more-2026-03-31.csv": csv(MESSAGES, message(2, AT.format(3, 2), campaign="other"))
    },
    "the contradiction goes": {"messages-more-2026-03-31.csv": None},
    "further ids that no row names": {"identities-1.csv": csv(IDENTITIES, "p1@example.org,p1", "p2@example.org,p2")},
    "a message to an id that nobody knows": {
        "messages-2026-06-30.csv": csv(MESSAGES, message(600, AT.format(6, 1), person_id="p3@example.org"))
    },
    "whose it is": {"identities-2.csv": csv(IDENTITIES, "p3@example.org,p3")},
    "it is another's": {"identities-2.csv": csv(IDENTITIES, "p3@example.org,p2")},
    "it is two people's, and so nobody's": {"identities-3.csv": csv(IDENTITIES, "p3@example.org,p3", "p9,p1")},
    "that goes, and an answer of a known id comes": {
        "identities-3.csv": None,
        "consent_events-2026-06-30.csv": csv(CONSENT, f"p1@example.org,marketing,any,withdraw,{AT.format(6, 2)}"),
    },
    "a person who becomes another": {"identities-4.csv": csv(IDENTITIES, "p99,p7")},
    "no further ids any more": {f"identities-{n}.csv": None for n in (1, 2, 4)},
}  # fmt: skip
MESSAGE_TO_AN_ID = "messages-2026-06-30.csv"
NAMED_OTHERWISE = {
    "whose it is": [MESSAGE_TO_AN_ID],
    "it is another's": [MESSAGE_TO_AN_ID],
    "it is two people's, and so nobody's": [MESSAGE_TO_AN_ID],
    "a person who becomes another": ["people-3.csv"],
    "no further ids any more": [MESSAGE_TO_AN_ID, "consent_events-2026-06-30.csv"],
}
"""Files that are read again, for they have rows of ids that are now another's."""


def environment(folder: Path) -> dict[str, str]:
    return {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(folder)}


def told(tmp: Path, stores: str, shards: int):
    """All that a store says: rows, accounts, states and figures; and the files that were read for it."""
    read = []
    book = open_book(
        tmp / "exports", "2026", "2026-07-01", tmp / "policy.toml", environment=environment(tmp / stores),
        shards=shards, progress=lambda step: read.append(step.removeprefix("reading ")) if "reading " in step else None,
    )  # fmt: skip
    store = book.store
    names = [*TABLES, "consent_states", "message_states", *TALLIES, "disclosure_states"]
    rows = {
        name: pl.concat([store.scan(name, shard).collect() for shard in range(shards)]).sort(pl.all()) for name in names
    }
    strangers = [pl.read_parquet(file) for file in store.files("strangers", range(shards))]
    rows["strangers"] = pl.concat([SPOKEN_OF.to_frame(), *strangers]).sort(pl.all())
    accounts = {name: getattr(store, name) for name in ("intake", "quarantined", "notes", "feeds")}
    figures = {table.name: book.compute(table.name) for metric in METRICS.values() for table in metric.tables}
    return rows | accounts | figures, read


@pytest.mark.parametrize(("shards", "many", "keys"), [(1, 0.0, 100), (1, 100.0, 100), (3, 0.25, 3)])
def test_step_by_step_gives_what_a_store_made_from_nothing_gives(tmp_path, monkeypatch, shards, many, keys):
    """Whether states of changed people are written beside the others, with them, or now so and now so; and however many
    keys lie in a file or are judged at once."""
    monkeypatch.setattr(cutting, "KEYS_IN_FILE", keys)
    monkeypatch.setattr(fallen, "KEYS_AT_ONCE", keys)
    monkeypatch.setattr(fallen, "FEW", keys // 3)
    for each in (states, states_of_rows):
        monkeypatch.setattr(each, "MANY", many)
    (tmp_path / "policy.toml").write_text(POLICY)
    write(tmp_path / "exports", BEGIN)
    told(tmp_path, "grown", shards)
    for number, (what, files) in enumerate(STEPS.items()):
        write(tmp_path / "exports", {name: text for name, text in files.items() if text is not None})
        for name in (name for name, text in files.items() if text is None):
            (tmp_path / "exports" / name).unlink()
        grown, read = told(tmp_path, "grown", shards)
        new, _ = told(tmp_path, f"new-{number}", shards)
        differing = [name for name in new if not grown[name].equals(new[name])]
        assert (what, differing) == (what, [])
        brought = [name for name, text in files.items() if text is not None]
        assert (what, sorted(read)) == (what, sorted(brought + NAMED_OTHERWISE.get(what, [])))


def lines(folder: Path, table: str) -> pl.DataFrame:
    """The newest store's lines of the catalogue of one table."""
    how = {"environment": environment(folder / "stores"), "shards": 2}
    catalogue = open_store_of(folder / "exports", folder / "policy.toml", **how).catalogue
    return catalogue.filter(pl.col("table") == table).select("shard", "path", "rows")


def test_a_further_answer_writes_the_states_of_its_own_person(tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    many = [f"p{n},marketing,any,grant,{AT.format(1, n % 8)}" for n in range(200)]
    write(tmp_path / "exports", BEGIN | {"consent_events-2026-03-31.csv": csv(CONSENT, *many)})
    base = lines(tmp_path, "consent_states")
    for month, persons in ((4, 1), (5, 2)):
        answer = f"p{persons + 3},marketing,any,withdraw,{AT.format(month, 1)}"
        write(tmp_path / "exports", {f"consent_events-2026-0{month}-30.csv": csv(CONSENT, answer)})
        assert lines(tmp_path, "consent_states").equals(base)
        assert lines(tmp_path, "changed_people")["rows"].sum() == persons
        assert lines(tmp_path, "changed_states")["rows"].sum() == 3 * persons


def parts(folder: Path) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in folder.glob("parts/*/*/rows/**/*.parquet")}


def test_a_further_file_leaves_the_other_parts_as_they_are(tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    write(tmp_path / "exports", BEGIN)
    told(tmp_path, "stores", 2)
    before = parts(tmp_path / "stores")
    write(tmp_path / "exports", {"messages-2026-06-30.csv": csv(MESSAGES, message(500, AT.format(6, 1)))})
    told(tmp_path, "stores", 2)
    after = parts(tmp_path / "stores")
    assert before.items() <= after.items()
    assert len(after) == len(before) + 1


def months_of_states(folder: Path, table: str = "message_states") -> dict[str, set[Path]]:
    """The files of states beside rows that the newest store shows, by month."""
    store = open_store_of(
        folder / "exports", folder / "policy.toml", environment=environment(folder / "stores"), shards=2
    )
    found = {}
    for file in (file for shard in range(2) for file in store.files(table, shard)):
        found.setdefault(file.stem, set()).add(file)
    return found


def test_of_an_export_that_repeats_rows_only_the_files_that_hold_the_same_keys_are_looked_through(tmp_path):
    """They are told by their hashes; the rows of all other files cannot be read."""
    months = {
        f"messages-{n}.csv": csv(MESSAGES, message(n + 20, AT.format(n, 1)), message(n + 40, AT.format(n, 2)))
        for n in (1, 2, 3)
    }
    stores = tmp_path / "stores"
    first = keep(tmp_path, {**BEGIN, **months}, shards=4)
    for record in (stores / "parts").glob("*.json"):
        part = Part.model_validate_json(record.read_bytes())
        for cut in part.cuts if part.source in ("messages-1.csv", "messages-3.csv") else ():
            spoil_to_its_end(stores / part.rows_file(cut))
    same, other = message(22, AT.format(2, 1)), message(42, AT.format(2, 2), campaign="other")
    store = keep(tmp_path, {"messages-again.csv": csv(MESSAGES, same, other, message(60, AT.format(5, 1)))}, shards=4)
    assert account(store)["messages-again.csv"] == (3, 1, 1, 1, 0)
    assert account(store)["messages-2.csv"] == (2, 1, 1, 0, 0)
    assert store.rows_kept("messages") == first.rows_kept("messages")


def test_of_a_file_with_several_files_of_keys_only_the_shards_of_those_that_hold_the_same_are_looked_through(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(cutting, "KEYS_IN_FILE", 4)
    stores, messages = tmp_path / "stores", [message(n, AT.format(2, 1)) for n in range(20)]
    first = keep(tmp_path, {**BEGIN, "messages-2.csv": csv(MESSAGES, *messages)}, shards=8)
    records = [Part.model_validate_json(file.read_bytes()) for file in (stores / "parts").glob("*.json")]
    (part,) = (each for each in records if each.source == "messages-2.csv")
    last = part.cuts[-1]
    (repeated, *_) = pl.read_parquet(stores / part.rows_file(last))["message_id"]
    others = [cut for cut in part.cuts if cut.shard not in list(part.keys_files().values())[-1]]
    assert len(part.keyed) > 1
    assert others
    for cut in others:
        spoil_to_its_end(stores / part.rows_file(cut))
    store = keep(tmp_path, {"messages-again.csv": csv(MESSAGES, messages[int(repeated.removeprefix("m"))])}, shards=8)
    assert account(store)["messages-again.csv"] == (1, 0, 0, 1, 0)
    assert store.rows_kept("messages") == first.rows_kept("messages")


def test_keys_of_a_table_that_got_no_file_are_not_looked_through_again(tmp_path):
    first = keep(tmp_path, BEGIN, shards=2)
    for file in (tmp_path / "stores").glob("parts/*/*/keys/*.parquet"):
        spoil_to_its_end(file)
    store = keep(tmp_path, {"uses.csv": csv("use_id,person_id,purpose,system,items,used_at")}, shards=2)
    assert account(store) == account(first) | {"uses.csv": (0, 0, 0, 0, 0)}
    assert account(store)["consent_events-2026-03-31.csv"] == (8, 7, 0, 1, 0)


MONTHS = [(month, n) for month in (2, 3, 4) for n in PERSONS]
ROWS = {
    "message_states": csv(MESSAGES, *[message(10 * m + n, AT.format(m, n), person_id=f"p{n}") for m, n in MONTHS]),
    "disclosure_states": csv(
        DISCLOSURES, *[f"d{m}{n},p{n},acme,consent,marketing,email,{AT.format(m, n)},,true" for m, n in MONTHS]
    ),
}
FURTHER = {
    "message_states": csv(MESSAGES, message(900, AT.format(3, 1))),
    "disclosure_states": csv(DISCLOSURES, f"d900,p1,acme,consent,marketing,email,{AT.format(3, 1)},,true"),
}


@pytest.mark.parametrize("table", ROWS)
def test_states_of_rows_are_found_again_only_where_a_new_answer_or_row_concerns_them(tmp_path, table):
    (tmp_path / "policy.toml").write_text(POLICY)
    source = {"message_states": "messages", "disclosure_states": "disclosures"}[table]
    others = {name: text for name, text in BEGIN.items() if not name.startswith(source)}
    write(tmp_path / "exports", others | {f"{source}-2026-04-30.csv": ROWS[table]})

    def lasting(files: dict[str, str]) -> dict[str, int]:
        """How many of the files of a month's states are still shown after further exports."""
        before = months_of_states(tmp_path, table)
        write(tmp_path / "exports", files)
        after = months_of_states(tmp_path, table)
        return {month: len(before[month] & after[month]) for month in before}

    def answer(hour: int) -> dict[str, str]:
        said = f"p1,marketing,email,withdraw,{AT.format(4, hour)}"
        return {f"consent_events-2026-04-2{hour}.csv": csv(CONSENT, said)}

    assert lasting(answer(5)) == {"2026-02": 2, "2026-03": 2, "2026-04": 2}
    assert lasting(answer(1)) == {"2026-02": 2, "2026-03": 2, "2026-04": 1}
    assert lasting({f"{source}-2026-05-31.csv": FURTHER[table]}) == {"2026-02": 2, "2026-03": 2, "2026-04": 2}


def test_an_export_without_messages_and_answers_reads_no_state_of_consent(tmp_path):
    first = keep(tmp_path, BEGIN, shards=2)
    states = first.files("consent_states", range(2))
    assert states
    for file in states:
        spoil_to_its_end(file)
    newcomer = {"people-9.csv": csv(PEOPLE, "p9,customer,JP,2026-01-01T00:00:00Z,")}
    store = keep(tmp_path, newcomer, shards=2)
    assert store.rows_kept("people") == first.rows_kept("people") + 1
    for table in ("message_states", "disclosure_states"):
        assert store.files(table, range(2)) == first.files(table, range(2))


def test_further_rows_read_the_consent_to_the_purposes_that_they_ask_for(tmp_path):
    answers = [f"p{n},{purpose},any,grant,{AT.format(1, n)}" for purpose in ("marketing", "research") for n in range(6)]
    first = keep(tmp_path, BEGIN | {"consent_events-2026-03-31.csv": csv(CONSENT, *answers)}, shards=2)
    for file in first.files("consent_states", range(2), purposes=["research"]):
        spoil_to_its_end(file)
    asked = [f"d{n + 100},p{n},acme,consent,marketing,email,{AT.format(4, n)},,true" for n in PERSONS]
    on_law = [f"d{n + 200},p{n},acme,law,research,email,{AT.format(4, n)},,true" for n in PERSONS]
    further = {
        "messages-2026-04-30.csv": csv(
            MESSAGES, *[message(n + 100, AT.format(4, n), person_id=f"p{n}") for n in PERSONS]
        ),
        "disclosures-2026-04-30.csv": csv(DISCLOSURES, *asked, *on_law),
    }
    store = keep(tmp_path, further, shards=2)
    told = pl.concat([store.scan("disclosure_states", shard).collect() for shard in range(2)])
    april = told.filter(pl.col("disclosed_at") >= datetime(2026, 4, 1, tzinfo=UTC))
    assert april["is_granted"].sum() == 5  # p2 had opted out
    assert april["is_granted"].null_count() == 8


@pytest.mark.parametrize(
    "again",
    [
        {"consent_events-again.csv": BEGIN["consent_events-2026-03-31.csv"]},
        {"requests-2026-02-28.csv": csv(REQUESTS, f"r1,p2,marketing_opt_out,{AT.format(1, 2)},,")},
    ],
    ids=["given again", "an older export says otherwise"],
)
def test_answers_that_are_there_already_change_nobody(tmp_path, again):
    (tmp_path / "policy.toml").write_text(POLICY)
    write(tmp_path / "exports", BEGIN)
    tables = ("consent_states", "changed_people", "message_states", "disclosure_states")
    before = {table: lines(tmp_path, table) for table in tables}
    write(tmp_path / "exports", again)
    assert {table: lines(tmp_path, table).rows() for table in tables} == {n: rows.rows() for n, rows in before.items()}


def test_a_month_without_marketing_has_no_states_also_after_a_further_answer(tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    service = csv(MESSAGES, message(1, AT.format(3, 1), category="service"))
    write(tmp_path / "exports", BEGIN | {"messages-2026-03-31.csv": service})
    assert months_of_states(tmp_path) == {}
    write(
        tmp_path / "exports",
        {"consent_events-2026-04-30.csv": csv(CONSENT, f"p1,marketing,any,grant,{AT.format(1, 4)}")},
    )
    assert months_of_states(tmp_path) == {}


def test_states_of_a_few_further_messages_lie_beside_those_of_their_month(tmp_path):
    """Until they would be more than half of them."""
    (tmp_path / "policy.toml").write_text(POLICY)
    many = [message(n, AT.format(3, 1 + n % 8), person_id="p1") for n in range(100)]
    write(tmp_path / "exports", BEGIN | {"messages-2026-03-31.csv": csv(MESSAGES, *many)})
    begun, told = months_of_states(tmp_path)["2026-03"], []
    for number in range(4):
        few = [message(1000 + 20 * number + n, AT.format(3, 9), person_id="p1") for n in range(20)]
        write(tmp_path / "exports", {f"messages-2026-04-0{1 + number}.csv": csv(MESSAGES, *few)})
        files = months_of_states(tmp_path)["2026-03"]
        told.append((len(files & begun), sorted(pl.read_parquet(file).height for file in files)))
    assert told == [(1, [20, 100]), (1, [40, 100]), (0, [160]), (0, [20, 160])]


def test_another_policy_for_states_reads_no_export_again(tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    write(tmp_path / "exports", BEGIN)
    told(tmp_path, "stores", 2)
    (tmp_path / "policy.toml").write_text(POLICY.replace("730", "10"))
    assert told(tmp_path, "stores", 2)[1] == []


@pytest.mark.parametrize(
    ("table", "needed"),
    [("messages", ["person", "channel", "sent_at"]), ("message_states", ["channel", "state", "sent_at"])],
)
def test_a_question_about_one_month_reads_its_months_and_the_columns_it_needs(tmp_path, table, needed):
    """All other bytes may be gone: pages of other months, and of columns that the figure does without."""
    (tmp_path / "policy.toml").write_text(POLICY)
    lines = [message(n, f"2026-0{1 + n % 8}-15T00:{n % 60:02}:00Z", person_id=f"p{n % 8}") for n in range(8000)]
    write(tmp_path / "exports", BEGIN | {"messages-2026-03-31.csv": csv(MESSAGES, *lines)})
    how = {"policy": tmp_path / "policy.toml", "environment": environment(tmp_path / "stores"), "shards": 2}
    store = open_store_of(tmp_path / "exports", **how)
    start, end = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
    wanted = {file for shard in range(2) for file in store.files(table, shard, start=start, end=end)}
    every = {file for shard in range(2) for file in store.files(table, shard)}
    assert {file.stem for file in wanted} == {"2026-03"}
    full = store.scan(table, 0, start=start, end=end).select(needed).collect()
    total = sum(file.stat().st_size for file in every)
    spoilt = sum(spoil(file, None) for file in every - wanted) + sum(spoil(file, needed) for file in wanted)
    assert store.scan(table, 0, start=start, end=end).select(needed).collect().equals(full)
    assert full.height > 0
    assert spoilt / total > 0.75


DATED = [f"2026-0{1 + n % 8}-15T00:{n % 60:02}:00Z" for n in range(8000)]


def told_of_march_alone(tmp: Path, metric: str, rows: str, states: tuple[str, ...]):
    """A metric's tables of March, which are told again when all rows and the states of other months are gone.

    Beside them which months the states have that stay, and the part of the bytes that went.
    """
    (tmp / "policy.toml").write_text(POLICY)
    how = {"policy": tmp / "policy.toml", "environment": environment(tmp / "stores"), "shards": 2}
    first, second = (open_book(tmp / "exports", "2026-03", "2026-04-01", **how) for _ in range(2))
    names, store = [table.name for table in METRICS[metric].tables], first.store
    full = {name: first.compute(name) for name in names}
    shutil.rmtree(store.folder / "figures")
    period = {"start": first.period.start, "end": first.period.end}
    needed = {file for name in states for file in store.files(name, range(2), **period)}
    every = {file for name in (rows, *states) for file in store.files(name, range(2))}
    total = sum(file.stat().st_size for file in every)
    spoilt = sum(spoil(file, None) for file in every - needed)
    assert {name: second.compute(name).equals(full[name]) for name in names} == dict.fromkeys(names, True)
    return full, {file.stem for file in needed}, spoilt / total


def test_a_book_of_one_month_reads_no_other_month_and_no_message_itself(tmp_path):
    """All files of messages may be gone, and those of what consent said at other months' messages."""
    lines = [message(n, at, person_id=f"p{n % 8}") for n, at in enumerate(DATED)]
    write(tmp_path / "exports", BEGIN | {"messages-2026-03-31.csv": csv(MESSAGES, *lines)})
    states = ("message_states", *TALLIES)
    full, _, spoilt = told_of_march_alone(tmp_path, "marketing_opt_outs", "messages", states)
    assert spoilt > 0.7
    assert full["opt_out_breaches"].height == 1000


def test_disclosures_of_one_month_are_told_from_its_own_states(tmp_path):
    """All rows of disclosures may be gone, and the states of other months."""
    lines = [f"d{n},p{n % 8},acme,consent,marketing,email,{at},,true" for n, at in enumerate(DATED)]
    others = {name: text for name, text in BEGIN.items() if not name.startswith("disclosures")}
    write(tmp_path / "exports", others | {"disclosures.csv": csv(DISCLOSURES, *lines)})
    states = ("disclosure_states",)
    full, months, spoilt = told_of_march_alone(tmp_path, "third_party_disclosures", "disclosures", states)
    assert months == {"2026-02", "2026-03"}
    assert spoilt > 0.8
    assert full["disclosures_by_recipient"].filter(pl.col("recipient") == "all")["disclosures"].item() == 1000


def test_messages_after_an_opt_out_are_found_without_those_to_people_who_had_not_refused(tmp_path, monkeypatch):
    """Whole groups of rows may be gone: those in which no message has an opt-out before it."""
    monkeypatch.setattr(asking_rows, "IN_GROUP", 20)
    lines = [message(n, f"2026-03-15T00:{n % 60:02}:{n // 60:02}Z", person_id=f"p{n % 8}") for n in range(400)]
    write(tmp_path / "exports", BEGIN | {"messages-2026-03-31.csv": csv(MESSAGES, *lines)})
    (tmp_path / "policy.toml").write_text(POLICY)
    how = {"policy": tmp_path / "policy.toml", "environment": environment(tmp_path / "stores"), "shards": 1}
    store = open_store_of(tmp_path / "exports", **how)
    book = open_book(tmp_path / "exports", "2026-03", "2026-05-01", **how)
    frames = {name: store.scan(name, 0) for name in ("people", "message_states")}
    full = refused_messages(frames, places_of_people(frames, book.question), book.question)
    (file,) = store.files("message_states", 0)
    metadata = pq.read_metadata(file)
    place = metadata.schema.names.index("withdrawn_at")
    columns = [metadata.row_group(group).column(place) for group in range(metadata.num_row_groups)]
    without = [group for group, told in enumerate(columns) if told.statistics.null_count == told.num_values]
    assert (len(columns), len(without)) == (20, 15)
    assert spoil(file, [], without) > 0
    assert refused_messages(frames, places_of_people(frames, book.question), book.question).equals(full)
    assert full.height == 100


def spoil(file: Path, needed: list[str] | None, groups: list[int] | None = None) -> int:
    """Overwrite a whole file, or, of some or all groups, the pages of columns not needed; return how many bytes."""
    if needed is None:
        size = file.stat().st_size
        file.write_bytes(os.urandom(size))
        return size
    metadata = pq.read_metadata(file)
    stretches = [
        (min(filter(None, (column.dictionary_page_offset, column.data_page_offset))), column.total_compressed_size)
        for group in (range(metadata.num_row_groups) if groups is None else groups)
        for place in range(metadata.num_columns)
        if (column := metadata.row_group(group).column(place)).path_in_schema not in needed
    ]
    with file.open("r+b") as stream:
        for offset, size in stretches:
            stream.seek(offset)
            stream.write(os.urandom(size))
    return sum(size for _, size in stretches)
