"""Measuring shards: two at a time here, or by the workers of an executor; what they give comes in the shards' order."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import TypeVar

Shard = TypeVar("Shard")
Asked = TypeVar("Asked")
Told = TypeVar("Told")
HERE = 2
"""How many shards are measured at once here: one computes where the other has but one thing to do."""
AT_WORKERS = 64
"""How many shards wait at the workers of an executor: what they answer is held until its turn comes."""


def measure_shards(
    measure: Callable[[Shard, Asked], Told],
    shards: Iterable[Callable[[], Shard]],
    question: Asked,
    executor: Executor | None = None,
) -> Iterator[Told]:
    """Yield what each shard gives, in their order; an answer is held no longer than until the next is asked for.

    shards: what loads each. The first fault ends it, and takes back what nobody has begun.
    """
    waiting: deque[Future[Told]] = deque()
    most = HERE if executor is None else AT_WORKERS
    with ExitStack() as until_done:
        workers = executor or until_done.enter_context(ThreadPoolExecutor(HERE))
        try:
            for load in shards:
                if len(waiting) == most:
                    yield waiting.popleft().result()
                waiting.append(workers.submit(_measure_one, measure, load, question))
            while waiting:
                yield waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


def _measure_one(measure: Callable[[Shard, Asked], Told], load: Callable[[], Shard], question: Asked) -> Told:
    return measure(load(), question)
