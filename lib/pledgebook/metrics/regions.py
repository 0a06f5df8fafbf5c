"""Which law a person's region brings: the policy's own table, the country where the subdivision has no entry."""

from __future__ import annotations

import polars as pl

from pledgebook.deadlines import Regimes
from pledgebook.metrics.definition import Frames, Question
from pledgebook.tables import CHANNELS


def regions_of_people(frames: Frames, question: Question) -> pl.LazyFrame:
    """Return the region of each person who exists before as_of: person, person_region (null: not known)."""
    known = frames["people"].filter(pl.col("opened_at") < question.as_of)
    return known.select("person", pl.col("region").alias("person_region"))


def request_regime(requests: pl.LazyFrame, question: Question) -> pl.Expr:
    """Return the regime of a request with columns regime, region: the row's, else what the policy says of the region.

    `requests` says which regions there are; each is looked up in the policy once.
    """
    company = pl.lit(question.policy.company.regime)
    known = {region: question.policy.request_regime_for(region) for region in _distinct(requests, "region")}
    others = {region: regime for region, regime in known.items() if regime != question.policy.company.regime}
    of_region = pl.col("region").cast(pl.String).replace_strict(others, default=company, return_dtype=pl.String)
    return pl.coalesce(pl.col("regime").cast(pl.String), of_region if others else company)


def _distinct(rows: pl.LazyFrame, column: str) -> list[str | None]:
    return rows.select(pl.col(column).cast(pl.String).unique()).collect(engine="in-memory")[column].to_list()


def marketing_laws(question: Question) -> Regimes:
    """Return the laws that the policy names for marketing."""
    marketing = question.policy.marketing
    return question.regimes.only(marketing.regimes if marketing else ())


def with_marketing_regimes(rows: pl.DataFrame, people: pl.DataFrame, question: Question) -> pl.DataFrame:
    """Return rows with columns person and channel beside the `regime` of their person's region; null without a promise.

    people: as `regions_of_people` gives them. Each region and channel is looked up in the policy once.
    """
    marketing = question.policy.marketing
    if marketing is None:
        return rows.with_columns(pl.lit(None, dtype=pl.String).alias("regime"))
    regions = {None, *people["person_region"].unique()}
    known = [(region, channel, marketing.regime_for(region, channel)) for region in regions for channel in CHANNELS]
    schema = pl.Schema({"person_region": pl.String(), "channel": rows.schema["channel"], "regime": pl.String()})
    regimes = pl.DataFrame(known, schema=schema, orient="row")
    told = rows.join(people, on="person", how="left")
    return told.join(regimes, on=["person_region", "channel"], how="left", nulls_equal=True).drop("person_region")
