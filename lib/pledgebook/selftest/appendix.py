"""The self-test of a report's appendix: on a small sample, kept beside the stores until the code or the policy changes."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from contextlib import suppress
from pathlib import Path

import platformdirs

from pledgebook.book import figures_code_hash
from pledgebook.errors import PledgebookError
from pledgebook.selftest.outcome import Outcome, read_outcome
from pledgebook.storage import is_remote
from pledgebook.store import stores_folder
from pledgebook.suite import from_root


def begin_selftest(policy: str | Path, executor: Executor) -> Callable[[], Outcome]:
    """Return a way to the outcome: read where it is kept, else computed beside other work. Calling it never raises."""
    kept = _read_kept(_place(policy, os.environ))
    if kept is not None:
        return lambda: kept
    waiting = executor.submit(selftest_of_the_suite, policy)

    def outcome() -> Outcome:
        try:
            return waiting.result()
        except Exception as fault:
            return _fault(f"an unforeseen {type(fault).__name__}")

    return outcome


def selftest_of_the_suite(policy: str | Path, environment: Mapping[str, str] | None = None) -> Outcome:
    """Return the outcome of the self-test on a small sample under a policy; never raises, a fault stands in it.

    It is computed once for each code and policy, and then read from a file beside the stores.
    """
    from pledgebook.selftest.running import run_selftest_on_a_sample  # noqa: PLC0415

    environment = os.environ if environment is None else environment
    place = _place(policy, environment)
    kept = _read_kept(place)
    if kept is not None:
        return kept
    try:
        outcome = run_selftest_on_a_sample(policy, environment=environment)
    except PledgebookError as fault:
        return _fault(str(fault))
    except Exception as fault:
        return _fault(f"an unforeseen {type(fault).__name__}")
    with suppress(OSError):
        _keep(place, outcome)
    return outcome


def _fault(said: str) -> Outcome:
    return Outcome("", fault=said)


def _place(policy: str | Path, environment: Mapping[str, str]) -> Path:
    stores = stores_folder(environment)
    folder = platformdirs.user_cache_path("pledgebook") if is_remote(stores) else stores
    return folder / "selftests" / f"{_fingerprint(from_root(policy))}.json"


def _read_kept(place: Path) -> Outcome | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        return read_outcome(json.loads(place.read_text(encoding="utf-8")))
    return None


def _keep(place: Path, outcome: Outcome) -> None:
    place.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    swap = place.with_name(f".{place.name}-{os.getpid()}")
    swap.write_text(json.dumps(outcome.as_dict(), ensure_ascii=False), encoding="utf-8")
    swap.replace(place)


def _fingerprint(policy: Path) -> str:
    """Tell the library's code, the laws and the policy; any change of them asks for a new self-test."""
    package = Path(__file__).parents[1]
    code = b"\0".join(file.read_bytes() for file in sorted(package.rglob("*.py")))
    rules = policy.read_bytes() if policy.is_file() else b""
    return hashlib.sha256(b"\0".join([figures_code_hash().encode(), code, rules])).hexdigest()[:24]
