"""Rows that the intake must put into quarantine, count as copies, or name as lost."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any

from pledgebook.intake.formats import native_column
from pledgebook.period import INSTANT
from pledgebook.selftest.kinds import Kind, kinds_of
from pledgebook.selftest.planting import BEYOND, Part, Planting
from pledgebook.selftest.setting import DAY, Setting
from pledgebook.tables import TABLES, Table

QUESTION = "intake"
Cells = dict[str, Any]


INNOCENT = {"category": "service", "action": "grant", "basis": "law"}


def good_row(p: Planting, name: str) -> Cells:
    """Return a row of a table that breaks no rule, and that no figure is interested in."""
    table = TABLES[name]
    needed = [column for column in table.columns if table.is_required(column)]
    return {native_column(table, column): _good_cell(p, table, column) for column in needed}


def _good_cell(p: Planting, table: Table, column: str) -> Any:  # noqa: PLR0911
    match table.holds(column):
        case "person":
            return p.name("person") if table.name == "people" else p.person()
        case "id" | "employee":
            return p.name(column)
        case "instant":
            return p.setting.middle
        case "date":
            return p.setting.day(p.setting.middle)
        case "flag":
            return False
        case "choice":
            return INNOCENT.get(column, table.choices(column)[-1])
    return p.setting.tag


@dataclass(frozen=True)
class Spoilt:
    """A row that breaks one rule: the rule, what it is in plain words, and which cells are spoilt."""

    rule: str
    title: str
    table: str
    cells: Callable[[Setting], Cells]
    name: str = ""

    def plant(self, p: Planting) -> None:
        """Write the row; it must be quarantined by the rule."""
        source, row = p.add(self.table, good_row(p, self.table) | self.cells(p.setting))
        p.expect("quarantined", source=source, source_row=str(row), rule=self.rule)


def _earlier(column: str) -> Callable[[Setting], Cells]:
    return lambda setting: {column: setting.middle - INSTANT}


SPOILT = (
    Spoilt("missing_purpose", "A row without a value where one is needed", "uses", lambda _: {"purpose": " "}),
    Spoilt("unknown_channel", "A value that is not in the column's list", "messages", lambda _: {"channel": "fax"}),
    Spoilt("unknown_region", "A region that is none", "people", lambda _: {"region": "Tokyo"}),
    Spoilt("unknown_regime", "A request under a law that nobody knows", "requests", lambda _: {"regime": "NO_LAW"}),
    Spoilt("unreadable_row", "A row with more fields than the header", "uses", lambda _: {BEYOND: "more"}),
    Spoilt("unreadable_time", "A time that is none", "uses", lambda _: {"used_at": "2026-13-41T10:00:00Z"}),
    Spoilt("unreadable_date", "A date that is none", "contracts", lambda _: {"starts_on": "soon"}),
    Spoilt("unreadable_number", "A number that is none", "incidents", lambda _: {"people_affected": "many"}),
    Spoilt("date_without_time", "A date alone where an instant is due", "messages",
           lambda setting: {"sent_at": setting.day(setting.middle)}),
    Spoilt("closed_before_received", "A request closed before it was received", "requests", _earlier("closed_at")),
    Spoilt("acknowledged_before_received", "A receipt confirmed before it happened", "requests",
           _earlier("acknowledged_at")),
    Spoilt("extended_before_received", "An extension before the request", "requests", _earlier("extended_at")),
    Spoilt("resumed_before_paused", "A pause that ends before it begins", "request_pauses", _earlier("resumed_at")),
    Spoilt("removed_before_added", "A suppression removed before it was added", "suppressions",
           _earlier("removed_at")),
    Spoilt("closed_before_opened", "A person who left before coming", "people", _earlier("closed_at")),
    Spoilt("ends_before_starts", "A contract that ends before it starts", "contracts",
           lambda setting: {"ends_on": setting.day(setting.middle) - DAY}),
    Spoilt("left_before_joined", "An employee who left before joining", "staff",
           lambda setting: {"left_on": setting.day(setting.middle) - DAY}),
    Spoilt("personal_data_in_label", "An email in a label", "messages",
           lambda _: {"campaign": "letter to some.body@selftest.invalid"}, "email_in_label"),
    Spoilt("personal_data_in_label", "A phone number in a label", "disclosures",
           lambda _: {"purpose": "call +81 3-1234-5678"}, "phone_in_label"),
    Spoilt("personal_data_in_label", "A card number in a label", "uses",
           lambda _: {"system": "card 4111 1111 1111 1111"}, "card_in_label"),
    Spoilt("reserved_value", "A group called all, which would pass for a total", "disclosures",
           lambda _: {"recipient": "all"}),
)  # fmt: skip


def _opt_out_that_cannot_be_read(p: Planting) -> None:
    """An opt-out in quarantine, held as a possible no."""
    row = good_row(p, "consent_events") | {"action": "withdraw", "at": p.setting.day(p.setting.middle)}
    source, number = p.add("consent_events", row)
    p.expect("quarantined", source=source, source_row=str(number), rule="date_without_time", is_opt_out="true")


def _one_key_with_two_contents(p: Planting) -> None:
    """Two rows with one key and other contents: neither stands."""
    first = good_row(p, "messages")
    for row in (first, first | {"channel": "sms"}):
        source, number = p.add("messages", row)
        p.expect("quarantined", source=source, source_row=str(number), rule="conflicting_key")


def _opt_out_request_with_two_contents(p: Planting) -> None:
    """A request to opt out that contradicts itself, held as a possible no."""
    first = good_row(p, "requests") | {"kind": "marketing_opt_out"}
    for row in (first, first | {"outcome": "denied"}):
        source, number = p.add("requests", row)
        p.expect("quarantined", source=source, source_row=str(number), rule="conflicting_key", is_opt_out="true")


def _address_of_two_people(p: Planting) -> None:
    """A further id that two people claim: neither has it."""
    address = f"{p.name('address')}@selftest.invalid"
    for _ in range(2):
        source, number = p.add("identities", {"id": address, "person_id": p.person()})
        p.expect("quarantined", source=source, source_row=str(number), rule="conflicting_key")


def _row_written_twice(p: Planting) -> None:
    """A row written twice: one stands, one is a copy."""
    row = good_row(p, "uses")
    for _ in range(2):
        source, _ = p.add("uses", row)
    p.expect("intake", 1, "rows_duplicate", source=source)


def _exported(p: Planting, days_later: int) -> tuple[str, date]:
    day = p.setting.day(p.setting.middle) + days_later * DAY
    return f"-{day}", day


def _row_dated_after_its_export(p: Planting) -> None:
    """A row dated one microsecond after the day on which it was exported."""
    suffix, day = _exported(p, 0)
    end = p.setting.midnight(day + DAY)
    source, number = p.add("uses", good_row(p, "uses") | {"used_at": end}, suffix)
    p.expect("quarantined", source=source, source_row=str(number), rule="in_the_future")
    source, number = p.add("uses", good_row(p, "uses") | {"used_at": end - INSTANT}, suffix)
    p.spare("quarantined", source=source, source_row=str(number))


def _row_that_a_newer_export_corrects(p: Planting) -> None:
    """A row that a newer export says otherwise."""
    row = good_row(p, "incidents")
    older, _ = p.add("incidents", row, _exported(p, 1)[0])
    newer, _ = p.add("incidents", row | {"is_malicious": True}, _exported(p, 2)[0])
    p.expect("intake", 1, "rows_superseded", source=older)
    p.spare("intake", "rows_kept", 1, source=newer)


def _row_of_an_unknown_person(p: Planting) -> None:
    """A row of a person whom nobody knows."""
    p.add("uses", good_row(p, "uses") | {"person_id": p.name("stranger")})
    p.note("uses", "orphan_person")


def _pause_of_an_unknown_request(p: Planting) -> None:
    """A pause of a request that nobody knows."""
    p.add("request_pauses", good_row(p, "request_pauses"))
    p.note("request_pauses", "orphan_request")


def _column_that_nobody_knows(p: Planting) -> None:
    """A column that no table has, dropped and named."""
    source, _ = p.add("uses", good_row(p, "uses") | {"shoe_size": "43"})
    p.expect("unknown_columns", source=source, column="shoe_size")


def _time_that_the_clocks_skip(p: Planting) -> None:
    """A time that the clocks skip when summer begins."""
    _in_berlin(p, "2026-03-29T02:30:00", "nonexistent_time", "2026-03-29T03:00:00")


def _time_that_the_clocks_show_twice(p: Planting) -> None:
    """A time that the clocks show twice when summer ends."""
    _in_berlin(p, "2025-10-26T02:30:00", "ambiguous_time", "2025-10-26T01:59:59.999999")


def _in_berlin(p: Planting, doubtful: str, rule: str, sure: str) -> None:
    part = Part("incidents", "-berlin")
    p.timezones[part] = "Europe/Berlin"
    source, number = p.add(part.table, good_row(p, part.table) | {"known_at": doubtful}, part.suffix)
    p.expect("quarantined", source=source, source_row=str(number), rule=rule)
    source, number = p.add(part.table, good_row(p, part.table) | {"known_at": sure}, part.suffix)
    p.spare("quarantined", source=source, source_row=str(number))


KINDS = (
    *(Kind(each.name or each.rule, each.title, QUESTION, each.plant) for each in SPOILT),
    *kinds_of(
        QUESTION,
        _opt_out_that_cannot_be_read,
        _one_key_with_two_contents,
        _opt_out_request_with_two_contents,
        _address_of_two_people,
        _row_written_twice,
        _row_dated_after_its_export,
        _row_that_a_newer_export_corrects,
        _row_of_an_unknown_person,
        _pause_of_an_unknown_request,
        _column_that_nobody_knows,
    ),
    *kinds_of(QUESTION, _time_that_the_clocks_skip, _time_that_the_clocks_show_twice, world="small company"),
)
