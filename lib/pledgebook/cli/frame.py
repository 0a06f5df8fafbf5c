"""The frame of the command line: one message and an exit code for every fault, progress, options of many commands."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from typer.core import TyperGroup

from pledgebook.errors import PledgebookError

OTHER_FAULT = 70
HOME_POLICY = Path("data/policy.toml")


class Commands(TyperGroup):
    """Every error reaches people as one message and an exit code, never as a traceback that may quote data."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a PledgebookError says its own exit code."""
        try:
            return super().invoke(ctx)
        except PledgebookError as fault:
            complain(str(fault))
            raise typer.Exit(fault.exit_code) from None
        except (OSError, MemoryError) as fault:
            complain(f"{type(fault).__name__}: {getattr(fault, 'strerror', None) or 'out of memory'}.")
            raise typer.Exit(2) from None
        except BaseException as fault:
            if isinstance(fault, (KeyboardInterrupt, SystemExit)):
                raise
            if os.environ.get("PLEDGEBOOK_DEBUG"):
                raise
            kind = type(fault)
            if kind.__module__.startswith(("click", "typer")):
                raise
            complain(
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


def complain(message: str) -> None:
    """Say what is wrong on standard error, in one line."""
    Console(stderr=True).print(f"[bold red]error:[/] {plain(message)}", highlight=False, soft_wrap=True)


def plain(message: str) -> str:
    """Return a message with what rich would read as markup made harmless."""
    return message.replace("[", "\\[")


@contextmanager
def telling() -> Iterator[Any]:
    """Progress: a spinner with the step on a terminal, plain lines on standard error elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: console.print(step, highlight=False, markup=False)
        return
    with console.status("starting") as status:
        yield lambda step: status.update(plain(step))


def policy_file(given: Path | None) -> Path:
    """Return the policy file that was named, else the suite's own."""
    from pledgebook.suite import from_root  # noqa: PLC0415

    return given.resolve() if given is not None else from_root(HOME_POLICY)
