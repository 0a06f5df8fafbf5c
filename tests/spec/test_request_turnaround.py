"""Turnaround of requests: a small table in, plain arithmetic out."""

from dataclasses import replace

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from lifelines import KaplanMeierFitter

from asking import REGIMES, ask, policy, row, table
from pledgebook.metrics.durations import DAY, percentiles_by, survival_curve
from pledgebook.metrics.request_cohorts import requests_as_of
from pledgebook.metrics.request_turnaround import METRIC
from pledgebook.tables import TABLES

PROMISE = {"promised_days": {"default": 14, "complaint": 7}, "needs_identification": ["disclosure"]}
REQUESTS = """
request_id | person | kind       | received_at         | verified_at         | closed_at                  | outcome
a          | 1      | disclosure | 2026-09-01T10:00:00 | 2026-09-01T09:00:00 | 2026-09-15T23:59:59.999999 | fulfilled
b          | 1      | disclosure | 2026-09-01T10:00:00 | 2026-09-20T00:00:00 | 2026-09-16T00:00:00        | fulfilled
c          | 1      | disclosure | 2026-09-02T10:00:00 | -                   | -                          | -
d          | 1      | complaint  | 2026-09-03T10:00:00 | -                   | 2026-09-04T10:00:00        | withdrawn
e          | 1      | complaint  | 2026-09-29T10:00:00 | -                   | 2026-10-05T00:00:00        | fulfilled
"""


def turnaround(requests=REQUESTS, as_of=None, **more):
    question = ask(as_of=as_of, rules=policy(requests=PROMISE | more.pop("promise", {})))
    return METRIC.compute({"requests": table("requests", requests), **more}, question)


def test_received_adds_up_and_what_closes_later_is_open():
    figures = row(turnaround()["request_turnaround"], kind="all")
    ends = ["fulfilled", "partly_fulfilled", "denied", "withdrawn", "unverifiable", "outcome_unknown", "open"]
    assert [figures[end] for end in ends] == [2, 0, 0, 1, 0, 0, 2]
    assert figures["received"] == sum(figures[end] for end in ends) == 5


def test_due_at_the_midnight_after_the_fourteenth_day():
    figures = row(turnaround()["request_turnaround"], kind="disclosure")
    # a closed a microsecond before that midnight, b at it, c never
    assert (figures["due"], figures["on_time"], figures["late"], figures["overdue_open"]) == (3, 1, 1, 1)
    assert figures["on_time_ratio"] == 1 / 3


def test_a_withdrawn_request_is_due_to_nobody():
    assert row(turnaround()["request_turnaround"], kind="complaint")["due"] == 0


def test_answers_before_identification_are_counted():
    assert row(turnaround()["request_turnaround"], kind="disclosure")["unverified_answers"] == 1


def test_pauses_merge_stop_the_clock_and_move_the_date():
    pauses = table(
        "request_pauses",
        """
        request_id | paused_at           | resumed_at
        c          | 2026-09-03T00:00:00 | 2026-09-05T00:00:00
        c          | 2026-09-04T00:00:00 | 2026-09-06T00:00:00
        c          | 2026-09-06T00:00:00 | 2026-09-08T00:00:00
        c          | 2026-09-28T00:00:00 | -
        """,
    )
    worklist = turnaround(request_pauses=pauses)["requests_open"]
    mine = row(worklist, request_id="c")
    # 3 to 8 September is one pause of five days; 28 September to the end of the period three more
    assert str(mine["due_on"]) == "2026-09-24"
    assert (mine["is_paused"], mine["is_overdue"], mine["days_left"]) == (True, True, -6)


def test_a_long_pause_is_cut():
    pauses = table("request_pauses", "request_id | paused_at | resumed_at\nc | 2026-09-03T00:00:00 | -")
    worklist = turnaround(request_pauses=pauses, promise={"max_pause_days": 2})["requests_open"]
    assert str(row(worklist, request_id="c")["due_on"]) == "2026-09-18"


def test_median_and_mean_of_answers():
    figures = row(turnaround()["request_turnaround"], kind="disclosure")
    a, b = 14 + (13 * 3600 + 59 * 60 + 59.999999) / 86400, 14 + 14 / 24
    assert figures["answered_median_days"] == pytest.approx((a + b) / 2, rel=1e-12)
    assert figures["answered_mean_days"] == pytest.approx((a + b) / 2, rel=1e-12)


def test_percentiles_leave_room_for_those_who_still_wait():
    figures = row(turnaround()["request_turnaround"], kind="disclosure")
    assert figures["p50_days"] == pytest.approx(14 + 14 / 24)  # two of three are answered by then
    assert figures["p90_days"] is None


@pytest.mark.parametrize(
    ("requests", "days"),
    [(20, (10, 18, 19)), (19, (10, 18, 19)), (18, (9, 17, 18))],  # of 19 two are left after 17 days: more than a tenth
)
def test_a_percentile_is_the_day_by_which_no_more_than_the_rest_still_wait(requests, days):
    answered = pl.DataFrame({"net": [day * DAY for day in range(1, requests + 1)]})
    curve = survival_curve(answered.with_columns(is_event=True, group=pl.lit("x")), ["group"])
    assert percentiles_by(curve, ["group"], (50, 90, 95)).rows() == [("x", *days)]


@given(st.lists(st.tuples(st.integers(1, 12), st.booleans()), min_size=2, max_size=60))
def test_survival_and_its_band_are_those_of_lifelines(cases):
    frame = pl.DataFrame(cases, schema=["net", "is_event"], orient="row").with_columns(group=pl.lit("x"))
    fitted = KaplanMeierFitter().fit([t for t, _ in cases], [e for _, e in cases])
    for point in survival_curve(frame, ["group"]).to_dicts():
        assert fitted.survival_function_.loc[point["net"]].iloc[0] == pytest.approx(point["survival"])
        if 1e-9 < point["survival"] < 1 - 1e-9:
            lower, upper = fitted.confidence_interval_.loc[point["net"]]
            assert (point["lower"], point["upper"]) == pytest.approx((lower, upper))


def test_chances_of_all_outcomes_and_of_waiting_add_up_to_one():
    tables = turnaround()
    last = tables["request_outcomes"].filter(kind="all").group_by("outcome").agg(pl.col("share").max())
    # b is the last to close: of five, one withdrew on day one, then two of four were answered
    assert last["share"].sum() == pytest.approx(1 / 5 + 4 / 5 * (2 / 3))


def test_californian_statistics_take_partial_answers_as_compliance():
    requests = """
    request_id | person | kind       | regime | received_at         | closed_at           | outcome          | denial_reason
    a          | 1      | disclosure | CCPA   | 2026-02-01T23:00:00 | 2026-02-03T01:00:00 | partly_fulfilled | -
    b          | 1      | disclosure | CCPA   | 2026-03-01T00:00:00 | 2026-03-11T00:00:00 | denied           | exempt
    c          | 1      | disclosure | CCPA   | 2026-04-01T00:00:00 | 2026-04-02T00:00:00 | unverifiable     | -
    d          | 1      | disclosure | CCPA   | 2025-12-31T00:00:00 | 2026-04-02T00:00:00 | fulfilled        | -
    e          | 1      | deletion   | CCPA   | 2026-04-01T00:00:00 | -                   | -                | -
    """
    known = row(turnaround(requests)["ccpa_7102"], request_type="know")
    assert (known["received"], known["complied"], known["denied"]) == (3, 1, 2)
    assert (known["denied_exempt"], known["denied_not_verifiable"]) == (1, 1)
    assert (known["median_days"], known["mean_days"]) == (2, (2 + 10 + 1) / 3)
    assert row(turnaround(requests)["ccpa_7102"], request_type="delete")["open"] == 1


def test_backlog_names_the_pace_that_clears_it():
    backlog = row(turnaround(as_of="2026-10-02T00:00")["request_backlog"], kind="all")
    # c is overdue, e is due on the 6th: two within a week
    assert (backlog["open"], backlog["overdue"], backlog["due_in_7_days"]) == (2, 1, 1)
    assert backlog["needed_per_week"] == 2 / 1


def test_late_notice_of_extension_is_counted_and_changes_nothing():
    requests = """
    request_id | person | kind       | regime | region | received_at         | extended_at
    a          | 1      | disclosure | CCPA   | US-CA  | 2026-07-01T00:00:00 | 2026-09-01T00:00:00
    b          | 1      | disclosure | CCPA   | US-CA  | 2026-09-01T00:00:00 | 2026-09-02T00:00:00
    """
    tables = turnaround(requests)
    due = dict(tables["requests_open"].select("request_id", pl.col("due_on").cast(pl.String)).rows())
    assert due == {"a": "2026-08-15", "b": "2026-11-30"}


PEOPLE = """
person | kind     | region | opened_at           | closed_at
1      | customer | GB-SCT | 2020-01-01T00:00:00 | -
2      | customer | -      | 2020-01-01T00:00:00 | -
3      | customer | GB-SCT | 2026-10-01T00:00:00 | -
"""


REGIONS = """
request_id | person | kind       | regime  | region | received_at
a          | 1      | disclosure | -       | -      | 2026-09-01T00:00:00
b          | 2      | disclosure | -       | -      | 2026-09-01T00:00:00
c          | 3      | disclosure | -       | -      | 2026-09-01T00:00:00
d          | 1      | disclosure | UK_GDPR | -      | 2026-09-01T00:00:00
e          | 2      | disclosure | UK_GDPR | -      | 2026-09-01T00:00:00
f          | 2      | disclosure | UK_GDPR | GB-NIR | 2026-09-01T00:00:00
g          | 1      | disclosure | CCPA    | -      | 2026-09-01T00:00:00
h          | 1      | disclosure | APPI    | -      | 2026-09-01T00:00:00
"""


@pytest.mark.parametrize(("company", "told"), [
    # d to h name their law; in one a Scot is no Californian
    ({}, {"APPI": (4, 0, 0), "UK_GDPR": (3, 1, 0), "CCPA": (1, 0, 1)}),
    ({"regime": "UK_GDPR"}, {"APPI": (1, 0, 0), "UK_GDPR": (6, 3, 0), "CCPA": (1, 0, 1)}),
    ({"by_region": {"GB": "UK_GDPR"}}, {"APPI": (3, 0, 0), "UK_GDPR": (4, 1, 0), "CCPA": (1, 0, 1)}),
])  # fmt: skip
def test_where_somebody_lives_is_asked_where_a_law_asks_for_it(company, told):
    frames = {"requests": table("requests", REGIONS), "people": table("people", PEOPLE)}
    doubts = METRIC.compute(frames, ask(rules=policy(requests=PROMISE, company=company)))["request_doubts"]
    columns = ("regime", "received", "calendar_assumed", "region_problem")
    assert {law: counts for law, *counts in doubts.select(columns).rows()} == {k: [*v] for k, v in told.items()}


def test_the_policy_chooses_by_region_where_no_law_asks_for_it():
    chosen = policy(requests=PROMISE, company={"by_region": {"GB": "APPI_PUBLIC"}})
    question = replace(ask(rules=chosen), regimes=REGIMES.only(["APPI", "APPI_PUBLIC"]))
    frames = {"requests": table("requests", REQUESTS), "people": table("people", PEOPLE)}
    told = METRIC.compute(frames, question)["request_turnaround"]
    assert set(told["regime"]) == {"APPI_PUBLIC"}


def test_people_are_not_read_where_their_region_does_not_matter():
    def fail(_):
        raise LookupError("people were read")

    unread = table("people", PEOPLE).lazy().map_batches(fail)
    pauses = TABLES["request_pauses"].nothing()
    frames = {"requests": table("requests", REQUESTS).lazy(), "people": unread, "request_pauses": pauses}
    assert requests_as_of(frames, ask(rules=policy(requests=PROMISE))).collect().height == 5
    with pytest.raises(LookupError, match="people were read"):
        requests_as_of(frames, ask(rules=policy(requests=PROMISE, company={"regime": "UK_GDPR"}))).collect()


def test_acknowledgements_have_a_clock_of_their_own():
    requests = """
    request_id | person | kind       | regime | region | received_at         | acknowledged_at
    a          | 1      | disclosure | CCPA   | US-CA  | 2026-09-01T00:00:00 | 2026-09-16T23:59:59
    b          | 1      | disclosure | CCPA   | US-CA  | 2026-09-01T00:00:00 | 2026-09-17T00:00:00
    c          | 1      | disclosure | CCPA   | US-CA  | 2026-09-01T00:00:00 | -
    """
    # ten business days after 1 September 2026, Labor Day left out, end on the 16th
    said = row(turnaround(requests)["request_acknowledgements"], kind="disclosure")
    assert list(said.values())[2:] == [3, 1, 1, 1]
