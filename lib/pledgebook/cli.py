"""The command line: `pledgebook run`, `check`, `due`, `sample`, `lab`."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console
from typer.core import TyperGroup

from pledgebook.errors import InputError, PledgebookError

if TYPE_CHECKING:
    from pledgebook.book import Book

OTHER_FAULT = 70
HOME_POLICY = Path("data/policy.toml")


class Commands(TyperGroup):
    """Every error reaches people as one message and an exit code, never as a traceback that may quote data."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a PledgebookError says its own exit code."""
        try:
            return super().invoke(ctx)
        except PledgebookError as fault:
            _complain(str(fault))
            raise typer.Exit(fault.exit_code) from None
        except (OSError, MemoryError) as fault:
            _complain(f"{type(fault).__name__}: {getattr(fault, 'strerror', None) or 'out of memory'}.")
            raise typer.Exit(2) from None
        except BaseException as fault:
            if isinstance(fault, (KeyboardInterrupt, SystemExit)):
                raise
            if os.environ.get("PLEDGEBOOK_DEBUG"):
                raise
            kind = type(fault)
            if kind.__module__.startswith(("click", "typer")):
                raise
            _complain(
                f"an unforeseen {kind.__name__}; nothing was published. PLEDGEBOOK_DEBUG=1 shows where, with data."
            )
            raise typer.Exit(OTHER_FAULT) from None


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Tests whether a company keeps the promises of its privacy policy, from the records that its systems export.",
)
Exports = Annotated[Path, typer.Option("--exports", help="Folder of the exports.")]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="Policy file; default: the suite's data/policy.toml.")
]


def _complain(message: str) -> None:
    Console(stderr=True).print(f"[bold red]error:[/] {_plain(message)}", highlight=False, soft_wrap=True)


def _plain(message: str) -> str:
    return message.replace("[", "\\[")


@contextmanager
def _telling() -> Iterator[Any]:
    """Progress: a spinner with the step on a terminal, plain lines on standard error elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: console.print(step, highlight=False, markup=False)
        return
    with console.status("starting") as status:
        yield lambda step: status.update(_plain(step))


def _policy_file(given: Path | None) -> Path:
    from pledgebook.suite import from_root  # noqa: PLC0415

    return given.resolve() if given is not None else from_root(HOME_POLICY)


@app.command(epilog="Example: pledgebook run --exports data/sample --period 2026-09")
def run(
    notebooks: Annotated[list[str] | None, typer.Argument(help="Notebooks to run; default: all of the suite.")] = None,
    exports: Exports = Path("data/exports"),
    period: Annotated[str, typer.Option(help="2026-10, 2026-Q3, 2026-W41, a range, or last-month ...")] = "last-month",
    as_of: Annotated[
        str, typer.Option("--as-of", help="Known as of this instant; default: the period's end, or now.")
    ] = "",
    policy: PolicyFile = None,
    out: Annotated[Path, typer.Option(help="Where reports lie.")] = Path("reports"),
    audience: Annotated[str, typer.Option(help="internal or public (small counts hidden).")] = "internal",
    jobs: Annotated[int, typer.Option(min=1, help="Notebooks at once.")] = os.cpu_count() or 2,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 when a promise is broken or cannot be told.")
    ] = False,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="Further parameter: NAME=VALUE.")
    ] = None,
) -> None:
    """Run the notebooks on exports and publish a report, whole or not at all."""
    from pledgebook.report.run import Running, check_parameters, choose_notebooks, link_name, run_report  # noqa: PLC0415

    chosen = choose_notebooks(notebooks or [])
    parameters = check_parameters(chosen, _further(parameter or []))
    with _telling() as tell:
        book = _open(exports, period, as_of, policy, audience, tell)
        parameters |= _parameters(book, exports, policy)
        run_report(book, Running(chosen, parameters, out.resolve(), jobs), tell)
    _conclude(book, out / link_name(book), strict=strict)


def _open(exports: Path, period: str, as_of: str, policy: Path | None, audience: str, tell: Any) -> Book:
    from pledgebook.book import open_book  # noqa: PLC0415

    file = _policy_file(policy)
    now = datetime.now(UTC)
    return open_book(exports.resolve(), period, as_of, file, audience, now=now, progress=tell)


def _parameters(book: Book, exports: Path, policy: Path | None) -> dict[str, str]:
    """What every notebook is given: all absolute, so that its outputs do not age."""
    return {
        "exports": str(exports.resolve()),
        "period": book.period.label,
        "as_of": book.question.as_of.astimezone(ZoneInfo(book.question.timezone)).isoformat(),
        "policy": str(_policy_file(policy)),
        "audience": book.audience,
    }


def _further(pairs: list[str]) -> dict[str, str]:
    parameters = {}
    for pair in pairs:
        name, sign, value = pair.partition("=")
        if not sign or not name.isidentifier():
            raise InputError(f"--parameter '{pair[:40]}': write NAME=VALUE.")
        if name in ("exports", "period", "as_of", "policy", "audience", "out"):
            raise InputError(f"--parameter '{name}': has an option of its own, --{name.replace('_', '-')}.")
        parameters[name] = value
    return parameters


def _conclude(book: Book, link: Path, *, strict: bool) -> None:
    verdicts = book.scorecard()["verdict"].value_counts(sort=True).rows()
    typer.echo(f"{book.period.label}: " + ", ".join(f"{count} {verdict}" for verdict, count in verdicts))
    typer.echo(f"Open {link / 'index.html'}")
    bad = {verdict for verdict, _ in verdicts} & {"broken", "cannot tell"}
    if strict and bad:
        raise typer.Exit(1)


@app.command(epilog="Example: pledgebook check --exports data/sample")
def check(exports: Exports, policy: PolicyFile = None) -> None:
    """Read exports and say what was read, kept and quarantined by which rule; nothing is published."""
    from pledgebook.book import open_store_of  # noqa: PLC0415
    from pledgebook.report.account import print_account  # noqa: PLC0415

    with _telling() as tell:
        store = open_store_of(exports.resolve(), _policy_file(policy), progress=tell)
    print_account(store, Console(soft_wrap=True))


@app.command(epilog="Example: pledgebook due --regime GDPR --kind access --received 2026-01-31 --region DE")
def due(
    regime: Annotated[str, typer.Option(help="The law: GDPR, UK_GDPR, CCPA, APPI ...")] = "",
    kind: Annotated[str, typer.Option(help="disclosure, deletion ..., or the law's own word: access, know ...")] = "",
    received: Annotated[str, typer.Option(help="Local date of receipt; with a time for clocks in hours.")] = "",
    region: Annotated[str | None, typer.Option(help="Whose holidays count: DE, DE-BY, GB-SCT, US-CA ...")] = None,
    verified: Annotated[str | None, typer.Option(help="Local date on which the person was identified.")] = None,
    paused_days: Annotated[int, typer.Option(min=0, help="Days to add for pauses.")] = 0,
    extended: Annotated[bool, typer.Option("--extended", help="Extended by a notice in time.")] = False,
    examples: Annotated[
        Path | None, typer.Option(help="Answer a CSV of examples row by row on standard output.")
    ] = None,
) -> None:
    """Say when an answer is due, and how that date comes about."""
    from pledgebook.deadlines import answer_examples, due_date, read_regimes  # noqa: PLC0415
    from pledgebook.suite import suite_root  # noqa: PLC0415

    regimes = read_regimes(suite_root() / "data" / "regimes")
    if examples is not None:
        answers = answer_examples(examples, regimes)
        typer.echo(answers.table.write_csv(), nl=False)
        for problem in answers.problems:
            typer.echo(problem, err=True)
        return
    if not (regime and kind and received):
        raise InputError("due: give --regime, --kind and --received, or --examples FILE.")
    start, identified = _moment("--received", received), _moment("--verified", verified) if verified else None
    found = due_date(
        regimes, regime, kind, start, region=region, verified=identified, paused_days=paused_days, is_extended=extended
    )
    typer.echo(found.due_at.isoformat(timespec="minutes") if found.due_at else str(found.due_on or "no clock"))
    typer.echo(found.explanation)


def _moment(option: str, text: str) -> date | datetime:
    """A date, or a time where one is written."""
    try:
        return datetime.fromisoformat(text) if len(text) > len("2026-01-31") else date.fromisoformat(text)
    except ValueError:
        raise InputError(f"{option} '{text[:40]}': not a date. Write it like 2026-01-31.") from None


@app.command(epilog="Example: pledgebook sample --people 3000 --seed 2026 --out data/sample")
def sample(
    people: Annotated[int, typer.Option(min=1, help="How many people.")],
    out: Annotated[Path, typer.Option(help="Folder to write into.")],
    seed: Annotated[int, typer.Option(help="The same seed gives the same bytes.")] = 2026,
) -> None:
    """Make synthetic exports of a payment company, with planted breaches listed in planted.csv."""
    from pledgebook.sample import make_sample  # noqa: PLC0415

    make_sample(people, seed, out)
    typer.echo(f"Wrote {out}; what was planted is in {out / 'planted.csv'}")


@app.command(epilog="Example: pledgebook lab")
def lab() -> None:
    """Open JupyterLab on the notebooks."""
    from pledgebook.suite import suite_root  # noqa: PLC0415

    beside = Path(sys.executable).with_name("jupyter-lab")
    program = str(beside) if beside.is_file() else shutil.which("jupyter-lab")
    if program is None:
        raise InputError("JupyterLab is not installed here. Run: make lab (or install the extra: pledgebook[lab]).")
    os.execv(program, [program, str(suite_root() / "notebooks")])
