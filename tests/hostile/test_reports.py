"""A report that somebody made or changed to do harm to the one who verifies it: one clear refusal, or plain findings."""

import json
import os
import shutil
import time

import pytest
from report.made import make_inputs, make_report
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.report.chain import CHAIN, adding_to_chain
from pledgebook.report.sealing import link_of

RUN = "20261003T000000-aaaaaa"
FORGED = "x: all as it was.\n\x1b[2J"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    return make_report(make_inputs(folder), folder / "reports", run=RUN).parents[1]


@pytest.fixture
def reports(made, tmp_path):
    return shutil.copytree(made, tmp_path / "reports", symlinks=True)


def verify(reports, *more):
    begun = time.process_time()
    result = CliRunner().invoke(app, ["verify", str(reports / ".runs" / RUN), *more])
    assert time.process_time() - begun < 10
    return result.exit_code, result.output


def change(reports, *place, to):
    file = reports / ".runs" / RUN / "manifest.json"
    told = json.loads(file.read_text())
    inner = told
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = to
    file.write_text(json.dumps(told))


UNUSABLE = {
    "a file outside": (("files", "../../../etc/hostname"), "0" * 64),
    "a file with a NUL": (("files", "a\0b"), "0" * 64),
    "an input with a NUL": (("inputs", 0, "file"), "a\0b"),
    "a policy with a NUL": (("policy", "path"), "a\0b"),
    "a run that forges a line": (("run",), FORGED),
    "a period that forges a line": (("parameters", "period"), FORGED),
    "an audience that forges a line": (("parameters", "audience"), FORGED),
    "a billion shards": (("store", "shards"), 10**9),
    "no shards": (("store", "shards"), 0),
    "a run before that lies outside": (
        ("compared_with",),
        {"report": "../../x", "run": "x", "sha256": "0" * 64},
    ),
}


@pytest.mark.parametrize("what", UNUSABLE)
def test_a_manifest_that_leads_out_or_forges_is_refused(reports, what):
    place, value = UNUSABLE[what]
    change(reports, *place, to=value)
    code, said = verify(reports, "--rerun")
    assert code == 1
    assert f"changed: manifest of run {RUN}" in said
    assert "nothing else of it can be checked" in said
    (reports / ".runs" / CHAIN).unlink()
    code, refused = verify(reports, "--rerun")
    assert code == 2
    assert "manifest.json: cannot be used (" in refused
    assert "\x1b" not in said + refused


def test_what_a_manifest_names_is_opened_only_where_it_is_a_plain_file(reports, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for place in ("/dev/zero", str(tmp_path / "pipe")):
        change(reports, "policy", "path", to=place)
        code, said = verify(reports)
        assert code == 1
        assert f"changed: policy {place} (no plain file any more)" in said


def test_exports_at_an_address_that_does_not_answer_are_said(reports):
    change(reports, "parameters", "exports", to="http://127.0.0.1:1/exports")
    code, said = verify(reports)
    assert code == 2
    assert "exports http://127.0.0.1:1/exports: the storage does not answer or refuses" in said


@pytest.mark.parametrize("text", ['{"a":' + "[" * 200_000, '{"run":' + "9" * 20_000 + "}", "\x00", '{"run": ["x"]}'])
def test_a_chain_that_cannot_be_read_is_a_finding(reports, text):
    (reports / ".runs" / CHAIN).write_text(text + "\n")
    code, said = verify(reports)
    assert code == 1
    assert "run 20261003T000000-aaaaaa (the chain does not name it)" in said


def test_a_chain_that_is_a_pipe_is_not_waited_for(reports):
    (reports / ".runs" / CHAIN).unlink()
    os.mkfifo(reports / ".runs" / CHAIN)
    assert verify(reports)[0] == 1


@pytest.mark.parametrize("name", ["../../outside", "/outside", ".."])
def test_a_chain_that_names_a_link_outside_makes_none_there(reports, tmp_path, name, made):
    with adding_to_chain(reports / ".runs") as chain:
        chain.add(chain_time(), run=RUN, manifest="0" * 64, report=name)
    before = {path.name for path in tmp_path.iterdir()}
    make_report((made.parent / "exports", made.parent / "policy.toml"), reports, "2026-08", run=RUN.replace("03", "04"))
    assert {path.name for path in tmp_path.iterdir()} == before
    assert not os.path.lexists("/outside")


def chain_time():
    from datetime import UTC, datetime

    return datetime(2026, 10, 4, tzinfo=UTC)


def test_a_period_makes_no_link_outside():
    assert "/" not in link_of("../../2026-09", "internal")
