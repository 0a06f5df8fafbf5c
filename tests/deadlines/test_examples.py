"""Every worked example of the reference, and rows of the same kinds with other rule texts."""

import csv
from pathlib import Path

import polars as pl
import pytest

from pledgebook.deadlines import answer_examples
from pledgebook.errors import InputError

FILE = Path(__file__).with_name("deadline_examples.csv")
ROWS = list(csv.DictReader(FILE.open(encoding="utf-8")))


def rows(*values):
    columns = ("regime", "request_type", "received_at", "verified_at", "paused_days", "extended", "rule")
    return pl.DataFrame([dict(zip(columns, value, strict=True)) for value in values])


def due(regimes, regime, kind, received, rule=""):
    answers = answer_examples(rows((regime, kind, received, "", "0", "false", rule)), regimes)
    return answers.table["due"][0], answers.problems


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['regime']}-{row['request_type']}-{row['received_at']}")
def test_the_example_is_answered_exactly(regimes, row):
    answers = answer_examples(pl.DataFrame([row]), regimes)
    assert answers.table["due"][0] == row["expected_due"]
    assert answers.problems == ()


def test_the_file_keeps_its_columns_and_order(regimes):
    answers = answer_examples(FILE, regimes)
    assert answers.table.columns == [*ROWS[0], "due"]
    assert answers.table["received_at"].to_list() == [row["received_at"] for row in ROWS]
    assert (answers.table["due"] == answers.table["expected_due"]).all()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['regime']}-{row['request_type']}-{row['received_at']}")
def test_the_dated_rules_answer_without_the_rule_text(regimes, row):
    terms = [term for term in row["rule"].partition("|")[0].split() if term.startswith(("cal=", "weekend="))]
    answers = answer_examples(pl.DataFrame([row | {"rule": " ".join(terms)}]), regimes)
    assert answers.table["due"][0] == row["expected_due"]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row['regime']}-{row['request_type']}-{row['received_at']}")
def test_the_rule_text_alone_answers_a_regime_we_do_not_know(regimes, row):
    answers = answer_examples(pl.DataFrame([row | {"regime": "ELSEWHERE"}]), regimes)
    assert answers.table["due"][0] == row["expected_due"]
    assert "ELSEWHERE" in answers.problems[0]


def test_the_calendar_of_the_row_counts(regimes):
    assert due(regimes, "GDPR", "access", "2026-05-15", rule="cal=DE")[0] == "2026-06-15"
    assert due(regimes, "GDPR", "access", "2026-05-04", rule="cal=DE")[0] == "2026-06-04"
    assert due(regimes, "GDPR", "access", "2026-05-04", rule="cal=DE-BY")[0] == "2026-06-05"  # Corpus Christi


def test_our_own_kinds_are_words_too(regimes):
    assert due(regimes, "GDPR", "disclosure", "2026-01-31", rule="cal=DE")[0] == "2026-03-02"


def test_a_row_that_differs_from_the_dated_rule_is_told(regimes):
    answer, problems = due(regimes, "CCPA", "know", "2026-03-02", rule="k=day n=30")
    assert answer == "2026-04-16"
    assert "n=30" in problems[0]
    assert "ccpa_know" in problems[0]


def test_a_missing_calendar_is_told(regimes):
    answer, problems = due(regimes, "GDPR", "access", "2026-03-05")
    assert answer == "2026-04-06"
    assert "WEEKENDS" in problems[0]


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (("GDPR", "access", "31.01.2026"), "'31.01.2026': no date"),
        (("GDPR", "breach_authority", "2026-12-24"), "time of day"),
        (("GDPR", "wish", "2026-12-24"), "kind 'wish'"),
        (("NOWHERE", "access", "2026-12-24"), "regime 'NOWHERE'"),
        (("GDPR", "complaint", "2026-12-24"), "no number"),
        (("GDPR", "access", "2026-12-24", "", "-1"), "paused_days '-1'"),
        (("GDPR", "access", "2026-12-24", "", "0", "perhaps"), "extended 'perhaps'"),
        (("GDPR", "access", "2026-12-24", "", "0", "false", "cal=XX"), "calendar 'XX'"),
    ],
)
def test_a_row_without_an_answer_is_empty_and_named_and_the_rest_answered(regimes, row, says):
    full = (*row, *("", "0", "false", "")[len(row) - 3 :])
    answers = answer_examples(rows(full, ("CCPA", "know", "2026-03-02", "", "0", "false", "")), regimes)
    assert answers.table["due"].to_list() == ["", "2026-04-16"]
    assert len(answers.problems) == 1
    assert answers.problems[0].startswith("row 1 (")
    assert says in answers.problems[0]


def test_a_missing_column_is_named(regimes):
    with pytest.raises(InputError, match="received_at is missing"):
        answer_examples(pl.DataFrame({"regime": ["GDPR"], "request_type": ["access"]}), regimes)


def test_a_missing_file_is_named(regimes, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv"):
        answer_examples(tmp_path / "nowhere.csv", regimes)
