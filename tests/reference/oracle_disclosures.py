"""Section 3.5: third-party disclosures."""

from .oracle_consent import state
from .oracle_inquiry import ALL, Inquiry, Row, ratio, sorted_by

BASES = (
    "consent",
    "law",
    "entrustment",
    "joint_use",
    "succession",
    "opt_out_notice",
    "vital_interest",
)
FINDINGS = (
    "unknown_recipient",
    "unknown_basis",
    "no_consent",
    "no_contract",
    "no_legal_reference",
    "not_recorded",
    "undeclared_purpose",
    "in_order",
)


def recipient_of(inquiry: Inquiry, disclosure: Row) -> Row | None:
    return next((row for row in inquiry.rows("recipients") if row["recipient"] == disclosure["recipient"]), None)


def basis_shown(disclosure: Row) -> str:
    return disclosure["basis"] if disclosure["basis"] in BASES else "other"


def finding(inquiry: Inquiry, disclosure: Row) -> str:  # noqa: PLR0911
    """The first finding that holds."""
    basis = disclosure["basis"]
    if recipient_of(inquiry, disclosure) is None:
        return "unknown_recipient"
    if basis not in BASES:
        return "unknown_basis"
    if basis == "consent" and not _is_consented(inquiry, disclosure):
        return "no_consent"
    if basis in ("entrustment", "joint_use") and not _has_contract(inquiry, disclosure):
        return "no_contract"
    if basis == "law" and disclosure["legal_reference"] is None:
        return "no_legal_reference"
    if basis in inquiry.policy["disclosures"]["needs_record"] and disclosure["is_recorded"] is not True:
        return "not_recorded"
    if disclosure["purpose"] not in {purpose["id"] for purpose in inquiry.policy["purpose"]}:
        return "undeclared_purpose"
    return "in_order"


def _is_consented(inquiry: Inquiry, disclosure: Row) -> bool:
    found = state(
        inquiry,
        disclosure["person"],
        disclosure["purpose"],
        "any",
        disclosure["recipient"],
        disclosure["disclosed_at"],
    )
    return found == "granted"


def _has_contract(inquiry: Inquiry, disclosure: Row) -> bool:
    day = inquiry.local_date(disclosure["disclosed_at"])
    return any(
        contract["recipient"] == disclosure["recipient"]
        and contract["starts_on"] <= day
        and (contract["ends_on"] is None or contract["ends_on"] >= day)
        and contract["is_confidential"]
        and contract["is_equal_standard"]
        for contract in inquiry.rows("contracts")
    )


def counted(inquiry: Inquiry) -> list[Row]:
    """The disclosures of the period, each with what the tables show of it."""
    found = []
    for disclosure in inquiry.rows("disclosures"):
        if not inquiry.in_period(disclosure["disclosed_at"]):
            continue
        recipient = recipient_of(inquiry, disclosure) or {"kind": None, "country": None}
        found.append(
            {
                **disclosure,
                "basis": basis_shown(disclosure),
                "month": inquiry.local_month(disclosure["disclosed_at"]),
                "recipient_kind": recipient["kind"],
                "country": recipient["country"],
                "finding": finding(inquiry, disclosure),
            }
        )
    return found


def _figures(rows: list[Row]) -> Row:
    findings = [row["finding"] for row in rows]
    return {
        "disclosures": len(rows),
        "people": len({row["person"] for row in rows}),
        **{name: findings.count(name) for name in FINDINGS},
        "in_order_ratio": ratio(findings.count("in_order"), len(rows)),
    }


def disclosures(inquiry: Inquiry) -> list[Row]:
    columns = ("month", "recipient", "recipient_kind", "country", "basis")
    rows = counted(inquiry)
    table = []
    for group in {tuple(row[column] for column in columns) for row in rows}:
        of_group = [row for row in rows if tuple(row[column] for column in columns) == group]
        table.append({**dict(zip(columns, group, strict=True)), **_figures(of_group)})
    return sorted_by(table, "month", "recipient", "basis")


def disclosures_by_recipient(inquiry: Inquiry) -> list[Row]:
    columns = ("recipient", "recipient_kind", "country")
    rows = counted(inquiry)
    table = [{"recipient": ALL, "recipient_kind": None, "country": None, **_figures(rows)}]
    for group in {tuple(row[column] for column in columns) for row in rows}:
        of_group = [row for row in rows if row["recipient"] == group[0]]
        table.append({**dict(zip(columns, group, strict=True)), **_figures(of_group)})
    return sorted_by(table, "recipient")


def disclosures_by_item(inquiry: Inquiry) -> list[Row]:
    rows = [
        {"item": item, "recipient_kind": row["recipient_kind"] or "unknown", "person": row["person"]}
        for row in counted(inquiry)
        for item in row["items"]
    ]
    table = []
    for item, recipient_kind in {(row["item"], row["recipient_kind"]) for row in rows}:
        people = [row["person"] for row in rows if (row["item"], row["recipient_kind"]) == (item, recipient_kind)]
        table.append(
            {
                "item": item,
                "recipient_kind": recipient_kind,
                "disclosures": len(people),
                "people": len(set(people)),
            }
        )
    return sorted_by(table, "item", "recipient_kind")


def disclosure_findings(inquiry: Inquiry) -> list[Row]:
    columns = ("disclosure_id", "recipient", "basis", "purpose", "disclosed_at", "finding")
    table = [{column: row[column] for column in columns} for row in counted(inquiry) if row["finding"] != "in_order"]
    return sorted(table, key=lambda row: (row["disclosed_at"], row["disclosure_id"]))
