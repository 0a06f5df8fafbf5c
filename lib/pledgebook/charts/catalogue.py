"""The catalogue of the charts: every chart by its name."""

from __future__ import annotations

from pledgebook.charts import arrivals, consent, disclosures, marketing, request_backlog, requests, scorecard
from pledgebook.charts.drawing import Drawing

CHARTS: dict[str, Drawing] = {
    **consent.DRAWINGS,
    **requests.DRAWINGS,
    **request_backlog.DRAWINGS,
    **marketing.DRAWINGS,
    **disclosures.DRAWINGS,
    **scorecard.DRAWINGS,
    **arrivals.DRAWINGS,
}
