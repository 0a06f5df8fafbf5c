"""Commands that are started, killed, interrupted and waited for; and what they left."""

import json
import os
import re
import select
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl

from pledgebook.message_states import TALLIES
from pledgebook.tables import TABLES

HERE = Path(__file__).resolve().parents[1]
LONGEST = 200
ACCOUNTS = ("intake", "quarantined", "notes", "feeds", "unknown_columns")


class Nursery:
    """Starts commands one after the other; see `nursery.py`."""

    def __init__(self, folder):
        self.log = folder / "said.txt"
        path = os.pathsep.join([*os.environ.get("PYTHONPATH", "").split(os.pathsep), str(HERE)]).strip(os.pathsep)
        environment = {**os.environ, "PYTHONPATH": path}
        self.process = subprocess.Popen(
            [sys.executable, "-m", "faults.nursery"], stdin=-1, stdout=-1, text=True, env=environment
        )

    def start(self, *words, stores, kill_before=None, **environment):
        """Start a command in a process group of its own; return its id."""
        environment = {"PLEDGEBOOK_STORE": str(stores), **environment}
        words = [str(word) for word in words]
        order = {"words": words, "environment": environment, "log": str(self.log), "kill_before": kill_before}
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()
        return int(self.process.stdout.readline())

    def wait(self):
        """Wait for its end; return its exit code, or the signal that ended it as a negative number."""
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        ended, *_ = select.select([self.process.stdout], [], [], LONGEST)
        assert ended, f"it never ended: {self.said}"
        return int(self.process.stdout.readline())

    def run(self, *words, stores, kill_before=None, **environment):
        """Start a command and wait for its end."""
        self.start(*words, stores=stores, kill_before=kill_before, **environment)
        return self.wait()

    @property
    def said(self):
        """What the last command said, in one line."""
        return " ".join(self.log.read_text(encoding="utf-8").split())

    def close(self):
        self.process.stdin.close()
        self.process.wait(10)


def kill(process, *, group=False):
    """End a process at once, or all that it started but its kernels, which lead groups of their own."""
    (os.killpg if group else os.kill)(process, signal.SIGKILL)


class Span:
    """How long a command is taken to run, so that most kills meet it at work, however busy the machine is."""

    def __init__(self, seconds):
        self.seconds = seconds

    def told(self, code):
        """Hear how a command ended that was to be killed; return that."""
        self.seconds *= 1.1 if code < 0 else 0.6
        return code


def contents(store):
    """All that a store holds, in an order of its own."""
    rows = {
        (table, shard): store.scan(table, shard).collect().sort(pl.all())
        for table in (*TABLES, "consent_states", "message_states", *TALLIES, "disclosure_states")
        for shard in range(store.shards)
    }
    return rows | {name: getattr(store, name).sort(pl.all()) for name in ACCOUNTS}


def differing(one, other):
    """The names of what two stores hold and do not have in common."""
    return [name for name in one if not one[name].equals(other[name])]


def left_over(stores):
    """What lies among stores and is named by no record and no catalogue."""
    named = {f"parts/{file.stem}/{json.loads(file.read_text())['token']}" for file in stores.glob("parts/*.json")}
    for record in stores.glob("*/store.json"):
        own = f"{record.parent.name}/{json.loads(record.read_text())['data']}"
        shown = pl.read_parquet(stores / own / "catalogue.parquet")["path"]
        named |= {own, *("/".join(path.split("/")[: 3 if path.startswith("parts") else 2]) for path in shown)}
    places = [
        *stores.glob("parts/*/*"),
        *(each for each in stores.glob("*/*") if re.match("[0-9a-f]{32}/", _of(each, stores))),
    ]
    tokens = {_of(each, stores) for each in places if each.is_dir() and each.name != "figures"}
    hidden = {_of(each, stores) for each in stores.rglob(".*")}
    return sorted((tokens - named) | hidden)


def _of(path, stores):
    return str(path.relative_to(stores))


def processes_with(word):
    """The processes whose command line or environment has a word."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            told = (each / "cmdline").read_bytes() + (each / "environ").read_bytes()
        except OSError:
            continue
        if word.encode() in told and each.name != str(os.getpid()):
            found.append(each.name)
    return found


def wait_until(happened, seconds=20):
    """Wait until something happened; return whether it did in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if happened():
            return True
        time.sleep(0.1)
    return bool(happened())
