"""The pages of a report: self-contained HTML that asks no network for anything, for screens and for print."""

from __future__ import annotations

import ast
import html as markup
import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import nbformat
from nbconvert.exporters import HTMLExporter
from traitlets.config import Config

from pledgebook.report.frame import OVERVIEW, TEMPLATES, Frame, chart_scripts

VEGA_LITE = "application/vnd.vegalite.v5+json"
TAGS = ("parameters", "injected-parameters")
_FOOT = 'The tables are in <code>tables/</code>, the evidence is in <a href="manifest.json">manifest.json</a>.'


class PageExporter(HTMLExporter):
    """Renders an executed notebook for reading: outputs only, charts as JSON that the page's own script draws."""

    @property
    def default_config(self) -> Config:
        """Charts come first among the forms of an output."""
        order = [VEGA_LITE, "text/html", "text/markdown", "image/png", "text/plain"]
        config = Config({"NbConvertBase": {"display_data_priority": order}})
        mine = Config(super().default_config)
        mine.merge(config)
        return mine


def render_notebook_page(
    notebook: Path, html: Path, *, title: str, pages: Sequence[tuple[str, str]], company: str = ""
) -> None:
    """Write an executed notebook as a page of the report.

    `pages`: (href, label) of the report's notebooks, in reading order; the overview stands before them. The
    header's facts are the parameters with which the notebook ran.
    """
    executed = nbformat.read(notebook, as_version=4)
    frame = Frame(html.name, [OVERVIEW, *pages], read_parameters(executed), company)
    has_charts = any(
        VEGA_LITE in output.get("data", {}) for cell in executed.cells for output in cell.get("outputs", [])
    )
    foot = f'Made from <a href="{markup.escape(notebook.name)}">{markup.escape(notebook.name)}</a>, which holds the code. {_FOOT}'
    resources = {"title": title, "frame": frame, "scripts": chart_scripts() if has_charts else [], "foot": foot}
    exporter = PageExporter(template_name="pledgebook", extra_template_basedirs=[str(TEMPLATES)])  # type: ignore[no-untyped-call]
    exporter.exclude_input = exporter.exclude_input_prompt = exporter.exclude_output_prompt = True
    exporter.exclude_anchor_links = True
    exporter.register_filter("chart_figure", chart_figure)  # type: ignore[no-untyped-call]
    body, _ = exporter.from_notebook_node(executed, resources=resources)
    html.write_text(body.strip() + "\n", encoding="utf-8")


def chart_figure(spec: Mapping[str, Any]) -> str:
    """Return a chart as a figure that holds its spec as JSON, with its description for those who cannot see it."""
    told = json.dumps(
        {key: value for key, value in spec.items() if key != "$schema"}, ensure_ascii=False, separators=(",", ":")
    )
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
            with suppress(ValueError):  # a default that must be computed, which nobody does here
                told[statement.targets[0].id] = ast.literal_eval(statement.value)
    return told
