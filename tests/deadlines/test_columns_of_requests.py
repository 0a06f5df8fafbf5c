"""A column of requests: each row by its law, and the sentence that one request would get."""

from datetime import date

import polars as pl
import pytest

from pledgebook.deadlines import Regimes, add_due_dates, due_date
from pledgebook.deadlines.clock_tables import look_up

SCHEMA = {
    "kind": pl.String, "regime": pl.String, "region": pl.String, "received_on": pl.Date,
    "verified_on": pl.Date, "extended_on": pl.Date, "paused_days": pl.Int64, "pauses": pl.Int64,
}  # fmt: skip
MONDAY = date(2026, 3, 2)
PROMISED = {"default": 14, "complaint": 7, "inquiry": 1}
LONGER = {"extension": {"length": 15, "condition": "many requests"}}
OPEN = {"extension": {"condition": "until the reason ends"}}
RESTARTS = {"verification": "restarts", "start": "verification"}
BUSINESS = {"counting": "bday", "unit": "business day", "length": 10, "calendar": "DE"}
NO_NUMBER = {"counting": "none", "unit": "none", "length": None, "hardness": "none"}
ACK = {"id": "land_ack", "role": "acknowledgement", "kinds": [], "words": ["acknowledgement"]}
ROLLS = {"roll": "next", "calendar": "region"}


def request(**values):
    blank = {"kind": "disclosure", "regime": "LAND", "received_on": MONDAY, "paused_days": 0, "pauses": 0}
    return dict.fromkeys(SCHEMA) | blank | values


def column(regimes, *requests, promised=PROMISED, **options):
    frame = pl.LazyFrame(list(requests), schema=SCHEMA)
    return add_due_dates(frame, regimes, promised_days=promised, explain=True, **options).collect()


def one(regimes, row, promised=PROMISED):
    return due_date(
        regimes, row["regime"], row["kind"], row["received_on"], region=row["region"], verified=row["verified_on"],
        extended_on=row["extended_on"], paused_days=row["paused_days"], pauses=row["pauses"],
        promised_days=promised,
    )  # fmt: skip


# rule of LAND, what happened, due on: all received on Monday 2 March 2026, 30 days if nothing is said.
CASES = [
    ({}, {}, date(2026, 4, 1)),
    ({}, {"verified_on": date(2026, 3, 10)}, date(2026, 4, 1)),
    (RESTARTS, {"verified_on": date(2026, 3, 10)}, date(2026, 4, 9)),
    (RESTARTS, {"verified_on": date(2026, 3, 1)}, date(2026, 4, 1)),
    (RESTARTS, {}, date(2026, 4, 1)),
    ({"pause": "none"}, {"paused_days": 9, "pauses": 2}, date(2026, 4, 1)),
    ({"pause": "added"}, {"paused_days": 9, "pauses": 2}, date(2026, 4, 10)),
    ({"pause": "inclusive"}, {"paused_days": 9, "pauses": 2}, date(2026, 4, 12)),
    ({"pause": "inclusive"}, {"paused_days": 9}, date(2026, 4, 10)),
    (LONGER, {"extended_on": date(2026, 4, 1)}, date(2026, 4, 16)),
    (LONGER, {"extended_on": date(2026, 4, 2)}, date(2026, 4, 1)),
    ({}, {"extended_on": date(2026, 3, 3)}, date(2026, 4, 1)),
    (OPEN, {"extended_on": date(2026, 4, 1)}, None),
    (OPEN | RESTARTS, {"verified_on": date(2026, 3, 10), "extended_on": date(2026, 4, 1)}, None),
    (OPEN, {"extended_on": date(2026, 4, 2)}, date(2026, 4, 1)),
    ({"counting": "day_incl"}, {}, date(2026, 3, 31)),
    ({"counting": "month", "unit": "month", "length": 1}, {}, date(2026, 4, 2)),
    ({"counting": "zero", "unit": "none", "length": None}, {}, MONDAY),
    ({"length": 33}, {}, date(2026, 4, 4)),  # a Saturday, and the rule does not move it
    ({"length": 34}, {}, date(2026, 4, 5)),  # Easter Sunday, likewise
    ({"length": 32, "roll": "next", "calendar": "DE"}, {}, date(2026, 4, 7)),  # Good Friday to after Easter Monday
    ({"length": 33, "roll": "next", "calendar": "DE"}, {}, date(2026, 4, 7)),
    ({"length": 34, "roll": "next", "calendar": "US"}, {}, date(2026, 4, 6)),
    ({"length": 33, "roll": "next", "calendar": "DE", "weekend": "sun"}, {}, date(2026, 4, 4)),
    (BUSINESS, {}, date(2026, 3, 16)),
    (BUSINESS | {"weekend": "sun"}, {}, date(2026, 3, 13)),  # Saturday 7 March counts
    (BUSINESS | {"counting": "bday_incl"}, {}, date(2026, 3, 13)),
    (BUSINESS | LONGER, {"extended_on": date(2026, 3, 16)}, date(2026, 4, 8)),  # 25 of them, two at Easter left out
    (BUSINESS | LONGER, {"extended_on": date(2026, 3, 17)}, date(2026, 3, 16)),
    (BUSINESS | {"pause": "added"}, {"paused_days": 5}, date(2026, 3, 21)),
    (NO_NUMBER, {"kind": "disclosure"}, date(2026, 3, 16)),
    (NO_NUMBER, {"kind": "inquiry"}, date(2026, 3, 3)),
    (NO_NUMBER, {"kind": "complaint", "paused_days": 2, "pauses": 1}, date(2026, 3, 11)),
    (NO_NUMBER, {"extended_on": date(2026, 3, 3)}, date(2026, 3, 16)),
    (NO_NUMBER, {"received_on": date(2026, 3, 7)}, date(2026, 3, 21)),  # a promise stays on its Saturday
    ({"hardness": "guidance"}, {}, date(2026, 4, 1)),
]


@pytest.mark.parametrize(("rule", "facts", "due_on"), CASES)
def test_a_row_is_due_when_its_rule_says_and_told_as_one_request_is(law, rule, facts, due_on):
    regimes, row = law(rule), request(**facts)
    found, due = column(regimes, row).row(0, named=True), one(regimes, row)
    assert (found["due_on"], due.due_on) == (due_on, due_on)
    names = ("clock", "rule_id", "confidence", "is_extension_valid", "calendar_assumed", "acknowledge_by")
    assert {name: found[name] for name in names} == {name: getattr(due, name) for name in names}
    assert found["due_explanation"] == due.explanation


def test_rows_of_many_laws_do_not_touch_each_other(law, regimes):
    laws = Regimes(
        (*regimes.laws, *law(BUSINESS | LONGER, ROLLS | {"id": "land_two", "kinds": ["deletion"], "words": ["two"]},
                             default_calendar="US").laws)
    )  # fmt: skip
    rows = [
        request(),
        request(kind="deletion", region="DE", received_on=date(2026, 3, 5)),
        request(kind="deletion", received_on=date(2026, 3, 5)),
        request(regime="GDPR", region="DE", received_on=date(2026, 3, 5)),
        request(regime="GDPR", region="IE", received_on=date(2026, 3, 5)),
        request(regime="CCPA", kind="opt_out_sale", received_on=date(2026, 12, 21)),
        request(regime="APPI", kind="complaint"),
        request(extended_on=date(2026, 3, 16)),
    ]
    found = column(laws, *rows)
    # Saturday 4 April: to Tuesday in Germany and Monday in the United States; Irish Easter Monday is closed too.
    assert [f"{day:%m-%d}" for day in found["due_on"]] == [
        "03-16", "04-07", "04-06", "04-07", "04-07", "01-13", "03-09", "04-08",
    ]  # fmt: skip
    assert found["due_explanation"].to_list() == [one(laws, row).explanation for row in rows]
    assert found["calendar_assumed"].to_list() == [False, False, True, False, False, False, False, False]
    assert found.select(*SCHEMA).to_dicts() == rows


def test_the_sentence_of_a_column_word_for_word(law):
    regimes = law(ROLLS | LONGER | {"pause": "inclusive"}, default_calendar="DE")
    row = request(paused_days=1, pauses=1, extended_on=date(2026, 5, 1))
    assert column(regimes, row)["due_explanation"][0] == (
        "received Mon 2 Mar 2026; 30 days end Wed 1 Apr; 2 paused days added: Fri 3 Apr (Good Friday, a holiday in DE); "
        "Mon 6 Apr is a holiday in DE (Easter Monday); calendar DE assumed; "
        "the extension notice of Fri 1 May 2026 does not count; due Tue 7 Apr 2026. "
        "Land Act s.1 [statutory; rule land_access of 2020-01-01; confidence P]"
    )


# ---- the region, and whose calendar ----


@pytest.mark.parametrize(
    ("region", "due_on", "assumed", "problem"),
    [
        ("DE", date(2026, 4, 7), False, None),
        ("FR", date(2026, 4, 3), False, None),
        ("US", date(2026, 4, 3), True, "region US contradicts LAND"),
        ("DE-XX", date(2026, 4, 7), True, "region DE-XX has no known calendar; DE was used"),
        (None, date(2026, 4, 3), True, None),
    ],
)
def test_a_region_is_used_or_named(law, region, due_on, assumed, problem):
    # One day from Thursday 2 April: Good Friday is closed in Germany, open in France and for the federal US.
    regimes = law(ROLLS | {"length": 1}, places=["DE", "FR"], default_calendar="US")
    found = column(regimes, request(region=region, received_on=date(2026, 4, 2))).row(0, named=True)
    assert (found["due_on"], found["calendar_assumed"], found["region_problem"]) == (due_on, assumed, problem)


def test_a_country_alone_names_no_calendar_where_its_parts_have_their_own(law):
    regimes = law(ROLLS, places=["GB"], default_calendar="GB-ENG", is_by_subdivision=True)
    found = column(regimes, request(region="GB"), request(region="GB-XX"), request(region="GB-SCT"))
    assert found["calendar_assumed"].to_list() == [True, True, False]
    assert found["region_problem"].to_list() == [None, "region GB-XX has no known calendar; GB-ENG was used", None]


def test_a_law_without_calendars_needs_no_region(law):
    found = column(law(), request(region="ZZ"), request(), regions=["ZZ", None])
    assert found["calendar_assumed"].to_list() == [False, False]
    assert found["region_problem"].to_list() == [None, None]


@pytest.mark.parametrize(
    ("values", "says"),
    [
        ({"regime": "ELSEWHERE"}, "regime ELSEWHERE is not known"),
        ({"regime": None}, "regime null is not known"),
        ({"kind": "wish"}, "kind wish is not known"),
        ({"region": "FR"}, "region FR was not among the given regions"),
        ({"region": None}, None),
    ],
)
def test_what_cannot_be_taken_as_it_stands_is_named(law, values, says):
    found = column(law(), request(**values), regions=["DE"]).row(0, named=True)
    assert found["region_problem"] == says


def test_what_is_not_known_has_neither_clock_nor_promise(law):
    found = column(law(), request(regime="ELSEWHERE"), request(kind="wish"))
    assert found.select("due_on", "clock", "rule_id", "acknowledge_by").rows() == [(None, "none", None, None)] * 2
    assert found["due_explanation"][0] == (
        "received Mon 2 Mar 2026; neither the law nor the policy sets a number of days; no due date. "
        "No rule of law speaks of it"
    )


def test_a_day_that_no_calendar_reaches_is_named_and_a_clock_without_calendar_runs_on(law):
    reach = {"first_day": date(2020, 1, 1), "last_day": date(2021, 1, 1)}
    rolled = column(law(ROLLS, default_calendar="DE"), request(), **reach).row(0, named=True)
    assert (rolled["due_on"], rolled["region_problem"]) == (
        None,
        "the calendars reach from 2020-01-01 to 2021-01-01 only",
    )
    plain = column(law(), request(), **reach).row(0, named=True)
    assert (plain["due_on"], plain["region_problem"]) == (date(2026, 4, 1), None)
    silent = column(law(NO_NUMBER), request(), promised={}, **reach).row(0, named=True)
    assert (silent["due_on"], silent["region_problem"]) == (None, None)


# ---- eras ----


def test_each_row_takes_the_rule_in_force_on_its_day(law):
    old = {"id": "land_old", "words": ["old"], "length": 10, "valid_from": "2018-01-01", "valid_to": "2020-01-01"}
    days = [date(2017, 12, 31), date(2018, 1, 1), date(2019, 12, 31), date(2020, 1, 1)]
    found = column(law({}, old), *(request(received_on=day) for day in days))
    assert found["rule_id"].to_list() == [None, "land_old", "land_old", "land_access"]
    assert found["due_on"].to_list() == [date(2018, 1, 14), date(2018, 1, 11), date(2020, 1, 10), date(2020, 1, 31)]
    assert found["clock"].to_list() == ["promised", "statutory", "statutory", "statutory"]


# ---- acknowledgements ----


@pytest.mark.parametrize(
    ("ack", "region", "day", "assumed"),
    [
        ({"length": 5}, None, date(2026, 3, 7), False),
        ({"length": 5} | ROLLS, None, date(2026, 3, 9), True),
        ({"length": 5} | ROLLS, "DE", date(2026, 3, 9), False),
        ({"length": 32} | ROLLS, "DE", date(2026, 4, 7), False),
        ({"length": 32} | ROLLS, "US", date(2026, 4, 3), False),
        (BUSINESS, "US", date(2026, 3, 16), False),
        (BUSINESS | {"weekend": "sun"}, "US", date(2026, 3, 13), False),
        ({"length": 5, "roll": "next", "calendar": "US", "weekend": "sun"}, "DE", date(2026, 3, 7), False),
    ],
)
def test_receipt_is_confirmed_by_a_clock_of_its_own(law, ack, region, day, assumed):
    regimes = law({"acknowledged_by": "land_ack"}, ACK | ack, default_calendar="DE")
    row = request(region=region, paused_days=9, pauses=1, verified_on=date(2026, 3, 20))
    found, due = column(regimes, row).row(0, named=True), one(regimes, row)
    assert (found["acknowledge_by"], found["calendar_assumed"]) == (day, assumed)
    assert (due.acknowledge_by, due.calendar_assumed) == (day, assumed)


# ---- what was there stays ----


def test_older_answers_are_replaced_and_other_columns_stay_in_place(law):
    frame = pl.LazyFrame(
        [request() | {"due_on": "soon", "note": "n"}], schema=SCHEMA | {"due_on": pl.String, "note": pl.String}
    )
    found = add_due_dates(frame, law(), promised_days={}).collect()
    assert found.columns == [
        *SCHEMA, "note", "due_on", "acknowledge_by", "rule_id", "clock", "confidence", "is_extension_valid",
        "calendar_assumed", "region_problem",
    ]  # fmt: skip
    assert found["due_on"].to_list() == [date(2026, 4, 1)]


def test_regions_are_read_from_the_rows_where_none_are_given(law):
    regimes = law(ROLLS, default_calendar="US")
    rows = [request(region=region, received_on=date(2026, 3, 4)) for region in ("DE", None, "FR")]
    assert column(regimes, *rows)["due_on"].to_list() == [date(2026, 4, 7), date(2026, 4, 3), date(2026, 4, 3)]
    assert column(regimes, *rows)["region_problem"].to_list() == [None, None, None]


def test_without_any_law_every_regime_is_unknown(regimes):
    found = column(regimes.only(()), request(), request(regime="GDPR"))
    assert found["region_problem"].to_list() == ["regime LAND is not known", "regime GDPR is not known"]
    assert column(regimes.only(())).is_empty()


# ---- only the years that are needed ----


@pytest.mark.parametrize("counting", ["month", "year_same", "bday", "bday_incl", "day"])
@pytest.mark.parametrize("years", [(1999, 2026), (2026, 2027), (2060, 2061), (2070, 2071)])
def test_the_years_that_rows_need_tell_what_all_years_tell(law, counting, years):
    unit = {"month": "month", "year_same": "year", "day": "day"}.get(counting, "business day")
    more = {"extension": {"length": 40, "condition": "many requests"}} if unit == "business day" else LONGER
    regimes = law({"counting": counting, "unit": unit, "length": 12} | ROLLS | more, default_calendar="US")
    rows = [
        request(received_on=date(year, month, 27), region="DE", extended_on=date(year, month, 28), **paused)
        for year in years
        for month in (1, 12)
        for paused in ({}, {"paused_days": 400, "pauses": 1})
    ]
    needed, all_years = column(regimes, *rows), column(regimes, *rows, regions=["DE"])
    assert needed.equals(all_years)
    assert all_years["due_on"].null_count() < len(rows) or min(years) >= 2060


def test_no_row_needs_no_years(law):
    assert column(law(ROLLS, default_calendar="US")).is_empty()


# ---- small tables ----


def test_a_small_table_is_looked_up_by_row_and_has_none_beyond_its_end():
    frame = pl.LazyFrame({"row": [1, None, 2, 0]})
    told = frame.select(look_up(pl.Series(["a", "b"]), pl.col("row")).alias("told")).collect()
    assert told["told"].to_list() == ["b", None, None, "a"]


def test_columns_without_a_value_keep_their_types():
    frame = pl.LazyFrame({"row": [0, 1]})
    nothing = {name: pl.Series([None, None], dtype=dtype) for name, dtype in (("a", pl.String), ("b", pl.Boolean))}
    told = frame.with_columns(**{name: look_up(column, pl.col("row")) for name, column in nothing.items()})
    assert told.collect(engine="in-memory").schema == {"row": pl.Int64, "a": pl.String, "b": pl.Boolean}
