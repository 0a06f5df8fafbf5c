"""The frame of the command line: one message and an exit code for every fault, progress, options of many commands."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperGroup

from pledgebook.cli.own_words import leave_no_core, leave_on_termination, own_words_alone
from pledgebook.credentials import refuse_credentials_in_words
from pledgebook.errors import PledgebookError
from pledgebook.key_rotation import secrets_at_hand
from pledgebook.masking import mask

OTHER_FAULT, INTERRUPTED = 70, 130
LOUD = ("lab",)
HOME_POLICY = Path("data/policy.toml")


class Commands(TyperGroup):
    """Every error reaches people as one message and an exit code, never as a traceback that may quote data."""

    def parse_args(self, ctx: Any, args: list[str]) -> Any:
        """Keep the words as they were given, to look for credentials among them before any is used."""
        ctx.meta["words"] = tuple(args)
        with _masked_usage():
            return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        """Run a command; a PledgebookError says its own exit code."""
        is_loud = bool(os.environ.get("PLEDGEBOOK_DEBUG")) or ctx.meta["words"][:1] in [(name,) for name in LOUD]
        with nullcontext() if is_loud else own_words_alone():
            leave_on_termination()
            leave_no_core()
            return self._invoke(ctx)

    def _invoke(self, ctx: Any) -> Any:
        try:
            refuse_credentials_in_words(ctx.meta["words"], secrets_at_hand(os.environ))
            with _masked_usage():
                return super().invoke(ctx)
        except PledgebookError as fault:
            complain(str(fault))
            raise typer.Exit(fault.exit_code) from None
        except (OSError, MemoryError) as fault:
            complain(_of_the_machine(fault))
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            complain("interrupted; nothing was published.")
            raise typer.Exit(INTERRUPTED) from None
        except SystemExit:
            raise
        except BaseException as fault:
            if os.environ.get("PLEDGEBOOK_DEBUG") or _is_usage(fault):
                raise
            complain(
                f"an unforeseen {type(fault).__name__}; nothing was published. PLEDGEBOOK_DEBUG=1 shows where, with data."
            )
            raise typer.Exit(OTHER_FAULT) from None


def _of_the_machine(fault: OSError | MemoryError) -> str:
    """What the memory or a disk lacks, with the file where it is known."""
    if isinstance(fault, MemoryError):
        return "out of memory. Use fewer --jobs, or a machine with more."
    found = re.search(r"os error (\d+)", str(fault))
    reason = fault.strerror or (os.strerror(int(found[1])) if found else type(fault).__name__)
    return mask(f"{fault.filename}: {reason}.") if isinstance(fault.filename, str) else f"{reason}."


def _is_usage(fault: BaseException) -> bool:
    return type(fault).__module__.startswith(("click", "typer"))


@contextmanager
def _masked_usage() -> Iterator[None]:
    """What click says of a wrong word quotes it: without emails, phone and card numbers."""
    try:
        yield
    except Exception as fault:
        if _is_usage(fault) and isinstance(message := getattr(fault, "message", None), str):
            fault.message = mask(message)  # type: ignore[attr-defined]
        raise


app = typer.Typer(
    cls=Commands,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
    help="Tests whether a company keeps the promises of its privacy policy, from the records that its systems export.",
)


def exports_at(given: str | Path) -> Path:
    """Return the exports folder that was named, whole; or its address. Raises InputError for an address of no storage."""
    from pledgebook.storage import storage_at  # noqa: PLC0415

    return storage_at(str(given), "--exports").resolve()


Exports = Annotated[
    Path,
    typer.Option(
        "--exports", parser=exports_at, metavar="FOLDER", help="Folder of the exports, or s3://bucket/folder."
    ),
]
PolicyFile = Annotated[
    Path | None, typer.Option("--policy", help="Policy file; default: the suite's data/policy.toml.")
]


def complain(message: str) -> None:
    """Say what is wrong on standard error, in one line."""
    said = Text.assemble(("error:", "bold red"), " ", message)
    Console(stderr=True).print(said, highlight=False, soft_wrap=True)


@contextmanager
def telling() -> Iterator[Any]:
    """Progress: a spinner with the step on a terminal, plain lines on standard error elsewhere."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda step: console.print(step, highlight=False, markup=False)
        return
    with console.status("starting") as status:
        yield lambda step: status.update(Text(step))


def policy_file(given: Path | None) -> Path:
    """Return the policy file that was named, else the suite's own."""
    from pledgebook.suite import from_root  # noqa: PLC0415

    return given.resolve() if given is not None else from_root(HOME_POLICY)
