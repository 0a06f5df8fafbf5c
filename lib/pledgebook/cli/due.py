"""`pledgebook due`."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Annotated

import typer

from pledgebook.cli.frame import app
from pledgebook.errors import InputError
from pledgebook.masking import mask, reveals

YEARS = range(1900, 3000)


@app.command(epilog="Example: pledgebook due --regime GDPR --kind access --received 2026-01-31 --region DE")
def due(
    regime: Annotated[str, typer.Option(help="The law: GDPR, UK_GDPR, CCPA, APPI ...")] = "",
    kind: Annotated[str, typer.Option(help="disclosure, deletion ..., or the law's own word: access, know ...")] = "",
    received: Annotated[str, typer.Option(help="Local date of receipt; with a time for clocks in hours.")] = "",
    region: Annotated[str | None, typer.Option(help="Whose holidays count: DE, DE-BY, GB-SCT, US-CA ...")] = None,
    verified: Annotated[str | None, typer.Option(help="Local date on which the person was identified.")] = None,
    paused_days: Annotated[int, typer.Option(min=0, max=36_500, help="Days to add for pauses.")] = 0,
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
        lines = answers.table.write_csv().split("\n")
        typer.echo("\n".join(mask(line) if reveals(line) else line for line in lines), nl=False)
        for problem in answers.problems:
            typer.echo(mask(problem), err=True)
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
        moment = datetime.fromisoformat(text) if len(text) > len("2026-01-31") else date.fromisoformat(text)
        if moment.year not in YEARS:
            raise ValueError(text)
        return moment
    except ValueError:
        raise InputError(f"{option} '{text[:40]}': not a date. Write it like 2026-01-31.") from None
