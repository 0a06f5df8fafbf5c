"""Disclosures under every heading: by month and day, recipient, basis and item; the days of a contract; the record."""

from datetime import date

import pytest

from asking import ask, policy, row, table
from pledgebook.metrics.third_party_disclosures import FINDINGS, METRIC

RECIPIENTS = """
recipient | name     | kind        | country
print     | Print-Co | processor   | JP
partner   | Partner  | third_party | US
"""
HEAD = "disclosure_id|person|recipient|basis|purpose|items|disclosed_at|legal_reference|is_recorded\n"
CONTRACT = "contract_id | recipient | starts_on | ends_on | is_confidential | is_equal_standard\n"


def tables(*lines, contracts="", needs_record=(), period="2026-09", **frames):
    given = {
        "recipients": table("recipients", RECIPIENTS),
        "contracts": table("contracts", CONTRACT + contracts),
        "disclosures": table("disclosures", HEAD + "\n".join(lines)),
    } | frames
    return METRIC.compute(given, ask(period, rules=policy(disclosures={"needs_record": list(needs_record)})))


def provision(
    number, at="2026-09-05T12:00:00", person=1, recipient="print", basis="law", items="email", law="true", **more
):
    recorded = more.get("recorded", "true")
    return f"d{number}|{person}|{recipient}|{basis}|research|{items}|{at}|{law}|{recorded}"


def finding(line, **more):
    total = row(tables(line, **more)["disclosures_by_recipient"], recipient="all")
    assert total["disclosures"] == sum(total[name] for name in FINDINGS) == 1
    return next(name for name in FINDINGS if total[name])


@pytest.mark.parametrize(
    ("contract", "at", "expected"),
    [
        ("2026-09-05 | 2026-09-05 | true | true", "2026-09-05T00:00:00", "in_order"),
        ("2026-09-05 | 2026-09-05 | true | true", "2026-09-05T23:59:59", "in_order"),
        ("2026-09-05 | 2026-09-05 | true | true", "2026-09-04T23:59:59", "no_contract"),
        ("2026-09-05 | 2026-09-05 | true | true", "2026-09-06T00:00:00", "no_contract"),
        ("2026-09-01 | - | true | true", "2026-09-30T12:00:00", "in_order"),
        ("2026-09-01 | - | false | true", "2026-09-05T12:00:00", "no_contract"),
        ("2026-09-01 | - | true | false", "2026-09-05T12:00:00", "no_contract"),
        ("2026-09-01 | - | - | true", "2026-09-05T12:00:00", "no_contract"),
    ],
)
@pytest.mark.parametrize("basis", ["entrustment", "joint_use"])
def test_a_contract_with_both_promises_on_its_local_days(contract, at, expected, basis):
    assert finding(provision(1, at, basis=basis), contracts=f"k1 | print | {contract}") == expected


def test_a_contract_of_another_recipient_is_none():
    other = "k1 | partner | 2026-01-01 | - | true | true"
    assert finding(provision(1, basis="entrustment"), contracts=other) == "no_contract"


def test_of_two_contracts_one_is_enough_and_counts_once():
    two = "k1 | print | 2026-01-01 | - | true | true\nk2 | print | 2026-02-01 | - | true | true"
    total = row(tables(provision(1, basis="entrustment"), contracts=two)["disclosures_by_recipient"], recipient="all")
    assert (total["disclosures"], total["in_order"]) == (1, 1)


@pytest.mark.parametrize(
    ("basis", "recorded", "expected"),
    [
        ("law", "true", "in_order"), ("law", "false", "not_recorded"), ("law", "-", "not_recorded"),
        ("opt_out_notice", "false", "in_order"),
    ],
)  # fmt: skip
def test_a_record_is_needed_on_the_bases_that_the_policy_names(basis, recorded, expected):
    assert finding(provision(1, basis=basis, recorded=recorded), needs_record=["law"]) == expected


@pytest.mark.parametrize("purpose", ["research", "marketing"])
def test_consent_is_looked_up_for_the_purpose_of_the_disclosure(purpose):
    events = table(
        "consent_events", "person|purpose|channel|recipient|action|at\n1|research|any|-|grant|2026-01-01T00:00:00"
    )
    line = provision(1, basis="consent").replace("research", purpose)
    assert finding(line, consent_events=events) == ("in_order" if purpose == "research" else "no_consent")


@pytest.mark.parametrize(
    ("at", "counted"),
    [("2026-08-31T23:59:59.999999", 0), ("2026-09-01T00:00:00", 1), ("2026-09-30T23:59:59.999999", 1), ("2026-10-01T00:00:00", 0)],
)  # fmt: skip
def test_the_period_s_disclosures_count(at, counted):
    assert row(tables(provision(1, at))["disclosures_by_recipient"], recipient="all")["disclosures"] == counted


MANY = (
    provision(1, "2026-09-01T00:00:00", items="email;name"),
    provision(2, "2026-09-30T23:59:59", law="false"),
    provision(3, "2026-10-01T00:00:00", person=2),
    provision(4, "2026-10-01T12:00:00", recipient="partner", items="email"),
    provision(5, "2026-10-01T13:00:00", recipient="stranger", basis="other"),
)


def test_by_month_recipient_and_basis():
    told = tables(*MANY, period="2026-09-01/2026-10-31")["disclosures"]
    shown = told.select("month", "recipient", "basis", "disclosures", "people", "in_order", "in_order_ratio").rows()
    assert shown == [
        ("2026-09", "print", "law", 2, 1, 1, 0.5),
        ("2026-10", "partner", "law", 1, 1, 1, 1.0),
        ("2026-10", "print", "law", 1, 1, 1, 1.0),
        ("2026-10", "stranger", "other", 1, 1, 0, 0.0),
    ]
    assert told.select("recipient_kind", "country").rows() == [
        ("processor", "JP"), ("third_party", "US"), ("processor", "JP"), (None, None),
    ]  # fmt: skip


def test_by_recipient_and_all_of_them():
    told = tables(*MANY, period="2026-09-01/2026-10-31")["disclosures_by_recipient"]
    shown = told.select("recipient", "recipient_kind", "country", "disclosures", "people", "no_legal_reference").rows()
    assert shown == [
        ("all", None, None, 5, 2, 1),
        ("partner", "third_party", "US", 1, 1, 0),
        ("print", "processor", "JP", 3, 2, 1),
        ("stranger", None, None, 1, 1, 0),
    ]


def test_by_item_and_kind_of_recipient():
    told = tables(*MANY, period="2026-09-01/2026-10-31")
    assert told["disclosures_by_item"].select("item", "recipient_kind", "disclosures", "people").rows() == [
        ("email", "processor", 3, 2), ("email", "third_party", 1, 1), ("email", "unknown", 1, 1), ("name", "processor", 1, 1),
    ]  # fmt: skip
    assert told["disclosure_items"].select("item", "recipient", "disclosures", "people").rows() == [
        ("email", "partner", 1, 1), ("email", "print", 3, 2), ("email", "stranger", 1, 1), ("name", "print", 1, 1),
    ]  # fmt: skip


def test_by_local_day():
    told = tables(*MANY, period="2026-09-01/2026-10-31")["disclosures_daily"]
    assert told.select("date", "recipient", "basis", "disclosures").rows() == [
        (date(2026, 9, 1), "print", "law", 1), (date(2026, 9, 30), "print", "law", 1),
        (date(2026, 10, 1), "partner", "law", 1), (date(2026, 10, 1), "print", "law", 1),
        (date(2026, 10, 1), "stranger", "other", 1),
    ]  # fmt: skip


def test_the_list_of_findings_holds_what_is_not_in_order():
    told = tables(*MANY, period="2026-09-01/2026-10-31")["disclosure_findings"]
    assert told.columns == ["disclosure_id", "recipient", "basis", "purpose", "disclosed_at", "finding"]
    assert told.select("disclosure_id", "finding").rows() == [("d2", "no_legal_reference"), ("d5", "unknown_recipient")]
