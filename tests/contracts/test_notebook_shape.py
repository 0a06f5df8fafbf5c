"""A committed notebook reads like a report: it was run from top to bottom, and computes nothing itself."""

import ast
import re
from pathlib import Path

import nbformat
import pytest

from pledgebook.period import RELATIVE

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
EXPECTED = {
    "00_scorecard", "01_what_arrived", "10_consent_coverage", "20_request_turnaround", "30_marketing_opt_outs",
    "40_third_party_disclosures",
}  # fmt: skip
PARAMETERS = {"exports", "period", "as_of", "policy", "audience", "out"}
LONGEST_CELL = 8
LEAST_CHARTS = 3
NOT_HERE = (
    ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda, ast.For, ast.AsyncFor, ast.While, ast.If, ast.IfExp,
    ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Try, ast.Match,
)  # fmt: skip
CHART = re.compile(r"application/vnd\.vegalite\.")

each_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


def cells(path: Path, kind: str = "code") -> list:
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def is_tagged(cell) -> bool:
    return "parameters" in cell.metadata.get("tags", [])


def test_all_notebooks_are_there():
    assert {path.stem for path in NOTEBOOKS} >= EXPECTED


@each_notebook
def test_notebook_is_valid_and_python(path):
    notebook = nbformat.read(path, as_version=4)
    nbformat.validate(notebook)
    assert notebook.metadata.kernelspec.name == "python3"


@each_notebook
def test_every_cell_was_run_once_in_order(path):
    counts = [cell.execution_count for cell in cells(path)]
    assert counts == list(range(1, len(counts) + 1))


@each_notebook
def test_outputs_are_there_and_none_is_an_error(path):
    silent = [n for n, cell in enumerate(cells(path), 1) if not (cell.outputs or is_tagged(cell) or opens(cell))]
    assert silent == []
    kinds = {(output.output_type, output.get("name")) for cell in cells(path) for output in cell.outputs}
    assert kinds & {("error", None), ("stream", "stderr")} == set()


def opens(cell) -> bool:
    return "open_book(" in cell.source


@each_notebook
def test_it_begins_with_its_question_and_has_one_parameters_cell_next(path):
    first, second, *_ = nbformat.read(path, as_version=4).cells
    assert first.cell_type == "markdown"
    assert re.match(r"# \S", first.source)
    assert is_tagged(second)
    assert sum(is_tagged(cell) for cell in cells(path)) == 1


@each_notebook
def test_parameters_are_literals_of_the_agreed_names(path):
    parameters = next(cell for cell in cells(path) if is_tagged(cell))
    found = {}
    for statement in ast.parse(parameters.source).body:
        assert isinstance(statement, ast.Assign)
        (target,) = statement.targets
        found[ast.unparse(target)] = ast.literal_eval(statement.value)
    assert set(found) == PARAMETERS


@each_notebook
def test_parameters_do_not_age_and_name_no_machine(path):
    parameters = next(cell for cell in cells(path) if is_tagged(cell))
    found = {ast.unparse(s.targets[0]): ast.literal_eval(s.value) for s in ast.parse(parameters.source).body}
    assert found["period"] not in RELATIVE
    assert found["as_of"]
    assert not any(Path(str(found[name])).is_absolute() for name in ("exports", "policy", "out"))
    assert (ROOT / found["exports"]).is_dir()
    assert (ROOT / found["policy"]).is_file()


@each_notebook
def test_code_cells_are_short_and_only_ask_show_and_say(path):
    for cell in cells(path):
        assert len(cell.source.splitlines()) <= LONGEST_CELL, cell.source
        found = [type(node).__name__ for node in ast.walk(ast.parse(cell.source)) if isinstance(node, NOT_HERE)]
        assert found == [], cell.source


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if p.stem >= "10"], ids=lambda path: path.stem)
def test_a_question_has_at_least_three_charts(path):
    drawn = [cell for cell in cells(path) if any(CHART.match(kind) for o in cell.outputs for kind in o.get("data", {}))]
    assert len(drawn) >= LEAST_CHARTS


@each_notebook
def test_outputs_name_no_place_of_the_machine_that_made_them(path):
    homes = re.compile(r"(?:/home/|/Users/|/root/|/tmp/|[A-Z]:\\\\)")
    shown = [str(output) for cell in cells(path) for output in cell.outputs]
    assert [text[:80] for text in shown if homes.search(text) or str(ROOT) in text] == []
