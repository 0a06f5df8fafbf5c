"""The command line: one module a command, all hung on `app`."""

from pledgebook.cli import due, lab, running, sample
from pledgebook.cli.frame import app

__all__ = ["app", "due", "lab", "running", "sample"]
