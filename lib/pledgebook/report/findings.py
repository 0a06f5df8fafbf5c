"""What checking a report finds: what is not as it was, and which tables, promises and pages rest on it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from typing import Any

from pledgebook.masking import mask

FAULTS = {
    "changed": "not the bytes that were recorded",
    "missing": "recorded, and not there",
    "added": "there, and not recorded",
    "unreadable": "cannot be read, so nobody can tell",
    "exposed": "others than its owner can read it, or write to it",
    "differs": "computed again, it comes out otherwise",
}
NOTES = {
    "new since": "came into the export folder afterwards, and was not read",
    "changed since": "of the suite, and not what the report shows",
    "removed": "removed on purpose",
    "not checked": "nothing to check it against",
    "signed": "the manifest carries a good signature",
    "same": "computed again, it comes out the same",
    "not comparable": "why it may come out otherwise",
}


@dataclass(frozen=True)
class Rests:
    """What rests on a file: tables, promises by id, pages by file name; or all of the report."""

    tables: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()
    pages: tuple[str, ...] = ()
    everything: bool = False

    def in_words(self) -> str:
        """Return what rests on it, as a sentence; empty where nothing does."""
        if self.everything:
            return "The whole report rests on it."
        parts = [("tables", self.tables), ("promises", self.promises), ("pages", self.pages)]
        said = [f"{word if len(names) > 1 else word[:-1]} {', '.join(names)}" for word, names in parts if names]
        return f"On it rest: {'; '.join(said)}." if said else ""


NOTHING, EVERYTHING = Rests(), Rests(everything=True)


@dataclass(frozen=True)
class Finding:
    """One thing found: its kind (a key of FAULTS or NOTES), what it is about, more words, and what rests on it."""

    kind: str
    what: str
    words: str = ""
    rests: Rests = field(default=NOTHING)

    @property
    def is_fault(self) -> bool:
        """Whether the report is not as it was; otherwise it is only worth knowing."""
        return self.kind in FAULTS

    def in_words(self) -> str:
        """Return the finding as one line that a terminal can be given."""
        what, words = self._shown()
        said = [f"{self.kind}: {what}" + (f" ({words})" if words else "") + ".", self.rests.in_words()]
        return printable(" ".join(part for part in said if part))

    def as_json(self) -> dict[str, Any]:
        """Return the finding with all its parts, for other programs."""
        what, words = self._shown()
        return {"is_fault": self.is_fault, **asdict(self), "what": what, "words": words}

    def _shown(self) -> tuple[str, str]:
        """What it is about and its words, masked; but for the signer, whose name is mostly an address, and asked for."""
        return mask(self.what), self.words if self.kind == "signed" else mask(self.words)


def count_faults(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many faults there are of each kind, in the order of FAULTS; kinds without one are left out."""
    found = [finding.kind for finding in findings]
    return {kind: found.count(kind) for kind in FAULTS if kind in found}


def printable(text: str) -> str:
    """Return a text whose control characters and broken letters are spelt out: file names may hold any."""
    whole = text.encode("utf-8", "backslashreplace").decode()
    return "".join(sign if sign.isprintable() else sign.encode("unicode_escape").decode() for sign in whole)
