"""One notebook of a run: its title, its execution through papermill, its page; made in a process of its own."""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pledgebook.disk import fault_number, locked
from pledgebook.errors import InputError
from pledgebook.masking import presentable, reveals
from pledgebook.report.making import SOCKETS

OWN_ERRORS = ("InputError", "KeyFault")
CELL_SECONDS = 1800
PLAIN_NAME = re.compile(r"\w[\w .-]*")
"""Names that stand in a link of a page as they are: no scheme, no query, no markup."""


@dataclass(frozen=True)
class Work:
    """What a process needs to make a page: the notebook, its parameters, where to, and what stands around the page.

    pages: (href, title) of all pages of the report, in reading order.
    """

    notebook: Path
    parameters: dict[str, Any]
    out: Path
    pages: Sequence[tuple[str, str]]
    company: str
    cell_seconds: int = CELL_SECONDS


def name_page(notebook: Path) -> tuple[str, str]:
    """Return the file name of a notebook's page and its title: its first heading, else its name.

    Raises InputError for a file that is no notebook, whose name cannot be that of a page, or whose name or title holds
    personal data.
    """
    if not PLAIN_NAME.fullmatch(notebook.stem) or notebook.stem == "index":
        raise InputError(
            f"notebook '{presentable(notebook.name)}': its page cannot have that name. Use letters, digits, '-' and '_'."
        )
    try:
        cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
        told = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "markdown"]
    except (OSError, ValueError, LookupError, TypeError, RecursionError):
        raise InputError(f"{notebook}: not a notebook. Give an .ipynb file as JupyterLab saves it.") from None
    lines = (line for text in told for line in text.splitlines())
    heading = next((line for line in lines if line.startswith("# ")), notebook.stem)
    title = heading.removeprefix("# ").strip()
    if reveals(title) or reveals(notebook.stem):
        raise InputError(
            f"{notebook.name}: its name or its title holds an email, a phone or a card number, and every page would show "
            "it. Write it without."
        )
    return f"{notebook.stem}.html", title


def warm_up() -> None:
    """Load what executing and rendering need, while the figures are still being computed elsewhere."""
    import papermill  # noqa: F401, PLC0415

    from pledgebook.report import page  # noqa: F401, PLC0415


def make_page(work: Work) -> str | None:
    """Execute a notebook and write its page beside it; return None, or what went wrong in words."""
    from pledgebook.report.page import render_notebook_page  # noqa: PLC0415

    executed = work.out / work.notebook.name
    try:
        fault = execute_notebook(str(work.notebook), str(executed), work.parameters, work.cell_seconds)
        if fault is None:
            href, title = name_page(work.notebook)
            render_notebook_page(executed, work.out / href, title=title, pages=work.pages, company=work.company)
    except OSError:
        raise
    except Exception as wrong:  # whatever nbformat, papermill and nbconvert say of a file that is no sound notebook
        return (
            f"{work.notebook.name}: cannot be executed and shown as a page ({type(wrong).__name__}). "
            "Open it in JupyterLab, mend it and save it."
        )
    return fault


def execute_notebook(
    notebook: str, target: str, parameters: dict[str, Any], cell_seconds: int = CELL_SECONDS
) -> str | None:
    """Execute one notebook with its parameters; return None, or what went wrong in words.

    A cell that runs longer than `cell_seconds` is taken to hang.
    """
    import papermill  # noqa: PLC0415
    from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: PLC0415
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    name = Path(notebook).name
    with tempfile.TemporaryDirectory(prefix=SOCKETS) as sockets, locked(Path(sockets), wait=False):
        kernel = {"transport": "ipc", "ip": f"{sockets}/k", "connection_file": f"{sockets}/kernel.json"}
        transport = Config({"KernelManager": kernel})
        try:
            papermill.execute_notebook(
                _verbatim(notebook), _verbatim(target), parameters, kernel_name="python3", language="python",
                progress_bar=False, log_output=False, request_save_on_cell_execute=False, execution_timeout=cell_seconds,
                start_timeout=120, config=transport, shutdown_kernel="immediate", cwd=str(Path(notebook).parent),
            )  # fmt: skip
        except PapermillExecutionError as fault:
            return f"{name}, cell {fault.cell_index + 1}: {_said(fault.ename, str(fault.evalue))}"
        except CellTimeoutError:
            return f"{name}: a cell ran longer than {cell_seconds} seconds. Give a shorter period, or a longer --cell-timeout."
        except DeadKernelError:
            return f"{name}: its kernel died, as it does when memory runs out. Use fewer --jobs."
    return None


def _verbatim(path: str) -> str:
    """A path of which papermill fills in nothing: what it finds in braces it takes for a parameter's name."""
    return path.replace("{", "{{").replace("}", "}}")


def _said(kind: str, text: str) -> str:
    """An error of the suite's own is written for people; any other may quote data, and only its kind is told."""
    if kind in OWN_ERRORS or os.environ.get("PLEDGEBOOK_DEBUG"):
        return f"{kind}: {text[:600]}"
    if number := fault_number(text):
        return f"{kind}: {os.strerror(number)} (os error {number})."
    return f"{kind}. Its text may quote data: run the notebook by hand, or with PLEDGEBOOK_DEBUG=1, to read it."
