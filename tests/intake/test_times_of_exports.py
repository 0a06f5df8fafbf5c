"""Instants: an offset keeps its meaning, a naive time is placed or quarantined, nothing is guessed."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.exporting import BERLIN, MESSAGES, broken, cells, csv, keep, message

from pledgebook.intake.times import read_dates, read_instants, tell_instants

MAPPED = '[[source]]\nname = "mail"\ntable = "messages"\nfiles = "*.csv"\n'


def sent(tmp_path, *times, policy=None, mapping="", name="messages.csv"):
    files = {name: csv(MESSAGES, *[message(n, time) for n, time in enumerate(times)])}
    if mapping:
        files["exports.toml"] = MAPPED + mapping
    return keep(tmp_path, files, **({"policy": policy} if policy else {}))


def test_offsets_keep_their_meaning_and_may_be_mixed(tmp_path):
    same = ["2026-09-01T09:00:00+09:00", "2026-09-01 00:00:00Z", "2026-08-31T17:00-0700", "2026-09-01T00:00:00 +00",
            "2026-09-01T05:30:00+0530", "2026-08-31T23:30:00-00:30", "2026-09-01 00:00:00 UTC"]  # fmt: skip
    store = sent(tmp_path, *same)
    assert cells(store, "messages", "sent_at") == ["2026-09-01T00:00:00.000000Z"] * len(same)


def test_finer_than_a_microsecond_is_truncated(tmp_path):
    store = sent(
        tmp_path, "2026-09-01T00:00:00.1234569Z", '"2026-09-01T00:00:00,9999999999Z"', "2026-09-01T00:00:00.1Z"
    )
    assert [time[20:26] for time in cells(store, "messages", "sent_at")] == ["123456", "999999", "100000"]


def test_a_naive_time_is_read_in_the_policy_s_timezone(tmp_path):
    assert cells(sent(tmp_path, "2026-09-01T00:00"), "messages", "sent_at") == ["2026-08-31T15:00:00.000000Z"]


def test_a_naive_time_is_read_in_the_source_s_timezone_where_it_has_one(tmp_path):
    store = sent(tmp_path, "2026-07-01 12:00:00", "2026-12-01 12:00:00", mapping='timezone = "America/New_York"\n')
    assert cells(store, "messages", "sent_at") == ["2026-07-01T16:00:00.000000Z", "2026-12-01T17:00:00.000000Z"]


def test_naive_times_inside_a_clock_change_are_quarantined(tmp_path):
    times = ["2026-03-29T01:59:59.999999", "2026-03-29T02:00:00", "2026-03-29T03:00:00",
             "2026-10-25T01:59:59", "2026-10-25T02:00:00", "2026-10-25T02:59:59", "2026-10-25T03:00:00",
             "2026-10-25T02:30:00+02:00"]  # fmt: skip
    store = sent(tmp_path, *times, policy=BERLIN)
    assert broken(store) == [(2, "nonexistent_time"), (5, "ambiguous_time"), (6, "ambiguous_time")]
    assert cells(store, "messages", "sent_at")[-1] == "2026-10-25T00:30:00.000000Z"


@pytest.mark.parametrize(
    "time",
    ["2026-02-30T00:00:00Z", "2026-09-01T24:00:00Z", "2026-09-01T00:00+24:00", "2026-09-01T00:00+05:60", "01.09.2026 00:00",
     "2026-9-1T00:00:00Z", "1788134400", "0000-00-00 00:00:00", "２０２６-09-01T00:00:00Z"],
)  # fmt: skip
def test_what_is_no_time_is_quarantined(tmp_path, time):
    assert broken(sent(tmp_path, time)) == [(1, "unreadable_time")]


@pytest.mark.parametrize(
    ("means", "instant"), [("start", "2026-08-31T15:00:00.000000Z"), ("end", "2026-09-01T14:59:59.999999Z")]
)
def test_a_date_alone_is_what_the_mapping_says_and_stays_on_its_day(tmp_path, means, instant):
    store = sent(tmp_path, "2026-09-01", mapping=f'date_alone_means = "{means}"\n')
    assert cells(store, "messages", "sent_at") == [instant]


def test_a_date_alone_that_does_not_exist_is_quarantined_and_not_null(tmp_path):
    header = "request_id,person_id,kind,received_at,closed_at"
    mapping = MAPPED.replace("messages", "requests") + 'date_alone_means = "start"\n'
    files = {"exports.toml": mapping, "r.csv": csv(header, "r1,p1,deletion,2026-09-01,2026-02-30")}
    assert broken(keep(tmp_path, files)) == [(1, "unreadable_time")]


def test_a_day_whose_midnight_is_skipped_begins_later():
    days = pl.Series(["2018-11-04", "2018-11-03"])
    begins, _ = tell_instants(days, "America/Sao_Paulo", None, "start")
    ends, _ = tell_instants(days, "America/Sao_Paulo", None, "end")
    assert begins.dt.to_string("%d %H:%M").to_list() == ["04 03:00", "03 03:00"]
    assert ends.dt.to_string("%d %H:%M:%S%.6f").to_list() == ["05 01:59:59.999999", "04 02:59:59.999999"]


def test_declared_formats(tmp_path):
    store = sent(tmp_path, "01/09/2026 09:30", "31/09/2026 09:30", mapping='timestamp_format = "%d/%m/%Y %H:%M"\n')
    assert cells(store, "messages", "sent_at") == ["2026-09-01T00:30:00.000000Z"]
    assert broken(store) == [(2, "unreadable_time")]


def test_a_declared_format_with_an_offset(tmp_path):
    store = sent(tmp_path, "01/09/2026 09:30 +0200", mapping='timestamp_format = "%d/%m/%Y %H:%M %z"\n')
    assert cells(store, "messages", "sent_at") == ["2026-09-01T07:30:00.000000Z"]


def test_a_declared_format_without_a_clock_is_a_date_without_time(tmp_path):
    mapping = 'timestamp_format = "%d/%m/%Y"\n'
    assert broken(sent(tmp_path, "01/09/2026", mapping=mapping)) == [(1, "date_without_time")]
    store = sent(tmp_path, "01/09/2026", mapping=mapping + 'date_alone_means = "end"\n')
    assert cells(store, "messages", "sent_at") == ["2026-09-01T14:59:59.999999Z"]


def test_epochs_are_exact(tmp_path):
    times = ["1788134400", "1788134400.123456", "1788134400.1234569", "-0.5", "1.7881344e9", "1788134400123", "soon"]
    store = sent(tmp_path, *times, mapping='timestamp_format = "epoch_seconds"\n')
    told = [time[11:26] for time in cells(store, "messages", "sent_at")]
    assert told == ["00:00:00.000000", "00:00:00.123456", "00:00:00.123456", "23:59:59.500000", "00:00:00.000000"]
    assert broken(store) == [(6, "unreadable_time"), (7, "unreadable_time")]
    milliseconds = sent(tmp_path, "1788134400123", mapping='timestamp_format = "epoch_milliseconds"\n')
    assert cells(milliseconds, "messages", "sent_at") == ["2026-08-31T00:00:00.123000Z"]


def test_nothing_is_dated_after_its_export(tmp_path):
    times = ["2026-09-01T12:00:00+09:00", "2026-09-01T12:00:00.000001+09:00"]
    store = sent(tmp_path, *times, mapping="exported_at = 2026-09-01T12:00:00+09:00\n")
    assert broken(store) == [(2, "in_the_future")]


def test_a_naive_exported_at_is_read_in_the_source_s_timezone(tmp_path):
    mapping = 'exported_at = 2026-03-29T12:00:00\ntimezone = "Europe/Berlin"\n'
    store = sent(tmp_path, "2026-03-29T10:00:00Z", "2026-03-29T10:00:00.000001Z", mapping=mapping)
    assert broken(store) == [(2, "in_the_future")]


@pytest.mark.parametrize(
    "name", ["messages-2026-09-01.csv", "messages-20260901.csv", "messages-2026-08-01_2026-09-01.csv"]
)
def test_nothing_is_dated_after_the_last_day_in_the_file_s_name(tmp_path, name):
    store = sent(tmp_path, "2026-09-01T23:59:59.999999", "2026-09-02T00:00:00", name=name)
    assert broken(store) == [(2, "in_the_future")]


@pytest.mark.parametrize("name", ["messages-12345678.csv", "messages-2026-13-01.csv", "messages-10000101.csv"])
def test_a_number_in_the_file_s_name_that_is_no_day_says_nothing(tmp_path, name):
    assert broken(sent(tmp_path, "2026-09-01T00:00:00", name=name)) == []


def test_dates_and_plans_and_expiries_after_the_export(tmp_path):
    contracts = "contract_id,recipient,starts_on,ends_on,is_confidential,is_equal_standard,reviewed_on"
    files = {
        "contracts-2026-09-01.csv": csv(
            contracts, "c1,acme,2027-01-01,2028-01-01,true,true,2026-09-01", "c2,acme,2026-01-01,,true,true,2026-09-02"
        ),
        "staff-2026-09-01.csv": csv("employee_id,role,joined_on,left_on", "e1,x,2026-01-01,2026-12-31"),
        "consent_events-2026-09-01.csv": csv(
            "person_id,purpose,channel,action,at,expires_at",
            "p1,marketing,any,grant,2026-09-01T00:00:00Z,2028-01-01T00:00:00Z",
        ),
    }
    assert broken(keep(tmp_path, files)) == [(2, "in_the_future")]


def test_dates(tmp_path):
    texts = pl.DataFrame(
        {"t": ["2026-09-01", "2026-09-01 00:00:00", "2026-09-01T00:00:00.000", "2026-09-01T00:01", "1.9.2026"]}
    )
    reading = read_dates(pl.col("t"))
    assert texts.select(reading.fault).to_series().to_list() == [None] * 3 + ["unreadable_date"] * 2
    declared = read_dates(pl.col("t"), "%d.%m.%Y")
    assert texts.select(declared.value).to_series()[4].isoformat() == "2026-09-01"


MOMENTS = st.datetimes(datetime(1950, 1, 1), datetime(2100, 1, 1))


@given(st.lists(MOMENTS, min_size=1, max_size=6), st.sampled_from(["Asia/Tokyo", "Europe/Berlin", "America/New_York"]))
def test_naive_times_are_placed_as_python_places_them(moments, timezone):
    values, faults = tell_instants(pl.Series([moment.isoformat() for moment in moments]), timezone)
    for moment, value, fault in zip(moments, values, faults, strict=True):
        first, second = (moment.replace(tzinfo=ZoneInfo(timezone), fold=fold).astimezone(UTC) for fold in (0, 1))
        expected = None if first != second else first
        assert value == expected
        assert (fault is None) == (expected is not None)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["2026-03-29", "2026-10-25", "2026-02-30", "1969-12-31"]),
            st.sampled_from(["00:00:00", "02:30:00", "24:00:00", "23:59:60"]),
            st.sampled_from(["", ".1", ".999999", ".1234567"]),
        ),
        max_size=4,
    ),
    st.sampled_from(["T", " "]),
    st.sampled_from(["Z", "+09:00", "-00:30", "+0900", ""]),
)
def test_the_quick_way_says_what_the_slow_way_says(parts, between, offset):
    texts = pl.Series([f"{day}{between}{clock}{fraction}{offset}" for day, clock, fraction in parts], dtype=pl.String)
    value, fault = tell_instants(texts, "Europe/Berlin")
    slow = read_instants(pl.col("t"), "Europe/Berlin")
    told = texts.to_frame("t").select(value=slow.value, fault=slow.fault)
    assert (value.to_list(), fault.to_list()) == (told["value"].to_list(), told["fault"].to_list())
