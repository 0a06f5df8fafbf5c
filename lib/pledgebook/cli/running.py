"""`pledgebook run` and `pledgebook check`."""

from __future__ import annotations

import os
from concurrent.futures import Executor
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from zoneinfo import ZoneInfo

import typer
from rich.console import Console

from pledgebook.cli.cluster import Address, Authority, Certificate, PrivateKey, workers
from pledgebook.cli.frame import Exports, PolicyFile, app, policy_file, telling
from pledgebook.credentials import refuse_personal_data
from pledgebook.errors import InputError

if TYPE_CHECKING:
    from pledgebook.book import Book


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
    cell_timeout: Annotated[int, typer.Option(min=1, help="Seconds after which a cell is taken to hang.")] = 1800,
    strict: Annotated[
        bool, typer.Option("--strict", help="Exit 1 when a promise is broken or cannot be told.")
    ] = False,
    parameter: Annotated[
        list[str] | None, typer.Option("--parameter", "-p", help="Further parameter: NAME=VALUE.")
    ] = None,
    cluster: Address = "",
    cluster_ca: Authority = None,
    cluster_cert: Certificate = None,
    cluster_key: PrivateKey = None,
) -> None:
    """Run the notebooks on exports and publish a report, whole or not at all."""
    from pledgebook.leftovers import working_in  # noqa: PLC0415
    from pledgebook.report.run import Running, check_parameters, choose_notebooks, link_name, run_report  # noqa: PLC0415
    from pledgebook.store import stores_folder  # noqa: PLC0415

    chosen = choose_notebooks(notebooks or [])
    further = _further(parameter or [])
    _refuse_personal_data(exports, policy, out, chosen, further)
    parameters = check_parameters(chosen, further)
    with (
        telling() as tell,
        workers(cluster, cluster_ca, cluster_cert, cluster_key) as executor,
        working_in(stores_folder(os.environ)),
    ):
        book = _open(exports, period, as_of, policy, audience, tell, executor)
        parameters |= _parameters(book, exports, policy)
        run_report(book, Running(chosen, parameters, out.resolve(), jobs, cell_timeout), tell)
    _conclude(book, out / link_name(book), strict=strict)


def _open(
    exports: Path, period: str, as_of: str, policy: Path | None, audience: str, tell: Any, executor: Executor | None
) -> Book:
    from pledgebook.book import open_book  # noqa: PLC0415

    file = policy_file(policy)
    now = datetime.now(UTC)
    return open_book(exports, period, as_of, file, audience, now=now, executor=executor, progress=tell)


def _refuse_personal_data(
    exports: Path, policy: Path | None, out: Path, notebooks: list[Path], further: dict[str, str]
) -> None:
    """Refuse what a report would keep and show: paths as they are written into it, and further parameters."""
    paths = [("--exports", exports), ("--policy", policy_file(policy)), ("--out", out.resolve())]
    paths += [("notebook", each.resolve()) for each in notebooks]
    for name, text in [*paths, *((f"--parameter {name}", text) for name, text in further.items())]:
        refuse_personal_data(name, str(text))


def _parameters(book: Book, exports: Path, policy: Path | None) -> dict[str, str]:
    """What every notebook is given: all absolute, so that its outputs do not age."""
    return {
        "exports": str(exports),
        "period": book.period.label,
        "as_of": book.question.as_of.astimezone(ZoneInfo(book.question.timezone)).isoformat(),
        "policy": str(policy_file(policy)),
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
def check(
    exports: Exports,
    policy: PolicyFile = None,
    cluster: Address = "",
    cluster_ca: Authority = None,
    cluster_cert: Certificate = None,
    cluster_key: PrivateKey = None,
) -> None:
    """Read exports and say what was read, kept and quarantined by which rule; nothing is published."""
    from pledgebook.book import open_store_of  # noqa: PLC0415
    from pledgebook.report.account import print_account  # noqa: PLC0415

    with telling() as tell, workers(cluster, cluster_ca, cluster_cert, cluster_key) as executor:
        store = open_store_of(exports, policy_file(policy), executor=executor, progress=tell)
    print_account(store, Console(soft_wrap=True))
