"""All planted breaches of the sample are found, and none besides, in every month of it."""

import csv

import pytest

from pledgebook.book import open_book

COMING = {
    "incidents", "cookies", "record_access", "training", "purpose_limitation", "processor_oversight", "policy_review"
}  # fmt: skip
SAME_FIGURE = {"disclosures": "disclosures_by_recipient"}
SELECTOR = {
    "marketing_messages": {"month": "all"},
    "opt_outs": {"channel": "all"},
    "disclosures_by_recipient": {"recipient": "all"},
    "request_turnaround": {"kind": "all"},
    "consent_gap": {"purpose": "all"},
}
BREACHES = {
    "marketing_messages": ["after_opt_out", "no_consent", "expired", "outdated"],
    "opt_outs": ["breached", "not_suppressed"],
    "disclosures_by_recipient": [
        "unknown_recipient", "unknown_basis", "no_consent", "no_contract", "no_legal_reference", "not_recorded",
        "undeclared_purpose",
    ],
    "request_turnaround": ["late", "overdue_open", "unverified_answers"],
    "consent_gap": ["coverage"],
}  # fmt: skip


def planted(root):
    with (root / "data/sample/planted.csv").open(encoding="utf-8") as stream:
        rows = [row for row in csv.DictReader(stream) if row["expect_table"] not in COMING]
    return [row | {"expect_table": SAME_FIGURE.get(row["expect_table"], row["expect_table"])} for row in rows]


@pytest.mark.parametrize("month", ["2025-11", "2026-03", "2026-06", "2026-07", "2026-08", "2026-09"])
def test_every_figure_is_what_was_planted(root, month):
    book = open_book("data/sample", month)
    rows = [row for row in planted(root) if row["period"] == month]
    for table, columns in BREACHES.items():
        total = book.compute(table)
        for group, value in SELECTOR[table].items():
            total = total.filter(total[group] == value)
        for column in columns:
            expected = sum(row["expect_table"] == table and row["expect_column"] == column for row in rows)
            found = total["occasions"].sum() - total["granted"].sum() if column == "coverage" else total[column].sum()
            assert found == expected, f"{month} {table}.{column}"


def test_planted_ids_are_the_ones_on_the_worklists(root):
    book = open_book("data/sample", "2026-09")
    rows = [row for row in planted(root) if row["period"] == "2026-09"]
    messages = {row["key"] for row in rows if row["expect_column"] == "after_opt_out"}
    disclosures = {row["key"] for row in rows if row["expect_table"] == "disclosures_by_recipient"}
    assert set(book.worklist("opt_out_breaches")["message_id"]) == messages
    assert set(book.worklist("disclosure_findings")["disclosure_id"]) == disclosures
