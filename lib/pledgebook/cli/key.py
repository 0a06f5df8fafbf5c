"""`pledgebook key show` and `pledgebook key rotate`."""

from __future__ import annotations

import os

import typer

from pledgebook.cli.frame import app

key = typer.Typer(no_args_is_help=True)
app.add_typer(key, name="key", help="Say which key pseudonyms are made with, or make a new one.")


@key.command(epilog="Example: pledgebook key show")
def show() -> None:
    """Say the key's id, where it lies, and which older keys are kept; never the key."""
    from pledgebook.key_file import kept_keys, key_file  # noqa: PLC0415
    from pledgebook.key_rotation import own_id  # noqa: PLC0415

    where = "PLEDGEBOOK_KEY" if os.environ.get("PLEDGEBOOK_KEY") else key_file(os.environ)
    typer.echo(f"{own_id(os.environ)} in {where}")
    for name, file in kept_keys(os.environ).items():
        typer.echo(f"{name} kept in {file}")


@key.command(epilog="Example: pledgebook key rotate")
def rotate() -> None:
    """Make a new key; the old one is kept beside it, so that pseudonyms of old reports can still be told."""
    from pledgebook.key_rotation import rotate_key  # noqa: PLC0415

    done = rotate_key(os.environ)
    typer.echo(f"New key {done.new} in {done.file}; the old key {done.old} is kept in {done.kept}.")
    typer.echo(
        "The next run reads the exports afresh, and its people cannot be compared with those of earlier runs. Reports "
        f"stay as they are; pledgebook who --key-id {done.old} answers for them. Stores of the old key are of no use "
        "any more: pledgebook forget --older-than 0d --what stores removes all stores, and the next run makes its own."
    )
