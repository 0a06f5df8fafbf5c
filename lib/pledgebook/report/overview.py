"""The first page of a report: every promise with its verdict, what was examined, what arrived, what is not covered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import polars as pl

from pledgebook.charts.scorecard_table import SIGNS, scorecard_in_words
from pledgebook.charts.words import count, counted, listed, name_of
from pledgebook.report.frame import OVERVIEW, TEMPLATES, Frame, name_moment
from pledgebook.selftest.outcome import Outcome

LOOKS = {"broken": "broken", "cannot tell": "unclear", "kept": "kept", "not applicable": "none"}
MEANINGS = {
    "broken": "the records show otherwise",
    "cannot tell": "the records do not show it",
    "kept": "the records show it",
    "not applicable": "nothing in the period to hold it against",
}
FATES = ("rows_read", "rows_kept", "rows_quarantined", "rows_duplicate", "rows_superseded")


def render_index_page(
    out: Path,
    *,
    scorecard: pl.DataFrame,
    manifest: Mapping[str, Any],
    pages: Sequence[tuple[str, str]],
    worklists: Sequence[str],
    selftest: Outcome | None = None,
) -> None:
    """Write `index.html` into a run's folder.

    scorecard: as published, one row per promise. manifest: `run`, `parameters` (exports, period, as_of, policy,
    audience), `made` (started, finished), `inputs` (name, sha256, bytes), `company`, `unread_files`. pages: (href, label)
    of the notebooks. What arrived is read from the run's own table `intake`, where it was published. selftest: what the
    suite found of the breaches planted into a small sample; null: not shown.
    """
    parameters = dict(manifest.get("parameters", {}))
    company = str(manifest.get("company", ""))
    frame = Frame(OVERVIEW[0], [OVERVIEW, *pages], parameters, company)
    evidence = 'Evidence: <a href="manifest.json">manifest.json</a>.'
    words = f"Every figure has its definition on the page that its promise links to. {evidence}"
    page = (
        _environment()
        .get_template("overview.html.j2")
        .render(
            frame=frame,
            heading=f"How {company or 'the company'} kept its privacy promises",
            finding=_finding(scorecard),
            groups=_groups(scorecard, {href.removesuffix(".html"): href for href, _ in pages}),
            has_before=bool(scorecard["previous_verdict"].is_not_null().any()),
            known=_known(manifest, parameters),
            inputs=manifest.get("inputs", []),
            uncovered=_uncovered(scorecard, manifest),
            worklists=worklists,
            words=words,
            selftest=selftest,
            looks={"found": "kept", "missed": "broken", "not applicable": "none"},
            **_arrived(out),
        )
    )
    (out / OVERVIEW[0]).write_text(page.strip() + "\n", encoding="utf-8")


def _environment() -> jinja2.Environment:
    loader = jinja2.FileSystemLoader(TEMPLATES / "pledgebook")
    return jinja2.Environment(loader=loader, autoescape=True, undefined=jinja2.StrictUndefined)


def _finding(scorecard: pl.DataFrame) -> str:
    tested = scorecard.filter(pl.col("verdict").is_in(["kept", "broken"]))
    broken = tested.filter(pl.col("verdict") == "broken").height
    return (
        f"Of {count(scorecard.height, 'promise')} in the policy, the records of this period let {tested.height} be tested: "
        f"{tested.height - broken} were kept and {broken} were broken."
    )


def _groups(scorecard: pl.DataFrame, hrefs: Mapping[str, str]) -> list[dict[str, Any]]:
    """The promises by verdict, the broken ones first; within a verdict in the policy's order."""
    told = scorecard_in_words(scorecard)
    return [
        {
            "verdict": verdict,
            "sign": SIGNS[verdict],
            "look": look,
            "meaning": MEANINGS[verdict],
            "anchor": verdict.replace(" ", "-"),
            "title": f"{verdict.capitalize()}: {MEANINGS[verdict]}",
            "rows": [
                {**words, "href": hrefs.get(row["notebook"] or "")}
                for row, words in zip(scorecard.to_dicts(), told, strict=True)
                if row["verdict"] == verdict
            ],
        }
        for verdict, look in LOOKS.items()
    ]


def _known(manifest: Mapping[str, Any], parameters: Mapping[str, Any]) -> list[tuple[str, str]]:
    made = manifest.get("made", {})
    told = {
        "Company": manifest.get("company"),
        "Period": parameters.get("period"),
        "As of": name_moment(parameters.get("as_of")),
        "Audience": parameters.get("audience"),
        "Exports": parameters.get("exports"),
        "Policy": parameters.get("policy"),
        "Files read": count(len(manifest.get("inputs", [])), "file"),
        "Run": manifest.get("run"),
        "Made": name_moment(made.get("finished")),
    }
    return [(name, str(value)) for name, value in told.items() if value]


def _arrived(out: Path) -> dict[str, Any]:
    """The rows of each source by their fate, from the run's own table; nothing where it was not published."""
    file = out / "tables" / "intake.parquet"
    if not file.is_file():
        return {"intake": [], "arrived": "", "intake_columns": []}
    table = pl.read_parquet(file)
    rows = [[row["source"], row["table"], *[counted(row, fate) for fate in FATES]] for row in table.to_dicts()]
    columns = ["Source", "Table", *[name_of(fate.removeprefix("rows_")) for fate in FATES]]
    words = "Every row that was read is accounted for: read = kept + quarantined + duplicate + superseded."
    return {"intake": rows, "arrived": words, "intake_columns": columns}


def _uncovered(scorecard: pl.DataFrame, manifest: Mapping[str, Any]) -> list[str]:
    untold = scorecard.filter(pl.col("verdict") == "cannot tell")
    without = untold.filter(pl.col("figure").is_null())
    waiting = untold.filter(pl.col("figure").is_not_null() & pl.col("notebook").is_null())
    doubtful = untold.filter(pl.col("notebook").is_not_null())
    lines = [
        f"{count(rows.height, 'promise')} {words}: clauses {listed(rows['clause'].unique(maintain_order=True))}."
        for rows, words in (
            (without, "that no record can prove"),
            (waiting, "whose figure no notebook of this run computes"),
            (doubtful, "whose records are missing, doubtful or silent"),
        )
        if not rows.is_empty()
    ]
    if unread := manifest.get("unread_files"):
        lines.append(f"Files in the export folder that were not read: {listed(map(str, unread))}.")
    return lines or ["Nothing that the policy promises is left out."]
