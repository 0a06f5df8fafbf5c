"""A table of worked examples whose rows bring their own rule text: what of it counts, and what is told."""

import polars as pl
import pytest

from pledgebook.deadlines import answer_examples
from pledgebook.errors import InputError

# A person who asks a regime that we do not know, so that the row's own text is all there is.
ROW = {"regime": "ELSEWHERE", "request_type": "access", "received_at": "2026-03-06"}


def answer(regimes, **values):
    answers = answer_examples(pl.DataFrame([ROW | values]), regimes)
    return answers.table["due"][0], list(answers.problems)


def read(regimes, rule, **values):
    due, problems = answer(regimes, rule=rule, **values)
    own = "row 1 (ELSEWHERE, access): computed from the row's own rule text: regime 'ELSEWHERE': not known."
    assert len(problems) == 1
    assert problems[0].startswith(own)
    return due


def refused(regimes, rule, **values):
    due, problems = answer(regimes, rule=rule, **values)
    assert due == ""
    return [problem.removeprefix("row 1 (ELSEWHERE, access): ") for problem in problems]


@pytest.mark.parametrize(
    ("rule", "due"),
    [
        ("k=day n=10", "2026-03-16"),
        ("k=day_incl n=10", "2026-03-15"),
        ("k=month n=1", "2026-04-06"),
        ("k=zero", "2026-03-06"),
        ("k=day n=8 | told by letter, k=month n=3", "2026-03-14"),  # what stands behind the bar is a remark
        ("k=day n=8 roll=next cal=DE", "2026-03-16"),  # Saturday 14 March moves to Monday
        ("k=day n=8 roll=next cal=DE weekend=sun", "2026-03-14"),  # only Sunday is closed
        ("k=bday n=1 cal=DE", "2026-03-09"),  # from Friday 6 March: Monday
        ("k=bday n=1 cal=DE weekend=sun", "2026-03-07"),  # Saturday is a business day
        ("k=bday_incl n=2 cal=DE weekend=sun", "2026-03-07"),
        ("k=day n=8 cal=region", "2026-03-14"),  # nobody's calendar, and none is needed
    ],
)
def test_the_row_s_own_text_is_counted(regimes, rule, due):
    assert read(regimes, rule) == due


@pytest.mark.parametrize(("rule", "due"), [("k=day n=10", "2026-03-16"), ("k=day n=10 start=verified", "2026-03-20")])
def test_verification_starts_the_clock_only_where_the_text_says_so(regimes, rule, due):
    assert read(regimes, rule, verified_at="2026-03-10") == due


@pytest.mark.parametrize(
    ("facts", "due"),
    [
        ({"paused_days": "3"}, "2026-03-19"),
        ({"paused_days": ""}, "2026-03-16"),
        ({"paused_days": None}, "2026-03-16"),
        ({"extended": " True "}, "2026-03-21"),
        ({"extended": "1"}, "2026-03-21"),
        ({"extended": "yes"}, "2026-03-21"),
        ({"extended": "No"}, "2026-03-16"),
        ({"extended": ""}, "2026-03-16"),
        ({"verified_at": " "}, "2026-03-16"),
        ({"received_at": " 2026-03-06 "}, "2026-03-16"),
        ({"received_at": "2026-03-06T23:59"}, "2026-03-16"),
        ({"verified_at": "2026-03-10T08:00"}, "2026-03-16"),
    ],
)
def test_facts_may_be_written_in_many_ways(regimes, facts, due):
    assert read(regimes, "k=day n=10 ext=5", **facts) == due


@pytest.mark.parametrize("rule", ["", "k=none", "k=XX", "k=days n=3", "k=day", "k=day n=soon", "n=10", "K=day n=10"])
def test_a_text_without_a_kind_of_counting_or_its_number_answers_nothing(regimes, rule):
    told = refused(regimes, rule)
    assert len(told) == 1
    assert told[0].startswith("regime 'ELSEWHERE': not known. Give one of: APPI, ")


def test_a_text_that_does_not_hold_together_is_told_with_the_vocabulary(regimes):
    assert refused(regimes, "k=bday n=10") == [
        "rule text: a rule that rolls or counts business days needs a calendar. "
        "Use the vocabulary k, n, ext, roll, cal, weekend, start."
    ]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"paused_days": "x" * 41}, f"paused_days '{'x' * 40}': not a number of days. Give 0 or more."),
        ({"extended": "x" * 41}, f"extended '{'x' * 40}': neither true nor false. Give one of them."),
        ({"received_at": "9" * 41}, f"'{'9' * 40}': no date. Give YYYY-MM-DD, or YYYY-MM-DDTHH:MM for hours."),
        ({"verified_at": "soon"}, "'soon': no date. Give YYYY-MM-DD, or YYYY-MM-DDTHH:MM for hours."),
        ({"received_at": "20260306T10"}, None),
    ],
)
def test_a_fact_that_is_none_is_told(regimes, values, says):
    if says is None:
        assert read(regimes, "k=day n=10", **values) == "2026-03-16"
    else:
        assert refused(regimes, "k=day n=10", **values) == [says]


def test_needed_are_three_columns(regimes):
    with pytest.raises(InputError) as caught:
        answer_examples(pl.DataFrame({"regime": ["GDPR"]}), regimes)
    assert str(caught.value) == (
        "examples: column request_type, received_at is missing. Needed are regime, request_type, received_at."
    )


def test_a_file_keeps_its_texts_and_an_old_answer_is_replaced(regimes, tmp_path):
    file = tmp_path / "examples.csv"
    file.write_text("due,ticket,regime,request_type,received_at,rule\nx,007,CCPA,know,2026-03-02,\n")
    table = answer_examples(file, regimes).table
    assert table.columns == ["ticket", "regime", "request_type", "received_at", "rule", "due"]
    assert table.to_dicts() == [
        {"ticket": "007", "regime": "CCPA", "request_type": "know", "received_at": "2026-03-02", "rule": "",
         "due": "2026-04-16"}
    ]  # fmt: skip


def test_three_columns_are_enough_and_no_rows_are_no_fault(regimes):
    table = pl.DataFrame({"regime": ["CCPA"], "request_type": ["know"], "received_at": ["2026-03-02"]})
    assert answer_examples(table, regimes).table["due"].to_list() == ["2026-04-16"]
    empty = answer_examples(table.clear(), regimes)
    assert (empty.table.schema["due"], empty.problems) == (pl.String, ())


def test_a_file_that_cannot_be_read_is_told(regimes, tmp_path):
    with pytest.raises(InputError, match=r"nowhere\.csv: cannot be read as CSV.*\. Give a UTF-8 file with a header"):
        answer_examples(tmp_path / "nowhere.csv", regimes)


def known(regimes, law, kind, rule="", **values):
    """An answer under a law that we know, and what is told without the row's name."""
    due, problems = answer(regimes, regime=law, request_type=kind, rule=rule, **values)
    return due, [problem.removeprefix(f"row 1 ({law}, {kind}): ") for problem in problems]


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        ("k=day n=45 ext=45", []),
        ("k=month n=45", ["the rule text says k=month; ccpa_know of 2020-08-14 was used"]),
        ("k=day n=30 ext=30", ["the rule text says n=30 ext=30; ccpa_know of 2020-08-14 was used"]),
    ],
)
def test_a_text_that_differs_from_the_dated_rule_is_told_and_not_followed(regimes, rule, says):
    assert known(regimes, "CCPA", "know", rule) == ("2026-04-20", says)  # 6 March + 45


@pytest.mark.parametrize("rule", ["k=zero", "k=zero ext=5"])
def test_what_the_law_does_not_number_cannot_differ(regimes, rule):
    assert known(regimes, "GDPR", "object_direct_marketing", rule) == ("2026-03-06", [])


def test_an_extension_that_the_law_leaves_open_takes_the_number_of_the_text(regimes):
    # PIPA Decree Art. 42(2): put off until the reason ends; the row says 20 days more.
    own = ["computed from the row's own rule text"]
    assert known(regimes, "PIPA_KR", "access", "k=day n=10 ext=20", extended="true") == ("2026-04-05", own)


def test_an_extension_that_neither_law_nor_text_numbers_has_no_answer(regimes):
    due, told = known(regimes, "PIPA_KR", "access", extended="true")
    assert due == ""
    assert "to no day that the law fixes; no due date" in told[0]


def test_an_extension_that_the_law_does_not_have_takes_the_text(regimes):
    own = ["computed from the row's own rule text"]
    assert known(regimes, "CCPA", "signal", "k=day n=10 ext=5", extended="true") == ("2026-03-21", own)
    assert known(regimes, "CCPA", "signal", "", extended="true") == ("2026-03-27", [])  # 15 business days, no more


def test_where_the_law_has_no_number_the_text_gives_it(regimes):
    own = ["computed from the row's own rule text"]
    assert known(regimes, "APPI", "access", "k=day n=14") == ("2026-03-20", own)
    nothing = ["the law sets no number, and the rule text is not complete"]
    assert known(regimes, "APPI", "access", "") == ("", nothing)


def test_the_calendar_of_the_text_counts_with_its_weekend(regimes):
    # 6 March + 30 = Sunday 5 April 2026, Easter; in Singapore no holiday follows, in Germany Easter Monday does.
    assert known(regimes, "PDPA_SG", "access", "cal=SG weekend=sun") == ("2026-04-06", [])
    assert known(regimes, "PDPA_SG", "access", "cal=DE weekend=sun") == ("2026-04-07", [])
    saturday = {"received_at": "2026-03-05"}
    assert known(regimes, "PDPA_SG", "access", "cal=SG", **saturday) == ("2026-04-06", [])
    assert known(regimes, "PDPA_SG", "access", "cal=SG weekend=sun", **saturday) == ("2026-04-04", [])
