"""The column of due dates equals the one-row function; versions, extensions, pauses, regions, promises."""

from datetime import date, timedelta

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pledgebook.deadlines import REQUEST_KINDS, add_due_dates, due_date
from pledgebook.errors import InputError

PROMISED = {"default": 14, "complaint": 7, "inquiry": 1}
SCHEMA = {
    "kind": pl.String, "regime": pl.String, "region": pl.String, "received_on": pl.Date,
    "verified_on": pl.Date, "extended_on": pl.Date, "paused_days": pl.Int64, "pauses": pl.Int64,
}  # fmt: skip
REGIMES = [
    "APPI", "APPI_PUBLIC", "GDPR", "UK_GDPR", "CCPA", "LGPD", "PIPEDA", "QUEBEC_25", "PDPA_SG", "APP_AU",
    "PIPA_KR", "HIPAA", "CAN_SPAM", "TCPA", "CASL", "SPAM_SG", "SPAM_AU", "KR_MARKETING",
    "JP_ASCT", "ELSEWHERE",
]  # fmt: skip
REGIONS = [
    None,
    "DE",
    "DE-BY",
    "FR",
    "IE",
    "GB",
    "GB-SCT",
    "GB-NIR",
    "US",
    "US-CA",
    "CA-QC",
    "BR",
    "JP",
    "DE-XX",
    "ZZ",
]


def request(**values):
    blank = dict.fromkeys(SCHEMA) | {"paused_days": 0, "pauses": 0, "received_on": date(2026, 3, 5)}
    return blank | values


def answer(regimes, *requests, promised=PROMISED, **options):
    frame = pl.LazyFrame(list(requests), schema=SCHEMA)
    return add_due_dates(frame, regimes, promised_days=promised, **options).collect().to_dicts()


def day(text):
    return date.fromisoformat(text)


@st.composite
def requests(draw):
    received = draw(st.dates(date(2017, 1, 1), date(2028, 12, 31)))
    gap = st.none() | st.integers(-3, 120)
    verified, extended = draw(gap), draw(gap)
    return request(
        kind=draw(st.sampled_from(REQUEST_KINDS)),
        regime=draw(st.sampled_from(REGIMES)),
        region=draw(st.sampled_from(REGIONS)),
        received_on=received,
        verified_on=None if verified is None else received + timedelta(days=verified),
        extended_on=None if extended is None else received + timedelta(days=extended),
        paused_days=draw(st.sampled_from([0, 0, 1, 10, 33])),
        pauses=draw(st.integers(0, 2)),
    )


def one_row(regimes, row, region):
    names = ("paused_days", "pauses", "extended_on")
    return due_date(
        regimes, row["regime"], row["kind"], row["received_on"], region=region, verified=row["verified_on"],
        promised_days=PROMISED, **{name: row[name] for name in names},
    )  # fmt: skip


@settings(max_examples=40, deadline=None)
@given(batch=st.lists(requests(), max_size=60))
def test_a_column_of_requests_is_answered_as_each_of_them(regimes, batch):
    for row, found in zip(batch, answer(regimes, *batch, explain=True), strict=True):
        assert {name: found[name] for name in SCHEMA} == row
        if row["regime"] == "ELSEWHERE":
            assert (found["due_on"], found["clock"]) == (None, "none")
            assert found["region_problem"] == "regime ELSEWHERE is not known"
            continue
        if found["region_problem"] is not None:
            assert str(row["region"]) in found["region_problem"]
            with pytest.raises(InputError, match=row["region"]):
                one_row(regimes, row, row["region"])
            continue
        due = one_row(regimes, row, row["region"])
        names = (
            "due_on",
            "acknowledge_by",
            "rule_id",
            "clock",
            "confidence",
            "is_extension_valid",
            "calendar_assumed",
        )
        assert {name: found[name] for name in names} == {name: getattr(due, name) for name in names}
        assert found["due_explanation"] == due.explanation


def test_an_empty_frame_is_answered(regimes):
    found = add_due_dates(pl.LazyFrame(schema=SCHEMA), regimes, promised_days={}, explain=True).collect()
    assert found.height == 0
    assert found.schema["due_on"] == pl.Date
    assert found.schema["is_extension_valid"] == pl.Boolean


def test_kinds_may_be_an_enum_and_other_columns_stay(regimes):
    frame = pl.LazyFrame([request(kind="disclosure", regime="GDPR", region="DE")], schema=SCHEMA)
    typed = frame.with_columns(pl.col("kind").cast(pl.Enum(REQUEST_KINDS)), request_id=pl.lit("r1"))
    found = add_due_dates(typed, regimes, promised_days={}).collect()
    assert found.schema["kind"] == pl.Enum(REQUEST_KINDS)
    assert found["request_id"].to_list() == ["r1"]
    assert found["due_on"].to_list() == [date(2026, 4, 7)]


def test_fifty_thousand_mixed_requests_stream_and_keep_their_order(regimes):
    count = 50_000
    index = pl.int_range(count, eager=True)

    def pick(values):
        return pl.Series(values, dtype=pl.String).gather(index * 7919 % 1009 % len(values))

    frame = pl.LazyFrame({"index": index}).with_columns(
        kind=pick(REQUEST_KINDS),
        regime=pick(REGIMES),
        region=pick(REGIONS),
        received_on=pl.date(2024, 1, 1) + pl.duration(days=pl.col("index") % 1000),
        verified_on=pl.lit(None, pl.Date),
        extended_on=pl.date(2024, 1, 21) + pl.duration(days=pl.col("index") % 1000),
        paused_days=pl.col("index") % 5,
        pauses=pl.col("index") % 2,
    )
    found = add_due_dates(frame, regimes, promised_days=PROMISED, regions=REGIONS).collect(engine="streaming")
    assert (found["index"] == index).all()
    assert set(found["clock"]) == {"statutory", "guidance", "promised", "none"}


@pytest.mark.parametrize(
    ("values", "due"),
    [
        ({"kind": "disclosure", "regime": "GDPR", "region": "DE", "received_on": day("2026-11-30"),
          "extended_on": day("2026-12-30")}, "2027-03-01"),
        ({"kind": "disclosure", "regime": "GDPR", "region": "DE", "received_on": day("2026-11-30"),
          "extended_on": day("2026-12-31")}, "2026-12-30"),
        ({"kind": "disclosure", "regime": "GDPR", "region": "DE", "paused_days": 3}, "2026-04-08"),
        ({"kind": "disclosure", "regime": "UK_GDPR", "region": "GB-ENG", "received_on": day("2026-09-10"),
          "paused_days": 9, "pauses": 1}, "2026-10-20"),
        ({"kind": "disclosure", "regime": "UK_GDPR", "region": "GB-ENG", "received_on": day("2026-07-20"),
          "verified_on": day("2026-07-31")}, "2026-09-01"),
        ({"kind": "disclosure", "regime": "UK_GDPR", "region": "GB-ENG", "received_on": day("2026-07-31"),
          "verified_on": day("2026-07-20")}, "2026-09-01"),
        ({"kind": "disclosure", "regime": "CCPA", "region": "US-CA", "received_on": day("2026-03-02"),
          "verified_on": day("2026-03-20"), "paused_days": 9, "pauses": 1}, "2026-04-16"),
        ({"kind": "disclosure", "regime": "CCPA", "region": "US-CA", "received_on": day("2026-03-02"),
          "extended_on": day("2026-04-16")}, "2026-05-31"),
        ({"kind": "disclosure", "regime": "APPI", "paused_days": 2, "pauses": 1}, "2026-03-21"),
        ({"kind": "complaint", "regime": "APPI"}, "2026-03-12"),
        ({"kind": "opt_out_sale", "regime": "CCPA", "received_on": day("2026-12-21")}, "2027-01-13"),
        ({"kind": "provision_records", "regime": "HIPAA", "received_on": day("2026-09-15")}, "2026-11-14"),
        ({"kind": "correction", "regime": "QUEBEC_25", "received_on": day("2026-05-25")}, "2026-06-25"),
    ],
)  # fmt: skip
def test_due_dates(regimes, values, due):
    assert answer(regimes, request(**values))[0]["due_on"] == day(due)


def test_an_extension_noticed_too_late_is_invalid_and_one_without_a_right_too(regimes):
    late = request(kind="disclosure", regime="GDPR", region="DE", extended_on=day("2026-04-08"))
    in_time = request(kind="disclosure", regime="GDPR", region="DE", extended_on=day("2026-04-07"))
    no_right = request(kind="opt_out_sale", regime="CCPA", extended_on=day("2026-03-06"))
    promised = request(kind="disclosure", regime="APPI", extended_on=day("2026-03-06"))
    plain = request(kind="disclosure", regime="GDPR", region="DE")
    found = answer(regimes, late, in_time, no_right, promised, plain)
    assert [row["is_extension_valid"] for row in found] == [False, True, False, False, None]
    assert found[0]["due_on"] == found[4]["due_on"] == day("2026-04-07")


def test_an_extension_that_the_law_leaves_open_leaves_no_due_date(regimes):
    put_off = request(kind="disclosure", regime="PIPA_KR", region="KR", extended_on=day("2026-03-10"))
    late = request(kind="disclosure", regime="PIPA_KR", region="KR", extended_on=day("2026-04-10"))
    found = answer(regimes, put_off, late, explain=True)
    assert [row["due_on"] for row in found] == [None, day("2026-03-16")]
    assert [row["clock"] for row in found] == ["none", "statutory"]
    assert "puts the answer off" in found[0]["due_explanation"]


def test_promised_is_never_called_statutory_and_nothing_promised_is_no_clock(regimes):
    japan = request(kind="deletion", regime="APPI", region="JP")
    assert [row["clock"] for row in answer(regimes, japan)] == ["promised"]
    none = answer(regimes, japan, request(kind="inquiry", regime="GDPR"), promised={})
    assert [(row["clock"], row["due_on"]) for row in none] == [("none", None)] * 2
    assert none[0]["rule_id"] == "appi_correct"


def test_the_version_in_force_on_the_local_receipt_date_counts(regimes):
    before = request(kind="complaint", regime="UK_GDPR", region="GB-ENG", received_on=day("2026-06-18"))
    after = request(kind="complaint", regime="UK_GDPR", region="GB-ENG", received_on=day("2026-06-19"))
    guidance = request(kind="disclosure", regime="UK_GDPR", region="GB-ENG", received_on=day("2026-02-04"))
    statute = request(kind="disclosure", regime="UK_GDPR", region="GB-ENG", received_on=day("2026-02-05"))
    found = answer(regimes, before, after, guidance, statute)
    assert [row["acknowledge_by"] for row in found] == [None, day("2026-07-20"), None, None]
    assert [row["clock"] for row in found] == ["promised", "promised", "guidance", "statutory"]


def test_what_a_region_does_is_counted(regimes):
    found = answer(
        regimes,
        request(kind="disclosure", regime="GDPR", region="DE"),
        request(kind="disclosure", regime="GDPR"),
        request(kind="disclosure", regime="GDPR", region="US"),
        request(kind="disclosure", regime="GDPR", region="DE-XX"),
        request(kind="disclosure", regime="UK_GDPR", region="GB"),
        request(kind="disclosure", regime="ELSEWHERE", region="DE"),
    )
    assert [row["calendar_assumed"] for row in found] == [False, True, True, True, True, False]
    assert [row["region_problem"] for row in found] == [
        None,
        None,
        "region US contradicts GDPR",
        "region DE-XX has no known calendar; DE was used",
        None,
        "regime ELSEWHERE is not known",
    ]
    assert [row["due_on"] for row in found[:4]] == [day(f"2026-04-0{d}") for d in (7, 6, 6, 7)]


def test_a_region_that_was_not_given_and_a_day_outside_the_calendars_are_named(regimes):
    row = request(kind="disclosure", regime="GDPR", region="DE")
    assert answer(regimes, row, regions=["FR"])[0]["region_problem"] == "region DE was not among the given regions"
    found = answer(regimes, row, first_day=date(2020, 1, 1), last_day=date(2021, 1, 1))[0]
    assert found["due_on"] is None
    assert found["region_problem"] == "the calendars reach from 2020-01-01 to 2021-01-01 only"


def test_acknowledgements_have_their_own_clock(regimes):
    found = answer(regimes, request(kind="deletion", regime="CCPA", received_on=day("2026-11-20")))[0]
    assert (found["acknowledge_by"], found["due_on"]) == (day("2026-12-07"), day("2027-01-04"))


def test_a_law_that_asks_for_no_region_says_the_same_of_every_region(regimes):
    indifferent = [law.id for law in regimes.laws if not law.asks_for_region]
    assert {"APPI", "JP_ASCT"} <= {*indifferent} and not {"GDPR", "UK_GDPR", "CCPA"} & {*indifferent}
    for law in indifferent:
        wanted = [
            request(kind=kind, regime=law, received_on=day(on), **more)
            for on in ("2026-03-05", "2026-12-30")
            for kind in REQUEST_KINDS
            for more in (
                {},
                {"verified_on": day("2027-01-10"), "paused_days": 9, "pauses": 1},
                {"extended_on": day(on)},
            )
        ]
        without = answer(regimes, *wanted, explain=True)
        for region in REGIONS:
            told = answer(regimes, *[each | {"region": region} for each in wanted], explain=True)
            assert told == [each | {"region": region} for each in without], (law, region)
