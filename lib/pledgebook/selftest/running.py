"""Running the self-test: plant, open both books, compare."""

from __future__ import annotations

import os
import secrets
import string
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import polars as pl

from pledgebook.book import Book, open_book, open_store_of, read_rules
from pledgebook.errors import InputError
from pledgebook.intake.formats import MAPPING
from pledgebook.period import local_day, month_of, read_period
from pledgebook.sample import make_sample
from pledgebook.selftest.catalogue import KINDS
from pledgebook.selftest.copying import copy_exports, write_planted
from pledgebook.selftest.intake_rules import good_row
from pledgebook.selftest.kinds import Kind
from pledgebook.selftest.measuring import Comparison
from pledgebook.selftest.outcome import NOT_APPLICABLE, Outcome, Result
from pledgebook.selftest.planting import Planting
from pledgebook.selftest.setting import NotApplicable, Setting
from pledgebook.selftest.small_company import found_company, probes
from pledgebook.storage import is_remote
from pledgebook.store import stores_folder
from pledgebook.suite import from_root
from pledgebook.workshop import Workshop

Progress = Callable[[str], None]
DATED = ("messages", "requests", "consent_events", "disclosures", "uses", "page_views")
COMPARED = (*DATED[:-1], "people", "suppressions", "recipients", "contracts")
SAMPLE_PEOPLE, SAMPLE_SEED, SAMPLE_PERIOD = 200, 2026, "2026-09"


def run_selftest(
    exports: str | Path,
    policy: str | Path,
    period: str = "",
    *,
    now: datetime | None = None,
    environment: Mapping[str, str] | None = None,
    kinds: Sequence[Kind] = KINDS,
    progress: Progress = lambda _: None,
) -> Outcome:
    """Plant breaches of every kind into a copy of exports, run the suite on it, and say which were found.

    The exports themselves are only read. `period` empty: the last full month that they reach. Clear ids of the copy
    lie in a private folder that is gone afterwards. Raises InputError for exports or a policy that cannot be used.
    """
    environment = os.environ if environment is None else environment
    moment = now or datetime.now(UTC)
    folder, file = from_root(exports), from_root(policy)
    rules, regimes = read_rules(file)
    store = open_store_of(folder, file, environment=environment, progress=progress)
    label = period or last_full_month(store.feeds, local_day(moment, rules.timezone))
    stretch = read_period(label, rules.timezone, moment)
    with Workshop(_stores(environment)) as room:
        setting = Setting(rules, regimes, stretch, _tag())
        bench = Bench(setting, file, room, environment, progress)
        lacking = [table for table in COMPARED if not store.has(table)]
        tried = [bench.try_copy(folder, lacking, kinds), *bench.try_small_companies(kinds)]
    results = {result.name: result for each in tried for result in each.results}
    return Outcome(
        stretch.label,
        tuple(results[kind.name] for kind in kinds),
        tuple(what for each in tried for what in each.moved),
        tuple(what for each in tried for what in each.raised),
    )


def run_selftest_on_a_sample(
    policy: str | Path,
    *,
    environment: Mapping[str, str] | None = None,
    kinds: Sequence[Kind] = KINDS,
    progress: Progress = lambda _: None,
) -> Outcome:
    """Run the self-test on a small synthetic company, with a key of its own; as `run_selftest`."""
    environment = os.environ if environment is None else environment
    with Workshop(_stores(environment)) as room:
        make_sample(SAMPLE_PEOPLE, SAMPLE_SEED, room / "sample")
        own = _own(environment, room)
        return run_selftest(room / "sample", policy, SAMPLE_PERIOD, environment=own, kinds=kinds, progress=progress)


def _stores(environment: Mapping[str, str]) -> Path:
    stores = stores_folder(environment)
    if not is_remote(stores):
        stores.mkdir(parents=True, exist_ok=True, mode=0o700)
    return stores


def _own(environment: Mapping[str, str], room: Path) -> dict[str, str]:
    """An environment with a store and a key that nobody else uses."""
    key = {"PLEDGEBOOK_KEY": secrets.token_hex(32)}
    return {**environment, "PLEDGEBOOK_STORE": str(room / "stores"), **key}


def _tag() -> str:
    """Letters that nothing in the exports holds; no digits, so that they are never taken for a date or a number."""
    return "".join(secrets.choice(string.ascii_lowercase) for _ in range(12))


def last_full_month(feeds: pl.DataFrame, today: date) -> str:
    """Return the last month that the exports reach the end of; the month before today where nobody can say.

    feeds: rows per feed and local day, as the store has them.
    """
    told = feeds.filter(pl.col("table").is_in(DATED) & (pl.col("date") < today))
    last: date = told["date"].max() or today - timedelta(days=1)  # type: ignore[assignment]
    first_of_next = (last + timedelta(days=1)).replace(day=1)
    return month_of(first_of_next - timedelta(days=1))


@dataclass(frozen=True)
class Tried:
    """What one copy showed: the kinds planted into it, what moved besides, and what the untouched raise."""

    results: list[Result]
    moved: list[str]
    raised: list[str]


@dataclass(frozen=True)
class Bench:
    """Where copies are made and opened: setting, policy file, private folder, environment."""

    setting: Setting
    policy: Path
    room: Path
    environment: Mapping[str, str]
    progress: Progress

    def try_copy(self, exports: Path, lacking: Sequence[str], kinds: Sequence[Kind]) -> Tried:
        """Plant into a copy of the exports, and hold it against the exports themselves.

        A table that they lack gets a harmless row in both: with it figures appear, which is not planting's doing.
        """
        mine = [kind for kind in kinds if kind.world == "copy"]
        is_mapped = (exports / MAPPING).is_file()
        before, planting = Planting(self.setting, is_mapped), Planting(self.setting, is_mapped)
        for each in (before, planting):
            for table in lacking:
                each.add(table, good_row(each, table))
        left_out = _plant(planting, mine)
        self.progress("planting into a copy, and running the suite on it")
        own = {**self.environment, "PLEDGEBOOK_STORE": str(self.room / "stores")}
        untouched = (
            self._open(exports, self.environment) if not lacking else self._copied(exports, before, "ground", own)
        )
        planted = self._copied(exports, planting, "copy", own)
        _check_same(untouched, planted, self.setting.tag)
        return _compare(Comparison(untouched, planted, planting), mine, left_out, is_still=True)

    def _copied(self, exports: Path, planting: Planting, name: str, environment: Mapping[str, str]) -> Book:
        copy_exports(exports, self.room / name)
        write_planted(planting, self.room / name)
        return self._open(self.room / name, environment)

    def try_small_companies(self, kinds: Sequence[Kind]) -> list[Tried]:
        """Plant what would disturb others into small companies, and hold each against the same without."""
        worlds = dict.fromkeys(kind.world for kind in kinds if kind.world != "copy")
        if not worlds:
            return []
        self.progress("running the suite on small companies")
        own = _own(self.environment, self.room)
        untouched = self._found(self._company(), "untouched company", own)
        return [
            self._try_company(untouched, world, [kind for kind in kinds if kind.world == world], own)
            for world in worlds
        ]

    def _company(self) -> Planting:
        planting = Planting(self.setting, is_mapped=True)
        found_company(planting)
        return planting

    def _try_company(self, untouched: Book, world: str, kinds: Sequence[Kind], own: Mapping[str, str]) -> Tried:
        planting = self._company()
        left_out = _plant(planting, kinds)
        planted = self._found(planting, world, own)
        return _compare(Comparison(untouched, planted, planting), kinds, left_out, is_still=False)

    def _found(self, planting: Planting, name: str, environment: Mapping[str, str]) -> Book:
        """Write a small company into a folder and open it, with promises that ask whether a verdict can be told."""
        folder = self.room / name
        folder.mkdir()
        write_planted(planting, folder)
        book = self._open(folder, environment)
        policy = self.setting.policy.model_copy(update={"promise": probes(self.setting)})
        return Book(book.store, replace(book.question, policy=policy), audience="internal", out=None)

    def _open(self, exports: Path, environment: Mapping[str, str]) -> Book:
        period, as_of = self.setting.period.label, self.setting.as_of
        return open_book(exports, period, as_of, self.policy, environment=environment)


def _check_same(untouched: Book, planted: Book, tag: str) -> None:
    """Raise InputError where an export changed after it was copied: what moved then is no planting's doing."""
    told: list[dict[str, str]] = untouched.store.facts["inputs"]
    now = {each["name"]: each["sha256"] for each in planted.store.facts["inputs"]}
    changed = [each["name"] for each in told if tag not in each["name"] and now.get(each["name"]) != each["sha256"]]
    if changed:
        raise InputError(f"{changed[0]}: it changed while the self-test ran. Run again when it is finished.")


def _plant(planting: Planting, kinds: Sequence[Kind]) -> dict[str, str]:
    """Plant every kind; return why those that do not apply were left out."""
    left_out = {}
    for kind in kinds:
        planting.kind, mark = kind.name, planting.mark()
        try:
            kind.plant(planting)
        except NotApplicable as reason:
            planting.take_back(mark)
            left_out[kind.name] = str(reason)
    planting.kind = ""
    return left_out


def _compare(comparison: Comparison, kinds: Sequence[Kind], left_out: Mapping[str, str], *, is_still: bool) -> Tried:
    results = [
        Result(kind.name, kind.title, kind.question, kind.world, "", NOT_APPLICABLE, left_out[kind.name])
        if kind.name in left_out
        else comparison.judge(kind)
        for kind in kinds
    ]
    return Tried(results, comparison.moved() if is_still else [], comparison.raised())
