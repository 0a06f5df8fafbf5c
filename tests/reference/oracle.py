"""The tables of definitions 3.1 to 3.5, written as slowly and as plainly as the page words them.

Nothing here comes from the library: two people who read one page should arrive at one number.
"""

from datetime import date, datetime

from . import oracle_consent, oracle_disclosures, oracle_marketing, oracle_requests
from .oracle_inquiry import Inquiry, Row, World, known_at

TABLES = {
    "consent_coverage": oracle_consent.consent_coverage,
    "consent_coverage_daily": oracle_consent.consent_coverage_daily,
    "consent_gap": oracle_consent.consent_gap,
    "request_turnaround": oracle_requests.request_turnaround,
    "requests_open": oracle_requests.requests_open,
    "marketing_messages": oracle_marketing.marketing_messages,
    "opt_outs": oracle_marketing.opt_outs,
    "opt_out_breaches": oracle_marketing.opt_out_breaches,
    "disclosures": oracle_disclosures.disclosures,
    "disclosures_by_recipient": oracle_disclosures.disclosures_by_recipient,
    "disclosures_by_item": oracle_disclosures.disclosures_by_item,
    "disclosure_findings": oracle_disclosures.disclosure_findings,
}


def inquire(
    world: World,
    policy: dict,
    start: datetime,
    end: datetime,
    as_of: datetime,
    *,
    holidays: dict[str, set[date]] | None = None,
) -> Inquiry:
    """The records as they were known at `as_of`, ready to be asked.

    `holidays` holds the closed days per region of a request (`DE`; `*` for any other). A GDPR date falls
    on the next open day where the region has an entry, and stays where it has none.
    """
    return Inquiry(known_at(world, as_of), policy, start, end, as_of, holidays or {})


def compute(
    world: World,
    policy: dict,
    start: datetime,
    end: datetime,
    as_of: datetime,
    *,
    holidays: dict[str, set[date]] | None = None,
) -> dict[str, list[Row]]:
    """Every table, one list of rows each, columns and order as the definitions say."""
    inquiry = inquire(world, policy, start, end, as_of, holidays=holidays)
    return {name: table(inquiry) for name, table in TABLES.items()}
