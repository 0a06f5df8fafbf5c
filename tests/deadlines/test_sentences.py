"""The sentence that explains a due date: the words of the period, of closed days and of the source."""

from datetime import date

import pytest

from pledgebook.deadlines import due_date
from pledgebook.deadlines.explanation import closed_words

MONDAY = date(2026, 3, 2)
MONTHS = {"counting": "month", "unit": "month"}
BUSINESS = {"counting": "bday", "unit": "business day", "calendar": "DE"}
OPEN_ENDED = {"extension": {"condition": "until the reason ends"}}


def said(regimes, **facts):
    return due_date(regimes, "LAND", "disclosure", MONDAY, **facts).explanation


def period(regimes, **facts):
    """What stands between the receipt and the due date."""
    return said(regimes, **facts).partition("; due ")[0].removeprefix("received Mon 2 Mar 2026; ")


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        ({"length": 1}, "one day ends Tue 3 Mar"),
        ({"length": 2}, "two days end Wed 4 Mar"),
        ({"length": 4}, "four days end Fri 6 Mar"),
        ({"length": 7}, "seven days end Mon 9 Mar"),
        ({"length": 9}, "nine days end Wed 11 Mar"),
        ({"length": 10}, "10 days end Thu 12 Mar"),
        (MONTHS | {"length": 1}, "one month ends Thu 2 Apr"),
        (MONTHS | {"length": 3}, "three months end Tue 2 Jun"),
        ({"counting": "year_same", "unit": "year", "length": 1}, "one year ends Tue 2 Mar"),
        ({"counting": "before_year", "unit": "year", "length": 2}, "two years end Wed 1 Mar"),
        ({"counting": "jp_year_excl", "unit": "year", "length": 3}, "three years end Fri 2 Mar"),
        ({"counting": "jp_month_incl", "unit": "month", "length": 1}, "one month (the first day counted) ends Wed 1 Apr"),
        ({"counting": "day_incl", "length": 5}, "five days (the first day counted) end Fri 6 Mar"),
        (BUSINESS | {"length": 1}, "one business day (holidays of DE left out) ends Tue 3 Mar"),
        (BUSINESS | {"length": 6}, "six business days (holidays of DE left out) end Tue 10 Mar"),
        (BUSINESS | {"counting": "bday_incl", "length": 2},
         "two business days (the first day counted) (holidays of DE left out) end Tue 3 Mar"),
        ({"counting": "zero", "unit": "none", "length": None}, "no grace: the clock ends on Mon 2 Mar"),
        ({"length": 5, "pause": "added"}, "five days end Sat 7 Mar; the rule does not move a closed last day"),
        ({"length": 4, "pause": "added"}, "four days end Fri 6 Mar"),
        ({"length": 5, "roll": "next", "calendar": "WEEKENDS"}, "five days end Sat 7 Mar (weekend)"),
    ],
)  # fmt: skip
def test_the_words_of_a_period(law, rule, words):
    assert period(law(rule)) == words


@pytest.mark.parametrize(
    ("longer", "words"), [(1, "two months (extended in time) end Sat 2 May"), (2, "three months (extended in time) end Tue 2 Jun")]
)  # fmt: skip
def test_a_longer_period_is_called_extended(law, longer, words):
    rule = MONTHS | {"length": 1, "extension": {"length": longer, "condition": "many requests"}}
    assert period(law(rule), extended_on=MONDAY).startswith(words)


def test_a_notice_of_unknown_day_that_does_not_count_is_not_told_with_a_day(law):
    assert period(law({"length": 4}), is_extended=True) == "four days end Fri 6 Mar"


@pytest.mark.parametrize(
    ("days", "words"), [(1, "the 1 day promised ends Tue 3 Mar"), (2, "the 2 days promised end Wed 4 Mar")]
)
def test_the_words_of_a_promise(law, days, words):
    silent = law({"counting": "none", "unit": "none", "length": None, "hardness": "none"})
    assert period(silent, promised_days={"default": days}) == words


@pytest.mark.parametrize(
    ("rule", "source"),
    [
        ({}, "Land Act s.1 [statutory; rule land_access of 2020-01-01; confidence P]"),
        ({"hardness": "guidance"}, "Land Act s.1 [guidance; rule land_access of 2020-01-01; confidence P]"),
        ({"hardness": "none"}, "Land Act s.1 [none; rule land_access of 2020-01-01; confidence P]"),
        ({"counting": "none", "unit": "none", "length": None, "hardness": "none"},
         "The law sets no number: Land Act s.1 [rule land_access of 2020-01-01; confidence P]"),
    ],
)  # fmt: skip
def test_a_sentence_ends_with_its_source(law, rule, source):
    assert said(law(rule)).endswith(f". {source}")


def test_an_answer_put_off_has_its_source_and_no_promise(law):
    assert said(law(OPEN_ENDED), is_extended=True) == (
        "received Mon 2 Mar 2026; the notice in time puts the answer off, to no day that the law fixes; no due date. "
        "Land Act s.1 [statutory; rule land_access of 2020-01-01; confidence P]"
    )


@pytest.mark.parametrize(
    ("calendar", "weekend", "day", "words"),
    [
        ("DE", "default", date(2026, 4, 2), ""),
        ("DE", "default", date(2026, 4, 3), " (Good Friday, a holiday in DE); Mon 6 Apr is a holiday in DE (Easter Monday)"),
        ("DE", "default", date(2026, 4, 4), " (weekend); Mon 6 Apr is a holiday in DE (Easter Monday)"),
        ("DE", "default", date(2026, 4, 5), " (Easter Sunday); Mon 6 Apr is a holiday in DE (Easter Monday)"),
        ("DE", "default", date(2026, 4, 6), " (Easter Monday, a holiday in DE)"),
        ("DE", "default", date(2026, 3, 7), " (weekend)"),
        ("DE", "sun", date(2026, 3, 7), ""),
        ("DE", "sun", date(2026, 3, 8), " (weekend)"),
        ("US", "default", date(2026, 4, 5), " (Easter Sunday)"),
        ("DE", "default", date(2026, 12, 25),
         " (Christmas Day, a holiday in DE); Sat 26 Dec is a holiday in DE (Second Day of Christmas)"),
        ("JP-ADMIN", "default", date(2026, 12, 31),
         " (administrative closing day, a holiday in JP-ADMIN); Fri 1 Jan is a holiday in JP-ADMIN (New Year's Day); "
         "Sat 2 Jan is a holiday in JP-ADMIN (administrative closing day); "
         "Sun 3 Jan is a holiday in JP-ADMIN (administrative closing day)"),
    ],
)  # fmt: skip
def test_why_a_closed_day_moves(calendar, weekend, day, words):
    assert closed_words(calendar, weekend, day) == words
