"""What stands around every page of a report, and the one script that draws its charts."""

from __future__ import annotations

import base64
import hashlib
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any

import platformdirs
import vl_convert

from pledgebook.charts.words import name_day

TEMPLATES = Path(__file__).parent / "templates"
OVERVIEW = ("index.html", "Overview")


@dataclass(frozen=True)
class Frame:
    """What stands around every page: whose report it is, of when, its pages, and which of them this is."""

    here: str
    pages: Sequence[tuple[str, str]]
    parameters: Mapping[str, Any]
    company: str = ""

    @property
    def period(self) -> str:
        """The period's label."""
        return str(self.parameters.get("period", ""))

    @property
    def facts(self) -> list[tuple[str, str]]:
        """Period, as of and audience, as the header names them."""
        as_of = name_moment(self.parameters.get("as_of"))
        told = {"Period": self.period, "As of": as_of, "Audience": self.parameters.get("audience")}
        return [(name, str(value)) for name, value in told.items() if value]

    @property
    def style(self) -> str:
        """The style sheet."""
        return (TEMPLATES / "pledgebook" / "style.css").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Script:
    """A script that stands inside the page, and the hash by which the content security policy lets it run."""

    text: str

    @property
    def source(self) -> str:
        """The script as the policy names it."""
        return f"'sha256-{base64.b64encode(hashlib.sha256(self.text.encode()).digest()).decode()}'"


def name_moment(given: Any) -> str:
    """Return an instant as it was given, readable: `1 Oct 2026, 00:00 (+09:00)`; other text as it is."""
    try:
        moment = datetime.fromisoformat(str(given))
    except ValueError:
        return str(given or "")
    offset = f" ({moment.isoformat()[-6:]})" if moment.tzinfo is not None else ""
    return f"{name_day(moment.date())}, {moment:%H:%M}{offset}"


def chart_scripts() -> list[Script]:
    """Return the scripts of a page with charts: Vega, and the few lines that draw each chart from its JSON."""
    drawing = (TEMPLATES / "pledgebook" / "charts.js").read_text(encoding="utf-8")
    return [Script(_vega()), Script(drawing)]


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; kept in the user's cache folder, since making it takes seconds."""
    kept = platformdirs.user_cache_path("pledgebook") / f"vega-{version('vl-convert-python')}.js"
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    bundle = str(vl_convert.javascript_bundle()).replace("</script", "<\\/script")  # type: ignore[call-arg]
    with suppress(OSError):  # a cache that cannot be written costs seconds, not the report
        kept.parent.mkdir(parents=True, exist_ok=True)
        making = kept.with_name(f".{kept.name}-{os.getpid()}")
        making.write_text(bundle, encoding="utf-8")
        making.replace(kept)
    return bundle
