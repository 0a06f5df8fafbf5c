"""Notebooks and places of reports that somebody named or wrote to do harm: refused before anything runs, or only names."""

import json

import nbformat
import pytest
from faults.conftest import write_notebook
from intake.exporting import KEY, MESSAGES, csv, message, write
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.report.notebook import Work, execute_notebook, make_page, name_page
from pledgebook.report.page import read_parameters
from pledgebook.report.run import check_parameters, choose_notebooks


@pytest.mark.parametrize(
    "name",
    [
        "index",
        "javascript:alert(1);x",
        'x"><script>alert(1)',
        "a{b}",
        "a#b",
        "a?b",
        "a%2fb",
        "-x",
        ".x",
        "a\nb",
        "a\x1b[2J",
        "a\\b",
    ],
)
def test_a_notebook_whose_page_could_not_be_linked_to_is_refused_by_name(tmp_path, name):
    file = write_notebook(tmp_path / "plain.ipynb").rename(tmp_path / f"{name}.ipynb")
    with pytest.raises(InputError, match="its page cannot have that name") as fault:
        choose_notebooks([str(file)])
    assert str(fault.value).isprintable()


@pytest.mark.parametrize("name", ["20_mine", "mein Bericht-2.v1", "報告_10"])
def test_plain_names_of_any_script_are_pages(tmp_path, name):
    assert name_page(write_notebook(tmp_path / f"{name}.ipynb"))[0] == f"{name}.html"


def test_two_notebooks_of_one_name_are_refused_for_one_page_would_be_lost(tmp_path):
    (tmp_path / "other").mkdir()
    files = [write_notebook(tmp_path / "mine.ipynb"), write_notebook(tmp_path / "other/mine.ipynb")]
    with pytest.raises(InputError, match=r"'mine\.ipynb': given twice"):
        choose_notebooks([str(file) for file in files])
    with pytest.raises(InputError, match="given twice"):
        choose_notebooks(["00_scorecard", "00_scorecard"])


@pytest.mark.parametrize(
    "text", ["[" * 100_000, '{"cells": ' + "[" * 100_000, "[1]", "\xff", '{"cells": [[]]}', "null"]
)
def test_what_is_no_notebook_is_refused_before_anything_runs(tmp_path, text):
    (tmp_path / "mine.ipynb").write_text(text, encoding="latin-1")
    with pytest.raises(InputError, match="not a notebook"):
        choose_notebooks([str(tmp_path / "mine.ipynb")])


@pytest.mark.parametrize(
    "told",
    [
        {"cells": [], "nbformat": 3},
        {"cells": [], "nbformat": 99, "nbformat_minor": 0, "metadata": {}},
        {"cells": [{"cell_type": "code", "source": 5}], "nbformat": 4, "nbformat_minor": 5, "metadata": {}},
        {"cells": [{"cell_type": "code"}], "nbformat": "4", "metadata": []},
    ],
)
def test_an_unsound_notebook_is_named_with_the_remedy(tmp_path, told):
    file = tmp_path / "mine.ipynb"
    file.write_text(json.dumps(told))
    fault = make_page(Work(file, {"out": ""}, tmp_path / "out", [], ""))
    assert fault is not None
    assert fault.startswith("mine.ipynb: cannot be executed and shown as a page (")
    assert fault.endswith("Open it in JupyterLab, mend it and save it.")


def test_a_default_that_would_have_to_be_computed_is_passed_over_and_never_computed(tmp_path):
    file = write_notebook(tmp_path / "mine.ipynb")
    notebook = nbformat.read(file, as_version=4)
    with pytest.raises(InputError, match=r"mine\.ipynb: its parameters cannot be read"):  # it names no kernel
        check_parameters([file], {"name": "x"})
    notebook.metadata["kernelspec"] = {"name": "python3", "language": "python", "display_name": "Python"}
    notebook.cells[1].source = f"name = __import__('pathlib').Path({str(tmp_path / 'ran')!r}).touch()\nother = 'x'"
    nbformat.write(notebook, file)
    assert read_parameters(notebook) == {"other": "x"}
    with pytest.raises(InputError, match="'name' has no literal for a default"):
        check_parameters([file], {"name": "x"})
    assert not (tmp_path / "ran").exists()


def test_braces_and_quotes_in_a_place_are_only_a_name(tmp_path):
    """The notebook's folder, and the report's."""
    place = "{0.__class__}}{period}q\"'\n$(id)"
    (tmp_path / place).mkdir()
    file = write_notebook(tmp_path / place / "mine.ipynb", "x = 1")
    parameters = {"out": str(tmp_path / place), "period": "2026-09"}
    assert execute_notebook(str(file), str(tmp_path / place / "executed.ipynb"), parameters) is None
    assert read_parameters(nbformat.read(tmp_path / place / "executed.ipynb", as_version=4))["out"] == parameters["out"]


def test_a_folder_in_the_place_of_the_period_s_link_is_refused_before_anything_runs(tmp_path):
    folder, out = write(tmp_path / "exports", {"messages.csv": csv(MESSAGES, message(1))}), tmp_path / "reports"
    (out / "2026-09").mkdir(parents=True)
    (out / "2026-09" / "precious").touch()
    file = write_notebook(tmp_path / "mine.ipynb")
    words = ["run", str(file), "--exports", str(folder), "--period", "2026-09", "--out", str(out)]
    result = CliRunner().invoke(app, words, env={"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")})
    assert result.exit_code == 2
    assert f"{out}/2026-09: this is no link to a run, and is not replaced. Move it away" in result.output
    assert (out / "2026-09" / "precious").exists()
    assert list((out / ".runs").iterdir()) == []
