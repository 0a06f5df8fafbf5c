"""Small tables as the metrics publish them, for charts to draw."""

from datetime import UTC, date, datetime, timedelta

import polars as pl

from pledgebook.charts.drawing import Setting
from pledgebook.period import read_period
from pledgebook.policy import Policy

POLICY = Policy.model_validate(
    {
        "company": {"name": "Example", "timezone": "Asia/Tokyo", "regime": "APPI"},
        "purpose": [
            {
                "id": "marketing",
                "clause": "(2)",
                "title": "Advertise",
                "needs_consent": True,
                "channels": ["email", "sms"],
                "notice_versions": [{"id": "2025-04", "valid_until": date(2026, 9, 2)}, {"id": "2026-01"}],
            },
            {"id": "partner_offers", "clause": "(2)", "title": "Partners", "needs_consent": True},
        ],
        "requests": {"promised_days": {"default": 14, "complaint": 7}},
        "marketing": {"purpose": "marketing", "regime": "JP_SPECIFIED_EMAIL", "opt_in": True},
        "promise": [
            {
                "id": "soon",
                "clause": "(2)",
                "title": "Soon",
                "figure": "opt_outs[channel=all].median_hours_to_suppression",
                "at_most": 48,
            }
        ],
    }
)
SETTING = Setting(POLICY, read_period("2026-09", "Asia/Tokyo"), datetime(2026, 9, 30, 15, tzinfo=UTC))
OPT_OUTS = ["channel", "opt_outs", "honoured", "breached", "honoured_ratio", "median_hours_to_suppression"]
OPT_OUTS += ["not_suppressed"]
LANES = (("marketing", "email", 40), ("marketing", "sms", 30), ("partner_offers", "any", 10))
VERDICTS = ("after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted")
FINDINGS = (
    "unknown_recipient", "unknown_basis", "no_consent", "no_contract", "no_legal_reference", "not_recorded",
    "undeclared_purpose", "in_order",
)  # fmt: skip


def small_tables():
    """Return one small table per name that a chart or sentence reads."""
    return consent_tables() | request_tables() | marketing_tables() | disclosure_tables() | account_tables()


def consent_tables():
    days = [date(2026, 9, 1) + timedelta(days=n) for n in range(4)]
    daily = [
        (day, purpose, channel, 100, granted - n, (granted - n) / 100)
        for n, day in enumerate(days)
        for purpose, channel, granted in LANES
    ]
    states = [
        (purpose, channel, kind, 100, granted, 5, 5, 10, 80 - granted, granted / 100)
        for purpose, channel, granted in LANES
        for kind in ("all", "customer")
    ]
    gap = [("all", 30, 27, 0.9), ("marketing", 20, 20, 1.0), ("partner_offers", 10, 7, 0.7)]
    return {
        "consent_coverage_daily": pl.DataFrame(
            daily, schema=["date", "purpose", "channel", "people", "granted", "coverage"], orient="row"
        ),
        "consent_coverage": pl.DataFrame(
            states,
            schema=[
                "purpose", "channel", "kind", "people", "granted", "outdated", "expired", "withdrawn", "never_asked", "coverage"
            ],
            orient="row",
        ),
        "consent_gap": pl.DataFrame(gap, schema=["purpose", "occasions", "granted", "coverage"], orient="row"),
    }  # fmt: skip


def request_tables():
    survival = [
        ("APPI", "all", 1.0, 10, 4, 0.6, 0.3, 0.8),
        ("APPI", "all", 20.0, 6, 2, 0.4, 0.2, 0.6),
        ("GDPR", "all", 3.0, 2, 1, 0.5, 0.0, 0.9),
    ]
    turnaround = [
        ("APPI", "all", 10, 4, 8, 6, 1, 1, 0.75, 1.0, None, 1.5),
        ("APPI", "complaint", 2, 0, 2, 2, 0, 0, 1.0, 1.0, 1.0, 1.0),
        ("GDPR", "all", 2, 1, 0, 0, 0, 0, None, 3.0, None, None),
    ]
    columns = [
        "regime",
        "kind",
        "received",
        "open",
        "due",
        "on_time",
        "late",
        "overdue_open",
        "on_time_ratio",
        "p50_days",
        "p90_days",
        "answered_median_gross_days",
    ]
    return {
        "request_outcomes": pl.DataFrame(
            [("APPI", "all", "fulfilled", 1.0, 4, 0.4), ("APPI", "all", "denied", 20.0, 2, 0.2)],
            schema=["regime", "kind", "outcome", "days", "requests", "share"],
            orient="row",
        ),
        "request_backlog": pl.DataFrame(
            [("APPI", "all", 4, 1, 0, 1, 2, 1, 6, 1.4, 1.0)],
            schema=[
                "regime",
                "kind",
                "open",
                "overdue",
                "due_in_7_days",
                "due_in_14_days",
                "due_in_30_days",
                "no_due_date",
                "closed",
                "closed_per_week",
                "needed_per_week",
            ],
            orient="row",
        ),
        "request_survival": pl.DataFrame(
            survival, schema=["regime", "kind", "days", "at_risk", "events", "survival", "lower", "upper"], orient="row"
        ),
        "request_turnaround": pl.DataFrame(turnaround, schema=columns, orient="row"),
        "request_clocks": pl.DataFrame(
            [("APPI", "complaint", "promised", "G", 2, 2, 2), ("GDPR", "disclosure", "statutory", "P", 2, 1, 0)],
            schema=["regime", "kind", "clock", "confidence", "requests", "due", "on_time"],
            orient="row",
        ),
        "requests_open_ages": pl.DataFrame(
            [("APPI", 0, False, 3), ("APPI", 4, True, 1), ("GDPR", 40, False, 1)],
            schema=["regime", "weeks_open", "is_overdue", "requests"],
            orient="row",
        ),
        "requests_due_by_month": pl.DataFrame(
            [("APPI", "2026-08", 4, 4, 0, 0, 1.0), ("APPI", "2026-09", 8, 6, 1, 1, 0.75)],
            schema=["regime", "month", "due", "on_time", "late", "overdue_open", "on_time_ratio"],
            orient="row",
        ),
    }


def marketing_tables():
    daily = [
        (date(2026, 9, 3), "email", 10, 2, 0, 1, 0, 0, 7),
        (date(2026, 9, 9), "email", 5, 0, 0, 0, 1, 1, 3),
        (date(2026, 9, 9), "sms", 5, 0, 0, 0, 0, 0, 5),
    ]
    messages = [
        ("2026-09", "email", "autumn", 10, 2, 0, 1, 0, 0, 7, 0.2),
        ("2026-09", "email", "letter", 5, 0, 0, 0, 1, 1, 3, 0.0),
        ("all", "all", "all", 20, 2, 0, 1, 1, 1, 15, 0.1),
    ]
    waits = [("email", 0, 3), ("any", 30, 2), ("sms", 5000, 1)]
    opt_outs = [("all", 7, 6, 1, 6 / 7, 20.5, 1), ("email", 7, 6, 1, 6 / 7, 20.5, 1)]
    return {
        "marketing_messages_daily": pl.DataFrame(
            daily, schema=["date", "channel", "messages", *VERDICTS], orient="row"
        ),
        "marketing_messages": pl.DataFrame(
            messages, schema=["month", "channel", "campaign", "messages", *VERDICTS, "violation_ratio"], orient="row"
        ),
        "opt_out_waits": pl.DataFrame(waits, schema=["channel", "hours", "opt_outs"], orient="row"),
        "opt_outs": pl.DataFrame(
            opt_outs,
            schema=[
                "channel",
                "opt_outs",
                "honoured",
                "breached",
                "honoured_ratio",
                "median_hours_to_suppression",
                "not_suppressed",
            ],
            orient="row",
        ),
    }


def disclosure_tables():
    by_recipient = [
        ("all", None, None, 12, 9, 0, 0, 2, 0, 0, 1, 0, 9, 0.75),
        ("police", "authority", "JP", 4, 4, 0, 0, 0, 0, 0, 1, 0, 3, 0.75),
        ("wallet", "group", "JP", 8, 6, 0, 0, 2, 0, 0, 0, 0, 6, 0.75),
    ]
    daily = [(date(2026, 9, 2), "wallet", "consent", 5), (date(2026, 9, 4), "police", "law", 4),
             (date(2026, 9, 4), "wallet", "a new ground", 3)]  # fmt: skip
    return {
        "disclosures_by_recipient": pl.DataFrame(
            by_recipient,
            schema=["recipient", "recipient_kind", "country", "disclosures", "people", *FINDINGS, "in_order_ratio"],
            orient="row",
        ),
        "disclosures_daily": pl.DataFrame(daily, schema=["date", "recipient", "basis", "disclosures"], orient="row"),
        "disclosure_items": pl.DataFrame(
            [("name", "wallet", 8, 6), ("bank_account", "wallet", 1, 1), ("name", "police", 4, 4)],
            schema=["item", "recipient", "disclosures", "people"],
            orient="row",
        ),
    }


def account_tables():
    scorecard = [
        ("a", "1)", "First", "opt_outs[channel=all].honoured_ratio", 6.0, 7.0, 6 / 7, "at least 1", "broken", None),
        ("b", "1)", "Second", None, None, None, None, None, "cannot tell", "No record shows it."),
        ("c", "(2)", "Third", "opt_outs[channel=all].breached", 0.0, 7.0, 0.0, "at most 0", "kept", None),
        ("d", "(2)", "Fourth", "opt_outs[channel=all].breached", None, 0.0, None, "at most 0", "not applicable", None),
    ]
    columns = [
        "promise",
        "clause",
        "title",
        "figure",
        "numerator",
        "denominator",
        "value",
        "target",
        "verdict",
        "reason",
    ]
    table = pl.DataFrame(scorecard, schema=columns, orient="row", infer_schema_length=None)
    return {
        "scorecard": table.with_columns(
            pl.lit(None, dtype=pl.Float64).alias("previous_value"),
            pl.lit(None, dtype=pl.String).alias("previous_verdict"),
            pl.when(pl.col("figure").is_not_null()).then(pl.lit("30_marketing_opt_outs")).alias("notebook"),
        ),
        "intake": pl.DataFrame(
            [("people.csv", "people", 10, 9, 1, 0, 0), ("messages.csv", "messages", 50, 46, 2, 1, 1)],
            schema=[
                "source",
                "table",
                "rows_read",
                "rows_kept",
                "rows_quarantined",
                "rows_duplicate",
                "rows_superseded",
            ],
            orient="row",
        ),
        "quarantine": pl.DataFrame(
            [("people.csv", "people", "missing_kind", 1), ("messages.csv", "messages", "unknown_channel", 2)],
            schema=["source", "table", "rule", "rows"],
            orient="row",
        ),
    }
