"""Reading times and dates as exports write them: offsets kept, naive ones placed, nothing guessed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime

import polars as pl

from pledgebook.tables import UTC_MICROSECONDS

ISO = (
    r"^(?<day>\d{4}-\d\d-\d\d)(?:[T ](?<clock>\d\d:\d\d)(?<seconds>:\d\d)?(?:[.,](?<fraction>\d+))?"
    r" ?(?<offset>[Zz]|UTC|[+-](?:[01]\d|2[0-3])(?::?[0-5]\d)?)?)?$"
)
_PLAIN = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}%s[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?%s$"
SHAPES = {
    _PLAIN % (between, offset): bool(offset)
    for between in ("T", " ")
    for offset in ("Z", "[+-](?:[01][0-9]|2[0-3]):[0-5][0-9]", "")
}
"""Times that Arrow reads, and whether they carry an offset."""
LAST_EPOCH = 253_402_300_800
BEGINNING, END = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
"""So that every instant has a local day in every timezone."""
EPOCH = r"^(-?)(\d{1,15})(?:\.(\d*))?$"
CLOCK_CODES = ("%H", "%I", "%k", "%l", "%T", "%R", "%r", "%X", "%c", "%s")
OFFSET_CODES = ("%z", "%:z", "%#z", "%+")
MIDNIGHT = r"[T ]00:00(:00(\.0+)?)?$"


@dataclass(frozen=True)
class Reading:
    """A column read: its values, and per row the rule it broke (null: none)."""

    value: pl.Expr
    fault: pl.Expr


def tell_instants(
    texts: pl.Series, timezone: str, form: str | None = None, day_means: str | None = None
) -> tuple[pl.Series, pl.Series]:
    """Read a column as `read_instants` does: values and faults. Quicker where all texts are of one plain shape."""
    if form is None and (value := _of_one_shape(texts, timezone)) is not None:
        return value, pl.repeat(None, texts.len(), dtype=pl.String, eager=True)
    reading = read_instants(pl.col("text"), timezone, form, day_means)
    told = texts.to_frame("text").select(reading.value.alias("value"), reading.fault.alias("fault"))
    return told["value"], told["fault"]


def _of_one_shape(texts: pl.Series, timezone: str) -> pl.Series | None:
    """The instants of texts that all look alike; None where they do not, or where one of them is at fault."""
    first = texts.drop_nulls().head(1)
    for shape, has_offset in SHAPES.items():
        if not first.str.contains(shape).all() or not texts.str.contains(shape).all():
            continue
        value = _parsed(texts, has_offset=has_offset)
        if value is None:
            return None
        if not has_offset:
            placed = value.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null")
            value = placed.dt.convert_time_zone("UTC")
        is_told = value.null_count() == texts.null_count() and value.is_between(BEGINNING, END).all()
        return value if is_told else None
    return None


def _parsed(texts: pl.Series, *, has_offset: bool) -> pl.Series | None:
    """ISO 8601 by Arrow, ten times as fast as a strptime format; None where one of the texts is no time."""
    import pyarrow as pa  # noqa: PLC0415

    told = pa.timestamp("us", "UTC") if has_offset else pa.timestamp("us")
    try:
        return pl.Series(texts.to_arrow(compat_level=pl.CompatLevel.oldest()).cast(told))
    except pa.ArrowInvalid:
        return None


def read_instants(text: pl.Expr, timezone: str, form: str | None = None, day_means: str | None = None) -> Reading:
    """Read text as instants in UTC, microseconds, finer truncated.

    A time with an offset keeps its meaning; a naive one is read in `timezone`, and is a fault inside a clock change.
    A date alone is a fault unless `day_means` says what it is: the `start` or the `end` of the day, its last
    microsecond. `form` is a strptime format, `epoch_seconds` or `epoch_milliseconds`, in place of ISO 8601.
    """
    if form in ("epoch_seconds", "epoch_milliseconds"):
        return _in_calendar(_read_epoch(text, 6 if form == "epoch_seconds" else 3))
    if form is not None:
        return _in_calendar(_read_formatted(text, timezone, form, day_means))
    return _in_calendar(_read_iso(text, timezone, day_means))


def _in_calendar(reading: Reading) -> Reading:
    """Instants of the years 1 to 9999, their first and last day cut off: what stands there means ever, or never."""
    is_early = reading.value < pl.lit(BEGINNING) - pl.duration(days=2)
    value = pl.when(~is_early).then(reading.value.clip(BEGINNING, END))
    return Reading(value, pl.when(is_early).then(pl.lit("unreadable_time")).otherwise(reading.fault))


def _read_iso(text: pl.Expr, timezone: str, day_means: str | None) -> Reading:
    parts = text.str.extract_groups(ISO).struct
    clock = parts.field("clock")
    naive = _naive(parts.field("day"), clock, parts.field("seconds"), parts.field("fraction"))
    offset = _offset(parts.field("offset"))
    placed = place_naive(naive, timezone)
    whole_day = parts.field("day").is_not_null() & clock.is_null()
    value: pl.Expr = (
        pl.when(offset.is_not_null()).then((naive - offset).dt.replace_time_zone("UTC")).otherwise(placed.value)
    )
    fault: pl.Expr = pl.when(offset.is_null()).then(placed.fault)
    if day_means is not None:
        day = parts.field("day").str.to_datetime("%Y-%m-%d", time_unit="us", strict=False)
        boundary = _midnight(day, timezone, day_means)
        value = pl.when(whole_day).then(boundary.value).otherwise(value)
        fault = pl.when(whole_day).then(boundary.fault).otherwise(fault)
    else:
        fault = pl.when(whole_day).then(pl.lit("date_without_time")).otherwise(fault)
    fault = pl.when(naive.is_null() & ~whole_day).then(pl.lit("unreadable_time")).otherwise(fault)
    return Reading(value.cast(UTC_MICROSECONDS), pl.when(text.is_not_null()).then(fault))


def _midnight(day: pl.Expr, timezone: str, end: str) -> Reading:
    """The first or the last microsecond of a local day, also where a clock change skips or repeats its midnight."""
    first = day if end == "start" else day.dt.offset_by("1d")
    hours = [first.dt.offset_by(later) for later in ("0h", "30m", "1h")]
    placed = [hour.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null") for hour in hours]
    began = pl.coalesce(placed).dt.convert_time_zone("UTC")
    value = began if end == "start" else began - pl.duration(microseconds=1)
    return Reading(value, pl.when(value.is_null()).then(pl.lit("unreadable_time")))


def read_dates(text: pl.Expr, form: str | None = None) -> Reading:
    """Read text as civil dates (ISO 8601, a midnight after it left out; or the strptime format `form`)."""
    plain = text.str.replace(MIDNIGHT, "") if form is None else text
    told = plain.str.to_date(form or "%Y-%m-%d", strict=False)
    value = pl.when(told.is_between(date.min, date.max)).then(told)
    return Reading(value, pl.when(text.is_not_null() & value.is_null()).then(pl.lit("unreadable_date")))


def place_naive(naive: pl.Expr, timezone: str) -> Reading:
    """Place naive datetimes in `timezone`; inside a clock change they are a fault."""
    sure = naive.dt.replace_time_zone(timezone, ambiguous="null", non_existent="null")
    real = naive.dt.replace_time_zone(timezone, ambiguous="earliest", non_existent="null")
    fault = pl.when(real.is_null()).then(pl.lit("nonexistent_time")).when(sure.is_null()).then(pl.lit("ambiguous_time"))
    return Reading(sure.dt.convert_time_zone("UTC"), pl.when(naive.is_not_null()).then(fault))


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
    return pl.duration(minutes=pl.when(text.str.to_uppercase().is_in(["Z", "UTC"])).then(0).otherwise(signed))


def _read_epoch(text: pl.Expr, places: int) -> Reading:
    """Seconds (places 6) or milliseconds (3) since 1970, digit by digit: a float would lose microseconds."""
    plain = pl.when(text.str.contains("[eE]")).then(text.cast(pl.Decimal(38, 9), strict=False).cast(pl.String))
    parts = plain.otherwise(text).str.extract_groups(EPOCH).struct
    whole = parts.field("2").cast(pl.Int64, strict=False)
    finer = parts.field("3").fill_null("").str.slice(0, places).str.pad_end(places, "0").cast(pl.Int64, strict=False)
    count = pl.when(whole < LAST_EPOCH * 10 ** (6 - places)).then(whole * 10**places + finer)
    value = pl.when(parts.field("1") == "-").then(-count).otherwise(count).cast(UTC_MICROSECONDS)
    return Reading(value, pl.when(text.is_not_null() & value.is_null()).then(pl.lit("unreadable_time")))


def _read_formatted(text: pl.Expr, timezone: str, form: str, day_means: str | None) -> Reading:
    if any(code in form for code in OFFSET_CODES):
        value = text.str.to_datetime(form, time_unit="us", strict=False).dt.convert_time_zone("UTC")
        return Reading(value, pl.when(text.is_not_null() & value.is_null()).then(pl.lit("unreadable_time")))
    naive = text.str.to_datetime(form, time_unit="us", strict=False)
    if not any(code in form for code in CLOCK_CODES):
        alone = Reading(naive.cast(UTC_MICROSECONDS), pl.lit("date_without_time"))
        day = alone if day_means is None else _midnight(naive, timezone, day_means)
        fault = pl.when(naive.is_null()).then(pl.lit("unreadable_time")).otherwise(day.fault)
        return Reading(day.value, pl.when(text.is_not_null()).then(fault))
    placed = place_naive(naive, timezone)
    fault = pl.when(naive.is_null()).then(pl.lit("unreadable_time")).otherwise(placed.fault)
    return Reading(placed.value.cast(UTC_MICROSECONDS), pl.when(text.is_not_null()).then(fault))
