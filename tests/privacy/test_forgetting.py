"""Forgetting a person: no row of theirs stays in any file, everybody else's stay, and it holds when it is interrupted."""

import json
import os
import subprocess
import sys
from datetime import UTC, date, datetime

import polars as pl
import pytest
from intake.exporting import (
    CONSENT,
    DISCLOSURES,
    KEY,
    MESSAGES,
    PEOPLE,
    REQUESTS,
    account,
    csv,
    keep,
    kept,
    message,
    pseudonym,
)
from typer.testing import CliRunner

from pledgebook import forgetting
from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.forgetting import find_rows
from pledgebook.message_states import TALLIES
from pledgebook.store_lock import alone, beside_others
from pledgebook.tables import TABLES

AT = "2026-09-01T00:00:00Z"
GONE, STAYS, FURTHER = "p1", "p2", "taro@example.com"
PEOPLE_TABLES = [name for name, table in TABLES.items() if "person" in table.stored_columns]


def further_id(person: str) -> str:
    return FURTHER if person == GONE else f"{person}@x.example"


def rows_of(*people: str) -> dict[str, str]:
    """An export folder in which every one of these people has a row in every table about people, in one by a further id."""
    return {
        "people.csv": csv(PEOPLE, *[f"{p},customer,JP,2026-01-01T00:00:00Z," for p in people]),
        "identities.csv": csv("id,person_id", *[f"{further_id(p)},{p}" for p in people]),
        "consent_events.csv": csv(CONSENT, *[f"{p},marketing,any,grant,{AT}" for p in people]),
        "requests.csv": csv(REQUESTS, *[f"r-{p},{p},disclosure,{AT},," for p in people]),
        "request_pauses.csv": csv("request_id,paused_at,resumed_at", *[f"r-{p},2026-09-02T00:00:00Z," for p in people]),
        "messages.csv": csv(MESSAGES, *[f"m-{p}-{n},{p},email,autumn,marketing,s1,2026-0{n}-15T00:00:00Z"
                                        for p in people for n in (7, 8, 9)]),
        "suppressions.csv": csv("person_id,channel,system,added_at,removed_at",
                                *[f"{further_id(p)},email,s1,{AT}," for p in people]),
        "disclosures.csv": csv(DISCLOSURES, *[f"d-{p},{p},acme,consent,marketing,email,{AT},,true" for p in people]),
        "uses.csv": csv("use_id,person_id,purpose,system,items,used_at", *[f"u-{p},{p},marketing,s1,email,{AT}" for p in people]),
        "accesses.csv": csv("employee_id,person_id,system,reason,at,was_granted", *[f"e1,{p},s1,x,{AT},true" for p in people]),
        "staff.csv": csv("employee_id,role,joined_on,left_on", "e1,clerk,2020-01-01,", "e2,clerk,2020-01-01,"),
        "trainings.csv": csv("employee_id,course,completed_on", "e1,privacy,2026-01-01", "e2,privacy,2026-01-01"),
    }  # fmt: skip


@pytest.fixture
def stores(tmp_path, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "stores"))
    return tmp_path / "stores"


def forget(*ids, words=()):
    return CliRunner().invoke(app, ["forget", *words], input="".join(f"{each}\n" for each in ids))


def traces(stores, *ids) -> set[str]:
    """Files below the stores that still name one of these people, whatever the column."""
    names = {pseudonym(each) for each in ids}
    found = set()
    for file in stores.rglob("*.parquet"):
        rows = pl.read_parquet(file, hive_partitioning=False)
        for column in rows.select(pl.col(pl.UInt64)).iter_columns():
            if names & set(column):
                found.add(str(file.relative_to(stores)))
    return found


@pytest.mark.parametrize(("given", "shards"), [(GONE, 1), (f" {FURTHER.upper()}", 4)])
def test_every_row_of_the_person_goes_and_every_other_row_stays(tmp_path, stores, given, shards):
    store = keep(tmp_path, rows_of(GONE, STAYS), shards=shards)
    naming = traces(stores, GONE, FURTHER)
    assert {path.split("/")[0] for path in naming} == {store.folder.name, "parts"}
    assert "further_ids.parquet" in {path.split("/")[-1] for path in naming}
    before = {name: kept(store, name) for name in TABLES}
    done = forget(given)
    assert done.exit_code == 0, done.output
    assert traces(stores, GONE, FURTHER) == set()
    for name, rows in before.items():
        theirs = rows.filter(pl.col("person") == pseudonym(GONE)) if name in PEOPLE_TABLES else rows.clear()
        assert theirs.height == (3 if name == "messages" else 1) * (name in PEOPLE_TABLES), name
        assert kept(store, name).equals(rows.join(theirs, on=["source", "source_row"], how="anti")), name
    states = pl.concat([store.scan("consent_states", shard) for shard in range(shards)]).collect()
    assert set(states["person"]) == {pseudonym(STAYS)}


def test_rows_from_before_an_id_was_known_go_too(tmp_path, stores):
    keep(tmp_path, {"messages.csv": csv(MESSAGES, message(1, person_id=FURTHER), message(2, person_id=STAYS))})
    keep(tmp_path, {"identities.csv": csv("id,person_id", f"{FURTHER},{GONE}")})
    assert forget(GONE).exit_code == 0
    assert traces(stores, GONE, FURTHER) == set()
    assert traces(stores, STAYS)


def test_what_is_said_counts_rows_and_names_nobody(tmp_path, stores):
    store = keep(tmp_path, rows_of(GONE, STAYS))
    done = forget(FURTHER, words=["--dry-run"])
    assert f"store {store.folder.name}: " in done.output
    assert "messages 3" in done.output
    assert "Removed" not in done.output
    assert traces(stores, GONE)
    done = forget(FURTHER)
    assert "The exports still hold the person" in done.output
    assert "No store holds a row under this id." in forget(FURTHER).output
    for text in (FURTHER, GONE, f"{pseudonym(GONE):016x}", str(pseudonym(GONE))):
        assert text not in done.output.split()


def test_facts_count_the_forgotten_by_day_and_the_store_goes_on(tmp_path, stores):
    store = keep(tmp_path, rows_of(GONE, STAYS, "p3", "p4"))
    assert forget(GONE).exit_code == 0
    assert forget(STAYS, "p3").exit_code == 0
    facts = json.loads((store.folder / "store.json").read_text())
    assert facts["forgotten"]["people"] == 3
    assert [date.fromisoformat(day) <= datetime.now(UTC).date() for day in facts["forgotten"]["on"]] == [True]
    assert str(pseudonym(GONE)) not in json.dumps(facts)
    again = keep(tmp_path, {})
    assert (again.folder, again.facts["data"]) == (store.folder, store.facts["data"])
    assert kept(again, "people")["person"].to_list() == [pseudonym("p4")]
    assert account(again) == account(store)


def tallied(store):
    return {name: store.scan(name, 0).collect()["rows"].to_list() for name in TALLIES}


def test_messages_of_the_person_are_no_longer_tallied(tmp_path, stores, monkeypatch):
    """Also where forgetting was killed between the tallies and the messages."""
    store = keep(tmp_path, rows_of(GONE, STAYS))
    assert tallied(store) == {name: [2, 2, 2] for name in TALLIES}
    replace, done = forgetting._replace, []

    def killed(file, rows, *how):
        if "message_states" in file.parts and not done:
            done.append(file)
            raise KeyboardInterrupt
        replace(file, rows, *how)

    monkeypatch.setattr(forgetting, "_replace", killed)
    forget(GONE)
    assert len(done) == 1
    assert forget("nobody").exit_code != 2
    assert traces(stores, GONE, FURTHER) == set()
    assert tallied(store) == {name: [1, 1, 1] for name in TALLIES}


def test_an_employee_is_forgotten_too(tmp_path, stores):
    store = keep(tmp_path, rows_of(GONE, STAYS))
    assert forget("e1").exit_code == 0
    assert traces(stores, "e1") == set()
    assert kept(store, "staff")["employee"].to_list() == [pseudonym("e2")]
    assert kept(store, "accesses").is_empty()


def test_rows_that_did_not_stand_go_with_the_others(tmp_path, stores):
    files = rows_of(GONE, STAYS)
    files["messages-2026-10-01.csv"] = csv(MESSAGES, *[
        f"m-{GONE}-9,{GONE},sms,winter,marketing,s1,2026-09-15T00:00:00Z",
        f"m-x,{GONE},email,a,marketing,s1,{AT}", f"m-x,{GONE},email,b,marketing,s1,{AT}",
    ])  # fmt: skip
    keep(tmp_path, files)
    assert any("fallen" in path for path in traces(stores, GONE))
    forget(GONE)
    assert traces(stores, GONE, FURTHER) == set()


def test_a_later_export_makes_the_same_store_as_one_made_from_nothing(tmp_path, stores):
    keep(tmp_path, rows_of(GONE, STAYS))
    forget(GONE)
    more = {"messages-2026-11-01.csv": csv(MESSAGES, message(77, "2026-10-05T00:00:00Z", person_id=STAYS))}
    grown = keep(tmp_path, more)
    assert "forgotten" not in grown.facts
    (tmp_path / "fresh").mkdir()
    fresh = keep(tmp_path / "fresh", rows_of(GONE, STAYS) | more)
    for name in TABLES:
        assert kept(grown, name).equals(kept(fresh, name)), name
    for name in ("consent_states", "message_states", *TALLIES, "disclosure_states"):
        assert grown.scan(name, 0).collect().sort(pl.all()).equals(fresh.scan(name, 0).collect().sort(pl.all())), name
    assert account(grown) == account(fresh)


def test_every_store_is_cleaned_and_those_of_another_key_are_named(tmp_path, stores, monkeypatch):
    first = keep(tmp_path, rows_of(GONE, STAYS))
    second = keep(tmp_path, {"uses-2026-10-01.csv": "use_id,person_id,purpose,system,items,used_at\n"})
    monkeypatch.setenv("PLEDGEBOOK_KEY", "x" * 40)
    assert "No store holds a row" in forget(GONE).output
    assert f"store {first.folder.name}: made with another key" in forget(GONE).output
    monkeypatch.setenv("PLEDGEBOOK_KEY", KEY)
    done = forget(GONE)
    assert all(f"store {each.folder.name}: " in done.output for each in (first, second))
    assert traces(stores, GONE, FURTHER) == set()


def test_a_person_under_a_key_that_was_rotated_is_found(tmp_path, stores, monkeypatch):
    keep(tmp_path, rows_of(GONE, STAYS))
    monkeypatch.delenv("PLEDGEBOOK_KEY")
    monkeypatch.setenv("PLEDGEBOOK_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "key").write_text(KEY)
    (tmp_path / "key").chmod(0o600)
    CliRunner().invoke(app, ["key", "rotate"])
    assert forget(GONE).exit_code == 0
    assert traces(stores, GONE, FURTHER) == set()


def test_an_id_that_changed_hands_is_refused(tmp_path, stores):
    keep(tmp_path, rows_of(GONE, STAYS))
    keep(tmp_path, {"identities.csv": csv("id,person_id", f"{FURTHER},{STAYS}")})
    done = forget(FURTHER)
    assert done.exit_code == 2
    assert "an id belonged to several people at different times" in done.output
    assert traces(stores, GONE)


def test_figures_that_counted_the_person_go_and_those_of_other_stores_stay(tmp_path, stores):
    """The other has so many shards that it is not made on the first one's files."""
    made = [keep(tmp_path, rows_of(GONE, STAYS)), keep(tmp_path, rows_of(STAYS), name="other", shards=2)]
    for store in made:
        (store.folder / "figures").mkdir()
    forget(GONE)
    assert [(store.folder / "figures").exists() for store in made] == [False, True]
    assert "forgotten" not in json.loads((made[1].folder / "store.json").read_text())


@pytest.mark.parametrize("rewritten", [0, 5, 1000])
def test_a_forgetting_that_is_killed_is_finished_by_the_next(tmp_path, stores, monkeypatch, rewritten):
    store = keep(tmp_path, rows_of(GONE, STAYS))
    rewrite, done = forgetting._rewrite, []

    def rewrite_and_die(*arguments):
        if len(done) == rewritten:
            raise KeyboardInterrupt
        done.append(rewrite(*arguments))

    def tell_and_die(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as killed:
        killed.setattr(forgetting, "_rewrite", rewrite_and_die)
        killed.setattr(forgetting, "_tell", tell_and_die)
        assert forget(GONE).exit_code != 0
    with pytest.raises(InputError, match="Run pledgebook forget again"):
        keep(tmp_path, {})
    again = forget(GONE)
    assert again.exit_code == 0
    assert "interrupted is finished" in again.output
    assert traces(stores, GONE, FURTHER) == set()
    assert json.loads((store.folder / "store.json").read_text())["forgotten"]["people"] == 1
    assert keep(tmp_path, {}).folder == store.folder
    assert not [file for file in stores.rglob(".*") if file.is_file()]


def test_nobody_is_forgotten_while_a_run_is_at_work_and_no_run_begins_meanwhile(tmp_path, stores):
    keep(tmp_path, rows_of(GONE, STAYS))
    with beside_others(stores), beside_others(stores):
        done = forget(GONE)
    assert done.exit_code == 2
    assert "a run is at work" in done.output
    assert traces(stores, GONE)
    waiting = (
        "import sys; from pathlib import Path; from pledgebook.store_lock import beside_others\n"
        "with beside_others(Path(sys.argv[1])): print('in')"
    )
    with alone(stores):
        run = subprocess.Popen([sys.executable, "-c", waiting, str(stores)], stdout=subprocess.PIPE)
        with pytest.raises(subprocess.TimeoutExpired):
            run.wait(0.7)
    assert run.communicate(timeout=20)[0] == b"in\n"


def test_what_a_killed_intake_left_goes_too(tmp_path, stores):
    keep(tmp_path, rows_of(GONE, STAYS))
    (stores / ".making-left").mkdir()
    (stores / ".making-left" / "plain.csv").write_text(GONE)
    forget(GONE)
    assert not (stores / ".making-left").exists()


def test_files_that_stores_share_are_replaced_and_never_changed(tmp_path, stores):
    keep(tmp_path, rows_of(GONE, STAYS))
    (tmp_path / "copies").mkdir()
    copies = {file: tmp_path / "copies" / str(number) for number, file in enumerate(stores.rglob("*.parquet"))}
    for file, copy in copies.items():
        os.link(file, copy)
    contents = {copy: copy.read_bytes() for copy in copies.values()}
    forget(GONE)
    assert {copy: copy.read_bytes() for copy in copies.values()} == contents


def test_names_beyond_the_signed_range_are_found(tmp_path):
    folder = tmp_path / ("a" * 32)
    folder.mkdir()
    high = 2**64 - 1
    rows = pl.DataFrame({"person": [high, None, 5]}, schema={"person": pl.UInt64})
    rows.write_parquet(folder / "rows.parquet")
    held = find_rows([high], tmp_path)
    assert held.hits.rows() == [(str(folder / "rows.parquet"), high, 1)]
    forgetting.forget([high], held, tmp_path, date(2026, 11, 23))
    assert pl.read_parquet(folder / "rows.parquet")["person"].to_list() == [None, 5]
