"""Third-party disclosures: each provision of a person's data gets one finding, the first that holds."""

from __future__ import annotations

import polars as pl

from pledgebook.metrics.definition import (
    ALL,
    TEXT,
    Column,
    Frames,
    Metric,
    Parts,
    Published,
    Question,
    ratio,
)
from pledgebook.metrics.tallies import tally, tally_people

FINDINGS = (
    "unknown_recipient", "unknown_basis", "no_consent", "no_contract", "no_legal_reference", "not_recorded",
    "undeclared_purpose", "in_order",
)  # fmt: skip
COUNTS = ("disclosures", "people", *FINDINGS)
CARRIED = ("recipient_kind", "country")
READ = ("person", "recipient", "basis", "purpose", "disclosed_at", "legal_reference", "is_recorded", "is_granted")
COUNTED_BY = ("person", "on", "recipient", "basis", "finding")
ON_CONTRACT = ("entrustment", "joint_use")
WORKLIST = ("disclosure_id", "recipient", "basis", "purpose", "disclosed_at", "finding")
DISCLOSURES = pl.col("disclosures").sum()
SHARED = pl.col("recipient").cast(pl.Categorical)
"""Recipients as what shards have in common: every shard has an Enum of its own."""
PEOPLE = pl.col("person").n_unique().cast(pl.Int64).alias("people")


def measure(frames: Frames, question: Question) -> Parts:
    """Return one shard's counts by month, recipient and basis, by recipient, by item, and its findings."""
    judged = judge_disclosures(frames, question, "items", "disclosure_id", "purpose", "disclosed_at")
    found = judged.filter(pl.col("finding") != "in_order").select(WORKLIST)
    found = found.with_columns(SHARED, pl.col("purpose").cast(pl.Categorical))
    rows, known = numbered(judged, "items"), known_recipients(frames, judged["recipient"].dtype)
    del judged  # the text of all rows: what is counted stands in `rows`, and memory has room for that
    return {"disclosure_findings": found} | count_recipients(rows, known) | _count_others(rows, known)


def numbered(judged: pl.DataFrame, *besides: str) -> pl.DataFrame:
    """Return what judged disclosures are counted by, with the columns named `besides`.

    People stand as numbers in order: how many different ones a group has is then told faster.
    """
    rows = judged.select(*COUNTED_BY, *besides)
    return rows.sort("person").with_columns(pl.col("person").rle_id())


def count_recipients(rows: pl.DataFrame, known: pl.DataFrame) -> Parts:
    """Return the parts by_recipient and overall, of what `numbered` and `known_recipients` give."""
    found = tally(rows, "recipient", "finding")
    overall = found.select(DISCLOSURES, *_by_finding()).with_columns(rows.select(PEOPLE).to_series())
    return {"by_recipient": _told_of(found, tally_people(rows, "recipient"), known), "overall": overall}


def _count_others(rows: pl.DataFrame, known: pl.DataFrame) -> Parts:
    """Return the parts by_month, by_day, by_item and matrix."""
    month, kinds = pl.col("on").dt.month_start().alias("month"), known["recipient_kind"]
    days = tally(rows, "on", "recipient", "basis", "finding")
    people = tally_people(rows.with_columns(month), "month", "recipient", "basis")
    by_month = _told_of(days.with_columns(month), people, known).with_columns(pl.col("month").dt.strftime("%Y-%m"))
    kind = pl.col("recipient").replace_strict(known["recipient"], kinds, default=None, return_dtype=kinds.dtype)
    named = rows.lazy().select("person", "recipient", "items", kind.alias("recipient_kind"))
    items = named.join(_items(rows["items"]), on="items", how="left").collect(engine="in-memory")
    by_item = tally_people(items, "item", "recipient_kind").with_columns(TEXT)
    return {
        "by_month": by_month,
        "by_day": days.group_by(pl.col("on").alias("date"), "recipient", "basis").agg(DISCLOSURES).with_columns(SHARED),
        "by_item": by_item.with_columns(pl.col("recipient_kind").fill_null("unknown")),
        "matrix": tally_people(items, "item", "recipient").with_columns(TEXT),
    }


def _by_finding() -> list[pl.Expr]:
    counted = pl.col("disclosures")
    return [counted.filter(pl.col("finding") == name).sum().alias(name) for name in FINDINGS]


def _told_of(found: pl.DataFrame, people: pl.DataFrame, known: pl.DataFrame) -> pl.DataFrame:
    """What was counted under the headings of `people`, of each finding as well, and what is known of the recipient."""
    headings = [name for name in people.columns if name not in COUNTS]
    counts = people.join(found.group_by(headings).agg(_by_finding()), on=headings, how="left", nulls_equal=True)
    return counts.join(known, on="recipient", how="left").with_columns(TEXT)


def _items(sets: pl.Series) -> pl.LazyFrame:
    """Every set of items that occurs, as often as it has items: items, item."""
    each = pl.DataFrame({"items": sets.unique().drop_nulls()})
    told = each.with_columns(pl.col("items").cast(pl.String).str.split(";").alias("item")).explode("item")
    return told.with_columns(pl.col("item").cast(pl.Enum(told["item"].unique()))).lazy()


def finish(parts: Parts, _: Question) -> Parts:
    """Return `disclosures`, by month, recipient, item and day, and which items went to whom."""
    return {
        "disclosures": _told(
            _summed(parts["by_month"], ["month", "recipient", *CARRIED, "basis"]),
            ["month", "recipient", "basis"],
        ),
        "disclosures_by_recipient": tell_recipients(parts),
        "disclosures_by_item": _added(parts["by_item"], ["item", "recipient_kind"], ["disclosures", "people"]),
        "disclosures_daily": _added(parts["by_day"], ["date", "recipient", "basis"], ["disclosures"]),
        "disclosure_items": _added(parts["matrix"], ["item", "recipient"], ["disclosures", "people"]),
    }


def tell_recipients(parts: Parts) -> pl.DataFrame:
    """Return `disclosures_by_recipient` of the parts by_recipient and overall."""
    overall = parts["overall"].select(
        pl.lit(ALL).alias("recipient"),
        *[pl.lit(None, dtype=pl.String).alias(name) for name in CARRIED],
        *[pl.col(name).sum() for name in COUNTS],
    )
    return _told(pl.concat([_summed(parts["by_recipient"], ["recipient", *CARRIED]), overall]), ["recipient"])


def _added(rows: pl.DataFrame, groups: list[str], counts: list[str]) -> pl.DataFrame:
    summed = rows.lazy().group_by(groups).agg(pl.col(counts).sum()).collect(engine="streaming")
    return summed.with_columns(TEXT).sort(groups)


def _summed(rows: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    return rows.group_by(groups).agg(pl.col(COUNTS).sum())


def _told(rows: pl.DataFrame, groups: list[str]) -> pl.DataFrame:
    return rows.with_columns(ratio("in_order", "disclosures").alias("in_order_ratio")).sort(groups)


def judge_disclosures(frames: Frames, question: Question, *besides: str) -> pl.DataFrame:
    """Return the period's disclosures with their finding: what they are counted by, and the columns named `besides`."""
    asked = _asked(frames, question, besides)
    known = known_recipients(frames, asked["recipient"].dtype)["recipient"]
    under_contract = _under_contract(asked.lazy(), frames["contracts"])
    told = asked.with_columns(
        pl.col("recipient").is_in(known.implode()).fill_null(value=False).alias("is_known"),
        pl.col("occasion").is_in(under_contract.implode()).fill_null(value=False).alias("has_contract"),
    )
    return told.with_columns(_finding(question).alias("finding")).select(*COUNTED_BY, *besides)


def _asked(frames: Frames, question: Question, besides: tuple[str, ...]) -> pl.DataFrame:
    """The period's disclosures, each with the number of its occasion: one recipient on one local day."""
    rows = frames["disclosure_states"].filter(question.within("disclosed_at")).select(*dict.fromkeys((*READ, *besides)))
    told = rows.with_columns(question.day_in_period("disclosed_at").alias("on")).collect(engine="streaming")
    grouped = [name for name in ("recipient", "items") if name in told.columns]
    names = {name: pl.Enum(told[name].unique().drop_nulls().sort()) for name in grouped}
    named = told.with_columns(pl.col(name).cast(dtype) for name, dtype in names.items())
    day, recipient = (pl.col(name).to_physical().cast(pl.Int64) for name in ("on", "recipient"))
    return named.with_columns((day * len(names["recipient"].categories) + recipient).alias("occasion"))


def known_recipients(frames: Frames, names: pl.DataType) -> pl.DataFrame:
    """Return the known recipients that occur, named by an Enum of all that occur: recipient, recipient_kind, country."""
    named = pl.col("recipient").cast(names, strict=False)
    told = frames["recipients"].select(named, pl.col("kind").alias("recipient_kind"), "country")
    return told.filter(pl.col("recipient").is_not_null()).collect()


def _under_contract(asked: pl.LazyFrame, contracts: pl.LazyFrame) -> pl.Series:
    """The occasions, of those that need one, on which a contract with both promises was in force."""
    sound = contracts.filter(pl.col("is_confidential") & pl.col("is_equal_standard"))
    occasions = asked.filter(pl.col("basis").is_in(ON_CONTRACT)).select("recipient", "on", "occasion")
    in_force = (pl.col("starts_on") <= pl.col("on")) & (
        pl.col("ends_on").is_null() | (pl.col("ends_on") >= pl.col("on"))
    )
    told = (
        occasions.unique("occasion")
        .with_columns(pl.col("recipient").cast(pl.String))
        .join(sound.select("recipient", "starts_on", "ends_on"), on="recipient")
        .filter(in_force)
    )
    return told.select("occasion").collect()["occasion"]


def _finding(question: Question) -> pl.Expr:
    basis = pl.col("basis")
    recorded = question.policy.disclosures.needs_record
    holds = {
        "unknown_recipient": ~pl.col("is_known"),
        "unknown_basis": basis == "other",
        "no_consent": (basis == "consent") & ~pl.col("is_granted"),
        "no_contract": basis.is_in(ON_CONTRACT) & ~pl.col("has_contract"),
        "no_legal_reference": (basis == "law") & ~pl.col("legal_reference"),
        "not_recorded": basis.is_in(list(recorded)) & ~pl.col("is_recorded").fill_null(value=False),
        "undeclared_purpose": ~pl.col("purpose").is_in(list(question.policy.purposes)),
    }
    first = pl.coalesce(
        *[pl.when(rule).then(pl.lit(FINDINGS.index(name), dtype=pl.UInt8)) for name, rule in holds.items()],
        pl.lit(FINDINGS.index("in_order"), dtype=pl.UInt8),
    )
    return first.cat.to(pl.Enum(FINDINGS))


_FINDING_MEANINGS = {
    "unknown_recipient": "to a body that is not in `recipients`",
    "unknown_basis": "on a basis that is not in the list",
    "no_consent": "on consent that was not granted at that instant",
    "no_contract": "entrusted or jointly used with no sound contract in force that day",
    "no_legal_reference": "as the law asks, without saying which",
    "not_recorded": "without the statutory record",
    "undeclared_purpose": "for a purpose that the policy does not declare",
    "in_order": "with nothing to find",
}
_COUNTED = (
    Column("disclosures", "provisions of one person's data"),
    Column("people", "distinct people concerned"),
    *(Column(name, meaning, population="disclosures") for name, meaning in _FINDING_MEANINGS.items()),
    Column(
        "in_order_ratio",
        "in order / disclosures",
        unit="ratio",
        population="disclosures",
        numerator="in_order",
    ),
)
_INPUTS = ("disclosures", "recipients", "contracts", "consent_events")
_CARRIED_COLUMNS = (
    Column("recipient_kind", "what the recipient is", unit="label"),
    Column("country", "where the recipient is", unit="label"),
)

METRIC = Metric(
    name="third_party_disclosures",
    title="Third-party disclosures",
    question="Who outside was given personal data, on what ground, and was each time in order?",
    population="disclosures in the period and before as-of",
    unit="disclosures",
    better="higher in order, lower findings",
    clause="2), 4), (1)4, (3)1, (3)2, (4)",
    source="APPI Art. 25, 27, 29; regulations reference sections 5.1 and 5.2 (checked 2026-11-22)",
    owner="privacy officer",
    valid_since="2026-11-23",
    notebook="40_third_party_disclosures",
    caveats=(
        "A disclosure has one finding, the first that holds in the order of the columns; mending it may show the next.",
        "A contract counts when it promises confidentiality and an equal standard, on the local day of the disclosure.",
    ),
    tables=(
        Published(
            "disclosures",
            "one row per month, recipient and basis",
            ("month", "recipient", "basis"),
            (*_CARRIED_COLUMNS, *_COUNTED),
            needs=("disclosures",),
            inputs=_INPUTS,
        ),
        Published(
            "disclosures_by_recipient",
            "one row per recipient over the period; people counted afresh",
            ("recipient",),
            (*_CARRIED_COLUMNS, *_COUNTED),
            needs=("disclosures",),
            inputs=_INPUTS,
        ),
        Published(
            "disclosures_by_item",
            "one row per category of data and kind of recipient",
            ("item", "recipient_kind"),
            _COUNTED[:2],
            needs=("disclosures",),
            inputs=("disclosures", "recipients"),
        ),
        Published(
            "disclosures_daily",
            "one row per local day, recipient and basis",
            ("date", "recipient", "basis"),
            _COUNTED[:1],
            needs=("disclosures",),
            inputs=_INPUTS,
        ),
        Published(
            "disclosure_items",
            "one row per category of data and recipient",
            ("item", "recipient"),
            _COUNTED[:2],
            needs=("disclosures",),
            inputs=("disclosures",),
        ),
        Published(
            "disclosure_findings",
            "one row per disclosure that is not in order",
            (),
            tuple(Column(name, "see `disclosures`", unit="label") for name in WORKLIST),
            needs=("disclosures",),
            inputs=_INPUTS,
            order=("disclosed_at", "disclosure_id"),
        ),
    ),
    frames=("disclosure_states", "recipients", "contracts"),
    measure=measure,
    finish=finish,
)
