"""The scorecard: cannot tell, not applicable, kept, broken, in this order; never kept from nothing."""

from datetime import UTC, datetime

import pytest
from intake.exporting import CONSENT, KEY, MESSAGES, PEOPLE, POLICY, REQUESTS, csv, message, write

from pledgebook.book import open_book

PROMISES = """
[[promise]]
id = "opt-out"
clause = "(2)"
title = "Nobody gets advertising after saying no"
figure = "marketing_messages[month=all, channel=all, campaign=all].after_opt_out"
at_most = 0

[[promise]]
id = "ratio"
clause = "(2)"
title = "Hardly anybody"
figure = "marketing_messages[month=all, channel=all, campaign=all].violation_ratio"
at_most = 0.25

[[promise]]
id = "coverage"
clause = "(2)"
title = "Half of them agree"
figure = "consent_coverage[purpose=marketing, channel=any, kind=all].coverage"
at_least = 0.5

[[promise]]
id = "on-time"
clause = "(5)"
title = "Requests are answered in time"
figure = "request_turnaround[regime=APPI, kind=all].on_time_ratio"
at_least = 1

[[promise]]
id = "complaints"
clause = "(5)"
title = "Complaints are answered in time"
figure = "request_turnaround[regime=APPI, kind=complaint].on_time_ratio"
at_least = 1

[[promise]]
id = "courts"
clause = "(9)"
title = "The courts of Tokyo"
reason = "no record can prove it"

[requests]
promised_days = { default = 14 }
"""
NOW = datetime(2026, 12, 1, tzinfo=UTC)
AT = "2026-09-10T00:00:00Z"
PEOPLE_ROWS = [f"p{n},customer,JP,2026-01-01T00:00:00Z," for n in (1, 2, 3, 4)]
ANSWERS = [
    "p1,marketing,any,grant,2026-02-01T00:00:00Z",
    "p2,marketing,any,grant,2026-02-01T00:00:00Z",
    "p3,marketing,any,grant,2026-02-01T00:00:00Z",
    "p3,marketing,any,withdraw,2026-09-01T00:00:00Z",
]
MAIL = [message(n, AT) for n in (1, 2)]
AFTER_OPT_OUT = message(3, AT)
ASKED = ["r1,p1,deletion,2026-09-01T00:00:00Z,2026-09-05T00:00:00Z,fulfilled"]
GOOD = {
    "people.csv": csv(PEOPLE, *PEOPLE_ROWS),
    "consent_events.csv": csv(CONSENT, *ANSWERS),
    "messages.csv": csv(MESSAGES, *MAIL),
    "requests.csv": csv(REQUESTS, *ASKED),
}


def scorecard(tmp_path, files, *, policy=POLICY + PROMISES, period="2026-09", **how):
    write(tmp_path / "exports", files)
    (tmp_path / "policy.toml").write_text(policy)
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    book = open_book(
        tmp_path / "exports", period, policy=tmp_path / "policy.toml", now=NOW, environment=environment, **how
    )
    return {row["promise"]: row for row in book.scorecard().to_dicts()}


def verdicts(tmp_path, files, **how):
    return {promise: row["verdict"] for promise, row in scorecard(tmp_path, files, **how).items()}


def test_good_records_keep_their_promises(tmp_path):
    rows = scorecard(tmp_path, GOOD)
    assert {promise: row["verdict"] for promise, row in rows.items()} == {
        "opt-out": "kept", "ratio": "kept", "coverage": "kept", "on-time": "kept", "complaints": "not applicable",
        "courts": "cannot tell",
    }  # fmt: skip
    assert (rows["opt-out"]["value"], rows["opt-out"]["denominator"]) == (0, 2)
    assert (rows["coverage"]["numerator"], rows["coverage"]["denominator"], rows["coverage"]["value"]) == (2, 4, 2 / 4)
    assert rows["courts"]["reason"] == "no record can prove it"
    assert rows["on-time"]["target"] == "at least 1"
    assert rows["opt-out"]["target"] == "at most 0"


def test_a_violation_breaks_its_promise_and_the_target_itself_does_not(tmp_path):
    mail = [*MAIL, AFTER_OPT_OUT, message(4, AT, person_id="p1")]
    rows = scorecard(tmp_path, GOOD | {"messages.csv": csv(MESSAGES, *mail)})
    assert (rows["opt-out"]["verdict"], rows["opt-out"]["value"]) == ("broken", 1)
    assert (rows["ratio"]["verdict"], rows["ratio"]["value"]) == ("kept", 1 / 4)
    assert rows["coverage"]["verdict"] == "kept"


def test_a_verdict_is_decided_on_exact_figures(tmp_path):
    answers = [*ANSWERS, "p1,marketing,any,withdraw,2026-09-02T00:00:00Z"]
    assert verdicts(tmp_path, GOOD | {"consent_events.csv": csv(CONSENT, *answers)})["coverage"] == "broken"
    third = POLICY + PROMISES.replace("at_most = 0.25", "at_most = 0.333333333333333333")
    mail = [*MAIL, AFTER_OPT_OUT]
    assert verdicts(tmp_path, GOOD | {"messages.csv": csv(MESSAGES, *mail)}, policy=third)["ratio"] == "broken"


@pytest.mark.parametrize("how", ["missing", "header alone", "all in quarantine"])
def test_without_a_table_nobody_can_tell(tmp_path, how):
    files = dict(GOOD)
    del files["messages.csv"]
    if how != "missing":
        files["messages.csv"] = csv(MESSAGES, *([message(1, "never")] if how == "all in quarantine" else []))
    rows = scorecard(tmp_path, files)
    assert rows["opt-out"]["verdict"] == "cannot tell"
    assert rows["opt-out"]["reason"] == "table messages is missing, empty or all in quarantine"
    assert rows["opt-out"]["value"] is None
    assert (rows["coverage"]["verdict"], rows["on-time"]["verdict"]) == ("kept", "kept")


def test_a_period_without_a_case_is_not_applicable(tmp_path):
    assert verdicts(tmp_path, GOOD, period="2026-03") == {
        "opt-out": "not applicable", "ratio": "not applicable", "coverage": "kept", "on-time": "not applicable",
        "complaints": "not applicable", "courts": "cannot tell",
    }  # fmt: skip


@pytest.mark.parametrize(("bad", "expected"), [(1, "kept"), (2, "cannot tell")])
def test_more_quarantined_rows_than_the_policy_allows_leave_it_open(tmp_path, bad, expected):
    # 4 answers, 1 request and 2 + 42 + bad messages: one in fifty is the limit, and exactly the limit is allowed
    mail = [
        *MAIL,
        *[message(n, AT, person_id="p1") for n in range(10, 52)],
        *[message(90 + n, "never") for n in range(bad)],
    ]
    rows = scorecard(tmp_path, GOOD | {"messages.csv": csv(MESSAGES, *mail)})
    assert rows["opt-out"]["verdict"] == expected
    assert rows["coverage"]["verdict"] == "kept"


def test_exactly_the_allowed_part_in_quarantine_is_allowed(tmp_path):
    policy = POLICY.replace('regime = "APPI"', 'regime = "APPI"\nmax_quarantined_ratio = 0.1', 1) + PROMISES
    asked = [f"r{n},p1,deletion,2026-09-01T00:00:00Z,2026-09-05T00:00:00Z,fulfilled" for n in range(9)]
    files = GOOD | {"requests.csv": csv(REQUESTS, *asked, "r9,p1,deletion,never,,")}
    assert verdicts(tmp_path, files, policy=policy)["on-time"] == "kept"
    files = GOOD | {"requests.csv": csv(REQUESTS, *asked[1:], "r9,p1,deletion,never,,")}
    assert verdicts(tmp_path, files, policy=policy)["on-time"] == "cannot tell"


@pytest.mark.parametrize(
    ("name", "lines"),
    [
        ("consent_events.csv", ["p4,marketing,email,withdraw,never"]),
        ("consent_events.csv", ["p4,marketing,email,revoked,2026-09-01T00:00:00Z"]),
        ("requests.csv", ["r8,p4,marketing_opt_out,never,,"]),
        ("requests.csv", ["r8,p4,marketing_opt_out,2026-09-01T00:00:00Z,,", "r8,p4,marketing_opt_out,2026-09-02T00:00:00Z,,"]),
        ("suppressions.csv", ["p4,email,mailer,never,"]),
    ],
    ids=["withdraw", "unknown action", "request", "contradicting requests", "suppression"],
)  # fmt: skip
def test_one_lost_opt_out_is_enough_not_to_tell(tmp_path, name, lines):
    policy = POLICY.replace('regime = "APPI"', 'regime = "APPI"\nmax_quarantined_ratio = 0.9', 1) + PROMISES
    header = {"consent_events.csv": CONSENT, "requests.csv": REQUESTS}.get(
        name, "person_id,channel,system,added_at,removed_at"
    )
    text = GOOD.get(name, header + "\n") + "\n".join([*lines, ""])
    rows = scorecard(tmp_path, GOOD | {name: text}, policy=policy)
    assert rows["opt-out"]["verdict"] == "cannot tell"
    assert "are, or may be, opt-outs" in rows["opt-out"]["reason"]
    assert rows["on-time"]["verdict"] == "kept"


def test_a_lost_grant_is_no_lost_opt_out(tmp_path):
    policy = POLICY.replace('regime = "APPI"', 'regime = "APPI"\nmax_quarantined_ratio = 0.9', 1) + PROMISES
    files = GOOD | {"consent_events.csv": csv(CONSENT, *ANSWERS, "p4,marketing,email,grant,never")}
    assert verdicts(tmp_path, files, policy=policy)["opt-out"] == "kept"


def test_a_silent_feed_leaves_it_open(tmp_path):
    withdraws = [
        f"q{month}-{n},marketing,email,withdraw,2026-{month:02}-05T00:00:00Z"
        for month in range(3, 9)
        for n in range(25)
    ]
    files = GOOD | {"consent_events.csv": csv(CONSENT, *ANSWERS, *withdraws)}
    row = scorecard(tmp_path, files)["opt-out"]
    assert row["verdict"] == "cannot tell"
    assert row["reason"] == "the feed consent_events (withdraw) is silent: 1 rows where 25 are usual"


def test_the_verdict_of_the_period_before_stands_beside(tmp_path):
    earlier = tmp_path / "reports" / "2026-08" / "tables"
    earlier.mkdir(parents=True)
    write(tmp_path / "exports", GOOD)
    (tmp_path / "policy.toml").write_text(POLICY + PROMISES)
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    where = {"policy": tmp_path / "policy.toml", "now": NOW, "environment": environment}
    open_book(tmp_path / "exports", "2026-08", **where).scorecard().write_parquet(earlier / "scorecard.parquet")
    row = scorecard(tmp_path, GOOD, out=tmp_path / "reports" / ".runs" / "x")["coverage"]
    assert (row["previous_verdict"], row["previous_value"]) == ("kept", 3 / 4)
    assert scorecard(tmp_path, GOOD)["coverage"]["previous_verdict"] is None
