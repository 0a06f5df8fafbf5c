"""Exports full of canaries go through a whole run, for either audience: none is in any byte that the run leaves or says."""

import hashlib
import hmac
import stat
import subprocess
import unicodedata

import polars as pl
import pytest

from tests.leaks.canaries import HEADERS, MARKERS, PATTERNS, Canaries, email, let_out
from tests.leaks.machine import KEY, Machine
from tests.leaks.searching import Search

RUN = ("run", "--period", "2026-09", "--exports", "exports", "--out", "reports", "--jobs", "2")
STANDING = "Frühlingsgrüße und 春の便り"


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """One whose umask takes nothing away, and whose key lies in a file."""
    made = Machine(tmp_path_factory.mktemp("machine"), umask=0)
    made.keep_key_in_file()
    return made


def write_examples_and_ssh_key(machine, canaries: Canaries) -> None:
    """What else commands are given: a table with canaries in every column, an ssh key with one for its remark."""
    texts = [canaries.new("examples", kind) for kind in PATTERNS]
    rows = [",".join([text, "access", "2026-01-31", "", text]) for text in ("GDPR", *texts)]
    (machine.exports / "examples.csv").write_text("\n".join(["regime,request_type,received_at,rule,name", *rows]))
    words = ["-q", "-t", "ed25519", "-N", "", "-C", texts[0], "-f", str(machine.exports / "ssh")]
    subprocess.run(["ssh-keygen", *words], check=True)


def normalised(clear: str) -> str:
    text = unicodedata.normalize("NFKC", clear).strip()
    return text.lower() if "@" in text else text


@pytest.fixture(scope="module")
def ran(machine):
    """Every command on one store, then everything that they left, without the exports."""
    canaries = let_out(machine.exports)
    messages = pl.read_parquet(machine.exports / "messages.parquet")
    labelled = messages.with_columns(pl.col("campaign").replace("monthly_letter", STANDING))
    labelled.write_parquet(machine.exports / "messages.parquet")
    (machine.exports / f"{email(9999)}.txt").write_text("nobody reads this file, and its name is named")
    said = {
        "check": machine.run("check", "--exports", "exports"),
        "internal": machine.run(*RUN),
        "public": machine.run(*RUN, "--audience", "public"),
    }
    write_examples_and_ssh_key(machine, canaries)
    old = machine.run("key", "show").out.decode().split()[0]
    said |= {
        "sign": machine.run("sign", "reports/2026-09", "--key", "exports/ssh"),
        "rotate": machine.run("key", "rotate"),
        "verify": machine.run("verify", "reports/2026-09", "--rerun"),
        "verify, as JSON": machine.run("verify", "reports/2026-09", "--json"),
        "who": machine.run("who", "--exports", "exports", stdin="\n".join(canaries.ids[:40])),
        "who, by the old key": machine.run("who", "--key-id", old, stdin=canaries.ids[0]),
        "due": machine.run("due", "--examples", "exports/examples.csv"),
        "sample": machine.run("sample", "--people", "200", "--out", "sample"),
        "key": machine.run("key", "show"),
        "selftest": machine.run("selftest", "--exports", "exports", "--period", "2026-08"),
        "forget": machine.run("forget", "--yes", stdin=canaries.ids[0]),
        "forget by age": machine.run("forget", "--older-than", "0d", "--dry-run"),
    }
    canaries.secrets += [file.read_text().strip() for file in sorted(machine.key_file.parent.iterdir())]
    machine.leave_searchable()
    return said, Search(canaries)


def test_every_command_ends_well(ran):
    said, _ = ran
    assert {name: (each.code, each.out[-300:] if each.code else b"") for name, each in said.items()} == dict.fromkeys(
        said, (0, b"")
    )


def test_no_canary_is_in_any_file_that_is_left(ran, machine):
    _, search = ran
    assert search.below(machine.place) == []


def test_no_canary_is_said(ran):
    said, search = ran
    assert [found for name, each in said.items() for found in search.in_bytes(each.out, name)] == []


def test_no_canary_is_in_the_words_of_a_process(ran):
    said, search = ran
    long = ("internal", "public", "verify", "selftest")
    assert {name: b"pledgebook" in said[name].processes for name in long} == dict.fromkeys(long, True)
    assert [found for name, each in said.items() for found in search.in_bytes(each.processes, name)] == []


def test_old_reports_stay_readable_after_the_key_was_rotated(ran):
    said, search = ran
    assert len(set(search.secrets)) == 2
    assert b"computed again in a clean process, bit by bit" in said["verify"].out
    pseudonym = hmac.new(KEY.encode(), normalised(search.ids[0]).encode(), hashlib.sha256).hexdigest()[:16]
    assert said["who, by the old key"].out.decode().strip() == pseudonym


def test_what_is_left_is_for_its_owner_alone(ran, machine):
    """Stores and runs are closed folders, a worklist in them is closed itself, though the umask takes nothing away."""
    closed = [machine.place / "home" / ".cache" / "pledgebook" / "stores", machine.reports / ".runs"]
    assert [stat.S_IMODE(folder.stat().st_mode) & 0o077 for folder in closed] == [0, 0]
    worklists = [*machine.reports.glob(".runs/*/worklists/*.csv")]
    assert worklists
    assert {stat.S_IMODE(file.stat().st_mode) for file in worklists} == {0o600}


def test_what_was_searched_was_there(ran, machine):
    """Worklists with replaced ids, quarantine, store, pages and notebooks of both audiences, with a label that may stand."""
    for link in ("2026-09", "2026-09-public"):
        report = machine.reports / link
        pages = {page.stem: page.read_text(encoding="utf-8") for page in report.glob("*.html")}
        assert len(pages) == 1 + len(list(report.glob("*.ipynb"))) >= 7
        assert STANDING in pages["30_marketing_opt_outs"]
        assert STANDING in (report / "30_marketing_opt_outs.ipynb").read_text(encoding="utf-8")
        assert STANDING in (report / "tables" / "marketing_messages.csv").read_text(encoding="utf-8")
    work = machine.reports / "2026-09" / "worklists"
    for name, column in (("requests_open", "request_id"), ("disclosure_findings", "disclosure_id")):
        assert pl.read_csv(work / f"{name}.csv")[column].str.contains("^[0-9a-f]{64}$").sum() >= len(PATTERNS) - 1
    rules = pl.read_csv(machine.reports / "2026-09" / "tables" / "quarantine.csv")["rule"]
    assert {"personal_data_in_label", "unknown_region", "unknown_kind", "unreadable_time", "unreadable_number"} <= {
        *rules
    }
    stored = list((machine.place / "home" / ".cache").rglob("*.parquet"))
    assert len(stored) > len(pl.read_csv(machine.reports / "2026-09" / "tables" / "intake.csv"))


def test_columns_and_files_with_canaries_for_names_are_told_without_them(ran):
    said = ran[0]["check"].out.decode()
    assert "column '(hidden)' is not known" in said
    assert "column 'birth_date' is not known" in said
    assert "(hidden).txt" in said or "Not read: (hidden)" in said
    assert not any(word in said for word in (*HEADERS, *MARKERS))
