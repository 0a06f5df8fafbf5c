"""Random small worlds that keep stepping on the edges of the definitions, and the exports they would leave.

A world holds only rows that every row rule lets through, unique keys and no exact duplicates, so that what
the library keeps is what the oracle reads.
"""

import csv
import json
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from pathlib import Path
from random import Random
from typing import Any, Literal
from zoneinfo import ZoneInfo

from .oracle_business_days import german_holidays, us_business_day_after

Row = dict[str, Any]

MICROSECOND = timedelta(microseconds=1)
ONE_DAY = timedelta(days=1)

# The columns of the native layout, and of which type each is.
COLUMNS: dict[str, dict[str, str]] = {
    "people": {
        "person": "text",
        "kind": "text",
        "region": "text",
        "opened_at": "instant",
        "closed_at": "instant",
    },
    "identities": {"id": "text", "person": "text"},
    "consent_events": {
        "person": "text",
        "purpose": "text",
        "channel": "text",
        "recipient": "text",
        "action": "text",
        "at": "instant",
        "expires_at": "instant",
        "notice_version": "text",
        "method": "text",
    },
    "requests": {
        "request_id": "text",
        "person": "text",
        "kind": "text",
        "regime": "text",
        "region": "text",
        "received_at": "instant",
        "acknowledged_at": "instant",
        "verified_at": "instant",
        "extended_at": "instant",
        "closed_at": "instant",
        "outcome": "text",
        "denial_reason": "text",
    },
    "request_pauses": {"request_id": "text", "paused_at": "instant", "resumed_at": "instant"},
    "messages": {
        "message_id": "text",
        "person": "text",
        "channel": "text",
        "campaign": "text",
        "category": "text",
        "system": "text",
        "sent_at": "instant",
    },
    "suppressions": {
        "person": "text",
        "channel": "text",
        "system": "text",
        "added_at": "instant",
        "removed_at": "instant",
    },
    "recipients": {"recipient": "text", "name": "text", "kind": "text", "country": "text"},
    "contracts": {
        "contract_id": "text",
        "recipient": "text",
        "starts_on": "date",
        "ends_on": "date",
        "is_confidential": "boolean",
        "is_equal_standard": "boolean",
        "reviewed_on": "date",
    },
    "disclosures": {
        "disclosure_id": "text",
        "person": "text",
        "recipient": "text",
        "basis": "text",
        "purpose": "text",
        "items": "set",
        "disclosed_at": "instant",
        "legal_reference": "text",
        "is_recorded": "boolean",
    },
    "uses": {
        "use_id": "text",
        "person": "text",
        "purpose": "text",
        "system": "text",
        "items": "set",
        "used_at": "instant",
    },
}

# Periods with a change of clocks, a leap day, a holiday observed on another day, or the turn of a year.
PLACES = (
    ("Asia/Tokyo", "2026-03"),
    ("Asia/Tokyo", "2026-06-15/2026-07-14"),
    ("Asia/Tokyo", "2026-W27"),
    ("Asia/Tokyo", "2024-02"),
    ("Asia/Tokyo", "2025-12-20/2026-01-10"),
    ("Europe/Berlin", "2026-03"),
    ("Europe/Berlin", "2025-10"),
    ("Europe/Berlin", "2025-Q4"),
    ("America/New_York", "2026-03"),
    ("America/New_York", "2025-11"),
)

KINDS = ("customer", "member", "merchant", "prospect")
CHANNELS = ("email", "sms", "phone", "push")
REQUEST_KINDS = (
    "disclosure",
    "provision_records",
    "correction",
    "deletion",
    "portability",
    "cease_use",
    "marketing_opt_out",
    "complaint",
    "inquiry",
)
# Kinds to which every regime of these worlds gives a number of its own.
KINDS_OF_EVERY_REGIME = ("disclosure", "correction", "deletion")
IDENTIFIED_KINDS = ("disclosure", "provision_records", "correction", "deletion", "portability", "cease_use")
OUTCOMES = ("fulfilled", "partly_fulfilled", "denied", "withdrawn", "unverifiable", None)
BASES = (
    "consent",
    "consent",
    "law",
    "entrustment",
    "joint_use",
    "succession",
    "opt_out_notice",
    "vital_interest",
    "gift",
)
ITEMS = ("name", "email", "phone", "purchases")
SYSTEMS = ("mailer", "crm", "gateway")
NOTICES = ("2025-04", "2026-01", "2019-09")


@dataclass(frozen=True)
class World:
    """One company's records, its policy, and what is asked of them."""

    seed: int
    tables: dict[str, list[Row]]
    policy: dict[str, Any]
    policy_toml: str
    period: str
    start: datetime
    end: datetime
    as_of: datetime
    holidays: dict[str, set[date]] = field(repr=False)


def make_world(
    seed: int,
    *,
    people: int = 12,
    place: tuple[str, str] | None = None,
    mixed_regimes: bool = True,
    allow_empty: bool = False,
) -> World:
    """A world that the seed alone decides.

    `place` fixes (timezone, period). Without `mixed_regimes` every request falls under APPI. With
    `allow_empty` some worlds lack all rows of some tables; otherwise only `identities` has none.
    """
    return _Maker(seed, people, place, mixed_regimes, allow_empty).world()


def period_bounds(period: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants of `2026-03`, `2026-Q1`, `2026-W13`, `2026` or `2026-03-01/2026-03-31`."""
    first, after = _period_days(period)
    return _midnight(first, zone), _midnight(after, zone)


def _period_days(period: str) -> tuple[date, date]:
    if "/" in period:
        first, last = (date.fromisoformat(day) for day in period.split("/"))
        return first, last + ONE_DAY
    year, _, part = period.partition("-")
    if part.startswith("W"):
        first = date.fromisocalendar(int(year), int(part[1:]), 1)
        return first, first + 7 * ONE_DAY
    month, months = (int(part[1:]) * 3 - 2, 3) if part.startswith("Q") else (int(part or 1), 1 if part else 12)
    following = int(year) * 12 + month - 1 + months
    return date(int(year), month, 1), date(following // 12, following % 12 + 1, 1)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


class _Maker:
    """Draws a world, table by table, from one pool of instants on which the definitions turn."""

    def __init__(
        self,
        seed: int,
        people: int,
        place: tuple[str, str] | None,
        mixed_regimes: bool,
        allow_empty: bool,
    ):
        self.seed = seed
        self.random = Random(seed)
        self.people_count = people
        self.mixed_regimes = mixed_regimes
        self.allow_empty = allow_empty
        self.timezone, self.period = place or self.random.choice(PLACES)
        self.zone = ZoneInfo(self.timezone)
        self.start, self.end = period_bounds(self.period, self.zone)
        self.as_of = self._as_of()
        self.policy_toml = self._policy_toml()
        self.policy = tomllib.loads(self.policy_toml)
        self.pool = self._pool()
        self.persons: list[str] = []

    def world(self) -> World:
        tables = {"people": self.people(), "identities": []}
        tables["consent_events"] = self.consent_events()
        tables["requests"] = self.requests()
        tables["request_pauses"] = self.request_pauses(tables["requests"])
        tables["messages"] = self.messages(tables["consent_events"] + tables["requests"])
        tables["suppressions"] = self.suppressions(tables["consent_events"])
        tables["recipients"] = self.recipients()
        tables["contracts"] = self.contracts()
        tables["disclosures"] = self.disclosures(tables["consent_events"])
        tables["uses"] = self.uses(tables["consent_events"])
        if self.allow_empty:
            for table in tables:
                if self.chance(0.1):
                    tables[table] = []
        tables = {table: _distinct(rows) for table, rows in tables.items()}
        return World(
            self.seed,
            tables,
            self.policy,
            self.policy_toml,
            self.period,
            self.start,
            self.end,
            self.as_of,
            {"DE": german_holidays()},
        )

    # Drawing

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability

    def maybe(self, values: Iterable[Any], probability: float = 0.5) -> Any:
        return self.random.choice(list(values)) if self.chance(probability) else None

    def instant(self, after: datetime | None = None) -> datetime:
        """An edge, its neighbour, or any instant at all; not before `after`, where that is given."""
        drawn = self.random.choice(self.pool) + self.random.choice((-1, 0, 0, 0, 1)) * MICROSECOND
        if self.chance(0.15):
            span = (self.pool[-1] - self.pool[0]) // MICROSECOND
            drawn = self.pool[0] + self.random.randrange(span) * MICROSECOND
        if after is None or drawn >= after:
            return drawn
        later = [instant for instant in self.pool if instant >= after]
        return self.random.choice([after, after + MICROSECOND, *later])

    def near(self, instant: datetime) -> datetime:
        return instant + self.random.choice((-1, 0, 0, 1)) * MICROSECOND

    def day(self, instant: datetime) -> date:
        return instant.astimezone(self.zone).date()

    def person(self) -> str:
        """Somebody, and now and then somebody whom nobody registered."""
        return "p-900" if self.chance(0.03) else self.random.choice(self.persons)

    # The frame

    def _as_of(self) -> datetime:
        day = self.day(self.start)
        inside = [day + ONE_DAY * offset for offset in range(1, (self.end - self.start).days)]
        middle = _midnight(self.random.choice(inside), self.zone)
        return self.random.choice(
            (
                self.start + MICROSECOND,
                middle,
                middle + MICROSECOND,
                middle - MICROSECOND,
                middle + timedelta(hours=13, minutes=7),
                self.end,
                self.end,
                self.end,
                self.end - MICROSECOND,
                self.end + MICROSECOND,
                _midnight(self.day(self.end) + 9 * ONE_DAY, self.zone),
                self.end + timedelta(days=40, hours=5),
            )
        )

    def _pool(self) -> list[datetime]:
        """Instants on which something turns, from two months before the period to what follows as_of."""
        first, last = self.day(self.start), self.day(self.end)
        days = [first - ONE_DAY * back for back in (60, 45, 30, 16, 15, 14, 1, 0)]
        days += [last + ONE_DAY * ahead for ahead in (0, 1, 9)]
        inside = [first + ONE_DAY * offset for offset in range((last - first).days)]
        days += self.random.sample(inside, min(4, len(inside)))
        # The days on which clocks change, and the days after.
        days += [
            day + ONE_DAY * offset
            for day in inside
            if _midnight(day + ONE_DAY, self.zone) - _midnight(day, self.zone) != ONE_DAY
            for offset in (0, 1)
        ]
        days += [
            version["valid_until"]
            for purpose in self.policy["purpose"]
            for version in purpose.get("notice_versions", [])
            if "valid_until" in version
        ]
        midnights = [_midnight(day, self.zone) for day in days]
        noons = [midnight + timedelta(hours=11, minutes=30) for midnight in self.random.sample(midnights, 3)]
        pool = [*midnights, *noons, self.as_of]
        for begun in self.random.sample(midnights + noons, 4):
            pool += self._what_follows(begun)
        return sorted(set(pool))

    def _what_follows(self, begun: datetime) -> list[datetime]:
        """Where a grant, an opt-out or a request of this instant meets its limit."""
        validities = [purpose.get("valid_days", 0) for purpose in self.policy["purpose"]]
        promises = self.policy["requests"]["promised_days"].values()
        return [
            *(begun + timedelta(hours=24 * days) for days in validities if days),
            *(_midnight(self.day(begun) + (days + 1) * ONE_DAY, self.zone) for days in promises),
            self._after_grace(begun),
        ]

    def _after_grace(self, withdrawn: datetime) -> datetime:
        return _midnight(us_business_day_after(self.day(withdrawn), 10) + ONE_DAY, self.zone)

    # The policy

    def _policy_toml(self) -> str:
        purposes = [self._marketing_purpose(), self._analytics_purpose(), self._payment_purpose()]
        needs_record = self.random.choice(([], ["consent", "opt_out_notice"]))
        sections = [self._company(), *purposes, self._requests_section(), self._marketing_section()]
        sections += [
            f"[disclosures]\nneeds_record = {_texts(needs_record)}",
            "[[promise]]\n"
            'id = "2.opt-out"\nclause = "(2)"\ntitle = "Nobody gets advertising after saying no"\n'
            'figure = "marketing_messages[month=all, channel=all, campaign=all].after_opt_out"\nat_most = 0',
        ]
        return "\n\n".join(sections) + "\n"

    def _company(self) -> str:
        lines = ["[company]", 'name = "CC-PAY.NET"', f'timezone = "{self.timezone}"', 'regime = "APPI"']
        if self.mixed_regimes:
            lines.append(self.random.choice(("by_region = { DE = 'GDPR' }", _BY_REGION, _BY_REGION)))
        return "\n".join([*lines, "max_quarantined_ratio = 0.02"])

    def _marketing_purpose(self) -> str:
        lines = [*_purpose_lines("marketing", "(2)", "Introduce and advertise services", True)]
        lines += self._sometimes(
            f"kinds = {_texts(self.random.sample(KINDS, 3))}",
            self.random.choice(('channels = ["email", "sms"]', 'channels = ["email"]')),
            f"valid_days = {self.random.choice((1, 14, 30, 45))}",
            self._notice_versions(),
        )
        return "\n".join([*lines, 'items = ["name", "email"]'])

    def _analytics_purpose(self) -> str:
        lines = [*_purpose_lines("analytics", "(3)", "Study how services are used", True)]
        lines += self._sometimes(
            f"kinds = {_texts(self.random.sample(KINDS, 2))}", "valid_days = 30", self._notice_versions()
        )
        return "\n".join([*lines, 'items = ["purchases"]'])

    def _payment_purpose(self) -> str:
        lines = _purpose_lines("payment", "(1)", "Handle payments", False)
        return "\n".join([*lines, 'items = ["name", "purchases"]'])

    def _notice_versions(self) -> str:
        inside = self.day(self.start) + ONE_DAY * self.random.randrange((self.end - self.start).days)
        return f'notice_versions = [{{ id = "2025-04", valid_until = {inside} }}, {{ id = "2026-01" }}]'

    def _requests_section(self) -> str:
        promised = self.random.choice(
            ("{ default = 14, complaint = 7 }", "{ default = 5 }", "{ complaint = 3, disclosure = 10 }")
        )
        identified = self.random.choice((IDENTIFIED_KINDS, ("disclosure", "deletion")))
        return "\n".join(
            [
                "[requests]",
                f"promised_days = {promised}",
                *self._sometimes(f"max_pause_days = {self.random.choice((1, 3, 10))}"),
                f"needs_identification = {_texts(identified)}",
            ]
        )

    def _marketing_section(self) -> str:
        by_region = self.random.choice(
            (
                None,
                'by_region = { US = "CAN_SPAM" }',
                'by_region = { US = { email = "CAN_SPAM", sms = "TCPA" } }',
                'by_region = { US = { email = "CAN_SPAM", sms = "TCPA" } }',
                'by_region = { US = "TCPA", US-CA = { email = "CAN_SPAM" } }',
            )
        )
        lines = ["[marketing]", 'purpose = "marketing"', 'regime = "JP_SPECIFIED_EMAIL"']
        lines += [by_region] if by_region else []
        return "\n".join([*lines, f"opt_in = {self.random.choice(('true', 'true', 'false'))}"])

    def _sometimes(self, *lines: str) -> list[str]:
        return [line for line in lines if self.chance(0.5)]

    # The tables

    def people(self) -> list[Row]:
        rows = []
        for number in range(1, self.people_count + 1):
            opened = self.pool[0] - timedelta(days=200 + number) if self.chance(0.7) else self.instant()
            region = self.random.choice((None, "JP", "US", "US", "US-CA", "US-NY", "DE"))
            rows.append(
                {
                    "person": f"p-{number:03}",
                    "kind": self.random.choice(KINDS),
                    # Whether someone registered after as_of already has a region is left unasked.
                    "region": region if opened < self.as_of else None,
                    "opened_at": opened,
                    "closed_at": self.instant(opened) if self.chance(0.3) else None,
                }
            )
        self.persons = [row["person"] for row in rows]
        return rows

    def consent_events(self) -> list[Row]:
        rows = []
        for person in [*self.persons, "p-900"]:
            for _ in range(self.random.choice((0, 1, 2, 4, 6, 9))):
                rows.append(self._consent_event(person))
                while self.chance(0.3):
                    rows.append(self._second_answer(rows[-1]))
        return rows or [self._consent_event(self.persons[0])]

    def _second_answer(self, event: Row) -> Row:
        """Another answer at the same instant about the same purpose, mostly for the same channel."""
        shared = ["purpose"] + [column for column in ("channel", "recipient") if self.chance(0.6)]
        second = self._consent_event(event["person"], event["at"])
        return {**second, **{column: event[column] for column in shared}}

    def _consent_event(self, person: str, at: datetime | None = None) -> Row:
        at = at or self.instant()
        grants = self.chance(0.55)
        return {
            "person": person,
            "purpose": self.random.choice(("marketing",) * 5 + ("analytics",) * 2 + ("payment", "resale")),
            "channel": self.random.choice(("any", "any", "email", "email", "sms", "sms", "phone")),
            "recipient": self.maybe(("r-1", "r-2"), 0.2),
            "action": "grant" if grants else "withdraw",
            "at": at,
            "expires_at": self.instant(at) if grants and self.chance(0.3) else None,
            "notice_version": self.maybe(NOTICES, 0.8),
            "method": self.maybe(("web", "app", "paper")),
        }

    def requests(self) -> list[Row]:
        return [self._request(number) for number in range(1, 2 * self.people_count + 1)]

    def _request(self, number: int) -> Row:
        received = self.instant()
        outcome = self.random.choice(OUTCOMES)
        closed = self._closing(received) if self.chance(0.65) else None
        return {
            "request_id": f"q-{number:03}",
            "person": self.person(),
            **self._kind_and_regime(),
            "received_at": received,
            "acknowledged_at": self.instant(received) if self.chance(0.3) else None,
            "verified_at": self._verification(received, closed),
            "extended_at": self._extension(received) if self.chance(0.3) else None,
            "closed_at": closed,
            # Now and then an outcome is written down before the request is closed.
            "outcome": outcome if closed or self.chance(0.2) else None,
            "denial_reason": "not_verifiable" if closed and outcome == "denied" else None,
        }

    def _kind_and_regime(self) -> Row:
        kind = self.random.choice((*REQUEST_KINDS, *KINDS_OF_EVERY_REGIME))
        region = self.maybe(("DE", "US-CA", "JP", "US"), 0.4)
        regime = None
        if self.mixed_regimes and kind not in KINDS_OF_EVERY_REGIME:
            # What GDPR or CCPA makes of the other kinds is a matter of its own.
            regime = "APPI"
        elif self.mixed_regimes and self.chance(0.3):
            regime = self.random.choice(("APPI", "CCPA", "GDPR"))
            region = "DE" if regime == "GDPR" else region
        return {"kind": kind, "regime": regime, "region": region}

    def _closing(self, received: datetime) -> datetime:
        """Soon, at the end of a due day, beside it, at as_of, or whenever."""
        days = self.random.choice([*self.policy["requests"]["promised_days"].values(), 45])
        due = _midnight(self.day(received) + (days + 1) * ONE_DAY, self.zone)
        soon = received + timedelta(hours=self.random.choice((0, 5, 30, 72, 72, 200)))
        choices = (soon, soon, soon, self.near(due), self.instant(received), self.near(self.as_of))
        return max(received, self.random.choice(choices))

    def _verification(self, received: datetime, closed: datetime | None) -> datetime | None:
        around = self.near(closed or received)
        return self.random.choice((None, around, self.instant(), received - timedelta(hours=3)))

    def _extension(self, received: datetime) -> datetime:
        day = self.day(received)
        month_later = date(day.year + day.month // 12, day.month % 12 + 1, min(day.day, 28))
        last_day = self.random.choice((month_later, day + 45 * ONE_DAY))
        edge = self.near(_midnight(last_day + ONE_DAY, self.zone))
        return self.random.choice((edge, max(received, self.near(self.as_of)), received + timedelta(days=2)))

    def request_pauses(self, requests: list[Row]) -> list[Row]:
        rows = []
        for request in requests:
            paused = request["received_at"] + self.random.choice((-1, 0, 1)) * timedelta(hours=30)
            for _ in range(self.random.choice((0, 0, 1, 2, 4))):
                resumed = self._resumption(request, paused)
                rows.append({"request_id": request["request_id"], "paused_at": paused, "resumed_at": resumed})
                # The next one overlaps, touches, misses by a microsecond, or comes later.
                gap = self.random.choice((-timedelta(hours=9), timedelta(0), MICROSECOND, timedelta(hours=20)))
                paused = (resumed or paused) + gap
        return [*rows, {"request_id": "q-900", "paused_at": self.start, "resumed_at": None}]

    def _resumption(self, request: Row, paused: datetime) -> datetime | None:
        next_midnight = _midnight(self.day(paused) + ONE_DAY, self.zone)
        choices = [
            None,
            paused,
            paused + timedelta(hours=self.random.randrange(1, 120)),
            next_midnight,
            next_midnight - MICROSECOND,
            max(paused, self.near(self.as_of)),
            max(paused, request["closed_at"] or self.as_of),
        ]
        return self.random.choice(choices)

    def messages(self, answers: list[Row]) -> list[Row]:
        """Sent around the answers that the person gave, and around the end of the grace for them."""
        return [self._message(number, answers) for number in range(1, 6 * self.people_count + 1)]

    def _message(self, number: int, answers: list[Row]) -> Row:
        person, sent = self.person(), self.instant()
        own = [answer.get("at") or answer["received_at"] for answer in answers if answer["person"] == person]
        if own and self.chance(0.7):
            answered = self.random.choice(own)
            sent = self.near(self.random.choice((answered, answered, self._after_grace(answered))))
        return {
            "message_id": f"m-{number:04}",
            "person": person,
            "channel": self.random.choice(("email", "email", "sms", "sms", "phone", "push")),
            "campaign": self.random.choice(("spring", "summer", "welcome")),
            "category": "service" if self.chance(0.15) else "marketing",
            "system": self.maybe(SYSTEMS, 0.85),
            "sent_at": sent,
        }

    def suppressions(self, events: list[Row]) -> list[Row]:
        """Some people on every list, so that whole opt-outs are suppressed; some entries lapse and return."""
        rows = []
        for event in events:
            if event["action"] == "grant" or event["purpose"] != "marketing" or self.chance(0.5):
                continue
            added = max(self.pool[0], event["at"] + timedelta(hours=self.random.choice((-2, 0, 1, 30, 200))))
            channels = [(system, "any") for system in SYSTEMS]
            if self.chance(0.4):
                channels = [(system, channel) for system in SYSTEMS for channel in CHANNELS]
            for system, channel in channels:
                if self.chance(0.9):
                    rows += self._entries(event["person"], system, channel, added)
        return rows or self._entries(self.persons[0], "mailer", "email", self.start)

    def _entries(self, person: str, system: str, channel: str, added: datetime) -> list[Row]:
        removed = self.instant(added) if self.chance(0.15) else None
        again = [removed + timedelta(hours=1)] if removed and self.chance(0.5) else []
        return [
            {
                "person": person,
                "channel": channel,
                "system": system,
                "added_at": entered,
                "removed_at": left,
            }
            for entered, left in [(added, removed), *((entered, None) for entered in again)]
        ]

    def recipients(self) -> list[Row]:
        kinds = ("processor", "third_party", "joint_user", "authority")
        countries = ("JP", "US", "DE", "JP")
        return [
            {"recipient": f"r-{number}", "name": f"Company {number}", "kind": kind, "country": country}
            for number, (kind, country) in enumerate(zip(kinds, countries, strict=True), start=1)
        ]

    def contracts(self) -> list[Row]:
        return [self._contract(number) for number in range(1, 7)]

    def _contract(self, number: int) -> Row:
        starts = self.day(self.instant())
        ends = starts + ONE_DAY * self.random.choice((0, 1, 10, 30, 90))
        return {
            "contract_id": f"c-{number}",
            "recipient": self.random.choice(("r-1", "r-2", "r-3", "r-900")),
            "starts_on": starts,
            "ends_on": self.maybe([ends], 0.6),
            "is_confidential": self.chance(0.85),
            "is_equal_standard": self.chance(0.85),
            "reviewed_on": self.maybe([starts]),
        }

    def disclosures(self, events: list[Row]) -> list[Row]:
        return [self._disclosure(number, events) for number in range(1, 5 * self.people_count + 1)]

    def _disclosure(self, number: int, events: list[Row]) -> Row:
        basis = self.random.choice(BASES)
        occasion = self._occasion(events)
        if basis == "consent" and occasion["purpose"] == "payment" and self.chance(0.5):
            occasion["purpose"] = "marketing"
        recipient = self.random.choice(("r-1", "r-1", "r-2", "r-2", "r-3", "r-4", "r-404"))
        return {
            "disclosure_id": f"d-{number:04}",
            "person": occasion["person"],
            "recipient": recipient,
            "basis": basis,
            "purpose": occasion["purpose"],
            "items": self._items(),
            "disclosed_at": occasion["at"],
            "legal_reference": self.maybe(("Act 57, Article 27",)),
            "is_recorded": self.random.choice((True, True, False, None)),
        }

    def uses(self, events: list[Row]) -> list[Row]:
        rows = []
        for number in range(1, 3 * self.people_count + 1):
            occasion = self._occasion(events)
            rows.append(
                {
                    "use_id": f"u-{number:04}",
                    "person": occasion["person"],
                    "purpose": occasion["purpose"],
                    "system": self.random.choice(SYSTEMS),
                    "items": self._items(),
                    "used_at": occasion["at"],
                }
            )
        return rows

    def _occasion(self, events: list[Row]) -> Row:
        """Who, what for and when: mostly right at an answer of theirs, or at the end of what it allowed."""
        if self.chance(0.4):
            purpose = self.random.choice(("marketing", "analytics", "payment", "resale"))
            return {"person": self.person(), "purpose": purpose, "at": self.instant()}
        event = self.random.choice(events)
        at = self.random.choice((event["at"], event["at"], event["expires_at"] or event["at"], self.instant()))
        return {"person": event["person"], "purpose": event["purpose"], "at": self.near(at)}

    def _items(self) -> frozenset[str]:
        return frozenset(self.random.sample(ITEMS, self.random.randrange(1, 4)))


_BY_REGION = 'by_region = { DE = "GDPR", US-CA = "CCPA", JP = "APPI" }'


def _purpose_lines(identity: str, clause: str, title: str, needs_consent: bool) -> list[str]:
    return [
        "[[purpose]]",
        f'id = "{identity}"',
        f'clause = "{clause}"',
        f'title = "{title}"',
        f"needs_consent = {str(needs_consent).lower()}",
    ]


def _texts(values: Iterable[str]) -> str:
    return json.dumps(list(values))


def _distinct(rows: list[Row]) -> list[Row]:
    """The rows without exact duplicates, in their order."""
    kept: dict[tuple, Row] = {}
    for row in rows:
        kept.setdefault(tuple(row.values()), row)
    return list(kept.values())


# Exports


def write_world(
    world: World,
    folder: Path,
    file_format: Literal["csv", "parquet", "jsonl"] = "csv",
    parts: int = 1,
    shuffle: int | None = None,
) -> None:
    """Writes every table in the native layout: `<table>.csv`, or `<table>-part-1.csv` and so on.

    `shuffle` is a seed that changes the order of the rows, which file they are in, and which of several
    ways of writing one instant is taken; never what they say.
    """
    folder.mkdir(parents=True, exist_ok=True)
    random = Random(world.seed if shuffle is None else shuffle)
    for table, columns in COLUMNS.items():
        rows = list(world.tables[table])
        if shuffle is not None:
            random.shuffle(rows)
        for part in range(parts):
            name = table if parts == 1 else f"{table}-part-{part + 1}"
            _WRITERS[file_format](folder / f"{name}.{file_format}", columns, rows[part::parts], random)


def _header(columns: dict[str, str]) -> list[str]:
    return ["person_id" if column == "person" else column for column in columns]


def _write_csv(path: Path, columns: dict[str, str], rows: list[Row], random: Random) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(_header(columns))
        for row in rows:
            writer.writerow(_as_text(row[column], random) for column in columns)


def _as_text(value: Any, random: Random) -> str:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case frozenset():
            return ";".join(sorted(value))
        case datetime():
            return _as_instant(value, random)
        case _:
            return str(value)


def _as_instant(value: datetime, random: Random) -> str:
    """The same instant with Z or with some offset, with microseconds where there are any."""
    hours = random.choice((None, None, 9, -5, 5.5, 0))
    if hours is None:
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value.astimezone(timezone(timedelta(hours=hours))).isoformat()


def _write_jsonl(path: Path, columns: dict[str, str], rows: list[Row], random: Random) -> None:
    with path.open("w", encoding="utf-8") as file:
        for row in rows:
            values = [_as_json(row[column], random) for column in columns]
            file.write(json.dumps(dict(zip(_header(columns), values, strict=True))) + "\n")


def _as_json(value: Any, random: Random) -> str | bool | None:
    return value if value is None or isinstance(value, bool) else _as_text(value, random)


def _write_parquet(path: Path, columns: dict[str, str], rows: list[Row], random: Random) -> None:
    import polars as pl

    types = {
        "text": pl.String,
        "set": pl.String,
        "boolean": pl.Boolean,
        "date": pl.Date,
        "instant": pl.Datetime("us", "UTC"),
    }
    schema = dict(zip(_header(columns), (types[kind] for kind in columns.values()), strict=True))
    values = [[_joined(row[column]) for column in columns] for row in rows]
    pl.DataFrame(values, schema=schema, orient="row").write_parquet(path)


def _joined(value: Any) -> Any:
    return ";".join(sorted(value)) if isinstance(value, frozenset) else value


_WRITERS = {"csv": _write_csv, "jsonl": _write_jsonl, "parquet": _write_parquet}
