"""`pledgebook lab` becomes JupyterLab on the suite's notebooks: no word of exports, keys or people goes with it."""

import os
import sys

import pytest
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.suite import suite_root


@pytest.fixture
def begun(tmp_path, monkeypatch):
    """What `lab` became: programs and their words. Python stands in one folder, PATH names another; both are empty."""
    told = []
    for name in ("beside", "path"):
        (tmp_path / name).mkdir()
    monkeypatch.setattr(sys, "executable", str(tmp_path / "beside" / "python"))
    monkeypatch.setenv("PATH", str(tmp_path / "path"))
    monkeypatch.setattr(os, "execv", lambda program, words: told.append((program, words)))
    return told


def put(folder):
    program = folder / "jupyter-lab"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    return str(program)


@pytest.mark.parametrize(("there", "taken"), [(["beside", "path"], "beside"), (["path"], "path")])
def test_the_one_beside_python_is_taken_before_others(tmp_path, begun, there, taken):
    programs = {name: put(tmp_path / name) for name in there}
    assert CliRunner().invoke(app, ["lab"]).exit_code == 0
    assert begun == [(programs[taken], [programs[taken], str(suite_root() / "notebooks")])]


def test_without_jupyterlab_it_says_how_to_get_it(begun):
    result = CliRunner().invoke(app, ["lab"])
    assert (result.exit_code, begun) == (2, [])
    assert "make lab" in result.output
