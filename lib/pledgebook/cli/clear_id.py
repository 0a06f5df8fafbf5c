"""Clear ids of people: read from standard input alone, hidden on a terminal, never repeated."""

from __future__ import annotations

import getpass
import sys
from typing import Any

from pledgebook.errors import InputError

FROM_INPUT = {"allow_extra_args": True, "ignore_unknown_options": True}


def read_clear_ids(context: Any) -> list[str]:
    """Return the ids on standard input, one a line; on a terminal one is asked for and not shown.

    Raises InputError where an argument was given, for a shell keeps those, or where a line has no id.
    """
    if context.args:
        raise InputError(
            f"{context.info_name}: takes no arguments but its options. An id comes on standard input, since arguments "
            f"stay in the shell's history: pledgebook {context.info_name} < FILE."
        )
    if sys.stdin.isatty():
        return _checked([getpass.getpass("id (not shown): ")])
    try:
        text = sys.stdin.buffer.read().decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError("standard input: this is not UTF-8 text. Save the ids as UTF-8.") from None
    return _checked(text.removesuffix("\n").split("\n"))


def _checked(ids: list[str]) -> list[str]:
    for number, each in enumerate(ids, start=1):
        if not each.strip():
            raise InputError(f"standard input, line {number}: there is no id. Give one id a line.")
    return ids
