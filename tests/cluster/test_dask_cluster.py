"""The same figures from a cluster as from this machine; workers may be lost, and the key travels in no task."""

import pickle
import secrets
import subprocess
from concurrent.futures import Executor, Future
from pathlib import Path

import polars as pl
import pytest
from cluster.dask_cluster import DaskCluster, dask_cluster, memory_of, without_key
from intake.exporting import CONSENT, MESSAGES, PEOPLE, POLICY, csv, message, write
from typer.testing import CliRunner

from pledgebook.book import Book, open_book, open_store_of
from pledgebook.cli import app
from pledgebook.cluster import Certificates, Cluster, ClusterFault, WorkerFault, joined, read_address
from pledgebook.errors import InputError, KeyFault
from tests.golden.update import FOLDER, as_text, names

KEY = secrets.token_hex(32)
IN_THE_INTAKE, IN_THE_METRICS = 3, 66
AS_OF = "2026-10-01T00:00:00+09:00"
FILES = {
    "people.csv": csv(PEOPLE, *[f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in range(9)]),
    "messages.csv": csv(MESSAGES, *[message(n, f"2026-0{1 + n}-15T00:00:00Z") for n in range(9)]),
}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    folder = tmp_path_factory.mktemp("cluster")
    with dask_cluster(folder, *[without_key() | {"PLEDGEBOOK_KEY": KEY}] * 2) as started:
        yield started


class KillingWorkers(Executor):
    """An executor that notes what it is given, and kills workers as soon as so many tasks have come back."""

    def __init__(self, inner: Executor, after: dict[int, subprocess.Popen[bytes]]) -> None:
        self.inner, self.after, self.come_back, self.tasks = inner, after, 0, []

    def submit(self, function, /, *arguments, **named) -> Future:
        self.tasks.append((function, arguments))
        future = self.inner.submit(function, *arguments, **named)
        future.add_done_callback(self._note)
        return future

    def _note(self, _future: Future) -> None:
        self.come_back += 1
        if self.come_back in self.after:
            self.after[self.come_back].kill()


def environment(tmp: Path, key: str = KEY) -> dict[str, str]:
    return {"PLEDGEBOOK_KEY": key, "PLEDGEBOOK_STORE": str(tmp / "stores")}


def joining(cluster: DaskCluster):
    return joined(cluster.address, Certificates(), {})


def opened(tmp: Path, executor: Executor | None) -> Book:
    return open_book(
        "data/sample",
        "2026-09",
        AS_OF,
        "data/policy.toml",
        shards=4,
        executor=executor,
        environment=environment(tmp),
    )


def test_workers_that_are_killed_in_the_middle_change_no_figure(cluster, tmp_path, monkeypatch):
    monkeypatch.setattr("pledgebook.loading.ROWS_AT_A_WORKER", 1)  # every shard a task of its own
    lost = [cluster.workers[0], cluster.add_worker(without_key() | {"PLEDGEBOOK_KEY": KEY})]
    with joining(cluster) as executor:
        executor.workers._client.wait_for_workers(3, timeout=60)
        killing = KillingWorkers(executor, dict(zip((IN_THE_INTAKE, IN_THE_METRICS), lost, strict=True)))
        book = opened(tmp_path, killing)
        assert IN_THE_INTAKE < len(killing.tasks) < IN_THE_METRICS
        told = {name: as_text(book.compute(name)) for name in names()}
        events = [event for _, event in executor.workers._client.get_events("all")]
    left = [event["processing-tasks"] for event in events if event.get("action") == "remove-worker"][-2:]
    assert len(left) == 2
    assert all(left), "a worker was killed that had nothing to do"
    assert [worker.wait(10) for worker in lost] == [-9, -9]
    assert len(killing.tasks) > IN_THE_METRICS
    assert told == {name: (FOLDER / f"{name}.csv").read_text(encoding="utf-8") for name in names()}


def test_exports_are_read_with_the_key_that_the_workers_have_and_it_is_in_no_task(cluster, tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    write(tmp_path / "exports", FILES)
    with joining(cluster) as executor:
        noting = KillingWorkers(executor, {})
        told = open_store_of(
            tmp_path / "exports", tmp_path / "policy.toml", shards=2, executor=noting, environment=environment(tmp_path)
        )
        held = memory_of(cluster.scheduler)
    alone = open_store_of(
        tmp_path / "exports",
        tmp_path / "policy.toml",
        shards=2,
        environment=environment(tmp_path) | {"PLEDGEBOOK_STORE": str(tmp_path / "others")},
    )
    for table in ("people", "messages"):
        parts = [store.scan(table, shard).collect() for shard in range(2) for store in (told, alone)]
        assert parts[0].equals(parts[1])
        assert parts[2].equals(parts[3])
        assert sum(each.height for each in parts) == 18
    assert {function.__name__ for function, _ in noting.tasks} >= {
        "_stage_at_a_worker",
        "find_touched",
        "_settle_shard",
    }
    assert KEY.encode() not in pickle.dumps([arguments for _, arguments in noting.tasks])
    assert b"_stage_at_a_worker" in held
    assert KEY.encode() not in held


def test_a_worker_without_the_key_or_with_another_says_so(cluster, tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    write(tmp_path / "exports", FILES)
    another = environment(tmp_path, "x" * 40)
    with (
        joining(cluster) as executor,
        pytest.raises(KeyFault, match=r"worker on .*: no key with the id .* the key here is"),
    ):
        open_store_of(tmp_path / "exports", tmp_path / "policy.toml", executor=executor, environment=another)


def test_a_fault_of_an_export_comes_back_as_the_same_message(cluster, tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    write(tmp_path / "exports", FILES | {"requests.csv": "x\n"})
    with joining(cluster) as executor, pytest.raises(InputError, match=r"^requests\.csv, line 1: column 'request_id'"):
        open_store_of(
            tmp_path / "exports", tmp_path / "policy.toml", executor=executor, environment=environment(tmp_path)
        )


def test_an_unforeseen_fault_brings_neither_message_nor_data(cluster):
    with joining(cluster) as executor:
        with pytest.raises(WorkerFault) as fault:
            executor.submit(int, "Hanako Yamada").result()
        with pytest.raises(ClusterFault, match="a file is not there"):
            executor.submit(Path("/nowhere/Hanako Yamada").read_text).result()
    assert "an unforeseen ValueError in cluster.py" in str(fault.value)
    assert "Hanako" not in str(fault.value)
    assert "Hanako" not in (cluster.folder / "worker.log").read_text()


class Panic(BaseException):
    """What native code raises is no Exception."""


def panic(name):
    raise Panic(name)


def test_a_panic_at_a_worker_is_answered_as_any_other_fault():
    with pytest.raises(WorkerFault, match=r"an unforeseen Panic in test_dask_cluster\.py") as fault:
        Cluster(Workers()).submit(panic, "Hanako Yamada").result(5)
    assert "Hanako" not in str(fault.value)


def test_credentials_in_the_file_of_a_scheduler_are_refused_and_not_repeated(tmp_path):
    (tmp_path / "scheduler.json").write_text('{"address": "tls://user:hunter2@10.0.0.1:8786"}')
    with pytest.raises(InputError, match="--cluster: carries a password") as fault:
        read_address(str(tmp_path / "scheduler.json"), {})
    assert "hunter2" not in str(fault.value)


def test_workers_with_other_code_are_refused(cluster, monkeypatch):
    from pledgebook import cluster as module

    here = module.what_counts()
    monkeypatch.setattr(module, "what_counts", lambda: here | {"Polars": "1.0.0"})
    with (
        pytest.raises(ClusterFault, match=rf"worker tcp://.*: Polars is {here['Polars']}, not 1\.0\.0"),
        joining(cluster),
    ):
        pass


class Workers(Executor):
    """Workers that run where they are asked."""

    def submit(self, function, /, *arguments, **named) -> Future:
        future: Future = Future()
        future.set_result(function(*arguments, **named))
        return future


def test_the_key_cannot_be_sent(tmp_path):
    from pledgebook.key_file import Key

    with pytest.raises(KeyFault, match="never sent"):
        Cluster(Workers()).submit(print, Key(KEY))


class Lost(Executor):
    """Workers whose every task ends so; cancelled, where there is no fault."""

    def __init__(self, fault: Exception | None) -> None:
        self.fault = fault

    def submit(self, function, /, *arguments, **named) -> Future:
        future: Future = Future()
        if self.fault is None:
            future.cancel()
            future.set_running_or_notify_cancel()
        else:
            future.set_exception(self.fault)
        return future


class KilledWorker(Exception):
    """As Dask calls it when a task has lost several workers."""


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (None, "the cluster was lost while it worked"),
        (KilledWorker("Hanako"), "several workers were lost at one task"),
        (ValueError("Hanako"), r"the cluster failed \(ValueError\)"),
    ],
    ids=["scheduler lost", "workers lost", "another fault"],
)
def test_a_cluster_that_is_lost_says_what_to_do(fault, said):
    with pytest.raises(ClusterFault, match=said) as told:
        Cluster(Lost(fault)).submit(sorted, "cab").result(5)
    assert "Hanako" not in str(told.value)


def test_what_is_taken_back_is_taken_back_at_the_cluster():
    class Waiting(Workers):
        def submit(self, function, /, *arguments, **named) -> Future:
            self.sent: Future = Future()
            return self.sent

    workers = Waiting()
    assert Cluster(workers).submit(sorted, "cab").cancel()
    assert workers.sent.cancelled()


ADDRESSES = {
    "tls://10.0.0.1:8786": True,
    "tcp://127.0.0.1:8786": True,
    "tcp://[::1]:8786": True,
    "tcp://localhost:8786": True,
    "tcp://10.0.0.1:8786": False,
    "tcp://localhost.example:8786": False,
    "ws://127.0.0.1:8786": False,
    "10.0.0.1:8786": False,
    "tls://user:word@10.0.0.1:8786": False,
    "/nowhere/scheduler.json": False,
}


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_that_is_open_to_others_is_refused(address):
    if ADDRESSES[address]:
        assert read_address(address, {}) == address
    else:
        with pytest.raises(InputError, match="--cluster"):
            read_address(address, {})


def test_a_network_that_encrypts_by_itself_may_be_declared():
    assert read_address("tcp://10.0.0.1:8786", {"PLEDGEBOOK_CLUSTER_PLAIN": "1"}) == "tcp://10.0.0.1:8786"


def checked(tmp: Path, *words: str):
    (tmp / "policy.toml").write_text(POLICY)
    exports = write(tmp / "exports", FILES)
    asked = ["check", "--exports", str(exports), "--policy", str(tmp / "policy.toml"), *words]
    return CliRunner().invoke(app, asked, env=environment(tmp))


def test_the_command_line_checks_exports_on_a_cluster(cluster, tmp_path):
    assert cluster.address
    told = checked(tmp_path, "--cluster", str(cluster.file))
    assert told.exit_code == 0, told.output
    assert "reading exports, 2 of 2 files" in told.output
    assert "What arrived" in told.output


def test_a_report_that_a_cluster_computed_is_the_one_made_here(cluster, tmp_path):
    (tmp_path / "policy.toml").write_text(POLICY)
    answer = "p1,marketing,any,withdraw,2026-01-02T00:00:00Z"
    exports = write(tmp_path / "exports", FILES | {"consent_events.csv": csv(CONSENT, answer)})
    made = {}
    for where, words in {"here": [], "cluster": ["--cluster", str(cluster.file)]}.items():
        asked = ["run", "30_marketing_opt_outs", "--exports", str(exports), "--policy", str(tmp_path / "policy.toml")]
        asked += ["--period", "2026", "--as-of", "2026-12-31", "--out", str(tmp_path / where), *words]
        told = CliRunner().invoke(app, asked, env=environment(tmp_path / where))
        assert told.exit_code == 0, told.output
        files = sorted((tmp_path / where / "2026" / "tables").glob("*.parquet"))
        made[where] = {file.name: pl.read_parquet(file) for file in files}
    assert {name: table.equals(made["cluster"][name]) for name, table in made["here"].items()} == dict.fromkeys(
        made["cluster"], True
    )
    assert made["here"]["marketing_messages.parquet"]["messages"].max() == 9


def test_the_command_line_refuses_an_open_address_and_certificates_of_no_cluster(tmp_path):
    told = checked(tmp_path, "--cluster", "tcp://10.0.0.1:8786")
    assert (told.exit_code, "not encrypted" in told.output) == (2, True)
    told = checked(tmp_path, "--cluster-ca", "ca.pem")
    assert (told.exit_code, "go with --cluster" in told.output) == (2, True)
    told = checked(tmp_path, "--cluster", "tls://10.0.0.1:8786", "--cluster-ca", "/nowhere/ca.pem")
    assert (told.exit_code, "no such certificate" in told.output) == (2, True)


def test_a_cluster_that_does_not_answer_is_refused(monkeypatch):
    from pledgebook import cluster as module

    monkeypatch.setattr(module, "SECONDS", 1)
    with pytest.raises(ClusterFault, match="no scheduler answers"), joined("tcp://127.0.0.1:9", Certificates(), {}):
        pass


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    """Two pairs of a certificate and its key, each signed by itself."""
    from distributed.security import Security

    folder = tmp_path_factory.mktemp("certificates")
    pairs = []
    for name in ("ours", "theirs"):
        made = Security.temporary()
        files = {"cert": made.tls_ca_file, "key": made.tls_client_key}
        for kind, text in files.items():
            (folder / f"{name}.{kind}").write_text(text)
        pairs.append(Certificates(folder / f"{name}.cert", folder / f"{name}.cert", folder / f"{name}.key"))
    return pairs


def test_a_cluster_with_tls_lets_in_those_whose_certificate_it_knows(tmp_path, certificates, monkeypatch):
    from pledgebook import cluster as module

    ours, theirs = certificates
    tls = ("--tls-ca-file", str(ours.ca), "--tls-cert", str(ours.cert), "--tls-key", str(ours.key))
    with dask_cluster(tmp_path / "cluster", without_key(), tls=tls) as started:
        assert started.address.startswith("tls://127.0.0.1:")
        with joined(str(started.file), ours, {}) as executor:
            assert executor.submit(sorted, "cab").result() == ["a", "b", "c"]
        with pytest.raises(InputError, match="give --cluster-ca"), joined(started.address, Certificates(), {}):
            pass
        monkeypatch.setattr(module, "SECONDS", 2)
        with pytest.raises(ClusterFault, match="no scheduler answers"), joined(started.address, theirs, {}):
            pass
