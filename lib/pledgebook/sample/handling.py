"""What was done with people's data: uses, provision to others, access by staff. All in order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.random import Generator
from numpy.typing import NDArray

from pledgebook.sample.clock import DAY, START, Instants, draw_instants, midnight
from pledgebook.sample.company import SERVED
from pledgebook.sample.consent import ask
from pledgebook.sample.layout import make_table
from pledgebook.sample.naming import make_ids
from pledgebook.sample.people import KIND_NAMES, People

LAPSED_AT = midnight(2026, 7)


@dataclass(frozen=True)
class Habit:
    """A way of using or passing on data: how often, what for, where or to whom, which data, which basis."""

    share: float
    purpose: str
    place: str
    items: str
    basis: str = ""
    topic: str = ""


USES = (
    Habit(0.30, "service_operation", "core", "name;payment"),
    Habit(0.14, "support", "helpdesk", "email;name;usage"),
    Habit(0.10, "identification", "ekyc", "birth_date;identity_document;name"),
    Habit(0.10, "contracts", "core", "address;bank_account;name"),
    Habit(0.06, "legal_compliance", "ledger", "address;name;payment"),
    Habit(0.05, "service_notices", "crm", "email"),
    Habit(0.03, "data_inquiries", "helpdesk", "email;name"),
    Habit(0.12, "product_improvement", "warehouse", "payment;usage", topic="product_improvement"),
    Habit(0.07, "marketing", "crm", "email;usage", topic="marketing/any"),
    Habit(0.03, "cancellation_questionnaires", "survey", "email", topic="cancellation_questionnaires"),
)
USES_OF_OTHERS = {
    "employee": ("personnel", "hr", "bank_account;employment;name"),
    "applicant": ("recruitment", "hr", "name;resume"),
    "prospect": ("support", "helpdesk", "email;name"),
    "other": ("business_administration", "ledger", "name;phone"),
}
DISCLOSURES = (
    Habit(0.20, "service_operation", "minato_hosting", "name;payment;usage", "entrustment"),
    Habit(0.14, "service_notices", "kaze_mail", "email;name", "entrustment"),
    Habit(0.08, "service_notices", "hayate_messaging", "phone", "entrustment"),
    Habit(0.09, "service_operation", "sumire_print", "address;name", "entrustment"),
    Habit(0.10, "support", "aozora_contact", "name;phone", "entrustment"),
    Habit(0.06, "business_inquiries", "northlake_analytics", "usage", "entrustment"),
    Habit(0.08, "service_operation", "ginga_points", "email;payment", "joint_use"),
    Habit(0.06, "group_advertising", "ccp_wallet", "email;name", "consent", "group_advertising/ccp_wallet"),
    Habit(0.05, "group_advertising", "ccp_lease", "email;name;phone", "consent", "group_advertising/ccp_lease"),
    Habit(0.06, "partner_offers", "hoshino_malls", "email;name", "consent", "partner_offers/hoshino_malls"),
    Habit(0.04, "legal_compliance", "sakuragaoka_police", "address;name;payment", "law"),
    Habit(0.03, "legal_compliance", "minami_tax_office", "name;payment", "law"),
    Habit(0.01, "legal_compliance", "sakuragaoka_police", "address;name", "vital_interest"),
)
LAWS = {
    "sakuragaoka_police": "Code of Criminal Procedure, Art. 197(2)",
    "minami_tax_office": "Act on General Rules for National Taxes, Art. 74-2",
}


def _draw_moments(
    rng: Generator, people: People, those: NDArray[np.int64], how_many: int
) -> tuple[NDArray[np.int64], Instants]:
    since = np.maximum(people.opened_at + DAY, START)
    who = rng.choice(those, how_many)
    who = who[people.left_at[who] > since[who] + DAY]
    return who, draw_instants(rng, since[who], people.left_at[who], "office")


def _draw_habits(rng: Generator, habits: tuple[Habit, ...], how_many: int) -> pl.DataFrame:
    shares = np.array([habit.share for habit in habits])
    drawn = rng.choice(len(habits), how_many, p=shares / shares.sum())
    return pl.DataFrame([habit.__dict__ for habit in habits])[drawn].drop("share")


def _permitted(states: pl.DataFrame, drafts: pl.DataFrame) -> pl.DataFrame:
    return ask(states, drafts).filter(pl.col("is_permitted") | (pl.col("topic") == ""))


def make_uses(rng: Generator, people: People, states: pl.DataFrame, block: int) -> pl.DataFrame:
    """Return uses for declared purposes; where a purpose needs permission, with it."""
    who, at = _draw_moments(rng, people, np.flatnonzero(people.is_ordinary), int(people.count * 2.2))
    drafts = _draw_habits(rng, USES, len(who)).with_columns(person_id=pl.Series(who), at=pl.Series(at))
    kind = pl.Series(KIND_NAMES).gather(people.kind)[who]
    for name, (purpose, place, items) in USES_OF_OTHERS.items():
        own = pl.lit(kind == name)
        news = {"purpose": purpose, "place": place, "items": items, "topic": ""}
        drafts = drafts.with_columns(
            pl.when(own).then(pl.lit(v)).otherwise(pl.col(k)).alias(k) for k, v in news.items()
        )
    kept = _permitted(states, drafts)
    columns = {name: kept[name] for name in ("person_id", "purpose", "items")}
    columns |= {
        "use_id": make_ids("uses", block, kept.height),
        "system": kept["place"],
        "used_at": kept["at"],
    }
    return make_table("uses", columns, kept.height)


def make_disclosures(rng: Generator, people: People, states: pl.DataFrame, block: int) -> pl.DataFrame:
    """Return disclosures on a ground that holds, under contract where one is due, with their record."""
    who, at = _draw_moments(rng, people, people.of_kind(SERVED), int(people.count * 1.4))
    drafts = _draw_habits(rng, DISCLOSURES, len(who)).with_columns(person_id=pl.Series(who), at=pl.Series(at))
    in_contract = (pl.col("place") != "sumire_print") | (pl.col("at") < LAPSED_AT)
    kept = _permitted(states, drafts.filter(in_contract))
    recorded = pl.when(pl.col("basis").is_in(["consent", "opt_out_notice"])).then(pl.lit(value=True))
    law = pl.when(pl.col("basis") == "law").then(pl.col("place").replace_strict(LAWS, default=None))
    more = kept.select(legal_reference=law, is_recorded=recorded)
    columns = {name: kept[name] for name in ("person_id", "basis", "purpose", "items")}
    columns |= {name: more[name] for name in more.columns}
    columns |= {"disclosure_id": make_ids("disclosures", block, kept.height), "recipient": kept["place"]}
    return make_table("disclosures", columns | {"disclosed_at": kept["at"]}, kept.height)


def make_accesses(rng: Generator, people: People, staff: pl.DataFrame) -> pl.DataFrame:
    """Return looks at a person's record by staff in service, each for a reason; a few were refused."""
    who, at = _draw_moments(rng, people, np.flatnonzero(people.is_ordinary), int(people.count * 0.9))
    serving = staff.filter(pl.col("left_on").is_null() & (pl.col("joined_on") < START // DAY))["employee_id"]
    ticket = rng.integers(10_000, 99_999, len(who)).astype(np.str_)
    columns = {
        "employee_id": serving.gather(rng.integers(0, len(serving), len(who))),
        "person_id": who,
        "system": pl.Series(rng.choice(["crm", "core", "helpdesk"], len(who), p=[0.3, 0.3, 0.4])),
        "reason": pl.Series(np.char.add("ticket ", ticket)),
        "at": at,
        "was_granted": rng.random(len(who)) > 0.004,
    }
    return make_table("accesses", columns, len(who))
