"""Tasks: calls that do not need each other, carried out here two at a time, or by the workers of an executor."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import suppress
from threading import Thread
from typing import Any, TypeVar

Result = TypeVar("Result")
AT_ONCE, SECONDS_TO_LEAVE, A_MOMENT = 2, 5, 0.2
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
    if executor is None:
        return _side_by_side(function, list(calls), tell)
    futures = [executor.submit(function, *call) for call in calls]
    _wait(futures, tell)
    return [future.result() for future in futures]


def _side_by_side(
    function: Callable[..., Result], calls: list[tuple[Any, ...]], tell: Callable[[int, int], None]
) -> list[Result]:
    """A fault waits for what has begun. Whoever is told to leave waits a little only, and not for an executor's threads."""
    futures: list[Future[Result]] = [Future() for _ in calls]
    waiting = deque(zip(futures, calls, strict=True))
    threads = [Thread(target=_take, args=(function, waiting), daemon=True) for _ in range(min(AT_ONCE, len(calls)))]
    for thread in threads:
        thread.start()
    patience: float | None = None
    try:
        _wait(futures, tell)
    except BaseException as fault:
        patience = None if isinstance(fault, Exception) else SECONDS_TO_LEAVE
        raise
    finally:
        for thread in threads:
            thread.join(patience)
    return [future.result() for future in futures]


def _take(function: Callable[..., Result], waiting: deque[tuple[Future[Result], tuple[Any, ...]]]) -> None:
    """Carry out what waits, one after the other, until nothing does."""
    with suppress(IndexError):
        while True:
            future, call = waiting.popleft()
            if future.set_running_or_notify_cancel():
                _carry_out_one(function, future, call)


def _carry_out_one(function: Callable[..., Result], future: Future[Result], call: tuple[Any, ...]) -> None:
    try:
        future.set_result(function(*call))
    except BaseException as fault:  # told to who waits, whatever it is
        future.set_exception(fault)


def _wait(futures: list[Future[Any]], tell: Callable[[int, int], None]) -> None:
    """Wait for all; at a fault take back those that nobody has begun.

    It wakes up between, for a wait without an end hears no signal that another thread was given.
    """
    waiting = set(futures)
    if futures:
        tell(0, len(futures))
    try:
        while waiting:
            finished, waiting = wait(waiting, A_MOMENT, FIRST_COMPLETED)
            for place, done in enumerate(finished, start=len(futures) - len(waiting) - len(finished) + 1):
                done.result()
                tell(place, len(futures))
    finally:
        for future in futures:
            future.cancel()
