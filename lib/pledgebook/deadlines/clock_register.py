"""One table of all clocks: what our request kinds are called where, and which rule answers for them."""

from __future__ import annotations

from datetime import date

import polars as pl

from pledgebook.deadlines.explanation import ENDS_ON, period_words
from pledgebook.deadlines.regimes import REQUEST_KINDS, Regimes
from pledgebook.deadlines.rules import Rule

COLUMNS = {
    "regime": pl.String, "kind": pl.String, "words": pl.String, "rule_id": pl.String, "clock": pl.String,
    "period": pl.String, "extension": pl.String, "citation": pl.String, "confidence": pl.String,
    "valid_from": pl.Date, "valid_to": pl.Date, "checked_on": pl.Date,
}  # fmt: skip


def describe_clocks(regimes: Regimes, day: date) -> pl.DataFrame:
    """Return one row per regime of requests and request kind, sorted by regime, kinds in their own order.

    Args:
        regimes: the dated rules.
        day: the local receipt date whose rules are asked for.

    Returns: `regime`, `kind`, `words` (the law's own, joined by `; `), `rule_id`, `clock` (statutory, guidance, none),
        `period` (one month; null without a number), `extension` (its condition; null without one), `citation`,
        `confidence`, `valid_from`, `valid_to`, `checked_on`. All but the first two and `clock` are null where the
        regime has no rule for the kind.
    """
    rows = [
        {"regime": name, "kind": kind, "clock": "none", **(_described(rule) if rule else {})}
        for name in sorted(regimes.request_regimes)
        for kind in REQUEST_KINDS
        for rule in [regimes.rule_for(name, kind, day)]
    ]
    return pl.DataFrame(rows, schema=COLUMNS)


def _described(rule: Rule) -> dict[str, object]:
    period = (period_words(rule, is_extended=False) or "").removesuffix(" end").removesuffix(" ends")
    shown = rule.model_dump(include={"citation", "confidence", "valid_from", "valid_to", "checked_on"})
    return shown | {
        "words": "; ".join(rule.words),
        "rule_id": rule.id,
        "clock": rule.clock,
        "period": period.removeprefix("; ").removesuffix(ENDS_ON) if period else None,
        "extension": rule.extension.condition if rule.extension else None,
    }
