"""`pledgebook forget`: one person, or what is older than an age."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pledgebook.cli.clear_id import FROM_INPUT, read_clear_ids
from pledgebook.cli.frame import app
from pledgebook.cli.who import Exports
from pledgebook.errors import InputError

if TYPE_CHECKING:
    from pledgebook.forgetting import Held
    from pledgebook.key_file import Key

AFTER = (
    "The exports still hold the person: the next intake of changed exports brings them back, unless they are removed "
    "there too. Reports hold counts only. Worklists of earlier runs name messages, requests and disclosures, and no "
    "people: pledgebook forget --older-than 0d --what worklists removes them."
)


class Kind(StrEnum):
    """What grows old."""

    STORES = "stores"
    WORKLISTS = "worklists"
    RUNS = "runs"


@app.command(
    context_settings=FROM_INPUT,
    epilog="Examples: pledgebook forget < id.txt; pledgebook forget --older-than 90d --what stores --what worklists",
)
def forget(
    context: typer.Context,
    exports: Exports = None,
    older_than: Annotated[str, typer.Option(help="Remove what is older instead: 90d, 12w, 18mo, 2y.")] = "",
    what: Annotated[
        list[Kind] | None, typer.Option(help="What to remove by age; may be repeated. Default: all three.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Where reports lie.")] = Path("reports"),
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and change nothing.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask on a terminal.")] = False,
) -> None:
    """Remove a person, whose id is read from standard input, from all stores; or what is older than an age."""
    if older_than and (exports is not None or context.args):
        raise InputError("forget: --older-than goes with --what, --out, --dry-run and --yes alone.")
    if what and not older_than:
        raise InputError("forget: --what goes with --older-than.")
    if older_than:
        _forget_old(older_than, set(what or Kind), out.resolve(), dry_run=dry_run, yes=yes)
    else:
        _forget_people(read_clear_ids(context), exports, dry_run=dry_run, yes=yes)


def _forget_people(ids: list[str], exports: Path | None, *, dry_run: bool, yes: bool) -> None:
    from pledgebook.forgetting import all_names, find_rows, finish_forgetting, forget  # noqa: PLC0415
    from pledgebook.identity import pseudonyms_of  # noqa: PLC0415
    from pledgebook.store_lock import alone, remove_unfinished  # noqa: PLC0415

    keys = _keys(exports)
    people = [number for key in keys for number in pseudonyms_of(ids, key)]
    folder = _local_stores()
    with alone(folder):
        if not dry_run:
            remove_unfinished(folder)
        if not dry_run and finish_forgetting(folder):
            typer.echo("An earlier forgetting that was interrupted is finished.")
        names = all_names(people, folder)
        held = find_rows(names, folder)
        _say_held(held, keys, folder)
        if dry_run or held.hits.is_empty() or not _is_wanted("Remove these rows?", yes=yes):
            return
        forget(names, held, folder, datetime.now(UTC).date())
    typer.echo("Removed.")
    typer.echo(AFTER)


def _local_stores() -> Path:
    from pledgebook.storage import is_remote  # noqa: PLC0415
    from pledgebook.store import stores_folder  # noqa: PLC0415

    folder = stores_folder(os.environ)
    if is_remote(folder):
        raise InputError(
            f"{folder}: stores at an address are removed whole, with the storage's own tools. The next "
            "run makes its own, from the exports as they are then."
        )
    return folder.resolve()


def _keys(exports: Path | None) -> list[Key]:
    from pledgebook.key_file import find_key  # noqa: PLC0415
    from pledgebook.key_rotation import keys_at_hand  # noqa: PLC0415

    if exports is not None:
        return [find_key(exports.resolve(), os.environ, may_make=False)[0]]
    return keys_at_hand(os.environ)


def _say_held(held: Held, keys: list[Key], folder: Path) -> None:
    from pledgebook.forgetting import stores_in  # noqa: PLC0415

    if held.hits.is_empty():
        typer.echo("No store holds a row under this id.")
    for name, tables in held.by_store.items():
        rows = ", ".join(f"{table} {count}" for table, count in tables.items()) or "rows that no table shows"
        typer.echo(f"store {name}: {rows}")
    known = {key.id for key in keys}
    for store in stores_in(folder):
        if store.facts["key_id"] not in known:
            typer.echo(
                f"store {store.folder.name}: made with another key, {store.facts['key_id']}; not looked through."
            )


def _forget_old(age: str, kinds: set[Kind], out: Path, *, dry_run: bool, yes: bool) -> None:
    from pledgebook import retention  # noqa: PLC0415
    from pledgebook.store import stores_folder  # noqa: PLC0415
    from pledgebook.store_lock import alone, remove_unfinished  # noqa: PLC0415

    now = datetime.now(UTC)
    limit = retention.before(age, now)
    folder = _local_stores() if Kind.STORES in kinds else stores_folder(os.environ)
    with alone(folder):
        stores = retention.old_stores(folder, limit) if Kind.STORES in kinds else []
        runs = retention.old_runs(out, limit) if Kind.RUNS in kinds else []
        lists = retention.old_worklists(out, limit) if Kind.WORKLISTS in kinds else []
        lists = [file for file in lists if file.parent.parent not in runs]
        going = [*(store.folder for store in stores), *runs, *lists]
        for path in going:
            typer.echo(str(path))
        typer.echo(f"{len(stores)} stores, {len(runs)} runs, {len(lists)} worklists of other runs older than {age}.")
        if dry_run or (going and not _is_wanted("Remove them?", yes=yes)):
            return
        if Kind.STORES in kinds:
            remove_unfinished(folder)
            retention.remove_old_stores(folder, limit)
        if Kind.WORKLISTS in kinds:
            retention.remove_worklists(out, lists, now)
        if Kind.RUNS in kinds:
            retention.remove_runs(out, runs, now)
    typer.echo("Removed.")


def _is_wanted(question: str, *, yes: bool) -> bool:
    """Ask on a terminal; elsewhere, and with --yes, nobody is asked."""
    if yes or not sys.stdin.isatty() or typer.confirm(question):
        return True
    typer.echo("Nothing was removed.")
    return False
