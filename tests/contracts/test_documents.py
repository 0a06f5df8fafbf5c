"""What README, data/README and the rendered parts say is what the code does."""

import re
import tomllib
from pathlib import Path

import pytest
import typer

from pledgebook.cli import app
from pledgebook.intake.formats import Mapping
from pledgebook.metrics.catalogue import METRICS
from pledgebook.tables import TABLES
from tests.contracts.rendered import put, rendered_parts

BLOCK = re.compile(r"```(\w+)\n(.*?)```", re.DOTALL)
LINK = re.compile(r"\]\(([^)#:]+)(?:#([^)]*))?\)")
DOCUMENTS = (
    "README.md",
    "GLOSSARY.md",
    "DECISIONS.md",
    "CHANGELOG.md",
    "data/README.md",
    "reports/README.md",
    "SECURITY.md",
    "benchmarks/README.md",
    "deploy/cluster.md",
)
COMMANDS = typer.main.get_command(app).commands


def blocks(document: Path, language: str) -> list[str]:
    return [text for name, text in BLOCK.findall(document.read_text()) if name == language]


def spoken(document: str, program: str) -> list[list[str]]:
    """The words after `program` on every line of shell, schedules included."""
    said = re.findall(rf"(?:^|/bin/){program} +(.*)$", document, re.MULTILINE)
    return [words.split("#")[0].split() for words in said]


@pytest.fixture(scope="module")
def shell(root):
    readme = root / "README.md"
    return "\n".join([*blocks(readme, "sh"), *blocks(readme, "cron")])


@pytest.mark.parametrize(("name", "mark"), list(rendered_parts()))
def test_rendered_part_is_what_the_code_renders(root, name, mark):
    document = (root / name).read_text()
    assert put(document, mark, rendered_parts()[name, mark]) == document, "run: python -m tests.contracts.rendered"


def test_make_targets_that_are_named_exist(root, shell):
    targets = set(re.findall(r"^([a-z]+):", (root / "Makefile").read_text(), re.MULTILINE))
    named = {words[0] for words in spoken(shell, "make")} | set(
        re.findall(r"`make (\w+)", (root / "README.md").read_text())
    )
    assert {"report", "test", "lab"} <= named <= targets


def test_ci_runs_the_command_that_readme_gives(root, shell):
    last = [line for line in (root / ".ci/run").read_text().splitlines() if line.strip()][-1]
    assert last == "exec make test"
    assert ["test"] in spoken(shell, "make")


def test_commands_of_readme_are_the_commands_there_are(root):
    listed = re.findall(r"^\| `pledgebook (\w+)` \|", (root / "README.md").read_text(), re.MULTILINE)
    assert sorted(listed) == sorted(COMMANDS)


def test_options_in_readme_exist(shell):
    lines = spoken(shell, "pledgebook")
    assert lines
    for command, *words in lines:
        known = {option for parameter in COMMANDS[command].params for option in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, command


def test_notebooks_of_readme_are_the_notebooks_there_are(root):
    listed = re.findall(r"^\| `(\d\d_\w+)` \|", (root / "README.md").read_text(), re.MULTILINE)
    assert listed == sorted(path.stem for path in (root / "notebooks").glob("[0-9][0-9]_*.ipynb"))


def test_paths_of_the_tree_exist_and_no_part_of_the_library_is_left_out(root):
    tree = (root / "README.md").read_text().partition("## The tree")[2].partition("\n## ")[0]
    paths = re.findall(r"^\| `([^`]+)` \|", tree, re.MULTILINE)
    assert [path for path in paths if not (root / path).exists()] == []
    folders = {f"lib/pledgebook/{file.parent.name}/" for file in (root / "lib/pledgebook").glob("*/*.py")}
    assert folders - set(paths) == set()


@pytest.mark.parametrize("name", DOCUMENTS)
def test_links_lead_somewhere(root, name):
    document = root / name
    for target, anchor in LINK.findall(document.read_text()):
        file = document.parent / target
        assert file.exists(), f"{name}: {target}"
        assert not anchor or anchor in anchors(file), f"{name}: {target}#{anchor}"
    for anchor in re.findall(r"\]\(#([^)]+)\)", document.read_text()):
        assert anchor in anchors(document), f"{name}: #{anchor}"


def anchors(file: Path) -> set[str]:
    headings = re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).strip().replace(" ", "-") for heading in headings}


def test_python_of_readme_runs_as_it_stands(root, monkeypatch):
    monkeypatch.chdir(root / "tests")
    names: dict[str, object] = {}
    for block in blocks(root / "README.md", "python"):
        exec(block, names)
    assert names["coverage"].height > 0
    assert names["tables"].keys() >= {table.name for table in METRICS["consent_coverage"].tables}


def test_mapping_of_data_readme_is_read(root):
    whole, cases = blocks(root / "data/README.md", "toml")
    mapping = Mapping.model_validate(tomllib.loads(whole))
    assert mapping.source[0].columns["person"] == "Customer No"
    head = '[[source]]\nname = "log"\ntable = "requests"\nfiles = "log.csv"\n'
    assert Mapping.model_validate(tomllib.loads(head + cases)).source[0].one_row_per == "case"


def test_data_readme_lists_every_table(root):
    text = (root / "data/README.md").read_text()
    listed = text.partition("\nTables: ")[2].partition(". Their columns")[0]
    assert re.findall(r"`(\w+)`", listed) == list(TABLES)


def test_licence_is_the_one_that_the_project_declares(root):
    declared = tomllib.loads((root / "pyproject.toml").read_text())["project"]["license"]
    text = (root / "LICENSE").read_text()
    assert declared == "Apache-2.0"
    assert "Version 2.0, January 2004" in text
    assert "END OF TERMS AND CONDITIONS" in text
