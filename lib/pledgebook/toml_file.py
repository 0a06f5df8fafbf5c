"""Reading a TOML file into a model, with errors that name the line and the remedy."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from pledgebook.errors import InputError

Model = TypeVar("Model", bound=BaseModel)


def read_toml(path: str | Path, model: type[Model], what: str, remedy: str) -> Model:
    """Return the model that a TOML file declares.

    Raises InputError with file, line and remedy: not there, not UTF-8, not TOML, an unknown key, a wrong value.
    """
    file = Path(path)
    try:
        text = file.read_text(encoding="utf-8-sig")
        return model.model_validate(tomllib.loads(text))
    except FileNotFoundError:
        raise InputError(f"{file}: there is no such {what}. {remedy}") from None
    except UnicodeDecodeError:
        raise InputError(f"{file}: not UTF-8 text. Save the {what} as UTF-8.") from None
    except OSError as fault:
        raise InputError(f"{file}: cannot be read ({fault.strerror}).") from None
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"{file}: not valid TOML: {fault}. Mend that line.") from None
    except ValidationError as fault:
        raise InputError(_explain(file, text, fault)) from None


def _explain(file: Path, text: str, fault: ValidationError) -> str:
    lines = []
    for error in fault.errors()[:5]:
        where = ".".join(str(part) for part in error["loc"])
        remedy = "remove it or correct its name" if error["type"] == "extra_forbidden" else "correct it"
        what = error["msg"].removeprefix("Value error, ")
        lines.append(f"{file}, line {line_of(text, error['loc'])}: {where or 'file'}: {what}; {remedy}.")
    return "\n".join(lines)


def line_of(text: str, location: tuple[int | str, ...]) -> int:
    """Return the 1-based line of a TOML location such as `("purpose", 2, "titel")`; of its table, if not found."""
    rows = text.splitlines()
    at = 0
    names = [part for part in location if isinstance(part, str)]
    index = next((part for part in location if isinstance(part, int)), 0)
    headers = [i for i, row in enumerate(rows) if names and re.match(rf"\s*\[+\s*{re.escape(names[0])}\s*\]+", row)]
    if headers:
        at = headers[min(index, len(headers) - 1)]
    for name in reversed(names):
        found = (i for i in range(at, len(rows)) if re.match(rf"\s*\"?{re.escape(name)}\"?\s*[=.]", rows[i]))
        if (line := next(found, None)) is not None:
            return line + 1
    return at + 1
