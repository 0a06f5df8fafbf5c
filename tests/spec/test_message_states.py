"""Every marketing message beside what its person had said when it was sent."""

from datetime import UTC, date, datetime

import polars as pl

from asking import policy, table
from pledgebook.consent import all_consent_events
from pledgebook.consent_states import build_consent_states
from pledgebook.message_states import (
    BY_CAMPAIGN,
    BY_SYSTEM,
    MESSAGE_STATES,
    TALLIES,
    build_message_states,
    tally_messages,
)

ANSWERS = """
person | purpose   | channel | action   | at
1      | marketing | email   | withdraw | 2026-09-01T12:00:00
1      | marketing | any     | withdraw | 2026-09-02T12:00:00
2      | marketing | any     | grant    | 2026-09-01T12:00:00
2      | research  | any     | withdraw | 2026-09-01T12:00:00
"""
SENT = """
message_id | person | channel | campaign | category  | system | sent_at
m4         | 3      | email   | autumn   | marketing | mailer | 2026-09-03T12:00:00
m1         | 1      | email   | autumn   | marketing | mailer | 2026-09-03T12:00:00
m2         | 1      | email   | receipts | service   | mailer | 2026-09-03T12:00:00
m3         | 2      | sms     | autumn   | marketing | -      | 2026-09-03T12:00:00
"""


def told(rules):
    requests = table("requests", "request_id | person | kind | received_at").lazy()
    events = all_consent_events(table("consent_events", ANSWERS).lazy(), requests, rules)
    states = build_consent_states(events, rules)
    return build_message_states(table("messages", SENT).lazy(), states.lazy(), rules)


def test_only_a_message_to_who_had_said_no_is_kept_by_name():
    first = datetime(2026, 9, 1, 3, tzinfo=UTC)
    shown = told(policy()).select("person", "channel", "system", "state", "withdrawn_at", "message_id")
    assert shown.rows() == [
        (3, "email", "mailer", "never_asked", None, None),
        (1, "email", "mailer", "withdrawn", first, "m1"),
        (2, "sms", None, "granted", None, None),
    ]


def test_messages_are_kept_in_the_columns_that_are_declared():
    assert told(policy()).schema == MESSAGE_STATES
    assert told(policy().model_copy(update={"marketing": None})).schema == MESSAGE_STATES


def test_where_nothing_is_promised_about_marketing_nobody_was_asked():
    nothing = policy().model_copy(update={"marketing": None})
    assert told(nothing)["state"].to_list() == ["never_asked"] * 3


def test_messages_are_tallied_by_the_local_day_of_their_sending():
    late = told(policy()).with_columns(sent_at=datetime(2026, 9, 3, 15, tzinfo=UTC))
    others = told(policy()).with_columns(campaign=pl.lit("winter"), system=pl.lit("other"))
    counted = tally_messages(pl.concat([told(policy()), late, late, others]).lazy(), "Asia/Tokyo")
    assert {name: rows.schema for name, rows in counted.items()} == TALLIES
    day, next_day = date(2026, 9, 3), date(2026, 9, 4)
    assert counted[BY_SYSTEM].select("date", "channel", "system", "state", "rows").sort(pl.all()).rows() == [
        (day, "email", "mailer", "withdrawn", 1),
        (day, "email", "mailer", "never_asked", 1),
        (day, "email", "other", "withdrawn", 1),
        (day, "email", "other", "never_asked", 1),
        (day, "sms", None, "granted", 1),
        (day, "sms", "other", "granted", 1),
        (next_day, "email", "mailer", "withdrawn", 2),
        (next_day, "email", "mailer", "never_asked", 2),
        (next_day, "sms", None, "granted", 2),
    ]
    assert counted[BY_CAMPAIGN].filter(pl.col("channel") == "sms").select("date", "campaign", "rows").sort(pl.all()).rows() == [
        (day, "autumn", 1), (day, "winter", 1), (next_day, "autumn", 2)
    ]  # fmt: skip


def test_of_no_message_nothing_is_tallied():
    counted = tally_messages(MESSAGE_STATES.to_frame().lazy(), "Asia/Tokyo")
    assert {name: (rows.schema, rows.height) for name, rows in counted.items()} == {
        name: (schema, 0) for name, schema in TALLIES.items()
    }
