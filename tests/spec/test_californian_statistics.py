"""11 CCR 7102: a calendar year's requests from Californians, by type, end and ground of denial."""

import pytest

from asking import ask, policy, row, table
from pledgebook.metrics.request_turnaround import METRIC

HEAD = "request_id | person | kind | regime | received_at | closed_at | outcome | denial_reason\n"
RULES = policy(requests={"promised_days": {"default": 14}})


def statistics(*lines, period="2026-09", as_of=None):
    requests = table("requests", HEAD + "\n".join(lines))
    return METRIC.compute({"requests": requests}, ask(period, as_of, RULES))["ccpa_7102"]


def denied(reason, outcome="denied"):
    return f"a | 1 | disclosure | CCPA | 2026-03-01T00:00:00 | 2026-03-04T00:00:00 | {outcome} | {reason}"


@pytest.mark.parametrize(
    ("reason", "outcome", "ground"),
    [
        ("notVERIFIABLE", "denied", "not_verifiable"),
        ("identity_unclear_identification", "denied", "not_verifiable"),
        ("Not-a-consumer", "denied", "not_a_consumer"),
        ("not_consumer", "denied", "not_a_consumer"),
        ("non-consumer", "denied", "not_a_consumer"),
        ("Exempt", "denied", "exempt"),
        ("legal_exception", "denied", "exempt"),
        ("busy", "denied", "other"),
        ("-", "denied", "other"),
        ("-", "unverifiable", "not_verifiable"),
        ("exempt", "unverifiable", "not_verifiable"),
    ],
)
def test_a_denial_has_one_ground(reason, outcome, ground):
    figures = row(statistics(denied(reason, outcome)), request_type="know")
    grounds = {name: n for name, n in figures.items() if name.startswith("denied_")}
    assert grounds == dict.fromkeys(grounds, 0) | {f"denied_{ground}": 1}
    assert figures["denied"] == 1


@pytest.mark.parametrize(
    ("outcome", "end"),
    [
        ("fulfilled", "complied"), ("partly_fulfilled", "complied"), ("denied", "denied"), ("unverifiable", "denied"),
        ("withdrawn", "withdrawn"), ("-", "outcome_unknown"),
    ],
)  # fmt: skip
def test_every_request_ends_in_one_column(outcome, end):
    figures = row(statistics(denied("-", outcome)), request_type="know")
    ends = ("complied", "denied", "withdrawn", "outcome_unknown", "open")
    assert {name: figures[name] for name in ends} == dict.fromkeys(ends, 0) | {end: 1}
    assert figures["received"] == 1
    answered = end in ("complied", "denied")
    assert (figures["median_days"], figures["mean_days"]) == ((3, 3) if answered else (None, None))


@pytest.mark.parametrize(
    ("kind", "kind_of_law"),
    [
        ("deletion", "delete"), ("correction", "correct"), ("disclosure", "know"), ("provision_records", "know"),
        ("portability", "know"), ("opt_out_sale", "opt_out_of_sale"), ("limit_use", "limit"),
    ],
)  # fmt: skip
def test_our_kinds_are_five_types_of_the_law(kind, kind_of_law):
    table = statistics(f"a | 1 | {kind} | CCPA | 2026-03-01T00:00:00 | - | - | -")
    assert dict(table.select("request_type", "received").rows()) == {
        "correct": 0, "delete": 0, "know": 0, "limit": 0, "opt_out_of_sale": 0, kind_of_law: 1,
    }  # fmt: skip


def test_a_kind_that_the_law_does_not_count_and_another_law_leave_no_rows():
    assert statistics("a | 1 | complaint | CCPA | 2026-03-01T00:00:00 | - | - | -").is_empty()
    assert statistics("a | 1 | disclosure | GDPR | 2026-03-01T00:00:00 | - | - | -").is_empty()


@pytest.mark.parametrize(
    ("received", "counted"),
    [
        ("2025-12-31T23:59:59", False), ("2026-01-01T00:00:00", True), ("2026-12-31T23:59:59", True),
        ("2027-01-01T00:00:00", False),
    ],
)  # fmt: skip
def test_the_year_is_that_in_which_the_period_ends(received, counted):
    requests = f"a | 1 | disclosure | CCPA | {received} | - | - | -"
    table = statistics(requests, period="2025-12-20/2026-01-10", as_of="2027-02-01T00:00")
    assert table["received"].sum() == counted
    assert set(table["year"]) <= {"2026"}


def test_days_are_dates_apart_and_the_middle_two_share_a_median():
    # An answer in the same day takes 0 days, one a minute after midnight 1, the third 9: 0, 1, 1, 9.
    table = statistics(
        "a | 1 | deletion | CCPA | 2026-03-01T00:00:00 | 2026-03-01T23:59:59 | fulfilled | -",
        "b | 1 | deletion | CCPA | 2026-03-01T23:59:00 | 2026-03-02T00:01:00 | fulfilled | -",
        "c | 1 | deletion | CCPA | 2026-03-05T12:00:00 | 2026-03-06T00:00:00 | denied | -",
        "d | 1 | deletion | CCPA | 2026-03-01T12:00:00 | 2026-03-10T12:00:00 | partly_fulfilled | -",
        "e | 1 | deletion | CCPA | 2026-03-01T12:00:00 | 2026-03-31T12:00:00 | withdrawn | -",
        "f | 1 | deletion | CCPA | 2026-03-01T12:00:00 | - | - | -",
    )
    figures = row(table, request_type="delete")
    assert (figures["median_days"], figures["mean_days"]) == (1, 11 / 4)
    assert (figures["received"], figures["open"]) == (6, 1)
