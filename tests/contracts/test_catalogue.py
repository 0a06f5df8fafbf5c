"""A metric is whole: definition, specification, golden table, glossary entry and notebook."""

import dataclasses
import re
from datetime import date

import nbformat
import pytest

from pledgebook.metrics.catalogue import ACCOUNTS, METRICS, STILL_TO_COME
from tests.golden.update import sample_book

TABLES = [table for metric in METRICS.values() for table in metric.tables]
UNITS = {"count", "ratio", "days", "hours", "requests a week", "label"}


@pytest.fixture(scope="module")
def book():
    return sample_book()


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_metric_is_defined_in_full(metric):
    texts = [f.name for f in dataclasses.fields(metric) if f.type == "str"]
    assert [name for name in texts if not getattr(metric, name).strip()] == []
    assert metric.question.endswith("?")
    assert metric.caveats
    assert date.fromisoformat(metric.valid_since) <= date(2999, 12, 31)


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_metric_has_a_specification(root, metric):
    apart = {"contracts", "golden", "notebooks"}
    files = [f for f in (root / "tests").rglob("test_*.py") if f.relative_to(root / "tests").parts[0] not in apart]
    assert [f for f in files if re.search(rf"\b{metric.name}\b", f.read_text())], f"no test names {metric.name}"


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_published_table_has_a_golden_table(root, table):
    assert (root / "tests/golden" / f"{table.name}.csv").is_file()


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_metric_has_a_notebook_that_publishes_it(root, metric):
    file = root / "notebooks" / f"{metric.notebook}.ipynb"
    assert file.is_file()
    sources = "\n".join(cell.source for cell in nbformat.read(file, as_version=4).cells)
    assert f'"{metric.name}"' in sources
    assert "publish(" in sources


@pytest.mark.parametrize("metric", METRICS.values(), ids=METRICS)
def test_metric_has_a_glossary_entry(root, metric):
    assert f"### {metric.title} (`{metric.name}`)" in (root / "GLOSSARY.md").read_text()


@pytest.mark.parametrize("table", [*TABLES, *STILL_TO_COME.values(), *ACCOUNTS.values()], ids=lambda table: table.name)
def test_declaration_holds_together(table):
    names = [column.name for column in table.columns]
    assert len({*names, *table.groups}) == len(names) + len(table.groups), "a name stands twice"
    assert {column.unit for column in table.columns} <= UNITS
    spoken = {n for column in table.columns for n in (column.population, column.numerator) if n is not None}
    assert spoken <= set(names)
    assert table.is_worklist == (not table.groups)
    assert all(column.meaning.strip() for column in table.columns)


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_table_has_the_columns_that_are_declared(book, table):
    groups, named = list(table.groups), [column.name for column in table.columns]
    computed = book.compute(table.name)
    assert sorted(computed.columns) == sorted([*groups, *named])
    if groups:
        assert computed.select(groups).is_duplicated().any() is False
        assert [name for name in groups if computed[name].null_count() and name != "confidence"] == []


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
def test_nothing_that_is_published_names_a_person(table):
    assert {"person", "person_id", "employee", "employee_id"} & {
        *table.groups,
        *(c.name for c in table.columns),
    } == set()


def test_tables_have_names_of_their_own():
    names = [table.name for table in [*TABLES, *STILL_TO_COME.values(), *ACCOUNTS.values()]]
    assert len(set(names)) == len(names)
