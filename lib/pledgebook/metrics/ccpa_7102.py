"""What California's regulation 11 CCR 7102 asks a business to publish about a calendar year's requests.

Conventions, since the regulation leaves them open: a partial answer complies; a request closed because the person
could not be identified is denied, for that reason; withdrawn, open and closed without an outcome are columns of their
own, so that the parts add up to the received. Days are calendar dates: response minus receipt, the day of receipt is 0.
"""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.definition import Column, Published, Question
from pledgebook.metrics.durations import mean_by, median_by

TYPES = {
    "deletion": "delete",
    "correction": "correct",
    "disclosure": "know",
    "provision_records": "know",
    "portability": "know",
    "opt_out_sale": "opt_out_of_sale",
    "limit_use": "limit",
}
ENDS = ("complied", "denied", "withdrawn", "outcome_unknown", "open")
REASONS = ("not_verifiable", "not_a_consumer", "exempt", "other")
GROUPS = ["year", "request_type"]


def count_answers(told: pl.LazyFrame, question: Question) -> pl.LazyFrame:
    """Return one shard's requests of the period's calendar year: request_type, end, reason, days, len."""
    year = question.period.last_day.year
    mine = told.filter((pl.col("regime") == "CCPA") & (pl.col("received_on").dt.year() == year))
    end = (
        pl.when("is_open").then(pl.lit("open"))
        .when(pl.col("outcome").is_in(["fulfilled", "partly_fulfilled"])).then(pl.lit("complied"))
        .when(pl.col("outcome").is_in(["denied", "unverifiable"])).then(pl.lit("denied"))
        .otherwise(pl.col("outcome").fill_null("outcome_unknown"))
    )  # fmt: skip
    typed = mine.with_columns(
        pl.col("kind").replace_strict(TYPES, default=None, return_dtype=pl.String).alias("request_type"),
        end.alias("end"),
        _reason().alias("reason"),
        (question.local_date("closed_at") - pl.col("received_on")).dt.total_days().alias("days"),
    )
    return typed.filter(pl.col("request_type").is_not_null()).group_by("request_type", "end", "reason", "days").len()


def _reason() -> pl.Expr:
    """The regulation's ground of a denial, from the outcome or the words of the reason on record."""
    words = pl.col("denial_reason").fill_null("").str.to_lowercase().str.replace_all(r"[\s\-]+", "_")
    return (
        pl.when(pl.col("outcome") == "unverifiable").then(pl.lit("not_verifiable"))
        .when(pl.col("outcome") != "denied").then(None)
        .when(words.str.contains("verif|identif")).then(pl.lit("not_verifiable"))
        .when(words.str.contains("not_a_consumer|not_consumer|non_consumer")).then(pl.lit("not_a_consumer"))
        .when(words.str.contains("exempt|excepti")).then(pl.lit("exempt"))
        .when(pl.col("outcome") == "denied").then(pl.lit("other"))
    )  # fmt: skip


def publishable(counted: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return `ccpa_7102`: all five types where a request of any came; no rows where none did."""
    year = pl.lit(str(question.period.last_day.year)).alias("year")
    rows = counted.group_by("request_type", "end", "reason", "days").agg(pl.col("len").sum().cast(pl.Int64))
    rows = rows.with_columns(year)
    ends = [pl.col("len").filter(pl.col("end") == end).sum().alias(end) for end in ENDS]
    reasons = [pl.col("len").filter(pl.col("reason") == reason).sum().alias(f"denied_{reason}") for reason in REASONS]
    summed = rows.group_by(GROUPS).agg(pl.col("len").sum().alias("received"), *ends, *reasons)
    answered = rows.filter(pl.col("end").is_in(["complied", "denied"]))
    types = pl.DataFrame({"request_type": list(dict.fromkeys(TYPES.values()))}).with_columns(year)
    told = types if rows.height else types.clear()
    for figures in (
        summed,
        median_by(answered, GROUPS, "days", 1, "median_days"),
        mean_by(answered, GROUPS, "days", 1, "mean_days"),
    ):
        told = told.join(figures, on=GROUPS, how="left", maintain_order="left")
    counts = [column.name for column in PUBLISHED.columns if column.unit == "count"]
    told = told.with_columns(pl.col(counts).fill_null(0))
    return told.select(*GROUPS, *[column.name for column in PUBLISHED.columns]).sort(GROUPS)


_REASON_MEANINGS = {
    "not_verifiable": "denied because the person could not be identified",
    "not_a_consumer": "denied because the person was no consumer",
    "exempt": "denied because the information is exempt",
    "other": "denied on other, or unknown, grounds",
}
PUBLISHED = Published(
    "ccpa_7102",
    "one row per type of request in the calendar year in which the period ends",
    ("year", "request_type"),
    (
        Column("received", "requests received in the year and before as-of"),
        Column("complied", "answered in whole or in part", population="received"),
        Column("denied", "refused, or the person could not be identified", population="received"),
        Column("withdrawn", "taken back by the person", population="received"),
        Column("outcome_unknown", "closed without an outcome on record", population="received"),
        Column("open", "not closed by as-of", population="received"),
        *(Column(f"denied_{name}", meaning, population="denied") for name, meaning in _REASON_MEANINGS.items()),
        Column(
            "median_days", "median calendar days to a substantive response (complied or denied)", "days", "received"
        ),
        Column("mean_days", "mean calendar days to a substantive response (complied or denied)", "days", "received"),
    ),
    needs=("requests",),
    inputs=("requests",),
)
