"""Kin: the stores that all but their exports shaped alike, of which the next one builds on the one most like it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from pledgebook.intake.parts import write_whole

NEWEST = "newest.json"
REMEMBERED = 20
FACTS = {"data", "shards", "fingerprint", "inputs"}
Inputs = Sequence[Mapping[str, Any]]


def shards_of_kin(stores: Path, shape: dict[str, Any], wanted: int) -> int:
    """Return how many shards a store has that grew: as many as before, while one still fits into memory with ease."""
    counts = (int(facts["shards"]) for facts in _kin(stores, shape))
    return next((count for count in counts if wanted <= 2 * count <= 4 * wanted), wanted)


def nearest_kin(stores: Path, shape: dict[str, Any], shards: int, inputs: Inputs) -> str | None:
    """Return the folder, below `stores`, of the store of this shape and so many shards whose inputs are most like these.

    None without any; of two as near the newer one. Likeness is counted in bytes of files that both read, less those that
    only the other did.
    """
    fitting = [facts for facts in _kin(stores, shape) if facts["shards"] == shards]
    mine = {_content(each) for each in inputs}
    nearest = max(fitting, key=lambda facts: _likeness(mine, facts["inputs"]), default=None)
    return None if nearest is None else f"{nearest['fingerprint']}/{nearest['data']}"


def _likeness(mine: set[tuple[str, str]], others: Inputs) -> int:
    return sum(each["bytes"] * (1 if _content(each) in mine else -1) for each in others)


def _content(one: Mapping[str, Any]) -> tuple[str, str]:
    return one["name"], one["sha256"]


def note_kin(stores: Path, facts: dict[str, Any]) -> None:
    """Note a finished store for the next one. Of two noted at the same time one may be lost, which costs time only."""
    noted, shape = read_notes(stores / NEWEST), _name_of(facts["shape"])
    names = [name for name in _names(noted.pop(shape, [])) if name != facts["fingerprint"]]
    latest = [*noted.items(), (shape, [*names, facts["fingerprint"]][-REMEMBERED:])]
    write_whole(stores / NEWEST, json.dumps(dict(latest[-REMEMBERED:])).encode())


def _kin(stores: Path, shape: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The facts of the stores of this shape, the newest first; one that forgot somebody is no base for another.

    One small file names them: object storage has no folders that could be looked through at little cost.
    """
    for name in reversed(_names(read_notes(stores / NEWEST).get(_name_of(shape)))):
        facts = read_facts(stores / name / "store.json")
        if facts and facts.get("shape") == shape and "forgotten" not in facts:
            yield facts


def _names(noted: Any) -> list[str]:
    return [name for name in noted if isinstance(name, str)] if isinstance(noted, list) else []


def _name_of(shape: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(shape, sort_keys=True).encode()).hexdigest()[:32]


def read_facts(record: Path) -> dict[str, Any] | None:
    """Return what a store's record says; None where there is none, or it cannot be read."""
    facts = read_notes(record)
    return facts if set(facts) >= FACTS else None


def read_notes(file: Path) -> dict[str, Any]:
    """Return what a small file of notes says; nothing where there is none, or it cannot be read."""
    try:
        noted = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return noted if isinstance(noted, dict) else {}
