"""The dated legal clocks of `data/regimes/`: one file a regime, one table a rule."""

from __future__ import annotations

from datetime import date
from itertools import pairwise
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pledgebook.deadlines.calendars import is_known_calendar

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

    def is_called(self, name: str) -> bool:
        """Return whether `name` is the rule's id, one of its request kinds or of the law's words."""
        return name == self.id or name in self.kinds or name in self.words

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
                raise ValueError(f"rule '{rule.id}': acknowledged_by '{rule.acknowledged_by}' is no rule of the file")
            if rule.calendar == BY_REGION and self.default_calendar is None:
                raise ValueError(f"rule '{rule.id}': calendar 'region' needs the regime's default_calendar")
        for name in {name for rule in self.rules for name in (rule.id, *rule.kinds, *rule.words)}:
            spans = sorted((r.valid_from, r.valid_to or date.max, r.id) for r in self.rules if r.is_called(name))
            for (_, end, one), (begin, _, other) in pairwise(spans):
                if begin < end:
                    raise ValueError(f"'{name}' means both '{one}' and '{other}' on {begin}")
        return self

    def rule_named(self, name: str, day: date) -> Rule | None:
        """Return the rule in force on `day` for a kind, a word of the law or a rule id; None without one."""
        return next((rule for rule in self.rules if rule.is_called(name) and rule.is_valid_on(day)), None)

    @property
    def asks_for_region(self) -> bool:
        """Whether it is about some people only, or counts by the calendar of where they live."""
        return bool(self.places) or self.default_calendar is not None

    def covers(self, region: str) -> bool:
        """Return whether `region` lies in one of the places, or holds one (US holds US-CA)."""
        inside = (place == region or region.startswith(f"{place}-") for place in self.places)
        return not self.places or any(inside) or any(place.startswith(f"{region}-") for place in self.places)
