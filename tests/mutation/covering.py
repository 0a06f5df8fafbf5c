"""A pytest plugin for mutmut: which test reaches which function, also through a cache or a shared fixture.

mutmut runs against a mutant only the tests that were seen to call its function. A cached function is called by the
first test that needs it, and a session's fixture is built for the first one: without this plugin the others would
never be asked. Clocks are judged by the tests of clocks alone, all else by the others. The quickest tests come first.
"""

import functools
import gc
import json
import os
from pathlib import Path

import pytest

reached_by_fixture: dict[str, set[str]] = {}


def is_looking() -> bool:
    return os.environ.get("MUTANT_UNDER_TEST") == "stats"


def is_judged_by(item: pytest.Item, name: str) -> bool:
    """Whether a test speaks about what a module or function of this name does."""
    return (".deadlines" in name) == item.nodeid.startswith("tests/deadlines")


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef):
    if not is_looking():
        return (yield)
    from mutmut.state import state

    before, state()._stats = set(state()._stats), set()
    try:
        return (yield)
    finally:
        reached_by_fixture[fixturedef.argname] = set(state()._stats)
        state()._stats = before | state()._stats


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item):
    if is_looking():
        forget(item)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_teardown(item):
    if is_looking():
        from mutmut.state import state

        for name in item.fixturenames:
            state()._stats |= reached_by_fixture.get(name, set())
        state()._stats = {name for name in state()._stats if is_judged_by(item, name)}


def forget(item: pytest.Item) -> None:
    """Empty every cache of the functions and properties that the test speaks about."""
    for thing in gc.get_objects():
        if isinstance(thing, functools._lru_cache_wrapper):
            if str(thing.__module__).startswith("pledgebook") and is_judged_by(item, thing.__module__):
                thing.cache_clear()
        elif str(getattr(type(thing), "__module__", "")).startswith("pledgebook"):
            for name, value in vars(type(thing)).items():
                if isinstance(value, functools.cached_property):
                    vars(thing).pop(name, None)


def pytest_collection_modifyitems(items):
    stats = Path("mutmut-stats.json")
    if stats.exists():
        seconds = json.loads(stats.read_text()).get("duration_by_test", {})
        items.sort(key=lambda item: seconds.get(item.nodeid, 0.0))
