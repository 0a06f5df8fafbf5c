"""Signing a report with one's own ssh key, and telling who signed it."""

import shutil
import subprocess
from datetime import UTC, datetime

import pytest
from report.made import make_inputs, make_report
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.report.signing import NAMESPACE, sign_report
from pledgebook.report.verifying import verify_report

NOW = datetime(2026, 11, 23, tzinfo=UTC)
pytestmark = pytest.mark.skipif(shutil.which("ssh-keygen") is None, reason="ssh-keygen is not installed here")


def make_key(file):
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", str(file)]
    subprocess.run(command, check=True, timeout=30)
    return file


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("made")
    make_report(make_inputs(folder), folder / "reports")
    keys = [make_key(folder / name) for name in ("officer", "stranger")]
    for key in keys:
        public = key.with_suffix(".pub").read_text()
        (folder / f"{key.name}.signers").write_text(f'{key.name}@example.org namespaces="{NAMESPACE}" {public}')
    return folder


@pytest.fixture
def report(made, tmp_path):
    return shutil.copytree(made / "reports", tmp_path / "reports", symlinks=True) / "2026-09"


def told(report, signers=None):
    return [(each.kind, each.what, each.words) for each in verify_report(report, signers=signers).findings]


def test_a_signed_report_names_its_signer(report, made):
    file = sign_report(report, made / "officer", NOW)
    assert file.name == "manifest.json.sig"
    ((kind, what, words),) = told(report, made / "officer.signers")
    assert (kind, what) == ("signed", "manifest.json")
    assert words.startswith("by officer@example.org, ED25519 key SHA256:")


def test_without_a_list_of_signers_the_key_alone_is_told(report, made):
    sign_report(report, made / "officer", NOW)
    ((kind, _, words),) = told(report)
    assert kind == "signed"
    assert "cannot be told without --signers: ED25519 key SHA256:" in words


def test_somebody_elses_signature_is_refused(report, made):
    sign_report(report, made / "stranger", NOW)
    ((kind, what, words),) = told(report, made / "officer.signers")
    assert (kind, what) == ("changed", "manifest.json.sig")
    assert words.startswith("by nobody of officer.signers: ED25519 key")


def test_a_changed_manifest_breaks_the_signature(report, made, tmp_path):
    sign_report(report, made / "officer", NOW)
    alone = shutil.copytree(report.resolve(), tmp_path / "handed-on")
    assert [kind for kind, *_ in told(alone, made / "officer.signers")] == ["not checked", "signed"]
    manifest = alone / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"company": "CC-PAY', '"company": "CC-PAX'))
    found = verify_report(alone).faults
    assert [(each.kind, each.what, each.rests.everything) for each in found] == [("changed", "manifest.json.sig", True)]


def test_a_signature_for_something_else_is_refused(report, made):
    other = report.resolve() / "manifest.json"
    command = ["ssh-keygen", "-q", "-Y", "sign", "-f", str(made / "officer"), "-n", "file", str(other)]
    subprocess.run(command, check=True, timeout=30)
    run = report.resolve().name
    assert [(kind, what) for kind, what, _ in told(report)] == [
        ("added", f"signature of run {run}"),
        ("changed", "manifest.json.sig"),
    ]


def test_a_good_signature_that_the_chain_does_not_name_was_put_there(report, made):
    run = report.resolve().name
    chain = (report.resolve().parent / "chain.jsonl").read_bytes()
    sign_report(report, made / "officer", NOW)
    (report.resolve().parent / "chain.jsonl").write_bytes(chain)
    found = told(report, made / "officer.signers")
    assert [(kind, what) for kind, what, _ in found] == [
        ("added", f"signature of run {run}"),
        ("signed", "manifest.json"),
    ]


@pytest.mark.parametrize(
    ("options", "kind"),
    [
        ('namespaces="file"', "changed"),
        (f'namespaces="{NAMESPACE}",valid-before="20260101"', "changed"),
        (f'namespaces="{NAMESPACE}",valid-after="29990101"', "changed"),
        (f'namespaces="{NAMESPACE}",valid-after="20200101",valid-before="29990101"', "signed"),
    ],
)
def test_a_key_counts_for_its_namespace_and_while_it_is_allowed(report, made, tmp_path, options, kind):
    sign_report(report, made / "officer", NOW)
    signers = tmp_path / "signers"
    signers.write_text(f"officer@example.org {options} {(made / 'officer.pub').read_text()}")
    assert [each for each, *_ in told(report, signers)] == [kind]


def test_a_signature_of_another_report_does_not_fit(report, made, tmp_path):
    old = make_report(make_inputs(tmp_path), report.parent, "2026-08", "20261101T000000-bbbbbb")
    signed = sign_report(old, made / "officer", NOW)
    shutil.copy(signed, report / signed.name)
    assert ("changed", "manifest.json.sig", "the signature is not of this manifest") in told(report)


def test_a_signature_that_was_taken_away_is_missed(report, made):
    sign_report(report, made / "officer", NOW).unlink()
    assert told(report) == [("missing", f"signature of run {report.resolve().name}", "")]


def test_a_report_that_must_be_signed_and_is_not(report, made):
    assert told(report, made / "officer.signers") == [("missing", "manifest.json.sig", "the report is not signed")]


def test_a_report_is_signed_once_and_where_it_was_made(report, made, tmp_path):
    alone = shutil.copytree(report.resolve(), tmp_path / "alone" / "copy")
    with pytest.raises(InputError, match="where it was made"):
        sign_report(alone, made / "officer", NOW)
    assert not (tmp_path / "alone/chain.jsonl").exists()
    sign_report(report, made / "officer", NOW)
    with pytest.raises(InputError, match="signed already"):
        sign_report(report, made / "officer", NOW)


def test_a_manifest_that_the_chain_does_not_name_is_not_signed(report, made):
    manifest = report / "manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    with pytest.raises(InputError, match="not the one that the chain names"):
        sign_report(report, made / "officer", NOW)


def test_commands_sign_and_verify(report, made):
    runner = CliRunner()
    signed = runner.invoke(app, ["sign", str(report), "--key", str(made / "officer")])
    assert signed.exit_code == 0
    assert "report@pledgebook" in signed.output
    done = runner.invoke(app, ["verify", str(report), "--signers", str(made / "officer.signers")])
    assert done.exit_code == 0
    assert "by officer@example.org" in done.output


def test_no_ssh_keygen_says_what_to_install(report, made, monkeypatch, tmp_path):
    sign_report(report, made / "officer", NOW)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert [(kind, what) for kind, what, _ in told(report)] == [("not checked", "manifest.json.sig")]
    done = CliRunner().invoke(app, ["verify", str(report), "--signers", str(made / "officer.signers")])
    assert done.exit_code == 2
    assert "Install OpenSSH" in done.stderr


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["sign", "--key", "no-such-key"], "no such key"),
        (["sign", "--key", "policy.toml"], "cannot sign"),
        (["verify", "--signers", "nobody"], "no such file of allowed signers"),
    ],
)
def test_what_cannot_be_used_exits_two(report, made, monkeypatch, words, said):
    monkeypatch.chdir(made)
    done = CliRunner().invoke(app, [words[0], str(report), *words[1:]])
    assert done.exit_code == 2
    assert said in done.stderr.replace("\n", " ")
