"""The reason beside a verdict: which table, rows, feed or case it was; evidence in by hand, one promise out."""

from datetime import date, timedelta

import polars as pl
import pytest

from asking import ask, policy
from pledgebook.metrics.scorecard import SCORECARD, Evidence, judge_promises

MESSAGES = "marketing_messages[month=all, channel=all, campaign=all]"
REQUESTS = "request_turnaround[regime=APPI, kind=complaint]"
ALL_REQUESTS = "request_turnaround[regime=APPI, kind=all]"
GAP = "consent_gap[purpose=all]"
PROMISE = {"id": "p", "clause": "(2)", "title": "A promise"}
INTAKE = {"table": pl.String, "rows_read": pl.Int64, "rows_kept": pl.Int64, "rows_quarantined": pl.Int64}
QUARANTINED = {"source": pl.String, "source_row": pl.Int64, "is_opt_out": pl.Boolean}
FEEDS = {"table": pl.String, "feed": pl.String, "kind": pl.String, "date": pl.Date, "rows": pl.UInt32}
FULL = {"messages": 100, "consent_events": 100, "requests": 100, "uses": 100, "people": 100}
TABLES = {
    "marketing_messages": {
        "month": "all", "channel": "all", "campaign": "all", "messages": 8, "after_opt_out": 2, "violation_ratio": 0.25,
    },
    "request_turnaround": {
        "regime": "APPI", "kind": "complaint", "due": 3, "on_time": 1, "on_time_ratio": 1 / 3, "received": 4,
        "p50_days": 5.5, "p90_days": None, "unverified_answers": 0,
    },
    "consent_coverage": {
        "purpose": "marketing", "channel": "any", "kind": "all", "people": 9, "withdrawn": 0, "granted": 9, "coverage": 1.0,
    },
    "consent_gap": {"purpose": "all", "occasions": 0, "granted": 0, "coverage": None},
}  # fmt: skip


def monthly(table, kind, *rows, feed="crm"):
    """Rows of a feed in the middle of each month, the last of them September 2026."""
    days = [date(2026, 9, 15) - timedelta(days=30 * back) for back in range(len(rows) - 1, -1, -1)]
    return [(table, feed, kind, day, count) for day, count in zip(days, rows, strict=True)]


def judge(figure, kept=FULL, quarantined=(), bad=0, feeds=(), rules=None, **promise):
    accounts = [(table, rows + bad, rows, bad) for table, rows in kept.items()]
    evidence = Evidence(
        pl.DataFrame(accounts, schema=INTAKE, orient="row"),
        pl.DataFrame(list(quarantined), schema=QUARANTINED, orient="row"),
        pl.DataFrame(list(feeds), schema=FEEDS, orient="row"),
        lambda name: pl.DataFrame([TABLES[name]]),
    )
    target = promise or {"at_most": 0}
    asked = ask(rules=policy(promise=[PROMISE | {"figure": figure} | target], **(rules or {})))
    table = judge_promises(asked, evidence)
    assert table.columns == list(SCORECARD)
    return table.row(0, named=True)


def said(*arguments, **named):
    row = judge(*arguments, **named)
    return row["verdict"], row["reason"]


# ---- decided ----


@pytest.mark.parametrize(
    ("figure", "target", "verdict"),
    [
        (f"{MESSAGES}.after_opt_out", {"at_most": 2}, "kept"),
        (f"{MESSAGES}.after_opt_out", {"at_most": 1}, "broken"),
        (f"{MESSAGES}.violation_ratio", {"at_most": 0.25}, "kept"),
        (f"{MESSAGES}.violation_ratio", {"at_most": 0.2499}, "broken"),
        (f"{REQUESTS}.on_time_ratio", {"at_least": 0.3333}, "kept"),
        (f"{REQUESTS}.on_time_ratio", {"at_least": 0.3334}, "broken"),
        (f"{REQUESTS}.on_time_ratio", {"at_least": 0.333333333333333333}, "kept"),
        (f"{REQUESTS}.p50_days", {"at_most": 5.5}, "kept"),
        (f"{REQUESTS}.p50_days", {"at_most": 5.4}, "broken"),
    ],
)
def test_a_figure_at_its_target_is_kept_and_beyond_it_broken(figure, target, verdict):
    assert said(figure, **target) == (verdict, None)


@pytest.mark.parametrize(
    ("figure", "numerator", "denominator", "value"),
    [
        (f"{MESSAGES}.after_opt_out", 2, 8, 2),
        (f"{MESSAGES}.violation_ratio", 2, 8, 0.25),
        (f"{REQUESTS}.on_time_ratio", 1, 3, 1 / 3),
        (f"{REQUESTS}.received", 4, 4, 4),
        (f"{REQUESTS}.p50_days", None, 4, 5.5),
    ],
)
def test_a_figure_stands_beside_its_counts(figure, numerator, denominator, value):
    row = judge(figure)
    assert (row["numerator"], row["denominator"], row["value"]) == (numerator, denominator, value)
    assert (row["promise"], row["clause"], row["title"], row["figure"]) == ("p", "(2)", "A promise", figure)


@pytest.mark.parametrize(
    ("target", "words"),
    [({"at_most": 0.25}, "at most 0.25"), ({"at_least": 1}, "at least 1"), ({"at_most": 0}, "at most 0")],
)
def test_a_target_is_shown_in_words(target, words):
    assert judge(f"{MESSAGES}.after_opt_out", **target)["target"] == words


def test_each_verdict_names_the_notebook_with_the_evidence():
    assert judge(f"{MESSAGES}.after_opt_out")["notebook"] == "30_marketing_opt_outs"
    assert judge(f"{GAP}.coverage")["notebook"] == "10_consent_coverage"


# ---- not applicable, or cannot tell ----


def test_no_case_is_not_applicable_and_no_value_cannot_be_told():
    nothing = ("not applicable", "there is nothing in the period to which it applies")
    assert said(f"{GAP}.coverage") == nothing
    assert said("request_turnaround[regime=GDPR, kind=complaint].on_time_ratio") == nothing
    assert said(f"{REQUESTS}.p90_days") == ("cannot tell", "the figure has no value: too few cases were settled")


def test_a_promise_without_a_figure_says_why_no_record_can_prove_it():
    evidence = Evidence(pl.DataFrame(schema=INTAKE), pl.DataFrame(schema=QUARANTINED), pl.DataFrame(schema=FEEDS), dict)
    asked = ask(rules=policy(promise=[PROMISE | {"reason": "how talk went leaves no record"}]))
    row = judge_promises(asked, evidence).row(0, named=True)
    assert (row["verdict"], row["reason"], row["figure"]) == ("cannot tell", "how talk went leaves no record", None)
    assert (row["value"], row["target"], row["notebook"]) == (None, None, None)


@pytest.mark.parametrize(
    ("figure", "kept", "table"),
    [
        (f"{MESSAGES}.after_opt_out", FULL | {"messages": 0}, "messages"),
        (f"{MESSAGES}.after_opt_out", {"messages": 1}, "consent_events"),
        (f"{MESSAGES}.after_opt_out", {"messages": 1, "consent_events": 1}, "requests"),  # they may hold opt-outs
        (f"{GAP}.coverage", {"consent_events": 1}, "uses or disclosures"),
        (f"{REQUESTS}.received", {}, "requests"),
    ],
)
def test_a_table_without_a_row_is_named(figure, kept, table):
    row = judge(figure, kept)
    told = f"table {table} is missing, empty or all in quarantine"
    assert (row["verdict"], row["reason"], row["value"]) == ("cannot tell", told, None)


def test_where_people_live_is_asked_for_where_the_law_of_a_message_depends_on_it():
    told = ("cannot tell", "table people is missing, empty or all in quarantine")
    assert said(f"{MESSAGES}.after_opt_out", FULL | {"people": 0}) == told
    assert said(f"{MESSAGES}.after_opt_out", FULL | {"people": 1}) == ("broken", None)
    everywhere = {"marketing": {"by_region": {}}}
    assert said(f"{MESSAGES}.after_opt_out", FULL | {"people": 0}, rules=everywhere) == ("broken", None)


def test_a_policy_that_says_nothing_about_advertising_keeps_no_promise_about_it():
    told = ("cannot tell", "the policy has no [marketing]: nobody knows what advertising needs consent to")
    assert said(f"{MESSAGES}.after_opt_out", rules={"marketing": None}, at_most=2) == told


def test_where_nobody_need_be_identified_no_answer_is_without_it():
    nothing = ("not applicable", "there is nothing in the period to which it applies")
    unverified = f"{REQUESTS}.unverified_answers"
    assert said(unverified, rules={"requests": {"needs_identification": []}}) == nothing
    assert said(unverified, rules={"requests": {"needs_identification": ["deletion"]}}) == ("kept", None)


def test_one_of_two_tables_is_enough_where_either_will_do():
    for table in ("uses", "disclosures"):
        assert said(f"{GAP}.coverage", {"consent_events": 1, table: 1})[0] == "not applicable"


@pytest.mark.parametrize(
    ("bad", "limit", "verdict"),
    [(1, 0.01, "broken"), (2, 0.01, "cannot tell"), (2, 0.02, "broken"), (0, 0.0, "broken")],
)
def test_too_many_rows_in_quarantine_leave_it_open(bad, limit, verdict):
    # 100 kept and `bad` held back: 1 of 101 is less than one in a hundred, 2 of 102 is more, and less than two.
    rules = {"company": {"max_quarantined_ratio": limit}}
    row = judge(f"{REQUESTS}.received", {"requests": 100}, bad=bad, rules=rules)
    assert row["verdict"] == verdict
    if verdict == "cannot tell":
        assert row["reason"] == "2 of 102 rows of its tables are in quarantine, more than 1.0%"
        assert row["value"] == 4  # the figure is shown all the same


def test_rows_of_other_tables_in_quarantine_do_not_matter():
    evidence = {"requests": 100, "messages": 100}
    rules = {"company": {"max_quarantined_ratio": 0.02}}
    assert said(f"{REQUESTS}.received", evidence, bad=1, rules=rules)[0] == "broken"


LOST = [("a.csv", 1, True), ("a.csv", 1, True), ("a.csv", 2, True), ("b.csv", 1, True), ("b.csv", 9, False)]


def test_lost_opt_outs_are_counted_by_row_where_the_figure_speaks_of_them():
    told = ("cannot tell", "3 rows in quarantine are, or may be, opt-outs")
    assert said(f"{MESSAGES}.after_opt_out", quarantined=LOST) == told
    assert said(f"{MESSAGES}.after_opt_out", quarantined=[("b.csv", 9, False)])[0] == "broken"
    assert said(f"{REQUESTS}.received", quarantined=LOST)[0] == "broken"


def test_turnaround_of_requests_to_opt_out_speaks_of_them():
    told = ("cannot tell", "3 rows in quarantine are, or may be, opt-outs")
    assert said("request_turnaround[regime=APPI, kind=marketing_opt_out].received", quarantined=LOST) == told


def test_who_took_consent_back_is_a_figure_of_opt_outs_and_how_many_hold_it_is_none():
    coverage, kept = "consent_coverage[purpose=marketing, channel=any, kind=all]", FULL
    told = ("cannot tell", "3 rows in quarantine are, or may be, opt-outs")
    assert said(f"{coverage}.withdrawn", kept, LOST) == told
    assert said(f"{coverage}.withdrawn", kept) == ("kept", None)
    assert said(f"{coverage}.coverage", kept, LOST, at_least=1) == ("kept", None)


# ---- silent feeds ----

SILENT = (400, 400, 400, 400, 400, 1)


@pytest.mark.parametrize(
    ("figure", "feed", "words"),
    [
        (f"{MESSAGES}.after_opt_out", ("consent_events", "withdraw"), "consent_events (withdraw)"),
        (f"{MESSAGES}.after_opt_out", ("messages", "marketing"), "messages (marketing)"),
        (f"{MESSAGES}.after_opt_out", ("messages", "service"), None),
        (f"{MESSAGES}.after_opt_out", ("requests", "marketing_opt_out"), "requests (marketing_opt_out)"),
        (f"{MESSAGES}.after_opt_out", ("requests", "complaint"), None),
        (f"{MESSAGES}.after_opt_out", ("uses", ""), None),
        (f"{REQUESTS}.received", ("requests", "complaint"), "requests (complaint)"),
        (f"{REQUESTS}.received", ("requests", "deletion"), None),
        (f"{GAP}.coverage", ("uses", ""), "uses"),
        (f"{GAP}.coverage", ("consent_events", "grant"), "consent_events (grant)"),
    ],
)
def test_a_silent_feed_of_its_tables_leaves_a_figure_open(figure, feed, words):
    verdict, reason = said(figure, feeds=monthly(*feed, *SILENT))
    if words is None:
        assert verdict == "broken"
    else:
        assert (verdict, reason) == ("cannot tell", f"the feed {words} is silent: 1 rows where 400 are usual")


def test_a_figure_of_all_kinds_listens_to_every_kind():
    told = said(f"{ALL_REQUESTS}.received", feeds=monthly("requests", "deletion", *SILENT))
    assert told == ("cannot tell", "the feed requests (deletion) is silent: 1 rows where 400 are usual")


# ---- the period before ----


def test_the_verdict_of_the_period_before_stands_beside_that_of_the_same_promise():
    rules = policy(
        promise=[PROMISE | {"id": name, "figure": f"{REQUESTS}.received", "at_most": 9} for name in ("new", "old")]
    )
    evidence = Evidence(
        pl.DataFrame([("requests", 1, 1, 0)], schema=INTAKE, orient="row"), pl.DataFrame(schema=QUARANTINED),
        pl.DataFrame(schema=FEEDS), lambda name: pl.DataFrame([TABLES[name]]),
    )  # fmt: skip
    before = pl.DataFrame([{"promise": "old", "value": 7.0, "verdict": "broken"}], schema=SCORECARD)
    told = judge_promises(ask(rules=rules), evidence, before)
    assert told.select("promise", "verdict", "previous_value", "previous_verdict").rows() == [
        ("new", "kept", None, None), ("old", "kept", 7.0, "broken"),
    ]  # fmt: skip
