"""`pledgebook selftest`."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pledgebook.cli.frame import PolicyFile, app, exports_at, policy_file, telling

if TYPE_CHECKING:
    from pledgebook.selftest.outcome import Outcome, Result

STYLES = {"found": "green", "missed": "bold red", "not applicable": "dim"}
ELSE = {"intake": "What arrived", "verdicts": "Verdicts that cannot be told"}


@app.command(epilog="Example: pledgebook selftest --exports data/exports --policy my-policy.toml")
def selftest(
    exports: Annotated[
        Path | None,
        typer.Option(
            "--exports",
            parser=exports_at,
            metavar="FOLDER",
            help="Folder of the exports; default: a small sample made for it.",
        ),
    ] = None,
    policy: PolicyFile = None,
    period: Annotated[
        str, typer.Option(help="2026-10, 2026-Q3 ...; default: the last full month that the exports reach.")
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="Print the outcome as JSON.")] = False,
) -> None:
    """Plant breaches of every kind into a copy of exports, and say which the suite finds; exit 1 when it misses any."""
    from pledgebook.selftest.running import run_selftest, run_selftest_on_a_sample  # noqa: PLC0415
    from pledgebook.store import stores_folder  # noqa: PLC0415
    from pledgebook.store_lock import beside_others  # noqa: PLC0415

    with telling() as tell, beside_others(stores_folder(os.environ)):
        if exports is None:
            outcome = run_selftest_on_a_sample(policy_file(policy), progress=tell)
        else:
            outcome = run_selftest(exports, policy_file(policy), period, progress=tell)
    if as_json:
        typer.echo(json.dumps(outcome.as_dict(), ensure_ascii=False, indent=1))
    else:
        _print(outcome)
    if not outcome.is_sound:
        raise typer.Exit(1)


def _print(outcome: Outcome) -> None:
    console = Console(soft_wrap=True)
    for question in dict.fromkeys(result.question for result in outcome.results):
        console.print(_table(question, [result for result in outcome.results if result.question == question]))
    for sentence in outcome.sentences():
        console.print(sentence, markup=False, highlight=False)


def _table(question: str, results: list[Result]) -> Table:
    from pledgebook.metrics.catalogue import METRICS  # noqa: PLC0415

    title = METRICS[question].title if question in METRICS else ELSE[question]
    table = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False)
    for column in ("planted", "where found, or why not", "verdict"):
        table.add_column(column, header_style="dim")
    for each in results:
        told = each.where if each.verdict == "found" else each.reason
        table.add_row(Text(each.title), Text(told, style="dim"), Text(each.verdict, style=STYLES[each.verdict]))
    return table
