"""One family of errors; each message says what was found, where, and what to do. Never personal data."""

from __future__ import annotations

from pledgebook.masking import mask


class PledgebookError(Exception):
    """Anything that a person can put right. The command line prints the message and exits with `exit_code`."""

    exit_code = 2

    def __init__(self, message: str) -> None:
        """Take a message; what it quotes of a name or a parameter is shown without emails, phone and card numbers."""
        super().__init__(mask(message))


class InputError(PledgebookError):
    """An export, a mapping, a policy or a parameter that cannot be used as it is (exit 2)."""


class KeyFault(PledgebookError):
    """The pseudonym key is missing, too short, readable by others or not allowed here (exit 2)."""


class NotebookFailed(PledgebookError):
    """A notebook stopped in a cell; the earlier report is left in place (exit 3)."""

    exit_code = 3
