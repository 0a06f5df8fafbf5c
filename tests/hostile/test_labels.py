"""Labels that are markup, script, formula or expression: shown as the text that they are, on every page and in every table."""

import csv
import html
import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat
import polars as pl
import pytest
from intake.exporting import KEY
from nbconvert.filters.markdown import markdown2html

from pledgebook.book import open_book
from pledgebook.charts.words import in_markdown
from pledgebook.publishing import without_formulas
from pledgebook.report.overview import render_index_page
from pledgebook.report.page import chart_figure, render_notebook_page
from pledgebook.sample import make_sample

ROOT = Path(__file__).resolve().parents[2]
LABELS = [
    "<script>alert('evil')</script>",
    "</script><img src=x onerror=alert('evil')>",
    "--></style><a href=http://evil.example>x</a>",
    "<style>body{display:none}/*evil*/</style>",
    "[evil](javascript:alert(1))",
    "![evil](http://evil.example/x.png)",
    "<http://evil.example>",
    "# evil | a\\| b",
    "**evil** _evil_ `evil` ~~evil~~",
    "$\\evil$ $$x$$ \\(evil\\)",
    "{{ 7 * 7 }} {% evil %} ${evil}",
    "');alert('evil');//",
    "datum['evil'] + 1",
    "a.b[evil]\\c",
    "&lt;evil&gt; &amp;",
    '=HYPERLINK("http://evil.example","x")',
    "+evil",
    "-evil",
    "@evil",
]
KEYS_OF_CODE = (
    "expr",
    "labelExpr",
    "calculate",
    "filter",
    "signal",
    "field",
    "groupby",
    "update",
    "href",
    "url",
    "as",
    "from",
)
CALLS = {
    notebook.stem: [
        cell.source
        for cell in nbformat.read(notebook, as_version=4).cells
        if cell.cell_type == "code"
        and re.match(r"book\.(say|show|draw|worklist_summary|arrived|publish)\(", cell.source)
    ]
    for notebook in sorted((ROOT / "notebooks").glob("[0-9]*.ipynb"))
}


class Page(HTMLParser):
    """What a browser would make of a page: the elements that could act, and the text that is shown."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.acting, self.shown, self.inside = [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.inside = f"{tag} {dict(attrs).get('type', '')}".strip() if tag in ("script", "style") else ""
        told = [f"{name}={value}" for name, value in attrs]
        if tag in ("img", "iframe", "object", "embed", "form", "base", "link") or any(
            name.startswith("on") for name, _ in attrs
        ):
            self.acting.append((tag, told))
        if any(name in ("href", "src", "style", "action") and "evil" in str(value) for name, value in attrs):
            self.acting.append((tag, told))
        if any("javascript:" in part for part in told):
            self.acting.append((tag, told))

    def handle_endtag(self, tag):
        self.inside = ""

    def handle_data(self, data):
        if self.inside in ("", "script application/json"):
            self.shown.append(data)
        elif "evil" in data:
            self.acting.append((self.inside, data[:200]))


def relabelled(folder: Path) -> None:
    """The labels of a made-up company, each replaced by one of ours."""
    frames = {
        name: pl.read_csv(folder / f"{name}.csv", infer_schema=False)
        for name in ("messages", "recipients", "disclosures", "contracts")
    }
    recipients = frames["recipients"]["recipient"].to_list()
    others = {name: LABELS[place % len(LABELS)] for place, name in enumerate(recipients)}
    marketing = [LABELS[place % len(LABELS)] for place in range(frames["messages"].height)]
    items = [LABELS[place % 8].replace(";", ",") for place in range(frames["disclosures"].height)]
    frames["messages"] = frames["messages"].with_columns(campaign=pl.Series(marketing), system=pl.Series(marketing))
    frames["disclosures"] = frames["disclosures"].with_columns(items=pl.Series(items))
    for name in ("recipients", "disclosures", "contracts"):
        frames[name] = frames[name].with_columns(pl.col("recipient").replace(others))
    frames["recipients"] = frames["recipients"].with_columns(name=pl.col("recipient"))
    for name, frame in frames.items():
        (folder / f"{name}.csv").unlink()
        frame.write_csv(folder / f"{name}-<b onclick=evil>.csv" if name == "contracts" else folder / f"{name}.csv")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    place = tmp_path_factory.mktemp("labels")
    make_sample(200, 11, place / "exports")
    (place / "exports" / "planted.csv").unlink()
    relabelled(place / "exports")
    policy = (ROOT / "data/policy.toml").read_text(encoding="utf-8")
    policy = policy.replace('name = "CC-PAY.NET"', f"name = {json.dumps(LABELS[0])}")
    policy = re.sub('title = "', f"title = {json.dumps(LABELS[1])[:-1]} ".replace("\\", "\\\\"), policy)
    (place / "policy.toml").write_text(policy, encoding="utf-8")
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(place / "stores")}
    (place / "out").mkdir()
    return open_book(
        place / "exports", "2026-09", None, place / "policy.toml", out=place / "out", environment=environment
    )


@pytest.fixture(scope="module")
def shown(book) -> dict[str, list]:
    """What every cell of every notebook displays."""
    return {name: [eval(call, {"book": book}) for call in calls] for name, calls in CALLS.items()}


def as_html(display) -> str:
    """A display as the page of a report holds it."""
    if hasattr(display, "as_raw_html"):
        return display.as_raw_html()
    return (
        markdown2html(display.data)
        if hasattr(display, "data") and isinstance(display.data, str)
        else chart_figure(display.to_dict())
    )


@pytest.mark.parametrize("name", CALLS)
def test_no_label_acts_in_what_a_notebook_shows(shown, name):
    assert shown[name]
    assert [acting for display in shown[name] for acting in Page(as_html(display)).acting] == []


def test_labels_are_shown_as_they_are(shown):
    """Campaigns on their page in the table, in the sentence about the worklist, and in a chart."""
    texts = ["".join(Page(as_html(display)).shown) for display in shown["30_marketing_opt_outs"]]
    charts = [
        json.dumps(display.to_dict(), ensure_ascii=False)
        for display in shown["30_marketing_opt_outs"]
        if hasattr(display, "to_dict")
    ]
    for label in LABELS:
        assert any(label in text for text in texts)
    assert sum(json.dumps(label, ensure_ascii=False)[1:-1] in chart for label in LABELS for chart in charts) >= 3
    worklist = next(text for text in texts if "to act on in the worklist" in text)
    assert sum(label in worklist for label in LABELS) >= 2


def code_in(spec, key: str = ""):
    """Every text of a chart's specification that Vega takes for code, or for the name of a field."""
    if isinstance(spec, dict):
        for name, each in spec.items():
            if name not in ("values", "datasets", "domain", "sort", "range"):
                yield from code_in(each, name)
    elif isinstance(spec, list):
        for each in spec:
            yield from code_in(each, key)
    elif isinstance(spec, str) and key in KEYS_OF_CODE:
        yield spec


def test_no_label_is_an_expression_or_a_field_of_a_chart(shown):
    charts = [display.to_dict() for displays in shown.values() for display in displays if hasattr(display, "to_dict")]
    assert len(charts) > 10
    found = [text for chart in charts for text in code_in(chart)]
    assert found
    assert [text for text in found if "evil" in text] == []


def test_a_chart_of_such_labels_draws(shown):
    """Vega itself makes the picture; every label is in it as text."""
    import vl_convert

    chart = next(
        display
        for display in shown["30_marketing_opt_outs"]
        if "campaign" in json.dumps(getattr(display, "to_dict", dict)())
    )
    spec = {key: value for key, value in chart.to_dict().items() if key != "$schema"}
    picture = vl_convert.vegalite_to_svg(json.dumps(spec), vl_version="6.1")
    assert Page(picture).acting == []
    assert "evil" in html.unescape(picture)


def test_the_first_page_shows_names_as_they_are(book, tmp_path):
    manifest = {
        "parameters": {"exports": "x", "period": "2026-09", "policy": LABELS[2], "audience": "internal"},
        "made": {"started": "2026-10-01T00:00:00Z", "finished": "2026-10-01T00:00:00Z"},
        "inputs": [{"name": LABELS[1], "sha256": "0", "bytes": 1}],
        "company": LABELS[0],
        "unread_files": [LABELS[3]],
        "run": "x",
    }
    (tmp_path / "tables").mkdir()
    book.published_table("intake").write_parquet(tmp_path / "tables" / "intake.parquet")
    render_index_page(
        tmp_path, scorecard=book.scorecard(), manifest=manifest, pages=[("x.html", LABELS[4])], worklists=[]
    )
    page = Page((tmp_path / "index.html").read_text(encoding="utf-8"))
    assert page.acting == []
    assert all(label in "".join(page.shown) for label in LABELS[:2])


def test_a_notebook_s_page_shows_names_and_errors_as_they_are(tmp_path):
    outputs = [
        nbformat.v4.new_output("stream", name="stdout", text=LABELS[0]),
        nbformat.v4.new_output("execute_result", data={"text/plain": LABELS[1]}, execution_count=1),
        nbformat.v4.new_output("error", ename=LABELS[2], evalue=LABELS[3], traceback=[]),
    ]
    cell = nbformat.v4.new_code_cell(
        "period = " + json.dumps(LABELS[0]), metadata={"tags": ["parameters"]}, outputs=outputs
    )
    nbformat.write(nbformat.v4.new_notebook(cells=[cell]), tmp_path / "x.ipynb")
    render_notebook_page(
        tmp_path / "x.ipynb", tmp_path / "x.html", title=LABELS[0], pages=[("a.html", LABELS[1])], company=LABELS[2]
    )
    page = Page((tmp_path / "x.html").read_text(encoding="utf-8"))
    assert page.acting == []
    assert all(label in "".join(page.shown) for label in LABELS[:4])


@pytest.mark.parametrize(
    "label", [*LABELS, "monthly_letter", "年末セール 2026", "a  b", "x\\", "-- - 1. x", "www.evil.example"]
)
def test_a_label_in_a_sentence_is_text(label):
    page = Page(markdown2html(f"**3 rows** by campaign: {in_markdown(label)} 3, b 4."))
    assert page.acting == []
    assert f"by campaign: {label} 3, b 4." in "".join(page.shown)


def cells(file: Path, column: str) -> set[str]:
    with file.open(encoding="utf-8", newline="") as stream:
        return {row[column] for row in csv.DictReader(stream)}


def test_tables_hold_labels_exactly_but_for_formulas_in_csv(book):
    """A spreadsheet computes what begins like a formula, and may ask the network for something while it does."""
    tables = book.out / "tables"
    exact = {*LABELS, "all"}
    assert {*pl.read_parquet(tables / "marketing_messages.parquet")["campaign"]} == exact
    told = cells(tables / "marketing_messages.csv", "campaign")
    assert told == {f"'{label}" if label[0] in "=+-@" else label for label in exact}
    assert len(told - exact) == 5
    campaigns = cells(book.out / "worklists" / "opt_out_breaches.csv", "campaign")
    assert campaigns <= told
    assert not any(label[0] in "=+-@" for label in campaigns)


@pytest.mark.parametrize("label", ["=1+1", "+1", "-1", "@SUM(1)", "\t=1", "\r=1", "＝1", "＋1", "－1", "＠1"])
def test_only_texts_that_begin_like_a_formula_get_an_apostrophe(label):
    plain = ["a=1", " =1", "'=1", "", None, "年末", "–"]
    frame = pl.DataFrame({"text": [label, *plain], "number": [-1.5] * 8, "day": [None] * 8})
    told = without_formulas(frame)
    assert told["text"].to_list() == [f"'{label}", *plain]
    assert told.drop("text").equals(frame.drop("text"))
    assert without_formulas(frame.drop("text")).equals(frame.drop("text"))
