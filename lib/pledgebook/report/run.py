"""A run: intake once, tables once, notebooks side by side through papermill, a report that appears whole or not at all."""

from __future__ import annotations

import ast
import multiprocessing
import uuid
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from pledgebook.book import Book
from pledgebook.disk import why_unwritable, writing_below
from pledgebook.errors import InputError, NotebookFailed
from pledgebook.metrics.catalogue import METRICS
from pledgebook.report.evidence import stamp
from pledgebook.report.frame import chart_scripts
from pledgebook.report.making import making_run
from pledgebook.report.notebook import CELL_SECONDS, Work, make_page, name_page, warm_up
from pledgebook.report.overview import render_index_page
from pledgebook.report.processes import end_processes, end_with_the_run
from pledgebook.report.sealing import check_link, seal_run
from pledgebook.selftest.appendix import begin_selftest
from pledgebook.selftest.outcome import Outcome
from pledgebook.suite import suite_root

Progress = Callable[[str], None]
ROOM = "Make room there, or choose another --out."


@dataclass(frozen=True)
class Running:
    """What a run was asked: notebooks in order, parameters as they are injected, where reports lie, how many at once.

    cell_seconds: after how long a cell is taken to hang.
    """

    notebooks: list[Path]
    parameters: dict[str, Any]
    out: Path
    jobs: int
    cell_seconds: int = CELL_SECONDS

    @cached_property
    def pages(self) -> list[tuple[str, str]]:
        """The pages that the notebooks become, as (file name, title)."""
        return [name_page(path) for path in self.notebooks]


def suite_notebooks() -> list[Path]:
    """Return the suite's notebooks in reading order."""
    return sorted((suite_root() / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def choose_notebooks(names: list[str]) -> list[Path]:
    """Return the named notebooks (`20_request_turnaround`, or a path), or all. Raises InputError for what is no notebook."""
    known = {path.stem: path for path in suite_notebooks()}
    chosen: list[Path] = []
    for name in names:
        path = known.get(Path(name).stem, Path(name))
        if not path.is_file():
            raise InputError(f"notebook '{name}': not found. The suite has: {', '.join(known)}.")
        name_page(path)  # refuses what is no notebook, before anything runs
        if path.name in (other.name for other in chosen):
            raise InputError(
                f"notebook '{path.name}': given twice; a report holds one page of a name. Rename one of them."
            )
        chosen.append(path)
    return chosen or list(known.values())


def check_parameters(notebooks: list[Path], parameters: dict[str, str]) -> dict[str, Any]:
    """Return further parameters with the types of the notebooks' own defaults.

    Raises InputError, before anything runs, for one that a notebook does not know, or a value of another type.
    """
    if not parameters:
        return {}
    import papermill  # noqa: PLC0415

    typed: dict[str, Any] = {}
    for notebook in notebooks:
        try:
            known = papermill.inspect_notebook(str(notebook))
        except Exception as wrong:
            raise InputError(
                f"{notebook.name}: its parameters cannot be read ({type(wrong).__name__}). Open it in JupyterLab, save it."
            ) from None
        for name, text in parameters.items():
            if name not in known:
                raise InputError(f"{notebook.name}: has no parameter '{name}'. It has: {', '.join(known) or 'none'}.")
            typed[name] = _typed(notebook, name, text, known[name]["default"])
    return typed


def _typed(notebook: Path, name: str, text: str, default: str) -> Any:
    try:
        kind = type(ast.literal_eval(default))
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise InputError(
            f"{notebook.name}: parameter '{name}' has no literal for a default. Write one into its cell of parameters."
        ) from None
    if kind is str:
        return text
    try:
        value = ast.literal_eval(text.capitalize() if kind is bool else text)
    except (ValueError, SyntaxError, RecursionError, MemoryError):
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
    check_link(running.out / link_name(book))
    name = f"{started:%Y%m%dT%H%M%S}-{uuid.uuid4().hex[:6]}"
    with writing_below(running.out, ROOM), making_run(runs, name) as making:
        book.out = making
        with _processes(min(running.jobs, len(running.notebooks))) as processes:
            selftest = begin_selftest(str(running.parameters["policy"]), processes)
            for metric in METRICS:
                progress(f"computing {METRICS[metric].title.lower()}")
                book.compute(METRICS[metric].tables[0].name)
            book.let_go()
            _make_pages(book, running, making, processes, progress)
            proof = selftest()
        times = _write_overview(book, running, making, name, started, proof)
        return seal_run(book, name, making, running.parameters, running.notebooks, times, link_name(book))


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


@contextmanager
def _processes(jobs: int) -> Iterator[Executor]:
    """Processes for the notebooks; they load what they need while this one computes the figures.

    When the run ends early they end with it, and so do their kernels.
    """
    others = multiprocessing.active_children()
    spawning = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(max_workers=max(1, jobs), mp_context=spawning, initializer=end_with_the_run)
    try:
        for _ in range(jobs):
            pool.submit(warm_up)
        yield pool
        pool.shutdown()
    except BaseException as fault:
        pool.shutdown(wait=False, cancel_futures=True)
        end_processes([each for each in multiprocessing.active_children() if each not in others])
        if isinstance(fault, BrokenProcessPool):
            raise NotebookFailed(
                "a process that ran notebooks was killed, as when memory runs out. Use fewer --jobs."
            ) from None
        raise


def _make_pages(book: Book, running: Running, making: Path, processes: Executor, progress: Progress) -> None:
    parameters, company = {**running.parameters, "out": str(making)}, book.policy.company.name
    waiting = {
        processes.submit(make_page, Work(path, parameters, making, running.pages, company, running.cell_seconds)): path
        for path in running.notebooks
    }
    chart_scripts()  # made here, where there is time, before the first page asks the cache for them
    for done in _as_they_finish(waiting):
        if (fault := done.result()) is not None:
            if reason := why_unwritable(fault, making):
                raise InputError(f"{running.out}: cannot be written to ({reason}). {ROOM}")
            raise NotebookFailed(fault)
        progress(f"ran {waiting[done].stem}")


def _as_they_finish(waiting: Iterable[Future[str | None]]) -> Iterator[Future[str | None]]:
    """Wait in short stretches: a wait takes no notice of Ctrl-C any more once Polars has computed something."""
    pending = set(waiting)
    while pending:
        done, pending = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        yield from done


def _write_overview(
    book: Book, running: Running, making: Path, name: str, started: datetime, selftest: Outcome
) -> dict[str, str]:
    """Write the first page; return when the run was started and finished."""
    times = {"started": stamp(started), "finished": stamp(datetime.now(UTC))}
    facts = {"run": name, "parameters": running.parameters, "made": times, "inputs": book.store.facts["inputs"],
             "company": book.policy.company.name, "unread_files": book.store.facts["unread"]}  # fmt: skip
    worklists = sorted(str(file.relative_to(making)) for file in making.glob("worklists/*.csv"))
    scorecard = book.published_table("scorecard")
    render_index_page(
        making, scorecard=scorecard, manifest=facts, pages=running.pages, worklists=worklists, selftest=selftest
    )
    return times
