"""One list of dependencies, `pyproject.toml`; the others follow it, and none names a host."""

import re
import tomllib

import pytest
import yaml

HOSTS = re.compile(r"https?://|git\+|--(extra-)?index-url|--find-links|--trusted-host|@ file:")


def normalised(requirement: str) -> str:
    return re.split(r"[^A-Za-z0-9._-]", requirement.strip(), maxsplit=1)[0].lower().replace("_", "-").replace(".", "-")


@pytest.fixture(scope="module")
def project(root):
    return tomllib.loads((root / "pyproject.toml").read_text())["project"]


@pytest.fixture(scope="module")
def constraints(root):
    return [line for line in (root / "constraints.txt").read_text().splitlines() if line.strip()]


def test_every_direct_dependency_is_pinned(project, constraints):
    pinned = {normalised(line) for line in constraints}
    direct = [*project["dependencies"], *(d for extra in project["optional-dependencies"].values() for d in extra)]
    assert {normalised(name) for name in direct} - pinned == set()


def test_constraints_are_pins_and_nothing_else(constraints):
    pin = re.compile(r"[a-z0-9][a-z0-9-]*==[A-Za-z0-9.+!]+( ; .+)?")
    assert [line for line in constraints if not pin.fullmatch(line)] == []


def test_pins_are_what_the_project_accepts(project, constraints):
    floors = {normalised(d): d.partition(">=")[2] for d in project["dependencies"]}
    pins = dict(line.split(" ;")[0].split("==") for line in constraints)

    def numbers(version):
        return [int(part) for part in re.findall(r"\d+", version)][:3]

    assert [name for name, floor in floors.items() if floor and numbers(pins[name]) < numbers(floor)] == []


def test_conda_users_get_the_same_environment(root, project):
    environment = yaml.safe_load((root / "environment.yml").read_text())
    *own, by_pip = environment["dependencies"]
    extras = ",".join(sorted(project["optional-dependencies"]))
    assert own == [f"python{project['requires-python']}", "pip"]
    assert by_pip == {"pip": ["-c constraints.txt", f"-e .[{extras}]"]}


@pytest.mark.parametrize("name", ["constraints.txt", "environment.yml", "pyproject.toml", "Makefile", ".ci/run"])
def test_no_host_is_named(root, name):
    assert HOSTS.findall((root / name).read_text()) == []
