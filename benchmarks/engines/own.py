"""Pledgebook itself, by its public functions: a book opened on the exports, and the tables that it computes."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import holidays.countries  # noqa: F401 - like every import before the clock starts; the first question about a law needs it
import polars as pl

from benchmarks.agreement import Figures, kept_rows
from benchmarks.engines.store_files import ASKED, MADE, MONTHLY, PURPOSES
from benchmarks.questions import INSTANTS, KEY, QUESTIONS, SUITE, Place, Question
from benchmarks.rules import POLICY
from pledgebook.book import Book, open_book, open_store_of
from pledgebook.loading import loaders_of
from pledgebook.message_states import BY_CAMPAIGN
from pledgebook.metrics import consent_coverage as coverage
from pledgebook.metrics import marketing_messages as messages
from pledgebook.metrics import request_turnaround as turnaround
from pledgebook.metrics import third_party_disclosures as disclosures
from pledgebook.metrics.catalogue import METRICS
from pledgebook.metrics.definition import Frames, Parts, collect
from pledgebook.metrics.definition import Question as Asked
from pledgebook.metrics.regions import places_of_people
from pledgebook.store import Store

TABLES = {
    "opt-outs": "marketing_messages",
    "opt-outs-month": "marketing_messages",
    "coverage": "consent_coverage_daily",
    "turnaround": "request_turnaround",
    "disclosures": "disclosures_by_recipient",
}


def prepare(question: Question, place: Place, manner: str) -> Callable[[], Figures | Store]:
    """Return the work; of a question about the built store the book is open already, without figures kept beside it.

    In the manner `alone` the table that is compared is computed, and no other table of the question.
    """
    if question.name == "intake":
        return lambda: open_store_of(place.exports("csv"), POLICY, environment=environment_of(place.scratch))
    if question.name == "run":
        return lambda: _compute_everything(_open(question, place, place.scratch))
    if question.name == "report":
        return lambda: _report(question, place)
    book = _open(question, place, place.stores)
    if str(book.store.folder) != json.loads(place.listing.read_text())["store"]:
        raise RuntimeError(f"{book.store.folder}: the store was built anew; the code changed while it was measured.")
    shutil.rmtree(book.store.folder / "figures", ignore_errors=True)
    if manner == "alone":
        return lambda: _table_alone(book, question.name)
    return lambda: {question.name: book.compute(TABLES[question.name])}


def figures(_: Question, __: Place, result: Figures | Store) -> Figures:
    """Return what the work told; of an intake, what the store holds."""
    if isinstance(result, Store):
        return {"intake": pl.concat([_kept(result, table) for table in INSTANTS])}
    return result


def build_store(place: Place) -> None:
    """Build the store that questions are asked of, where it is not there yet, and list its files by question."""
    store = open_store_of(place.exports("csv"), POLICY, environment=environment_of(place.stores))
    files = {name: _files(store, QUESTIONS[name]) for name in MADE}
    place.listing.write_text(json.dumps({"store": str(store.folder), "files": files}))


def _files(store: Store, question: Question) -> dict[str, list[str]]:
    """The store's files that a question needs, by table."""
    told, purposes = question.stretch, PURPOSES[question.name]
    found = {}
    for table in MADE[question.name] | ASKED[question.name]:
        start, end = (told.start, told.end) if table in MONTHLY else (None, None)
        shards = (store.files(table, n, start=start, end=end, purposes=purposes) for n in range(store.shards))
        found[table] = [str(file) for files in shards for file in files]
    return found


def environment_of(stores: Path) -> dict[str, str]:
    """The key of the benchmark, and where its stores lie."""
    return {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(stores)}


def _open(question: Question, place: Place, stores: Path) -> Book:
    told, environment = question.stretch, environment_of(stores)
    return open_book(place.exports("csv"), told.label, as_of=told.end, policy=POLICY, environment=environment)


def _verdicts(frames: Frames, asked: Asked) -> Parts:
    refused = messages.refused_messages(frames, places_of_people(frames, asked), asked)
    tallied = messages.tallied_messages(frames, asked)[BY_CAMPAIGN]
    return {"messages": messages.count_messages(tallied, refused, asked)}


def _turnaround(frames: Frames, asked: Asked) -> Parts:
    return collect(turnaround.count_requests(turnaround.judge_requests(frames, asked)))


def _recipients(frames: Frames, asked: Asked) -> Parts:
    rows = disclosures.numbered(disclosures.judge_disclosures(frames, asked))
    return disclosures.count_recipients(rows, disclosures.known_recipients(frames, rows["recipient"].dtype))


Alone = tuple[str, Callable[[Frames, Asked], Parts], Callable[[Parts, Asked], pl.DataFrame]]
ALONE: dict[str, Alone] = {
    "opt-outs": ("marketing_opt_outs", _verdicts, lambda parts, _: messages.tell_messages(parts["messages"])),
    "coverage": (
        "consent_coverage",
        coverage.count_people,
        lambda parts, asked: coverage.tell_days(parts["changes"], asked),
    ),
    "turnaround": ("request_turnaround", _turnaround, lambda parts, _: turnaround.tell_turnaround(parts)),
    "disclosures": ("third_party_disclosures", _recipients, lambda parts, _: disclosures.tell_recipients(parts)),
}
ALONE["opt-outs-month"] = ALONE["opt-outs"]


def _table_alone(book: Book, question: str) -> Figures:
    """The table that the peers compute, by the functions that the whole metric is made of."""
    metric, measure, tell = ALONE[question]
    alone = replace(
        METRICS[metric],
        tables=(),
        survey=None,
        measure=measure,
        finish=lambda parts, asked: {question: tell(parts, asked)},
    )
    return alone.add_up(loaders_of(book.store, alone, book.question), book.question)


def _compute_everything(book: Book) -> Figures:
    """Compute every table of every question, and the scorecard, as a run does."""
    for metric in METRICS.values():
        book.compute(metric.tables[0].name)
    book.scorecard()
    return {name: book.compute(table) for name, table in TABLES.items() if name != "opt-outs-month"}


def _report(question: Question, place: Place) -> Figures:
    words = ["run", "--exports", str(place.exports("csv")), "--period", question.stretch.label, "--policy", str(POLICY)]
    command = [sys.executable, "-m", "pledgebook", *words, "--out", str(place.scratch / "reports")]
    environment = {**os.environ, **environment_of(place.scratch / "stores")}
    subprocess.run(command, env=environment, cwd=SUITE, check=True, stdout=subprocess.DEVNULL)
    return {}


def _kept(store: Store, table: str) -> pl.DataFrame:
    shards = [kept_rows(table, files, INSTANTS[table]) for n in range(store.shards) if (files := store.files(table, n))]
    return (
        pl.concat(shards)
        .group_by("table")
        .agg(pl.col("rows", "people", "out_of_order").sum(), pl.col("first").min(), pl.col("last").max())
    )
