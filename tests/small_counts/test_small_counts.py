"""Nothing that is published for the public gives a small count away, and nothing else is lost than has to be."""

from itertools import product
from pathlib import Path

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pledgebook.errors import InputError
from pledgebook.metrics.catalogue import ACCOUNTS, METRICS, published
from pledgebook.metrics.definition import Published
from pledgebook.metrics.scorecard import SCORECARD
from pledgebook.small_counts import (
    FEWEST_CASES,
    LARGEST_HIDDEN,
    ROUNDED_TO,
    hide_small_counts,
    hide_small_counts_in_scorecard,
    readable,
)
from pledgebook.small_counts.rules import NOT_ADDITIVE, Counts, group_counts

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
WITH_TOTALS = {
    "consent_coverage": ("kind",),
    "consent_gap": ("purpose",),
    "marketing_messages": ("month", "channel", "campaign"),
    "opt_outs": ("channel",),
    "request_turnaround": ("kind",),
    "disclosures_by_recipient": ("recipient",),
}
WITHOUT_TOTALS = ("marketing_messages_daily", "disclosures", "requests_due_by_month", "disclosures_by_item", "intake")
SMALL = range(1, LARGEST_HIDDEN + 1)
COUNTS = st.one_of(
    st.just(0), st.integers(1, LARGEST_HIDDEN), st.integers(LARGEST_HIDDEN + 1, 90), st.integers(8, 5000)
)
NO_SMALL = st.one_of(st.just(0), st.integers(LARGEST_HIDDEN + 1, 90))


def declared(name: str) -> Published:
    found = published(name) or ACCOUNTS.get(name)
    assert found is not None
    return found


def a_table(name: str, numbers: list[list[int]], keys: list[int]) -> pl.DataFrame:
    """An exact table: the counts of each row from `numbers`, the columns and rows that are sums made from them."""
    table = declared(name)
    over = WITH_TOTALS.get(name, ())
    columns = [c for c in table.columns if c.unit == "count"]
    groups = group_counts(pl.DataFrame({c.name: [0] for c in columns}), table)
    rows = []
    for at, (row, key) in enumerate(zip(numbers, keys, strict=True)):
        told = {group: f"{group}{at if group in over or not over else key:02}" for group in table.groups}
        spare = iter(row)
        for counts in groups:
            told |= {part: next(spare) for part in counts.parts}
            if counts.total:
                told[counts.total] = sum(told[part] for part in counts.parts)
        rows.append(told)
    left = [group for group in table.groups if group not in over]
    for key in sorted({tuple(row[g] for g in left) for row in rows}) if over else []:
        mine = [row for row in rows if tuple(row[g] for g in left) == key]
        sums = {c.name: sum(row[c.name] for row in mine) for c in columns}
        rows.append(dict(zip(left, key, strict=True)) | dict.fromkeys(over, "all") | sums)
    frame = pl.DataFrame(rows).sort(table.groups)
    others = [
        pl.lit(None, dtype=pl.String if c.unit == "label" else pl.Float64).alias(c.name)
        for c in table.columns
        if c.unit != "count"
    ]
    return frame.with_columns(others).select(*table.groups, *[c.name for c in table.columns])


@st.composite
def tables(draw, counts=COUNTS):
    name = draw(st.sampled_from([*WITH_TOTALS, *WITHOUT_TOTALS]))
    width = sum(c.unit == "count" for c in declared(name).columns)
    height = draw(st.integers(1, 6))
    numbers = draw(st.lists(st.lists(counts, min_size=width, max_size=width), min_size=height, max_size=height))
    return name, a_table(name, numbers, draw(st.lists(st.integers(1, 2), min_size=height, max_size=height)))


def totals_of(name: str, table: pl.DataFrame) -> list[tuple[tuple[int, str], list[tuple[int, str]]]]:
    """Every total of a table with its parts, each as (row, column), across columns and down the rows."""
    over = WITH_TOTALS.get(name, ())
    groups: list[Counts] = group_counts(table, declared(name))
    rows = table.to_dicts()
    across = [((at, c.total), [(at, part) for part in c.parts]) for at in range(len(rows)) for c in groups if c.total]
    left = [group for group in declared(name).groups if group not in over]
    down = []
    for at, row in enumerate(rows):
        if over and all(row[g] == "all" for g in over):
            mine = [i for i, r in enumerate(rows) if i != at and all(r[g] == row[g] for g in left)]
            down += [((at, n), [(i, n) for i in mine]) for c in groups if c.is_additive for n in c.names]
    return across + down


def counts_of(name: str, table: pl.DataFrame) -> list[tuple[int, str]]:
    names = [c.name for c in declared(name).columns if c.unit == "count"]
    return list(product(range(table.height), names))


@settings(max_examples=250, deadline=None)
@given(tables())
def test_every_count_is_hidden_or_rounded(made):
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    for row, column in counts_of(name, exact):
        was, now = exact[column][row], shown[column][row]
        assert shown[f"{column}_is_suppressed"][row] == (now is None)
        assert now is None or (now % ROUNDED_TO == 0 and now not in SMALL)
        assert now is None if was in SMALL else True
        assert (now == 0) == (was == 0)


@settings(max_examples=250, deadline=None)
@given(tables())
def test_a_total_is_the_sum_of_its_visible_parts_and_says_when_some_are_hidden(made):
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    for (row, column), parts in totals_of(name, exact):
        total = shown[column][row]
        visible = [shown[c][r] for r, c in parts]
        if total is not None:
            assert total == sum(v or 0 for v in visible)
            lacks = any(
                v is None or shown[f"{c}_is_at_least"][r] if f"{c}_is_at_least" in shown.columns else v is None
                for v, (r, c) in zip(visible, parts, strict=True)
            )
            assert shown[f"{column}_is_at_least"][row] == lacks
        else:
            assert not any(visible)
            assert not shown[f"{column}_is_at_least"][row]


@settings(max_examples=250, deadline=None)
@given(tables())
def test_no_total_has_a_single_hidden_part_beside_others(made):
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    for _, parts in totals_of(name, exact):
        hidden = [part for part in parts if shown[part[1]][part[0]] is None]
        others = [part for part in parts if exact[part[1]][part[0]] and part not in hidden]
        assert len(hidden) != 1 or not others


@settings(max_examples=250, deadline=None)
@given(tables())
def test_no_hidden_count_can_be_worked_out(made):
    """Who subtracts whatever is visible from whatever total is visible, again and again, finds no hidden count."""
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    known = {(r, c): shown[c][r] for r, c in counts_of(name, exact)}
    hidden = [cell for cell, value in known.items() if value is None]
    sums = totals_of(name, exact)
    found = True
    while found:
        found = False
        for total, parts in sums:
            missing = [cell for cell in (total, *parts) if known[cell] is None]
            if len(missing) == 1:
                visible = sum(known[part] or 0 for part in parts)
                known[missing[0]] = visible if missing[0] == total else known[total] - visible
                found = True
    assert all(known[r, c] != exact[c][r] for r, c in hidden)


@settings(max_examples=150, deadline=None)
@given(tables(NO_SMALL))
def test_without_small_counts_there_is_only_rounding(made):
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    sums = {cell for cell, _ in totals_of(name, exact)}
    for row, column in counts_of(name, exact):
        assert not shown[f"{column}_is_suppressed"][row]
        if (row, column) not in sums:
            assert shown[column][row] == (exact[column][row] + 2) // 5 * 5
    assert not any(shown[c].any() for c in shown.columns if c.endswith(("_is_at_least", "_is_secondary")))


@settings(max_examples=150, deadline=None)
@given(tables())
def test_ratios_come_from_the_published_counts(made):
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    for column in declared(name).columns:
        if column.unit != "ratio":
            continue
        for row in shown.to_dicts():
            over, under = row[column.numerator], row[column.population]
            told = None if over is None or not under or over > under else over / under
            assert row[column.name] == told


@settings(max_examples=100, deadline=None)
@given(tables())
def test_rows_keep_their_order_and_labels_and_the_same_input_gives_the_same_output(made):
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    labels = [c.name for c in declared(name).columns if c.unit == "label"]
    assert shown.select(*declared(name).groups, *labels).equals(exact.select(*declared(name).groups, *labels))
    assert shown.equals(hide_small_counts(exact, declared(name)))
    assert shown.select(exact.columns).schema == exact.schema


def opt_outs(*rows: tuple[str, int, int]) -> pl.DataFrame:
    every = [*rows, ("all", sum(r[1] for r in rows), sum(r[2] for r in rows))]
    frame = pl.DataFrame(every, schema=["channel", "honoured", "breached"], orient="row")
    return frame.with_columns(
        (pl.col("honoured") + pl.col("breached")).alias("opt_outs"),
        median_hours_to_suppression=12.5,
        not_suppressed=0,
        honoured_ratio=0.5,
    ).sort("channel")


def row_of(table: pl.DataFrame, **at: str) -> dict:
    return table.filter(*[pl.col(name) == value for name, value in at.items()]).row(0, named=True)


def test_a_hidden_part_takes_the_smallest_other_with_it_in_row_and_column():
    shown = hide_small_counts(opt_outs(("email", 97, 3), ("phone", 80, 12), ("sms", 50, 33)), declared("opt_outs"))
    email, phone, sms, total = (row_of(shown, channel=c) for c in ("email", "phone", "sms", "all"))
    # email: 3 is small, and 97 the only other; then sms: of the opt_outs that are left, 83 is less than 92
    assert (email["honoured"], email["breached"], email["opt_outs"]) == (None, None, None)
    assert email["honoured_is_secondary"] and not email["breached_is_secondary"]
    assert (sms["honoured"], sms["breached"], sms["opt_outs"]) == (None, None, None)
    assert (phone["honoured"], phone["breached"], phone["opt_outs"]) == (80, 10, 90)
    assert (total["honoured"], total["breached"], total["opt_outs"]) == (80, 10, 90)
    assert total["opt_outs_is_at_least"] and not phone["opt_outs_is_at_least"]
    assert email["honoured_ratio"] is None and phone["honoured_ratio"] == 80 / 90


def test_a_total_from_one_to_seven_is_hidden_and_not_at_least_zero():
    shown = hide_small_counts(opt_outs(("email", 0, 2), ("sms", 0, 3)), declared("opt_outs"))
    total = row_of(shown, channel="all")
    assert total["breached"] is None and total["breached_is_suppressed"] and not total["breached_is_secondary"]
    assert total["honoured"] == 0 and not total["honoured_is_suppressed"]


def test_at_a_tie_the_first_is_hidden():
    table = a_table("requests_due_by_month", [[3, 40, 40]], [1]).with_columns(on_time=40, late=3, overdue_open=40)
    shown = hide_small_counts(table, declared("requests_due_by_month"))
    assert shown.select("on_time", "late", "overdue_open", "due").row(0) == (None, None, 40, 40)
    assert shown["due_is_at_least"][0] and shown["due"].dtype == pl.Int64


def test_distinct_people_are_rounded_on_their_own():
    exact = a_table("disclosures_by_recipient", [[0] * 7 + [30, 22]] * 2, [1, 1])
    columns = ["recipient", "disclosures", "people"]
    exact = exact.with_columns(pl.when(pl.col("recipient") == "all").then(28).otherwise(22).alias("people"))
    shown = hide_small_counts(exact, declared("disclosures_by_recipient"))
    assert shown.select(columns).rows()[0] == ("all", exact["in_order"][1] // 5 * 10 or 60, 30)
    assert "people" in NOT_ADDITIVE and "people_is_at_least" not in shown.columns


def test_a_lone_row_for_all_is_a_row_like_any_other():
    exact = opt_outs(("email", 40, 10)).filter(pl.col("channel") == "all")
    assert hide_small_counts(exact, declared("opt_outs")).select("opt_outs", "honoured", "breached").row(0) == (
        50,
        40,
        10,
    )


def test_a_count_that_is_not_there_stays_null_and_is_not_suppressed():
    exact = pl.DataFrame(
        {"table": ["t"], "note": ["n"], "rows": [None]},
        schema={"table": pl.String, "note": pl.String, "rows": pl.Int64},
    )
    shown = hide_small_counts(exact, ACCOUNTS["notes"])
    assert shown["rows"].to_list() == [None] and shown["rows_is_suppressed"].to_list() == [False]


@pytest.mark.parametrize("name", [t.name for m in METRICS.values() for t in m.tables if t.is_worklist])
def test_there_are_no_worklists_for_the_public(name):
    with pytest.raises(InputError, match="worklist"):
        hide_small_counts(pl.DataFrame(), declared(name))


def turnaround(received: int, answered: int) -> pl.DataFrame:
    table = a_table("request_turnaround", [[answered, 0, 0, 0, 0, 0, received - answered, 0, 0, 0, 0, 0]], [1])
    days = [c.name for c in declared("request_turnaround").columns if c.unit == "days"]
    return table.with_columns(pl.lit(3.5).alias(name) for name in days)


@pytest.mark.parametrize(
    ("received", "answered", "percentile", "median"),
    [(40, 30, 3.5, 3.5), (FEWEST_CASES, FEWEST_CASES, 3.5, 3.5), (19, 19, None, None), (40, 19, 3.5, None)],
)
def test_no_duration_is_told_of_under_twenty_cases(received, answered, percentile, median):
    shown = hide_small_counts(turnaround(received, answered), declared("request_turnaround"))
    assert shown["p50_days"].to_list() == [percentile] * 2
    assert shown["answered_median_days"].to_list() == [median] * 2


def curve(cases: int) -> pl.DataFrame:
    waiting = list(range(cases, 0, -1))
    return pl.DataFrame(
        {
            "regime": "APPI",
            "kind": "all",
            "days": [n / 3 for n in range(cases)],
            "at_risk": waiting,
            "events": [1] * cases,
            "survival": [(n - 1) / cases for n in waiting],
        }
    )


def test_a_survival_curve_is_told_in_steps_that_are_worth_more_than_a_hidden_count():
    assert hide_small_counts(curve(FEWEST_CASES - 1), declared("request_survival")).is_empty()
    for cases in (20, 39, 100, 400):
        exact = curve(cases)
        shown = hide_small_counts(exact, declared("request_survival"))
        apart = exact.join(shown.select("days"), on="days", maintain_order="left")["at_risk"].diff().drop_nulls()
        assert shown["survival"].is_sorted(descending=True) and shown.height > 0
        assert (apart < -LARGEST_HIDDEN).all()
        assert shown["at_risk"].null_count() == 0 and (shown["at_risk"] % ROUNDED_TO == 0).all()
        assert shown["events"].null_count() == shown.height


def test_a_distribution_of_few_durations_is_left_out():
    exact = pl.DataFrame({"channel": ["email", "email", "sms"], "hours": [1, 2, 1], "opt_outs": [12, 8, 19]})
    shown = hide_small_counts(exact, declared("opt_out_waits"))
    assert shown.select("channel", "hours", "opt_outs").rows() == [("email", 1, 10), ("email", 2, 10)]


def score(figure: str | None, numerator, denominator, value, verdict: str, **more) -> dict:
    return dict.fromkeys(SCORECARD) | {
        "promise": "p", "figure": figure, "numerator": numerator, "denominator": denominator, "value": value, "verdict": verdict,
    } | more  # fmt: skip


def publish(*rows: dict) -> list[dict]:
    return hide_small_counts_in_scorecard(pl.DataFrame(list(rows), schema=SCORECARD)).to_dicts()


AFTER = "marketing_messages[month=all, channel=all, campaign=all].after_opt_out"
ON_TIME = "request_turnaround[regime=APPI, kind=all].on_time_ratio"
P90 = "request_turnaround[regime=APPI, kind=all].p90_days"


def test_a_broken_promise_stays_visibly_broken():
    (row,) = publish(score(AFTER, 3.0, 1001.0, 3.0, "broken", target="at most 0"))
    assert (row["numerator"], row["value"], row["denominator"], row["verdict"]) == (None, None, 1000.0, "broken")
    assert row["numerator_is_suppressed"] and row["value_is_suppressed"] and not row["denominator_is_suppressed"]
    (told,) = readable(
        hide_small_counts_in_scorecard(pl.DataFrame([score(AFTER, 3.0, 1001.0, 3.0, "broken")], schema=SCORECARD))
    ).to_dicts()
    assert (told["numerator"], told["denominator"], told["value"], told["verdict"]) == (
        "[1-7]",
        "1000",
        "[1-7]",
        "broken",
    )


@pytest.mark.parametrize(
    ("numerator", "denominator", "told"),
    [(46.0, 58.0, (45.0, 60.0, 0.75)), (46.0, 50.0, (None, 50.0, None)), (4.0, 58.0, (None, 60.0, None)),
     (0.0, 58.0, (0.0, 60.0, 0.0)), (6.0, 6.0, (None, None, None)), (58.0, 58.0, (60.0, 60.0, 1.0))],
)  # fmt: skip
def test_a_ratio_of_the_scorecard_comes_from_rounded_counts(numerator, denominator, told):
    (row,) = publish(score(ON_TIME, numerator, denominator, numerator / denominator, "broken"))
    assert (row["numerator"], row["denominator"], row["value"]) == told


def test_durations_previous_values_and_reasons_of_the_scorecard():
    rows = publish(
        score(P90, None, 19.0, 20.9, "broken"), score(P90, None, 20.0, 20.9, "broken"),
        score(AFTER, 0.0, 100.0, 0.0, "kept", previous_value=4.0), score(AFTER, 12.0, 100.0, 12.0, "broken", previous_value=13.0),
        score(AFTER, None, None, None, "cannot tell", reason="3 rows in quarantine are, or may be, opt-outs"),
        score(None, None, None, None, "cannot tell", reason="Clause 3 leaves no record."),
    )  # fmt: skip
    assert [row["value"] for row in rows] == [None, 20.9, 0.0, 10.0, None, None]
    assert [row["previous_value"] for row in rows] == [None, None, None, 15.0, None, None]
    assert [row["reason"] for row in rows[4:]] == [
        "rows in quarantine are, or may be, opt-outs",
        "Clause 3 leaves no record.",
    ]


def test_people_read_what_is_hidden_and_what_is_at_least():
    shown = hide_small_counts(opt_outs(("email", 97, 3), ("phone", 80, 12), ("sms", 50, 33)), declared("opt_outs"))
    told = readable(shown)
    assert told.columns == [name for name in shown.columns if "_is_" not in name]
    assert [row_of(told, channel="email")[c] for c in ("honoured", "breached", "opt_outs")] == [
        "hidden",
        "[1-7]",
        "hidden",
    ]
    assert [row_of(told, channel="all")[c] for c in ("honoured", "breached", "opt_outs")] == [
        "at least 80",
        "at least 10",
        "at least 90",
    ]
    assert [row_of(told, channel="phone")[c] for c in ("honoured", "not_suppressed", "honoured_ratio")] == [
        "80",
        "0",
        80 / 90,
    ]


@pytest.mark.parametrize(
    "name", [t.name for m in METRICS.values() for t in m.tables if not t.is_worklist] + list(ACCOUNTS)
)
def test_every_table_of_the_suite_can_be_published(name):
    exact = pl.read_csv(GOLDEN / f"{name}.csv", infer_schema_length=None)
    shown = hide_small_counts(exact, declared(name))
    names = [c.name for c in declared(name).columns if c.unit == "count"]
    told = shown.select(pl.col(names)).unpivot()["value"].drop_nulls()
    assert not told.is_in(list(SMALL)).any() and (told % ROUNDED_TO == 0).all()
    empty = hide_small_counts(exact.clear(), declared(name))
    assert empty.is_empty() and set(exact.columns) <= set(empty.columns)
    assert readable(shown).columns == exact.columns
