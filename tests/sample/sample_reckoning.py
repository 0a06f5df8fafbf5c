"""The figures of sections 3.2 to 3.5 of the definitions, row by row in plain Python, for a sample folder.

Slow on purpose, and of its own: it shares no line with the library.
"""

# ruff: noqa: PLR0911
from __future__ import annotations

import csv
import re
import tomllib
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import holidays

TOKYO = ZoneInfo("Asia/Tokyo")
POLICY = tomllib.loads((Path(__file__).parents[2] / "data" / "policy.toml").read_text("utf-8"))
PURPOSES = {purpose["id"]: purpose for purpose in POLICY["purpose"]}
CHANNELS = {"any", "email", "sms", "phone", "post", "push", "in_app", "messenger"}
BASES = {"consent", "law", "entrustment", "joint_use", "succession", "opt_out_notice", "vital_interest"}
KEYS = {
    "people": "person_id",
    "requests": "request_id",
    "messages": "message_id",
    "disclosures": "disclosure_id",
    "uses": "use_id",
    "identities": "id",
}
NEEDED = {
    "consent_events": ("purpose", "at"),
    "disclosures": ("purpose", "disclosed_at"),
    "uses": ("purpose", "system", "used_at"),
    "accesses": ("system", "at"),
    "messages": ("campaign", "sent_at"),
}
ORDER = (
    ("closed_at", "received_at"),
    ("acknowledged_at", "received_at"),
    ("removed_at", "added_at"),
    ("resumed_at", "paused_at"),
    ("closed_at", "opened_at"),
)
INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(Z|\+09:00)")
US_DAYS_OFF = holidays.country_holidays("US", years=range(2020, 2028))
GRACE_DAYS = 10


def broken_rules(table: str, row: dict) -> set[str]:
    """The row rules that matter for the sample."""
    broken = {f"missing_{name}" for name in NEEDED.get(table, ()) if row[name] == ""}
    for name, value in row.items():
        if value and (name == "at" or name.endswith("_at")) and not _is_instant(value):
            broken.add(f"bad_{name}")
        if value == "all" and name in ("recipient", "campaign", "purpose", "system"):
            broken.add("reserved_value")
        if "@" in value and name in ("campaign", "purpose", "system", "recipient"):
            broken.add("personal_data_in_label")
    if table == "consent_events" and row["action"] == "withdraw":
        row["channel"] = row["channel"] or "any"
    if "channel" in row and row["channel"] not in CHANNELS:
        broken.add("unknown_channel")
    if row.get("cookie_choice", "all") not in ("all", "necessary", "none", "unknown"):
        broken.add("unknown_cookie_choice")
    for later, earlier in ORDER:
        if row.get(later) and row.get(earlier) and at(row[later]) < at(row[earlier]):
            broken.add(f"{later}_before_{earlier}")
    return broken


def _is_instant(value: str) -> bool:
    if not INSTANT.fullmatch(value):
        return False
    try:
        at(value)
    except ValueError:
        return False
    return True


def at(value: str) -> datetime:
    return datetime.fromisoformat(value).astimezone(UTC)


def day(instant: datetime):
    return instant.astimezone(TOKYO).date()


def midnight(on) -> datetime:
    return datetime(on.year, on.month, on.day, tzinfo=TOKYO).astimezone(UTC)


def month_of(instant: datetime) -> str:
    return f"{day(instant):%Y-%m}"


class Exports:
    """Kept rows by table, with what became of the others."""

    def __init__(self, folder: Path) -> None:
        self.read, self.quarantined, self.duplicates = Counter(), Counter(), Counter()
        self.rows = {file.stem: self._kept(file) for file in folder.glob("*.csv") if file.stem != "planted"}
        further = {row["id"]: row["person_id"] for row in self.rows["identities"]}
        for rows in self.rows.values():
            for row in rows:
                if "person_id" in row:
                    row["person_id"] = further.get(row["person_id"], row["person_id"])

    def _kept(self, file: Path) -> list[dict]:
        table, seen, good = file.stem, set(), []
        for row in csv.DictReader(file.open(encoding="utf-8", newline="")):
            self.read[table] += 1
            if broken_rules(table, row):
                self.quarantined[table] += 1
            elif tuple(row.values()) in seen:
                self.duplicates[table] += 1
            else:
                seen.add(tuple(row.values()))
                good.append(row)
        key = KEYS.get(table)
        often = Counter(row[key] for row in good) if key else {}
        kept = [row for row in good if not key or often[row[key]] == 1]
        self.quarantined[table] += len(good) - len(kept)
        return kept


class Reckoning:
    """Figures of one month, as of its end."""

    def __init__(self, exports: Exports) -> None:
        self.rows = exports.rows
        self.region = {}
        for row in self.rows["people"]:
            self.region.setdefault(row["person_id"], row["region"])
        self.events = defaultdict(list)
        for row in self.rows["consent_events"]:
            self.events[row["person_id"], row["purpose"]].append(
                (at(row["at"]), row["action"] == "withdraw", row["channel"], row["recipient"], row)
            )
        for row in self.rows["requests"]:
            if row["kind"] == "marketing_opt_out":
                self.events[row["person_id"], "marketing"].append((at(row["received_at"]), True, "any", "", row))
        for events in self.events.values():
            events.sort(key=lambda event: event[:2])

    def covering(self, person, purpose, channel, recipient, until):
        return [
            e for e in self.events.get((person, purpose), ())
            if e[0] <= until and e[2] in (channel, "any") and e[3] in ("", recipient)
        ]  # fmt: skip

    def state(self, person, purpose, channel, recipient, t) -> str:
        events = self.covering(person, purpose, channel, recipient, t)
        if not events:
            return "never_asked"
        last = [e for e in events if e[0] == events[-1][0]]
        if any(e[1] for e in last):
            return "withdrawn"
        rules = PURPOSES.get(purpose, {})
        if any(self._expired(e, rules, t) for e in last):
            return "expired"
        return "outdated" if any(self._outdated(e, rules, t) for e in last) else "granted"

    def _expired(self, event, rules, t) -> bool:
        expires = event[4]["expires_at"]
        days = rules.get("valid_days")
        return bool(expires and at(expires) <= t) or bool(days is not None and event[0] + timedelta(days) <= t)

    def _outdated(self, event, rules, t) -> bool:
        if "notice_versions" not in rules:
            return False
        listed = {version["id"]: version.get("valid_until") for version in rules["notice_versions"]}
        version = event[4]["notice_version"]
        return version not in listed or (listed[version] is not None and midnight(listed[version]) <= t)

    def effective(self, person, channel, no_at) -> datetime:
        if not (self.region.get(person) or "").startswith("US") or channel not in ("email", "sms"):
            return no_at
        on, left = day(no_at), GRACE_DAYS
        while left:
            on += timedelta(1)
            left -= on.weekday() < 5 and on not in US_DAYS_OFF
        return midnight(on + timedelta(1))

    def verdict(self, m) -> str:
        person, channel, sent = m["person_id"], m["channel"], at(m["sent_at"])
        state = self.state(person, "marketing", channel, "", sent)
        if state == "granted":
            return "permitted"
        if state == "never_asked":
            return "no_consent"
        if state != "withdrawn":
            return state
        events = self.covering(person, "marketing", channel, "", sent)
        yes_at = max((e[0] for e in events if not e[1]), default=None)
        noes = [e[0] for e in events if e[1] and (yes_at is None or e[0] >= yes_at)]
        late = any(self.effective(person, channel, no) < sent for no in noes)
        return "after_opt_out" if late else "in_grace"

    def figures(self, month: str) -> Counter:
        """Return `(table, column)` to figure, the `all` row of each table, as of the month's end."""
        start = midnight(datetime.strptime(month + "-01", "%Y-%m-%d"))
        end = midnight((start.astimezone(TOKYO) + timedelta(32)).replace(day=1))
        found: Counter = Counter()
        self._messages(found, start, end)
        self._opt_outs(found, start, end)
        self._requests(found, start, end)
        self._disclosures(found, start, end)
        for row in self.rows["uses"]:
            needs = PURPOSES.get(row["purpose"], {}).get("needs_consent")
            if start <= at(row["used_at"]) < end and needs:
                self._occasion(found, row, "", at(row["used_at"]))
        return found

    def _occasion(self, found, row, recipient, t) -> None:
        granted = self.state(row["person_id"], row["purpose"], "any", recipient, t) == "granted"
        found["consent_gap", "occasions"] += 1
        found["consent_gap", "coverage"] += not granted

    def _messages(self, found, start, end) -> None:
        for m in self.rows["messages"]:
            if m["category"] == "marketing" and start <= at(m["sent_at"]) < end:
                found["marketing_messages", self.verdict(m)] += 1
                found["marketing_messages", "messages"] += 1

    def _opt_outs(self, found, start, end) -> None:
        sent, entries = defaultdict(list), defaultdict(list)
        pairs = set()
        for m in self.rows["messages"]:
            if m["category"] == "marketing":
                sent[m["person_id"]].append((m["channel"], at(m["sent_at"])))
                if start <= at(m["sent_at"]) < end and m["system"]:
                    pairs.add((m["system"], m["channel"]))
        for s in self.rows["suppressions"]:
            entries[s["person_id"]].append(s)
        for (person, purpose), events in self.events.items():
            if purpose != "marketing":
                continue
            for no_at, channel in {(e[0], e[2]) for e in events if e[1] and start <= e[0] < end}:
                if self._is_new(events, no_at, channel):
                    found["opt_outs", "opt_outs"] += 1
                    found["opt_outs", "breached"] += self._is_breached(person, no_at, channel, sent[person], end)
                    found["opt_outs", "not_suppressed"] += self._is_loose(
                        person, no_at, channel, entries[person], pairs, end
                    )

    def _is_new(self, events, no_at, channel) -> bool:
        before = [e for e in events if e[0] < no_at]
        if channel != "any":
            covering = [e for e in before if e[2] in (channel, "any")]
            return not covering or not covering[-1][1]
        noes = [e[0] for e in before if e[1] and e[2] == "any"]
        return not noes or any(not e[1] and e[0] > noes[-1] for e in before)

    def _granted_between(self, person, channel, since, until) -> bool:
        return any(not e[1] and since < e[0] <= until for e in self.covering(person, "marketing", channel, "", until))

    def _is_breached(self, person, no_at, channel, sent, as_of) -> bool:
        return any(
            channel in (c, "any")
            and self.effective(person, c, no_at) < t < as_of
            and not self._granted_between(person, c, no_at, t)
            for c, t in sent
        )

    def _is_loose(self, person, no_at, channel, entries, pairs, as_of) -> bool:
        for system, reached in pairs:
            if channel not in (reached, "any"):
                continue
            held = any(
                s["system"] == system
                and s["channel"] in (reached, "any")
                and at(s["added_at"]) < as_of
                and not (s["removed_at"] and at(s["removed_at"]) < as_of)
                for s in entries
            )
            if not held and not self._granted_between(person, reached, no_at, as_of - timedelta(microseconds=1)):
                return True
        return False

    def _requests(self, found, start, end) -> None:
        pauses = defaultdict(list)
        for p in self.rows["request_pauses"]:
            pauses[p["request_id"]].append(p)
        promised, identified = POLICY["requests"]["promised_days"], POLICY["requests"]["needs_identification"]
        for r in self.rows["requests"]:
            received = at(r["received_at"])
            closed = at(r["closed_at"]) if r["closed_at"] and at(r["closed_at"]) < end else None
            outcome = r["outcome"] if closed else ""
            days = promised.get(r["kind"], promised["default"])
            for p in pauses[r["request_id"]]:
                until = min(at(p["resumed_at"]) if p["resumed_at"] else end, closed or end, end)
                days += max((day(until) - day(at(p["paused_at"]))).days, 0) if at(p["paused_at"]) < end else 0
            due = midnight(day(received) + timedelta(days + 1))
            if start <= received < end:
                found["request_turnaround", "received"] += 1
                unproven = not r["verified_at"] or (closed and at(r["verified_at"]) > closed)
                answered = closed and outcome in ("fulfilled", "partly_fulfilled", "")
                found["request_turnaround", "unverified_answers"] += bool(
                    r["kind"] in identified and answered and unproven
                )
            if start < due <= end and outcome != "withdrawn":
                found["request_turnaround", "due"] += 1
                found["request_turnaround", "late"] += bool(closed and closed >= due)
                found["request_turnaround", "overdue_open"] += closed is None

    def _disclosures(self, found, start, end) -> None:
        recipients = {r["recipient"] for r in self.rows["recipients"]}
        for d in self.rows["disclosures"]:
            t = at(d["disclosed_at"])
            if start <= t < end:
                found["disclosures", "disclosures"] += 1
                found["disclosures", self._finding(d, t, recipients)] += 1
                if d["basis"] == "consent" and PURPOSES.get(d["purpose"], {}).get("needs_consent"):
                    self._occasion(found, d, d["recipient"], t)

    def _finding(self, d, t, recipients) -> str:
        basis, person = d["basis"], d["person_id"]
        if d["recipient"] not in recipients:
            return "unknown_recipient"
        if basis not in BASES:
            return "unknown_basis"
        if basis == "consent" and self.state(person, d["purpose"], "any", d["recipient"], t) != "granted":
            return "no_consent"
        if basis in ("entrustment", "joint_use") and not self._has_contract(d["recipient"], str(day(t))):
            return "no_contract"
        if basis == "law" and not d["legal_reference"]:
            return "no_legal_reference"
        if basis in POLICY["disclosures"]["needs_record"] and d["is_recorded"] != "true":
            return "not_recorded"
        return "in_order" if d["purpose"] in PURPOSES else "undeclared_purpose"

    def _has_contract(self, recipient, on) -> bool:
        return any(
            c["recipient"] == recipient
            and c["starts_on"] <= on <= (c["ends_on"] or "9999")
            and c["is_confidential"] == c["is_equal_standard"] == "true"
            for c in self.rows["contracts"]
        )
