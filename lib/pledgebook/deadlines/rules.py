"""The dated legal clocks of `data/regimes/`: one file a regime, one table a rule, read and checked."""

from __future__ import annotations

import tomllib
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from pledgebook.deadlines.calendars import is_known_calendar
from pledgebook.errors import InputError

RequestKind = Literal[
    "disclosure", "provision_records", "correction", "deletion", "portability", "cease_use",
    "cease_provision", "opt_out_sale", "limit_use", "marketing_opt_out", "complaint", "inquiry",
]  # fmt: skip
Role = Literal[
    "response", "acknowledgement", "notice", "marketing", "incident_preliminary", "incident_final",
    "incident_final_malicious", "incident_people", "incident", "retention", "expiry", "benchmark",
]  # fmt: skip
Counting = Literal[
    "month", "day", "day_incl", "bday", "bday_incl", "hours", "zero", "jp_month_incl", "jp_year_excl",
    "before_year", "year_same", "none",
]  # fmt: skip
Start = Literal[
    "receipt", "verification", "sending", "knowledge", "discovery", "assessment", "decision", "record",
    "last_use", "consent", "event",
]  # fmt: skip
Channel = Literal["email", "sms", "phone", "post", "push", "in_app", "messenger"]
UNITS = {
    "month": "month", "jp_month_incl": "month", "day": "day", "day_incl": "day", "bday": "business day",
    "bday_incl": "business day", "hours": "hour", "jp_year_excl": "year", "before_year": "year",
    "year_same": "year", "zero": "none", "none": "none",
}  # fmt: skip
BY_REGION = "region"


class Section(BaseModel):
    """A part of a regime's file: no unknown keys, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Extension(Section):
    """More time than the first period. `length` in the rule's unit, null where the law leaves it open."""

    length: Annotated[int, Field(gt=0)] | None = None
    condition: str


class Rule(Section):
    """One version of one clock.

    `kinds` are our request kinds, `words` the law's own; `length` is null where the law has no number
    (`counting` none) or no grace (zero). `start` is the event that starts the clock; `verification` starts it
    at the later of receipt and verification. `calendar` is a calendar's name, `region` for that of the
    request's region, null where no closed day matters. Valid from `valid_from` until before `valid_to` (null:
    still), by the local receipt date.
    """

    id: str
    role: Role = "response"
    kinds: tuple[RequestKind, ...] = ()
    words: Annotated[tuple[str, ...], Field(min_length=1)]
    counting: Counting
    length: Annotated[int, Field(gt=0)] | None = None
    unit: str = "none"
    start: Start = "receipt"
    pause: Literal["none", "added", "inclusive"] = "none"
    verification: Literal["ignored", "adds", "restarts"] = "ignored"
    extension: Extension | None = None
    roll: Literal["none", "next"] = "none"
    calendar: str | None = None
    weekend: Literal["default", "sun"] = "default"
    acknowledged_by: str | None = None
    channels: tuple[Channel, ...] = ()
    hardness: Literal["statute", "guidance", "none"]
    citation: str
    confidence: Annotated[str, Field(pattern=r"^[PQSG]([/, ]+[PQSG])*$")]
    valid_from: date
    valid_to: date | None = None
    checked_on: date
    note: str = ""

    @model_validator(mode="after")
    def _holds_together(self) -> Rule:
        if self.unit != UNITS[self.counting]:
            raise ValueError(f"unit '{self.unit}' does not go with counting '{self.counting}'")
        if (self.length is None) != (self.unit == "none"):
            raise ValueError("a length is needed where a unit is, and only there")
        if self.calendar is None and (self.roll == "next" or self.unit == "business day"):
            raise ValueError("a rule that rolls or counts business days needs a calendar")
        if self.calendar not in (None, BY_REGION) and not is_known_calendar(str(self.calendar)):
            raise ValueError(f"calendar '{self.calendar}' is not known")
        if self.valid_to is not None and self.valid_to <= self.valid_from:
            raise ValueError("valid_to must lie after valid_from")
        return self

    @property
    def clock(self) -> Literal["statutory", "guidance", "none"]:
        """What kind of clock it is; none where the law has no number."""
        if self.counting == "none" or self.hardness == "none":
            return "none"
        return "statutory" if self.hardness == "statute" else "guidance"

    def is_valid_on(self, day: date) -> bool:
        """Return whether the rule was in force on a local receipt date."""
        return self.valid_from <= day and (self.valid_to is None or day < self.valid_to)


class Regime(Section):
    """A law. `places`: the countries or subdivisions whose people it is about; empty: wherever they live.

    `default_calendar` counts where a rule asks for the region's and the region is null; `is_by_subdivision`:
    the country alone does not name a calendar.
    """

    id: str
    title: str
    places: tuple[str, ...] = ()
    default_calendar: str | None = None
    is_by_subdivision: bool = False
    rules: tuple[Rule, ...]

    @model_validator(mode="after")
    def _names_one_rule_at_a_time(self) -> Regime:
        ids = {rule.id for rule in self.rules}
        for rule in self.rules:
            if rule.acknowledged_by is not None and rule.acknowledged_by not in ids:
                raise ValueError(
                    f"rule '{rule.id}': acknowledged_by '{rule.acknowledged_by}' is no rule of the file"
                )
            if rule.calendar == BY_REGION and self.default_calendar is None:
                raise ValueError(f"rule '{rule.id}': calendar 'region' needs the regime's default_calendar")
        for name in {name for rule in self.rules for name in _names(rule)}:
            spans = sorted(
                (r.valid_from, r.valid_to or date.max, r.id) for r in self.rules if name in _names(r)
            )
            for (_, end, one), (begin, _, other) in pairwise(spans):
                if begin < end:
                    raise ValueError(f"'{name}' means both '{one}' and '{other}' on {begin}")
        return self

    def rule_named(self, name: str, day: date) -> Rule | None:
        """Return the rule in force on `day` for a kind, a word of the law or a rule id; None without one."""
        return next((rule for rule in self.rules if name in _names(rule) and rule.is_valid_on(day)), None)

    def covers(self, region: str) -> bool:
        """Return whether `region` lies in one of the places, or holds one (US holds US-CA)."""
        inside = (place == region or region.startswith(f"{place}-") for place in self.places)
        return not self.places or any(inside) or any(place.startswith(f"{region}-") for place in self.places)


def _names(rule: Rule) -> frozenset[str]:
    return frozenset((rule.id, *rule.kinds, *rule.words))


def read_regime(path: str | Path) -> Regime:
    """Return the regime of one TOML file: `[regime]`, `[defaults]` of all its rules, and `[[rule]]` tables.

    Raises InputError with file, key and remedy.
    """
    file = Path(path)
    try:
        document = tomllib.loads(file.read_text(encoding="utf-8"))
        return Regime.model_validate(_merged(document))
    except (OSError, UnicodeDecodeError) as fault:
        raise InputError(f"{file}: cannot be read ({fault}). Give a TOML file in UTF-8.") from None
    except tomllib.TOMLDecodeError as fault:
        raise InputError(f"{file}: not valid TOML: {fault}. Mend that line.") from None
    except ValidationError as fault:
        raise InputError("\n".join(_fault_lines(file, document, fault))) from None


def _merged(document: dict[str, Any]) -> dict[str, Any]:
    others = {key: value for key, value in document.items() if key not in ("regime", "defaults", "rule")}
    defaults = document.get("defaults", {})
    return {
        **document.get("regime", {}),
        **others,
        "rules": [defaults | rule for rule in document.get("rule", [])],
    }


def _fault_lines(file: Path, document: dict[str, Any], fault: ValidationError) -> list[str]:
    lines = []
    for error in fault.errors()[:5]:
        place, *keys = [*error["loc"], ""] if error["loc"] else ["regime"]
        if place == "rules" and keys and isinstance(keys[0], int):
            place, keys = f"rule '{document['rule'][keys[0]].get('id', keys[0] + 1)}'", keys[1:]
        key = ".".join(str(part) for part in keys if part != "")
        remedy = "Remove it or correct its name" if error["type"] == "extra_forbidden" else "Correct it"
        what = error["msg"].removeprefix("Value error, ")
        lines.append(f"{file}: {place}{f', key {key!r}' if key else ''}: {what}. {remedy}.")
    return lines
