"""What a self-test found: each kind of breach found or missed, and whether anything moved that should not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

FOUND, MISSED, NOT_APPLICABLE = "found", "missed", "not applicable"


@dataclass(frozen=True)
class Result:
    """What became of one kind of breach. `where`: the figures that had to show it; `reason`: why not found."""

    name: str
    title: str
    question: str
    world: str
    where: str
    verdict: str
    reason: str = ""


@dataclass(frozen=True)
class Outcome:
    """All kinds of breaches in the order of the catalogue. `moved`: figures that moved otherwise than planted.

    `raised`: kinds that the untouched exports raise. `fault`: why the self-test could not be run; empty when it was.
    """

    period: str
    results: tuple[Result, ...] = ()
    moved: tuple[str, ...] = ()
    raised: tuple[str, ...] = ()
    fault: str = ""

    def of(self, verdict: str) -> list[Result]:
        """Return the kinds with a verdict."""
        return [result for result in self.results if result.verdict == verdict]

    @property
    def is_sound(self) -> bool:
        """Whether all that could be planted was found, and nothing else."""
        planted = self.of(FOUND)
        return bool(planted) and not (self.of(MISSED) or self.moved or self.raised or self.fault)

    def sentences(self) -> list[str]:
        """Return the outcome in words, the most important last."""
        if self.fault:
            return [f"The self-test could not be run: {self.fault}"]
        found, missed = self.of(FOUND), self.of(MISSED)
        left_out = self.of(NOT_APPLICABLE)
        lines = [f"{len(left_out)} kinds are ruled out by the policy or the period"] if left_out else []
        lines += [f"moved, and nothing was planted there: {what}" for what in self.moved]
        if self.raised:
            lines.append(f"the untouched exports raise {', '.join(self.raised)}")
        else:
            lines.append("the untouched exports raise none of them")
        lines += [f"missed: {result.name} ({result.reason})" for result in missed]
        return [*lines, f"found {len(found)} of {len(found) + len(missed)}"]

    def as_dict(self) -> dict[str, Any]:
        """Return the outcome as plain values, as JSON has them."""
        return asdict(self) | {"is_sound": self.is_sound, "sentences": self.sentences()}


def read_outcome(told: Mapping[str, Any]) -> Outcome:
    """Return the outcome that `as_dict` told."""
    results: Iterable[dict[str, Any]] = told["results"]
    return Outcome(
        told["period"],
        tuple(Result(**result) for result in results),
        tuple(told["moved"]),
        tuple(told["raised"]),
        told["fault"],
    )
