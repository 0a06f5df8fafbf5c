"""Policies, mappings and laws with bytes changed, lines given other values, and promises about any cell: read or refused."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.exporting import KEY, MESSAGES, csv, message, write

from pledgebook.book import open_book
from pledgebook.deadlines import read_regimes
from pledgebook.errors import InputError
from pledgebook.intake.mapping import Mapping
from pledgebook.masking import UNPRINTABLE
from pledgebook.metrics.catalogue import METRICS
from pledgebook.policy import read_policy
from pledgebook.toml_file import read_toml
from tests.hostile.taking_in import few, take_in
from tests.hostile.test_mutated_files import mutated, mutations

ROOT = Path(__file__).resolve().parents[2]
POLICY = (ROOT / "data/policy.toml").read_bytes()
LAWS = {file.name: file.read_bytes() for file in sorted((ROOT / "data/regimes").glob("*.toml"))}
MAPPING = b"""[[source]]
name = "m"
table = "messages"
files = "m*.csv"
encoding = "utf-8"
delimiter = ","
timezone = "Asia/Tokyo"
timestamp_format = "%Y-%m-%dT%H:%M:%SZ"
date_format = "%Y%m%d"
date_alone_means = "end"
null_values = ["-", "NULL"]
exported_at = 2026-10-01T00:00:00+09:00
one_row_per = "message_id"
[source.columns]
person_id = "person_id"
[source.values.channel]
email = "email"
[source.constants]
system = "x"
[source.pick]
sent_at = "first"
"""
VALUES = [
    *('""', '"x"', '"%"', '"%Q"', '"%9999999999f"', '"%+"', '"%:::z"', '"%s"', '"%C"', '"%Y"', '"^.*$"', '"\\u0000"'),
    *('"**/*.csv"', '"[!"', '"[z-a].csv"', '"*' + "a*" * 60 + 'b"', '"utf-16"', '"rot13"', '"UTC"', '"person_id"'),
    *("[]", "{}", '["x"]', "[[[]]]", '{x = "y"}', "0", "-1", "9999999999999999999999", "1e400", "nan", "inf", "true"),
    *("1979-05-27T07:32:00Z", "9999-12-31", "0001-01-01", "07:32:00", "2026-02-30", "'''\n'''", '"last"', '"parquet"'),
]
lines = st.lists(st.tuples(st.integers(0, 1 << 20), st.sampled_from(VALUES)), min_size=1, max_size=3)


def rewritten(text: bytes, changes) -> bytes:
    """A file in which some lines give their keys other values."""
    told = text.split(b"\n")
    keyed = [place for place, line in enumerate(told) if b" = " in line]
    for where, value in changes:
        place = keyed[where % len(keyed)]
        told[place] = told[place].partition(b" = ")[0] + b" = " + value.encode()
    return b"\n".join(told)


def is_refused(read, *given) -> bool:
    """Whether a file is refused, shortly; any other exception is passed on, and so fails a test."""
    try:
        read(*given)
    except InputError as fault:
        assert len(str(fault)) < 5_000
        assert not UNPRINTABLE.search(str(fault))
        return True
    return False


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    return tmp_path_factory.mktemp("toml")


@few(60)
@given(st.one_of(mutations.map(lambda told: mutated(POLICY, told)), lines.map(lambda told: rewritten(POLICY, told))))
def test_a_policy_is_read_or_refused(place, data):
    (place / "policy.toml").write_bytes(data)
    is_refused(read_policy, place / "policy.toml")


@few(40)
@given(st.sampled_from(sorted(LAWS)), st.one_of(mutations, lines))
def test_laws_are_read_or_refused(place, name, changes):
    change = mutated if len(changes[0]) == 4 else rewritten
    folder = place / "regimes"
    folder.mkdir(exist_ok=True)
    for left in folder.iterdir():
        left.unlink()
    (folder / name).write_bytes(change(LAWS[name], changes))
    is_refused(read_regimes, folder)


@few(20)
@given(mutations)
def test_a_mapping_of_any_bytes_is_read_or_refused(place, changes):
    (place / "exports.toml").write_bytes(mutated(MAPPING, changes))
    is_refused(read_toml, place / "exports.toml", Mapping, "mapping", "")


@few(40)
@given(lines)
def test_what_a_mapping_says_is_done_or_refused(changes):
    """All the way: a mapping that is read takes in a file, and its account adds up."""
    rows = csv(MESSAGES, message(1), message(2, channel="-"), message(3, sent_at="20260901"))
    take_in({"exports.toml": rewritten(MAPPING, changes), "m1.csv": rows, "x": "y"})


def test_the_files_themselves_are_read(place):
    for name, data in {"policy.toml": POLICY, "exports.toml": MAPPING}.items():
        (place / name).write_bytes(data)
    assert not is_refused(read_policy, place / "policy.toml")
    assert not is_refused(read_toml, place / "exports.toml", Mapping, "mapping", "")
    told = take_in(
        {"exports.toml": MAPPING, "m1.csv": csv(MESSAGES, message(1))}, lambda store: store.rows_kept("messages")
    )
    assert told == 1


TABLES = [table for metric in METRICS.values() for table in metric.tables if not table.is_worklist]
WORDS = [
    "all",
    "email",
    "marketing",
    "true",
    "1",
    "2026-09",
    "2026-09-01",
    "",
    "disclosure",
    "any",
    "^.*$",
    "*",
    "9" * 99,
]


@st.composite
def promises(draw) -> str:
    table = draw(st.sampled_from(TABLES))
    groups = ", ".join(f"{name}={draw(st.sampled_from(WORDS))}" for name in table.groups)
    column = draw(st.sampled_from([column.name for column in table.columns]))
    target = (
        draw(st.sampled_from(["at_most", "at_least"])),
        draw(st.sampled_from(["0", "-1", "0.25", "1e308", "5e-324"])),
    )
    return f'[[promise]]\nid = "p"\nclause = "1"\ntitle = "t"\nfigure = "{table.name}[{groups}].{column}"\n{" = ".join(target)}\n'


@few(8)
@given(promises())
def test_a_promise_about_any_cell_has_a_verdict_or_is_refused(place, promise):
    exports = write(place / "exports", {"messages.csv": csv(MESSAGES, message(1))})
    (place / "policy.toml").write_bytes(POLICY.partition(b"[[promise]]")[0] + promise.encode())
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(place / "stores")}
    try:
        book = open_book(exports, "2026-09", None, place / "policy.toml", environment=environment)
    except InputError as fault:
        assert "policy.toml" in str(fault)
        return
    assert book.scorecard()["verdict"].to_list()[0] in ("kept", "broken", "cannot tell", "not applicable")
