"""The pages of a report: self-contained HTML that asks no network for anything, for screens and for print."""

from __future__ import annotations

import ast
import base64
import hashlib
import html as markup
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any

import jinja2
import nbformat
import platformdirs
import polars as pl
import vl_convert
from nbconvert.exporters import HTMLExporter
from traitlets.config import Config

from pledgebook.charts.scorecard_table import SIGNS, scorecard_in_words
from pledgebook.charts.sentences import headline
from pledgebook.charts.words import NONE, count, counted, name_day, name_of

VEGA_LITE = "application/vnd.vegalite.v5+json"
TEMPLATES = Path(__file__).parent / "templates"
OVERVIEW = ("index.html", "Scorecard")
TAGS = ("parameters", "injected-parameters")
LOOKS = {"broken": "broken", "cannot tell": "unclear", "kept": "kept", "not applicable": "none"}
MEANINGS = {
    "broken": "the records show otherwise",
    "cannot tell": "the records do not show it",
    "kept": "the records show it",
    "not applicable": "nothing in the period to hold it against",
}
FATES = ("rows_read", "rows_kept", "rows_quarantined", "rows_duplicate", "rows_superseded")
NOT_RUN = "the notebook that computes it is not part of the suite"


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
        told = {"Period": self.period, "As of": _instant(self.parameters.get("as_of")), "Audience": self.parameters.get("audience")}
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


class PageExporter(HTMLExporter):  # type: ignore[misc]
    """Renders an executed notebook for reading: outputs only, charts as JSON that the page's own script draws."""

    @property
    def default_config(self) -> Config:
        """Charts come first among the forms of an output."""
        order = [VEGA_LITE, "text/html", "text/markdown", "image/png", "text/plain"]
        config = Config({"NbConvertBase": {"display_data_priority": order}})
        mine = super().default_config.copy()
        mine.merge(config)
        return mine


def render_notebook_page(
    notebook: Path, html: Path, *, title: str, pages: Sequence[tuple[str, str]], company: str = ""
) -> None:
    """Write an executed notebook as a page of the report.

    `pages`: (href, label) of the report's notebooks, in reading order; the scorecard's own page stands before them. The
    header's facts are the parameters with which the notebook ran.
    """
    executed = nbformat.read(notebook, as_version=4)
    frame = Frame(html.name, [OVERVIEW, *pages], read_parameters(executed), company)
    has_charts = any(VEGA_LITE in output.get("data", {}) for cell in executed.cells for output in cell.get("outputs", []))
    foot = f'Made from <a href="{markup.escape(notebook.name)}">{markup.escape(notebook.name)}</a>, which holds the code. {_FOOT}'
    resources = {"title": title, "frame": frame, "scripts": _scripts() if has_charts else [], "foot": foot}
    exporter = PageExporter(template_name="pledgebook", extra_template_basedirs=[str(TEMPLATES)])
    exporter.exclude_input = exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    exporter.exclude_anchor_links = True
    exporter.register_filter("chart_figure", chart_figure)
    body, _ = exporter.from_notebook_node(executed, resources=resources)
    html.write_text(body.strip() + "\n", encoding="utf-8")


_FOOT = 'The tables are in <code>tables/</code>, the evidence is in <a href="manifest.json">manifest.json</a>.'


def chart_figure(spec: Mapping[str, Any]) -> str:
    """Return a chart as a figure that holds its spec as JSON, with its description for those who cannot see it."""
    told = json.dumps({key: value for key, value in spec.items() if key != "$schema"}, ensure_ascii=False, separators=(",", ":"))
    safe = told.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
    said = markup.escape(str(spec.get("description", "Chart")))
    return (
        f'<figure class="chart"><div class="plot" role="img" aria-label="{said}"></div>'
        f'<script type="application/json">{safe}</script><noscript><p>{said}</p></noscript></figure>'
    )


def read_parameters(notebook: Any) -> dict[str, Any]:
    """Return the parameters that an executed notebook ran with: its literals, then those that were injected."""
    found: dict[str, Any] = {}
    for tag in TAGS:
        for cell in notebook.cells:
            if tag in cell.metadata.get("tags", []):
                found |= _literals(cell.source)
    return found


def _literals(source: str) -> dict[str, Any]:
    told = {}
    for statement in ast.parse(source).body:
        if isinstance(statement, ast.Assign) and isinstance(statement.targets[0], ast.Name):
            told[statement.targets[0].id] = ast.literal_eval(statement.value)
    return told


def _scripts() -> list[Script]:
    drawing = (TEMPLATES / "pledgebook" / "charts.js").read_text(encoding="utf-8")
    return [Script(_vega()), Script(drawing)]


@cache
def _vega() -> str:
    """Vega, Vega-Lite and Vega-Embed as one script; kept in the user's cache folder, since making it takes seconds."""
    kept = platformdirs.user_cache_path("pledgebook") / f"vega-{vl_convert.__version__}.js"
    if kept.is_file():
        return kept.read_text(encoding="utf-8")
    bundle = str(vl_convert.javascript_bundle()).replace("</script", "<\\/script")
    try:
        kept.parent.mkdir(parents=True, exist_ok=True)
        making = kept.with_name(f".{kept.name}-{hashlib.sha256(str(id(bundle)).encode()).hexdigest()[:8]}")
        making.write_text(bundle, encoding="utf-8")
        making.replace(kept)
    except OSError:
        pass
    return bundle
