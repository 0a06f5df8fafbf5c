"""The account of an intake on a terminal: what was read, kept, quarantined and by which rule."""

from __future__ import annotations

import polars as pl
from rich.console import Console
from rich.table import Table
from rich.text import Text

from pledgebook.store import Store


def print_account(store: Store, console: Console) -> None:
    """Print the reconciliation per source, the rules that rows broke, notes, unknown columns and files nobody read."""
    console.print(_as_table("What arrived", store.intake))
    counted = store.quarantined.group_by("source", "rule").agg(pl.len().alias("rows")).sort("source", "rule")
    if counted.height:
        console.print(_as_table("In quarantine, by rule (a row may break several)", counted))
    if store.notes.height:
        console.print(_as_table("Counted besides", store.notes))
    for source, column in store.unknown_columns.rows():
        console.print(f"{source}: column '{column}' is not known; it was dropped.", markup=False)
    for row in store.intake.filter(pl.col("rows_read") == 0).to_dicts():
        console.print(
            f"{row['source']}: a header and no rows; figures of table {row['table']} cannot be told.",
            markup=False,
        )
    forgotten = store.facts.get("forgotten")
    if forgotten:
        days = ", ".join(forgotten["on"])
        console.print(
            f"{forgotten['people']} people were removed after intake, on {days}; their rows still count as kept here."
        )
    unread = store.facts["unread"]
    if isinstance(unread, list) and unread:
        console.print(f"Not read: {', '.join(map(str, unread))}", markup=False)


def _as_table(title: str, frame: pl.DataFrame) -> Table:
    table = Table(title=title, title_justify="left")
    for name, dtype in frame.schema.items():
        table.add_column(name, justify="right" if dtype.is_numeric() else "left", no_wrap=False)
    for row in frame.rows():
        table.add_row(*[Text(f"{cell:,}" if isinstance(cell, int) else str(cell)) for cell in row])
    return table
