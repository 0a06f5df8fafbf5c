"""What plantings go by: the policy, its laws, the period, and the instants, consents and channels that fit them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property

import polars as pl

from pledgebook.deadlines import Regimes, add_effective_instants
from pledgebook.period import Period, local_day, local_midnight
from pledgebook.policy import Marketing, Policy, Purpose
from pledgebook.tables import CHANNELS, PEOPLE_KINDS, UTC_MICROSECONDS

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
KNOWN_FOR = timedelta(days=60)
"""How long after the period's end the figures are known as of: what happens after it must not be lost."""


class NotApplicable(Exception):
    """The policy or the period leaves no room for a kind of breach; its text says why."""


@dataclass(frozen=True)
class Setting:
    """The question that is asked of a copy, and the tag that every planted id and label begins with."""

    policy: Policy
    regimes: Regimes
    period: Period
    tag: str

    @property
    def as_of(self) -> datetime:
        """The instant as of which the figures are known: some weeks after the period's end."""
        return local_midnight(self.period.last_day + DAY + KNOWN_FOR, self.timezone)

    @property
    def timezone(self) -> str:
        """The reporting timezone."""
        return self.policy.timezone

    @cached_property
    def middle(self) -> datetime:
        """An instant in the middle of the period, a whole second."""
        middle = self.period.start + (self.period.end - self.period.start) / 2
        return middle.replace(microsecond=0)

    def midnight(self, day: date) -> datetime:
        """Return the first instant of a local day."""
        return local_midnight(day, self.timezone)

    def noon(self, day: date) -> datetime:
        """Return an instant well inside a local day, also where clocks change."""
        return self.midnight(day) + 12 * HOUR

    def day(self, instant: datetime) -> date:
        """Return the local day of an instant."""
        return local_day(instant, self.timezone)

    def holds(self, instant: datetime) -> bool:
        """Return whether an instant lies in the period."""
        return self.period.start <= instant < self.period.end

    @property
    def marketing(self) -> Marketing:
        """The policy's section on marketing. Raises NotApplicable where it has none."""
        if self.policy.marketing is None:
            raise NotApplicable("the policy has no [marketing] section")
        return self.policy.marketing

    @cached_property
    def channels(self) -> tuple[str, ...]:
        """The channels of marketing, those that the policy names first."""
        named = self.policy.purposes[self.marketing.purpose].channels or ()
        return tuple(dict.fromkeys(channel for channel in (*named, *CHANNELS) if channel != "any"))

    def check_opt_in(self) -> None:
        """Raise NotApplicable where the policy lets a company write to people who never answered."""
        if not self.marketing.opt_in:
            raise NotApplicable("the policy does not promise to ask before advertising (opt_in)")

    @cached_property
    def consent_purpose(self) -> Purpose:
        """A purpose that needs consent, not that of marketing where there is another. Raises NotApplicable."""
        asked = [purpose for purpose in self.policy.purpose if purpose.needs_consent]
        if not asked:
            raise NotApplicable("no purpose of the policy needs consent")
        other = self.policy.marketing.purpose if self.policy.marketing else ""
        return next((purpose for purpose in asked if purpose.id != other), asked[0])

    @cached_property
    def disclosed_purpose(self) -> Purpose:
        """A declared purpose for disclosures, one that needs no consent of its own where there is one."""
        if not self.policy.purpose:
            raise NotApplicable("the policy declares no purpose")
        apart = [purpose for purpose in self.policy.purpose if not purpose.needs_consent]
        used = self.consent_purpose.id if not apart else ""
        return next((purpose for purpose in apart or self.policy.purpose if purpose.id != used), self.policy.purpose[0])

    @cached_property
    def covered_kind(self) -> str:
        """The kind of planted people whose coverage is looked at."""
        kinds = next((self.consent_purpose.kinds for each in self.policy.purpose if each.needs_consent), None)
        return next((kind for kind in kinds or PEOPLE_KINDS if kind != "other"), "other")

    @property
    def other_kind(self) -> str:
        """The kind of all other planted people."""
        return "customer" if self.covered_kind == "other" else "other"

    def notice(self, purpose: str) -> str | None:
        """Return the notice version on which a consent holds longest; null where the policy lists none."""
        declared = self.policy.purposes.get(purpose)
        listed = declared.notice_versions if declared else None
        if not listed:
            return None
        return max(listed, key=lambda version: version.valid_until or date.max).id

    def can_hold(self, purpose: str, instant: datetime) -> bool:
        """Return whether a consent given a day before an instant is valid then: neither expired nor outdated."""
        declared = self.policy.purposes.get(purpose)
        if declared is None:
            return True
        if declared.valid_days is not None and declared.valid_days < 2:
            return False
        ends = [version.valid_until for version in declared.notice_versions or ()]
        return declared.notice_versions is None or any(end is None or self.midnight(end) > instant for end in ends)

    def grace(self, regime: str) -> bool:
        """Return whether a marketing law gives days of grace after a refusal."""
        rule = self.regimes.rule_of_role(regime, "marketing", self.period.first_day)
        return rule is not None and rule.counting not in ("zero", "none")

    def binds_at(self, regime: str, *refused_at: datetime) -> list[datetime]:
        """Return the instants from which refusals bind under a marketing law."""
        types = pl.Schema({"at": UTC_MICROSECONDS, "regime": pl.String()})
        refusals = pl.LazyFrame({"at": refused_at, "regime": [regime] * len(refused_at)}, schema=types)
        bound = add_effective_instants(refusals, self.regimes, timezone=self.timezone).collect()
        return [each.astimezone(UTC) for each in bound["effective_at"].fill_null(bound["at"])]

    @cached_property
    def refusal(self) -> tuple[datetime, datetime]:
        """A refusal of somebody whose region is not known, and when it binds: inside the period. Raises NotApplicable."""
        return self.refusal_under(self.marketing.regime)

    def refusal_under(self, regime: str) -> tuple[datetime, datetime]:
        """Return a refusal under a marketing law and when it binds, near the middle of the period."""
        if not self.grace(regime):
            return self.middle, self.middle
        last = (self.period.last_day - self.period.first_day).days
        noons = [self.noon(self.period.first_day + (last // 2 - back) * DAY) for back in range(-last, last + 60)]
        pairs = zip(noons, self.binds_at(regime, *noons), strict=True)
        inside = [(at, binds) for at, binds in pairs if self.holds(binds) and self.holds(binds + HOUR)]
        if not inside:
            raise NotApplicable(f"no grace of {regime} ends inside the period")
        return min(inside, key=lambda pair: abs(pair[1] - self.middle))
