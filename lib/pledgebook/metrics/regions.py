"""Which law a person's region brings: the policy's own table, the country where the subdivision has no entry."""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.definition import Frames, Question
from pledgebook.tables import CHANNELS


def regions_of_people(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return the region of each person who exists before as_of: person, person_region (null: not known)."""
    known = frames["people"].filter(pl.col("opened_at") < question.as_of)
    return known.select("person", pl.col("region").alias("person_region"))


def request_regime(question: Question) -> pl.Expr:
    """Return the regime of a request with columns regime, region: the row's, else the region's, else the company's."""
    company = question.policy.company
    region = pl.col("region").cast(pl.String)
    own = region.replace_strict(company.by_region, default=None, return_dtype=pl.String)
    country = region.str.split("-").list.first().replace_strict(company.by_region, default=None, return_dtype=pl.String)
    return pl.coalesce(pl.col("regime").cast(pl.String), own, country, pl.lit(company.regime))


def marketing_regime(people: pl.LazyFrame, question: Question) -> pl.Expr:
    """Return the marketing regime of a row with columns person_region (null: not known) and channel (text).

    `people` says which regions there are; each region and channel is looked up in the policy once.
    """
    marketing = question.policy.marketing
    if marketing is None:
        return pl.lit(None, dtype=pl.String)
    regions = people.select("person_region").unique().collect(engine="in-memory")["person_region"].to_list()
    known = {f"{r or ''}|{c}": marketing.regime_for(r, c) for r in {None, *regions} for c in CHANNELS}
    key = pl.format("{}|{}", pl.col("person_region").fill_null(""), pl.col("channel"))
    return key.replace_strict(known, default=marketing.regime, return_dtype=pl.String)
