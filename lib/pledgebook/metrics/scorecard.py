"""The scorecard: a verdict for every promise of the policy, decided on exact figures."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction

import polars as pl

from pledgebook.metrics.catalogue import metric_of, published
from pledgebook.metrics.definition import Column, Published, Question
from pledgebook.metrics.silence import silent_feeds
from pledgebook.policy import Figure, Policy, Promise

OPT_OUT = "marketing_opt_out"
CANNOT_TELL, NOT_APPLICABLE, KEPT, BROKEN = "cannot tell", "not applicable", "kept", "broken"
SCORECARD = {
    "promise": pl.String, "clause": pl.String, "title": pl.String, "figure": pl.String, "numerator": pl.Float64,
    "denominator": pl.Float64, "value": pl.Float64, "target": pl.String, "verdict": pl.String, "reason": pl.String,
    "previous_value": pl.Float64, "previous_verdict": pl.String, "notebook": pl.String,
}  # fmt: skip


@dataclass(frozen=True)
class Evidence:
    """What verdicts rest on: the intake's accounts, and a way to a figure's table.

    intake: one row per source; quarantined: one row per broken rule; feeds: rows per feed and day.
    """

    intake: pl.DataFrame
    quarantined: pl.DataFrame
    feeds: pl.DataFrame
    table: Callable[[str], pl.DataFrame]


@dataclass(frozen=True)
class Reading:
    """A figure as read from its table: exact value (null: none), numerator, denominator."""

    value: Fraction | None
    numerator: float | None
    denominator: float | None


def judge_promises(question: Question, evidence: Evidence, previous: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return one row per promise of the policy, in the policy's order, with columns as in `SCORECARD`.

    `previous` is the scorecard of the period before, where there is one.
    """
    silent = silent_feeds(evidence.feeds, question)
    rows = [_judge(promise, question, evidence, silent) for promise in question.policy.promise]
    columns = [name for name in SCORECARD if not name.startswith("previous")]
    table = pl.DataFrame(rows, schema={name: SCORECARD[name] for name in columns}, orient="row")
    before = pl.DataFrame(schema=SCORECARD) if previous is None else previous
    told = before.select("promise", previous_value="value", previous_verdict="verdict")
    return table.join(told, on="promise", how="left", maintain_order="left").select(list(SCORECARD))


def _judge(promise: Promise, question: Question, evidence: Evidence, silent: pl.DataFrame) -> tuple[object, ...]:
    cell = promise.cell
    target = _target(promise)
    head = (promise.id, promise.clause, promise.title, promise.figure)
    if cell is None:
        return (*head, None, None, None, target, CANNOT_TELL, promise.reason, None)
    metric = metric_of(cell.table)
    if metric is None:
        return (
            *head,
            None,
            None,
            None,
            target,
            CANNOT_TELL,
            "the notebook that computes it is not part of the suite",
            None,
        )
    declared = published(cell.table)
    assert declared is not None
    lacking = _lacks(declared, question.policy, evidence)
    doubt = declared.unsaid(question.policy) or lacking or _doubt(declared, cell, question, evidence, silent)
    reading = Reading(None, None, None) if lacking else _read(declared, cell, question.policy, evidence)
    verdict, reason = (CANNOT_TELL, doubt) if doubt else _decide(promise, reading)
    value = None if reading.value is None else float(reading.value)
    return (*head, reading.numerator, reading.denominator, value, target, verdict, reason, metric.notebook)


def _target(promise: Promise) -> str | None:
    if promise.at_most is not None:
        return f"at most {promise.at_most:g}"
    return None if promise.at_least is None else f"at least {promise.at_least:g}"


def _lacks(declared: Published, policy: Policy, evidence: Evidence) -> str | None:
    """That the figure cannot do without a table that has no row: the first of them; None where all have some."""
    kept = {
        row["table"]: row["rows_kept"]
        for row in evidence.intake.group_by("table").agg(pl.col("rows_kept").sum()).to_dicts()
    }
    one_of = declared.needs_one_of
    lacking = [table for table in (*declared.needs, *declared.inputs_under(policy)) if not kept.get(table)]
    if one_of and not any(kept.get(table) for table in one_of):
        lacking.append(" or ".join(one_of))
    return f"table {lacking[0]} is missing, empty or all in quarantine" if lacking else None


def _doubt(
    declared: Published, cell: Figure, question: Question, evidence: Evidence, silent: pl.DataFrame
) -> str | None:
    """Why the figure cannot be trusted; None where it can."""
    tables = [*declared.inputs_under(question.policy), *declared.needs_one_of]
    read = evidence.intake.filter(pl.col("table").is_in(tables))
    held, total = int(read["rows_quarantined"].sum()), int(read["rows_read"].sum())
    limit = question.policy.company.max_quarantined_ratio
    if Fraction(held) > Fraction(str(limit)) * total:
        return f"{held} of {total} rows of its tables are in quarantine, more than {limit:.1%}"
    opt_outs = evidence.quarantined.filter(pl.col("is_opt_out")).select("source", "source_row").n_unique()
    if opt_outs and _speaks_of_opt_outs(declared, cell):
        return f"{opt_outs} rows in quarantine are, or may be, opt-outs"
    return _silence(tables, declared, cell, silent)


def _speaks_of_opt_outs(declared: Published, cell: Figure) -> bool:
    column = declared.column(cell.column)
    return declared.speaks_of_opt_outs or bool(column and column.speaks_of_opt_outs) or OPT_OUT in cell.groups.values()


def _silence(tables: list[str], declared: Published, cell: Figure, silent: pl.DataFrame) -> str | None:
    mine = silent.filter(pl.col("table").is_in(tables))
    if declared.speaks_of_opt_outs:
        other = {"requests": OPT_OUT, "messages": "marketing"}
        wanted = [(pl.col("table") != table) | (pl.col("kind") == kind) for table, kind in other.items()]
        mine = mine.filter(*wanted)
    if (kind := cell.groups.get("kind", "all")) != "all" and "requests" in tables:
        mine = mine.filter((pl.col("table") != "requests") | (pl.col("kind") == kind))
    if mine.is_empty():
        return None
    first = mine.row(0, named=True)
    kind_said = f" ({first['kind']})" if first["kind"] else ""
    feed = f"{first['table']}{kind_said}"
    return f"the feed {feed} is silent: {first['rows']} rows where {first['usual']:g} are usual"


def _read(declared: Published, cell: Figure, policy: Policy, evidence: Evidence) -> Reading:
    rows = evidence.table(cell.table)
    chosen = rows.filter(*[pl.col(name).cast(pl.String) == value for name, value in cell.groups.items()])
    column = declared.column(cell.column)
    if chosen.is_empty() or column is None or not column.applies(policy):
        return Reading(None, None, 0)
    return _reading(chosen.row(0, named=True), column)


def _reading(row: dict[str, float | None], column: Column) -> Reading:
    value = row[column.name]
    population = row[column.population or column.name]
    if column.unit == "ratio" and column.numerator is not None and population:
        numerator = row[column.numerator]
        return Reading(Fraction(int(numerator or 0), int(population)), numerator, population)
    exact = None if value is None else Fraction(value)
    return Reading(exact, value if column.unit == "count" else None, population)


def _decide(promise: Promise, reading: Reading) -> tuple[str, str | None]:
    if not reading.denominator:
        return NOT_APPLICABLE, "there is nothing in the period to which it applies"
    if reading.value is None:
        return CANNOT_TELL, "the figure has no value: too few cases were settled"
    if promise.at_most is not None:
        return (KEPT if reading.value <= Fraction(str(promise.at_most)) else BROKEN), None
    return (KEPT if reading.value >= Fraction(str(promise.at_least)) else BROKEN), None
