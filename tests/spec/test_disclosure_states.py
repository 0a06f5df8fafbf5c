"""Every disclosure beside what its person had agreed to at the instant of it."""

import polars as pl

from asking import policy, table
from pledgebook.consent import all_consent_events
from pledgebook.consent_states import build_consent_states
from pledgebook.disclosure_states import DISCLOSURE_STATES, GIVEN, build_disclosure_states

ANSWERS = """
person | purpose  | channel | recipient | action   | at
1      | research | any     | -         | grant    | 2026-09-01T00:00:00
1      | research | any     | partner   | withdraw | 2026-09-05T00:00:00
2      | research | email   | -         | grant    | 2026-09-01T00:00:00
"""
DISCLOSED = """
disclosure_id | person | recipient | basis   | purpose  | items | disclosed_at               | legal_reference | is_recorded
d6            | 3      | partner   | consent | research | email | 2026-09-06T00:00:00        | false           | true
d1            | 1      | partner   | consent | research | email | 2026-09-04T23:59:59.999999 | false           | true
d2            | 1      | partner   | consent | research | email | 2026-09-05T00:00:00        | false           | true
d3            | 1      | print     | consent | research | email | 2026-09-05T00:00:00        | false           | -
d4            | 1      | court     | law     | research | email | 2026-09-05T00:00:00        | true            | true
d5            | 2      | print     | consent | research | email | 2026-09-05T00:00:00        | false           | true
d7            | 1      | print     | consent | resale   | email | 2026-09-05T00:00:00        | false           | true
"""


def told(rows: str) -> pl.DataFrame:
    rules = policy()
    requests = table("requests", "request_id | person | kind | received_at").lazy()
    events = all_consent_events(table("consent_events", ANSWERS).lazy(), requests, rules)
    states = build_consent_states(events, rules)
    return build_disclosure_states(table("disclosures", rows).lazy(), states.lazy())


def test_consent_is_that_of_the_instant_the_purpose_and_the_recipient_and_is_asked_of_no_other_basis():
    assert told(DISCLOSED).select("disclosure_id", "is_granted").rows() == [
        ("d6", False), ("d1", True), ("d2", False), ("d3", True), ("d4", None), ("d5", False), ("d7", False),
    ]  # fmt: skip


def test_a_disclosure_keeps_all_that_its_row_says():
    rows = told(DISCLOSED)
    assert rows.schema == DISCLOSURE_STATES
    given = table("disclosures", DISCLOSED).select(GIVEN)
    assert rows.drop("is_granted").equals(given)


def test_where_nothing_was_disclosed_there_is_no_row():
    assert told(DISCLOSED.splitlines()[1]).equals(DISCLOSURE_STATES.to_frame())
