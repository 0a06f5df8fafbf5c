"""Figures of one form, and the proof that every engine tells the same ones."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import polars as pl
import polars.selectors as cs

Figures = dict[str, pl.DataFrame]
VERDICTS = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
FINDINGS = (
    "unknown_recipient", "unknown_basis", "no_consent", "no_contract", "no_legal_reference", "not_recorded",
    "undeclared_purpose", "in_order",
)  # fmt: skip
OUTCOMES = ("fulfilled", "partly_fulfilled", "denied", "withdrawn", "unverifiable", "outcome_unknown", "open")
DUE = ("due", "on_time", "late", "overdue_open")
WAITED = (
    "p50_days", "p90_days", "p95_days", "answered_median_days", "answered_mean_days", "answered_median_gross_days",
)  # fmt: skip
GROUPS = {
    "intake": ("table",),
    "opt-outs": ("month", "channel", "campaign"),
    "coverage": ("date", "purpose", "channel"),
    "turnaround": ("regime", "kind"),
    "disclosures": ("recipient",),
}
COLUMNS = {
    "intake": ("rows", "people", "first", "last", "out_of_order"),
    "opt-outs": ("messages", *VERDICTS),
    "coverage": ("people", "granted"),
    "turnaround": ("received", *OUTCOMES, *DUE, "unverified_answers", "paused_open", *WAITED),
    "disclosures": ("recipient_kind", "country", "disclosures", "people", *FINDINGS),
}
WITH_TOTALS = ("turnaround",)
"""Questions whose totals hold figures that do not add up from the rows: medians and percentiles."""
LAST_DIGIT = 1e-14
for _told in (GROUPS, COLUMNS):
    _told["opt-outs-month"] = _told["opt-outs"]


class Disagreement(Exception):
    """Two engines tell different figures: then no time is worth printing."""


def kept_rows(table: str, files: Sequence[Path], instant: str) -> pl.DataFrame:
    """Return what an intake kept of a table: how many rows and people, the first and the last instant; and order.

    `out_of_order` counts rows that stand in their file after one of a greater person, or of a later instant of theirs.
    """
    person, at, is_same_file = pl.col("person"), pl.col(instant), pl.col("file") == pl.col("file").shift()
    is_before = (person < person.shift()) | ((person == person.shift()) & (at < at.shift()))
    rows = pl.scan_parquet(files, include_file_paths="file", hive_partitioning=False)
    return rows.select(
        pl.lit(table).alias("table"),
        pl.len().alias("rows"),
        person.n_unique().alias("people"),
        at.dt.replace_time_zone(None).min().alias("first"),
        at.dt.replace_time_zone(None).max().alias("last"),
        (is_same_file & is_before).sum().alias("out_of_order"),
    ).collect()


def kept_in_files(folder: Path, instants: Mapping[str, str]) -> pl.DataFrame:
    """Return what an intake kept of each table that lies as Parquet in a folder of its own."""
    return pl.concat(kept_rows(name, sorted((folder / name).rglob("*.parquet")), at) for name, at in instants.items())


def in_one_form(question: str, told: pl.DataFrame) -> pl.DataFrame:
    """Return an engine's figures with the columns, types and order in which they are compared.

    Rows that are mere totals of others are left out: a peer has no need to add them up.
    """
    groups = list(GROUPS[question])
    is_total = pl.any_horizontal(pl.col(groups).cast(pl.String) == "all")
    compared = told if question in WITH_TOTALS else told.filter(~is_total)
    columns = compared.select(*groups, *COLUMNS[question])
    typed = columns.cast(
        {cs.integer() | cs.decimal(): pl.Int64, cs.date(): pl.Date, cs.categorical() | cs.enum(): pl.String}
    )
    return typed.cast({cs.datetime(): pl.Datetime("us")}).sort(groups)


def agree(question: str, engines: Sequence[str], told: Sequence[pl.DataFrame]) -> None:
    """Raise Disagreement, with the first rows that differ, unless all engines tell the figures that the first tells.

    Counts, labels and dates are equal; a number of days may differ in its last digit, as divisions of engines do.
    """
    for engine, figures in zip(engines[1:], told[1:], strict=True):
        if not _equal(told[0], figures):
            raise Disagreement(f"{question}: {engine} differs from {engines[0]}\n{_difference(told[0], figures)}")


def _equal(ours: pl.DataFrame, theirs: pl.DataFrame) -> bool:
    if ours.schema != theirs.schema or ours.height != theirs.height:
        return False
    if not ours.select(~cs.float()).equals(theirs.select(~cs.float())):
        return False
    close = [((ours[n] - theirs[n]).abs() <= ours[n].abs() * LAST_DIGIT) for n in ours.select(cs.float()).columns]
    lacking = [(ours[n].is_null() == theirs[n].is_null()).all() for n in ours.select(cs.float()).columns]
    return all(column.all() for column in close) and all(lacking)


def _difference(ours: pl.DataFrame, theirs: pl.DataFrame) -> str:
    if ours.schema != theirs.schema:
        return f"columns {ours.schema}\nagainst {theirs.schema}"
    one = ours.join(theirs, on=ours.columns, how="anti", nulls_equal=True).head(3)
    other = theirs.join(ours, on=ours.columns, how="anti", nulls_equal=True).head(3)
    return f"{ours.height} rows against {theirs.height}; such as\n{one.rows()}\nagainst\n{other.rows()}"
