"""Worklists of any length: in pieces on disk they come out in the order of one sort in memory, and few rows are held."""

import gc
import weakref
from concurrent.futures import Future
from functools import partial
from itertools import accumulate

import polars as pl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from asking import ask
from pledgebook import measuring, publishing, worklists
from pledgebook.book import open_book
from pledgebook.display import present_worklist
from pledgebook.metrics.catalogue import METRICS
from pledgebook.metrics.definition import Metric, Published, sort_rows
from pledgebook.publishing import INSTANT_FORMAT, publish_tables, without_formulas
from pledgebook.worklists import Aside, Limits, Worklist, are_same_rows
from tests.golden.update import FOLDER, as_text, sample_book

DECLARED = Published("late", "one row per message", (), (), (), (), order=("at", "id"))
SCHEMA = {"at": pl.Int64, "id": pl.String, "came": pl.Int64}
FEW = Limits(held=2, stretch=3, noted=1, row_group=2)
LISTS = [table.name for metric in METRICS.values() for table in metric.tables if table.is_worklist]

cells = st.tuples(st.none() | st.integers(0, 4), st.none() | st.sampled_from("abcdef"))
limits = st.builds(Limits, st.integers(0, 12), st.integers(1, 12), st.integers(1, 5), st.integers(1, 5))


def frame(rows):
    return pl.DataFrame([(*row, came) for came, row in enumerate(rows)], schema=SCHEMA, orient="row")


def told(rows, lengths, limits, folder):
    """The stretches of rows that came in pieces of these lengths, and then all that is left."""
    worklist, begins = Worklist(DECLARED, lambda: folder, limits), list(accumulate(lengths, initial=0))
    for begin, length in zip(begins, [*lengths, rows.height], strict=True):
        worklist.add(rows.slice(begin, length))
    return list(worklist.stretches())


@settings(max_examples=200, deadline=None)
@given(st.lists(cells, max_size=60), st.lists(st.integers(0, 12), max_size=6), limits)
@example([(None, "b"), (None, "a"), (1, None), (None, None), (1, "a"), (1, None)], [2, 2], FEW)
@example([(3, "a")] * 9, [4], FEW)
@example([], [], FEW)
def test_rows_come_out_as_one_sort_in_memory_leaves_them(tmp_path_factory, rows, lengths, limits):
    whole = frame(rows)
    expected = whole.sort("at", "id", nulls_last=True, maintain_order=True)
    assert pl.concat(told(whole, lengths, limits, tmp_path_factory.mktemp("room"))).equals(expected)
    assert sort_rows(whole, DECLARED.order).equals(expected)


@settings(max_examples=100, deadline=None)
@given(st.permutations(range(60)), st.lists(st.integers(0, 12), min_size=2, max_size=6), limits, st.integers(1, 60))
def test_no_stretch_is_longer_than_its_limit(tmp_path_factory, ids, lengths, limits, instants):
    """Many share an instant; the id parts them."""
    rows = frame([(number % instants, f"{number:02}") for number in ids])
    stretches = told(rows, lengths, limits, tmp_path_factory.mktemp("room"))
    beside = (len(lengths) + 1) * (limits.noted - 1)
    longest = max(limits.stretch, beside + limits.noted) if len(stretches) > 1 else rows.height
    assert max(each.height for each in stretches) <= longest


def test_no_more_rows_are_ever_held_than_a_pile_or_a_stretch_has(tmp_path, monkeypatch):
    held = []
    monkeypatch.setattr(worklists, "sort_rows", lambda rows, order: held.append(rows.height) or sort_rows(rows, order))
    worklist = Worklist(DECLARED, lambda: tmp_path, Limits(held=50, stretch=40, noted=2, row_group=8))
    for shard in range(40):
        worklist.add(frame([(number * 7 % 100, f"{shard}-{number}") for number in range(30)]))
        assert sum(each.height for each in worklist._held) <= 50
    assert sum(each.height for each in worklist.stretches()) == 1200
    notes = 1200 // 2
    assert sorted(held)[-1] == notes
    assert sorted(held)[-2] <= 60


def test_what_is_noted_of_a_pile_does_not_hold_on_to_its_rows(tmp_path):
    worklist = Worklist(DECLARED, lambda: tmp_path, Limits(held=2000, stretch=500, noted=100))
    worklist.add(frame([(number, f"an id longer than any that lies inline {number}") for number in range(3000)]))
    noted = sum(each.estimated_size() for each in worklist._noted)
    assert 30 * 40 < noted < 30 * 100


def test_what_was_set_aside_is_let_go_without_waiting_for_a_collection(tmp_path):
    gc.disable()
    try:
        with Aside([DECLARED], tmp_path) as aside:
            aside.add("late", frame([(1, "a")]))
            worklist = weakref.ref(aside.worklists["late"])
        assert worklist() is None
    finally:
        gc.enable()


def test_few_rows_need_no_disk(tmp_path):
    with Aside([DECLARED], tmp_path) as aside:
        aside.add("late", frame([(2, "a"), (1, "b")]))
        (rows,) = aside.worklists["late"].stretches()
        assert rows["id"].to_list() == ["b", "a"]
        assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("ends", [None, OSError, KeyboardInterrupt])
def test_piles_are_for_their_owner_alone_and_gone_afterwards(tmp_path, monkeypatch, ends):
    monkeypatch.setattr(worklists, "LIMITS", FEW)
    aside = Aside([DECLARED], tmp_path)
    with aside:
        aside.add("late", frame([(2, "a"), (1, "b"), (3, "c")]))
        (workshop,) = tmp_path.iterdir()
        assert workshop.stat().st_mode & 0o077 == 0
        assert [file.name for file in workshop.iterdir()] == ["late-00000.parquet"]
        if ends is not None:
            with pytest.raises(ends), aside:
                raise ends
    assert list(tmp_path.iterdir()) == []


class Waiting:
    """An executor that tells how many answers are waited for."""

    def __init__(self):
        self.waiting, self.most = 0, 0

    def submit(self, function, *arguments):
        self.waiting += 1
        self.most = max(self.most, self.waiting)
        done = Future()
        done.set_result(function(*arguments))
        return done


def a_metric():
    def measure(frames, _):
        return {"late": frames["late"], "counts": frames["late"].select(rows=pl.len())}

    texts = dict.fromkeys(
        (
            "name",
            "title",
            "question",
            "population",
            "unit",
            "better",
            "clause",
            "source",
            "owner",
            "valid_since",
            "notebook",
        ),
        "",
    )
    return Metric(
        **texts,
        tables=(DECLARED,),
        frames=(),
        measure=measure,
        finish=lambda parts, _: {"counts": parts["counts"].sum()},
    )


@pytest.mark.parametrize("executor", [None, Waiting()])
def test_rows_of_a_shard_are_set_aside_before_many_others_were_measured(monkeypatch, executor):
    monkeypatch.setattr(measuring, "AT_WORKERS", 2)
    begun, aside = [], []

    def load(number):
        begun.append(number)
        return {"late": frame([(9 - number, str(number))])}

    loaders = [partial(load, number) for number in range(9)]

    def set_aside(name, rows):
        assert len(begun) <= len(aside) + 2
        aside.append((name, rows["id"].item()))
        if executor is not None:
            executor.waiting -= 1

    tables = a_metric().add_up(loaders, ask(), executor, set_aside)
    assert aside == [("late", str(n)) for n in range(9)]
    assert set(tables) == {"counts"}
    assert tables["counts"].item() == 9
    assert executor is None or executor.most == 2
    in_memory = a_metric().add_up(loaders, ask())
    assert in_memory["late"]["id"].to_list() == [str(n) for n in reversed(range(9))]


@pytest.fixture
def small(tmp_path, monkeypatch):
    """The sample in a store of its own, its worklists in stretches of three rows."""
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "stores"))
    monkeypatch.setattr(worklists, "LIMITS", FEW)
    monkeypatch.setattr("pledgebook.loading.ROWS_AT_ONCE", 2000)
    return sample_book()


@pytest.mark.parametrize("name", LISTS)
def test_worklists_in_many_files_are_the_golden_ones(small, name):
    golden = (FOLDER / f"{name}.csv").read_text(encoding="utf-8")
    for book in (small, sample_book()):
        assert as_text(book.worklist(name)) == as_text(book.compute(name)) == golden
    files = list(small.store.folder.glob(f"figures/*/*/{name}/*.parquet"))
    assert len(files) > 1
    assert max(pl.scan_parquet(file).select(pl.len()).collect().item() for file in files) <= 3
    assert list(small.store.folder.parent.glob(".making-*")) == []


def test_rows_are_not_read_for_tables_files_and_pages(small, tmp_path, monkeypatch):
    """Files are written a few rows at a time."""
    monkeypatch.setattr(publishing, "ROWS_AT_ONCE", 3)
    small.compute("disclosures")
    book, whole = sample_book(), {name: without_formulas(small.worklist(name)) for name in LISTS}
    monkeypatch.setattr(type(book), "worklist", lambda *_: pytest.fail("all rows were read"))
    shown = {name: present_worklist(book, name).data for name in LISTS}
    assert [f"**{rows.height} rows** to act on" in shown[name] for name, rows in whole.items()] == [True] * len(LISTS)
    for name in METRICS:
        publish_tables(book, name, tmp_path)
    for name, rows in whole.items():
        assert (tmp_path / f"worklists/{name}.csv").read_text() == rows.write_csv(datetime_format=INSTANT_FORMAT)


def test_a_worklist_whose_files_are_lost_is_computed_again(small):
    before = small.worklist("disclosure_findings")
    for damage in (lambda file: file.unlink(), lambda file: file.write_bytes(file.read_bytes()[:-9])):
        newest = max(
            small.store.folder.glob("figures/*/*/disclosure_findings"), key=lambda each: each.stat().st_mtime_ns
        )
        damage(newest / "00001.parquet")
        assert sample_book().worklist("disclosure_findings").equals(before)
        assert small.worklist("disclosure_findings").equals(before)


def test_a_worklist_whose_inputs_are_missing_has_its_columns_and_no_rows(root, tmp_path, monkeypatch):
    monkeypatch.setenv("PLEDGEBOOK_STORE", str(tmp_path / "stores"))
    only = ["messages.csv", "requests.csv", "people.csv"]
    book = open_book(root / "data/sample", "2026-09", only=only)
    rows = book.worklist("opt_out_breaches")
    assert rows.height == 0
    assert rows.columns == columns_of("opt_out_breaches")


def columns_of(name):
    return (FOLDER / f"{name}.csv").read_text(encoding="utf-8").splitlines()[0].split(",")


def test_rows_in_another_order_of_another_type_or_fewer_are_not_the_same():
    rows = frame([(1, "a"), (None, None), (2, "b")])
    assert are_same_rows(rows.lazy(), rows.lazy())
    others = [rows.reverse(), rows.head(2), rows.cast({"at": pl.Int32}), rows.with_columns(id=pl.lit("a"))]
    assert [are_same_rows(rows.lazy(), other.lazy()) for other in others] == [False] * 4
