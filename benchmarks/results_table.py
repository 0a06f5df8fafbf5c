"""Results as Markdown: a table of time and memory per question, as ratios to Pledgebook, and the targets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from benchmarks.engines import ENGINES, OWN
from benchmarks.questions import QUESTIONS
from benchmarks.rounds import Results, Series
from benchmarks.targets import judge

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- table: begin -->", "<!-- table: end -->"
HEAD = (
    "| question | how | seconds | times Pledgebook's | peak MiB | times Pledgebook's | start-up s | rounds | longest / shortest |",
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
)


def as_markdown(results: Results, tenth: Results | None = None) -> str:
    """Return what was measured, and which targets are met."""
    told = ", ".join(f"{name} {value}" for name, value in results.machine.items())
    lines = [f"{results.messages:,} messages, medians of the rounds; {told}.", "", *HEAD]
    for question in QUESTIONS:
        lines += _rows(results, question)
    judged = list(judge(results, tenth))
    if judged:
        lines += ["", "| target | is | at most | met |", "| --- | ---: | ---: | --- |"]
        lines += [f"| {j.words} | {j.measured} | {j.at_most} | {'yes' if j.is_met else '**no**'} |" for j in judged]
    return "\n".join(lines) + "\n"


def put_into_readme(table: str, readme: Path = README) -> None:
    """Write the table between its marks in the README."""
    before, _, rest = readme.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    readme.write_text(f"{before}{BEGIN}\n\n{table}\n{END}{after}")


def _rows(results: Results, question: str) -> Iterator[str]:
    title = QUESTIONS[question].title
    own = results.of(question, OWN)
    asked = [each for each in results.series if each.question == question]
    for series in sorted(asked, key=lambda each: list(ENGINES).index(each.engine)):
        how = ENGINES[series.engine].title_for(question)
        yield f"| {title} | {how} | {_cells(series, own)} |"
        title = ""


def _cells(series: Series, own: Series | None) -> str:
    if not series.measured:
        return f"failed: {series.failure[:60]} | | | | | |"
    ratios = ["", ""] if own is None else [f"{series.seconds / own.seconds:.2f}", f"{series.peak / own.peak:.2f}"]
    numbers = (f"{series.seconds:.3f}", ratios[0], f"{series.peak / 2**20:.0f}", ratios[1])
    return " | ".join((*numbers, f"{series.start_up:.2f}", str(len(series.measured)), f"{series.spread:.2f}"))
