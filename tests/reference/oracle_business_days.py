"""Closed days of the United States and of Germany, and counting past them."""

from datetime import date, timedelta

ONE_DAY = timedelta(days=1)
MONDAY, THURSDAY, SATURDAY, SUNDAY = 0, 3, 5, 6


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    days = [day for day in _days_of(year, month) if day.weekday() == weekday]
    return days[nth - 1]


def last_weekday(year: int, month: int, weekday: int) -> date:
    return [day for day in _days_of(year, month) if day.weekday() == weekday][-1]


def _days_of(year: int, month: int) -> list[date]:
    days, day = [], date(year, month, 1)
    while day.month == month:
        days.append(day)
        day += ONE_DAY
    return days


def us_federal_holidays(year: int) -> dict[str, date]:
    """The days of the year that 5 U.S.C. 6103 names, before any of them moves off a weekend."""
    return {
        "New Year's Day": date(year, 1, 1),
        "Birthday of Martin Luther King, Jr.": nth_weekday(year, 1, MONDAY, 3),
        "Washington's Birthday": nth_weekday(year, 2, MONDAY, 3),
        "Memorial Day": last_weekday(year, 5, MONDAY),
        "Juneteenth": date(year, 6, 19),
        "Independence Day": date(year, 7, 4),
        "Labor Day": nth_weekday(year, 9, MONDAY, 1),
        "Columbus Day": nth_weekday(year, 10, MONDAY, 2),
        "Veterans Day": date(year, 11, 11),
        "Thanksgiving Day": nth_weekday(year, 11, THURSDAY, 4),
        "Christmas Day": date(year, 12, 25),
    }


def observed(day: date) -> date:
    """A Saturday is observed on the Friday before, a Sunday on the Monday after."""
    return {SATURDAY: day - ONE_DAY, SUNDAY: day + ONE_DAY}.get(day.weekday(), day)


# One year more at either end: New Year's Day of 2028 is a Saturday, observed in 2027.
US_CLOSED_DAYS = {observed(day) for year in range(2023, 2030) for day in us_federal_holidays(year).values()}


def us_business_day_after(day: date, count: int) -> date:
    """The nth Monday to Friday after a day that is not a federal holiday as observed."""
    while count:
        day += ONE_DAY
        if day.weekday() < SATURDAY and day not in US_CLOSED_DAYS:
            count -= 1
    return day


# Easter Sundays, from the almanac.
EASTER = {
    2024: date(2024, 3, 31),
    2025: date(2025, 4, 20),
    2026: date(2026, 4, 5),
    2027: date(2027, 3, 28),
    2028: date(2028, 4, 16),
}


def german_holidays() -> set[date]:
    """The public holidays of all sixteen states, 2024 to 2028."""
    days = set()
    for year, easter in EASTER.items():
        days |= {easter + timedelta(days=offset) for offset in (-2, 1, 39, 50)}
        days |= {
            date(year, 1, 1),
            date(year, 5, 1),
            date(year, 10, 3),
            date(year, 12, 25),
            date(year, 12, 26),
        }
    return days


def next_open_day(day: date, holidays: set[date]) -> date:
    while day.weekday() >= SATURDAY or day in holidays:
        day += ONE_DAY
    return day
