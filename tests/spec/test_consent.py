"""State of consent: a few answers in, one state out, at every instant that could matter."""

from datetime import UTC, datetime, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from asking import policy, table
from pledgebook.consent import CHANNEL, all_consent_events, find_states_of_recipients
from pledgebook.consent_states import build_consent_states
from pledgebook.tables import CHANNELS, UTC_MICROSECONDS

HEAD = "person | purpose | channel | recipient | action | at | expires_at | notice_version\n"
NOTICES = [{"id": "2025-04", "valid_until": "2026-07-01"}, {"id": "2026-01"}]
BASE = {"clause": "", "title": "", "needs_consent": True}
PURPOSES = [
    BASE | {"id": "marketing"},
    BASE | {"id": "yearly", "valid_days": 365},
    BASE | {"id": "versioned", "notice_versions": NOTICES, "valid_days": 730},
]
RULES = policy(purpose=PURPOSES)


def states(events: str = "", requests: str = ""):
    told = table("consent_events", HEAD + events) if events else table("consent_events", HEAD)
    asked = table("requests", "request_id | person | kind | received_at\n" + requests)
    return build_consent_states(all_consent_events(told.lazy(), asked.lazy(), RULES), RULES)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text + "+09:00").astimezone(UTC)


def ask(intervals, at: str, purpose="marketing", channel="email", recipient=None, person=1):
    asks = pl.LazyFrame(
        {"person": [person], "purpose": [purpose], "channel": [channel], "recipient": [recipient], "at": [local(at)]},
        schema={"person": pl.UInt64, "purpose": pl.String, "channel": pl.String, "recipient": pl.String, "at": UTC_MICROSECONDS},
    )  # fmt: skip
    return find_states_of_recipients(asks, intervals.lazy(), "at").row(0, named=True)


def state(*arguments, **named) -> str:
    return ask(*arguments, **named)["state"]


def test_whoever_never_answered_was_never_asked():
    grant = states("1 | marketing | email | - | grant | 2026-09-01T00:00:00 | - | -")
    assert state(grant, "2026-08-31T23:59:59.999999") == "never_asked"
    assert state(grant, "2026-09-01T00:00:00") == "granted"
    assert state(grant, "2026-09-01T00:00:00", channel="sms") == "never_asked"
    assert state(grant, "2026-09-01T00:00:00", purpose="yearly") == "never_asked"
    assert state(grant, "2026-09-01T00:00:00", person=2) == "never_asked"
    assert state(grant, "2026-09-01T00:00:00", channel="any") == "never_asked"


def test_the_latest_answer_decides_and_at_one_instant_the_withdraw():
    told = states("""1 | marketing | email | - | grant    | 2026-09-01T00:00:00 | - | -
1 | marketing | email | - | withdraw | 2026-09-02T00:00:00 | - | -
1 | marketing | email | - | grant    | 2026-09-03T00:00:00 | - | -
1 | marketing | email | - | withdraw | 2026-09-03T00:00:00 | - | -""")
    assert [state(told, f"2026-09-0{day}T00:00:00") for day in (1, 2, 3)] == ["granted", "withdrawn", "withdrawn"]
    # the grant at the very instant of a withdraw begins a new run of opt-outs
    assert ask(told, "2026-09-02T12:00:00")["withdrawn_at"] == local("2026-09-02T00:00:00")
    assert ask(told, "2026-09-03T12:00:00")["withdrawn_at"] == local("2026-09-03T00:00:00")


def test_repeated_withdraws_are_one_run_that_begins_with_the_first():
    told = states("""1 | marketing | any   | - | withdraw | 2026-09-01T00:00:00 | - | -
1 | marketing | email | - | withdraw | 2026-09-02T00:00:00 | - | -""")
    assert ask(told, "2026-09-05T00:00:00")["withdrawn_at"] == local("2026-09-01T00:00:00")


def test_any_covers_every_channel_and_is_covered_by_itself_alone():
    told = states("""1 | marketing | any   | - | grant    | 2026-09-01T00:00:00 | - | -
1 | marketing | email | - | withdraw | 2026-09-02T00:00:00 | - | -
1 | marketing | any   | - | grant    | 2026-09-03T00:00:00 | - | -""")
    at = "2026-09-02T12:00:00"
    assert [state(told, at, channel=channel) for channel in ("email", "sms", "any")] == [
        "withdrawn",
        "granted",
        "granted",
    ]
    assert state(told, "2026-09-03T00:00:00") == "granted"


def test_an_answer_for_all_recipients_covers_each_and_one_for_a_recipient_covers_no_other():
    told = states("""1 | marketing | any | -    | grant    | 2026-09-01T00:00:00 | - | -
1 | marketing | any | acme | withdraw | 2026-09-02T00:00:00 | - | -""")
    at = "2026-09-03T00:00:00"
    assert [state(told, at, channel="any", recipient=name) for name in ("acme", "other", None)] == [
        "withdrawn",
        "granted",
        "granted",
    ]


def test_a_request_to_opt_out_of_marketing_withdraws_on_every_channel_whatever_its_outcome():
    told = states(
        "1 | marketing | email | - | grant | 2026-09-01T00:00:00 | - | -",
        "r1 | 1 | marketing_opt_out | 2026-09-02T00:00:00\nr2 | 1 | deletion | 2026-09-01T12:00:00",
    )
    assert [state(told, at) for at in ("2026-09-01T23:59:59.999999", "2026-09-02T00:00:00")] == ["granted", "withdrawn"]
    assert state(told, "2026-09-02T00:00:00", channel="any") == "withdrawn"


@pytest.mark.parametrize(
    ("grant", "at", "expected"),
    [
        ("yearly | email | - | grant | 2025-09-01T12:00:00 | - | -", "2026-09-01T11:59:59.999999", "granted"),
        ("yearly | email | - | grant | 2025-09-01T12:00:00 | - | -", "2026-09-01T12:00:00", "expired"),
        ("marketing | email | - | grant | 2025-09-01T12:00:00 | 2026-01-01T00:00:00 | -", "2025-12-31T23:59:59.999999", "granted"),
        ("marketing | email | - | grant | 2025-09-01T12:00:00 | 2026-01-01T00:00:00 | -", "2026-01-01T00:00:00", "expired"),
        ("marketing | email | - | grant | 2025-09-01T12:00:00 | 2025-09-01T12:00:00 | -", "2025-09-01T12:00:00", "expired"),
        ("marketing | email | - | grant | 2025-09-01T12:00:00 | 2025-08-01T12:00:00 | -", "2025-09-01T12:00:00", "expired"),
        ("versioned | email | - | grant | 2026-02-01T00:00:00 | - | 2025-04", "2026-06-30T23:59:59.999999", "granted"),
        ("versioned | email | - | grant | 2026-02-01T00:00:00 | - | 2025-04", "2026-07-01T00:00:00", "outdated"),
        ("versioned | email | - | grant | 2026-02-01T00:00:00 | - | 2026-01", "2026-07-01T00:00:00", "granted"),
        ("versioned | email | - | grant | 2026-02-01T00:00:00 | - | 2024-01", "2026-02-01T00:00:00", "outdated"),
        ("versioned | email | - | grant | 2026-02-01T00:00:00 | - | -", "2026-02-01T00:00:00", "outdated"),
        ("versioned | email | - | grant | 2026-02-01T00:00:00 | 2026-06-01T00:00:00 | -", "2026-06-01T00:00:00", "expired"),
        ("unheard | email | - | grant | 2020-02-01T00:00:00 | - | -", "2026-06-01T00:00:00", "granted"),
    ],
)  # fmt: skip
def test_grants_expire_and_are_outdated_at_their_instant(grant, at, expected):
    purpose = grant.split(" |")[0]
    assert state(states(f"1 | {grant}"), at, purpose=purpose) == expected


def test_of_several_grants_at_one_instant_the_weakest_proof_counts():
    told = states("""1 | versioned | email | - | grant | 2026-02-01T00:00:00 | - | 2026-01
1 | versioned | any   | - | grant | 2026-02-01T00:00:00 | 2026-03-01T00:00:00 | 2025-04""")
    at = [f"2026-0{month}-01T00:00:00" for month in (2, 3)]
    assert [state(told, each, purpose="versioned") for each in at] == ["granted", "expired"]
    # but the lane of channel any has its own grant alone
    alone = states("1 | versioned | email | - | grant | 2026-02-01T00:00:00 | - | 2024-01")
    assert state(alone, at[0], purpose="versioned", channel="any") == "never_asked"


DAY = datetime(2026, 1, 1, tzinfo=UTC)
EVENT = st.tuples(
    st.sampled_from(["marketing", "yearly", "versioned"]),
    st.sampled_from(["any", "email", "sms"]),
    st.sampled_from([None, None, "acme"]),
    st.sampled_from(["grant", "withdraw"]),
    st.integers(0, 5),
    st.sampled_from([None, 0, 2, 4]),
    st.sampled_from([None, "2025-04", "2026-01"]),
)
NARROW = EVENT.filter(lambda event: event[1] == "any" or event[2] is None)


def by_hand(events, purpose, channel, recipient, at) -> str:
    """The rules of the definitions, word by word; days are counted from the first of January 2026, UTC."""
    covering = [
        e for e in events if e[0] == purpose and e[1] in ("any", channel) and e[2] in (None, recipient) and e[4] <= at
    ]
    if not covering:
        return "never_asked"
    latest = max(event[4] for event in covering)
    deciding = [event for event in covering if event[4] == latest]
    if any(event[3] == "withdraw" for event in deciding):
        return "withdrawn"
    if any(event[5] is not None and event[5] <= at for event in deciding):
        return "expired"
    if purpose == "versioned" and any(event[6] != "2026-01" for event in deciding):
        listed_until_summer = all(event[6] in ("2025-04", "2026-01") for event in deciding)
        return "granted" if listed_until_summer else "outdated"
    return "granted"


@settings(max_examples=60, deadline=None)
@given(st.lists(NARROW, max_size=7))
def test_every_state_is_what_the_rules_say(events):
    rows = [
        {"person": 1, "purpose": p, "channel": c, "recipient": r, "action": a, "at": DAY + timedelta(days=at),
         "expires_at": None if until is None else DAY + timedelta(days=until), "notice_version": version}
        for p, c, r, a, at, until, version in events
    ]  # fmt: skip
    schema = {"person": pl.UInt64, "purpose": pl.String, "channel": CHANNEL, "recipient": pl.String,
              "action": pl.Enum(["grant", "withdraw"]), "at": UTC_MICROSECONDS, "expires_at": UTC_MICROSECONDS,
              "notice_version": pl.String}  # fmt: skip
    intervals = build_consent_states(pl.LazyFrame(rows, schema=schema), RULES)
    asked = [
        (purpose, channel, recipient, at)
        for purpose in ("marketing", "yearly", "versioned")
        for channel in ("any", "email", "sms", "push")
        for recipient in (None, "acme", "other")
        for at in range(7)
        if channel == "any" or recipient is None
    ]
    asks = pl.LazyFrame(
        [(1, p, c, r, DAY + timedelta(days=at), at) for p, c, r, at in asked],
        schema={"person": pl.UInt64, "purpose": pl.String, "channel": pl.String, "recipient": pl.String,
                "at": UTC_MICROSECONDS, "day": pl.Int64}, orient="row",
    )  # fmt: skip
    found = find_states_of_recipients(asks, intervals.lazy(), "at")
    told = {tuple(row[:4]): row[4] for row in found.select("purpose", "channel", "recipient", "day", "state").rows()}
    assert len(found) == len(asked)
    assert told == {(p, c, r, at): by_hand(events, p, c, r, at) for p, c, r, at in asked}


@settings(max_examples=30, deadline=None)
@given(st.lists(NARROW, min_size=1, max_size=7))
def test_the_intervals_of_a_lane_leave_no_gap(events):
    lines = [
        f"1 | {p} | {c} | {r or '-'} | {a} | 2026-01-0{at + 1}T00:00:00 | - | {version or '-'}"
        for p, c, r, a, at, _, version in events
    ]
    lane = ["person", "purpose", "channel", "recipient"]
    for _, part in states("\n".join(lines)).sort("since").group_by(lane):
        assert part["until"][:-1].to_list() == part["since"][1:].to_list()
        assert (part["since"][0].year, part["until"][-1].year) == (1, 9999)


def test_every_channel_is_known():
    assert CHANNELS[0] == "any"
    assert CHANNEL.categories.to_list() == list(CHANNELS)
