"""From when on a refusal of marketing binds."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import holidays
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pledgebook.deadlines import (
    add_effective_instants,
    binds_anyhow,
    check_marketing_regime,
    local_midnights,
    midnight_after,
)
from pledgebook.errors import InputError

UTC = ZoneInfo("UTC")


def effective(regimes, regime, at, timezone="Asia/Tokyo"):
    frame = pl.LazyFrame({"at": [at], "regime": [regime]}, schema={"at": pl.Datetime("us", "UTC"), "regime": pl.String})
    return add_effective_instants(frame, regimes, timezone=timezone).collect()["effective_at"][0]


WITHOUT_GRACE = ["GDPR", "EPRIVACY", "UK_PECR", "JP_SPECIFIED_EMAIL", "JP_ASCT", "KR_MARKETING"]
WITHOUT_GRACE += ["LGPD", "QUEBEC_25"]


@pytest.mark.parametrize("regime", WITHOUT_GRACE)
def test_without_grace_it_binds_at_once(regimes, regime):
    at = datetime(2026, 3, 4, 5, 6, 7, 8, tzinfo=UTC)
    assert effective(regimes, regime, at) == at


@pytest.mark.parametrize(
    ("regime", "local", "last"),
    [
        ("TCPA", "2025-05-20T12:00", "2025-06-04"),
        ("CAN_SPAM", "2025-05-20T00:00", "2025-06-04"),
        ("CAN_SPAM", "2026-06-19T23:59", "2026-07-06"),
        ("CASL", "2026-06-25T12:00", "2026-07-10"),
        ("SPAM_AU", "2026-04-02T12:00", "2026-04-10"),
        ("SPAM_SG", "2026-02-09T12:00", "2026-02-25"),
        ("PDPA_SG", "2026-04-02T12:00", "2026-04-23"),
    ],
)
@pytest.mark.parametrize("timezone", ["Asia/Tokyo", "America/New_York", "America/Sao_Paulo"])
def test_with_grace_it_binds_at_the_midnight_after_the_last_day(regimes, regime, local, last, timezone):
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo(timezone)).astimezone(UTC)
    after = date.fromisoformat(last) + timedelta(days=1)
    assert effective(regimes, regime, at, timezone) == datetime(
        after.year, after.month, after.day, tzinfo=ZoneInfo(timezone)
    )


@settings(deadline=None)
@given(
    at=st.datetimes(datetime(1985, 1, 1), datetime(2105, 1, 1), timezones=st.just(UTC)),
    passed=st.timedeltas(timedelta(0), timedelta(days=60)),
    timezone=st.sampled_from(["Asia/Tokyo", "America/Sao_Paulo", "Pacific/Kiritimati"]),
)
def test_what_binds_anyhow_binds_by_every_law(regimes, at, passed, timezone):
    laws = sorted(regimes.marketing_regimes)
    times = {"at": [at] * len(laws), "then": [at + passed] * len(laws)}
    instants = dict.fromkeys(times, pl.Datetime("us", "UTC"))
    frame = pl.LazyFrame({**times, "regime": laws}, schema={**instants, "regime": pl.String})
    surely = binds_anyhow(frame, regimes, "at", "then", timezone=timezone).alias("surely")
    told = add_effective_instants(frame, regimes, timezone=timezone).with_columns(surely).collect()
    binds = (told["effective_at"] < told["then"]).fill_null(value=False)
    assert told.filter(told["surely"] & ~binds).is_empty()
    if passed > timedelta(days=45) and at.year <= 2098:
        assert told["surely"].all()


@settings(deadline=None)
@given(
    at=st.datetimes(datetime(1995, 1, 2), datetime(2090, 1, 1), timezones=st.just(UTC)),
    regime=st.sampled_from(["CAN_SPAM", "TCPA"]),
)
def test_ten_business_days_one_by_one(regimes, at, regime):
    if regime == "CAN_SPAM" and at.year < 2004:
        at = at.replace(year=2004, day=1)
    zone = ZoneInfo("America/New_York")
    day, left = at.astimezone(zone).date(), 10
    federal = holidays.US(years=range(day.year, day.year + 2))
    while left:
        day += timedelta(days=1)
        left -= day.weekday() < 5 and day not in federal
    expected = datetime.combine(day + timedelta(days=1), datetime.min.time(), zone)
    if regime == "TCPA" or at >= datetime(2004, 1, 2, tzinfo=UTC):
        assert effective(regimes, regime, at, "America/New_York") == expected


def test_names_of_columns_are_free_and_an_unknown_regime_stays_null(regimes):
    at = datetime(2026, 3, 4, tzinfo=UTC)
    frame = pl.LazyFrame({"opted_out_at": [at, at, None], "law": ["GDPR", "ELSEWHERE", "GDPR"]}).with_columns(
        pl.col("opted_out_at").cast(pl.Datetime("us", "UTC")),
        pl.col("law").cast(pl.Enum(["GDPR", "ELSEWHERE"])),
    )
    named = {"at": "opted_out_at", "regime": "law", "name": "binds_at"}
    found = add_effective_instants(frame, regimes, **named, timezone="Asia/Tokyo").collect()
    assert found.columns == ["opted_out_at", "law", "binds_at"]
    assert found["binds_at"].to_list() == [at, None, None]


def test_which_channels_a_regime_speaks_of(regimes):
    assert {"CAN_SPAM", "TCPA", "CASL", "JP_SPECIFIED_EMAIL", "GDPR"} <= regimes.marketing_regimes
    assert "CCPA" not in regimes.marketing_regimes
    assert regimes.channels_of("CAN_SPAM") == {"email"}
    assert regimes.channels_of("TCPA") == {"phone", "sms"}
    assert regimes.channels_of("CASL") == {"email", "sms", "messenger"}
    assert check_marketing_regime(regimes, "CAN_SPAM", "email") == "CAN_SPAM"
    with pytest.raises(InputError, match="'CAN_SPAM': says nothing of sms, only of email"):
        check_marketing_regime(regimes, "CAN_SPAM", "sms")
    with pytest.raises(InputError, match=r"marketing regime 'CCPA': not known\. Give one of: CAN_SPAM"):
        check_marketing_regime(regimes, "CCPA")


def test_local_midnights_where_a_clock_change_skips_or_repeats_them():
    skipped = local_midnights("America/Sao_Paulo", date(2018, 11, 3), date(2018, 11, 5))
    assert [f"{at:%H}" for at in skipped["midnight"]] == ["03", "03", "02"]
    repeated = local_midnights("America/Havana", date(2026, 11, 1), date(2026, 11, 2))
    assert [f"{at:%H}" for at in repeated["midnight"]] == ["04", "05"]
    assert repeated.schema == {"date": pl.Date, "midnight": pl.Datetime("us", "UTC")}


def test_the_midnight_after_a_day_which_may_be_missing():
    days = pl.Series([date(2018, 11, 4), None, date(2018, 11, 3)])
    told = midnight_after(days, "America/Sao_Paulo")
    assert [at and f"{at:%d %H}" for at in told] == ["05 02", None, "04 03"]
    nothing = midnight_after(pl.Series([None], dtype=pl.Date), "Asia/Tokyo")
    assert (nothing.to_list(), nothing.dtype) == ([None], pl.Datetime("us", "UTC"))
