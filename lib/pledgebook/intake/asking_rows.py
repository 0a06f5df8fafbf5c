"""Rows that ask what their person had answered: messages and disclosures, and what intake makes of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from pledgebook.consent import CAN_GRANT
from pledgebook.disclosure_states import DISCLOSURE_STATES, build_disclosure_states
from pledgebook.intake.cutting import ROW_GROUP
from pledgebook.intake.states import scan_states
from pledgebook.message_states import MESSAGE_STATES, TALLIES, build_message_states, marketing_purpose, tally_messages
from pledgebook.policy import Policy

Lines = list[dict[str, object]]
SENT = "message_states"
IN_GROUP = 16_384
"""Rows of a group: messages to people who had refused stand first, and whoever asks for them passes over the others."""


@dataclass(frozen=True)
class Asking:
    """Rows of a table, dated by `when`, of which those ask where `asks` holds; the states that are made of them.

    schema: of the states. made: the tables made of the rows, first the states, then what is counted of them. consent:
    the consent states that can answer, of the catalogue's lines of a shard. build: the states of rows, in their order.
    files: each table of `made`, of a month's states, with its rows as a file holds them and how many are in a group.
    """

    table: str
    when: str
    asks: pl.Expr
    schema: pl.Schema
    made: tuple[str, ...]
    consent: Callable[[Lines, Path, Policy], pl.LazyFrame]
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


def _consent_to_marketing(states: Lines, stores: Path, policy: Policy) -> pl.LazyFrame:
    return scan_states(states, stores, marketing_purpose(policy)).filter(pl.col("recipient").is_null())


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
    consent=_consent_to_marketing,
    build=build_message_states,
    files=_refused_first,
)
DISCLOSURES = Asking(
    table="disclosures",
    when="disclosed_at",
    asks=pl.col("basis") == "consent",
    schema=DISCLOSURE_STATES,
    made=("disclosure_states",),
    consent=lambda states, stores, _: scan_states(states, stores).filter(CAN_GRANT),
    build=lambda rows, consent, _: build_disclosure_states(rows, consent),
    files=lambda states, _: iter([("disclosure_states", states, ROW_GROUP)]),
)
ASKING = (MESSAGES, DISCLOSURES)
