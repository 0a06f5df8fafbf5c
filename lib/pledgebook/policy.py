"""The policy file: what the company promised, in a form that figures can be held against."""

from __future__ import annotations

import re
from datetime import date
from functools import cache, cached_property
from pathlib import Path
from typing import Annotated, Any, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pledgebook.tables import BASES, CHANNELS, PEOPLE_KINDS, REQUEST_KINDS
from pledgebook.toml_file import Misplaced, read_toml, refuse_number, refuse_personal_data

Channel = Literal[CHANNELS]  # type: ignore[valid-type]
RequestKind = Literal[REQUEST_KINDS]  # type: ignore[valid-type]
Promised = Literal[("default", *REQUEST_KINDS)]  # type: ignore[valid-type]
Ratio = Annotated[float, Field(strict=True, ge=0, le=1)]
Days = Annotated[int, Field(strict=True, ge=0, le=36_500)]
Flag = Annotated[bool, Field(strict=True)]
Target = Annotated[float, Field(strict=True, allow_inf_nan=False)]
Day = Annotated[date, BeforeValidator(refuse_number)]
Text = Annotated[str, AfterValidator(refuse_personal_data)]
"""Words that reports show."""
FIGURE = re.compile(r"(?P<table>\w+)\[(?P<groups>[^\]]*)\]\.(?P<column>\w+)")


@cache
def _timezones() -> frozenset[str]:
    return frozenset(available_timezones())


def is_timezone(name: str) -> str:
    """Return the name of a timezone as it is. Raises ValueError where the IANA database has none of that name."""
    if name not in _timezones():
        raise ValueError(f"'{name}' is no IANA timezone such as Asia/Tokyo")
    return name


class Section(BaseModel):
    """A part of the policy file: no unknown keys, no changes afterwards."""

    model_config = ConfigDict(extra="forbid", frozen=True, ignored_types=(cached_property,))


class Company(Section):
    """Who promises, where its days begin, and which law its requests fall under."""

    name: Text
    timezone: Annotated[str, AfterValidator(is_timezone)]
    regime: str
    by_region: dict[str, str] = {}
    max_quarantined_ratio: Ratio = 0.02


class NoticeVersion(Section):
    """A version of the notice; from the local midnight that begins `valid_until` a consent to it is outdated."""

    id: Text
    valid_until: Day | None = None


class Purpose(Section):
    """What data is used for. `kinds`, `channels`, `valid_days`, `notice_versions`, `items`: null means no limit."""

    id: Text
    clause: Text
    title: Text
    needs_consent: Flag
    kinds: tuple[Literal[PEOPLE_KINDS], ...] | None = None  # type: ignore[valid-type]
    channels: tuple[Channel, ...] | None = None
    valid_days: Days | None = None
    notice_versions: tuple[NoticeVersion, ...] | None = None
    items: tuple[Text, ...] | None = None


class Requests(Section):
    """What is promised about requests; `max_pause_days` null means pauses are not cut."""

    promised_days: dict[Promised, Days] = {}
    max_pause_days: Days | None = None
    needs_identification: tuple[RequestKind, ...] = ()


class Marketing(Section):
    """Which purpose marketing messages serve and which law gives how much grace after an opt-out."""

    purpose: str
    regime: str
    by_region: dict[str, str | dict[Channel, str]] = {}
    opt_in: Flag = False

    @property
    def regimes(self) -> frozenset[str]:
        """Every marketing regime that it names."""
        named = (entry if isinstance(entry, dict) else {"": entry} for entry in self.by_region.values())
        return frozenset([self.regime, *(name for entry in named for name in entry.values())])

    def regime_for(self, region: str | None, channel: str) -> str:
        """Return the marketing regime of a person's region and a message's channel."""
        for name in _region_and_country(region):
            if (entry := self.by_region.get(name)) is not None:
                return entry if isinstance(entry, str) else entry.get(channel, self.regime)
        return self.regime


class Disclosures(Section):
    """Which bases of disclosure need the statutory record."""

    needs_record: tuple[Literal[BASES], ...] = ()  # type: ignore[valid-type]


class Figure(Section):
    """A cell of a table: `table[group=value, ...].column`."""

    table: str
    groups: dict[str, str]
    column: str


class Promise(Section):
    """One promise of the policy: a figure with its target, or the reason why no record can prove it."""

    id: Text
    clause: Text
    title: Text
    figure: Text | None = None
    at_most: Target | None = None
    at_least: Target | None = None
    reason: Text | None = None

    @model_validator(mode="after")
    def _is_testable_or_says_why_not(self) -> Promise:
        if (self.figure is None) == (self.reason is None):
            raise ValueError("give either a figure or a reason")
        targets = [t for t in (self.at_most, self.at_least) if t is not None]
        if len(targets) != (self.figure is not None):
            raise ValueError("a figure has one of at_most and at_least; a reason has none")
        if self.figure is not None and FIGURE.fullmatch(self.figure) is None:
            raise Misplaced(f"'{self.figure}' is not of the form table[group=value].column", "figure")
        return self

    @property
    def cell(self) -> Figure | None:
        """The figure's table, groups and column; None where a reason stands."""
        if self.figure is None or (match := FIGURE.fullmatch(self.figure)) is None:
            return None
        pairs = [pair.partition("=") for pair in match["groups"].split(",") if pair.strip()]
        groups = {name.strip(): value.strip() for name, _, value in pairs}
        return Figure(table=match["table"], groups=groups, column=match["column"])


class Policy(Section):
    """The whole policy file."""

    company: Company
    purpose: tuple[Purpose, ...] = ()
    requests: Requests = Requests()
    marketing: Marketing | None = None
    disclosures: Disclosures = Disclosures()
    promise: tuple[Promise, ...] = ()

    @model_validator(mode="after")
    def _names_hold_together(self) -> Policy:
        for what, ids in (
            ("purpose", [p.id for p in self.purpose]),
            ("promise", [p.id for p in self.promise]),
        ):
            if again := next((place for place, i in enumerate(ids) if i in ids[:place]), None):
                raise Misplaced(f"{what} '{ids[again]}' is declared twice", what, again, "id")
        if self.marketing and self.marketing.purpose not in self.purposes:
            told = f"[marketing] purpose '{self.marketing.purpose}' is not declared as a [[purpose]]"
            raise Misplaced(told, "marketing", "purpose")
        for place, promise in enumerate(self.promise):
            named = promise.cell.groups.get("purpose", "all") if promise.cell else "all"
            if named != "all" and named not in self.purposes:
                told = f"promise '{promise.id}' names purpose '{named}', which is not declared"
                raise Misplaced(told, "promise", place, "figure")
        return self

    @cached_property
    def purposes(self) -> dict[str, Purpose]:
        """The declared purposes by id."""
        return {purpose.id: purpose for purpose in self.purpose}

    @property
    def timezone(self) -> str:
        """The reporting timezone."""
        return self.company.timezone

    def shapes_states(self) -> dict[str, Any]:
        """Return the parts that shape the store: validity, notices, marketing purpose, timezone."""
        validity = {p.id: p.model_dump(mode="json", include={"valid_days", "notice_versions"}) for p in self.purpose}
        marketing = self.marketing.purpose if self.marketing else None
        return {"timezone": self.timezone, "marketing": marketing, "validity": validity}

    def request_regime_for(self, region: str | None) -> str:
        """Return the law of a request from `region` when its row names none."""
        names = (n for n in _region_and_country(region) if n in self.company.by_region)
        return next((self.company.by_region[name] for name in names), self.company.regime)


def _region_and_country(region: str | None) -> list[str]:
    return [] if region is None else [region, region.split("-")[0]]


def read_policy(path: str | Path) -> Policy:
    """Return the policy in a TOML file.

    Raises InputError with file, line and remedy: not there, not TOML, not UTF-8, an unknown key, a wrong type, a
    purpose that is named and not declared.
    """
    return read_toml(path, Policy, "policy file", "Give one with --policy.")
