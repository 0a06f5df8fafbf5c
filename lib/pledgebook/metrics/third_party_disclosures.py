"""Third-party disclosures: each provision of a person's data gets one finding, the first that holds."""

from __future__ import annotations

import polars as pl
import polars.selectors as cs

from pledgebook.consent import CHANNEL, STATE, find_states_of_recipients
from pledgebook.metrics.definition import (
    ALL,
    Column,
    Frames,
    Metric,
    Parts,
    Published,
    Question,
    collect,
    count_by,
    ratio,
)

FINDINGS = (
    "unknown_recipient", "unknown_basis", "no_consent", "no_contract", "no_legal_reference", "not_recorded",
    "undeclared_purpose", "in_order",
)  # fmt: skip
COUNTS = ("disclosures", "people", *FINDINGS)
CARRIED = ("recipient_kind", "country")
LABELS = ("recipient", "recipient_kind", "country")
READ = (
    "disclosure_id",
    "person",
    "recipient",
    "basis",
    "purpose",
    "items",
    "disclosed_at",
    "legal_reference",
    "is_recorded",
)
WORKLIST = ("disclosure_id", "recipient", "basis", "purpose", "disclosed_at", "finding")


def measure(frames: Frames, question: Question) -> Parts:
    """Return one shard's counts by month, recipient and basis, by recipient, by item, and its findings."""
    judged = _judge(frames, question)
    labelled = judged.lazy().with_columns(pl.col(LABELS).cast(pl.Categorical))
    counts = [
        pl.len().cast(pl.Int64).alias("disclosures"),
        pl.col("person").n_unique().cast(pl.Int64).alias("people"),
    ]
    carried, findings = [pl.col(name).first() for name in CARRIED], count_by("finding", FINDINGS)
    named = labelled.select("person", *LABELS[:2], "items")
    items = named.with_columns(pl.col("items").str.split(";").alias("item")).explode("item")
    month = pl.col("on").dt.month_start().alias("month")
    by_month = labelled.group_by(month, "recipient", "basis").agg(*carried, *counts, *findings)
    parts = {
        "by_month": by_month.with_columns(pl.col("month").dt.strftime("%Y-%m")),
        "by_recipient": labelled.group_by("recipient").agg(*carried, *counts, *findings),
        "overall": labelled.select(*counts, *findings),
        "by_item": items.group_by("item", pl.col("recipient_kind").fill_null("unknown")).agg(counts),
        "by_day": labelled.group_by(pl.col("on").alias("date"), "recipient", "basis").agg(counts[:1]),
        "matrix": items.group_by("item", "recipient").agg(counts),
    }
    parts["disclosure_findings"] = judged.lazy().filter(pl.col("finding") != "in_order").select(WORKLIST)
    text = (cs.categorical() | cs.enum()).cast(pl.String)
    return collect({name: rows.with_columns(text) for name, rows in parts.items()})


def finish(parts: Parts, _: Question) -> Parts:
    """Return `disclosures`, by month, recipient, item and day, and which items went to whom."""
    overall = parts["overall"].select(
        pl.lit(ALL).alias("recipient"),
        *[pl.lit(None, dtype=pl.String).alias(name) for name in CARRIED],
        *[pl.col(name).sum() for name in COUNTS],
    )
    by_recipient = pl.concat([_summed(parts["by_recipient"], ["recipient", *CARRIED]), overall])
    return {
        "disclosures": _told(
            _summed(parts["by_month"], ["month", "recipient", *CARRIED, "basis"]),
            ["month", "recipient", "basis"],
        ),
        "disclosures_by_recipient": _told(by_recipient, ["recipient"]),
        "disclosures_by_item": _added(parts["by_item"], ["item", "recipient_kind"], ["disclosures", "people"]),
        "disclosures_daily": _added(parts["by_day"], ["date", "recipient", "basis"], ["disclosures"]),
        "disclosure_items": _added(parts["matrix"], ["item", "recipient"], ["disclosures", "people"]),
    }


def _added(rows: pl.DataFrame, groups: list[str], counts: list[str]) -> pl.DataFrame:
    return rows.group_by(groups).agg(pl.col(counts).sum()).sort(groups)


def _summed(rows: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    return rows.group_by(groups).agg(pl.col(COUNTS).sum())


def _told(rows: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    return rows.with_columns(ratio("in_order", "disclosures").alias("in_order_ratio")).sort(groups)


def _judge(frames: Frames, question: Question) -> pl.DataFrame:
    """The period's disclosures with their local day, recipient_kind, country and finding."""
    recipients = frames["recipients"].select(
        "recipient",
        pl.col("kind").cast(pl.String).alias("recipient_kind"),
        "country",
        pl.lit(value=True).alias("is_known"),
    )
    asked = (
        frames["disclosures"]
        .filter(question.within("disclosed_at"))
        .select(*READ)
        .with_columns(question.day_in_period("disclosed_at").alias("on"))
    )
    told = asked.join(recipients, on="recipient", how="left")
    told = told.join(_under_contract(asked, frames["contracts"]), on=["recipient", "on"], how="left")
    basis = told.collect(engine="in-memory")
    on_consent = basis.filter(pl.col("basis") == "consent").with_columns(pl.lit("any", dtype=CHANNEL).alias("channel"))
    answered = find_states_of_recipients(on_consent.lazy(), frames["consent_states"], "disclosed_at")
    others = basis.filter(pl.col("basis") != "consent").with_columns(pl.lit(None).cast(STATE).alias("state"))
    with_state = pl.concat([answered.select(others.columns), others])
    return with_state.with_columns(_finding(question).alias("finding"))


def _under_contract(asked: pl.LazyFrame, contracts: pl.LazyFrame) -> pl.LazyFrame:
    """The recipients and local days on which a contract with both promises was in force: recipient, on, has_contract."""
    sound = contracts.filter(pl.col("is_confidential") & pl.col("is_equal_standard"))
    occasions = asked.select("recipient", "on").unique()
    in_force = (pl.col("starts_on") <= pl.col("on")) & (
        pl.col("ends_on").is_null() | (pl.col("ends_on") >= pl.col("on"))
    )
    return (
        occasions.join(sound.select("recipient", "starts_on", "ends_on"), on="recipient")
        .filter(in_force)
        .select("recipient", "on", pl.lit(value=True).alias("has_contract"))
        .unique()
    )


def _finding(question: Question) -> pl.Expr:
    basis = pl.col("basis")
    recorded = question.policy.disclosures.needs_record
    holds = {
        "unknown_recipient": pl.col("is_known").is_null(),
        "unknown_basis": basis == "other",
        "no_consent": (basis == "consent") & (pl.col("state") != "granted"),
        "no_contract": basis.is_in(["entrustment", "joint_use"]) & pl.col("has_contract").is_null(),
        "no_legal_reference": (basis == "law") & ~pl.col("legal_reference"),
        "not_recorded": basis.is_in(list(recorded)) & ~pl.col("is_recorded").fill_null(value=False),
        "undeclared_purpose": ~pl.col("purpose").is_in(list(question.policy.purposes)),
    }
    first = pl.coalesce(
        *[pl.when(rule).then(pl.lit(FINDINGS.index(name), dtype=pl.UInt8)) for name, rule in holds.items()],
        pl.lit(FINDINGS.index("in_order"), dtype=pl.UInt8),
    )
    return first.cat.to(pl.Enum(FINDINGS))


_FINDING_MEANINGS = {
    "unknown_recipient": "to a body that is not in `recipients`",
    "unknown_basis": "on a basis that is not in the list",
    "no_consent": "on consent that was not granted at that instant",
    "no_contract": "entrusted or jointly used with no sound contract in force that day",
    "no_legal_reference": "as the law asks, without saying which",
    "not_recorded": "without the statutory record",
    "undeclared_purpose": "for a purpose that the policy does not declare",
    "in_order": "with nothing to find",
}
_COUNTED = (
    Column("disclosures", "provisions of one person's data"),
    Column("people", "distinct people concerned"),
    *(Column(name, meaning, population="disclosures") for name, meaning in _FINDING_MEANINGS.items()),
    Column(
        "in_order_ratio",
        "in order / disclosures",
        unit="ratio",
        population="disclosures",
        numerator="in_order",
    ),
)
_INPUTS = ("disclosures", "recipients", "contracts", "consent_events")
_CARRIED_COLUMNS = (
    Column("recipient_kind", "what the recipient is", unit="label"),
    Column("country", "where the recipient is", unit="label"),
)

METRIC = Metric(
    name="third_party_disclosures",
    title="Third-party disclosures",
    question="Who outside was given personal data, on what ground, and was each time in order?",
    population="disclosures in the period and before as-of",
    unit="disclosures",
    better="higher in order, lower findings",
    clause="2), 4), (1)4, (3)1, (3)2, (4)",
    source="APPI Art. 25, 27, 29; regulations reference sections 5.1 and 5.2 (checked 2026-11-22)",
    owner="privacy officer",
    valid_since="2026-11-23",
    notebook="40_third_party_disclosures",
    caveats=(
        "A disclosure has one finding, the first that holds in the order of the columns; mending it may show the next.",
        "A contract counts when it promises confidentiality and an equal standard, on the local day of the disclosure.",
    ),
    tables=(
        Published(
            "disclosures",
            "one row per month, recipient and basis",
            ("month", "recipient", "basis"),
            (*_CARRIED_COLUMNS, *_COUNTED),
            needs=("disclosures",),
            inputs=_INPUTS,
        ),
        Published(
            "disclosures_by_recipient",
            "one row per recipient over the period; people counted afresh",
            ("recipient",),
            (*_CARRIED_COLUMNS, *_COUNTED),
            needs=("disclosures",),
            inputs=_INPUTS,
        ),
        Published(
            "disclosures_by_item",
            "one row per category of data and kind of recipient",
            ("item", "recipient_kind"),
            _COUNTED[:2],
            needs=("disclosures",),
            inputs=("disclosures", "recipients"),
        ),
        Published(
            "disclosures_daily",
            "one row per local day, recipient and basis",
            ("date", "recipient", "basis"),
            _COUNTED[:1],
            needs=("disclosures",),
            inputs=_INPUTS,
        ),
        Published(
            "disclosure_items",
            "one row per category of data and recipient",
            ("item", "recipient"),
            _COUNTED[:2],
            needs=("disclosures",),
            inputs=("disclosures",),
        ),
        Published(
            "disclosure_findings",
            "one row per disclosure that is not in order",
            (),
            tuple(Column(name, "see `disclosures`", unit="label") for name in WORKLIST),
            needs=("disclosures",),
            inputs=_INPUTS,
            order=("disclosed_at", "disclosure_id"),
        ),
    ),
    frames=("disclosures", "recipients", "contracts", "consent_states"),
    measure=measure,
    finish=finish,
)
