"""Pages of a report: charts as JSON, nothing asked of any network, words beside colours."""

import json
import re
from html.parser import HTMLParser

import nbformat
import pytest
from charts.charted import SETTING, small_tables

from pledgebook.charts.catalogue import CHARTS
from pledgebook.report.overview import render_index_page
from pledgebook.report.page import VEGA_LITE, render_notebook_page

PAGES = [("30_marketing_opt_outs.html", "Marketing opt-outs")]
LOADS = {"src", "srcset", "data", "action", "poster", "background"}


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text of scripts."""

    def __init__(self):
        super().__init__()
        self.tags, self.scripts, self._kind = [], [], None

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._kind = dict(attrs).get("type", "code")

    def handle_endtag(self, tag):
        if tag == "script":
            self._kind = None

    def handle_data(self, data):
        if self._kind:
            self.scripts.append((self._kind, data))


def read(page):
    reader = Reader()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


def executed_notebook(folder):
    chart = CHARTS["opt_out_waits"].draw(small_tables(), SETTING).to_dict()
    parameters = nbformat.v4.new_code_cell('period = "2026-08"\nas_of = ""\naudience = "internal"')
    parameters.metadata["tags"] = ["parameters"]
    injected = nbformat.v4.new_code_cell('period = "2026-09"\nas_of = "2026-10-01T00:00:00+09:00"')
    injected.metadata["tags"] = ["injected-parameters"]
    drawn = nbformat.v4.new_code_cell("book.draw('opt_out_waits')")
    drawn.outputs = [nbformat.v4.new_output("execute_result", {VEGA_LITE: chart, "text/plain": "x"}, execution_count=1)]
    said = nbformat.v4.new_code_cell("book.say('marketing_opt_outs')")
    said.outputs = [
        nbformat.v4.new_output("execute_result", {"text/markdown": "**41** messages <i>x</i>"}, execution_count=2)
    ]
    noisy = nbformat.v4.new_code_cell("print(1)")
    noisy.outputs = [nbformat.v4.new_output("stream", name="stderr", text="a warning of a library")]
    cells = [nbformat.v4.new_markdown_cell("# Marketing opt-outs"), parameters, injected, drawn, said, noisy]
    path = folder / "30_marketing_opt_outs.ipynb"
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    return path


@pytest.fixture
def page(tmp_path):
    html = tmp_path / "30_marketing_opt_outs.html"
    render_notebook_page(executed_notebook(tmp_path), html, title="Marketing opt-outs", pages=PAGES)
    return html


@pytest.fixture
def index(tmp_path):
    (tmp_path / "tables").mkdir()
    small_tables()["intake"].write_parquet(tmp_path / "tables" / "intake.parquet")
    manifest = {
        "run": "r1",
        "company": "Example <Pay>",
        "parameters": {"period": "2026-09", "as_of": "2026-10-01T00:00:00+09:00", "audience": "internal"},
        "made": {"finished": "2026-10-01T03:00:00.000+09:00"},
        "inputs": [{"name": "people.csv", "sha256": "ab", "bytes": 1200}],
        "unread_files": ["notes.txt"],
    }
    scorecard = small_tables()["scorecard"]
    render_index_page(tmp_path, scorecard=scorecard, manifest=manifest, pages=PAGES, worklists=["worklists/a.csv"])
    return tmp_path / "index.html"


def assert_asks_nothing(page):
    for tag, attributes in read(page).tags:
        assert not LOADS & set(attributes) or attributes.get("src", "").startswith("data:"), (tag, attributes)
        assert not re.match(r"(\w+:)?//", attributes.get("href") or ""), attributes
        assert tag not in {"link", "iframe", "object", "embed", "base"}


def test_a_notebook_page_asks_no_network(page):
    assert_asks_nothing(page)
    policy = next(a["content"] for t, a in read(page).tags if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert "http" not in policy
    assert "unsafe-eval" not in policy


def test_charts_are_json_with_a_description_and_one_script_draws_them(page):
    reader = read(page)
    charts = [json.loads(text) for kind, text in reader.scripts if kind == "application/json"]
    assert [chart["name"] for chart in charts] == ["opt_out_waits"]
    assert "$schema" not in charts[0]
    assert sum(text.startswith("const") or "vegaEmbed=" in text for kind, text in reader.scripts if kind == "code") == 1
    labels = [a["aria-label"] for _, a in reader.tags if a.get("class") == "plot"]
    assert labels == [charts[0]["description"]]


def test_a_page_shows_outputs_and_hides_code_and_noise(page):
    text = page.read_text(encoding="utf-8")
    assert "book.draw" not in text
    assert "a warning of a library" not in text
    assert "<strong>41</strong> messages" in text


def test_a_page_names_period_as_of_and_audience_and_where_one_is(page):
    text = page.read_text(encoding="utf-8")
    assert '<html lang="en">' in text
    assert 'href="#content"' in text
    for fact in ("2026-09", "1 Oct 2026, 00:00 (+09:00)", "internal"):
        assert f"<dd>{fact}</dd>" in text
    current = [a["href"] for _, a in read(page).tags if "aria-current" in a]
    assert current == ["30_marketing_opt_outs.html"]


def test_a_page_without_charts_runs_no_script(tmp_path):
    notebook = tmp_path / "01.ipynb"
    nbformat.write(
        nbformat.v4.new_notebook(cells=[nbformat.v4.new_markdown_cell("# Nothing </script> drawn")]), notebook
    )
    render_notebook_page(notebook, tmp_path / "01.html", title="Nothing", pages=[])
    assert not read(tmp_path / "01.html").scripts
    assert "script-src 'none'" in (tmp_path / "01.html").read_text(encoding="utf-8")


def test_the_overview_asks_no_network_and_says_verdicts_in_words(index):
    assert_asks_nothing(index)
    text = index.read_text(encoding="utf-8")
    assert "How Example &lt;Pay&gt; kept its privacy promises" in text
    for verdict in ("✗</span> broken", "?</span> cannot tell", "✓</span> kept", "–</span> not applicable"):
        assert verdict in text
    assert "6 of 7" in text
    assert "at least 100%" in text
    assert 'href="30_marketing_opt_outs.html">First</a>' in text


def test_the_overview_says_what_arrived_and_what_is_not_covered(index):
    text = index.read_text(encoding="utf-8")
    assert "messages.csv" in text
    assert "read = kept + quarantined + duplicate + superseded" in text
    assert "1 promise that no record can prove: clauses 1)." in text
    assert "were not read: notes.txt" in text
    assert 'href="worklists/a.csv"' in text
