"""The manifest: what a report rests on, who made it, where, when and with what, and a hash of every file of it."""

from __future__ import annotations

import getpass
import json
import platform
import subprocess
from datetime import datetime
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from pledgebook import __version__
from pledgebook.book import Book, figures_code_hash
from pledgebook.intake.inspection import hash_file
from pledgebook.store import code_hash
from pledgebook.suite import suite_root

MANIFEST = "manifest.json"


def write_manifest(
    book: Book,
    run: str,
    folder: Path,
    parameters: dict[str, Any],
    notebooks: list[str],
    times: dict[str, str],
    previous: Path | None,
) -> dict[str, Any]:
    """Write `manifest.json` into a finished run folder and return it; `previous` is the manifest of the run before."""
    facts = book.store.facts
    manifest = {
        "run": run,
        "parameters": parameters,
        "period": {"first_day": str(book.period.first_day), "last_day": str(book.period.last_day)},
        "company": book.policy.company.name,
        "notebooks": notebooks,
        "inputs": facts["inputs"],
        "unread_files": facts["unread"],
        "policy": {"path": parameters["policy"], "sha256": hash_file(Path(parameters["policy"]))},
        "store": {"fingerprint": facts["fingerprint"], "shards": facts["shards"], "key_id": facts["key_id"]},
        "restated": int(book.store.intake["rows_superseded"].sum()),
        "code": {
            "version": __version__,
            "commit": _commit(),
            "intake": code_hash(),
            "figures": figures_code_hash(),
        },
        "packages": dict(sorted(_packages().items())),
        "made": {
            **times,
            "by": _user(),
            "on": platform.node(),
            "python": platform.python_version(),
            "system": platform.platform(),
        },
        "previous_manifest": None if previous is None else hash_file(previous),
        "files": {
            str(path.relative_to(folder)): hash_file(path)
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != MANIFEST
        },
    }
    (folder / MANIFEST).write_text(json.dumps(manifest, ensure_ascii=False, indent=1) + "\n")
    return manifest


def stamp(moment: datetime) -> str:
    """Return an instant as the manifest writes it."""
    return moment.isoformat(timespec="milliseconds")


def _packages() -> dict[str, str]:
    return {str(each.metadata["Name"]).lower(): each.version for each in distributions()}


def _user() -> str:
    try:
        return getpass.getuser()
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
