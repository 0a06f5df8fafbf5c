"""Where the law sets no number the company's own promise counts, in calendar days, and is called promised."""

from datetime import date

import pytest

from pledgebook.deadlines import due_date

PROMISED = {"default": 14, "complaint": 7, "inquiry": 1}
THURSDAY = date(2026, 3, 5)


def due(regimes, kind="disclosure", received=THURSDAY, regime="APPI", promised=PROMISED, **facts):
    return due_date(regimes, regime, kind, received, promised_days=promised, **facts)


def words_of(due):
    """The sentence without its source."""
    return due.explanation.partition(". ")[0]


@pytest.mark.parametrize(
    ("kind", "day"),
    [
        ("disclosure", date(2026, 3, 19)),  # 5 March + 14
        ("complaint", date(2026, 3, 12)),  # 5 March + 7
        ("grievance", date(2026, 3, 12)),  # the law's word for a complaint
        ("access", date(2026, 3, 19)),
        ("notice_of_purpose", date(2026, 3, 19)),  # a word that is none of our kinds: the default
        ("inquiry", date(2026, 3, 6)),  # no rule of law at all: 5 March + 1
    ],
)
def test_the_promise_of_the_kind_counts_else_the_default(regimes, kind, day):
    found = due(regimes, kind)
    assert (found.due_on, found.clock) == (day, "promised")


def test_days_waited_for_the_person_are_added(regimes):
    found = due(regimes, received=date(2026, 3, 2), paused_days=2)
    assert found.due_on == date(2026, 3, 18)
    assert words_of(found) == (
        "received Mon 2 Mar 2026; the 14 days promised end Mon 16 Mar; 2 paused days added: Wed 18 Mar; "
        "due Wed 18 Mar 2026"
    )


@pytest.mark.parametrize(
    ("received", "last", "stays"),
    [
        (date(2026, 3, 6), "Fri 20 Mar", False),
        (date(2026, 3, 7), "Sat 21 Mar", True),
        (date(2026, 3, 8), "Sun 22 Mar", True),
        (date(2026, 3, 9), "Mon 23 Mar", False),
    ],
)
def test_a_promised_day_on_a_weekend_stays_and_says_so(regimes, received, last, stays):
    said = words_of(due(regimes, received=received))
    assert said.endswith(f"{last}{'; the rule does not move a closed last day' if stays else ''}; due {last} 2026")


@pytest.mark.parametrize("notice", [{"extended_on": date(2026, 3, 6)}, {"is_extended": True}])
def test_no_notice_extends_a_promise(regimes, notice):
    found = due(regimes, **notice)
    assert (found.due_on, found.is_extension_valid) == (date(2026, 3, 19), False)


def test_a_notice_that_does_not_count_is_told(regimes):
    said = words_of(due(regimes, extended_on=date(2026, 3, 6)))
    assert said.endswith("end Thu 19 Mar; the extension notice of Fri 6 Mar 2026 does not count; due Thu 19 Mar 2026")
    assert due(regimes).is_extension_valid is None


def test_the_rule_without_a_number_stays_the_source(regimes):
    found = due(regimes, "deletion")
    assert (found.rule_id, found.citation, found.confidence) == ("appi_correct", "APPI Art. 34(2), 34(3)", "G")
    assert found.explanation.endswith(
        ". The law sets no number: APPI Art. 34(2), 34(3) [rule appi_correct of 2017-05-30; confidence G] [promised]"
    )


def test_without_any_rule_only_the_promise_is_the_source(regimes):
    found = due(regimes, "inquiry")
    assert (found.rule_id, found.version, found.citation) == (None, None, None)
    assert found.explanation.endswith(". No rule of law speaks of it [promised]")


@pytest.mark.parametrize(("kind", "rule"), [("deletion", "appi_correct"), ("inquiry", None)])
def test_neither_law_nor_promise_is_no_clock(regimes, kind, rule):
    found = due(regimes, kind, promised={})
    assert (found.clock, found.due_on, found.rule_id, found.is_extension_valid) == ("none", None, rule, None)
    assert words_of(found) == (
        "received Thu 5 Mar 2026; neither the law nor the policy sets a number of days; no due date"
    )
    about = "The law sets no number: APPI Art. 34(2), 34(3) [rule appi_correct of 2017-05-30; confidence G]"
    assert found.explanation.partition(". ")[2] == (about if rule else "No rule of law speaks of it")


def test_a_promise_is_about_answers_not_about_telling_of_a_leak(regimes):
    found = due(regimes, "breach_persons")
    assert (found.clock, found.due_on, found.rule_id) == ("none", None, "br_jp_person")
