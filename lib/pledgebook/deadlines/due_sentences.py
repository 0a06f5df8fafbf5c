"""How a column of due dates came about: the sentences of `explanation`, by expressions."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import polars as pl

from pledgebook.deadlines.calendars import DAY
from pledgebook.deadlines.clock_tables import STRIDE, CalendarKey, day_number
from pledgebook.deadlines.explanation import (
    ASSUMED,
    NO_NUMBER,
    OPEN_ENDED,
    PROMISED,
    SOURCELESS,
    STAYS,
    closed_words,
    promised_words,
)

SHORT, LONG = "%a %-d %b", "%a %-d %b %Y"


def add_sentences(frame: pl.LazyFrame, keys: tuple[CalendarKey, ...], first: date, last: date) -> pl.LazyFrame:
    """Return the working frame of `add_due_dates` with `due_explanation`; `keys`: its calendars."""
    words = closed_words_table(keys, first, last).lazy()
    key = pl.when("__does_roll").then(pl.col("__number") * STRIDE + day_number(pl.col("__last"), first))
    is_promised = pl.col("__promised").is_not_null()
    source = pl.col("__source").fill_null(SOURCELESS)
    names = dict(enumerate(calendar for calendar, _ in keys))
    calendar = pl.col("__number").replace_strict(names, default=None, return_dtype=pl.String)
    worded = frame.with_columns(
        __last_key=key,
        __calendar_name=pl.when(pl.col("__is_regional") & pl.col("__is_assumed")).then(calendar),
        __words=pl.when(is_promised).then(_promised_words(pl.col("__promised"))).otherwise("__words"),
        __tail=pl.when(is_promised).then(source + pl.lit(PROMISED)).otherwise(source),
    )
    joined = worded.join(words, on="__last_key", how="left", maintain_order="left")
    return joined.with_columns(due_explanation=_sentence(pl.col("__closed").fill_null("")))


def _promised_words(days: pl.Expr) -> pl.Expr:
    """The words of `promised_words` for a column."""
    many = promised_words(2).replace("2", "{}")
    return pl.when(days == 1).then(pl.lit(promised_words(1))).otherwise(pl.format(many, days))


def _sentence(closed: pl.Expr) -> pl.Expr:
    """The words of `sentence` for a column; `closed` holds why a closed last day moves."""
    start, no_due = pl.col("__start"), pl.when(pl.col("is_extension_valid")).then(pl.lit(OPEN_ENDED))
    return pl.concat_str(
        pl.format("received {}", pl.col("received_on").dt.strftime(LONG)),
        _when(start > pl.col("received_on"), "; verified {}, which starts the clock", start.dt.strftime(LONG)),
        pl.when(pl.col("due_on").is_null()).then(no_due.otherwise(pl.lit(NO_NUMBER))).otherwise(_counted(closed)),
        pl.col("__tail"),
    )


def _counted(closed: pl.Expr) -> pl.Expr:
    """The part from the end of the period to the due date."""
    last, extended = pl.col("__last"), pl.col("extended_on").dt.strftime(LONG)
    is_stuck = ~pl.col("__does_roll") & (last.dt.weekday() > 5)
    assumed = pl.col("__calendar_name")
    return pl.concat_str(
        pl.format("{} {}", pl.col("__words"), pl.col("__ends").dt.strftime(SHORT)),
        _when(pl.col("__paused") != 0, "; {} paused days added: {}", pl.col("__paused"), last.dt.strftime(SHORT)),
        closed,
        pl.when(is_stuck).then(pl.lit(STAYS)).otherwise(pl.lit("")),
        _when(assumed.is_not_null(), ASSUMED, assumed),
        _when(~pl.col("is_extension_valid"), "; the extension notice of {} does not count", extended),
        pl.format("; due {}", pl.col("due_on").dt.strftime(LONG)),
    )


def _when(condition: pl.Expr, template: str, *columns: pl.Expr) -> pl.Expr:
    return pl.when(condition).then(pl.format(template, *columns)).otherwise(pl.lit(""))


@lru_cache(maxsize=16)
def closed_words_table(keys: tuple[CalendarKey, ...], first: date, last: date) -> pl.DataFrame:
    """Return `__last_key`, `__closed`: why each closed day of the numbered calendars moves a due date."""
    days = [first + number * DAY for number in range((last - first).days + 1)]
    rows = [
        (number * STRIDE + index, words)
        for number, (calendar, weekend) in enumerate(keys)
        for index, day in enumerate(days)
        if (words := closed_words(calendar, weekend, day))
    ]
    return pl.DataFrame(rows, schema={"__last_key": pl.Int64, "__closed": pl.String}, orient="row")
