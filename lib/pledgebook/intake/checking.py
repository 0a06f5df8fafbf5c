"""Judging rows: text becomes canonical values, and a row that breaks a rule is quarantined under the rule's name."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pledgebook.intake.mapping import Source, native_column
from pledgebook.intake.personal_data import holds_personal_data, without_personal_data
from pledgebook.intake.reading import UNREADABLE
from pledgebook.intake.times import Reading, read_dates, tell_instants
from pledgebook.intake.web import outbound_flags, url_host, url_path
from pledgebook.pseudonyms import Key, collision_guard, digest, pseudonym
from pledgebook.tables import CHANNELS, REQUEST_KINDS, TABLES, Table

TRUE, FALSE = "true", "false"
ASSUMED = "_assumed"


@dataclass(frozen=True)
class Judged:
    """A batch of rows, judged.

    kept: canonical columns, source, source_row, and `<person column>_guard` for every pseudonym.
    quarantined: one row per broken rule: source, source_row, rule, is_opt_out.
    assumed: how many of the kept rows are withdraws that were given the channel `any`.
    """

    kept: pl.DataFrame
    quarantined: pl.DataFrame
    assumed: int


def judge_rows(rows: pl.DataFrame, source: Source, key: Key, timezone: str, known_regimes: frozenset[str]) -> Judged:
    """Judge a batch of raw rows (`source`, `source_row`, `_unreadable`, `_until`, native columns as text)."""
    table = TABLES[source.table]
    mapped = _assume_channel(_map_values(rows.rechunk(), table, source), table)
    mapped = _tell_times(mapped, table, source, timezone)
    readings = {name: _read_column(name, table, source, key) for name in table.columns}
    holders = table.holding("person", "employee")
    hashed = [digest(pl.col(native_column(table, name)), key).alias(f"_digest_of_{name}") for name in holders]
    read = mapped.lazy().with_columns(hashed).select(
        "source", "source_row", "_until", "_until_day", UNREADABLE, ASSUMED,
        *[reading.value.alias(name) for name, reading in readings.items()],
        *[reading.fault.alias(f"_fault_of_{name}") for name, reading in readings.items()],
        *[collision_guard(pl.col(f"_digest_of_{name}")).alias(f"{name}_guard") for name in holders],
    ).collect()  # fmt: skip
    faults = _faults(table, known_regimes)
    broken = _broken(read, table, faults)
    standing = read.join(broken, on="source_row", how="anti") if broken.height else read
    kept = standing.select("source", "source_row", *table.columns, *[n for n in read.columns if n.endswith("_guard")])
    opt_outs = _speaks_of_opt_outs(mapped, table)
    quarantined = broken.join(opt_outs, on="source_row", how="left")
    return Judged(kept, quarantined, int(standing[ASSUMED].sum() or 0))


def _map_values(rows: pl.DataFrame, table: Table, source: Source) -> pl.DataFrame:
    changes = []
    for column, values in source.values.items():
        name = native_column(table, column) if column in table.columns else column
        changes.append(pl.col(name).replace({k.strip(): v for k, v in values.items()}))
    return rows.with_columns(changes)


def _assume_channel(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """An opt-out is never lost to a typo: a withdraw without a known channel is kept with channel `any`."""
    if table.name != "consent_events":
        return rows.with_columns(pl.lit(value=False).alias(ASSUMED))
    unknown = (pl.col("action") == "withdraw") & ~pl.col("channel").is_in(CHANNELS).fill_null(value=False)
    return rows.with_columns(
        pl.when(unknown).then(pl.lit("any")).otherwise("channel").alias("channel"), unknown.alias(ASSUMED)
    )


def _tell_times(rows: pl.DataFrame, table: Table, source: Source, timezone: str) -> pl.DataFrame:
    """Add, for every column of instants, what it says (`_value_of_...`) and where it is at fault (`_fault_of_...`)."""
    told = []
    for name in table.holding("instant"):
        zone, text = source.timezone or timezone, rows[native_column(table, name)]
        value, fault = tell_instants(text, zone, source.timestamp_format, source.date_alone_means)
        told += [value.alias(f"_value_of_{name}"), fault.alias(f"_fault_of_{name}")]
    return rows.with_columns(told)


def _read_column(name: str, table: Table, source: Source, key: Key) -> Reading:  # noqa: PLR0911
    text = pl.col(native_column(table, name))
    nothing = pl.lit(None, dtype=pl.String)
    match table.holds(name):
        case "person" | "employee":
            return Reading(pseudonym(pl.col(f"_digest_of_{name}")), nothing)
        case "instant":
            return Reading(pl.col(f"_value_of_{name}"), pl.col(f"_fault_of_{name}"))
        case "date":
            return read_dates(text, source.date_format)
        case "choice":
            return _read_choice(name, table, text)
        case "flag":
            return _read_flag(name, table, text)
        case "number":
            number = text.str.replace(r"\.0+$", "").cast(pl.Int64, strict=False)
            is_other = text.is_not_null() & (
                number.is_null() | holds_personal_data(text)
            )  # a phone's digits count nothing
            return Reading(number, _fault(is_other, "unreadable_number"))
        case "set":
            return Reading(_as_set(text), nothing)
        case "id":
            return Reading(without_personal_data(text, key), nothing)
    if table.name == "page_views" and name in ("host", "path", "outbound_host"):
        return Reading(url_path(text) if name == "path" else url_host(text), nothing)
    return Reading(text, nothing)


def _fault(condition: pl.Expr, rule: str) -> pl.Expr:
    return pl.when(condition).then(pl.lit(rule))


def _read_choice(name: str, table: Table, text: pl.Expr) -> Reading:
    dtype = pl.Enum(table.choices(name))
    if name == "basis":
        known = pl.when(text.is_in(dtype.categories.implode())).then(text).otherwise(pl.lit("other"))
        return Reading(pl.when(text.is_not_null()).then(known).cast(dtype), pl.lit(None, dtype=pl.String))
    value = text.cast(dtype, strict=False)
    return Reading(value, _fault(text.is_not_null() & value.is_null(), f"unknown_{name}"))


def _read_flag(name: str, table: Table, text: pl.Expr) -> Reading:
    nothing = pl.lit(None, dtype=pl.String)
    if name in ("has_reason", "legal_reference"):
        return Reading(text.is_not_null(), nothing)
    value = pl.when(text == TRUE).then(statement=True).when(text == FALSE).then(statement=False)
    unknown = _fault(text.is_not_null() & value.is_null(), f"unknown_{name}")
    if table.name == "page_views":
        derived = outbound_flags()[name]
        return Reading(pl.when(value).then(statement=True).otherwise(derived), unknown)
    return Reading(value, unknown)


def _as_set(text: pl.Expr) -> pl.Expr:
    """A set as its sorted distinct members joined by `;`, so that equal sets are equal text; empty is null."""
    return text.map_batches(_sets, return_dtype=pl.String, is_elementwise=True)


def _sets(texts: pl.Series) -> pl.Series:
    """Sets repeat: each different text is taken apart once."""
    different = texts.drop_nulls().unique().to_frame("text")
    members = pl.col("text").str.split(";").list.eval(pl.element().str.strip_chars())
    joined = members.list.unique().list.drop_nulls().list.sort().list.join(";").str.strip_prefix(";")
    told = different.with_columns(pl.when(joined != "").then(joined).alias("set"))
    return texts.replace_strict(told["text"], told["set"], default=None, return_dtype=pl.String)


def _faults(table: Table, known_regimes: frozenset[str]) -> list[tuple[str, pl.Expr]]:
    """Column and rule for all that a schema cannot state, because it speaks of the text or of the export."""
    found = [(name, pl.col(f"_fault_of_{name}")) for name in table.columns]
    found.append(("", _fault(pl.col(UNREADABLE), "unreadable_row")))
    for name in table.holding("label", "set"):
        value = pl.col(name)
        found.append((name, _fault(holds_personal_data(value), "personal_data_in_label")))
        if table.is_marked(name, "group"):
            is_set = table.holds(name) == "set"
            reserved = value.str.split(";").list.contains("all") if is_set else value == "all"
            found.append((name, _fault(reserved, "reserved_value")))
    if table.name == "requests":
        found.append(("regime", _fault(~pl.col("regime").is_in(list(known_regimes)), "unknown_regime")))
    found += [(name, _in_the_future(name, table)) for name in table.holding("instant", "date")]
    return found


def _in_the_future(name: str, table: Table) -> pl.Expr:
    if table.is_marked(name, "future"):
        return pl.lit(None, dtype=pl.String)
    limit = pl.col("_until") if table.holds(name) == "instant" else pl.col("_until_day")
    return _fault(pl.col(name) > limit, "in_the_future")


def _broken(read: pl.DataFrame, table: Table, faults: list[tuple[str, pl.Expr]]) -> pl.DataFrame:
    """One row per broken rule: source, source_row, rule."""
    noticed = _noticed(read, faults)
    nowhere = noticed.filter(pl.col("rule") == "unreadable_row")
    ruled = _broken_by_schema(read, table).join(noticed, on=["source_row", "column"], how="anti")
    ruled = ruled.join(nowhere, on="source_row", how="anti")
    return pl.concat([noticed, ruled]).select("source", "source_row", "rule").unique(maintain_order=True)


def _noticed(read: pl.DataFrame, faults: list[tuple[str, pl.Expr]]) -> pl.DataFrame:
    """One row per fault: source, source_row, rule, column. Few rows have one, and the others are not carried along."""
    columns = {str(place): column for place, (column, _) in enumerate(faults)}
    is_at_fault = pl.any_horizontal(pl.col(list(columns)).is_not_null())
    told = read.lazy().select(
        "source", "source_row", *[fault.alias(str(place)) for place, (_, fault) in enumerate(faults)]
    )
    found = (
        told.filter(is_at_fault)
        .collect(engine="streaming")
        .unpivot(list(columns), index=["source", "source_row"], variable_name="column", value_name="rule")
    )
    return found.filter(pl.col("rule").is_not_null()).select(
        "source", "source_row", "rule", pl.col("column").replace(columns)
    )


def _broken_by_schema(typed: pl.DataFrame, table: Table) -> pl.DataFrame:
    _, failure = table.schema.filter(typed)
    if len(failure) == 0:
        return pl.DataFrame(
            schema={"source": pl.String, "source_row": pl.UInt64, "rule": pl.String, "column": pl.String}
        )
    details = failure.details()
    rules = [name for name in details.columns if name not in table.schema.columns()]
    found = details.unpivot(rules, index=["source", "source_row"], variable_name="broken", value_name="is_broken")
    column, _, kind = (pl.col("broken").str.splitn("|", 2).struct.field(f"field_{i}") for i in (0, 0, 1))
    rule = pl.when(kind == "nullability").then(pl.format("missing_{}", column)).when(kind.is_null()).then(column)
    return found.filter(pl.col("is_broken").cast(pl.String) == "invalid").select(
        "source",
        "source_row",
        rule.otherwise(pl.format("unknown_{}", column)).alias("rule"),
        column.alias("column"),
    )


def _speaks_of_opt_outs(rows: pl.DataFrame, table: Table) -> pl.DataFrame:
    """Whether a row is, or may be, an opt-out: what is no clear grant, or no clear kind of request, may have been one."""
    other_kinds = [kind for kind in REQUEST_KINDS if kind != "marketing_opt_out"]
    says = {
        "consent_events": (pl.col("action") != "grant").fill_null(value=True),
        "requests": ~pl.col("kind").is_in(other_kinds).fill_null(value=False),
        "suppressions": pl.lit(value=True),
    }.get(table.name, pl.lit(value=False))
    return rows.select("source_row", says.alias("is_opt_out"))
