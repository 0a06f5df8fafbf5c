"""Passwords, tokens and personal data in a parameter or an address: refused, for reports, manifests and logs keep them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from urllib.parse import unquote

from pledgebook.errors import InputError
from pledgebook.masking import reveals

SECRET_WORD = (
    r"(?:password|passwd|passphrase|pwd|secret|token|signature|credentials?|"
    r"(?:api|account|private|access|shared[-_]?access)[-_]?key(?:[-_]?id)?)"
)
EXACT_WORD = r"(?:[\w.-]*[_.-])?(?:sig|pass|pw|auth|authorization|bearer|jwt|sas|cookie|session(?:[-_]?id)?)"
# A path keeps only one slash of `https://` once it has been a Path.
USER_IN_ADDRESS = re.compile(r"\b[a-z][a-z0-9+.-]*:/{1,2}[^/?#\s]*@", re.IGNORECASE)
SECRET_PAIR = re.compile(
    rf"(?:^|[?&;#,\s{{(\[\"'])(?:[\w.-]*{SECRET_WORD}|{EXACT_WORD})(?:\s*=|[\"']?\s*:)\s*[^&;\s]", re.IGNORECASE
)
KNOWN_SECRET = re.compile(
    r"-----BEGIN [A-Z ]*PRIVATE KEY|\b(?:AKIA|ASIA)[A-Z0-9]{16}\b|\bgh[pousr]_\w{20}|\bgithub_pat_\w{20}|\bglpat-[\w-]{20}"
    r"|\bxox[a-z]-[\w-]{10}|\bsk_live_\w{10}|\bAIza[\w-]{35}|\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\."
    r"|\b(?i:bearer) [A-Za-z_.~+/-]*[0-9][\w.~+/-]{7}"
)

MOMENT = re.compile(r"(?<![0-9])1[0-9]{12}(?:[0-9]{3}){0,2}(?![0-9])")
"""A count of milliseconds, microseconds or nanoseconds since 1970, as programs put it into names; no card begins with 1."""
OPTION = re.compile(r"(?:--[a-z][a-z-]{0,30}|-[a-z])(?==|$)")


def refuse_credentials(name: str, value: str, secrets: Iterable[str] = ()) -> None:
    """Refuse a parameter or address that carries a password, a token, a signature, or one of `secrets`.

    Raises InputError that names the parameter and never its value.
    """
    texts = (value, unquote(value))
    if any(secret in text for secret in secrets for text in texts):
        raise InputError(
            f"{name}: this is the pseudonym key, or holds it. Parameters are kept in reports. Leave it out."
        )
    if any(each.search(text) for each in (USER_IN_ADDRESS, SECRET_PAIR, KNOWN_SECRET) for text in texts):
        raise InputError(
            f"{name}: carries a password, a token or a signature, which reports and logs would keep. Give it without; "
            "what opens a storage or a cluster comes from the environment or the cloud's own profile."
        )


def refuse_personal_data(name: str, value: str) -> None:
    """Refuse a parameter, or a path of whose names one holds an email, a phone or a card number.

    Raises InputError that names the parameter and never its value.
    """
    if any(reveals(MOMENT.sub("", part)) for part in value.split("/")):
        raise InputError(
            f"{name}: holds an email, a phone or a card number, and every report keeps its parameters. Give it without, "
            "or rename that file or folder."
        )


def refuse_credentials_in_words(words: Sequence[str], secrets: Iterable[str] = ()) -> None:
    """Refuse credentials anywhere on a command line: words as the shell gave them, each named by its option."""
    told, option = list(secrets), "argument"
    for word in words:
        if word.startswith("-"):
            named = OPTION.match(word)
            option = named[0] if named else "argument"
            refuse_credentials(option, word.lstrip("-"), told)
        else:
            refuse_credentials(option, word, told)
            option = "argument"
