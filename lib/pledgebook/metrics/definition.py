"""What a metric is: declared once, measured per shard, added up."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

import polars as pl
import polars.selectors as cs

from pledgebook.consent import all_consent_events
from pledgebook.consent_states import build_consent_states
from pledgebook.deadlines import Regimes
from pledgebook.disclosure_states import build_disclosure_states
from pledgebook.measuring import measure_shards
from pledgebook.message_states import TALLIES, build_message_states, tally_messages
from pledgebook.period import INSTANT, Period, local_dates, local_midnight
from pledgebook.policy import Policy
from pledgebook.tables import TABLES

Frames = Mapping[str, pl.LazyFrame]
Parts = dict[str, pl.DataFrame]
SetAside = Callable[[str, pl.DataFrame], None]
ALL = "all"
TEXT = (cs.enum() | cs.categorical()).cast(pl.String)
"""Names as everybody reads them: among many rows they are held as numbers, which are counted, sorted and kept faster."""
NOTES = {"table": pl.String, "note": pl.String, "rows": pl.Int64}


@dataclass(frozen=True)
class Question:
    """What every shard is asked: policy, laws, period, as of; `facts` are small tables found in a first pass."""

    policy: Policy
    regimes: Regimes
    period: Period
    as_of: datetime
    facts: Mapping[str, pl.DataFrame] = field(default_factory=dict)

    @property
    def timezone(self) -> str:
        """The reporting timezone."""
        return self.policy.timezone

    @property
    def until(self) -> datetime:
        """The end of what the period can show: its end, or as_of if earlier."""
        return min(self.period.end, self.as_of)

    @property
    def last_moment(self) -> datetime:
        """The microsecond before as_of: the state at as_of is the state then."""
        return self.as_of - INSTANT

    def full_days(self) -> list[date]:
        """The local days of the period that end by as_of."""
        count = (self.period.last_day - self.period.first_day).days + 1
        days = [self.period.first_day + timedelta(days=n) for n in range(count)]
        return [day for day in days if local_midnight(day + timedelta(days=1), self.timezone) <= self.as_of]

    def within(self, at: str) -> pl.Expr:
        """Return whether an instant lies in the period and before as_of."""
        return (pl.col(at) >= self.period.start) & (pl.col(at) < self.until)

    def local_date(self, at: str) -> pl.Expr:
        """Return the civil date of an instant in the reporting timezone."""
        return pl.col(at).dt.convert_time_zone(self.timezone).dt.date()

    def day_in_period(self, at: str) -> pl.Expr:
        """Return the civil date of an instant that lies in the period."""
        return local_dates(at, self.period.first_day, self.period.last_day, self.timezone)

    def months(self) -> list[date]:
        """The first days of the months that the period touches."""
        first, last = self.period.first_day, self.period.last_day
        months = range(first.year * 12 + first.month - 1, last.year * 12 + last.month)
        return [date(number // 12, number % 12 + 1, 1) for number in months]

    def known(self, at: str) -> pl.Expr:
        """Return an instant, or null where it lies at or after as_of: it has not happened yet."""
        return pl.when(pl.col(at) < self.as_of).then(pl.col(at))


def _always(_: Policy) -> bool:
    return True


def _nothing_more(_: Policy) -> tuple[str, ...]:
    return ()


def _nothing_unsaid(_: Policy) -> None:
    return None


@dataclass(frozen=True)
class Column:
    """A column of a published table, in the field's words; `population` is the denominator or a count's population.

    applies: whether a policy leaves anybody in its population.
    """

    name: str
    meaning: str
    unit: str = "count"
    population: str | None = None
    numerator: str | None = None
    speaks_of_opt_outs: bool = False
    applies: Callable[[Policy], bool] = _always


@dataclass(frozen=True)
class Published:
    """A published table: grain, group columns, other columns, the tables it cannot do without, and those it speaks of.

    Without a row in every table of `needs` (or, with `needs_one_of`, in one of those) it has no rows at all. A verdict
    on a figure of it looks at `inputs` too, and at those `inputs_by` a policy; `unsaid` tells what a policy leaves out
    without which the figures mean nothing. A worklist has an `order` and no groups: the columns that its rows are sorted
    by, nulls last.
    """

    name: str
    grain: str
    groups: tuple[str, ...]
    columns: tuple[Column, ...]
    needs: tuple[str, ...]
    inputs: tuple[str, ...]
    needs_one_of: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    speaks_of_opt_outs: bool = False
    inputs_by: Callable[[Policy], tuple[str, ...]] = _nothing_more
    unsaid: Callable[[Policy], str | None] = _nothing_unsaid

    def inputs_under(self, policy: Policy) -> tuple[str, ...]:
        """Return the tables that a verdict on a figure of it looks at, beside one of `needs_one_of`."""
        return (*self.inputs, *self.inputs_by(policy))

    @property
    def is_worklist(self) -> bool:
        """Whether its rows are what somebody should act on, one by one."""
        return bool(self.order)

    def column(self, name: str) -> Column | None:
        """Return a column by name, None where the table has none of that name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True)
class Metric:
    """One metric, declared once. `better` says which direction is good; `owner` who answers for the definition.

    `measure` returns parts of one shard, and its rows of each worklist by that name; `finish` adds up the parts alone.
    `survey` is a first pass over the shards: the different facts that it finds, every shard is told in the second,
    `measure`. `purposes` says of which purposes consent states are read; None: of all.
    """

    name: str
    title: str
    question: str
    population: str
    unit: str
    better: str
    clause: str
    source: str
    owner: str
    valid_since: str
    notebook: str
    tables: tuple[Published, ...]
    frames: tuple[str, ...]
    measure: Callable[[Frames, Question], Parts]
    finish: Callable[[Parts, Question], Parts]
    survey: Callable[[Frames, Question], Parts] | None = None
    caveats: tuple[str, ...] = ()
    purposes: Callable[[Policy], list[str]] | None = None

    def compute(self, frames: Mapping[str, Any], question: Question) -> Parts:
        """Return the metric's tables for frames that hold whole canonical tables (Polars or pandas).

        A table that is not given has no rows. What intake makes of the tables (`consent_states`, `message_states`, their
        tallies, `disclosure_states`) is built where it is not given.
        """
        shard = as_shard(frames, question.policy)
        return self.add_up([lambda: shard], question)

    def add_up(
        self,
        shards: Iterable[Callable[[], Frames]],
        question: Question,
        executor: Executor | None = None,
        set_aside: SetAside | None = None,
    ) -> Parts:
        """Return the metric's tables over shards; with an executor the shards are measured by its workers.

        `set_aside` is given the rows of each worklist, shard by shard, and they are not returned; without it worklists
        are among the tables, sorted.
        """
        loaders = list(shards)
        if self.survey is not None:
            surveyed = list(measure_shards(self.survey, loaders, question, executor))
            question = _with_facts(question, {name: part.unique() for name, part in _concat(surveyed).items()})
        orders = {table.name: table.order for table in self.tables if table.is_worklist}
        measured = []
        for parts in measure_shards(self.measure, loaders, question, executor):
            if set_aside is not None:
                for name in orders:
                    set_aside(name, parts.pop(name))
            measured.append(parts)
        told = _concat(measured)
        lists = {
            name: sort_rows(told.pop(name), order).with_columns(TEXT) for name, order in orders.items() if name in told
        }
        return self.finish(told, question) | lists


def _with_facts(question: Question, facts: Parts) -> Question:
    return Question(question.policy, question.regimes, question.period, question.as_of, facts)


def _concat(parts: list[Parts]) -> Parts:
    return {name: pl.concat([part[name] for part in parts]) for name in parts[0]}


def sort_rows(rows: pl.DataFrame, order: Sequence[str]) -> pl.DataFrame:
    """Return a worklist's rows sorted, nulls last; where all of the order is equal they stay as they came.

    By the first column, then by all of them only the rows that share a value of it: a fraction of the time that sorting
    all rows by instant and id takes. Only what is sorted by is moved until every row's place is known.
    """
    rows = rows.rechunk()
    first = rows.select(order[0]).with_row_index("_row").sort(order[0], nulls_last=True, maintain_order=True)
    begins = first[order[0]].ne_missing(first[order[0]].shift())
    shared = ~(begins & begins.shift(-1, fill_value=True))
    tied = rows.select(order)[first["_row"].filter(shared)].with_columns(first["_row"].filter(shared))
    sorted_ties = tied.sort(order, nulls_last=True, maintain_order=True)["_row"]
    return rows[first["_row"].scatter(shared.arg_true(), sorted_ties)]


def as_shard(frames: Mapping[str, Any], policy: Policy) -> dict[str, pl.LazyFrame]:
    """Return canonical tables as one shard: any frame as Polars, absent tables without rows, states built."""
    shard: dict[str, pl.LazyFrame] = {name: table.nothing() for name, table in TABLES.items()}
    shard |= {name: _as_canonical(name, as_lazy(frame)) for name, frame in frames.items()}
    if "consent_states" not in shard:
        events = all_consent_events(shard["consent_events"], shard["requests"], policy)
        shard["consent_states"] = build_consent_states(events, policy).lazy()
    if "message_states" not in shard:
        shard["message_states"] = build_message_states(shard["messages"], shard["consent_states"], policy).lazy()
    if not set(TALLIES) <= set(shard):
        tallies = tally_messages(shard["message_states"], policy.timezone)
        shard = {name: rows.lazy() for name, rows in tallies.items()} | shard
    if "disclosure_states" not in shard:
        shard["disclosure_states"] = build_disclosure_states(shard["disclosures"], shard["consent_states"]).lazy()
    return shard


def _as_canonical(name: str, frame: pl.LazyFrame) -> pl.LazyFrame:
    """Give an analyst's own frame the canonical types; absent columns are null, others are left out."""
    if name not in TABLES:
        return frame
    given = frame.collect_schema()
    wanted = TABLES[name].nothing().collect_schema()
    return frame.select(_as_type(column, given.get(column), dtype) for column, dtype in wanted.items())


def _as_type(column: str, given: pl.DataType | None, wanted: pl.DataType) -> pl.Expr:
    if given is None:
        return pl.lit(None).cast(wanted).alias(column)
    text = isinstance(wanted, pl.Enum) and given != wanted
    return (pl.col(column).cast(pl.String) if text else pl.col(column)).cast(wanted)


def as_lazy(frame: Any) -> pl.LazyFrame:
    """Return a Polars or pandas frame as a LazyFrame."""
    if isinstance(frame, pl.LazyFrame):
        return frame
    return (frame if isinstance(frame, pl.DataFrame) else pl.from_pandas(frame)).lazy()


def count_rows(rows: pl.DataFrame | pl.LazyFrame, *groups: str | pl.Expr) -> pl.DataFrame:
    """Return how many rows each group has, in column `rows`; streaming, for the groups are few and the rows many."""
    return rows.lazy().group_by(*groups).agg(pl.len().cast(pl.Int64).alias("rows")).collect(engine="streaming")


def collect(frames: Mapping[str, pl.LazyFrame]) -> Parts:
    """Compute several lazy parts at once, sharing what they share."""
    return dict(zip(frames, pl.collect_all(list(frames.values()), engine="in-memory"), strict=True))


def ratio(numerator: str, denominator: str) -> pl.Expr:
    """Return a ratio from 0 to 1; null where the denominator is zero."""
    return pl.when(pl.col(denominator) > 0).then(pl.col(numerator) / pl.col(denominator))


def with_total(rows: pl.DataFrame, groups: list[str], total: Mapping[str, str | None]) -> pl.DataFrame:
    """Return counts with one more row per remaining group in which `total` columns say `all` and counts are summed.

    With nothing left to group by, the row is there even without any others, with zeros.
    """
    counts = [name for name in rows.columns if name not in groups]
    left = [name for name in groups if name not in total]
    sums = [pl.col(name).sum() for name in counts]
    summed = rows.group_by(left).agg(sums) if left else rows.select(sums)
    said = [pl.lit(value, dtype=pl.String).alias(name) for name, value in total.items()]
    return pl.concat([rows, summed.with_columns(said).select(rows.columns)])


def count_by(column: str, values: Iterable[str]) -> list[pl.Expr]:
    """Return one count per value of a column, named by the value."""
    return [(pl.col(column) == value).sum().cast(pl.Int64).alias(value) for value in values]


def notes_of(table: str, counts: Mapping[str, int]) -> pl.DataFrame:
    """Return counts as rows of table `notes`; zero counts are left out."""
    rows = [(table, note, rows) for note, rows in counts.items() if rows]
    return pl.DataFrame(rows, schema=NOTES, orient="row")
