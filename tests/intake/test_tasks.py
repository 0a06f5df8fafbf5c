"""Tasks: the same results in the same order, whoever carries them out."""

import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor

import pytest

from pledgebook.errors import InputError
from pledgebook.intake.tasks import carry_out


def late(seconds: float, name: str) -> str:
    time.sleep(seconds)
    return name


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_come_in_the_order_of_their_calls(workers):
    calls = [(0.05, "first"), (0.0, "second"), (0.02, "third")]
    if not workers:
        assert carry_out(late, calls, None) == ["first", "second", "third"]
        return
    with ThreadPoolExecutor(workers) as executor:
        assert carry_out(late, calls, executor) == ["first", "second", "third"]


def test_progress_is_told_before_the_first_task_and_after_each():
    with ThreadPoolExecutor(2) as executor:
        heard = []
        carry_out(late, [(0, "a"), (0, "b")], executor, lambda *step: heard.append(step))
        assert heard == [(0, 2), (1, 2), (2, 2)]
    heard = []
    carry_out(late, [(0, "a"), (0, "b")], None, lambda *step: heard.append(step))
    assert heard == [(0, 2), (1, 2), (2, 2)]
    assert carry_out(late, [], None, lambda *_: pytest.fail("there is nothing to tell")) == []


class Idle(Executor):
    """Workers that fail at the first task and never begin the others."""

    def __init__(self) -> None:
        self.futures: list[Future] = []

    def submit(self, function, /, *arguments, **named) -> Future:
        self.futures.append(Future())
        if len(self.futures) == 1:
            self.futures[0].set_exception(InputError("people.csv: damaged"))
        return self.futures[-1]


def test_a_fault_ends_it_and_takes_back_what_nobody_has_begun():
    idle = Idle()
    with pytest.raises(InputError, match="damaged"):
        carry_out(late, [(0, "a"), (0, "b"), (0, "c")], idle)
    assert [future.cancelled() for future in idle.futures] == [False, True, True]
