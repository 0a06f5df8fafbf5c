"""Parameters, periods and instants that are written to be run, or to be anything but a period: text, or a clear refusal."""

import ast
from datetime import UTC, datetime

import nbformat
import papermill
import pytest
from faults.nursery import without_selftest
from hypothesis import example, given
from hypothesis import strategies as st
from intake.exporting import KEY, MESSAGES, csv, message, write
from papermill.iorw import load_notebook_node
from papermill.parameterize import parameterize_notebook
from typer.testing import CliRunner

from pledgebook.cli import app
from pledgebook.errors import InputError
from pledgebook.period import read_as_of, read_period
from pledgebook.policy import read_policy
from pledgebook.report import run as running
from pledgebook.report.page import read_parameters
from tests.hostile.taking_in import few

FEW = few(100)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CODE = [
    '__import__("os").system("touch {}")',
    '"; __import__("os").system("touch {}"); "',
    "'; __import__('os').system('touch {}'); '",
    '"""; import os; os.system("touch {}")',
    "\\\"; __import__('os').system('touch {}') #",
    "\\",
    "a\\\nimport os\nos.system('touch {}')",
    "!touch {}",
    "%%bash\ntouch {}",
    "{{ 7*7 }} ${{7*7}} {{% raw %}}",
    "\u2028__import__('os').system('touch {}')",
    "'" * 3 + "\n" + '"' * 3,
    "\x00\x1b[2J",
]  # fmt: skip


def notebook(cell: str = "") -> nbformat.NotebookNode:
    literals = 'exports = ""\nperiod = ""\nas_of = ""\npolicy = ""\naudience = ""\nout = ""\nname = ""\ncount = 1'
    parameters = nbformat.v4.new_code_cell(literals, metadata={"tags": ["parameters"]})
    return nbformat.v4.new_notebook(
        cells=[parameters, nbformat.v4.new_code_cell(cell)],
        metadata={"kernelspec": {"name": "python3", "language": "python", "display_name": "Python"}},
    )


@pytest.fixture(scope="module")
def loaded(tmp_path_factory):
    """A notebook as papermill has read it."""
    file = tmp_path_factory.mktemp("loaded") / "mine.ipynb"
    nbformat.write(notebook(), file)
    return load_notebook_node(str(file))


@pytest.mark.parametrize("code", CODE)
def test_a_parameter_that_is_code_stands_as_one_literal(loaded, code):
    given = parameterize_notebook(loaded, {"name": code})
    cell = next(cell for cell in given.cells if "injected-parameters" in cell.metadata.get("tags", []))
    [statement] = ast.parse(cell.source).body
    assert isinstance(statement, ast.Assign)
    assert ast.literal_eval(statement.value) == code
    assert read_parameters(given)["name"] == code


@FEW
@given(st.text())
def test_any_text_stands_as_one_literal(loaded, text):
    given = parameterize_notebook(loaded, {"name": text})
    assert read_parameters(given)["name"] == text


def test_a_run_hands_code_on_as_text(tmp_path, monkeypatch):
    """All the way: command line, papermill, kernel; what the notebook was given is what it writes down."""
    monkeypatch.setattr(running, "begin_selftest", without_selftest)
    folder = write(tmp_path / "exports", {"messages.csv": csv(MESSAGES, message(1))})
    code = " ".join(part.format(tmp_path / "ran").replace("\0", "") for part in CODE)
    nbformat.write(notebook("import pathlib\npathlib.Path(out, 'given.txt').write_text(name)"), tmp_path / "mine.ipynb")
    words = ["run", str(tmp_path / "mine.ipynb"), "--exports", str(folder), "--period", "2026-09", "-p", f"name={code}"]
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    result = CliRunner().invoke(app, [*words, "--out", str(tmp_path / "reports")], env=environment)
    assert result.exit_code == 0, result.output
    report = tmp_path / "reports" / "2026-09"
    assert (report / "given.txt").read_text() == code
    assert papermill.inspect_notebook(str(report / "mine.ipynb"))["name"]["default"] == '""'
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize(
    "pair",
    ["count=__import__('os')", "count=1+1", "count=[1]", "count=1.5", "count=" + "9" * 5000, "count=" + "(" * 5000],
)
def test_a_value_of_another_type_is_refused_and_never_computed(tmp_path, pair):
    folder = write(tmp_path / "exports", {"messages.csv": csv(MESSAGES, message(1))})
    nbformat.write(notebook(), tmp_path / "mine.ipynb")
    words = ["run", str(tmp_path / "mine.ipynb"), "--exports", str(folder), "--period", "2026-09", "-p", pair]
    result = CliRunner().invoke(app, words, env={"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")})
    assert result.exit_code == 2
    assert "parameter 'count' is of type int" in result.output
    assert len(result.output) < 2_000


NO_PERIODS = [
    *(
        "",
        " ",
        "2026-10\n2026-11",
        "2026-1O",
        "２０２６-１０",
        "٢٠٢٦-10",
        "2026-10'; DROP",
        "../2026-10",
        "2026-10/..",
        "2026-10\0",
    ),
    *(
        "2026-10-01/2026-10-31/..",
        "0000",
        "0000-01",
        "9999-12",
        "1899",
        "3000",
        "2026-W54",
        "2026-W00",
        "2026-Q5",
        "-2026",
    ),
    *("2026-02-30/2026-03-01", "2026-10-31/2026-10-01", "2026-10-01/2026-10-01T00:00", "last-year ago", "\x1b[2J"),
    *("x" * 100_000, "9" * 100_000),
]


@pytest.mark.parametrize("text", NO_PERIODS)
def test_what_is_no_period_is_refused_shortly(text):
    with pytest.raises(InputError) as fault:
        read_period(text, "Asia/Tokyo", NOW)
    assert len(str(fault.value)) < 300


@FEW
@given(
    st.one_of(st.text(), st.from_regex(r"[0-9]{4}(-[0-9QW/-]{0,12})?", fullmatch=True)),
    st.sampled_from(["Asia/Tokyo", "America/St_Johns"]),
)
@example("1900", "Pacific/Kiritimati")
@example("2999-12", "America/Los_Angeles")
@example("1900-01-01/2999-12-31", "UTC")
def test_any_text_is_a_period_of_whole_days_or_refused(text, timezone):
    try:
        period = read_period(text, timezone, NOW)
    except InputError:
        return
    assert period.start < period.end
    assert period.folder == period.folder.strip(". ") and not {"/", "\\", "\n", "\0"} & set(period.folder)
    assert period.before().end == period.start


@FEW
@given(
    st.one_of(
        st.text(),
        st.datetimes().map(str),
        st.from_regex(r"[0-9]{1,4}-?[0-9W]{1,3}-?[0-9]{0,2}(T[0-9:.]{0,9}Z?)?", fullmatch=True),
    )
)
@example("0001-01-01")
@example("9999-12-31T23:59:59")
@example("9999-12-31T23:59:59-12:00")
@example("２０２６-10-01")
def test_any_text_is_an_instant_or_refused(text):
    period = read_period("2026-09", "Asia/Tokyo", NOW)
    try:
        as_of = read_as_of(text, period, NOW)
    except InputError as fault:
        assert len(str(fault)) < 400
        return
    assert as_of.tzinfo is UTC
    assert as_of >= period.start


@pytest.mark.parametrize("as_of", ["9999-12-31T23:59:59", "9999-12-31T23:59:59+14:00", "2999-12-31"])
def test_a_run_as_of_the_end_of_time_is_no_fault(tmp_path, as_of, root):
    from pledgebook.book import open_book
    from pledgebook.metrics.catalogue import METRICS

    folder = write(tmp_path / "exports", {"messages.csv": csv(MESSAGES, message(1))})
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(tmp_path / "stores")}
    book = open_book(folder, "2999-12", as_of, root / "data/policy.toml", environment=environment)
    for metric in METRICS.values():
        book.compute(metric.tables[0].name)
    assert book.scorecard().height > 0


POLICY = """
[company]
name = "{0}"
timezone = "UTC"
regime = "APPI"
[[promise]]
id = "{0}"
clause = "1"
title = "{0}"
reason = "{0}"
"""


@pytest.mark.parametrize(
    "code", ["$(touch x)", "`id`", "{{7*7}}", "!!python/object/apply:os.system ['id']", "__import__('os')", "%(x)s {x}"]
)
def test_a_policy_s_texts_are_only_texts(tmp_path, code):
    (tmp_path / "policy.toml").write_text(POLICY.format(code))
    policy = read_policy(tmp_path / "policy.toml")
    assert [policy.company.name, policy.promise[0].title] == [code, code]


@pytest.mark.parametrize(
    ("option", "text"),
    [
        *(
            ("--received", text)
            for text in ("9999-12-31", "0001-01-01", "x", "2026-01-31T25", "2026-01-31T00:00+99", "9" * 9999)
        ),
        ("--verified", "9999-12-31"),
        ("--paused-days", "9" * 20),
        ("--region", "\x1b[31m"),
        ("--regime", "__import__('os')"),
        ("--kind", "{0}"),
    ],
)
def test_what_is_no_fact_of_a_request_is_refused(option, text):
    told = {"--regime": "GDPR", "--kind": "access", "--received": "2026-01-31"} | {option: text}
    result = CliRunner().invoke(app, ["due", *(word for pair in told.items() for word in pair)])
    assert result.exit_code == 2
    assert len(result.output) < 1_000
    assert "\x1b" not in result.output
