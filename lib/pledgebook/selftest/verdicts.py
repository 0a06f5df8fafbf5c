"""Verdicts that turn on one case: planted into a small company of which all can be told, each of them kept before."""

from __future__ import annotations

from pledgebook.period import INSTANT
from pledgebook.policy import Promise
from pledgebook.selftest.disclosures import disclose, recipient_of
from pledgebook.selftest.kinds import kinds_of
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.setting import DAY, HOUR, NotApplicable, Setting

UNCONTRACTED = "disclosures_by_recipient[recipient=all].no_contract"
IN_ORDER = "disclosures_by_recipient[recipient=all].in_order_ratio"
BREACHES = "marketing_messages[month=all, channel=all, campaign=all].after_opt_out"


def edges(setting: Setting) -> tuple[Promise, ...]:
    """Return promises on either side of what is planted: one disclosure of two without a contract."""
    waits = f"request_turnaround[regime={setting.policy.company.regime}, kind=all].p50_days"
    return (
        _promise("none at all", UNCONTRACTED, at_most=0),
        _promise("one at most", UNCONTRACTED, at_most=1),
        _promise("half at least", IN_ORDER, at_least=0.5),
        _promise("more than half", IN_ORDER, at_least=0.501),
        _promise("no breach", BREACHES, at_most=0),
        _promise("quick answers", waits, at_most=1000),
    )


def _promise(name: str, figure: str, *, at_most: float | None = None, at_least: float | None = None) -> Promise:
    return Promise(id=name, clause="", title=name, figure=figure, at_most=at_most, at_least=at_least)


def _becomes(p: Planting, verdict: str, promise: str) -> None:
    p.expect("scorecard", promise=promise, verdict=verdict)


def _stays(p: Planting, promise: str) -> None:
    p.spare("scorecard", promise=promise, verdict="broken")


def _uncontracted(p: Planting) -> None:
    if not any(part.suffix == "-turning" for part in p.files):
        p.suffix = "-turning"
        disclose(p, p.person(), p.setting.middle, recipient_of(p), "entrustment")
        p.suffix = ""


def _promise_broken_by_one_case(p: Planting) -> None:
    """A promise that something never happens, broken by a single case."""
    _uncontracted(p)
    _becomes(p, "broken", "none at all")
    _stays(p, "one at most")


def _promise_missed_by_a_little(p: Planting) -> None:
    """A promised ratio that is missed by a thousandth; met exactly it is kept."""
    _uncontracted(p)
    _becomes(p, "broken", "more than half")
    _stays(p, "half at least")


def _promise_that_nothing_puts_to_the_test(p: Planting) -> None:
    """A promise about messages in a period without any: not applicable, and never kept."""
    if p.setting.policy.marketing is None:
        raise NotApplicable("the policy has no [marketing] section")
    p.leave_out("messages")
    p.message(p.person(), p.setting.period.start - INSTANT, "email", p.setting.tag)
    _becomes(p, "not applicable", "no breach")


def _median_that_nobody_can_tell(p: Planting) -> None:
    """A promised median wait while most requests are open: no value yet, and never kept."""
    for _ in range(2):
        p.request(p.person(), "inquiry", p.setting.middle, None, regime=p.setting.policy.company.regime)
    p.expect("scorecard", promise="quick answers", verdict="cannot tell", reason="no value")


def _no_said_twice(p: Planting) -> None:
    """A no that is said again with no yes between: one opt-out, and two with a yes between."""
    for channel in ("sms", "any"):
        at, purpose = p.setting.middle, p.setting.marketing.purpose
        for yes_between in (False, True):
            person = p.person()
            p.withdraw(person, at, purpose, channel)
            if yes_between:
                p.grant(person, at + INSTANT, purpose, channel)
            p.withdraw(person, at + 2 * INSTANT, purpose, channel)
        p.expect("opt_outs", 3, "opt_outs", channel=channel)


def _consent_that_runs_out_before_the_day_ends(p: Planting) -> None:
    """A consent that runs out in the last microsecond of a day, and not to count in that day's coverage."""
    purpose, day = p.setting.consent_purpose, p.setting.period.first_day
    ends = p.setting.midnight(day + DAY)
    if not p.setting.can_hold(purpose.id, ends):
        raise NotApplicable(f"no consent to {purpose.id} holds for a day")
    groups = {"date": str(day), "purpose": purpose.id, "channel": (purpose.channels or ("any",))[0]}
    for expires_at in (ends - INSTANT, ends):
        p.grant(p.person(kind=p.setting.covered_kind), ends - HOUR, purpose.id, expires_at=expires_at)
    p.expect("consent_coverage_daily", 1, "granted", **groups)


KINDS = (
    *kinds_of("consent_coverage", _consent_that_runs_out_before_the_day_ends, world="sound company"),
    *kinds_of("marketing_opt_outs", _no_said_twice, world="sound company"),
    *kinds_of(
        "verdicts",
        _promise_broken_by_one_case,
        _promise_missed_by_a_little,
        _promise_that_nothing_puts_to_the_test,
        _median_that_nobody_can_tell,
        world="sound company",
    ),
)
