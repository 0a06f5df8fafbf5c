"""Numbers as people read them, and sentences made from them."""

import pytest
from charts.charted import POLICY, small_tables

from pledgebook.charts.scorecard_table import scorecard_in_words
from pledgebook.charts.sentences import SENTENCES, headline
from pledgebook.charts.words import counted, decimal, listed, name_lane, name_of, number, percent


@pytest.mark.parametrize(
    ("ratio", "said"),
    [
        (1, "100%"),
        (0, "0%"),
        (0.9997, "over 99.9%"),
        (0.0001, "under 0.1%"),
        (0.945, "94.5%"),
        (0.5, "50.0%"),
        (None, "–"),
    ],
)
def test_a_ratio_never_rounds_up_to_all_nor_down_to_none(ratio, said):
    assert percent(ratio) == said


def test_counts_that_are_hidden_never_read_as_zero():
    row = {
        "a": None,
        "a_is_suppressed": True,
        "b": 40,
        "b_is_at_least": True,
        "c": None,
        "c_is_secondary": True,
        "d": 1200,
    }
    assert [counted(row, name) for name in "abcd"] == ["[1-7]", "at least 40", "hidden", "1,200"]
    assert number(None) == "[1-7]"


def test_names_and_lists():
    assert name_of("cease_use") == "Cease use"
    assert name_lane("marketing", "sms") == "Marketing, SMS"
    assert name_lane("partner_offers", "any") == "Partner offers"
    assert listed(["a", "b", "c"]) == "a, b and c"
    assert decimal(0.013, "days") == "under 0.1 days"


@pytest.mark.parametrize("name", sorted(SENTENCES))
def test_sentences_hold_numbers_and_cannot_tell_from_nothing(name):
    tables = small_tables()
    assert any(letter.isdigit() for letter in headline(name, tables, POLICY))
    nothing = headline(name, {table: rows.clear() for table, rows in tables.items()}, POLICY)
    assert "annot tell" in nothing or "no promise" in nothing


def test_a_sentence_says_what_the_tables_say():
    said = headline("third_party_disclosures", small_tables(), POLICY)
    assert "**3 (25.0%) are not in order**: 2 without a valid consent and 1 without the statutory record" in said


def test_a_verdict_has_its_word_its_sign_and_its_unit():
    told = scorecard_in_words(small_tables()["scorecard"])
    assert [row["verdict"] for row in told] == ["✗ broken", "? cannot tell", "✓ kept", "– not applicable"]
    assert (told[0]["value"], told[0]["target"], told[0]["counted"]) == ("85.7%", "at least 100%", "6 of 7")
    assert told[1]["value"] == "–"
