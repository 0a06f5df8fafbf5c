"""Canaries: texts that stand for personal data, each of its own in the column where it is put, and exports full of them."""

import gzip
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl
import pyarrow as pa

from pledgebook.intake.mapping import native_column, native_columns
from pledgebook.sample import make_sample
from pledgebook.tables import TABLES, Table

MARKERS = ("canary", "kanari", "金糸雀")
WIDE = str.maketrans({code: code + 0xFEE0 for code in range(0x21, 0x7F)})
EXTRA = ("full_name", "birth_date", "memo", "contact")
HEADERS = ("canary.header@kanari.example", "090-7100-0001")
IN_WORKLISTS = {
    "requests": dict.fromkeys(("acknowledged_at", "verified_at", "closed_at", "outcome", "denial_reason"))
    | {"received_at": "2026-09-20T10:00:00+09:00"},
    "disclosures": {"recipient": "nobody_known", "disclosed_at": "2026-09-20T10:00:00+09:00"},
}
FORMATS = {"messages": "parquet", "consent_events": "jsonl.gz", "disclosures": "csv.zst", "uses": "csv.gz"}


def email(n: int) -> str:
    return f"Canary.{n:04}@kanari.example"


def phone(n: int) -> str:
    return f"090-{3100 + n // 100:04}-{1000 + 37 * (n % 100):04}"


def card(n: int) -> str:
    digits = f"40713{n:04}882210"
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[::-2])
    number = digits + str(-(doubled + sum(map(int, digits[-2::-2]))) % 10)
    return " ".join(number[place : place + 4] for place in range(0, 16, 4))


def plain(number: str) -> str:
    return "".join(sign for sign in number if sign.isdigit())


PATTERNS = {
    "email": email,
    "email in wide letters": lambda n: email(n).translate(WIDE),
    "email, escaped": lambda n: email(n).replace("@", "%40"),
    "email, escaped twice": lambda n: email(n).replace("@", "%2540"),
    "phone": phone,
    "phone, digits alone": lambda n: plain(phone(n)),
    "phone in wide digits": lambda n: phone(n).translate(WIDE),
    "phone, international": lambda n: f"+81 {phone(n)[1:]}",
    "card": card,
    "card, digits alone": lambda n: plain(card(n)),
    "card, in hyphens": lambda n: card(n).replace(" ", "-"),
}
OTHERS = {
    "name": lambda n: f"金糸雀 花子{n:04}",
    "Latin name": lambda n: f"Zoë Canaryová {n:04}",
    "birth date": lambda n: f"1907-{n // 28 % 12 + 1:02}-{n % 28 + 1:02}",
    "free text": lambda n: f"金糸雀さん (canary {n:04}) called; wants her money back",
    "id": lambda n: f"CANARY-{n:04}",
}
KINDS = PATTERNS | OTHERS


@dataclass
class Canaries:
    """All that were let out: text -> table, column and kind; the clear ids of people and employees; and the keys."""

    places: dict[str, str] = field(default_factory=dict)
    ids: list[str] = field(default_factory=list)
    secrets: list[str] = field(default_factory=list)

    def new(self, where: str, kind: str) -> str:
        text = KINDS[kind](len(self.places) + 1)
        self.places[text] = f"{where}: {kind}"
        return text


def let_out(folder: Path, people: int = 200) -> Canaries:
    """Fill an export folder: a made-up company whose people all are canaries, and rows with one in every column."""
    make_sample(people, 11, folder)
    (folder / "planted.csv").unlink()
    found = Canaries()
    frames = {name: pl.read_csv(folder / f"{name}.csv", infer_schema=False) for name in TABLES}
    renamed = _rename_people(frames, found)
    for name, frame in renamed.items():
        (folder / f"{name}.csv").unlink()
        _write(folder, name, _with_extra_columns(_with_canary_rows(frame, TABLES[name], found), name, found))
    return found


def _rename_people(frames: dict[str, pl.DataFrame], found: Canaries) -> dict[str, pl.DataFrame]:
    kinds = [kind for kind in KINDS if kind != "birth date"]
    clear: dict[str, str] = {}
    for frame in frames.values():
        for column in {"person_id", "employee_id", "id"} & set(frame.columns):
            for old in frame[column].unique(maintain_order=True).drop_nulls():
                clear.setdefault(old, found.new("people", kinds[len(clear) % len(kinds)]))
    found.ids += clear.values()
    return {
        name: frame.with_columns(
            pl.col(c).replace(clear) for c in {"person_id", "employee_id", "id"} & set(frame.columns)
        )
        for name, frame in frames.items()
    }


def kinds_for(table: Table, column: str) -> dict:
    """The kinds of canary that must not be seen again when they stand in a native column."""
    name = next(each for each in table.columns if native_column(table, each) == column)
    if table.holds(name) in ("id", "label", "set") and column not in ("url", "outbound_url", "region", "regime"):
        return PATTERNS
    return {kind: made for kind, made in KINDS.items() if kind != "birth date" or table.holds(name) != "date"}


def _with_canary_rows(frame: pl.DataFrame, table: Table, found: Canaries) -> pl.DataFrame:
    row = frame.row(0, named=True) | IN_WORKLISTS.get(table.name, {})
    rows = [row | change for change in _changes(table, found)]
    return pl.concat([frame, pl.DataFrame(rows, schema=dict.fromkeys(frame.columns, pl.String))])


def _changes(table: Table, found: Canaries) -> Iterator[dict[str, str]]:
    for column in native_columns(table):
        for kind in kinds_for(table, column):
            text = found.new(f"{table.name}.{column}", kind)
            if column in ("person_id", "employee_id") or (table.name, column) == ("identities", "id"):
                found.ids.append(text)
            if column in ("url", "outbound_url"):
                yield {column: f"https://{text}@shop.example/a?q={text}#{text}"}
                yield {column: f"https://shop.example/members/{text}/x?name={text}"}
                yield {column: "https://shop.example/members/kanari/~canary/x"}
                yield {column: f"https://shop.example\\members\\{text}"}
                yield {column: f"https://shop.example;id={text.replace('@', '-')}/x"}
            else:
                yield {column: text}


def _with_extra_columns(frame: pl.DataFrame, name: str, found: Canaries) -> pl.DataFrame:
    kinds = ("name", "birth date", "free text", "email")
    told = [
        pl.lit(found.new(f"{name}.{column}", kind)).alias(column) for column, kind in zip(EXTRA, kinds, strict=True)
    ]
    named = [pl.lit("x").alias(header) for header in HEADERS]
    return frame.with_columns(*told, *named)


def _write(folder: Path, name: str, frame: pl.DataFrame) -> None:
    ending = FORMATS.get(name, "csv")
    text = frame.write_ndjson() if ending.startswith("jsonl") else frame.write_csv()
    stream = io.BytesIO()
    frame.write_parquet(stream)
    data = {
        "parquet": stream.getvalue(),
        "gz": gzip.compress(text.encode()),
        "zst": pa.compress(text.encode(), codec="zstd", asbytes=True),
    }.get(ending.split(".")[-1], text.encode())
    (folder / f"{name}.{ending}").write_bytes(data)
