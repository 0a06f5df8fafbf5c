"""A nursery: a process that has everything loaded and computed nothing, of which copies are made, to be killed.

A copy starts in milliseconds and leads a process group of its own, as a command that a scheduler starts. Orders come as
lines of JSON: `words` of the command line (`seal` for a report made without notebooks), `log` for what it says, and
`kill_before`: kill itself before that many files are made, renamed or removed. Each is answered with the copy's id; an
empty line with its status, once it has ended: until then its id stays its own.
"""

import json
import os
import resource
import signal
import sys
from pathlib import Path

STEPS = {"os.rename", "os.mkdir", "os.remove", "os.rmdir", "os.symlink", "os.link", "os.utime", "shutil.rmtree"}


def main():
    import pledgebook.cli  # noqa: F401
    import pledgebook.report.run as running

    running.begin_selftest = without_selftest
    while line := sys.stdin.readline():
        order = json.loads(line)
        child = os.fork()
        if child == 0:
            carry_out(order)
        print(child, flush=True)
        sys.stdin.readline()
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def without_selftest(_policy, _executor):
    """The proof of a report's appendix takes longer than all else in a small run, and has tests of its own."""
    from pledgebook.selftest.outcome import Outcome

    return lambda: Outcome("", fault="left out")


def carry_out(order):
    from pledgebook.cli import app

    os.setsid()
    os.environ.update(order["environment"])
    if largest := os.environ.get("LARGEST_FILE"):
        resource.setrlimit(resource.RLIMIT_FSIZE, (int(largest), resource.RLIM_INFINITY))
    with Path(order["log"]).open("wb") as log, Path(os.devnull).open("rb") as nothing:
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
        os.dup2(nothing.fileno(), 0)
    step = order["kill_before"]
    if step and order["words"][0] != "seal":
        sys.addaudithook(killing(step))
    code = 70
    try:
        if order["words"][0] == "seal":
            seal(*order["words"][1:], step)
            code = 0
        else:
            app(order["words"], standalone_mode=True)
    except SystemExit as left:
        code = left.code or 0
    finally:
        sys.stdout.flush()
        os._exit(code)


def seal(folder, out, run, step):
    """Make a report as tests do, and put it in place; the steps are those of putting it in place."""
    from report.made import make_report

    inputs = Path(folder) / "exports", Path(folder) / "policy.toml"
    make_report(inputs, Path(out), run=run, meanwhile=lambda: sys.addaudithook(killing(step)) if step else None)


def killing(step):
    """Kill this process before a step: a file that is made, renamed or removed, whatever it is for."""
    steps = 0

    def watch(event, given):
        nonlocal steps
        writes = event == "open" and isinstance(given[2], int) and given[2] & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes or event in STEPS:
            steps += 1
            if steps == step:
                os.kill(os.getpid(), signal.SIGKILL)

    return watch


if __name__ == "__main__":
    main()
