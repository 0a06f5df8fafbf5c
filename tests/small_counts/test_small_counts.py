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

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
WITH_TOTALS = {
    "consent_coverage": ("kind",),
    "consent_gap": ("purpose",),
    "marketing_messages": ("month", "channel", "campaign"),
    "opt_outs": ("channel",),
    "request_turnaround": ("kind",),
    "request_backlog": ("kind",),
    "disclosures_by_recipient": ("recipient",),
}
OUTCOMES = ["fulfilled", "partly_fulfilled", "denied", "withdrawn", "unverifiable", "outcome_unknown", "open"]
VERDICTS = ["after_opt_out", "in_grace", "no_consent", "expired", "outdated", "permitted"]
FINDINGS = [
    "unknown_recipient", "unknown_basis", "no_consent", "no_contract", "no_legal_reference", "not_recorded",
    "undeclared_purpose", "in_order",
]  # fmt: skip
DUE = {"due": ["on_time", "late", "overdue_open"]}
ADDS_UP = {
    "consent_coverage": {"people": ["granted", "outdated", "expired", "withdrawn", "never_asked"]},
    "request_turnaround": {"received": OUTCOMES, **DUE},
    "requests_due_by_month": DUE,
    "request_acknowledgements": {
        "acknowledgements_due": ["acknowledged_on_time", "acknowledged_late", "not_acknowledged"]
    },
    "ccpa_7102": {
        "denied": ["denied_not_verifiable", "denied_not_a_consumer", "denied_exempt", "denied_other"],
        "received": ["complied", "denied", "withdrawn", "outcome_unknown", "open"],
    },
    "marketing_messages": {"messages": VERDICTS},
    "marketing_messages_daily": {"messages": VERDICTS},
    "opt_outs": {"opt_outs": ["honoured", "breached"]},
    "disclosures": {"disclosures": FINDINGS},
    "disclosures_by_recipient": {"disclosures": FINDINGS},
    "intake": {"rows_read": ["rows_kept", "rows_quarantined", "rows_duplicate", "rows_superseded"]},
}
DISTINCT = {"disclosures": {"people"}, "disclosures_by_recipient": {"people"}}
WITHOUT_TOTALS = (
    "marketing_messages_daily", "disclosures", "requests_due_by_month", "disclosures_by_item", "intake", "ccpa_7102",
    "request_acknowledgements", "consent_coverage_daily",
)  # fmt: skip
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
    sums = ADDS_UP.get(name, {})
    rows = []
    for at, (row, key) in enumerate(zip(numbers, keys, strict=True)):
        told = {group: f"{group}{at if group in over or not over else key:02}" for group in table.groups}
        told |= {c.name: number for c, number in zip(columns, row, strict=True)}
        for total, parts in sums.items():
            told[total] = sum(told[part] for part in parts)
        rows.append(told)
    left = [group for group in table.groups if group not in over]
    for key in sorted({tuple(row[g] for g in left) for row in rows}) if over else []:
        mine = [row for row in rows if tuple(row[g] for g in left) == key]
        added = {c.name: sum(row[c.name] for row in mine) for c in columns}
        rows.append(dict(zip(left, key, strict=True)) | dict.fromkeys(over, "all") | added)
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
    rows = table.to_dicts()
    sums = ADDS_UP.get(name, {}).items()
    across = [((at, total), [(at, part) for part in parts]) for at in range(len(rows)) for total, parts in sums]
    added = [c.name for c in declared(name).columns if c.unit == "count" and c.name not in DISTINCT.get(name, ())]
    left = [group for group in declared(name).groups if group not in over]
    down = []
    for at, row in enumerate(rows):
        if over and all(row[g] == "all" for g in over):
            mine = [i for i, r in enumerate(rows) if i != at and all(r[g] == row[g] for g in left)]
            down += [((at, n), [(i, n) for i in mine]) for n in added]
    return across + down


def counts_of(name: str, table: pl.DataFrame) -> list[tuple[int, str]]:
    names = [c.name for c in declared(name).columns if c.unit == "count"]
    return list(product(range(table.height), names))


@settings(max_examples=100, deadline=None)
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


@settings(max_examples=100, deadline=None)
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


@settings(max_examples=100, deadline=None)
@given(tables())
def test_no_total_has_a_single_hidden_part_beside_others(made):
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    for _, parts in totals_of(name, exact):
        hidden = [part for part in parts if shown[part[1]][part[0]] is None]
        others = [part for part in parts if exact[part[1]][part[0]] and part not in hidden]
        assert len(hidden) != 1 or not others


@settings(max_examples=100, deadline=None)
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


@settings(max_examples=60, deadline=None)
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


@settings(max_examples=60, deadline=None)
@given(tables())
def test_ratios_come_from_the_published_counts(made):
    name, exact = made
    shown = hide_small_counts(exact, declared(name))
    for column in declared(name).columns:
        if column.unit != "ratio":
            continue
        wholes = exact[column.numerator] == exact[column.population]
        for row, whole in zip(shown.to_dicts(), wholes, strict=True):
            over, under = row[column.numerator], row[column.population]
            told = None if over is None or not under or over > under else over / under
            told = None if told == 1 and not whole else told
            assert row[column.name] == told


@settings(max_examples=30, deadline=None)
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


def test_what_is_not_all_in_order_never_looks_so():
    exact = pl.DataFrame(
        {"purpose": ["all", "ads"], "occasions": [199, 199], "granted": [198, 198], "coverage": 198 / 199}
    )
    shown = hide_small_counts(exact, declared("consent_gap"))
    assert shown.select("occasions", "granted", "coverage").rows() == [(200, 200, None)] * 2
    whole = hide_small_counts(exact.with_columns(granted=199), declared("consent_gap"))
    assert whole["coverage"].to_list() == [1.0, 1.0]


def test_at_a_tie_the_first_is_hidden():
    table = a_table("requests_due_by_month", [[83, 40, 3, 40]], [1])
    shown = hide_small_counts(table, declared("requests_due_by_month"))
    assert shown.select("on_time", "late", "overdue_open", "due").row(0) == (None, None, 40, 40)
    assert shown["due_is_at_least"][0] and shown["due"].dtype == pl.Int64


def test_distinct_people_are_rounded_on_their_own():
    counts = {"in_order": 30, "people": 22}
    numbers = [counts.get(c.name, 0) for c in declared("disclosures_by_recipient").columns if c.unit == "count"]
    exact = a_table("disclosures_by_recipient", [numbers, numbers], [1, 1])
    exact = exact.with_columns(pl.when(pl.col("recipient") == "all").then(28).otherwise("people").alias("people"))
    shown = hide_small_counts(exact, declared("disclosures_by_recipient"))
    assert shown.select("disclosures", "people").rows() == [(60, 30), (30, 20), (30, 20)]
    assert "people_is_at_least" not in shown.columns and "disclosures_is_at_least" in shown.columns


def test_a_subtotal_is_a_part_of_its_total_and_a_total_of_its_own():
    counts = {"complied": 40, "open": 30, "denied_exempt": 4, "denied_other": 30, "denied_not_verifiable": 20}
    numbers = [counts.get(c.name, 0) for c in declared("ccpa_7102").columns if c.unit == "count"]
    shown = row_of(hide_small_counts(a_table("ccpa_7102", [numbers], [1]), declared("ccpa_7102")))
    assert [shown[c] for c in ("denied_exempt", "denied_not_verifiable", "denied_other")] == [None, None, 30]
    assert [shown[c] for c in ("denied", "complied", "received")] == [30, 40, 100]
    assert shown["denied_is_at_least"] and shown["received_is_at_least"]


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
    numbers = {"fulfilled": answered, "open": received - answered}
    counts = [numbers.get(c.name, 0) for c in declared("request_turnaround").columns if c.unit == "count"]
    table = a_table("request_turnaround", [counts], [1])
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


def test_the_outcomes_of_few_requests_are_no_curve_and_those_of_many_are_told_in_steps():
    exact = pl.DataFrame(
        {"regime": "APPI", "kind": "all", "outcome": ["denied"] * 5 + ["fulfilled"] * 55, "days": [n / 3 for n in range(60)],
         "requests": 1, "share": [n / 60 for n in range(1, 6)] + [n / 60 for n in range(1, 56)]}
    )  # fmt: skip
    shown = hide_small_counts(exact, declared("request_outcomes"))
    assert shown.select("outcome", "share").rows() == [("fulfilled", n / 5) for n in range(1, 5)]
    assert shown["requests"].null_count() == shown.height
    assert hide_small_counts(exact.tail(19), declared("request_outcomes")).is_empty()


def test_a_figure_that_would_give_its_counts_away_is_not_told():
    numbers = [9 for c in declared("request_backlog").columns if c.unit == "count"]
    exact = a_table("request_backlog", [numbers], [1]).with_columns(closed_per_week=2.1, needed_per_week=4.5)
    shown = hide_small_counts(exact, declared("request_backlog"))
    assert shown["closed"].to_list() == [10, 10]
    assert shown["closed_per_week"].null_count() == shown["needed_per_week"].null_count() == 2
    band = curve(100).with_columns(lower=0.123, upper=0.987)
    assert hide_small_counts(band, declared("request_survival")).select("lower", "upper").null_count().row(0) == (9, 9)


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
    names = [c.name for c in declared(name).columns if c.unit == "count"]
    exact = pl.read_csv(
        GOLDEN / f"{name}.csv", infer_schema_length=None, schema_overrides=dict.fromkeys(names, pl.Int64)
    )
    shown = hide_small_counts(exact, declared(name))
    told = shown.select(pl.col(names)).unpivot()["value"].drop_nulls()
    assert not told.is_in(list(SMALL)).any() and (told % ROUNDED_TO == 0).all()
    empty = hide_small_counts(exact.clear(), declared(name))
    assert empty.is_empty() and set(exact.columns) <= set(empty.columns)
    assert readable(shown).columns == exact.columns
