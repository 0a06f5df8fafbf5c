"""Signing a report with one's own ssh key, and checking who signed it; `ssh-keygen` does both.

A signature is made over the manifest's bytes, in the namespace `report@pledgebook`, and lies beside it as
`manifest.json.sig`: the one file that a finished run may be given, so that it goes along when a report is handed on.
"""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from pledgebook.errors import InputError
from pledgebook.intake.inspection import hash_file
from pledgebook.report.chain import Chain, adding_to_chain, read_chain
from pledgebook.report.findings import EVERYTHING, Finding
from pledgebook.report.manifest import MANIFEST, read_manifest, report_folder

NAMESPACE = "report@pledgebook"
SIGNATURE = f"{MANIFEST}.sig"
SECONDS_TO_TYPE = 300
SECONDS_TO_CHECK = 30
ABSENT = "ssh-keygen is not installed here. Install OpenSSH's client (8.2 or newer)."


def sign_report(report: Path, key: Path, now: datetime) -> Path:
    """Sign a report's manifest with an ssh key and return the signature's file.

    key: a private key, or a public one whose private half the ssh agent holds. A passphrase is asked by `ssh-keygen`.
    Raises InputError where the report is signed already, or the key cannot be used.
    """
    folder = report_folder(report)
    run = read_manifest(folder).run
    _check_may_sign(read_chain(folder.parent), run, folder)
    if not key.is_file():
        raise InputError(f"{key}: there is no such key. Give one with --key, such as ~/.ssh/id_ed25519.")
    done = _ask("sign", "-f", str(key), manifest=folder / MANIFEST, seconds=SECONDS_TO_TYPE)
    if done.returncode or not done.stdout:
        raise InputError(f"{key}: cannot sign: {_said(done)}.")
    with adding_to_chain(folder.parent) as chain:
        _check_may_sign(chain, run, folder)
        (folder / SIGNATURE).write_bytes(done.stdout)
        chain.add(now, signed=run, signature=hashlib.sha256(done.stdout).hexdigest())
    return folder / SIGNATURE


def _check_may_sign(chain: Chain, run: str, folder: Path) -> None:
    """A signature is given once, where the report was made, and to the manifest that the chain names."""
    line = chain.named("run").get(run)
    if line is None:
        raise InputError(f"{folder}: the chain of runs does not name it. Sign a report where it was made.")
    if line.said.get("manifest") != hash_file(folder / MANIFEST):
        raise InputError(f"{folder}: its manifest is not the one that the chain names. Run: pledgebook verify {folder}")
    if (folder / SIGNATURE).exists() or run in chain.named("signed"):
        raise InputError(f"{folder}: signed already. A report is signed once.")


def check_signature(folder: Path, signers: Path | None) -> Iterator[Finding]:
    """Find out whether the manifest's signature is good, and whose it is.

    signers: an allowed-signers file of ssh; without one a good signature is told by its key alone. Raises InputError
    where `signers` cannot be used.
    """
    if signers is not None and not signers.is_file():
        raise InputError(f"{signers}: there is no such file of allowed signers. `man ssh-keygen` shows its lines.")
    if not (folder / SIGNATURE).is_file():
        if signers is not None:
            yield Finding("missing", SIGNATURE, "the report is not signed", EVERYTHING)
        return
    try:
        yield _judge(folder, signers)
    except InputError as fault:
        if signers is not None:
            raise
        yield Finding("not checked", SIGNATURE, str(fault).rstrip("."))


def _judge(folder: Path, signers: Path | None) -> Finding:
    manifest, signed = folder / MANIFEST, ("-s", str(folder / SIGNATURE))
    done = _ask("check-novalidate", *signed, manifest=manifest)
    if done.returncode:
        return Finding("changed", SIGNATURE, "the signature is not of this manifest", EVERYTHING)
    if signers is None:
        return Finding("signed", MANIFEST, f"whose key it is cannot be told without --signers: {_key(done)}")
    allowed = ("-f", str(signers))
    for principal in _ask("find-principals", *signed, *allowed, manifest=manifest).stdout.decode().splitlines():
        if not _ask("verify", *signed, *allowed, "-I", principal, manifest=manifest).returncode:
            return Finding("signed", MANIFEST, f"by {principal}, {_key(done)}")
    return Finding("changed", SIGNATURE, f"by nobody of {signers.name}: {_key(done)}", EVERYTHING)


def _key(done: subprocess.CompletedProcess[bytes]) -> str:
    return done.stdout.decode(errors="replace").strip().rpartition(" with ")[2]


def _said(done: subprocess.CompletedProcess[bytes]) -> str:
    lines = [line for line in done.stderr.decode(errors="replace").splitlines() if not line.startswith("Signing data")]
    return (lines[-1] if lines else "ssh-keygen gave no reason")[:200].rstrip(".")


def _ask(word: str, *words: str, manifest: Path, seconds: int = SECONDS_TO_CHECK) -> subprocess.CompletedProcess[bytes]:
    command = ["ssh-keygen", "-Y", word, *words]
    if word != "find-principals":
        command += ["-n", NAMESPACE]
    try:
        with manifest.open("rb") as stream:
            return subprocess.run(command, stdin=stream, capture_output=True, timeout=seconds, check=False)
    except FileNotFoundError:
        raise InputError(ABSENT) from None
    except subprocess.TimeoutExpired:
        raise InputError(f"ssh-keygen did not answer within {seconds} seconds. Try again.") from None
