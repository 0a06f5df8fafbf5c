"""A small company's exports, a nursery of commands, and notebooks that run, die and hang."""

from datetime import datetime

import nbformat
import polars as pl
import pytest
from faults.commands import Nursery

START = datetime(2026, 8, 20)
PARAMETERS = 'exports = ""\nperiod = ""\nas_of = ""\npolicy = ""\naudience = "internal"\nout = ""'
OPENS = "import pledgebook as pb\nbook = pb.open_book(exports, period, as_of, policy, audience, out)"
PUBLISHES = 'for name in ("request_turnaround", "marketing_opt_outs", "scorecard"):\n    book.publish(name)'


@pytest.fixture(scope="session")
def nursery(tmp_path_factory):
    nursery = Nursery(tmp_path_factory.mktemp("nursery"))
    yield nursery
    nursery.close()


def write_exports(folder, rows=1200):
    """A company of 300 people: they open, agree, ask (some by a further id), and are written to; a duplicate and a bad row."""
    folder.mkdir(parents=True)
    number = pl.int_range(rows, eager=True)
    person = pl.format("p-{}", number % 300)
    at = (pl.lit(START) + pl.duration(minutes=number * 37)).dt.strftime("%Y-%m-%dT%H:%M:%S+09:00")
    frame = pl.select(number=number, person_id=person, at=at)
    kinds = pl.Series(["disclosure", "deletion", "marketing_opt_out"])
    people = frame.head(300).with_columns(kind=pl.lit("member"), region=pl.lit("JP-13"))
    tables = {
        "people": people.select("person_id", "kind", "region", pl.lit("2026-01-01T00:00:00+09:00").alias("opened_at")),
        "identities": people.head(40).select(pl.format("x-{}", "number").alias("id"), "person_id"),
        "consent_events": frame.select(
            "person_id", pl.lit("marketing").alias("purpose"), pl.lit("email").alias("channel"),
            pl.when(pl.col("number") % 5 == 0).then(pl.lit("withdraw")).otherwise(pl.lit("grant")).alias("action"), "at",
            pl.lit("2026-01").alias("notice_version"),
        ),
        "requests": frame.head(200).select(
            pl.format("r-{}", "number").alias("request_id"),
            pl.when(pl.col("number") < 40).then(pl.format("x-{}", "number")).otherwise("person_id").alias("person_id"),
            kinds.gather(frame.head(200)["number"] % 3).alias("kind"), pl.col("at").alias("received_at"),
        ),
        "request_pauses": frame.head(20).select(pl.format("r-{}", "number").alias("request_id"), pl.col("at").alias("paused_at")),
        "messages": frame.select(
            pl.format("m-{}", pl.when(pl.col("number") == 7).then(6).otherwise("number")).alias("message_id"), "person_id",
            pl.lit("email").alias("channel"), pl.lit("autumn").alias("campaign"), pl.lit("marketing").alias("category"),
            pl.lit("mailer").alias("system"), pl.col("at").alias("sent_at"),
        ),
    }  # fmt: skip
    for name, table in tables.items():
        table.write_csv(folder / f"{name}.csv")
    return folder


@pytest.fixture(scope="session")
def company(tmp_path_factory, root):
    """Exports and policy that no test changes."""
    folder = tmp_path_factory.mktemp("company")
    (folder / "policy.toml").write_bytes((root / "data/policy.toml").read_bytes())
    return write_exports(folder / "exports"), folder / "policy.toml"


@pytest.fixture
def exports(tmp_path):
    return write_exports(tmp_path / "exports", rows=300)


def write_notebook(file, *cells):
    """A notebook of one heading, the parameters, and these cells."""
    parameters = nbformat.v4.new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]})
    told = [nbformat.v4.new_markdown_cell(f"# {file.stem}"), parameters]
    nbformat.write(nbformat.v4.new_notebook(cells=[*told, *map(nbformat.v4.new_code_cell, cells)]), file)
    return file


@pytest.fixture(scope="session")
def notebook(tmp_path_factory):
    """A short notebook that publishes tables."""
    return write_notebook(tmp_path_factory.mktemp("notebooks") / "50_short.ipynb", OPENS, PUBLISHES)
