"""The files of deploy/ say what the command line and the security of the key ask for."""

import re
import shlex

import pytest
import typer.main
import yaml

from pledgebook.cli import app


def containers(item) -> list[dict]:
    """The containers of a Deployment or a Job."""
    return item["spec"]["template"]["spec"]["containers"]


@pytest.fixture(scope="module")
def items(root):
    told = yaml.safe_load((root / "deploy" / "kubernetes.yaml").read_text())["items"]
    return {(item["kind"], item["metadata"]["name"]): item for item in told}


@pytest.fixture(scope="module")
def pods(items):
    names = {"scheduler": ("Deployment", "pledgebook-scheduler"), "worker": ("Deployment", "pledgebook-workers")}
    return {role: items[name] for role, name in names.items()} | {"run": items["Job", "pledgebook-run"]}


def options_of(command: str) -> set[str]:
    commands = typer.main.get_command(app).commands
    return {option for parameter in commands[command].params for option in parameter.opts}


def test_the_job_asks_what_the_command_line_knows(pods):
    program, command, *words = containers(pods["run"])[0]["command"]
    assert (program, command) == ("pledgebook", "run")
    assert {word for word in words if word.startswith("--")} <= options_of("run")


def test_the_batch_script_asks_what_the_command_line_knows(root):
    lines = [line for line in (root / "deploy" / "slurm.sh").read_text().splitlines() if line.startswith("pledgebook ")]
    assert len(lines) == 1
    _, command, *words = shlex.split(lines[0])
    assert {word for word in words if word.startswith("--")} <= options_of(command)


def test_worker_and_run_have_the_key_in_a_file_of_their_own_and_the_scheduler_has_none(pods):
    for role in ("worker", "run"):
        spec = pods[role]["spec"]["template"]["spec"]
        assert {"name": "PLEDGEBOOK_KEY_FILE", "value": "/key/key"} in containers(pods[role])[0]["env"]
        assert [each["command"] for each in spec["initContainers"]] == [
            ["install", "-m", "0400", "/given/key", "/key/key"]
        ]
        assert next(each for each in spec["volumes"] if each["name"] == "own-key")["emptyDir"]["medium"] == "Memory"
        assert spec["securityContext"]["runAsNonRoot"] is True
    assert "key" not in str(pods["scheduler"]["spec"]["template"]["spec"]["volumes"]).replace("certificates", "")
    assert "PLEDGEBOOK_KEY" not in str(pods["scheduler"])


def test_nothing_goes_over_the_network_in_clear(items, pods):
    assert items["ConfigMap", "pledgebook"]["data"]["DASK_DISTRIBUTED__COMM__REQUIRE_ENCRYPTION"] == "True"
    for pod in pods.values():
        assert "tcp://" not in str(pod)
    assert "tls" in containers(pods["scheduler"])[0]["command"]
    assert any("secret" in volume for volume in pods["scheduler"]["spec"]["template"]["spec"]["volumes"])


def test_all_run_one_image(pods):
    images = {each["image"] for pod in pods.values() for each in containers(pod)}
    assert len(images) == 1


def test_no_secret_is_written_down(root):
    for file in (root / "deploy").iterdir():
        assert not re.search(r"BEGIN [A-Z ]*KEY|kind: Secret|AWS_SECRET", file.read_text()), file.name


def test_files_that_the_guide_names_are_there(root):
    guide = (root / "deploy" / "cluster.md").read_text()
    named = set(re.findall(r"\]\(([\w./-]+)\)", guide))
    assert {"kubernetes.yaml", "slurm.sh"} <= named
    assert [name for name in named if not (root / "deploy" / name).exists()] == []
