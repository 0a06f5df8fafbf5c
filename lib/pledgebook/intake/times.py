"""Reading times and dates as exports write them: offsets kept, naive ones placed, nothing guessed."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pledgebook.tables import UTC_MICROSECONDS

ISO = (
    r"^(?<day>\d{4}-\d\d-\d\d)(?:[T ](?<clock>\d\d:\d\d)(?<seconds>:\d\d)?(?:[.,](?<fraction>\d+))?"
    r" ?(?<offset>[Zz]|[+-]\d\d(?::?\d\d)?)?)?$"
)
ENDS_OF_DAY = ("start", "end")


@dataclass(frozen=True)
class Reading:
    """A column read: its values, and per row the rule it broke (null: none)."""

    value: pl.Expr
    fault: pl.Expr


def read_instants(text: pl.Expr, timezone: str, form: str | None = None, day_means: str | None = None) -> Reading:
    """Read text as instants in UTC, microseconds, finer truncated.

    A time with an offset keeps its meaning; a naive one is read in `timezone`, and is a fault inside a clock change.
    A date alone is a fault unless `day_means` (`start` or `end` of the day) says what it is. `form` is a strptime
    format, `epoch_seconds` or `epoch_milliseconds`, in place of ISO 8601.
    """
    if form in ("epoch_seconds", "epoch_milliseconds"):
        return _read_epoch(text, 1_000_000 if form == "epoch_seconds" else 1_000)
    if form is not None:
        return _read_formatted(text, timezone, form)
    parts = text.str.extract_groups(ISO).struct
    clock = parts.field("clock")
    naive = _naive(parts.field("day"), clock, parts.field("seconds"), parts.field("fraction"))
    offset = _offset(parts.field("offset"))
    placed = _place(naive, timezone)
    whole_day = parts.field("day").is_not_null() & clock.is_null()
    day = _place(
        _naive(parts.field("day"), pl.lit("00:00"), pl.lit(None), pl.lit(None)),
        timezone,
        day_means or "start",
    )
    value: pl.Expr = (
        pl.when(offset.is_not_null()).then((naive - offset).dt.replace_time_zone("UTC")).otherwise(placed.value)
    )
    fault: pl.Expr = pl.when(offset.is_null()).then(placed.fault)
    if day_means is not None:
        value, fault = pl.when(whole_day).then(day.value).otherwise(value), pl.when(~whole_day).then(fault)
    else:
        fault = pl.when(whole_day).then(pl.lit("date_without_time")).otherwise(fault)
    fault = pl.when(naive.is_null() & ~whole_day).then(pl.lit("unreadable_time")).otherwise(fault)
    return Reading(value.cast(UTC_MICROSECONDS), pl.when(text.is_not_null()).then(fault))


def read_dates(text: pl.Expr, form: str | None = None) -> Reading:
    """Read text as civil dates (ISO 8601, or the strptime format `form`)."""
    value = text.str.to_date(form or "%Y-%m-%d", strict=False)
    return Reading(value, pl.when(text.is_not_null() & value.is_null()).then(pl.lit("unreadable_date")))


def place_naive(naive: pl.Expr, timezone: str) -> Reading:
    """Place naive datetimes in `timezone`; inside a clock change they are a fault."""
    placed = _place(naive, timezone)
    return Reading(placed.value, placed.fault)


def _naive(day: pl.Expr, clock: pl.Expr, seconds: pl.Expr, fraction: pl.Expr) -> pl.Expr:
    whole = pl.concat_str([day, pl.lit("T"), clock, seconds.fill_null(":00")])
    moment = whole.str.to_datetime("%Y-%m-%dT%H:%M:%S", time_unit="us", strict=False)
    finer = fraction.fill_null("0").str.slice(0, 6).str.pad_end(6, "0").cast(pl.Int64, strict=False)
    return moment + pl.duration(microseconds=finer)


def _offset(text: pl.Expr) -> pl.Expr:
    digits = text.str.replace_all(r"[:+-]", "").str.pad_end(4, "0")
    minutes = digits.str.slice(0, 2).cast(pl.Int64, strict=False) * 60 + digits.str.slice(2, 2).cast(
        pl.Int64, strict=False
    )
    signed = pl.when(text.str.starts_with("-")).then(-minutes).otherwise(minutes)
    return pl.duration(minutes=pl.when(text.str.to_uppercase() == "Z").then(0).otherwise(signed))


def _place(naive: pl.Expr, timezone: str, day_end: str = "start") -> Reading:
    moment = naive.dt.offset_by("1d") if day_end == "end" else naive
    sure = moment.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null")
    real = moment.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    fault = pl.when(real.is_null()).then(pl.lit("nonexistent_time")).when(sure.is_null()).then(pl.lit("ambiguous_time"))
    return Reading(sure.dt.convert_time_zone("UTC"), pl.when(moment.is_not_null()).then(fault))


def _read_epoch(text: pl.Expr, microseconds: int) -> Reading:
    whole = text.cast(pl.Float64, strict=False)
    exact = text.cast(pl.Int64, strict=False) * microseconds
    value = pl.coalesce(exact, (whole * microseconds).floor().cast(pl.Int64, strict=False)).cast(UTC_MICROSECONDS)
    return Reading(value, pl.when(text.is_not_null() & value.is_null()).then(pl.lit("unreadable_time")))


def _read_formatted(text: pl.Expr, timezone: str, form: str) -> Reading:
    if "%z" in form or "%:z" in form or "%#z" in form:
        value = text.str.to_datetime(form, time_unit="us", strict=False).dt.convert_time_zone("UTC")
        return Reading(value, pl.when(text.is_not_null() & value.is_null()).then(pl.lit("unreadable_time")))
    naive = text.str.to_datetime(form, time_unit="us", strict=False)
    placed = _place(naive, timezone)
    fault = pl.when(naive.is_null()).then(pl.lit("unreadable_time")).otherwise(placed.fault)
    return Reading(placed.value.cast(UTC_MICROSECONDS), pl.when(text.is_not_null()).then(fault))
