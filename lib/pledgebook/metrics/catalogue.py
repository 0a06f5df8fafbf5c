"""The catalogue: every metric, declared once; and the figures of those whose notebook is still to come."""

from __future__ import annotations

from pledgebook.errors import InputError
from pledgebook.metrics import (
    consent_coverage,
    marketing_opt_outs,
    request_turnaround,
    third_party_disclosures,
)
from pledgebook.metrics.definition import Column, Metric, Published
from pledgebook.policy import Figure, Policy, Promise
from pledgebook.toml_file import line_of

METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        consent_coverage.METRIC,
        request_turnaround.METRIC,
        marketing_opt_outs.METRIC,
        third_party_disclosures.METRIC,
    )
}


def _declared(name: str, group: str, inputs: tuple[str, ...], columns: tuple[Column, ...]) -> Published:
    return Published(name, f"one row per {group}, and one for all", (group,), columns, inputs, inputs)


_RECORDS = "with nothing to find / all"
STILL_TO_COME: dict[str, Published] = {
    published.name: published
    for published in (
        _declared("purpose_limitation", "purpose", ("uses",), (
            Column("uses", "uses of one person's data"),
            Column("undeclared_purpose", "for a purpose that is not declared", population="uses"),
            Column("undeclared_item", "of data that the purpose does not declare", population="uses"),
            Column("in_order_ratio", _RECORDS, "ratio", population="uses"),
        )),
        _declared("processor_oversight", "recipient", ("recipients", "contracts", "disclosures"), (
            Column("recipients", "recipients with disclosures"),
            Column("without_contract", "without a contract in force", population="recipients"),
            Column("not_reviewed", "contracts not reviewed in the promised time", population="recipients"),
        )),
        _declared("incidents", "kind", ("incidents",), (
            Column("incidents", "leaks, losses, damage, unlawful access"),
            Column("preliminary_late", "preliminary report late", population="incidents"),
            Column("final_late", "final report late", population="incidents"),
            Column("people_late", "people told late", population="incidents"),
            Column("not_reviewed", "no review of the safety policy afterwards", population="incidents"),
        )),
        _declared("training", "role", ("staff", "trainings"), (
            Column("staff", "staff in service"),
            Column("trained_ratio", "with a course in the promised months / staff", "ratio", population="staff"),
        )),
        _declared("record_access", "system", ("accesses", "staff"), (
            Column("accesses", "accesses by staff to one person's record"),
            Column("refused", "refused", population="accesses"),
            Column("without_reason", "without a reason on record", population="accesses"),
            Column("after_leaving", "by people who had left", population="accesses"),
        )),
        _declared("policy_review", "subject", ("policy_reviews",), (
            Column("reviews", "reviews on record"),
            Column("days_since_last", "days since the last one", "days", population="reviews"),
        )),
        _declared("cookies", "cookie_choice", ("page_views",), (
            Column("page_views", "lines of the access log"),
            Column("beyond_necessary", "cookies set against the choice", population="page_views"),
            Column("personal_data_in_url", "personal data in an outbound url", population="page_views"),
        )),
    )
}  # fmt: skip


_ROWS = ("rows_kept", "rows_quarantined", "rows_duplicate", "rows_superseded")
ACCOUNTS: dict[str, Published] = {
    "intake": Published(
        "intake", "one row per source", ("source", "table"),
        (Column("rows_read", "rows read"), *(Column(name, name.replace("_", " "), population="rows_read") for name in _ROWS)),
        (), (),
    ),
    "quarantine": Published(
        "quarantine", "one row per source and rule", ("source", "table", "rule"), (Column("rows", "rows that break it"),), (), ()
    ),
    "notes": Published(
        "notes", "one row per table and note", ("table", "note"), (Column("rows", "rows counted and not shown elsewhere"),), (), ()
    ),
}  # fmt: skip


def metric_of(table: str) -> Metric | None:
    """Return the metric that publishes a table; None for one still to come."""
    return next((metric for metric in METRICS.values() if any(t.name == table for t in metric.tables)), None)


def published(table: str) -> Published | None:
    """Return the declaration of a table that a figure may name."""
    metric = metric_of(table)
    if metric is None:
        return STILL_TO_COME.get(table)
    return next(each for each in metric.tables if each.name == table)


def check_figures(policy: Policy, file: str, text: str = "") -> None:
    """Refuse a promise whose figure the catalogue does not know. Raises InputError with line and remedy."""
    for place, promise in enumerate(policy.promise):
        if (fault := _fault(promise)) is not None:
            line = line_of(text, ("promise", place, "figure"))
            raise InputError(f"{file}, line {line}: promise '{promise.id}': {fault}")


def _fault(promise: Promise) -> str | None:
    cell = promise.cell
    if cell is None:
        return None
    declared = published(cell.table)
    if declared is None or declared.is_worklist:
        known = sorted({t.name for m in METRICS.values() for t in m.tables if not t.is_worklist} | set(STILL_TO_COME))
        return f"no figure comes from a table '{cell.table}'. Tables: {', '.join(known)}."
    return _fault_in_cell(declared, cell)


def _fault_in_cell(declared: Published, cell: Figure) -> str | None:
    if set(cell.groups) != set(declared.groups):
        return f"table {declared.name} is grouped by {', '.join(declared.groups)}; name a value for each of them."
    column = declared.column(cell.column)
    if column is None or column.unit == "label":
        figures = [each.name for each in declared.columns if each.unit != "label"]
        return f"table {declared.name} has no figure '{cell.column}'. It has: {', '.join(figures)}."
    return None
