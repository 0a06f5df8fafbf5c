"""The self-test finds what it plants in the sample, and says by name what a broken suite would miss."""

import hashlib
import os
import re
from collections import Counter
from datetime import date
from pathlib import Path

import polars as pl
import pytest

from pledgebook.intake import checking
from pledgebook.intake.further_ids import Naming
from pledgebook.metrics import (
    marketing_messages,
    marketing_opt_outs,
    request_cohorts,
    request_turnaround,
    scorecard,
    third_party_disclosures,
)
from pledgebook.metrics.catalogue import METRICS
from pledgebook.selftest import running
from pledgebook.selftest.catalogue import KINDS
from pledgebook.selftest.kinds import Kind
from pledgebook.selftest.running import last_full_month, run_selftest, run_selftest_on_a_sample
from tests.selftest.companies import AMERICAN, EUROPEAN, write_helpdesk, write_letter, write_policy

HOME = "data/policy.toml"
NAMES = [kind.name for kind in KINDS]


def hashes(folder: Path) -> dict[str, str]:
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir()}


def names(outcome, verdict):
    return {result.name for result in outcome.of(verdict)}


@pytest.fixture(scope="module")
def stores(tmp_path_factory):
    return tmp_path_factory.mktemp("stores")


@pytest.fixture(scope="module")
def outcome(root, stores):
    before = hashes(root / "data/sample")
    told = run_selftest("data/sample", HOME, environment={**os.environ, "PLEDGEBOOK_STORE": str(stores)})
    assert hashes(root / "data/sample") == before, "the exports are only read"
    return told


def test_all_that_is_planted_into_the_sample_is_found(outcome):
    assert [(result.name, result.reason) for result in outcome.of("missed")] == []
    assert names(outcome, "not applicable") == {
        "outdated_consent_counted_as_coverage",
        "request_without_a_clock",
        "message_after_grace_of_another_law",
        "message_at_the_midnight_that_ends_a_notice",
    }
    assert len(outcome.of("found")) == len(KINDS) - 4 >= 130
    assert outcome.sentences()[-1] == f"found {len(KINDS) - 4} of {len(KINDS) - 4}"
    assert outcome.period == "2026-09"


def test_untouched_sample_raises_nothing_and_nothing_else_moves(outcome):
    assert outcome.raised == ()
    assert outcome.moved == ()
    assert "the untouched exports raise none of them" in outcome.sentences()
    assert outcome.is_sound


def test_no_clear_copy_is_left_behind(outcome, stores):
    assert outcome.results
    assert list(stores.glob(".making-*")) == []


def test_every_kind_has_a_name_and_words_of_its_own():
    assert Counter(NAMES).most_common(1)[0][1] == 1
    assert Counter(kind.title for kind in KINDS).most_common(1)[0][1] == 1
    assert all(re.fullmatch(r"[a-z_]+", name) for name in NAMES)
    assert all(" " in kind.title and not kind.title.endswith(".") for kind in KINDS)


def test_every_verdict_and_finding_that_the_suite_declares_is_planted(outcome):
    shown = ", ".join(result.where for result in outcome.of("found"))
    bad = {
        "marketing_messages": set(marketing_messages.VERDICTS) - {"in_grace", "permitted"},
        "disclosures_by_recipient": set(third_party_disclosures.FINDINGS) - {"in_order"},
        "consent_coverage": {"expired", "withdrawn", "never_asked"},
        "request_turnaround": {"late", "overdue_open", "unverified_answers", "paused_open", "outcome_unknown"},
        "request_acknowledgements": {"not_acknowledged", "acknowledged_late"},
        "opt_outs": {"breached", "not_suppressed", "opt_outs"},
        "consent_coverage_daily": {"granted"},
        "consent_gap": {"occasions - granted"},
    }
    assert all(f"scorecard: {verdict}" in shown for verdict in ("broken", "not applicable", "cannot tell"))
    wanted = {f"{table}.{column}" for table, columns in bad.items() for column in columns}
    assert {place for place in wanted if place not in shown} == set()


def test_every_quarantine_rule_of_the_glossary_is_planted(root, outcome):
    table = (root / "GLOSSARY.md").read_text().partition("### Quarantine rules")[2].partition("\n### ")[0]
    rules = set(re.findall(r"^\| `([a-z_<>]+)` \|", table, re.MULTILINE))
    planted = set(re.findall(r"quarantine: (\w+)", ", ".join(result.where for result in outcome.of("found"))))
    general = {"missing_<column>": "missing_purpose", "unknown_<column>": "unknown_channel"}
    assert {general.get(rule, rule) for rule in rules} - planted == set()


def without(module, name, function):
    """A fault that works on what a function of the suite returns."""
    plain = getattr(module, name)
    return module, name, lambda *given, **named: function(plain(*given, **named))


ENDLESS = pl.lit(None, dtype=pl.Date).alias("ends_on")
IS_EARLIER = pl.col("effective_at") - pl.duration(microseconds=1)
contracts, flags = third_party_disclosures._under_contract, request_turnaround._turns
FAULTS = {
    "contracts never end": (
        (
            third_party_disclosures,
            "_under_contract",
            lambda asked, known: contracts(asked, known.with_columns(ENDLESS)),
        ),
        {"disclosure_on_the_day_after_a_contract"},
    ),
    "pauses are never merged": (
        (request_cohorts, "_merge", lambda clipped: clipped.select("row", "from_at", "to_at")),
        {"pauses_counted_twice"},
    ),
    "consents never run out": (
        without(marketing_messages, "_verdict", lambda verdict: verdict.replace("expired", "permitted")),
        {
            "message_on_consent_that_expires_then",
            "message_on_consent_older_than_promised",
            "message_on_two_consents_of_which_one_ran_out",
        },
    ),
    "refusals bind a microsecond too early": (
        without(
            marketing_messages,
            "add_effective_instants",
            lambda told: told.with_columns(IS_EARLIER.alias("effective_at")),
        ),
        {"message_just_after_opt_out", "message_after_grace_of_can_spam", "message_after_grace_of_tcpa"},
    ),
    "no law needs its name": (
        without(third_party_disclosures, "_finding", lambda told: told.replace("no_legal_reference", "in_order")),
        {"law_without_its_name"},
    ),
    "lists are taken for complete": (
        without(marketing_opt_outs, "suppression", lambda told: told.with_columns(is_unsuppressed=pl.lit(value=False))),
        {
            "opt_out_that_no_list_has",
            "opt_out_missing_in_one_of_two_lists",
            "suppression_removed_again",
            "suppression_on_another_channel",
        },
    ),
    "identification is never asked for": (
        without(
            request_turnaround,
            "_turns",
            lambda told: [
                pl.lit(value=False).alias("_unverified_answers") if "unverified" in each.meta.output_name() else each
                for each in told
            ],
        ),
        {
            "answer_without_identification",
            "answer_before_identification",
            "closing_without_identification_or_outcome",
        },
    ),
    "no feed is ever silent": (
        without(scorecard, "silent_feeds", lambda told: told.clear()),
        {"silent_feed", "silent_feed_of_requests"},
    ),
    "opt-outs in quarantine are passed over": (
        without(scorecard, "_doubt", lambda told: None if told and "may be, opt-outs" in told else told),
        {"opt_out_in_quarantine"},
    ),
    "what is told is kept": (
        without(scorecard, "_decide", lambda told: ("kept", None)),
        {
            "promise_broken_by_one_case",
            "promise_missed_by_a_little",
            "promise_that_nothing_puts_to_the_test",
            "median_that_nobody_can_tell",
        },
    ),
    "the future is not looked at": (
        without(checking, "_in_the_future", lambda told: pl.lit(None, dtype=pl.String)),
        {"row_dated_after_its_export"},
    ),
    "a no that is said twice counts twice": (
        (marketing_opt_outs, "_new_on_any", lambda said, answers: said),
        {"no_said_twice"},
    ),
    "a further id is nobody's": (
        (Naming, "name_people", lambda naming, rows: PLAIN_NAMES(Naming(naming.table, None), rows)),
        {"message_to_further_id", "message_after_opt_out_under_further_id"},
    ),
}
PLAIN_NAMES = Naming.name_people


def test_a_broken_suite_is_told_by_the_names_of_what_it_misses(monkeypatch):
    """Faults of every floor at once; each is told by the kinds that it hides, and no other kind is."""
    for (module, name, fault), _ in FAULTS.values():
        monkeypatch.setattr(module, name, fault)
    outcome = run_selftest_on_a_sample(HOME)
    hidden = set().union(*(kinds for _, kinds in FAULTS.values()))
    assert names(outcome, "missed") == hidden
    assert not outcome.is_sound
    assert outcome.sentences()[-1] == f"found {len(KINDS) - 4 - len(hidden)} of {len(KINDS) - 4}"
    late = next(result for result in outcome.results if result.name == "pauses_counted_twice")
    assert late.reason == "request_turnaround.late: 0 where 1 was planted"


def test_an_innocent_neighbour_that_is_found_is_told_too(tmp_path, monkeypatch):
    """A suite that takes a message at the very instant of the opt-out for a breach."""
    earlier = marketing_messages.add_effective_instants

    def hasty(frame, *laws, name="effective_at", **others):
        told = earlier(frame, *laws, name=name, **others)
        return told.with_columns(pl.col(name) - pl.duration(microseconds=1))

    monkeypatch.setattr(marketing_messages, "add_effective_instants", hasty)
    mine = [kind for kind in KINDS if kind.name in ("message_just_after_opt_out", "message_to_further_id")]
    outcome = run_selftest(write_letter(tmp_path), HOME, "2026-09", kinds=mine)
    assert names(outcome, "found") == {"message_to_further_id"}
    assert "innocent neighbour" in outcome.of("missed")[0].reason


def test_european_company_without_marketing_is_not_asked_about_it(tmp_path, monkeypatch):
    """Its exports have a mapping, which gets the planted files too, and are linked as large exports are."""
    monkeypatch.setattr("pledgebook.selftest.copying.SMALL", 0)
    exports = write_helpdesk(tmp_path)
    before = hashes(exports)
    outcome = run_selftest(exports, write_policy(tmp_path, EUROPEAN), "2026-09")
    left_out = {result.name: result.reason for result in outcome.of("not applicable")}
    assert left_out["message_just_after_opt_out"] == "the policy has no [marketing] section"
    assert left_out["use_never_consented"] == "no purpose of the policy needs consent"
    assert {"answer_late_by_law", "pauses_counted_twice", "silent_feed_of_requests"} <= names(outcome, "found")
    assert outcome.is_sound
    assert len(outcome.of("found")) + len(left_out) == len(KINDS)
    assert hashes(exports) == before, "a linked mapping must not be written through"


def test_american_company_is_judged_by_its_own_laws_and_notices(tmp_path):
    spoken_of = ("grace", "notice", "opt_out")
    wanted = [kind for kind in KINDS if kind.world == "sound company" or any(word in kind.name for word in spoken_of)]
    outcome = run_selftest(write_letter(tmp_path), write_policy(tmp_path, AMERICAN), "2026-09", kinds=wanted)
    assert outcome.is_sound
    assert {
        "message_just_after_opt_out",
        "message_after_grace_of_can_spam",
        "message_after_grace_of_another_law",
        "message_at_the_midnight_that_ends_a_notice",
        "no_said_twice",
        "consent_that_runs_out_before_the_day_ends",
    } <= names(outcome, "found")


def disturb(p):
    """A message in a campaign of the company's own"""
    p.message(p.person(), p.setting.middle, "email", "monthly_letter", system="mailer")
    p.expect("notes", 0, "rows", table="messages", note="no_system")


def recognise(p):
    """A campaign that the company has too"""
    p.expect("marketing_messages", 1, "messages", campaign="monthly_letter")


def test_what_moves_without_planting_is_told(tmp_path):
    mine = [Kind("disturb", "x", "marketing_opt_outs", disturb)]
    outcome = run_selftest(write_letter(tmp_path), HOME, "2026-09", kinds=mine)
    assert outcome.moved == ("marketing_messages",)
    assert not outcome.is_sound
    assert "moved, and nothing was planted there: marketing_messages" in outcome.sentences()


def test_what_the_untouched_exports_raise_is_told(tmp_path, monkeypatch):
    monkeypatch.setattr(running, "_tag", lambda: "monthly_letter")
    mine = [Kind("recognise", "x", "marketing_opt_outs", recognise)]
    outcome = run_selftest(write_letter(tmp_path), HOME, "2026-09", kinds=mine)
    assert outcome.raised == ("recognise",)
    assert not outcome.is_sound
    assert "the untouched exports raise recognise" in outcome.sentences()


@pytest.mark.parametrize(
    ("last", "today", "month"),
    [
        (date(2026, 9, 30), date(2026, 11, 23), "2026-09"),
        (date(2026, 10, 23), date(2026, 11, 23), "2026-09"),
        (date(2031, 1, 1), date(2026, 11, 23), "2026-10"),
        (date(2026, 12, 31), date(2027, 1, 1), "2026-12"),
    ],
)
def test_period_is_the_last_full_month_that_the_exports_reach(last, today, month):
    feeds = pl.DataFrame({"table": ["messages", "contracts"], "date": [min(last, today), date(2028, 1, 1)]})
    assert last_full_month(feeds, today) == month


def test_kinds_belong_to_a_question_of_the_suite():
    assert {kind.question for kind in KINDS} == {*METRICS, "intake", "verdicts"}
