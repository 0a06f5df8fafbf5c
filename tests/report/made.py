"""Small reports, made as runs make them but for the notebooks: an executed notebook and its page are words."""

from datetime import UTC, datetime
from pathlib import Path

from pledgebook.book import open_book
from pledgebook.metrics.catalogue import METRICS
from pledgebook.publishing import OTHERS, publish_tables
from pledgebook.report.run import link_name
from pledgebook.report.sealing import seal_run

ROOT = Path(__file__).resolve().parents[2]
PEOPLE = """person_id,kind,region,opened_at,closed_at
p-1,customer,JP-13,2026-01-01T00:00:00+09:00,
p-2,customer,JP-13,2026-01-02T00:00:00+09:00,
p-3,member,,2026-01-03T00:00:00+09:00,
"""
CONSENT = """person_id,purpose,channel,recipient,action,at,expires_at,notice_version,method
p-1,marketing,email,,grant,2026-02-01T09:00:00+09:00,,2026-01,web
p-1,marketing,email,,withdraw,2026-09-10T09:00:00+09:00,,,web
p-2,marketing,any,,grant,2026-02-01T09:00:00+09:00,,2026-01,web
"""
REQUESTS = """request_id,person_id,kind,received_at,verified_at,closed_at,outcome
r-1,p-1,disclosure,2026-09-03T10:00:00+09:00,2026-09-03T11:00:00+09:00,2026-09-10T10:00:00+09:00,fulfilled
r-2,p-2,complaint,2026-09-04T10:00:00+09:00,,,
r-3,p-3,deletion,2026-08-04T10:00:00+09:00,2026-08-04T10:00:00+09:00,2026-08-09T10:00:00+09:00,fulfilled
"""
MESSAGES = """message_id,person_id,channel,campaign,category,system,sent_at
m-1,p-1,email,autumn,marketing,mailer,2026-09-12T09:00:00+09:00
m-2,p-2,email,autumn,marketing,mailer,2026-09-12T09:00:00+09:00
m-3,p-2,email,summer,marketing,mailer,2026-08-12T09:00:00+09:00
"""
EXPORTS = {"people": PEOPLE, "consent_events": CONSENT, "requests": REQUESTS, "messages": MESSAGES}
SOURCE = '[[source]]\nname = "{0}"\ntable = "{0}"\nfiles = "{0}.csv"\n'
PAGES = ("index", "00_scorecard", "01_what_arrived", "20_request_turnaround", "30_marketing_opt_outs")


def make_inputs(folder):
    """Exports with a mapping, and a policy of their own."""
    exports = folder / "exports"
    exports.mkdir(parents=True)
    for name, text in EXPORTS.items():
        (exports / f"{name}.csv").write_text(text, encoding="utf-8")
    (exports / "exports.toml").write_text("".join(SOURCE.format(name) for name in EXPORTS), encoding="utf-8")
    (exports / "read-me.txt").write_text("nobody reads this", encoding="utf-8")
    policy = folder / "policy.toml"
    policy.write_bytes((ROOT / "data/policy.toml").read_bytes())
    return exports, policy


def make_report(inputs, out, period="2026-09", run="20261001T000000-aaaaaa", meanwhile=lambda: None):
    """One sealed run; returns its folder. `meanwhile` is done between the figures and the seal."""
    exports, policy = inputs
    making = out / ".runs" / f".making-{run}"
    making.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    making.mkdir()
    book = open_book(exports, period, policy=policy, out=making)
    for name in (*METRICS, *OTHERS):
        publish_tables(book, name, making)
    for page in PAGES:
        (making / f"{page}.html").write_text(f"<title>{page}</title>", encoding="utf-8")
    (making / "20_request_turnaround.ipynb").write_text("{}", encoding="utf-8")
    parameters = {
        "exports": str(exports), "period": period, "as_of": book.question.as_of.isoformat(), "policy": str(policy),
        "audience": "internal",
    }  # fmt: skip
    notebooks = [policy.with_name("20_request_turnaround.ipynb")]
    notebooks[0].write_text("{}", encoding="utf-8")
    now = datetime.now(UTC).isoformat()
    meanwhile()
    return seal_run(book, run, making, parameters, notebooks, {"started": now, "finished": now}, link_name(book))


def flip_byte(file):
    """Change one bit of the byte in the middle; an empty file gets a byte."""
    held = bytearray(file.read_bytes() or b" ")
    held[len(held) // 2] ^= 1
    file.write_bytes(bytes(held))
