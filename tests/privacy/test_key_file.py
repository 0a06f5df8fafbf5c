"""The key: read from where it belongs, never sent, never lost when a new one is made."""

import os
import pickle
import stat

import pytest
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import KeyFault
from pledgebook.key_file import Key, find_key, find_key_named, kept_keys, key_file, read_key, write_key
from pledgebook.key_rotation import keys_at_hand, rotate_key
from pledgebook.loading import Loader
from pledgebook.metrics.catalogue import METRICS
from pledgebook.store import Store

SECRET = "s" * 40
KEY = Key(SECRET)


@pytest.fixture
def environment(tmp_path, monkeypatch):
    """An environment whose key lies in a file, as the command line and the library find it."""
    monkeypatch.delenv("PLEDGEBOOK_KEY", raising=False)
    monkeypatch.setenv("PLEDGEBOOK_KEY_FILE", str(tmp_path / "safe" / "key"))
    write_key(tmp_path / "safe" / "key", KEY, may_replace=False)
    return os.environ


def test_a_key_is_never_pickled_and_a_task_of_a_metric_carries_none(tmp_path, asked):
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        with pytest.raises(KeyFault, match="never sent to another process"):
            pickle.dumps(KEY, protocol)
    task = Loader(Store(tmp_path, {"shards": 1, "key_id": KEY.id}), METRICS["consent_coverage"], [0], asked)
    assert SECRET.encode() not in pickle.dumps(task)


@pytest.fixture
def asked():
    from asking import ask

    return ask()


def test_a_worker_finds_the_key_in_its_own_environment_by_its_id(environment, tmp_path):
    assert find_key(tmp_path, environment, may_make=False) == (KEY, None)
    assert find_key_named(KEY.id, tmp_path, environment) == KEY
    with pytest.raises(KeyFault, match=f"no key with the id 'f{{16}}': the key here is {KEY.id}"):
        find_key_named("f" * 16, tmp_path, environment)


def test_a_key_in_the_suite_s_own_folder_is_refused_read_or_made(root):
    file = root / "tests" / "no-such-key"
    for act in (lambda: read_key(file), lambda: find_key(root, {"PLEDGEBOOK_KEY_FILE": str(file)}, may_make=True)):
        with pytest.raises(KeyFault, match="inside the suite's own folder"):
            act()
    assert not file.exists()


def test_a_key_of_somebody_else_is_refused(environment, monkeypatch):
    owner = key_file(environment).stat().st_uid
    monkeypatch.setattr(os, "geteuid", lambda: owner + 1)
    if owner == 0:
        assert find_key_named(KEY.id, key_file(environment).parent, environment) == KEY
        os.chown(key_file(environment), 12345, -1)
    with pytest.raises(KeyFault, match="belongs to another user"):
        read_key(key_file(environment))


def test_what_is_no_text_is_no_key(environment):
    key_file(environment).write_bytes(b"\xff\xfe" * 40)
    with pytest.raises(KeyFault, match="a key is text"):
        read_key(key_file(environment))


def test_a_rotation_keeps_the_old_key_beside_the_new_one_for_the_owner_alone(environment, tmp_path):
    done = rotate_key(environment)
    new = find_key(tmp_path, environment, may_make=False)[0]
    assert (done.old, done.new) == (KEY.id, new.id)
    assert new.secret != SECRET
    assert kept_keys(environment) == {KEY.id: tmp_path / "safe" / f"key.{KEY.id}"}
    assert [key.id for key in keys_at_hand(environment)] == [new.id, KEY.id]
    assert find_key_named(KEY.id, tmp_path, environment) == KEY
    files = list((tmp_path / "safe").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}


@pytest.mark.parametrize("writes", [0, 1])
def test_a_rotation_that_is_killed_leaves_the_old_key_in_place(environment, tmp_path, monkeypatch, writes):
    from pledgebook import key_rotation

    done = []

    def write_and_die(*arguments, **named):
        if len(done) == writes:
            raise KeyboardInterrupt
        done.append(write_key(*arguments, **named))

    monkeypatch.setattr(key_rotation, "write_key", write_and_die)
    with pytest.raises(KeyboardInterrupt):
        rotate_key(environment)
    assert find_key(tmp_path, environment, may_make=False)[0] == KEY


def test_a_disk_that_is_full_changes_no_key(environment, tmp_path, monkeypatch):
    def fail(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(KeyFault, match=r"No space left on device\). Nothing was changed"):
        rotate_key(environment)
    assert [file.name for file in (tmp_path / "safe").iterdir()] == ["key"]
    assert read_key(key_file(environment)) == KEY


def test_a_key_of_the_environment_is_rotated_where_it_is_set(environment):
    with pytest.raises(KeyFault, match="a new one must be set where that one is") as fault:
        rotate_key({**environment, "PLEDGEBOOK_KEY": "t" * 40})
    assert f"key.{Key('t' * 40).id}" in str(fault.value)
    assert "t" * 40 not in str(fault.value)


def test_a_first_key_never_takes_the_place_of_another(environment, tmp_path):
    with pytest.raises(FileExistsError):
        write_key(key_file(environment), Key("t" * 40), may_replace=False)
    assert read_key(key_file(environment)) == KEY
    assert [file.name for file in (tmp_path / "safe").iterdir()] == ["key"]


def test_the_command_says_ids_and_places_and_never_a_key(environment, tmp_path):
    runner = CliRunner()
    rotated = runner.invoke(app, ["key", "rotate"])
    shown = runner.invoke(app, ["key", "show"])
    new = read_key(key_file(environment))
    kept = tmp_path / "safe" / f"key.{KEY.id}"
    assert shown.output.splitlines() == [f"{new.id} in {tmp_path / 'safe' / 'key'}", f"{KEY.id} kept in {kept}"]
    assert f"who --key-id {KEY.id}" in rotated.output
    for secret in (SECRET, new.secret):
        assert secret not in rotated.output + shown.output
