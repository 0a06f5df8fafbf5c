"""A machine of its own for a command: its home, its folder for temporary files, its cache; all of it can be searched."""

import os
import shutil
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from pledgebook.key_file import Key, write_key
from pledgebook.report.frame import chart_scripts

KEY = "k" * 40
UNSET = ("PLEDGEBOOK_", "XDG_", "JUPYTER_", "IPYTHONDIR", "RUST_BACKTRACE")


@dataclass
class Said:
    """How a command ended, what it said, and the words and environments of all processes that it began."""

    code: int
    out: bytes
    processes: bytes


class Machine:
    """Runs `pledgebook` in a process whose every trace stays below one folder."""

    def __init__(self, place: Path, umask: int = -1) -> None:
        self.umask = umask
        self.place, self.exports, self.reports = place, place / "exports", place / "reports"
        for name in ("home", "tmp", "exports"):
            (place / name).mkdir(parents=True)
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(UNSET)}
        self.environment |= {
            "HOME": str(place / "home"), "TMPDIR": str(place / "tmp"), "PLEDGEBOOK_KEY": KEY, "RUST_BACKTRACE": "full",
        }  # fmt: skip
        self._keep_vega()

    @property
    def key_file(self) -> Path:
        """Where the key lies when none is set in the environment; the keys that were rotated lie beside it."""
        return self.place / "home" / ".config" / "pledgebook" / "key"

    def keep_key_in_file(self) -> None:
        """Put the key where a first run on a terminal would make one."""
        write_key(self.key_file, Key(self.environment.pop("PLEDGEBOOK_KEY")), may_replace=False)

    def _keep_vega(self) -> None:
        """Vega as one script takes seconds to make: the copy that the machine has is taken, and is not searched."""
        self.vega = chart_scripts()[0].text
        usual = next((Path.home() / ".cache" / "pledgebook").glob("vega-*.js"), None)
        if usual is not None:
            kept = self.place / "home" / ".cache" / "pledgebook" / usual.name
            kept.parent.mkdir(parents=True)
            shutil.copy(usual, kept)

    def run(self, *words: object, stdin: str = "") -> Said:
        """Run a command to its end."""
        with self.begin(*words) as process:
            watched = _Watch(process.pid)
            out, _ = process.communicate(stdin.encode())
            return Said(process.returncode, out, watched.end())

    def begin(self, *words: object) -> subprocess.Popen:
        """Begin a command; what it says on either stream comes by one pipe."""
        command = [sys.executable, "-m", "pledgebook", *map(str, words)]
        return subprocess.Popen(
            command, env=self.environment, cwd=self.place, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, umask=self.umask,
        )  # fmt: skip

    def leave_searchable(self) -> Path:
        """Take away what is no trace: the exports themselves, the keys, and Vega's own text in every page."""
        shutil.rmtree(self.exports)
        shutil.rmtree(self.key_file.parent, ignore_errors=True)
        for kept in (self.place / "home" / ".cache" / "pledgebook").glob("vega-*.js"):
            kept.unlink()
        for page in self.place.rglob("*.html"):
            page.write_text(page.read_text(encoding="utf-8").replace(self.vega, ""), encoding="utf-8")
        return self.place


class _Watch:
    """Looks, as any user of the machine can, at the command lines of a session's processes while they run."""

    def __init__(self, session: int) -> None:
        self.session, self.seen, self.is_over = session, set(), False
        self.thread = threading.Thread(target=self._look, daemon=True)
        self.thread.start()

    def _look(self) -> None:
        while not self.is_over:
            for process in Path("/proc").glob("[0-9]*"):
                try:
                    if os.getsid(int(process.name)) == self.session:
                        self.seen.add((process / "cmdline").read_bytes())
                except OSError:
                    continue
            time.sleep(0.3)

    def end(self) -> bytes:
        self.is_over = True
        self.thread.join()
        return b"\n".join(sorted(self.seen))
