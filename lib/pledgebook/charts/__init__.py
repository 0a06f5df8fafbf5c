"""The charts: aggregated tables in, Altair charts out; `CHARTS` is their catalogue."""

from __future__ import annotations

from pledgebook.charts import arrivals, consent, disclosures, marketing, request_backlog, requests, scorecard
from pledgebook.charts.drawing import Drawing, Setting

CHARTS: dict[str, Drawing] = {
    **consent.DRAWINGS,
    **requests.DRAWINGS,
    **request_backlog.DRAWINGS,
    **marketing.DRAWINGS,
    **disclosures.DRAWINGS,
    **scorecard.DRAWINGS,
    **arrivals.DRAWINGS,
}

__all__ = ["CHARTS", "Drawing", "Setting"]
