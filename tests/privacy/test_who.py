"""`pledgebook who`: from a clear id on standard input to a pseudonym, and nothing else."""

import hashlib
import hmac
import os
import pty
import subprocess
import sys

import pytest
from intake.exporting import PEOPLE, POLICY, csv, pseudonym, write
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.key_file import Key

ID = "taro@example.com"


def said(*ids: str) -> str:
    return "".join(f"{pseudonym(each):016x}\n" for each in ids)


def ask(text, *words):
    return CliRunner().invoke(app, ["who", *map(str, words)], input=text)


@pytest.fixture
def exports(tmp_path, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "stores"))
    (tmp_path / "policy.toml").write_text(POLICY)
    people = csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in range(3)])
    return write(tmp_path / "exports", {"people.csv": people, "identities.csv": f"id,person_id\n{ID},p1\np1,p2\n"})


@pytest.mark.parametrize("text", [f"{ID}\n", ID, f" {ID.upper()}\r\n", "\ufeffｔａｒｏ＠example.com\n"])
def test_an_id_is_trimmed_and_normalised_as_intake_does_it(text):
    done = ask(text.encode())
    assert (done.output, done.exit_code) == (said(ID), 0)


def test_several_ids_are_answered_in_their_order():
    assert ask("C-2\nC-1\nC-2\n").output == said("C-2", "C-1", "C-2")


@pytest.mark.parametrize("words", [[ID], ["--id", ID], [f"--person={ID}"], ["--", ID]])
def test_an_id_as_an_argument_is_refused_and_not_repeated(words):
    done = ask("C-1\n", *words)
    assert done.exit_code == 2
    assert "comes on standard input" in done.output
    assert ID not in done.output


@pytest.mark.parametrize(
    ("text", "says"),
    [("", "line 1: there is no id"), ("C-1\n \nC-2\n", "line 2: there is no id"), (b"\xff\n", "UTF-8")],
)
def test_what_is_no_id_is_refused_before_any_is_answered(text, says):
    done = ask(text)
    assert done.exit_code == 2
    assert says in done.output
    assert "C-1" not in done.output
    assert said("C-1").strip() not in done.output


def test_a_further_id_is_followed_one_hop_to_its_person(exports, tmp_path):
    rules = ["--policy", tmp_path / "policy.toml"]
    assert ask(f"{ID}\np1\np2\nnobody\n", "--exports", exports, *rules).output == said("p1", "p2", "p2", "nobody")
    assert ask(f"{ID}\n").output == said(ID)


def test_without_identities_nothing_is_opened(exports, tmp_path):
    (exports / "identities.csv").unlink()
    assert ask(f"{ID}\n", "--exports", exports, "--policy", tmp_path / "policy.toml").output == said(ID)
    assert not (tmp_path / "stores").exists()


def test_the_sample_answers_with_its_own_key(tmp_path):
    secret = "pledgebook-public-" + "x" * 40
    write(tmp_path, {"demonstration.key": secret, "planted.csv": "", "people.csv": csv(PEOPLE)})
    expected = hmac.new(secret.encode(), b"C-1", hashlib.sha256).hexdigest()[:16]
    assert ask("C-1\n", "--exports", tmp_path).output == f"{expected}\n"


def test_a_key_that_was_rotated_still_answers(tmp_path, monkeypatch):
    monkeypatch.delenv("PLEDGEBOOK_KEY")
    monkeypatch.setenv("PLEDGEBOOK_KEY_FILE", str(tmp_path / "key"))
    (tmp_path / "key").write_text("k" * 40)
    (tmp_path / "key").chmod(0o600)
    assert CliRunner().invoke(app, ["key", "rotate"]).exit_code == 0
    assert ask("C-1\n").output != said("C-1")
    assert ask("C-1\n", "--key-id", Key("k" * 40).id).output == said("C-1")
    assert ask("C-1\n", "--key-id", "f" * 16).exit_code == 2


def test_a_folder_that_is_not_there_is_named(tmp_path):
    done = ask("C-1\n", "--exports", tmp_path / "nowhere")
    assert done.exit_code == 2
    assert "no such folder" in done.output


def test_on_a_terminal_the_id_is_asked_for_and_not_shown():
    master, terminal = pty.openpty()
    command = [sys.executable, "-m", "pledgebook", "who"]
    with subprocess.Popen(
        command, stdin=terminal, stdout=subprocess.PIPE, stderr=terminal, start_new_session=True, env=os.environ.copy()
    ) as run:
        os.close(terminal)
        shown = b""
        while b"not shown" not in shown:
            shown += os.read(master, 1024)
        os.write(master, f"{ID}\n".encode())
        out = run.stdout.read()
        shown += _rest(master)
    assert out.decode() == said(ID)
    assert ID.encode() not in shown


def _rest(master: int) -> bytes:
    try:
        return os.read(master, 1024)
    except OSError:
        return b""
