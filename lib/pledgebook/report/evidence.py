"""The manifest: what a report rests on, who made it, where, when and with what, and a hash of every file of it."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
from collections.abc import Sequence
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from pledgebook import __version__
from pledgebook.book import Book, figures_code_hash
from pledgebook.errors import InputError
from pledgebook.intake.inspection import hash_file
from pledgebook.masking import presentable
from pledgebook.policy import read_policy
from pledgebook.report.chain import Chain
from pledgebook.report.grounds import find_grounds
from pledgebook.report.manifest import MANIFEST
from pledgebook.store_opening import code_hash
from pledgebook.suite import suite_root


def write_manifest(
    book: Book,
    run: str,
    folder: Path,
    parameters: dict[str, Any],
    notebooks: Sequence[Path],
    times: dict[str, str],
    chain: Chain,
) -> dict[str, Any]:
    """Write `manifest.json` into a finished run folder and return it; `chain` is that of the runs before.

    Raises InputError where the policy changed since the book was opened.
    """
    facts = book.store.facts
    manifest = {
        "run": run,
        "parameters": parameters,
        "period": {"first_day": str(book.period.first_day), "last_day": str(book.period.last_day)},
        "company": book.policy.company.name,
        "inputs": facts["inputs"],
        "unread_files": facts["unread"],
        "mapping": facts["mapping"],
        "policy": _policy(book, Path(parameters["policy"])),
        "regimes": {file.name: hash_file(file) for file in regime_files()},
        "notebooks": [{"path": str(path.resolve()), "sha256": hash_file(path)} for path in notebooks],
        "store": {name: facts.get(name) for name in ("fingerprint", "shards", "key_id", "forgotten")},
        "restated": int(book.store.intake["rows_superseded"].sum()),
        "code": describe_code(),
        "packages": installed_packages(),
        "made": {
            **times,
            "by": _user(),
            "on": platform.node(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "compared_with": _compared_with(book),
        "previous": chain.last_run,
        "chain": chain.head,
        "tables": find_grounds(folder, book.policy),
        **_contents(folder),
    }
    text = json.dumps(manifest, ensure_ascii=False, indent=1) + "\n"
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    return manifest


def _policy(book: Book, file: Path) -> dict[str, str]:
    """The policy's file and hash; refused where it is not the one any more that the figures were made with."""
    if read_policy(file) != book.policy:
        raise InputError(f"{file}: it changed while the report was made. Run again.")
    return {"path": str(file), "sha256": hash_file(file)}


def _contents(folder: Path) -> dict[str, Any]:
    """Every folder of the run, and every file with its hash but the manifest itself."""
    below = [path for path in sorted(folder.rglob("*")) if path != folder / MANIFEST]
    return {
        "folders": [str(path.relative_to(folder)) for path in below if path.is_dir()],
        "files": {str(path.relative_to(folder)): hash_file(path) for path in below if path.is_file()},
    }


def _compared_with(book: Book) -> dict[str, str] | None:
    """The scorecard of the period before, from which previous values and verdicts come; None where there was none."""
    file = book.scorecard_before
    if file is None:
        return None
    report = file.parents[1]
    return {"report": report.name, "run": report.resolve().name, "sha256": hash_file(file)}


def regime_files() -> list[Path]:
    """Return the files of the dated legal clocks."""
    return sorted((suite_root() / "data" / "regimes").glob("*.toml"))


def describe_code() -> dict[str, str | None]:
    """Return the version and commit of the suite, and hashes of the code that intake and figures rest on."""
    return {"version": __version__, "commit": _commit(), "intake": code_hash(), "figures": figures_code_hash()}


def installed_packages() -> dict[str, str]:
    """Return every installed package with its version, by name."""
    return dict(sorted((str(each.metadata["Name"]).lower(), each.version) for each in distributions()))


def stamp(moment: datetime) -> str:
    """Return an instant as the manifest writes it."""
    return moment.isoformat(timespec="milliseconds")


def _user() -> str:
    try:
        return presentable(getpass.getuser())
    except (KeyError, OSError):
        return "unknown"


def _commit() -> str | None:
    """The commit of the suite, with `+changes` where its files differ; None outside a repository."""
    root = suite_root()
    try:
        asked = [
            subprocess.run(["git", *words], cwd=root, capture_output=True, text=True, timeout=10, check=True)
            for words in (
                ["rev-parse", "HEAD"],
                ["status", "--porcelain", "--", "lib", "notebooks", "data/regimes"],
            )
        ]
    except (OSError, subprocess.SubprocessError):
        return None
    return asked[0].stdout.strip() + ("+changes" if asked[1].stdout.strip() else "")
