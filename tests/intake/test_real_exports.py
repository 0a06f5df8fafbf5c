"""Exports that real systems wrote, read through a plain mapping; skipped where they are not at hand."""

import csv
import shutil
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from statistics import median

import pytest
from intake.exporting import KEY, POLICY, account, broken, cells, keep, kept

from pledgebook.book import open_book

REAL = Path(__file__).resolve().parents[3] / "shared" / "real"
AMSTERDAM = POLICY.replace("Asia/Tokyo", "Europe/Amsterdam").replace('"APPI"', '"GDPR"')
DAY = timedelta(days=1) / timedelta(microseconds=1)


def real(name: str) -> Path:
    if not (file := REAL / name).is_file():
        pytest.skip(f"{name} is not at hand")
    return file


def opened(tmp_path, name: str, mapping: str, **how):
    """A store of one real file under a mapping; the file is copied to where the test may write."""
    file = real(name)
    (tmp_path / "exports").mkdir(exist_ok=True)
    shutil.copyfile(file, tmp_path / "exports" / file.name)
    return keep(tmp_path, {"exports.toml": mapping}, **how)


RECEIPT = """
[[source]]
name = "permits"
table = "requests"
files = "receipt.csv"
timezone = "Europe/Amsterdam"
one_row_per = "case:concept:name"
constants = { kind = "inquiry", regime = "GDPR" }

[source.columns]
request_id = "case:concept:name"
person = "case:concept:name"
received_at = "case:startdate"
closed_at = "case:enddate"
"""


@pytest.fixture(scope="module")
def receipt(tmp_path_factory):
    folder = tmp_path_factory.mktemp("receipt")
    return folder, opened(folder, "pm4py-receipt/receipt.csv", RECEIPT, policy=AMSTERDAM)


@pytest.fixture(scope="module")
def waits():
    """Microseconds from start to end of every closed case, by plain Python."""
    with real("pm4py-receipt/receipt.csv").open(encoding="utf-8", newline="") as stream:
        cases = {row["case:concept:name"]: row for row in csv.DictReader(stream)}
    read = datetime.fromisoformat
    closed = [row for row in cases.values() if row["case:enddate"]]
    elapsed = [read(row["case:enddate"]) - read(row["case:startdate"]) for row in closed]
    return sorted(each // timedelta(microseconds=1) for each in elapsed)


def test_every_permit_request_becomes_one_row(receipt):
    _, store = receipt
    assert account(store)["receipt.csv"] == (1434, 1432, 2, 0, 0)
    assert store.intake["raw_rows"].to_list() == [8577]
    assert {rule for _, rule in broken(store)} == {"closed_before_received"}
    assert kept(store, "requests")["closed_at"].null_count() == 105


def test_its_published_answers_are_over_all_closed_the_impossible_two_included(waits):
    assert len(waits) == 1329
    assert (round(median(waits) / DAY, 3), round(sum(waits) / len(waits) / DAY, 3)) == (50.637, 58.981)
    assert sum(wait <= 30 * DAY for wait in waits) == 244


def test_the_store_holds_the_rest_to_the_microsecond(receipt, waits):
    _, store = receipt
    held = kept(store, "requests").drop_nulls("closed_at")
    elapsed = sorted((held["closed_at"] - held["received_at"]).dt.total_microseconds().to_list())
    assert elapsed == [wait for wait in waits if wait >= 0]
    assert sum(wait <= 30 * DAY for wait in elapsed) == 244 - 2


def test_the_turnaround_of_the_rest(receipt, waits):
    folder, store = receipt
    possible = [wait for wait in waits if wait >= 0]
    environment = {"PLEDGEBOOK_KEY": KEY, "PLEDGEBOOK_STORE": str(folder / "stores")}
    book = open_book(
        folder / "exports", "2010-10-01/2012-01-22", "2012-01-23", folder / "policy.toml", environment=environment
    )
    assert book.store.folder == store.folder
    row = book.compute("request_turnaround").row(0, named=True)
    assert (row["received"], row["open"], row["outcome_unknown"]) == (1432, 105, 1327)
    assert row["answered_median_gross_days"] == pytest.approx(median(possible) / DAY, abs=1e-12)
    assert row["answered_mean_days"] == pytest.approx(sum(possible) / len(possible) / DAY, abs=1e-12)


FIDES = """
[[source]]
name = "fides"
table = "consent_events"
files = "fides_consent_history.csv"
constants = { channel = "any" }

[source.columns]
person = "fides_user_device_id"
purpose = "notice_name"
action = "preference"
at = "request_timestamp"

[source.values]
action = { opt_in = "grant", opt_out = "withdraw" }
"""


def test_consent_history_of_fides(tmp_path):
    store = opened(tmp_path, "fides-consent/fides_consent_history.csv", FIDES)
    assert account(store)["fides_consent_history.csv"] == (22, 20, 2, 0, 0)
    assert [rule for _, rule in broken(store)] == ["unknown_action"] * 2
    assert Counter(cells(store, "consent_events", "action")) == {"grant": 14, "withdraw": 6}
    states = store.scan("consent_states", 0).sort("since").collect().group_by("person", "purpose").last()
    assert dict(states["state"].value_counts().rows()) == {"granted": 7, "withdrawn": 2}


ITERABLE = """
[[source]]
name = "iterable"
table = "consent_events"
files = "user_unsubscribed_message_type_history_data.csv"
timezone = "UTC"
columns = { person = "email", purpose = "message_type_id", at = "updated_at" }
constants = { channel = "email", action = "withdraw" }
"""


def test_unsubscriptions_of_iterable_with_a_byte_order_mark_and_no_last_line_break(tmp_path):
    name = "user_unsubscribed_message_type_history_data.csv"
    store = opened(tmp_path, f"fivetran-iterable/{name}", ITERABLE)
    assert account(store)[name] == (7, 7, 0, 0, 0)
    assert cells(store, "consent_events", "at")[0] == "2020-08-08T04:44:39.000000Z"
    assert kept(store, "consent_events")["person"].n_unique() == 3


MAILCHIMP = """
[[source]]
name = "members"
table = "people"
files = "member.csv"
timezone = "UTC"
columns = { person = "id", opened_at = "timestamp_signup", region = "country_code" }
constants = { kind = "prospect" }

[[source]]
name = "unsubscribed"
table = "consent_events"
files = "unsubscribe.csv"
timezone = "UTC"
columns = { person = "member_id", at = "timestamp" }
constants = { purpose = "newsletter", channel = "email", action = "withdraw" }
"""


def test_members_of_mailchimp(tmp_path):
    (tmp_path / "exports").mkdir()
    for name in ("member.csv", "unsubscribe.csv"):
        shutil.copyfile(real(f"fivetran-mailchimp/{name}"), tmp_path / "exports" / name)
    store = keep(tmp_path, {"exports.toml": MAILCHIMP})
    # one member is in two lists: the same person, the same facts, counted once
    assert account(store) == {"member.csv": (9, 8, 0, 1, 0), "unsubscribe.csv": (1, 1, 0, 0, 0)}


REGISTER = """
[[source]]
name = "register"
table = "disclosures"
files = "phe_release_register_linkage.csv"
timezone = "Europe/London"
date_alone_means = "start"
constants = { person = "cohort" }

[source.columns]
disclosure_id = "RowID"
recipient = "DataRecipient"
basis = "LegalBasisForRelease"
purpose = "OrganisationType"
items = "DataSource"
disclosed_at = "DateOfRelease"

[source.values]
basis = { Consent = "consent" }
"""


def test_releases_of_a_health_agency(tmp_path):
    name = "phe_release_register_linkage.csv"
    store = opened(tmp_path, f"nhs-phe-release-register/{name}", REGISTER)
    read, rows, *_ = account(store)[name]
    assert (read, rows) == (31, 31)
    assert Counter(cells(store, "disclosures", "basis")) == {"consent": 6, "other": 25}
    assert all(recipient == recipient.strip() for recipient in cells(store, "disclosures", "recipient"))
