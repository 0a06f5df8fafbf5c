"""`pledgebook lab`."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from pledgebook.cli.frame import app
from pledgebook.errors import InputError


@app.command(epilog="Example: pledgebook lab")
def lab() -> None:
    """Open JupyterLab on the notebooks."""
    from pledgebook.suite import suite_root  # noqa: PLC0415

    beside = Path(sys.executable).with_name("jupyter-lab")
    program = str(beside) if beside.is_file() else shutil.which("jupyter-lab")
    if program is None:
        raise InputError("JupyterLab is not installed here. Run: make lab (or install the extra: pledgebook[lab]).")
    os.execv(program, [program, str(suite_root() / "notebooks")])
