"""The chain of runs: one line per run, each naming the one before, so that a run that was deleted or rewritten is missed.

`.runs/chain.jsonl` is only ever added to. A line is a JSON object: `run` with the hash of its manifest, or `signed`,
`removed` or `worklists_removed`, which name runs; `at`; `before`, the hash of the line above; and `hash`, that of what the
line itself says, for no line below stands for the last one. The hash of the last line, the head, stands for all of them.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any

CHAIN = "chain.jsonl"
RUNS = ".runs"
NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,99}", re.ASCII)
"""What runs and links are called; a line that says otherwise was not written by the suite, and leads nowhere."""


@dataclass(frozen=True)
class Line:
    """A line of the chain: its number, from 1, and its bytes without the line feed."""

    number: int
    text: bytes

    @cached_property
    def said(self) -> dict[str, Any]:
        """What the line says; nothing where it is no JSON object, or names what cannot be a run or a link."""
        said = read_object(self.text)
        names = [said[name] for name in ("run", "report") if name in said]
        return said if all(isinstance(name, str) and NAME.fullmatch(name) for name in names) else {}

    @property
    def is_as_written(self) -> bool:
        """Whether it has every byte that the suite wrote."""
        return self.text == line_text({name: value for name, value in self.said.items() if name != "hash"})

    @property
    def run(self) -> str | None:
        """The run that the line puts on record; None for a line about something else."""
        return self.said.get("run")

    @property
    def day(self) -> str:
        """The date on which the line was written, in UTC."""
        return str(self.said.get("at", ""))[:10]

    @property
    def hash(self) -> str:
        """SHA-256 of the line, as the next line names it."""
        return hashlib.sha256(self.text).hexdigest()


@dataclass
class Chain:
    """The chain beside the runs of one place of reports, as it was read; `add` is for those who hold its lock.

    `is_whole`: its last line has its line feed.
    """

    runs: Path
    lines: list[Line]
    is_whole: bool = True

    @property
    def head(self) -> str | None:
        """The hash of the last line; None for a chain that has not begun."""
        return self.lines[-1].hash if self.lines else None

    @property
    def last_run(self) -> dict[str, Any] | None:
        """The newest run and the hash of its manifest, also of one that was removed since; None where there is none."""
        line = next((line for line in reversed(self.lines) if line.run is not None), None)
        return None if line is None else {"run": line.run, "manifest": str(line.said.get("manifest"))}

    def named(self, kind: str) -> dict[str, Line]:
        """Return the first line of a kind (`run`, `signed`, `removed` ...) about each run, oldest first."""
        found: dict[str, Line] = {}
        for line in self.lines:
            names = line.said.get(kind, [])
            for name in names if isinstance(names, list) else [names]:
                found.setdefault(str(name), line)
        return found

    def add(self, now: datetime, **said: Any) -> None:
        """Write one more line, to the disk before this returns."""
        text = line_text({**said, "at": now.isoformat(timespec="milliseconds"), "before": self.head})
        with (self.runs / CHAIN).open("ab+", buffering=0) as stream:
            before = stream.seek(0, os.SEEK_END)
            whole = (b"" if _ends_whole(stream) else b"\n") + text + b"\n"
            try:
                if stream.write(whole) != len(whole):
                    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(self.runs / CHAIN))
                os.fsync(stream.fileno())
            except BaseException:
                stream.truncate(before)  # half a line says nothing and would be taken for a forged one
                raise
        self.lines.append(Line(len(self.lines) + 1, text))


def line_text(said: dict[str, Any]) -> bytes:
    """Return a line of the chain, without its line feed, that says this and carries the hash of it."""
    plain = json.dumps(said).encode()
    return json.dumps({**said, "hash": hashlib.sha256(plain).hexdigest()}).encode()


def read_object(text: bytes) -> dict[str, Any]:
    """Return what a JSON object says; nothing where it is none."""
    with suppress(ValueError, RecursionError):
        if isinstance(said := json.loads(text), dict):
            return said
    return {}


def _ends_whole(stream: Any) -> bool:
    """Whether the last line has its line feed: a machine that lost power may have left half a line."""
    if stream.seek(0, os.SEEK_END) == 0:
        return True
    stream.seek(-1, os.SEEK_END)
    return bool(stream.read(1) == b"\n")


def read_chain(runs: Path) -> Chain:
    """Return the chain of a `.runs` folder, waiting for a run that is adding to it. No file: no lines."""
    file = runs / CHAIN
    if not file.is_file():
        return Chain(runs, [])
    with file.open("rb") as stream:
        _lock(stream.fileno(), fcntl.LOCK_SH)
        return _chain(runs, stream.read())


@contextmanager
def adding_to_chain(runs: Path) -> Iterator[Chain]:
    """Give the chain to one run at a time, so that no two runs name the same one before."""
    with (runs / CHAIN).open("ab+") as stream:
        _lock(stream.fileno(), fcntl.LOCK_EX)
        stream.seek(0)
        yield _chain(runs, stream.read())


def _lock(stream: int, kind: int) -> None:
    with suppress(OSError):  # some network folders know no locks; a fork would be seen by `verify`
        fcntl.flock(stream, kind)


def _chain(runs: Path, content: bytes) -> Chain:
    texts = content.removesuffix(b"\n").split(b"\n") if content else []
    lines = [Line(number, text) for number, text in enumerate(texts, start=1)]
    return Chain(runs, lines, is_whole=not content or content.endswith(b"\n"))


def link_of(period: str, audience: str) -> str:
    """Return the name of the link to the newest report of a period and audience."""
    return period.replace("/", "_") + ("-public" if audience == "public" else "")


def record_removal(runs: Path, names: Sequence[str], now: datetime) -> None:
    """Write down that runs are removed on purpose, before they are, so that nobody takes them for lost.

    runs: the `.runs` folder. names: the runs' folders in it. The lines about them stay, so that the chain holds: `verify`
    says of them that they were removed, and on which day. No names: nothing is written.
    """
    if names:
        with adding_to_chain(runs) as chain:
            chain.add(now, removed=sorted(names))
