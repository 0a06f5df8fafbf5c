"""The company of the sample: whom it serves, what it sends, who else gets data. All names are made up."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from pledgebook.sample.clock import DAY, Month, midnight

KINDS = {
    "customer": (0.47, "C"),
    "member": (0.25, "M"),
    "affiliate": (0.08, "A"),
    "merchant": (0.07, "R"),
    "prospect": (0.07, "P"),
    "applicant": (0.03, "J"),
    "employee": (0.02, "E"),
    "other": (0.01, "X"),
}
"""Kind of person: share and first letter of the id."""

REGIONS: dict[str | None, float] = {
    "JP-13": 30, "JP-27": 11, "JP-14": 10, "JP-23": 8, "JP-11": 6, "JP-12": 6, "JP-40": 5, "JP-01": 5,
    "JP-28": 5, "JP-26": 3, "JP-04": 2, "JP-34": 2, "US-CA": 2.5, "DE": 1.2, "GB": 1.3, None: 2,
}  # fmt: skip

SERVED = ("customer", "member", "affiliate", "merchant")
ADVERTISED = ("customer", "member", "affiliate", "prospect")
PASSED_ON = ("customer", "member")

NOTICES = ((midnight(2021, 1), "2021-01"), (midnight(2023, 4), "2023-04"), (midnight(2025, 4), "2025-04"),
           (midnight(2026, 1), "2026-01"))  # fmt: skip
"""From when which version of the marketing notice was shown."""
NOTICE_ENDS = {"2023-04": midnight(2025, 10), "2025-04": midnight(2026, 7), "2026-01": midnight(2100, 1)}
VALID_DAYS = {"marketing": 730, "group_advertising": 1825, "partner_offers": 1825}
RENEWALS = ((midnight(2024, 4, 10), 35), (midnight(2025, 8, 18), 44), (midnight(2026, 5, 11), 50))
"""When permission was asked again: first day, how many days."""

PARTNERS = {"group_advertising": ("ccp_wallet", "ccp_lease"), "partner_offers": ("hoshino_malls",)}

RECIPIENTS = (
    ("minato_hosting", "Minato Data Center K.K.", "processor", "JP"),
    ("kaze_mail", "Kaze Mail Delivery K.K.", "processor", "JP"),
    ("hayate_messaging", "Hayate Messaging K.K.", "processor", "JP"),
    ("sumire_print", "Sumire Print and Post K.K.", "processor", "JP"),
    ("aozora_contact", "Aozora Contact Center K.K.", "processor", "JP"),
    ("northlake_analytics", "Northlake Analytics Inc.", "processor", "US"),
    ("hoshino_malls", "Hoshino Partner Malls K.K.", "third_party", "JP"),
    ("ginga_points", "Ginga Points Alliance LLC", "joint_user", "JP"),
    ("ccp_wallet", "CCP Wallet K.K.", "group", "JP"),
    ("ccp_lease", "CCP Lease K.K.", "group", "JP"),
    ("sakuragaoka_police", "Sakuragaoka Police Station", "authority", "JP"),
    ("minami_tax_office", "Minami-Wakaba Tax Office", "authority", "JP"),
)

LAPSED = "sumire_print"
LAPSED_ON = date(2026, 6, 30)
NOT_REVIEWED = "northlake_analytics"
CONTRACTS = (
    ("CT-2022-03", "minato_hosting", date(2022, 4, 1), None, date(2026, 4, 14)),
    ("CT-2023-11", "kaze_mail", date(2023, 10, 1), date(2025, 9, 30), date(2025, 6, 3)),
    ("CT-2025-09", "kaze_mail", date(2025, 10, 1), date(2027, 9, 30), date(2026, 5, 20)),
    ("CT-2024-02", "hayate_messaging", date(2024, 1, 15), date(2027, 1, 14), date(2026, 2, 9)),
    ("CT-2024-07", LAPSED, date(2024, 7, 1), LAPSED_ON, date(2026, 1, 22)),
    ("CT-2024-09", "aozora_contact", date(2024, 9, 1), None, date(2026, 8, 27)),
    ("CT-2024-12", NOT_REVIEWED, date(2024, 11, 1), date(2027, 10, 31), date(2024, 11, 12)),
    ("CT-2023-05", "ginga_points", date(2023, 5, 1), None, date(2026, 3, 17)),
    ("CT-2023-08", "ccp_wallet", date(2023, 4, 1), None, date(2026, 6, 11)),
    ("CT-2023-09", "ccp_lease", date(2023, 4, 1), None, date(2026, 6, 11)),
)
"""Contract, recipient, first and last day, last review."""

SENDERS = {"email": ("kaze_mailer", "crm"), "sms": ("hayate_sms",)}
"""Systems that carry advertising, by channel; each keeps a suppression list of its own."""


@dataclass(frozen=True)
class Campaign:
    """An advertising campaign: when it went out, over how many days, by what, to what share of the people."""

    name: str
    channel: str
    system: str | None
    starts_at: int
    days: int
    share: float


def _at(year: int, month: int, day: int) -> int:
    return midnight(year, month, day)


_SINGLE = (
    Campaign("spring_cashback_2025", "email", "crm", _at(2025, 4, 8), 3, 0.20),
    Campaign("golden_week_points_2025", "sms", "hayate_sms", _at(2025, 4, 25), 2, 0.25),
    Campaign("summer_bonus_2025", "email", "kaze_mailer", _at(2025, 7, 3), 5, 0.35),
    Campaign("obon_travel_2025", "sms", "hayate_sms", _at(2025, 8, 6), 2, 0.20),
    Campaign("autumn_matsuri_2025", "email", "kaze_mailer", _at(2025, 10, 7), 3, 0.25),
    Campaign("singles_day_2025", "sms", "hayate_sms", _at(2025, 11, 10), 2, 0.30),
    Campaign("year_end_sale_2025", "email", "kaze_mailer", _at(2025, 12, 4), 8, 0.55),
    Campaign("year_end_last_call_2025", "sms", "hayate_sms", _at(2025, 12, 26), 3, 0.40),
    Campaign("new_year_points_2026", "email", "crm", _at(2026, 1, 6), 4, 0.25),
    Campaign("new_life_support_2026", "email", "kaze_mailer", _at(2026, 3, 10), 6, 0.25),
    Campaign("golden_week_points_2026", "sms", "hayate_sms", _at(2026, 4, 24), 2, 0.25),
    Campaign("summer_bonus_2026", "email", "kaze_mailer", _at(2026, 7, 2), 5, 0.35),
    Campaign("obon_travel_2026", "sms", "hayate_sms", _at(2026, 8, 5), 2, 0.20),
    Campaign("fair_booth_thanks_2026", "email", None, _at(2026, 6, 19), 2, 0.02),
)


def _monthly() -> tuple[Campaign, ...]:
    months = [Month(2025 + number // 12, number % 12 + 1) for number in range(3, 21)]
    letters = [Campaign("monthly_letter", "email", "kaze_mailer", m.start + 14 * DAY, 2, 0.22) for m in months]
    offers = [Campaign("member_offer", "email", "crm", m.start + 4 * DAY, 20, 0.10) for m in months]
    texts = [Campaign("weekend_coupon", "sms", "hayate_sms", m.start + 8 * DAY, 15, 0.12) for m in months]
    return (*letters, *offers, *texts)


IGNORANT = Campaign("autumn_matsuri_2026", "email", "kaze_mailer", midnight(2026, 9, 17), 2, 0.3)
"""The campaign that did not ask its system's suppression list."""
CAMPAIGNS = (*_SINGLE, *_monthly(), IGNORANT)

SERVICE_TEXTS = {
    ("payment_receipt", "email", "crm"): 0.42,
    ("login_alert", "push", "app"): 0.18,
    ("invoice", "email", "kaze_mailer"): 0.16,
    ("maintenance_notice", "email", "kaze_mailer"): 0.12,
    ("one_time_code", "sms", "hayate_sms"): 0.12,
}
"""Messages that are part of the service: campaign, channel, system and share."""
