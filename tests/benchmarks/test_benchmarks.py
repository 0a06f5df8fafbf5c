"""The benchmark on a tiny world: every engine tells the same figures, and none of them is about nothing."""

import hashlib
import subprocess
import sys
import time
from dataclasses import replace
from subprocess import PIPE

import polars as pl
import pytest

from benchmarks import results_table
from benchmarks.__main__ import compare
from benchmarks.agreement import FINDINGS, OUTCOMES, VERDICTS, Disagreement, agree, in_one_form
from benchmarks.engines import ALONE, ENGINES, OWN
from benchmarks.engines.own import build_store
from benchmarks.growth import Further, further_files, open_as_it_is
from benchmarks.made_tables import MAKERS
from benchmarks.memory import EVERY, peak_memory, watched
from benchmarks.questions import FOUR, QUESTIONS, Place
from benchmarks.rounds import Results, Series, StepFailed, measure, read_results
from benchmarks.steps import Measured, perform
from benchmarks.targets import judge
from benchmarks.where_time_goes import profile
from benchmarks.world import make_world, rows_of_tables

MESSAGES, BLOCK = 20_000, 8_000
IN_PROCESS = [name for name in QUESTIONS if name != "report"]


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = make_world(tmp_path_factory.mktemp("bench"), MESSAGES, block=BLOCK)
    build_store(Place(made, made / "scratch"))
    return made


@pytest.fixture(scope="module")
def told(world):
    """All series of one round in this process, and the figures of Pledgebook itself."""
    figures = {}

    def step(engine, question, place):
        measured = perform(engine, question, place)
        if engine.name == OWN:
            figures.update({part: pl.read_parquet(place.scratch / f"{part}.figures") for part in question.parts})
        return measured

    return measure(world, IN_PROCESS, ENGINES, 1, step=step), figures


def test_every_engine_answers_every_question_of_its_own_with_the_same_figures(told):
    series, _ = told
    answered = {(each.question, each.engine) for each in series if each.measured and not each.failure}
    asked = {(name, e.name) for e in ENGINES.values() for name in e.questions if name != "report"}
    assert answered == asked
    peers = {name for _, name in asked if ENGINES[name].tells_figures}
    assert peers == {OWN, ALONE, "duckdb", "duckdb-asof", "duckdb-store", "polars", "pandas"}


def test_figures_that_are_compared_are_about_something(told):
    _, figures = told
    counted = {
        "opt-outs": VERDICTS,
        "coverage": ("people", "granted"),
        "turnaround": (
            *OUTCOMES,
            "on_time",
            "late",
            "overdue_open",
            "unverified_answers",
            "paused_open",
            "p50_days",
            "p90_days",
        ),
        "disclosures": FINDINGS,
    }
    empty = [f"{name}: {c}" for name, columns in counted.items() for c in columns if not figures[name][c].sum()]
    assert empty == []
    assert figures["opt-outs"]["messages"].sum() > figures["opt-outs-month"]["messages"].sum() > 0
    assert figures["coverage"]["date"].n_unique() == 365
    assert figures["turnaround"].filter(kind="all").height == 1
    assert set(counted) == set(FOUR)


def test_intake_keeps_every_row_of_the_world(told):
    _, figures = told
    kept = dict(figures["intake"].select("table", "rows").iter_rows())
    assert kept == {name: rows for name, rows in rows_of_tables(MESSAGES).items() if name in kept}
    assert len(kept) == 6


def test_world_is_the_same_for_the_same_seed_and_another_for_another(tmp_path):
    def contents(seed, folder):
        made = make_world(tmp_path / folder, 1000, seed=seed, block=400)
        files = sorted(made.rglob("part-*.csv"))
        assert len([f for f in files if f.parent.name == "messages"]) == 3
        return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()

    assert contents(1, "one") == contents(1, "again") != contents(2, "other")


def test_a_step_in_a_process_of_its_own_is_measured_and_printed(world):
    results = compare(
        MESSAGES, world.parent, rounds=1, questions=["turnaround"], engines=["scan-store", "polars"], block=BLOCK
    )
    table = results_table.as_markdown(read_results(world.parent / f"results-{MESSAGES}.json"))
    assert [series.engine for series in results.series] == ["scan-store", "polars"]
    for series in results.series:
        [measured] = series.measured
        assert 0 < measured.seconds < 60
        assert 20 << 20 < measured.peak < 2 << 30
        assert f"| {ENGINES[series.engine].title} | {measured.seconds:.3f} |" in table


def figures(**changes):
    row = {
        **{"regime": "APPI", "kind": "inquiry", "received": 3, "due": 1, "on_time": 1, "late": 0, "overdue_open": 0},
        **dict.fromkeys([*OUTCOMES, "unverified_answers", "paused_open"], 0),
        **{"p50_days": 3.0, "p90_days": 4.0, "p95_days": 5.0},
        **{"answered_median_days": 2.5, "answered_mean_days": 1 / 3, "answered_median_gross_days": None},
    }
    frame = pl.DataFrame(row | changes, schema_overrides={"answered_median_gross_days": pl.Float64})
    return in_one_form("turnaround", frame)


@pytest.mark.parametrize("changes", [{"received": 4}, {"kind": "deletion"}, {"p95_days": 5.1},
                                     {"answered_mean_days": 0.3333333334},
                                     {"answered_median_gross_days": 1.0}])  # fmt: skip
def test_other_figures_are_refused_and_named(changes):
    with pytest.raises(Disagreement, match="turnaround: polars differs from pledgebook"):
        agree("turnaround", [OWN, "polars"], [figures(), figures(**changes)])


def test_the_last_digit_of_a_number_of_days_is_no_difference():
    agree("turnaround", [OWN, "polars"], [figures(), figures(answered_mean_days=0.33333333333333337)])


def test_a_wrong_peer_ends_the_run_before_anything_is_told(world):
    def step(engine, _, place):
        rows = 3 if engine.name == OWN else 4
        figures(received=rows).write_parquet(place.scratch / "turnaround.figures")
        return Measured(1.0, 1.0, 0.0, 0.0, 1)

    with pytest.raises(Disagreement):
        measure(world, ["turnaround"], [OWN, "polars"], 1, step=step)


def test_a_peer_that_fails_is_left_out_and_pledgebook_is_not(world):
    def step(failing):
        def fail(engine, _, place):
            if engine.name == failing:
                raise StepFailed("killed")
            figures().write_parquet(place.scratch / "turnaround.figures")
            return Measured(1.0, 1.0, 0.0, 0.0, 1)

        return fail

    own, peer = measure(world, ["turnaround"], [OWN, "polars"], 2, step=step("polars"))
    assert (len(own.measured), peer.measured, peer.failure) == (2, [], "killed")
    with pytest.raises(StepFailed):
        measure(world, ["turnaround"], [OWN, "polars"], 2, step=step(OWN))


def measured(question, engine, *seconds, peak=1):
    return Series(question, engine, [Measured(s, s, 0.0, 0.0, peak) for s in seconds])


def test_targets_are_held_against_medians():
    series = [
        measured("opt-outs", OWN, 1.0, 2.0, 9.0),
        measured("opt-outs", "scan-store", 1.0),
        measured("opt-outs", "duckdb", 8.0),
        measured("opt-outs", "duckdb-asof", 5.0),
        measured("opt-outs", "pandas", 39.0),
    ]
    told = [(j.measured, j.at_most, j.is_met) for j in judge(Results(1000, {}, series))]
    assert told == [("2.00", "2.5", True), ("0.40", "0.3", False), ("0.051", "0.05", False)]


def test_growth_and_memory_are_judged_at_a_hundred_million():
    large = Results(100_000_000, {}, [measured("intake", OWN, 130.0, peak=1600 << 20)])
    tenth = Results(10_000_000, {}, [measured("intake", OWN, 10.0)])
    told = [(j.words, j.measured, j.is_met) for j in judge(large, tenth)]
    assert told == [
        ("intake: peak memory", "1600 MiB", False),
        ("intake: time against a tenth of the messages", "13.0", False),
    ]
    fine = replace(large, series=[measured("intake", OWN, 120.0, peak=1535 << 20)])
    assert [j.is_met for j in judge(fine, tenth)] == [True, True]


def test_peak_memory_counts_what_was_held_and_let_go():
    before = peak_memory()
    held = bytearray(before)
    del held
    assert peak_memory() >= before + before // 2


def test_memory_of_processes_that_were_started_counts_too():
    """More than one of the two holds: they hold it at once."""
    hold = "held = bytearray(150 << 20); print(flush=True); input()"
    with watched() as most:
        others = [subprocess.Popen([sys.executable, "-c", hold], stdin=PIPE, stdout=PIPE) for _ in range(2)]
        for each in others:
            each.stdout.readline()
        time.sleep(10 * EVERY)
        for each in others:
            each.communicate(b"\n")
        assert most() > 300 << 20


def test_table_goes_between_its_marks_alone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text(f"before\n{results_table.BEGIN}\nold\n{results_table.END}\nafter\n")
    results_table.put_into_readme("| new |\n", readme)
    assert readme.read_text() == f"before\n{results_table.BEGIN}\n\n| new |\n\n{results_table.END}\nafter\n"
    assert results_table.README.read_text().count(results_table.BEGIN) == 1


def test_what_is_measured_again_takes_the_place_of_what_was_on_the_same_machine_alone():
    first = Results(1000, {"processors": "2"}, [measured("opt-outs", OWN, 3.0), measured("opt-outs", "pandas", 39.0)])
    again = Results(1000, {"processors": "2"}, [measured("opt-outs", OWN, 2.0)])
    told = {each.engine: each.seconds for each in again.beside(first).series}
    assert told == {OWN: 2.0, "pandas": 39.0}
    assert replace(again, machine={"processors": "8"}).beside(first).series == again.series


def test_where_time_goes_is_told_by_functions_of_pledgebook(world):
    rows = profile("opt-outs", Place(world, world / "scratch"))
    names, seconds = [name for name, _, _ in rows], [below for _, _, below in rows]
    assert {"marketing_messages.refused_messages", "regions.places_of_people", "suppression.suppression"} <= set(names)
    assert seconds == sorted(seconds, reverse=True)


@pytest.mark.parametrize(("follows", "months"), [(True, {"2025-12", "2026-01"}), (False, {"2025-12"})])
def test_a_further_file_is_taken_in_and_goes_again(world, follows, months):
    """What follows in Japan begins in the last hours of a month in UTC."""
    place, further = Place(world, world / "scratch"), {"messages": 500, "consent_events": 100}
    exports, kind = place.exports("csv"), Further("", follows=follows, sizes=further)
    before, _ = open_as_it_is(exports, place.stores)
    with further_files(exports, exports, MESSAGES, kind):
        grown, _ = open_as_it_is(exports, place.stores)
    assert {table: grown.rows_kept(table) - before.rows_kept(table) for table in further} == further
    added = set(grown.files("messages", 0)) - set(before.files("messages", 0))
    assert {file.stem for file in added} == months
    assert open_as_it_is(exports, place.stores)[0].folder == before.folder


def test_rows_that_a_world_has_already_are_all_duplicates(world):
    place, sizes = Place(world, world / "scratch"), {"messages": 50, "consent_events": 10, "people": 5}
    exports = place.exports("csv")
    before, _ = open_as_it_is(exports, place.stores)
    with further_files(exports, exports, MESSAGES, Further("", follows=False, sizes=sizes, is_known=True)):
        grown, _ = open_as_it_is(exports, place.stores)
    further = grown.intake.filter(pl.col("source").str.contains("further"))
    assert dict(further.select("table", "rows_duplicate").iter_rows()) == sizes
    assert {table: grown.rows_kept(table) for table in sizes} == {table: before.rows_kept(table) for table in sizes}


def test_further_ids_of_people_leave_the_rows_of_others_where_they_are(world):
    """Pauses are laid beside their requests anew in each store."""
    place = Place(world, world / "scratch")
    exports = place.exports("csv")
    before, _ = open_as_it_is(exports, place.stores)
    with further_files(exports, exports, MESSAGES, Further("", follows=False, sizes={"identities": 30})):
        grown, _ = open_as_it_is(exports, place.stores)
    assert grown.rows_kept("identities") == 30
    staying = MAKERS.keys() - {"request_pauses"}
    assert {table: grown.files(table, 0) for table in staying} == {table: before.files(table, 0) for table in staying}
