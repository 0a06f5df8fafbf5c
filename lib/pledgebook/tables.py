"""The canonical tables: one schema each, the row rules that a schema can state, and what each column holds.

Column kinds (`metadata["holds"]`): `person`, `employee`, `id` (of a thing), `label`, `set` of labels, `date`, `instant`,
`flag`, `number`, `choice`. `metadata["future"]` is true where a date may lie ahead of the export.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import dataframely as dy
import polars as pl

CHANNELS = ("any", "email", "sms", "phone", "post", "push", "in_app", "messenger")
PEOPLE_KINDS = ("customer", "member", "affiliate", "merchant", "employee", "applicant", "prospect", "other")
REQUEST_KINDS = (
    "disclosure", "provision_records", "correction", "deletion", "portability", "cease_use", "cease_provision",
    "opt_out_sale", "limit_use", "marketing_opt_out", "complaint", "inquiry",
)  # fmt: skip
OUTCOMES = ("fulfilled", "partly_fulfilled", "denied", "withdrawn", "unverifiable")
RECIPIENT_KINDS = ("processor", "third_party", "joint_user", "group", "authority", "successor")
BASES = ("consent", "law", "entrustment", "joint_use", "succession", "opt_out_notice", "vital_interest")
COOKIE_CHOICES = ("all", "necessary", "none", "unknown")
MOST_PEOPLE = 10_000_000_000
"""More than there are: what is larger is no count of people, but may be somebody's number."""
UTC_MICROSECONDS = pl.Datetime("us", "UTC")


def _person() -> Any:
    return dy.UInt64(nullable=False, metadata={"holds": "person"})


def _employee() -> Any:
    return dy.UInt64(nullable=False, metadata={"holds": "employee"})


def _id() -> Any:
    return dy.String(nullable=False, metadata={"holds": "id"})


def _label(*, nullable: bool = False, group: bool = False) -> Any:
    return dy.String(nullable=nullable, metadata={"holds": "label", "group": group})


def _set() -> Any:
    return dy.String(nullable=False, metadata={"holds": "set", "group": True})


def _choice(values: tuple[str, ...], *, nullable: bool = False) -> Any:
    return dy.Enum(list(values), nullable=nullable, metadata={"holds": "choice"})


def _at(*, nullable: bool = False, future: bool = False) -> Any:
    metadata = {"holds": "instant", "future": future}
    return dy.Datetime(time_unit="us", time_zone="UTC", nullable=nullable, metadata=metadata)


def _on(*, nullable: bool = False, future: bool = False) -> Any:
    return dy.Date(nullable=nullable, metadata={"holds": "date", "future": future})


def _flag(*, nullable: bool = False) -> Any:
    return dy.Bool(nullable=nullable, metadata={"holds": "flag"})


def _not_before(later: str, earlier: str) -> pl.Expr:
    return (pl.col(later) >= pl.col(earlier)).fill_null(value=True)


class Traced(dy.Schema):
    """What every table keeps, so that a figure can be traced back: file, and data row counted from 1."""

    source = dy.String(nullable=False)
    source_row = dy.UInt64(nullable=False)


class People(Traced):
    """One row per person known to the company."""

    person = _person()
    kind = _choice(PEOPLE_KINDS)
    region = _label(nullable=True)
    opened_at = _at()
    closed_at = _at(nullable=True)

    @dy.rule()
    def closed_before_opened(cls) -> pl.Expr:
        return _not_before("closed_at", "opened_at")

    @dy.rule()
    def unknown_region(cls) -> pl.Expr:
        return _is_region("region")


class Identities(Traced):
    """One row per further id of a person; the id as its pseudonym."""

    id = dy.UInt64(nullable=False, metadata={"holds": "person"})
    person = _person()


class ConsentEvents(Traced):
    """One row per answer given by a person."""

    person = _person()
    purpose = _label(group=True)
    channel = _choice(CHANNELS)
    recipient = _label(nullable=True)
    action = _choice(("grant", "withdraw"))
    at = _at()
    expires_at = _at(nullable=True, future=True)
    notice_version = _label(nullable=True)
    method = _label(nullable=True)


class Requests(Traced):
    """One row per request by a person about their data."""

    request_id = _id()
    person = _person()
    kind = _choice(REQUEST_KINDS)
    regime = _label(nullable=True, group=True)
    region = _label(nullable=True)
    received_at = _at()
    acknowledged_at = _at(nullable=True)
    verified_at = _at(nullable=True)
    extended_at = _at(nullable=True)
    closed_at = _at(nullable=True)
    outcome = _choice(OUTCOMES, nullable=True)
    denial_reason = _label(nullable=True)

    @dy.rule()
    def closed_before_received(cls) -> pl.Expr:
        return _not_before("closed_at", "received_at")

    @dy.rule()
    def acknowledged_before_received(cls) -> pl.Expr:
        return _not_before("acknowledged_at", "received_at")

    @dy.rule()
    def extended_before_received(cls) -> pl.Expr:
        return _not_before("extended_at", "received_at")

    @dy.rule()
    def unknown_region(cls) -> pl.Expr:
        return _is_region("region")


class RequestPauses(Traced):
    """One row per stop of a request's clock."""

    request_id = _id()
    paused_at = _at()
    resumed_at = _at(nullable=True)

    @dy.rule()
    def resumed_before_paused(cls) -> pl.Expr:
        return _not_before("resumed_at", "paused_at")


class Messages(Traced):
    """One row per message sent to a person."""

    message_id = _id()
    person = _person()
    channel = _choice(CHANNELS)
    campaign = _label(group=True)
    category = _choice(("marketing", "service"))
    system = _label(nullable=True)
    sent_at = _at()


class Suppressions(Traced):
    """One row per entry of a suppression list."""

    person = _person()
    channel = _choice(CHANNELS)
    system = _label()
    added_at = _at()
    removed_at = _at(nullable=True)

    @dy.rule()
    def removed_before_added(cls) -> pl.Expr:
        return _not_before("removed_at", "added_at")


class Recipients(Traced):
    """One row per body outside the company that gets data."""

    recipient = _label(group=True)
    name = _label()
    kind = _choice(RECIPIENT_KINDS)
    country = _label()


class Contracts(Traced):
    """One row per contract with a recipient."""

    contract_id = _id()
    recipient = _label(group=True)
    starts_on = _on(future=True)
    ends_on = _on(nullable=True, future=True)
    is_confidential = _flag()
    is_equal_standard = _flag()
    reviewed_on = _on(nullable=True)

    @dy.rule()
    def ends_before_starts(cls) -> pl.Expr:
        return _not_before("ends_on", "starts_on")


class Disclosures(Traced):
    """One row per provision of one person's data; `legal_reference` says only whether there is one."""

    disclosure_id = _id()
    person = _person()
    recipient = _label(group=True)
    basis = _choice((*BASES, "other"))
    purpose = _label(group=True)
    items = _set()
    disclosed_at = _at()
    legal_reference = _flag()
    is_recorded = _flag(nullable=True)


class Uses(Traced):
    """One row per use of one person's data inside the company."""

    use_id = _id()
    person = _person()
    purpose = _label(group=True)
    system = _label(group=True)
    items = _set()
    used_at = _at()


class Incidents(Traced):
    """One row per leak, loss, damage or unlawful access."""

    incident_id = _id()
    kind = _label(group=True)
    known_at = _at()
    contained_at = _at(nullable=True)
    preliminary_report_at = _at(nullable=True)
    final_report_at = _at(nullable=True)
    people_notified_at = _at(nullable=True)
    people_affected = dy.Int64(nullable=True, min=0, max=MOST_PEOPLE, metadata={"holds": "number"})
    is_malicious = _flag()
    has_sensitive = _flag()
    has_financial_risk = _flag()
    reviewed_at = _at(nullable=True)


class Staff(Traced):
    """One row per employee."""

    employee = _employee()
    role = _label(group=True)
    joined_on = _on(future=True)
    left_on = _on(nullable=True, future=True)

    @dy.rule()
    def left_before_joined(cls) -> pl.Expr:
        return _not_before("left_on", "joined_on")


class Trainings(Traced):
    """One row per finished privacy course."""

    employee = _employee()
    course = _label(group=True)
    completed_on = _on()


class Accesses(Traced):
    """One row per access by staff to one person's record."""

    employee = _employee()
    person = _person()
    system = _label(group=True)
    has_reason = _flag()
    at = _at()
    was_granted = _flag()


class PolicyReviews(Traced):
    """One row per review of the policy or the safety measures."""

    subject = _label(group=True)
    reviewed_on = _on()


class PageViews(Traced):
    """One row per line of the site's access log; urls cut to host, path without digits, and flags."""

    at = _at()
    cookie_choice = _choice(COOKIE_CHOICES)
    cookies_set = dy.String(nullable=True, metadata={"holds": "set"})
    host = _label()
    path = _label()
    outbound_host = _label(nullable=True)
    has_personal_data_in_url = _flag()
    has_login = _flag()


@cache
def _columns(schema: type[Traced]) -> dict[str, dy.Column]:
    """Asked for thousands of times an intake, and put together anew by each call of the schema."""
    return schema.columns()


def _is_region(column: str) -> pl.Expr:
    """ISO 3166-1 alpha-2, or 3166-2 with its country."""
    return pl.col(column).str.contains(r"^[A-Z]{2}(-[A-Z0-9]{1,3})?$").fill_null(value=True)


@dataclass(frozen=True)
class Table:
    """One canonical table: schema, key (empty: events), the column that says when, and how the store cuts it."""

    name: str
    schema: type[Traced]
    key: tuple[str, ...] = ()
    when: str | None = None
    by_month: bool = False
    feed: str | None = None

    @property
    def columns(self) -> list[str]:
        """Canonical columns in order, without source and source_row."""
        return [name for name in _columns(self.schema) if name not in ("source", "source_row")]

    @property
    def stored_columns(self) -> list[str]:
        """Columns as the store holds them; pauses beside the person of their request."""
        own = ["person", *self.columns] if self.name == "request_pauses" else self.columns
        return [*own, "source", "source_row"]

    @property
    def in_shards(self) -> bool:
        """True where the store cuts the table into shards: by person, else (page views) by the second they are dated."""
        return "person" in self.columns or self.name == "request_pauses" or self.by_month

    def nothing(self) -> pl.LazyFrame:
        """Return the table without a row, as the store would give it."""
        empty = pl.DataFrame(self.schema.create_empty())
        if self.name == "request_pauses":
            empty = empty.with_columns(pl.lit(None, dtype=pl.UInt64).alias("person"))
        return empty.select(self.stored_columns).lazy()

    def holding(self, *kinds: str) -> list[str]:
        """Return the columns that hold one of `kinds`."""
        return [name for name in self.columns if self.holds(name) in kinds]

    def holds(self, column: str) -> str:
        """Return what a column holds, in the words of this module."""
        return str((_columns(self.schema)[column].metadata or {})["holds"])

    def is_marked(self, column: str, mark: str) -> bool:
        """Return whether the column's metadata carry `mark` (`group`, `future`)."""
        return bool((_columns(self.schema)[column].metadata or {}).get(mark))

    def choices(self, column: str) -> list[str]:
        """Return the values that a column of kind `choice` may have."""
        return list(_columns(self.schema)[column].categories)  # type: ignore[attr-defined]

    def is_required(self, column: str) -> bool:
        """Return whether a row must have a value there."""
        return not _columns(self.schema)[column].nullable


TABLES = {
    table.name: table
    for table in (
        Table("people", People, ("person",), "opened_at"),
        Table("identities", Identities, ("id",)),
        Table("consent_events", ConsentEvents, (), "at", feed="action"),
        Table("requests", Requests, ("request_id",), "received_at", feed="kind"),
        Table("request_pauses", RequestPauses, (), "paused_at"),
        Table("messages", Messages, ("message_id",), "sent_at", by_month=True, feed="category"),
        Table("suppressions", Suppressions, (), "added_at"),
        Table("recipients", Recipients, ("recipient",)),
        Table("contracts", Contracts, ("contract_id",), "starts_on"),
        Table("disclosures", Disclosures, ("disclosure_id",), "disclosed_at", by_month=True),
        Table("uses", Uses, ("use_id",), "used_at", by_month=True),
        Table("incidents", Incidents, ("incident_id",), "known_at", feed="kind"),
        Table("staff", Staff, ("employee",), "joined_on"),
        Table("trainings", Trainings, (), "completed_on"),
        Table("accesses", Accesses, (), "at", by_month=True),
        Table("policy_reviews", PolicyReviews, (), "reviewed_on"),
        Table("page_views", PageViews, (), "at", by_month=True),
    )
}
