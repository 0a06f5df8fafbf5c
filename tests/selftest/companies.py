"""Policies of other companies, and small exports of theirs."""

from pathlib import Path

EUROPEAN = """
[company]
name = "Kontor"
timezone = "Europe/Berlin"
regime = "GDPR"
max_quarantined_ratio = 0.0

[[purpose]]
id = "service"
clause = "1"
title = "Do what the contract says"
needs_consent = false
"""
AMERICAN = """
[company]
name = "Prairie"
timezone = "America/New_York"
regime = "CCPA"

[[purpose]]
id = "ads"
clause = "1"
title = "Advertise"
needs_consent = true
kinds = ["other"]
channels = ["sms"]
valid_days = 30
notice_versions = [{ id = "a", valid_until = 2026-09-20 }, { id = "b" }]

[requests]
needs_identification = ["deletion"]

[marketing]
purpose = "ads"
regime = "TCPA"
by_region = { CA = "CASL", US = { email = "CAN_SPAM" } }

[disclosures]
needs_record = ["consent"]
"""
MAPPING = """[[source]]
name = "helpdesk"
table = "requests"
files = "**/*.txt"
format = "csv"
delimiter = ";"
timezone = "Europe/Berlin"
timestamp_format = "%d.%m.%Y %H:%M"

[source.columns]
request_id = "Nummer"
person = "Kunde"
kind = "Art"
received_at = "Eingang"
closed_at = "Erledigt"

[source.values.kind]
Auskunft = "disclosure"

[source.constants]
regime = "GDPR"
outcome = "fulfilled" """
TICKETS = "Nummer;Kunde;Art;Eingang;Erledigt\n1;k1;Auskunft;03.08.2026 09:00;05.08.2026 10:00\n2;k2;Auskunft;30.09.2026 09:00;\n"


def write_policy(folder: Path, text: str) -> Path:
    file = folder / "policy.toml"
    file.write_text(text, encoding="utf-8")
    return file


def write_helpdesk(folder: Path) -> Path:
    """Exports of one table in a layout of their own; the mapping's last line has no line break."""
    exports = folder / "exports"
    exports.mkdir()
    (exports / "exports.toml").write_text(MAPPING.rstrip(), encoding="utf-8")
    (exports / "tickets.txt").write_text(TICKETS, encoding="utf-8")
    return exports


def write_letter(folder: Path) -> Path:
    """Native exports of one person and one message of one campaign, `monthly_letter`, in September."""
    exports = folder / "exports"
    exports.mkdir()
    people = "person_id,kind,region,opened_at,closed_at\np1,customer,JP-13,2026-01-01T00:00:00Z,\n"
    head = "message_id,person_id,channel,campaign,category,system,sent_at\n"
    (exports / "people.csv").write_text(people, encoding="utf-8")
    letter = "m1,p1,email,monthly_letter,marketing,mailer,2026-09-30T10:00:00Z\n"
    (exports / "messages.csv").write_text(head + letter, encoding="utf-8")
    return exports
