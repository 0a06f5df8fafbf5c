"""The book: exports, policy and period opened together; what a notebook asks and shows."""

from __future__ import annotations

import hashlib
import json
import os
import sys
from collections.abc import Collection, Mapping
from concurrent.futures import Executor
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from pledgebook.deadlines import Regimes, read_regimes
from pledgebook.disk import writing_below
from pledgebook.errors import InputError
from pledgebook.intake.building import Progress
from pledgebook.kept_figures import Figures, keep_figures, read_figures
from pledgebook.leftovers import ROOM, working_in
from pledgebook.loading import loaders_of
from pledgebook.metrics.catalogue import ACCOUNTS, METRICS, check_figures, metric_of, published
from pledgebook.metrics.definition import NOTES, Metric, Published, Question
from pledgebook.metrics.scorecard import Evidence, judge_promises
from pledgebook.period import Period, read_as_of, read_period
from pledgebook.policy import Policy, read_policy
from pledgebook.pseudonyms import find_key
from pledgebook.storage import check_reachable
from pledgebook.store import Store, stores_folder
from pledgebook.store_lock import private_files
from pledgebook.store_opening import open_store
from pledgebook.suite import from_root, suite_root
from pledgebook.toml_file import line_of
from pledgebook.worklists import Aside

AUDIENCES = ("internal", "public")


def check_regimes(policy: Policy, regimes: Regimes, file: str, text: str = "") -> None:
    """Refuse a policy that names a law nobody knows. Raises InputError with its line and the names that are known."""
    company, marketing = policy.company, policy.marketing
    asked = [
        ("company", "regime", company.regime),
        *(("company", "by_region", name) for name in company.by_region.values()),
    ]
    _check_known(asked, regimes.request_regimes, file, text)
    if marketing is not None:
        entries = [entry if isinstance(entry, dict) else {"": entry} for entry in marketing.by_region.values()]
        named = [("marketing", "by_region", name) for entry in entries for name in entry.values()]
        _check_known([("marketing", "regime", marketing.regime), *named], regimes.marketing_regimes, file, text)


def _check_known(asked: list[tuple[str, str, str]], known: frozenset[str], file: str, text: str) -> None:
    for section, key, name in asked:
        if name not in known:
            line = line_of(text, (section, key))
            what = "marketing regime" if section == "marketing" else "regime"
            fault = f"{file}, line {line}: [{section}] {key}: {what} '{name}' is not known."
            raise InputError(f"{fault} Known: {', '.join(sorted(known))}.")


class Book:
    """Exports, policy, period and as-of, opened together. Tables are computed when first asked for, and kept."""

    def __init__(
        self,
        store: Store,
        question: Question,
        *,
        audience: str,
        out: Path | None,
        executor: Executor | None = None,
    ) -> None:
        self.store, self.question = store, question
        self.audience, self.out, self.executor = audience, out, executor
        self._computed: dict[str, Figures] = {}

    @property
    def policy(self) -> Policy:
        """The policy whose promises are tested."""
        return self.question.policy

    @property
    def period(self) -> Period:
        """The stretch of time that the report speaks of."""
        return self.question.period

    def compute(self, table: str) -> pl.DataFrame:
        """Return a published table or worklist, with the columns of the definitions; exact figures.

        A table whose inputs are missing or empty has its columns and no rows. Raises InputError for an unknown name.
        """
        if table == "scorecard":
            return self.scorecard()
        if table in ("intake", "quarantine", "notes"):
            return {"intake": self._intake, "quarantine": self._quarantine, "notes": self._notes}[table]()
        metric = metric_of(table)
        if metric is None:
            known = sorted(t.name for m in METRICS.values() for t in m.tables)
            raise InputError(f"no table '{table}'. Tables: {', '.join(known)}.")
        figures = self._figures(metric)
        return self.worklist(table) if table in figures.worklists else figures.tables[table]

    def published_table(self, table: str) -> pl.DataFrame:
        """Return a table as the audience may see it: exact for internal, small counts hidden for the public."""
        exact = self.compute(table)
        if self.audience == "internal":
            return exact
        from pledgebook.small_counts import hide_small_counts, hide_small_counts_in_scorecard  # noqa: PLC0415

        if table == "scorecard":
            return hide_small_counts_in_scorecard(exact)
        declared = published(table) or ACCOUNTS[table]
        return hide_small_counts(exact, declared)

    def worklist(self, table: str) -> pl.DataFrame:
        """Return the rows that somebody should act on; ids of messages, requests, disclosures, and no people.

        All of them, in memory. Raises InputError for an unknown name.
        """
        return self.scan_worklist(table).collect()

    def scan_worklist(self, table: str) -> pl.LazyFrame:
        """Return what `worklist` returns, lazily: of millions of rows only those that are asked for are read."""
        metric = metric_of(table)
        worklists = {t.name for m in METRICS.values() for t in m.tables if t.is_worklist}
        if metric is None or table not in worklists:
            raise InputError(f"no worklist '{table}'. Worklists: {', '.join(sorted(worklists))}.")
        if not self._figures(metric).are_whole():
            del self._computed[metric.name]  # removed since, as when somebody is forgotten
        return self._figures(metric).scan(table)

    def scorecard(self) -> pl.DataFrame:
        """Return one row per promise with its verdict, in the policy's order."""
        evidence = Evidence(self.store.intake, self.store.quarantined, self.store.feeds, self.compute)
        return judge_promises(self.question, evidence, self._previous)

    @property
    def scorecard_before(self) -> Path | None:
        """The scorecard of the period before, in the report that lies beside this one; None where there is none."""
        if self.out is None:
            return None
        suffix = "-public" if self.audience == "public" else ""
        file = self.out.parent.parent / f"{self.period.before().folder}{suffix}" / "tables" / "scorecard.parquet"
        return file if file.is_file() else None

    @cached_property
    def _previous(self) -> pl.DataFrame | None:
        file = self.scorecard_before
        return None if file is None else pl.read_parquet(file)

    def _figures(self, metric: Metric) -> Figures:
        if metric.name not in self._computed:
            self._computed[metric.name] = read_figures(self._figures_folder, metric.name) or self._compute(metric)
        return self._computed[metric.name]

    def let_go(self) -> None:
        """Hold no computed figures any longer: they lie beside the store, and are read again when asked for."""
        self._computed.clear()

    def _compute(self, metric: Metric) -> Figures:
        loaders = loaders_of(self.store, metric, self.question, at_workers=self.executor is not None)
        lacking = {table.name for table in metric.tables if self._lacks(table)}
        worklists, stores = [table for table in metric.tables if table.is_worklist], self.store.folder.parent
        with writing_below(stores, ROOM), Aside(worklists, stores) as aside:

            def set_aside(worklist: str, rows: pl.DataFrame) -> None:
                aside.add(worklist, rows.clear() if worklist in lacking else rows)

            try:
                tables = metric.add_up(loaders, self.question, self.executor, set_aside)
            except (OSError, PolarsError):
                self.store.refuse_damage()
                raise
            tables |= {name: tables[name].clear() for name in lacking & set(tables)}
            return keep_figures(self._figures_folder, metric.name, tables, aside.worklists)

    def _lacks(self, table: Published) -> bool:
        """Whether nothing arrived of what a table cannot do without."""
        choice = table.needs_one_of
        return not all(map(self.store.has, table.needs)) or (bool(choice) and not any(map(self.store.has, choice)))

    @cached_property
    def _figures_folder(self) -> Path:
        parts = {
            "policy": self.policy.model_dump(mode="json"),
            "period": [str(self.period.first_day), str(self.period.last_day)],
            "as_of": self.question.as_of.isoformat(),
            "code": figures_code_hash(),
        }
        name = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:24]
        return self.store.folder / "figures" / name

    def _intake(self) -> pl.DataFrame:
        return self.store.intake.drop("raw_rows")

    def _quarantine(self) -> pl.DataFrame:
        counted = self.store.quarantined.group_by("source", "table", "rule").agg(pl.len().cast(pl.Int64).alias("rows"))
        return counted.sort("source", "table", "rule")

    def _notes(self) -> pl.DataFrame:
        computed = [self._figures(metric).tables for metric in METRICS.values()]
        told = [tables["notes"] for tables in computed if "notes" in tables]
        return pl.concat([self.store.notes, *told, pl.DataFrame(schema=NOTES)]).sort("table", "note")

    def arrived(self, *tables: str) -> Any:
        """Display what arrived for these tables (none named: for all), row by row accounted for."""
        from pledgebook.display import present_arrived  # noqa: PLC0415

        return present_arrived(self, tables)

    def show(self, table: str) -> Any:
        """Display a published table, finished for reading."""
        from pledgebook.display import present  # noqa: PLC0415

        return present(self, table)

    def say(self, name: str) -> Any:
        """Display the finding of a metric as a sentence made from its numbers."""
        from pledgebook.display import present_sentence  # noqa: PLC0415

        return present_sentence(self, name)

    def draw(self, chart: str) -> Any:
        """Return an Altair chart of the catalogue, to look at or to build on."""
        from pledgebook.display import draw_chart  # noqa: PLC0415

        return draw_chart(self, chart)

    def define(self, name: str) -> Any:
        """Display how a metric's figures are defined, from the catalogue."""
        from pledgebook.display import present_definition  # noqa: PLC0415

        return present_definition(METRICS[name])

    def worklist_summary(self, table: str) -> Any:
        """Display how many rows a worklist has, and where its file lies; no people."""
        from pledgebook.display import present_worklist  # noqa: PLC0415

        return present_worklist(self, table)

    def publish(self, name: str) -> Any:
        """Write the tables of a metric (or `scorecard`, `arrived`) into the report, and display its promises' verdicts.

        Without `out`, as when a notebook is opened by hand, nothing is written.
        """
        from pledgebook.display import present_verdicts  # noqa: PLC0415
        from pledgebook.publishing import publish_tables  # noqa: PLC0415

        if self.out is not None:
            publish_tables(self, name, self.out)
        return present_verdicts(self, name)


def figures_code_hash() -> str:
    """Return a hash of the code and rules that figures rest on."""
    package = Path(__file__).parent
    files = [
        *package.glob("metrics/*.py"),
        *package.glob("deadlines/*.py"),
        *(suite_root() / "data/regimes").glob("*.toml"),
    ]
    return hashlib.sha256(b"".join(file.read_bytes() for file in sorted(files))).hexdigest()[:16]


def open_book(
    exports: str | Path,
    period: str,
    as_of: str | datetime | None = None,
    policy: str | Path = "data/policy.toml",
    audience: str = "internal",
    out: str | Path = "",
    *,
    now: datetime | None = None,
    shards: int | None = None,
    only: Collection[str] | None = None,
    executor: Executor | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress = lambda _: None,
) -> Book:
    """Open exports, policy and period: intake when needed, else the store as it is.

    Relative paths are taken from the suite's root; exports may lie at an address such as `s3://bucket/exports`. `as_of`
    null or empty: the period's end, or now if earlier. `only` names the export files to read; null: all. With an executor
    its workers read exports and measure shards. Raises InputError with what to do.
    """
    if audience not in AUDIENCES:
        raise InputError(f"audience '{audience[:40]}': give internal or public.")
    rules, regimes = read_rules(policy)
    moment = now or datetime.now(UTC)
    stretch = read_period(period, rules.timezone, moment)
    instant = read_as_of(as_of, stretch, moment)
    _set_up_kernel()
    store = _open_store(exports, rules, regimes, shards, environment, progress, only, executor)
    question = Question(rules, regimes, stretch, instant)
    return Book(store, question, audience=audience, out=Path(out) if out else None, executor=executor)


def _set_up_kernel() -> None:
    """In a notebook, displays draw without a network; elsewhere nothing is loaded for it."""
    shell = sys.modules.get("IPython")
    if shell is not None and shell.get_ipython() is not None:
        from pledgebook.display import set_up_display  # noqa: PLC0415

        set_up_display()


def read_rules(policy: str | Path) -> tuple[Policy, Regimes]:
    """Return a policy whose names all hold, and the laws it is read with. Raises InputError with line and remedy."""
    file = from_root(policy)
    rules = read_policy(file)
    regimes = read_regimes(suite_root() / "data" / "regimes")
    text = file.read_text(encoding="utf-8-sig")
    check_regimes(rules, regimes, str(file), text)
    check_figures(rules, str(file), text)
    return rules, regimes


def open_store_of(
    exports: str | Path,
    policy: str | Path,
    *,
    shards: int | None = None,
    executor: Executor | None = None,
    environment: Mapping[str, str] | None = None,
    progress: Progress = lambda _: None,
) -> Store:
    """Open the store of an export folder: intake when needed. Raises InputError when an export cannot be read."""
    rules, regimes = read_rules(policy)
    return _open_store(exports, rules, regimes, shards, environment, progress, executor=executor)


def _open_store(
    exports: str | Path,
    rules: Policy,
    regimes: Regimes,
    shards: int | None,
    environment: Mapping[str, str] | None,
    progress: Progress,
    only: Collection[str] | None = None,
    executor: Executor | None = None,
) -> Store:
    environment = os.environ if environment is None else environment
    folder, stores = from_root(exports), stores_folder(environment)
    check_reachable(folder, "exports")
    check_reachable(stores, "PLEDGEBOOK_STORE")
    if not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder. Give the folder of the exports with --exports.")
    key, made = find_key(folder, environment, may_make=sys.stdin is not None and sys.stdin.isatty())
    if made is not None:
        sys.stderr.write(f"A pseudonym key was made: {made}. Keep it safe: without it, reports cannot be compared.\n")
    known = frozenset(regimes.request_regimes)
    with working_in(stores), private_files():
        return open_store(
            folder,
            rules,
            key,
            stores,
            known_regimes=known,
            shards=shards,
            only=only,
            executor=executor,
            progress=progress,
        )
