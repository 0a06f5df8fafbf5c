"""The files of the built store, for whoever reads them without Pledgebook: DuckDB, and the bare scan.

All that the benchmark knows of the store's layout stands here, in the scripts `store_*.sql`, and nowhere else.
"""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.agreement import Figures
from benchmarks.questions import Place, Question

STATES = ("person", "purpose", "recipient", "since", "until", "state", "covers")
MESSAGES = ("person", "channel", "campaign", "sent_at", "state", "withdrawn_at")
PLACES = {"people": ("person", "region")}
OPT_OUTS = {"message_states": MESSAGES, **PLACES}
DISCLOSURES = ("person", "recipient", "basis", "purpose", "disclosed_at", "legal_reference", "is_recorded")
OTHERS = {
    "recipients": ("recipient", "kind", "country"),
    "contracts": ("recipient", "starts_on", "ends_on", "is_confidential", "is_equal_standard"),
}
MADE = {
    "opt-outs": OPT_OUTS,
    "opt-outs-month": OPT_OUTS,
    "coverage": {"people": ("person", "kind", "opened_at", "closed_at"), "consent_states": STATES},
    "turnaround": {
        "requests": ("person", "request_id", "kind", "received_at", "verified_at", "closed_at", "outcome"),
        "request_pauses": ("request_id", "paused_at", "resumed_at"),
    },
    "disclosures": {"disclosure_states": (*DISCLOSURES, "is_granted"), **OTHERS},
}
"""The columns with which a question is answered, of what intake made where it made something."""
SENT = {
    "messages": ("person", "channel", "campaign", "category", "sent_at"),
    "consent_states": (*STATES, "withdrawn_at"),
    **PLACES,
}
ASKED = MADE | {
    "opt-outs": SENT,
    "opt-outs-month": SENT,
    "disclosures": {"disclosures": DISCLOSURES, "consent_states": STATES, **OTHERS},
}
"""The columns that a question is about: rows, and the states of consent that it asks for."""
MONTHLY = ("messages", "message_states", "disclosures", "disclosure_states")
PURPOSES = {
    "opt-outs": ("marketing",),
    "opt-outs-month": ("marketing",),
    "coverage": ("marketing", "partner_offers", "product_improvement"),
    "disclosures": ("partner_offers", "product_improvement"),
    "turnaround": (),
}
SCRIPTS = {
    "opt-outs": ["store_opt_outs", "opt_outs"],
    "opt-outs-month": ["store_opt_outs", "opt_outs"],
    "disclosures": ["store_disclosures", "disclosures"],
}


def prepare(question: Question, place: Place, _: str) -> Callable[[], Figures]:
    """Return the work on an opened database in memory that sees the store's files."""
    from benchmarks.engines.duckdb_exports import ask, connect, plain_instants  # noqa: PLC0415

    connection = connect(question, place)
    for table in MADE[question.name]:
        files = place.stored(question)[table]
        source = f"read_parquet({files}, hive_partitioning = false)"
        told = connection.sql(f"SELECT * FROM {source}")
        connection.execute(f"CREATE VIEW {table} AS SELECT {plain_instants(told)} FROM {source}")
    return lambda: {question.name: ask(connection, SCRIPTS[question.name])}


def figures(_: Question, __: Place, result: Figures) -> Figures:
    """Return what the work told."""
    return result
