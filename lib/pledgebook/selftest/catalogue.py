"""The catalogue: every kind of breach that the suite claims to find."""

from __future__ import annotations

from pledgebook.selftest import (
    disclosures,
    intake_rules,
    messages_after_opt_out,
    messages_without_consent,
    permissions,
    request_duties,
    requests,
    small_company,
    verdicts,
)
from pledgebook.selftest.kinds import Kind

# Few laws know the duties to acknowledge and to extend: their kinds take the first choice of laws.
KINDS: tuple[Kind, ...] = (
    *permissions.KINDS,
    *request_duties.KINDS,
    *requests.KINDS,
    *messages_after_opt_out.KINDS,
    *messages_without_consent.KINDS,
    *disclosures.KINDS,
    *intake_rules.KINDS,
    *small_company.KINDS,
    *verdicts.KINDS,
)
