"""`pledgebook who`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pledgebook.cli.clear_id import FROM_INPUT, read_clear_ids
from pledgebook.cli.frame import PolicyFile, app, exports_at, policy_file
from pledgebook.errors import InputError

if TYPE_CHECKING:
    from pledgebook.key_file import Key

NO_EXPORTS = Path("/nonexistent")
Exports = Annotated[
    Path | None,
    typer.Option(
        "--exports",
        parser=exports_at,
        metavar="FOLDER",
        help="Ask with the key of these exports, and follow their identities.",
    ),
]


@app.command(context_settings=FROM_INPUT, epilog="Example: pledgebook who < id.txt")
def who(
    context: typer.Context,
    exports: Exports = None,
    policy: PolicyFile = None,
    key_id: Annotated[str, typer.Option(help="Ask with an older key that was kept when it was rotated.")] = "",
) -> None:
    """Say the pseudonym of an id that is read from standard input; several ids, one a line, are answered in order."""
    from pledgebook.identity import in_words, pseudonyms_of  # noqa: PLC0415

    ids = read_clear_ids(context)
    numbers = pseudonyms_of(ids, _key(exports, key_id))
    if exports is not None and not key_id:
        numbers = _followed(numbers, exports, policy)
    for number in numbers:
        typer.echo(in_words(number))


def _key(exports: Path | None, key_id: str) -> Key:
    from pledgebook.key_file import find_key, find_key_named  # noqa: PLC0415

    folder = exports.resolve() if exports is not None else NO_EXPORTS
    if key_id:
        return find_key_named(key_id, folder, os.environ)
    return find_key(folder, os.environ, may_make=False)[0]


def _followed(numbers: list[int], exports: Path, policy: Path | None) -> list[int]:
    """One hop from a further id to its person, where the exports have identities; else nothing is opened."""
    from pledgebook.book import open_store_of, read_rules  # noqa: PLC0415
    from pledgebook.identity import persons_of  # noqa: PLC0415
    from pledgebook.intake.formats import find_exports  # noqa: PLC0415

    if not exports.is_dir():
        raise InputError(f"{exports}: there is no such folder. Give the folder of the exports with --exports.")
    file = policy_file(policy)
    found, _ = find_exports(exports.resolve(), read_rules(file)[0].timezone)
    if not any(each.source.table == "identities" for each in found):
        return numbers
    return persons_of(numbers, [open_store_of(exports.resolve(), file)])
