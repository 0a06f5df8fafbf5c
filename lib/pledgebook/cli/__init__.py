"""The command line: one module a command, all hung on `app`."""

from pledgebook.cli import due, forget, key, lab, running, sample, selftest, verify, who
from pledgebook.cli.frame import app

__all__ = ["app", "due", "forget", "key", "lab", "running", "sample", "selftest", "verify", "who"]
