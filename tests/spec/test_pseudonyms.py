"""Pseudonyms and the key: equal to Python's hmac, found in one order, never shown."""

import hashlib
import hmac
import stat
import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pledgebook.errors import KeyFault
from pledgebook.pseudonyms import Key, collision_guard, digest, find_key, pseudonym

SECRET = "s" * 40
KEY = Key(SECRET)


def by_hand(text: str) -> bytes:
    plain = unicodedata.normalize("NFKC", text).strip()
    plain = plain.lower() if "@" in plain else plain
    return hmac.new(SECRET.encode(), plain.encode(), hashlib.sha256).digest()


def told(*ids):
    frame = pl.DataFrame({"id": ids}, schema={"id": pl.String})
    return frame.select(d=digest(pl.col("id"), KEY)).with_columns(
        p=pseudonym(pl.col("d")), g=collision_guard(pl.col("d"))
    )


# Characters that this Python's Unicode tables do not assign may be known to newer ones, which normalise them.
IDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cn"]), min_size=1, max_size=20)


@given(st.lists(IDS, min_size=1, max_size=5))
def test_a_pseudonym_is_the_hmac_s_first_eight_bytes_big_endian(ids):
    ids = [text for text in ids if unicodedata.normalize("NFKC", text).isascii() or "@" not in text] or ["x"]
    for text, (hexadecimal, first, second) in zip(ids, told(*ids).rows(), strict=True):
        expected = by_hand(text)
        assert bytes.fromhex(hexadecimal) == expected
        assert (first, second) == (int.from_bytes(expected[:8]), int.from_bytes(expected[8:16]))


def test_ids_are_trimmed_normalised_and_lower_cased_when_they_hold_an_at():
    same = told("taro@example.com", " TARO@Example.COM ", "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ", "\u3000Taro@example.com")
    assert same["p"].n_unique() == 1
    assert told("C-001", "c-001")["p"].n_unique() == 2
    assert told("C-001", "Ｃ－００１ ")["p"].n_unique() == 1


def test_nobody_stays_nobody():
    assert told(None)["p"].to_list() == [None]


def test_another_key_gives_other_pseudonyms_and_another_name():
    other = Key("t" * 40)
    frame = pl.DataFrame({"id": ["p1"]})
    assert frame.select(digest(pl.col("id"), KEY)).item() != frame.select(digest(pl.col("id"), other)).item()
    assert KEY.id != other.id
    assert len(KEY.id) == 16
    assert SECRET not in repr(KEY)


def test_the_key_of_the_environment_comes_before_a_file(tmp_path):
    file = tmp_path / "key"
    file.write_text("f" * 40 + "\n")
    file.chmod(0o600)
    both = {"PLEDGEBOOK_KEY": f" {SECRET}\n", "PLEDGEBOOK_KEY_FILE": str(file)}
    assert find_key(tmp_path, both, may_make=False) == (KEY, None)
    assert find_key(tmp_path, {"PLEDGEBOOK_KEY_FILE": str(file)}, may_make=False) == (Key("f" * 40), None)


@pytest.mark.parametrize(
    ("environment", "says"),
    [
        ({"PLEDGEBOOK_KEY": "tiny"}, "PLEDGEBOOK_KEY: the pseudonym key is shorter than 32 characters"),
        ({"PLEDGEBOOK_KEY": "pledgebook-public-" + "x" * 40}, "this is the sample's public key"),
        ({"PLEDGEBOOK_KEY_FILE": "/nowhere/key"}, "no pseudonym key: set PLEDGEBOOK_KEY"),
    ],
)
def test_a_key_that_is_missing_short_or_public_is_refused(tmp_path, environment, says):
    with pytest.raises(KeyFault, match=says) as fault:
        find_key(tmp_path, environment, may_make=False)
    assert environment.get("PLEDGEBOOK_KEY", "no key") not in str(fault.value)
    assert fault.value.exit_code == 2


def test_a_key_that_others_can_read_is_refused(tmp_path):
    file = tmp_path / "key"
    file.write_text("f" * 40)
    file.chmod(0o640)
    with pytest.raises(KeyFault, match="chmod 600"):
        find_key(tmp_path, {"PLEDGEBOOK_KEY_FILE": str(file)}, may_make=True)


def test_an_interactive_run_makes_a_key_for_its_owner_alone_and_finds_it_again(tmp_path):
    environment = {"PLEDGEBOOK_KEY_FILE": str(tmp_path / "new" / "key")}
    key, made = find_key(tmp_path, environment, may_make=True)
    assert stat.S_IMODE(made.stat().st_mode) == 0o600
    assert len(key.secret) == 64
    assert find_key(tmp_path, environment, may_make=False) == (key, None)


def test_the_demonstration_key_is_for_the_sample_alone(tmp_path):
    (tmp_path / "demonstration.key").write_text("pledgebook-public-" + "x" * 40)
    with pytest.raises(KeyFault, match="for the synthetic sample alone"):
        find_key(tmp_path, {"PLEDGEBOOK_KEY": SECRET}, may_make=False)
    (tmp_path / "planted.csv").write_text("")
    assert find_key(tmp_path, {}, may_make=False)[0].secret.startswith("pledgebook-public-")
