"""The copy for mutmut means what the project means, and holds no decorated function."""

import ast

import pytest

from tests.mutation.workplace import ROOT, undecorated

SOURCE = """
from functools import cached_property, lru_cache

@lru_cache(maxsize=2)
def doubled(number):
    return 2 * number

class Law:
    @property
    def name(self):
        return "LAND"

    @cached_property
    def words(self):
        return ("access",)
"""


def test_a_decorator_stands_after_its_function_and_means_the_same():
    names = {}
    exec(undecorated(SOURCE), names)
    assert (names["doubled"](3), names["doubled"].cache_info().maxsize) == (6, 2)
    law = names["Law"]()
    assert (law.name, law.words, "words" in vars(law)) == ("LAND", ("access",), True)


@pytest.mark.parametrize("part", ["deadlines", "metrics"])
def test_no_function_of_the_library_keeps_a_decorator(part):
    for module in (ROOT / "lib" / "pledgebook" / part).glob("*.py"):
        tree = ast.parse(undecorated(module.read_text(encoding="utf-8")))
        kept = [node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.decorator_list]
        assert kept == [], module
