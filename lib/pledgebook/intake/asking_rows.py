"""Rows that ask what their person had answered: messages and disclosures, and what intake makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from pledgebook.consent import CAN_GRANT, CONSENT_STATES
from pledgebook.disclosure_states import DISCLOSURE_STATES, ON_CONSENT, build_disclosure_states
from pledgebook.intake.cutting import ROW_GROUP
from pledgebook.intake.standing import Lines
from pledgebook.intake.states import scan_states
from pledgebook.message_states import MESSAGE_STATES, TALLIES, build_message_states, marketing_purpose, tally_messages
from pledgebook.policy import Policy

SENT = "message_states"
IN_GROUP = 16_384
"""Rows of a group: messages to people who had refused stand first, and whoever asks for them passes over the others."""


@dataclass(frozen=True)
class Asking:
    """Rows of a table, dated by `when`, of which those ask where `asks` holds; the states that are made of them.

    schema: of the states. made: the tables made of the rows, first the states, then what is counted of them. purposes:
    those for which rows ask. can_answer: the consent states that answer any row. build: the states of rows, in their
    order. files: each table of `made`, of a month's states, with its rows as a file holds them and how many are in a group.
    """

    table: str
    when: str
    asks: pl.Expr
    schema: pl.Schema
    made: tuple[str, ...]
    purposes: Callable[[pl.LazyFrame, Policy], list[str]]
    can_answer: pl.Expr
    build: Callable[[pl.LazyFrame, pl.LazyFrame, Policy], pl.DataFrame]
    files: Callable[[pl.DataFrame, Policy], Iterator[tuple[str, pl.DataFrame, int]]]

    @property
    def states(self) -> str:
        """The table of the states."""
        return self.made[0]


def tallies_of(file: Path) -> dict[str, Path]:
    """Return the files of the tallies of a file of message states, by their table; none for a file of anything else."""
    folder, shard, month = file.parts[-3:]
    return {table: file.parents[2] / table / shard / month for table in TALLIES} if folder == SENT else {}


@dataclass(frozen=True)
class Consent:
    """Consent states of a shard that can answer rows, of all its people or of these; read once, where a purpose is asked for."""

    lines: Lines
    stores: Path
    can_answer: pl.Expr
    people: pl.DataFrame | None = None
    read: dict[str, pl.DataFrame] = field(default_factory=dict, init=False)

    def to(self, purposes: Sequence[str]) -> pl.LazyFrame:
        """Return the states of these purposes."""
        for purpose in purposes:
            if purpose not in self.read:
                states = scan_states(self.lines, self.stores, purpose, self.people).filter(self.can_answer)
                self.read[purpose] = states.collect(engine="streaming")
        told = [self.read[purpose].lazy() for purpose in purposes]
        return pl.concat([CONSENT_STATES.to_frame().lazy(), *told])


def _purposes_of_disclosures(rows: pl.LazyFrame, _: Policy) -> list[str]:
    asked = rows.filter(ON_CONSENT).select(pl.col("purpose").cast(pl.String).unique())
    return sorted(asked.collect(engine="streaming")["purpose"].drop_nulls())


def _refused_first(states: pl.DataFrame, policy: Policy) -> Iterator[tuple[str, pl.DataFrame, int]]:
    yield SENT, states.sort(pl.col("withdrawn_at").is_null(), maintain_order=True), IN_GROUP
    for table, told in tally_messages(states.lazy(), policy.timezone).items():
        yield table, told, ROW_GROUP


MESSAGES = Asking(
    table="messages",
    when="sent_at",
    asks=pl.col("category") == "marketing",
    schema=MESSAGE_STATES,
    made=(SENT, *TALLIES),
    purposes=lambda _, policy: [marketing_purpose(policy)],
    can_answer=pl.col("recipient").is_null(),
    build=build_message_states,
    files=_refused_first,
)
DISCLOSURES = Asking(
    table="disclosures",
    when="disclosed_at",
    asks=ON_CONSENT,
    schema=DISCLOSURE_STATES,
    made=("disclosure_states",),
    purposes=_purposes_of_disclosures,
    can_answer=CAN_GRANT,
    build=lambda rows, consent, _: build_disclosure_states(rows, consent),
    files=lambda states, _: iter([("disclosure_states", states, ROW_GROUP)]),
)
ASKING = (MESSAGES, DISCLOSURES)
