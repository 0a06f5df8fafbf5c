"""Reading a TOML file into a model, with errors that name the line and the remedy."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from pledgebook.errors import InputError
from pledgebook.masking import presentable, reveals

LARGEST = 1 << 20
MOST_DOTS, LONGEST_KEY = 200, 60
Model = TypeVar("Model", bound=BaseModel)


class Misplaced(ValueError):
    """A fault that a check of several entries finds: `location` is where it stands, from the checked table on."""

    def __init__(self, message: str, *location: int | str) -> None:
        super().__init__(message)
        self.location = location


def refuse_number(value: Any) -> Any:
    """Return a date or a time as it stands in a file. Raises ValueError for a number, which would be taken for seconds."""
    if isinstance(value, (int, float)):
        raise ValueError("a number is no date; write it like 2026-10-31, or 2026-10-31T18:00:00+09:00")
    return value


def refuse_personal_data(text: str) -> str:
    """Return a text that reports will show. Raises ValueError where it holds an email, a phone or a card number."""
    if reveals(text):
        raise ValueError("holds an email, a phone or a card number, and reports would show it")
    return text


def read_toml(path: str | Path, model: type[Model], what: str, remedy: str) -> Model:
    """Return the model that a TOML file declares.

    Raises InputError with file, line and remedy: not there, not UTF-8, not TOML, an unknown key, a wrong value.
    """
    file = Path(path) if isinstance(path, str) else path
    text = _read(file, what, remedy)
    if deep := next((number for number, line in enumerate(text.splitlines(), 1) if line.count(".") > MOST_DOTS), None):
        raise InputError(f"{file}, line {deep}: more than {MOST_DOTS} dots in one line; no {what} has keys so deep.")
    try:
        return model.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"{file}: not valid TOML: {fault}. Mend that line.") from None
    except ValidationError as fault:
        raise InputError(_explain(file, text, fault)) from None
    except (ValueError, RecursionError):
        raise InputError(
            f"{file}: a number too long, or brackets too deep, to be a {what}. Write it plainly."
        ) from None


def _read(file: Path, what: str, remedy: str) -> str:
    try:
        if not file.exists():
            raise InputError(f"{file}: there is no such {what}. {remedy}")
        if not file.is_file():
            raise InputError(f"{file}: cannot be read (no file, but a folder, a pipe or a device). {remedy}")
        if file.stat().st_size > LARGEST:
            raise InputError(f"{file}: larger than {LARGEST >> 20} MiB; no {what} is. {remedy}")
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text. Save the {what} as UTF-8.") from None
    except (OSError, ValueError) as fault:
        raise InputError(
            f"{file}: cannot be read ({getattr(fault, 'strerror', None) or 'its name is wrong'})."
        ) from None


def _explain(file: Path, text: str, fault: ValidationError) -> str:
    lines = []
    for error in fault.errors()[:5]:
        location = (*error["loc"], *getattr(error.get("ctx", {}).get("error"), "location", ()))
        where = ".".join(presentable(str(part), LONGEST_KEY) for part in location)
        remedy = "remove it or correct its name" if error["type"] == "extra_forbidden" else "correct it"
        what = error["msg"].removeprefix("Value error, ")
        lines.append(f"{file}, line {line_of(text, location)}: {where or 'file'}: {what}; {remedy}.")
    return "\n".join(lines)


def line_of(text: str, location: tuple[int | str, ...]) -> int:
    """Return the 1-based line of a TOML location such as `("purpose", 2, "titel")`; of its table, if not found."""
    rows = text.splitlines()
    at, end = 0, len(rows)
    names = [part for part in location if isinstance(part, str)]
    index = next((part for part in location if isinstance(part, int)), 0)
    headers = [i for i, row in enumerate(rows) if names and re.match(rf"\s*\[+\s*{re.escape(names[0])}\s*\]+", row)]
    if headers:
        at = headers[min(index, len(headers) - 1)]
        others = rf"\s*\[(?!\s*{re.escape(names[0])}\s*\.)"
        end = next((i for i in range(at + 1, end) if re.match(others, rows[i])), end)
    for name in reversed(names):
        found = (i for i in range(at, end) if re.match(rf"\s*\"?{re.escape(name)}\"?\s*[=.]", rows[i]))
        if (line := next(found, None)) is not None:
            return line + 1
    return at + 1
