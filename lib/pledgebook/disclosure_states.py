"""Building `disclosure_states`: every disclosure, and whether its person had consented to it at the instant of it.

What somebody had answered by then does not change with the period or with as-of, so that it is found once, at intake.
"""

from __future__ import annotations

import polars as pl

from pledgebook.consent import CAN_GRANT, CHANNEL, find_states_of_recipients
from pledgebook.tables import TABLES, UTC_MICROSECONDS

DISCLOSURE_STATES = pl.Schema(
    {
        "disclosure_id": pl.String(),
        "person": pl.UInt64(),
        "recipient": pl.String(),
        "basis": pl.Enum(TABLES["disclosures"].choices("basis")),
        "purpose": pl.String(),
        "items": pl.String(),
        "disclosed_at": UTC_MICROSECONDS,
        "legal_reference": pl.Boolean(),
        "is_recorded": pl.Boolean(),
        "is_granted": pl.Boolean(),
    }
)
GIVEN = [name for name in DISCLOSURE_STATES.names() if name != "is_granted"]
ON_CONSENT = pl.col("basis") == "consent"
ASKED = ("row", "person", "purpose", "recipient", "disclosed_at")


def build_disclosure_states(disclosures: pl.LazyFrame, states: pl.LazyFrame) -> pl.DataFrame:
    """Return one row per disclosure, in their order, with `is_granted`: null where its basis is not consent.

    disclosures: rows of the table; states: as `build_consent_states` gives them, of which those that `CAN_GRANT` are read.
    A lane of the recipient's own answers, else the one of no recipient.
    """
    rows = disclosures.select(GIVEN).collect(engine="streaming")
    asks = rows.lazy().with_row_index("row").filter(ON_CONSENT).select(*ASKED)
    on_any = asks.with_columns(pl.lit("any", dtype=CHANNEL).alias("channel"))
    found = find_states_of_recipients(on_any, states.filter(CAN_GRANT), "disclosed_at")
    nowhere = pl.repeat(None, rows.height, dtype=pl.Boolean, eager=True)
    return rows.with_columns(nowhere.scatter(found["row"], found["state"] == "granted").alias("is_granted"))
