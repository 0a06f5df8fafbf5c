"""`pledgebook sample`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from pledgebook.cli.frame import app


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
