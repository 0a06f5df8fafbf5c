"""When receipt of a request must be confirmed: a clock of its own, beside that of the answer."""

from datetime import date

import pytest

from pledgebook.deadlines import due_date

ACK = {
    "id": "land_ack", "role": "acknowledgement", "kinds": [], "words": ["acknowledgement"],
    "length": 5, "roll": "next", "calendar": "region",
}  # fmt: skip


def test_ten_business_days_in_california_beside_the_45_of_the_answer(regimes):
    # 11 CCR 7021(a): from Friday 20 November; 26 November is Thanksgiving, so the tenth is Monday 7 December.
    found = due_date(regimes, "CCPA", "know", date(2026, 11, 20))
    assert (found.acknowledge_by, found.due_on) == (date(2026, 12, 7), date(2027, 1, 4))


def test_thirty_days_for_a_complaint_in_britain_that_has_no_number_for_the_answer(regimes):
    # DPA 2018 s.164A, in force since 19 June 2026: 31 August is a holiday in England, and not in Scotland.
    english = due_date(regimes, "UK_GDPR", "complaint", date(2026, 8, 1), region="GB-ENG")
    scottish = due_date(regimes, "UK_GDPR", "complaint", date(2026, 8, 1), region="GB-SCT")
    assert (english.acknowledge_by, scottish.acknowledge_by) == (date(2026, 9, 1), date(2026, 8, 31))
    assert (english.due_on, english.clock, english.calendar_assumed) == (None, "none", False)


def test_before_the_duty_was_in_force_there_is_none(regimes):
    assert due_date(regimes, "UK_GDPR", "complaint", date(2026, 6, 18)).acknowledge_by is None


def test_an_acknowledgement_alone_may_need_the_assumed_calendar(regimes):
    # The answer needs no calendar; 30 days from 1 August end on Monday 31 August, closed in England alone.
    found = due_date(regimes, "UK_GDPR", "complaint", date(2026, 8, 1))
    assert (found.acknowledge_by, found.calendar_assumed) == (date(2026, 9, 1), True)


@pytest.mark.parametrize(("region", "assumed"), [(None, True), ("DE", False)])
def test_an_assumed_calendar_of_the_answer_stays_told(law, region, assumed):
    answer = {"acknowledged_by": "land_ack", "roll": "next", "calendar": "region"}
    regimes = law(answer, ACK | {"roll": "none", "calendar": None}, default_calendar="DE")
    found = due_date(regimes, "LAND", "access", date(2026, 3, 2), region=region)
    assert (found.acknowledge_by, found.calendar_assumed) == (date(2026, 3, 7), assumed)


def test_pauses_and_extensions_of_the_answer_do_not_touch_it(regimes):
    facts = {"paused_days": 9, "pauses": 1, "extended_on": date(2026, 11, 30)}
    found = due_date(regimes, "CCPA", "know", date(2026, 11, 20), **facts)
    assert (found.acknowledge_by, found.due_on) == (date(2026, 12, 7), date(2027, 2, 18))
