"""A kind of breach: its name, what it is in plain words, the question that it belongs to, and how it is planted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import getdoc
from typing import Literal

from pledgebook.selftest.planting import Planting

Plant = Callable[[Planting], None]
World = Literal["copy", "small company", "sound company"]
"""Into what it is planted: a copy of the exports; a small company of its own, where it would disturb others; or one more
such company, in which nothing puts a verdict in doubt."""


@dataclass(frozen=True)
class Kind:
    """One kind of breach that the suite claims to find. `plant` raises NotApplicable where the policy rules it out."""

    name: str
    title: str
    question: str
    plant: Plant
    world: World = "copy"


def kinds_of(question: str, *plants: Plant, world: World = "copy") -> tuple[Kind, ...]:
    """Return one kind per planting function: named by the function, told by its docstring."""
    return tuple(Kind(plant.__name__.lstrip("_"), _title(plant), question, plant, world) for plant in plants)


def _title(plant: Plant) -> str:
    return (getdoc(plant) or plant.__name__).splitlines()[0].rstrip(".")
