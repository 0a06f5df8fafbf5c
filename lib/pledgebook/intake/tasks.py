"""Tasks: calls that do not need each other, carried out here two at a time, or by the workers of an executor."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import Executor, Future, ThreadPoolExecutor, as_completed
from typing import Any, TypeVar

Result = TypeVar("Result")
AT_ONCE = 2
"""So that one computes where the other has but one thing to do; each more would hold its rows in memory."""


def carry_out(
    function: Callable[..., Result],
    calls: Iterable[tuple[Any, ...]],
    executor: Executor | None,
    tell: Callable[[int, int], None] = lambda _done, _of: None,
) -> list[Result]:
    """Return the results of a function for each tuple of arguments, in their order; the first fault ends it.

    `tell` hears how many of how many are finished, before the first one too. With an executor, function, arguments and
    results are pickled.
    """
    waiting = list(calls)
    if executor is None:
        with ThreadPoolExecutor(AT_ONCE) as threads:
            return carry_out(function, waiting, threads, tell)
    futures = [executor.submit(function, *call) for call in waiting]
    _wait(futures, tell)
    return [future.result() for future in futures]


def _wait(futures: list[Future[Any]], tell: Callable[[int, int], None]) -> None:
    """Wait for all; at a fault take back those that nobody has begun."""
    if futures:
        tell(0, len(futures))
    try:
        for count, done in enumerate(as_completed(futures), start=1):
            done.result()
            tell(count, len(futures))
    finally:
        for future in futures:
            future.cancel()
