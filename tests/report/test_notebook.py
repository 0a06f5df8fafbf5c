"""A notebook of a run: what it is called, what is refused as none, and that a dead kernel is noticed."""

import json

import nbformat
import pytest

from pledgebook.errors import InputError
from pledgebook.report.notebook import execute_notebook, name_page
from pledgebook.report.run import check_parameters, choose_notebooks


def written(path, *cells):
    nbformat.write(nbformat.v4.new_notebook(cells=list(cells)), path)
    return path


def test_title_is_the_first_heading_and_no_comment_of_the_code(tmp_path):
    comment = nbformat.v4.new_code_cell("# Change these")
    text = nbformat.v4.new_markdown_cell("Before it.\n\n# Who waits\n\n## How long")
    notebook = written(tmp_path / "50_waits.ipynb", comment, text)
    assert name_page(notebook) == ("50_waits.html", "Who waits")


def test_notebook_without_a_heading_is_called_by_its_name(tmp_path):
    notebook = written(tmp_path / "50_waits.ipynb", nbformat.v4.new_markdown_cell("#hashtag"))
    assert name_page(notebook) == ("50_waits.html", "50_waits")


@pytest.mark.parametrize(
    "text", ["# A page", "{}", "[]", '{"cells": [1]}', '{"cells": 1}', json.dumps({"worksheets": [{"cells": []}]})]
)
def test_what_is_no_notebook_is_refused_before_anything_runs(tmp_path, text):
    file = tmp_path / "readme.ipynb"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"readme\.ipynb: not a notebook"):
        choose_notebooks([str(file)])


def test_without_further_parameters_no_notebook_is_looked_into(tmp_path):
    assert check_parameters([tmp_path / "no-such.ipynb"], {}) == {}


def test_kernel_that_dies_is_noticed(tmp_path):
    notebook = written(tmp_path / "50_dies.ipynb", nbformat.v4.new_code_cell("import os\nos._exit(9)"))
    fault = execute_notebook(str(notebook), str(tmp_path / "out.ipynb"), {"out": ""})
    assert fault is not None
    assert fault.startswith("50_dies.ipynb: its kernel died")
