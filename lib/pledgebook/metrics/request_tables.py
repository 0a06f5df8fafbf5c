"""The tables about requests, as they are published: their grain, their columns, and what each column counts."""

from __future__ import annotations

from pledgebook.metrics.ccpa_7102 import PUBLISHED as CCPA_7102
from pledgebook.metrics.definition import Column, Published
from pledgebook.metrics.request_backlog import ACKNOWLEDGEMENTS, BACKLOG, DOUBTS
from pledgebook.metrics.request_outcomes import PUBLISHED as OUTCOMES_BY_TIME
from pledgebook.tables import OUTCOMES

GROUPS = ["regime", "kind"]
RECEIVED = ("received", *OUTCOMES, "outcome_unknown", "open")
DUE = ("due", "on_time", "late", "overdue_open")
OPEN_COLUMNS = (
    "request_id", "kind", "regime", "received_at", "due_on", "days_left", "is_overdue", "is_paused", "due_explanation"
)  # fmt: skip
_OUTCOME_MEANINGS = {
    "fulfilled": "answered in full",
    "partly_fulfilled": "answered in part",
    "denied": "refused",
    "withdrawn": "taken back by the person",
    "unverifiable": "closed because the person could not be identified",
    "outcome_unknown": "closed without an outcome on record",
    "open": "not closed by as-of",
}
TURNAROUND_COLUMNS = (
    Column("received", "requests received in the period and before as-of"),
    *(Column(name, meaning, population="received") for name, meaning in _OUTCOME_MEANINGS.items()),
    Column("due", "requests whose due instant fell in the period, those taken back left out"),
    Column("on_time", "closed before the due instant", population="due"),
    Column("late", "closed at or after the due instant", population="due"),
    Column("overdue_open", "still open at as-of", population="due"),
    Column("on_time_ratio", "on_time / due", "ratio", population="due", numerator="on_time"),
    *(
        Column(f"p{q}_days", f"by then {q} in 100 are answered (Kaplan-Meier, net of pauses)", "days", "received")
        for q in (50, 90, 95)
    ),
    Column("answered_median_days", "median of those answered, net of pauses", "days", "received"),
    Column("answered_mean_days", "mean of those answered, net of pauses", "days", "received"),
    Column("answered_median_gross_days", "median of those answered, pauses counted", "days", "received"),
    Column(
        "unverified_answers",
        "answered without identifying the person first",
        population="received",
        applies=lambda policy: bool(policy.requests.needs_identification),
    ),
    Column("paused_open", "open with a pause that has not ended", population="received"),
)

TABLES = (
    Published(
        "request_turnaround",
        "one row per regime and kind, and one for all kinds of a regime",
        ("regime", "kind"),
        TURNAROUND_COLUMNS,
        needs=("requests",),
        inputs=("requests",),
    ),
    Published(
        "request_survival",
        "one row per regime, kind and time at which a request was answered or censored",
        ("regime", "kind", "days"),
        (
            Column("at_risk", "requests still waiting just before"),
            Column("events", "answered at that time"),
            Column("survival", "share still waiting after it", "ratio"),
            Column("lower", "lower bound of its 95 % confidence band", "ratio"),
            Column("upper", "upper bound of its 95 % confidence band", "ratio"),
        ),
        needs=("requests",),
        inputs=("requests",),
    ),
    Published(
        "requests_due_by_month",
        "one row per regime and month of the due date, over the year that ends with the period",
        ("regime", "month"),
        tuple(column for column in TURNAROUND_COLUMNS if column.name in (*DUE, "on_time_ratio")),
        needs=("requests",),
        inputs=("requests",),
    ),
    Published(
        "requests_open_ages",
        "one row per regime and full weeks since receipt, overdue or not",
        ("regime", "weeks_open", "is_overdue"),
        (Column("requests", "requests open at as-of"),),
        needs=("requests",),
        inputs=("requests",),
    ),
    Published(
        "request_clocks",
        "one row per regime, kind and clock: statutory, guidance, promised or none",
        ("regime", "kind", "clock", "confidence"),
        (
            Column("requests", "requests received under that clock"),
            Column("due", "requests under it that fell due in the period"),
            Column("on_time", "of them, closed before the due instant", population="due"),
        ),
        needs=("requests",),
        inputs=("requests",),
    ),
    OUTCOMES_BY_TIME,
    BACKLOG,
    ACKNOWLEDGEMENTS,
    DOUBTS,
    CCPA_7102,
    Published(
        "requests_open",
        "one row per request open at as-of",
        (),
        tuple(Column(name, "see the glossary", unit="label") for name in OPEN_COLUMNS),
        needs=("requests",),
        inputs=("requests",),
        order=("due_on", "request_id"),
    ),
)
