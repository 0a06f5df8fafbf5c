"""A Dask cluster: the workers carry out the same tasks as this machine would, through `concurrent.futures.Executor`.

A task goes out as bytes that only a worker unpacks, and its answer comes back so. The key is in none: a worker finds
its own. A fault comes back without a message that might quote data, and Dask logs none of it.
"""

from __future__ import annotations

import importlib.util
import ipaddress
import json
import pickle
import platform
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError, Executor, Future
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import polars as pl

from pledgebook.book import figures_code_hash
from pledgebook.credentials import refuse_credentials
from pledgebook.errors import InputError, PledgebookError
from pledgebook.store_lock import private_files
from pledgebook.store_opening import code_hash

PLAIN = "PLEDGEBOOK_CLUSTER_PLAIN"
SECONDS = 60


class ClusterFault(PledgebookError):
    """A cluster that cannot be used as it is (exit 2)."""


class WorkerFault(PledgebookError):
    """An unforeseen fault at a worker: its type and place in the code, and nothing that it says (exit 70)."""

    exit_code = 70


@dataclass(frozen=True)
class Certificates:
    """Files that show who we are to a cluster, and by whose signature we know it; None: from Dask's configuration."""

    ca: Path | None = None
    cert: Path | None = None
    key: Path | None = None


@contextmanager
def joined(address: str, certificates: Certificates, environment: Mapping[str, str]) -> Iterator[Executor]:
    """Yield an executor whose tasks the workers of a Dask scheduler carry out.

    address: `tls://host:port`, `tcp://` on this machine, or the JSON file that a scheduler wrote. Raises InputError for
    an address that is not encrypted, ClusterFault for a cluster that does not answer or runs other code.
    """
    if importlib.util.find_spec("distributed") is None:
        raise InputError("--cluster needs the extra `cluster`: pip install 'pledgebook[cluster]'.")
    from distributed import Client  # noqa: PLC0415

    found = read_address(address, environment)
    security = _security(found, certificates)
    try:
        client = Client(found, security=security, timeout=SECONDS, set_as_default=False)
    except Exception as fault:
        raise ClusterFault(
            f"--cluster {found}: no scheduler answers there ({type(fault).__name__}). Is it running, and do the "
            "certificates fit?"
        ) from None
    with client:
        _check_workers(client, found)
        yield Cluster(client.get_executor(pure=False))


def read_address(given: str, environment: Mapping[str, str]) -> str:
    """Return a scheduler's address. Raises InputError where the way there is open for others to read."""
    refuse_credentials("--cluster", given)
    address = _address_in(Path(given)) if given.endswith(".json") else given
    refuse_credentials("--cluster", address)
    parts = urlsplit(address)
    if parts.scheme not in ("tls", "tcp") or not parts.hostname:
        raise InputError(f"--cluster {address}: no address of a scheduler. Write tls://host:8786, or its JSON file.")
    if parts.scheme == "tcp" and not _is_this_machine(parts.hostname) and environment.get(PLAIN) != "1":
        raise InputError(
            f"--cluster {address}: not encrypted, and rows about people would go over the network. Start the cluster with "
            f"TLS and write tls://; where the network itself encrypts, set {PLAIN}=1."
        )
    return address


def _address_in(file: Path) -> str:
    try:
        return str(json.loads(file.read_text())["address"])
    except (OSError, ValueError, KeyError, TypeError):
        raise InputError(f"--cluster {file}: no scheduler file. `dask scheduler --scheduler-file` writes it.") from None


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _security(address: str, certificates: Certificates) -> Any:
    from distributed.security import Security  # noqa: PLC0415

    if address.startswith("tcp://"):
        return None
    named = {"tls_ca_file": certificates.ca, "tls_client_cert": certificates.cert, "tls_client_key": certificates.key}
    for file in named.values():
        if file is not None and not file.is_file():
            raise InputError(f"{file}: there is no such certificate or key of the cluster.")
    told = {name: str(file) for name, file in named.items() if file is not None}
    security = Security(require_encryption=True, **told)
    if security.get_connection_args("client").get("ssl_context") is None:
        raise InputError(
            f"--cluster {address}: give --cluster-ca, --cluster-cert and --cluster-key, or set distributed.comm.tls in "
            "Dask's configuration."
        )
    return security


def _check_workers(client: Any, address: str) -> None:
    """Refuse a cluster without workers, and one where they run other code: hashes and figures would differ."""
    try:
        client.wait_for_workers(1, timeout=SECONDS)
    except Exception:
        raise ClusterFault(f"--cluster {address}: no worker came within {SECONDS} seconds. Start some.") from None
    try:
        told = client.run(differing, what_counts())
    except Exception as fault:
        raise ClusterFault(
            f"--cluster {address}: pledgebook cannot be loaded at its workers ({type(fault).__name__}). Scheduler and "
            "workers need the same installation as this machine."
        ) from None
    for worker, differs in sorted(told.items()):
        if differs:
            raise _other_code(worker, differs)


def _other_code(worker: str, differs: str) -> ClusterFault:
    return ClusterFault(
        f"worker {worker}: {differs}. Give scheduler and workers the same installation as this machine."
    )


@cache
def what_counts() -> dict[str, str]:
    """Return what must be the same on all machines, or figures could differ."""
    return {
        "Python": ".".join(map(str, sys.version_info[:2])),
        "Polars": pl.__version__,
        "the code of the intake": code_hash(),
        "the code of the figures": figures_code_hash(),
    }


def differing(expected: Mapping[str, str]) -> str:
    """Return in words what is other here than expected; empty where nothing is."""
    here = what_counts()
    return ", ".join(f"{name} is {here[name]}, not {each}" for name, each in expected.items() if here[name] != each)


class Cluster(Executor):
    """An executor over another, for functions whose faults must not quote data on their way."""

    def __init__(self, workers: Executor) -> None:
        self.workers = workers

    def submit(self, function: Callable[..., Any], /, *arguments: Any, **named: Any) -> Future[Any]:
        """Send a call to a worker. Raises KeyFault when the pseudonym key is among what would travel."""
        task = pickle.dumps((function, arguments, named))
        sent, told = self.workers.submit(answer, task, what_counts()), Future[Any]()
        sent.add_done_callback(partial(_pass_on, told))
        told.add_done_callback(lambda future: sent.cancel() if future.cancelled() else None)
        return told


def answer(task: bytes, expected: Mapping[str, str]) -> bytes:
    """Carry out a task at a worker; the answer is its result or its fault, pickled."""
    try:
        if differs := differing(expected):
            raise _other_code(f"on {platform.node()}", differs)
        with private_files():
            function, arguments, named = pickle.loads(task)
            return pickle.dumps((function(*arguments, **named), None))
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as fault:  # a panic of native code is no Exception
        return pickle.dumps((None, _without_data(fault)))


def _without_data(fault: BaseException) -> PledgebookError:
    """Our own faults quote no data; of another, what it says is left behind."""
    worker, kind = f"worker on {platform.node()}", type(fault).__name__
    if isinstance(fault, PledgebookError):
        return fault
    if isinstance(fault, FileNotFoundError):
        return ClusterFault(f"{worker}: a file is not there. Exports and stores must lie where all workers see them.")
    if isinstance(fault, OSError | MemoryError):
        return ClusterFault(f"{worker}: {getattr(fault, 'strerror', None) or kind}.")
    at = traceback.extract_tb(fault.__traceback__)[-1]
    return WorkerFault(f"{worker}: an unforeseen {kind} in {Path(at.filename).name}, line {at.lineno}.")


def _pass_on(told: Future[Any], sent: Future[Any]) -> None:
    """Give the answer of a worker to those that wait for it."""
    if not told.set_running_or_notify_cancel():
        return
    try:
        result, fault = pickle.loads(sent.result())
    except CancelledError:
        result, fault = None, ClusterFault("the cluster was lost while it worked. Run again; what is finished is kept.")
    except Exception as lost:
        result, fault = None, _lost(lost)
    if fault is None:
        told.set_result(result)
    else:
        told.set_exception(fault)


def _lost(fault: Exception) -> PledgebookError:
    if type(fault).__name__ == "KilledWorker":
        return ClusterFault(
            "several workers were lost at one task, most likely for want of memory. Give each more, or fewer tasks at once."
        )
    return ClusterFault(f"the cluster failed ({type(fault).__name__}). Its own logs say more.")
