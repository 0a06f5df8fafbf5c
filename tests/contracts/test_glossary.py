"""Every noun of the schemas, the catalogue, the rules and the laws has an entry in the glossary."""

import ast
import re

import pytest

from pledgebook.consent import CONSENT_STATES, STATES
from pledgebook.deadlines import read_regimes
from pledgebook.disclosure_states import DISCLOSURE_STATES
from pledgebook.message_states import MESSAGE_STATES, TALLIES
from pledgebook.metrics import scorecard, silence
from pledgebook.metrics.catalogue import ACCOUNTS, METRICS, STILL_TO_COME
from pledgebook.metrics.marketing_messages import VERDICTS
from pledgebook.metrics.scorecard import BROKEN, CANNOT_TELL, KEPT, NOT_APPLICABLE, SCORECARD
from pledgebook.metrics.third_party_disclosures import FINDINGS
from pledgebook.tables import TABLES
from tests.golden.update import sample_book

PUBLISHED = [table for metric in METRICS.values() for table in metric.tables]
EVERY = [*PUBLISHED, *STILL_TO_COME.values(), *ACCOUNTS.values()]
NUMBERS = {"a tenth": silence.FLOOR == 10, "20 rows or more": silence.LEAST_MEDIAN == 20,
           "at least three": silence.SHORTEST_HISTORY == 3, "twelve": silence.LONGEST_HISTORY == 12}  # fmt: skip


@pytest.fixture(scope="module")
def glossary(root):
    return (root / "GLOSSARY.md").read_text(encoding="utf-8")


def section(glossary: str, title: str) -> str:
    """What stands under a heading, up to the next of its level or above."""
    found = re.search(rf"^(#+) {re.escape(title)}$", glossary, re.MULTILINE)
    assert found, f"no section '{title}'"
    rest = glossary[found.end() :]
    end = re.search(rf"^#{{1,{len(found[1])}}} ", rest, re.MULTILINE)
    return rest[: end.start()] if end else rest


def rows(text: str) -> dict[str, list[str]]:
    """The rows of the tables in a text, by the name in their first cell."""
    lines = [line.strip("|").split(" | ") for line in text.splitlines() if line.startswith("| `")]
    return {cells[0].strip().strip("`"): [cell.strip() for cell in cells[1:]] for cells in lines}


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_canonical_table_has_an_entry_for_each_column(glossary, table):
    text = section(section(glossary, "Canonical tables"), f"`{table.name}`")
    told = rows(text)
    assert list(told) == table.columns
    assert {name: cells[0] for name, cells in told.items()} == {name: table.holds(name) for name in table.columns}
    assert [n for n, cells in told.items() if (cells[1] == "never") != table.is_required(n)] == []
    listed = [choice for name in table.holding("choice") for choice in table.choices(name)]
    assert [choice for choice in listed if f"`{choice}`" not in text] == []
    key = ", ".join(f"`{name}`" for name in table.key) or "none: events"
    assert f"Key: {key}." in text


def test_what_every_canonical_table_keeps_has_an_entry(glossary):
    assert list(rows(section(glossary, "Canonical tables")))[:2] == ["source", "source_row"]


def test_consent_states_has_an_entry_for_each_column(glossary):
    assert list(rows(section(glossary, "`consent_states`"))) == list(CONSENT_STATES)


@pytest.mark.parametrize(
    ("table", "columns"), [("message_states", MESSAGE_STATES), ("disclosure_states", DISCLOSURE_STATES)]
)
def test_states_beside_rows_have_an_entry_for_each_column(glossary, table, columns):
    assert list(rows(section(glossary, f"`{table}`"))) == list(columns)


@pytest.mark.parametrize("table", TALLIES)
def test_tallies_have_an_entry_for_each_column(glossary, table):
    assert list(rows(section(glossary, f"`{table}`"))) == list(TALLIES[table])


@pytest.mark.parametrize("table", EVERY, ids=lambda table: table.name)
def test_published_table_has_an_entry_for_each_figure(glossary, table):
    text = section(glossary, f"`{table.name}`") if table.name not in TABLES else last_section(glossary, table.name)
    told = re.findall(r"`(\w+)`", text)
    assert [column.name for column in table.columns if column.name not in told] == []


def last_section(glossary: str, name: str) -> str:
    """A published table may have the name of a canonical one; it stands after it."""
    return section(glossary.partition("## Published tables")[2], f"`{name}`")


def test_group_columns_and_worklist_columns_have_entries(glossary):
    told = rows(section(glossary, "Group columns and columns of worklists"))
    groups = {name for table in EVERY for name in table.groups}
    labels = {column.name for table in EVERY for column in table.columns if column.unit == "label"}
    assert groups | labels == set(told)


def test_scorecard_has_an_entry_for_each_column(glossary):
    assert list(rows(section(glossary, "Scorecard (`scorecard`)"))) == list(SCORECARD)


def spoken_rules(root) -> set[str]:
    """The names of rules that the intake gives, read from its code."""
    found = set()
    for file in (root / "lib/pledgebook/intake").glob("*.py"):
        for call in ast.walk(ast.parse(file.read_text())):
            if isinstance(call, ast.Call) and ast.unparse(call.func) in ("_fault", "pl.lit"):
                texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
                found |= {text for text in texts if re.fullmatch(r"[a-z]+(_[a-z]+)+", text)}
    return found - {"source_row"}


def stated_rules() -> set[str]:
    """The names of rules that the schemas state; what a column states itself is `missing_` or `unknown_`."""
    found = set()
    for table in TABLES.values():
        _, failure = table.schema.filter(table.schema.create_empty())
        known = {*table.schema.columns()}
        found |= {name for name in failure.details().columns if "|" not in name and name not in known}
    return found


def test_every_quarantine_rule_has_an_entry(glossary, root):
    told = set(rows(section(glossary, "Quarantine rules")))
    given = stated_rules() | spoken_rules(root)
    assert {"closed_before_received", "date_without_time", "conflicting_key"} <= given
    assert told - {"missing_<column>", "unknown_<column>"} == given


def test_notes_of_the_sample_and_of_the_code_have_entries(glossary, root):
    told = set(rows(section(glossary, "Notes")))
    assert set(sample_book().compute("notes")["note"]) <= told
    code = "".join(file.read_text() for file in (root / "lib/pledgebook").rglob("*.py"))
    named = {re.sub(r"orphan_(person|recipient)", "orphan_", name) for name in told}
    assert [name for name in named if f'"{name}' not in code] == []


def test_words_of_verdicts_states_and_findings_are_there(glossary):
    words = section(glossary, "Words")
    told = [*STATES, *VERDICTS, *FINDINGS]
    assert [word for word in told if f"`{word}`" not in words] == []
    assert [word for word in (CANNOT_TELL, NOT_APPLICABLE, KEPT, BROKEN) if f"**{word}**" not in words] == []


def test_clocks_have_words(glossary):
    clocks = section(glossary, "Requests and clocks")
    assert [word for word in ("statutory", "guidance", "promised", "none") if f"`{word}`" not in clocks] == []


def test_silence_is_told_with_the_numbers_of_the_code(glossary):
    told = section(glossary, "Silence")
    assert [words for words, holds in NUMBERS.items() if words not in told or not holds] == []
    assert scorecard.silent_feeds is silence.silent_feeds


def test_every_regime_has_an_entry(glossary, root):
    regimes = read_regimes(root / "data/regimes")
    assert set(rows(section(glossary, "Regimes"))) == set(regimes.names)
