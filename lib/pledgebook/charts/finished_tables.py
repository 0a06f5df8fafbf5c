"""Tables finished for reading: words for names, units for numbers, a dash where there is nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import polars as pl
from great_tables import GT, loc, style

from pledgebook.charts.theme import FONT, INK
from pledgebook.charts.words import HIDDEN, NONE, counted, decimal, name_of, number, percent
from pledgebook.metrics.definition import ALL, Published

LONGEST = 60
AS_WRITTEN = ("recipient", "campaign", "source", "table", "system", "rule", "country", "regime", "month")
IN_SHORT = {
    "request_turnaround": (
        "received", "open", "due", "on_time", "late", "overdue_open", "on_time_ratio", "p50_days", "p90_days",
        "unverified_answers",
    ),
}  # fmt: skip
LABELS = {
    "on_time_ratio": "On time, share",
    "violation_ratio": "After opt-out, share",
    "in_order_ratio": "In order, share",
    "honoured_ratio": "Honoured, share",
    "p50_days": "Half within, days",
    "p90_days": "9 of 10 within, days",
    "median_hours_to_suppression": "Median hours to suppression",
}
WIDE = 10


def present_table(frame: pl.DataFrame, declared: Published, title: str) -> GT:
    """Return a published table, finished: at most 60 rows and the columns that a reader needs; the rest is named."""
    in_short = IN_SHORT.get(declared.name)
    columns = [c for c in declared.columns if c.name in frame.columns and (in_short is None or c.name in in_short)]
    names = [*declared.groups, *[column.name for column in columns]]
    units = dict.fromkeys(declared.groups, "label") | {column.name: column.unit for column in columns}
    rows = frame.head(LONGEST).to_dicts()
    cells = {name: [read_cell(row, name, units[name]) for row in rows] for name in names}
    labels = {name: LABELS.get(name, name_of(name)) for name in names}
    totals = [place for place, row in enumerate(rows) if ALL in [row[name] for name in declared.groups]]
    numbers = [name for name in names if units[name] != "label"]
    notes = _notes(frame, declared, names)
    return finish_table(cells, labels, title, declared.name, numbers=numbers, bold_rows=totals, notes=notes)


def _notes(frame: pl.DataFrame, declared: Published, shown: Sequence[str]) -> list[str]:
    if frame.is_empty():
        return ["Nothing to show: no rows. What cannot be counted is not taken for zero."]
    left_out = [column.name for column in declared.columns if column.name not in shown and column.name in frame.columns]
    notes = [f"Further columns in the table {declared.name}: {', '.join(left_out)}."] if left_out else []
    if frame.height > LONGEST:
        notes.append(f"{number(frame.height - LONGEST)} further rows in the table {declared.name}.")
    if any(name.endswith("_is_suppressed") for name in frame.columns):
        notes.append(f"{HIDDEN} and hidden: small counts are not shown; the others are rounded to the nearest 5.")
    return notes


def read_cell(row: Mapping[str, Any], name: str, unit: str) -> str:
    """Return a cell as people read it, by the unit of its column, and as its audience may see it."""
    value = row[name]
    if unit == "count" and (value is not None or row.get(f"{name}_is_suppressed")):
        return counted(row, name)
    if value is None:
        return NONE
    if unit != "label":
        return percent(value) if unit == "ratio" else decimal(value)
    if isinstance(value, bool):
        return "yes" if value else "no"
    is_id = name in AS_WRITTEN or not isinstance(value, str)
    return str(value) if is_id else name_of(value)


def finish_table(
    cells: dict[str, list[str]],
    labels: dict[str, str],
    title: str,
    name: str,
    *,
    numbers: Sequence[str] = (),
    bold_rows: Sequence[int] = (),
    notes: Sequence[str] = (),
) -> GT:
    """Return a table of finished cells in one look, with an id made from its name so that it never changes."""
    frame = pl.DataFrame(cells, schema=dict.fromkeys(cells, pl.String))
    table = GT(frame, id=f"table-{name.replace('_', '-')}").cols_label(cases={key: labels[key] for key in cells})
    table = table.cols_align("left").cols_align("right", columns=list(numbers)).tab_header(title=title)
    short = [key for key in cells if key in AS_WRITTEN or key in ("clause", "verdict", "target", "channel")]
    if short:
        table = table.tab_style(style.css("white-space: nowrap;"), loc.body(columns=short))
    if bold_rows:
        table = table.tab_style(style.text(weight="bold"), loc.body(rows=list(bold_rows)))
    for note in notes:
        table = table.tab_source_note(note)
    return table.tab_options(
        table_width="100%",
        table_font_names=[part.strip(" '") for part in FONT.split(",")],
        table_font_size="13px" if len(cells) > WIDE else "14px",
        table_font_color=INK,
        heading_align="left",
        heading_title_font_size="16px",
        heading_title_font_weight="bold",
        heading_border_bottom_color="#9AA5B1",
        table_border_top_style="none",
        table_border_bottom_color="#9AA5B1",
        column_labels_font_weight="600",
        column_labels_font_size="12px" if len(cells) > WIDE else "13px",
        column_labels_padding_horizontal="4px",
        data_row_padding_horizontal="4px",
        data_row_padding="5px",
        table_body_hlines_color="#E4E7EB",
        source_notes_font_size="13px",
    )
