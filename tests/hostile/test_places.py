"""What lies in an export folder and is no file of it: links out of it, pipes, devices, loops; refused, and never waited for."""

import os
import re
import socket
import subprocess
from contextlib import chdir

import pytest
from intake.exporting import MESSAGES, account, csv, keep, message, refused, write
from typer.testing import CliRunner

from pledgebook.book import open_book
from pledgebook.cli import app
from pledgebook.errors import InputError, KeyFault
from pledgebook.key_file import own_key
from pledgebook.policy import read_policy
from pledgebook.publishing import publish_tables
from pledgebook.selftest.copying import copy_exports

GOOD = csv(MESSAGES, message(1))
MAPPING = '[[source]]\nname = "m"\ntable = "messages"\nfiles = "{}"\n'


@pytest.fixture
def exports(tmp_path):
    return write(tmp_path / "exports", {"messages-1.csv": GOOD})


@pytest.fixture
def elsewhere(tmp_path):
    return write(tmp_path / "elsewhere", {"messages-2.csv": csv(MESSAGES, message(2)), "m/people.csv": "secret"})


def pipe(path):
    os.mkfifo(path)


def bound(path):
    """A socket, under a short relative path, since those of sockets are cut."""
    with chdir(path.parent):
        socket.socket(socket.AF_UNIX).bind(path.name)


def link(target):
    return lambda path: path.symlink_to(target)


PLACES = {
    "a pipe": pipe,
    "a socket": bound,
    "a folder": lambda path: path.mkdir(),
    "a link to a device": link("/dev/zero"),
    "a link to a terminal": link("/dev/tty"),
    "a link to a folder outside": link("/etc"),
    "a link to a file outside": link("/etc/hostname"),
    "a link to nothing": link("nothing.csv"),
    "a link to itself": lambda path: path.symlink_to(path.name),
    "a link above itself": link("../elsewhere/messages-2.csv"),
}


@pytest.mark.parametrize("name", ["messages-2.csv", "exports.toml", "messages-2.parquet", "messages-2.csv.gz"])
@pytest.mark.parametrize("place", PLACES)
def test_what_is_no_file_of_the_folder_is_refused_by_name(tmp_path, exports, elsewhere, place, name):
    PLACES[place](exports / name)
    said = refused(tmp_path, {})
    assert said.startswith(f"{name}: ")
    assert "secret" not in said


@pytest.mark.parametrize("place", PLACES)
def test_a_table_s_folder_and_what_lies_in_it_are_looked_at_too(tmp_path, exports, elsewhere, place):
    (exports / "messages").mkdir()
    PLACES[place](exports / "messages" / "part.csv")
    assert refused(tmp_path, {}).startswith("messages/part.csv: ")


def test_a_table_s_folder_that_is_a_link_out_is_refused_before_it_is_listed(tmp_path, exports, elsewhere):
    (exports / "people").symlink_to("/")
    assert refused(tmp_path, {}).startswith("people: a link that leads out of the exports folder")


@pytest.mark.parametrize("pattern", ["inner/*.csv", "*/*.csv", "inner/messages-2.csv", "inn??/*.csv"])
def test_a_pattern_finds_no_way_out_through_a_linked_folder(tmp_path, exports, elsewhere, pattern):
    (exports / "inner").symlink_to(elsewhere)
    write(exports, {"exports.toml": MAPPING.format(pattern)})
    assert refused(tmp_path, {}).startswith("inner/messages-2.csv: a link that leads out of the exports folder")


def test_a_pattern_of_any_depth_does_not_follow_linked_folders(tmp_path, exports, elsewhere):
    (exports / "inner").symlink_to(elsewhere)
    write(exports, {"exports.toml": MAPPING.format("**/*.csv")})
    assert list(account(keep(tmp_path, {}))) == ["messages-1.csv"]


@pytest.mark.parametrize(
    "pattern", ["../elsewhere/*.csv", "/etc/passwd", "a/../../x.csv", "**/../../*.csv", "..", "/", "//etc/*", "**/**/**/*.csv"]
)  # fmt: skip
def test_a_pattern_that_leads_out_or_everywhere_is_refused(tmp_path, exports, pattern):
    write(exports, {"exports.toml": MAPPING.format(pattern)})
    assert "exports.toml, line 4: source.0.files: " in refused(tmp_path, {})


def test_a_pattern_of_a_home_folder_or_a_variable_is_only_a_name(tmp_path, exports):
    for pattern in ("~/*.csv", "$HOME/*.csv", "$(touch x).csv", "`id`.csv", "x;touch y"):
        write(exports, {"exports.toml": MAPPING.format(pattern)})
        assert "no file matches" in refused(tmp_path, {})


def test_the_exports_folder_itself_may_be_a_link(tmp_path, exports):
    (tmp_path / "linked").symlink_to(exports)
    assert account(keep(tmp_path, {}, name="linked"))["messages-1.csv"][:2] == (1, 1)


def test_a_link_inside_and_a_hard_link_are_files_like_others(tmp_path, exports, elsewhere):
    write(exports, {"raw/two.csv": csv(MESSAGES, message(2))})
    (exports / "messages-2.csv").symlink_to("raw/two.csv")
    (exports / "messages-3.csv").hardlink_to(elsewhere / "messages-2.csv")
    told = account(keep(tmp_path, {}))
    assert {name: rows[0] for name, rows in told.items()} == {
        "messages-1.csv": 1,
        "messages-2.csv": 1,
        "messages-3.csv": 1,
    }


def test_what_nobody_reads_may_lie_there_and_is_named(tmp_path, exports):
    pipe(exports / "pipe")
    (exports / "notes.txt").symlink_to("/etc/hostname")
    (exports / "old").symlink_to("/")
    store = keep(tmp_path, {})
    assert store.facts["unread"] == ["notes.txt", "old"]


@pytest.mark.parametrize(
    "place", ["a pipe", "a socket", "a folder", "a link to a device", "a link to nothing", "a link to itself"]
)
def test_a_policy_that_is_no_file_is_refused_and_not_waited_for(tmp_path, place):
    PLACES[place](tmp_path / "policy.toml")
    with pytest.raises(InputError, match=r"policy\.toml: (cannot be read|there is no such policy file)"):
        read_policy(tmp_path / "policy.toml")


@pytest.mark.parametrize(
    "name", ["messages-a\nb.csv", "messages-\x1b[2J.csv", "messages-\u202egnp.csv", "messages-\udcff.csv"]
)
def test_a_name_that_cannot_be_shown_is_refused(tmp_path, exports, name):
    (exports / name).write_text(GOOD)
    said = refused(tmp_path, {})
    assert "a sign that cannot be shown" in said
    assert said.isprintable()


@pytest.mark.parametrize(
    "name",
    ["messages/[/x].csv", "messages-[bold]x.csv", "messages-<b>&.csv", "messages-$(id).csv", "messages-%s{0}.csv"],
)
def test_a_name_that_looks_like_markup_is_only_a_name(tmp_path, exports, name, capsys):
    from rich.console import Console

    from pledgebook.report.account import print_account

    write(exports, {name: csv(f"{MESSAGES},[/red]", message(2) + ",x")})
    store = keep(tmp_path, {})
    print_account(store, Console(soft_wrap=True, width=200))
    said = capsys.readouterr().out
    assert name in said
    assert "column '[/red]' is not known" in said


def test_a_message_about_a_name_that_looks_like_markup_is_printed(tmp_path, exports):
    write(exports, {"messages/\\[/x].csv": ""})
    words = ["check", "--exports", str(exports)]
    result = CliRunner().invoke(
        app, words, env={"PLEDGEBOOK_KEY": "k" * 40, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    )
    assert result.exit_code == 2
    assert "error: messages/\\[/x].csv: the file is empty (0 bytes)" in result.output


@pytest.mark.parametrize("where", ["old", "messages"])
def test_folders_without_end_are_refused(tmp_path, exports, where):
    (exports / where).mkdir()
    with chdir(exports / where):
        for _ in range(1200):
            os.mkdir("a")  # noqa: PTH102 a path of such a length is none any more
            os.chdir("a")
    assert "its folders lie too deep in one another" in refused(tmp_path, {})
    subprocess.run(["rm", "-rf", exports / where], check=True)  # too deep for Python's own removal too


def test_a_selftest_copies_nothing_from_outside(exports, tmp_path, elsewhere):
    (exports / "notes.txt").symlink_to("/proc/kcore")
    (exports / "kept.txt").symlink_to("messages-1.csv")
    copy_exports(exports, tmp_path / "copy")
    assert sorted(path.name for path in (tmp_path / "copy").iterdir()) == ["kept.txt", "messages-1.csv"]


@pytest.mark.parametrize("place", ["a pipe", "a folder", "a link to a device"])
def test_a_key_that_is_no_file_is_refused_and_not_waited_for(tmp_path, place):
    PLACES[place](tmp_path / "key")
    with pytest.raises(KeyFault, match="no file, but a folder, a pipe or a device"):
        own_key({"PLEDGEBOOK_KEY_FILE": str(tmp_path / "key")})


def test_quarantine_of_each_file_is_kept_whatever_its_name(tmp_path, root):
    """Names that differ only in `/` and `_`, and one as long as a disk takes."""
    long = f"messages/{'m' * 251}.csv"
    bad = {name: csv(MESSAGES, message(n, channel="none")) for n, name in enumerate(("a/b.csv", "a_b.csv", long))}
    mapping = "".join(f'[[source]]\nname = "{n}"\ntable = "messages"\nfiles = "{name}"\n' for n, name in enumerate(bad))
    folder = write(tmp_path / "exports", {**bad, "exports.toml": mapping})
    environment = {"PLEDGEBOOK_KEY": "k" * 40, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    book = open_book(folder, "2026-09", policy=root / "data/policy.toml", environment=environment)
    publish_tables(book, "arrived", tmp_path / "out")
    files = sorted((tmp_path / "out/quarantine").iterdir())
    assert sorted(file.read_text().splitlines()[1] for file in files) == sorted(
        f"{name},1,unknown_channel" for name in bad
    )
    assert all(re.fullmatch(r"[\w.-]+-[0-9a-f]{12}\.csv", file.name) for file in files)
