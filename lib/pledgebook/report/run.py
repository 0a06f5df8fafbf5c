"""A run: intake once, tables once, notebooks side by side through papermill, a report that appears whole or not at all."""

from __future__ import annotations

import ast
import multiprocessing
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pledgebook.book import Book
from pledgebook.errors import InputError, NotebookFailed
from pledgebook.metrics.catalogue import METRICS
from pledgebook.report.evidence import MANIFEST, stamp, write_manifest
from pledgebook.report.page import render_index_page, render_notebook_page
from pledgebook.suite import suite_root

CELL_SECONDS = 1800
Progress = Callable[[str], None]


@dataclass(frozen=True)
class Running:
    """What a run was asked: notebooks in order, parameters as they are injected, where reports lie, how many at once."""

    notebooks: list[Path]
    parameters: dict[str, Any]
    out: Path
    jobs: int


def suite_notebooks() -> list[Path]:
    """Return the suite's notebooks in reading order."""
    return sorted((suite_root() / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def choose_notebooks(names: list[str]) -> list[Path]:
    """Return the named notebooks (`20_request_turnaround`, or a path), or all. Raises InputError for an unknown one."""
    known = {path.stem: path for path in suite_notebooks()}
    chosen = []
    for name in names:
        path = known.get(Path(name).stem, Path(name))
        if not path.is_file():
            raise InputError(f"notebook '{name}': not found. The suite has: {', '.join(known)}.")
        chosen.append(path)
    return chosen or list(known.values())


def check_parameters(notebooks: list[Path], parameters: dict[str, str]) -> dict[str, Any]:
    """Return further parameters with the types of the notebooks' own defaults.

    Raises InputError, before anything runs, for one that a notebook does not know, or a value of another type.
    """
    import papermill  # noqa: PLC0415

    typed: dict[str, Any] = {}
    for notebook in notebooks:
        known = papermill.inspect_notebook(str(notebook))
        for name, text in parameters.items():
            if name not in known:
                raise InputError(f"{notebook.name}: has no parameter '{name}'. It has: {', '.join(known) or 'none'}.")
            typed[name] = _typed(notebook, name, text, known[name]["default"])
    return typed


def _typed(notebook: Path, name: str, text: str, default: str) -> Any:
    kind = type(ast.literal_eval(default))
    if kind is str:
        return text
    try:
        value = ast.literal_eval(text.capitalize() if kind is bool else text)
    except (ValueError, SyntaxError):
        value = text
    if type(value) is not kind:
        raise InputError(f"{notebook.name}: parameter '{name}' is of type {kind.__name__}; '{text[:40]}' is not.")
    return value


def run_report(book: Book, running: Running, progress: Progress) -> Path:
    """Run the notebooks on an opened book and return the folder of the finished report.

    The report is made in a folder of its own and put in place by one rename; then the period's link is swapped by
    another. Raises NotebookFailed with the cell's error; the earlier report stays as it is.
    """
    started = datetime.now(UTC)
    runs = running.out / ".runs"
    _make_private(runs)
    name = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    making = runs / f".making-{name}"
    making.mkdir(mode=0o700)
    book.out = making
    try:
        for metric in METRICS:
            progress(f"computing {METRICS[metric].title.lower()}")
            book.compute(METRICS[metric].tables[0].name)
        _execute_all(running, making, progress)
        progress("rendering pages")
        _finish(book, running, making, name, started)
        making.rename(runs / name)
    except BaseException:
        shutil.rmtree(making, ignore_errors=True)
        raise
    _swap_link(running.out / link_name(book), Path(".runs") / name)
    return runs / name


def link_name(book: Book) -> str:
    """Return the name of the link to the newest report of a period and audience."""
    return book.period.folder + ("-public" if book.audience == "public" else "")


def _make_private(runs: Path) -> None:
    try:
        runs.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as fault:
        raise InputError(
            f"{runs.parent}: reports cannot be written there ({fault.strerror}). Choose another --out."
        ) from None


def _execute_all(running: Running, making: Path, progress: Progress) -> None:
    context = multiprocessing.get_context("spawn")
    parameters = {**running.parameters, "out": str(making)}
    with ProcessPoolExecutor(max_workers=max(1, running.jobs), mp_context=context) as pool:
        waiting = {
            pool.submit(execute_notebook, str(path), str(making / path.name), parameters): path
            for path in running.notebooks
        }
        for done in as_completed(waiting):
            if (fault := done.result()) is not None:
                pool.shutdown(wait=False, cancel_futures=True)
                raise NotebookFailed(fault)
            progress(f"ran {waiting[done].stem}")


def execute_notebook(notebook: str, target: str, parameters: dict[str, Any]) -> str | None:
    """Execute one notebook with its parameters; return None, or what went wrong in words."""
    import papermill  # noqa: PLC0415
    from nbclient.exceptions import CellTimeoutError, DeadKernelError  # noqa: PLC0415
    from papermill.exceptions import PapermillExecutionError  # noqa: PLC0415
    from traitlets.config import Config  # noqa: PLC0415

    name = Path(notebook).name
    with tempfile.TemporaryDirectory(prefix="pb-") as sockets:
        transport = Config({"KernelManager": {"transport": "ipc", "ip": f"{sockets}/k"}})
        try:
            papermill.execute_notebook(
                notebook, target, parameters, kernel_name="python3", progress_bar=False, log_output=False,
                execution_timeout=CELL_SECONDS, start_timeout=120, config=transport, cwd=str(Path(notebook).parent),
            )  # fmt: skip
        except PapermillExecutionError as fault:
            return f"{name}, cell {fault.cell_index + 1}: {fault.ename}: {str(fault.evalue)[:600]}"
        except CellTimeoutError:
            return f"{name}: a cell ran longer than {CELL_SECONDS} seconds. Give a shorter period, or fewer notebooks."
        except DeadKernelError:
            return f"{name}: its kernel died, as it does when memory runs out. Use fewer --jobs."
    return None


def _finish(book: Book, running: Running, making: Path, name: str, started: datetime) -> None:
    pages = [(f"{path.stem}.html", _title(path)) for path in running.notebooks]
    for path, (href, title) in zip(running.notebooks, pages, strict=True):
        render_notebook_page(
            making / path.name, making / href, title=title, pages=pages, company=book.policy.company.name
        )
    times = {"started": stamp(started), "finished": stamp(datetime.now(UTC))}
    previous = _newest_manifest(running.out / ".runs")
    facts = {"run": name, "parameters": running.parameters, "made": times, "inputs": book.store.facts["inputs"],
             "company": book.policy.company.name, "unread_files": book.store.facts["unread"]}  # fmt: skip
    worklists = sorted(str(file.relative_to(making)) for file in making.glob("worklists/*.csv"))
    render_index_page(
        making, scorecard=book.published_table("scorecard"), manifest=facts, pages=pages, worklists=worklists
    )
    names = [path.stem for path in running.notebooks]
    write_manifest(book, name, making, running.parameters, names, times, previous)


def _newest_manifest(runs: Path) -> Path | None:
    found = sorted(path for path in runs.glob(f"[0-9]*/{MANIFEST}"))
    return found[-1] if found else None


def _title(notebook: Path) -> str:
    """The notebook's own title: its first heading."""
    import nbformat  # noqa: PLC0415

    cells = nbformat.read(notebook, as_version=4).cells
    heading = next(
        (line for cell in cells for line in cell.source.splitlines() if line.startswith("# ")), notebook.stem
    )
    return heading.removeprefix("# ").strip()


def _swap_link(link: Path, target: Path) -> None:
    """Point the period's link at the newest run by one rename."""
    fresh = link.with_name(f".{link.name}-{os.getpid()}")
    fresh.unlink(missing_ok=True)
    fresh.symlink_to(target)
    fresh.replace(link)
