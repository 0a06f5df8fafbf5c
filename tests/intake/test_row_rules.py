"""Every rule that a row must pass, by name; a row may break several."""

import pytest
from intake.exporting import (
    CONSENT,
    DISCLOSURES,
    MESSAGES,
    PEOPLE,
    REQUESTS,
    account,
    broken,
    cells,
    csv,
    keep,
    kept,
    message,
    notes,
)

T1, T2 = "2026-09-01T00:00:00Z", "2026-09-02T00:00:00Z"
CONTRACTS = "contract_id,recipient,starts_on,ends_on,is_confidential,is_equal_standard"
INCIDENTS = "incident_id,kind,known_at,people_affected,is_malicious,has_sensitive,has_financial_risk"
FULL_REQUEST = "request_id,person_id,kind,regime,region,received_at,acknowledged_at,extended_at,closed_at,outcome"
RULES = [
    ("messages", MESSAGES, "m1,,email,c,service,s," + T1, {"missing_person"}),
    ("messages", MESSAGES, ",p1,email,c,service,s," + T1, {"missing_message_id"}),
    ("messages", MESSAGES, "m1,p1,,c,service,s," + T1, {"missing_channel"}),
    ("messages", MESSAGES, "m1,p1,pigeon,c,service,s," + T1, {"unknown_channel"}),
    ("messages", MESSAGES, "m1,p1,email,,service,s," + T1, {"missing_campaign"}),
    ("messages", MESSAGES, "m1,p1,email,c,Service,s," + T1, {"unknown_category"}),
    ("messages", MESSAGES, "m1,p1,email,c,service,s,", {"missing_sent_at"}),
    ("messages", MESSAGES, "m1,p1,email,c,service,s,yesterday", {"unreadable_time"}),
    ("messages", MESSAGES, "m1,p1,email,c,service,s,2026-09-01", {"date_without_time"}),
    ("messages", MESSAGES, "m1,p1,email,all,service,s," + T1, {"reserved_value"}),
    ("messages", MESSAGES, "m1,p1,email,c,service,s," + T1 + ",more", {"unreadable_row"}),
    ("messages", MESSAGES, "m1,p1", {"missing_channel", "missing_campaign", "missing_category", "missing_sent_at"}),
    ("people", PEOPLE, f"p1,customer,JP,{T2},{T1}", {"closed_before_opened"}),
    ("people", PEOPLE, f"p1,patient,Japan,{T1},", {"unknown_kind", "unknown_region"}),
    ("consent_events", CONSENT, f"p1,marketing,email,agree,{T1}", {"unknown_action"}),
    ("consent_events", CONSENT, f"p1,marketing,pigeon,grant,{T1}", {"unknown_channel"}),
    ("consent_events", CONSENT, f"p1,all,email,grant,{T1}", {"reserved_value"}),
    ("requests", FULL_REQUEST, f"r1,p1,access,,,{T1},,,,", {"unknown_kind"}),
    ("requests", FULL_REQUEST, f"r1,p1,deletion,MARS,,{T1},,,,", {"unknown_regime"}),
    ("requests", FULL_REQUEST, f"r1,p1,deletion,,jp,{T1},,,,", {"unknown_region"}),
    ("requests", FULL_REQUEST, f"r1,p1,deletion,,,{T1},,,{T2},done", {"unknown_outcome"}),
    (
        "requests",
        FULL_REQUEST,
        f"r1,p1,deletion,,,{T2},{T1},{T1},{T1},denied",
        {"acknowledged_before_received", "extended_before_received", "closed_before_received"},
    ),
    ("request_pauses", "request_id,paused_at,resumed_at", f"r1,{T2},{T1}", {"resumed_before_paused"}),
    ("suppressions", "person_id,channel,system,added_at,removed_at", f"p1,any,s,{T2},{T1}", {"removed_before_added"}),
    ("recipients", "recipient,name,kind,country", "acme,Acme,friend,JP", {"unknown_kind"}),
    ("contracts", CONTRACTS, "c1,acme,2026-09-02,2026-09-01,true,true", {"ends_before_starts"}),
    ("contracts", CONTRACTS, "c1,acme,2026-02-30,,yes,", {"unreadable_date", "unknown_is_confidential",
                                                           "missing_is_equal_standard"}),
    ("disclosures", DISCLOSURES, f"d1,p1,acme,law,marketing,name;all,{T1},,", {"reserved_value"}),
    ("disclosures", DISCLOSURES, f"d1,p1,acme,,marketing,;,{T1},,maybe", {"missing_basis", "missing_items",
                                                                         "unknown_is_recorded"}),
    ("incidents", INCIDENTS, f"i1,leak,{T1},many,true,false,false", {"unreadable_number"}),
    ("incidents", INCIDENTS, f"i1,leak,{T1},-1,true,false,false", {"unknown_people_affected"}),
    ("staff", "employee_id,role,joined_on,left_on", "e1,support,2026-09-02,2026-09-01", {"left_before_joined"}),
    ("accesses", "employee_id,person_id,system,reason,at,was_granted", f",,crm,,{T1},", {"missing_employee",
                                                                                       "missing_person",
                                                                                       "missing_was_granted"}),
]  # fmt: skip


@pytest.mark.parametrize(("table", "header", "line", "rules"), RULES)
def test_a_row_is_quarantined_under_the_names_of_its_rules(tmp_path, table, header, line, rules):
    store = keep(tmp_path, {f"{table}.csv": csv(header, line)})
    assert {rule for _, rule in broken(store)} == rules
    assert account(store)[f"{table}.csv"] == (1, 0, 1, 0, 0)


def test_equal_instants_break_no_order(tmp_path):
    files = {
        "people.csv": csv(PEOPLE, f"p1,customer,JP,{T1},{T1}"),
        "requests.csv": csv(FULL_REQUEST, f"r1,p1,deletion,,,{T1},{T1},{T1},{T1},denied"),
        "contracts.csv": csv(CONTRACTS, "c1,acme,2026-09-01,2026-09-01,true,true"),
    }
    assert keep(tmp_path, files).quarantined.is_empty()


def test_empty_optional_fields_are_null(tmp_path):
    lines = ["r1,p1,deletion,2026-09-01T00:00:00Z,,", "r2,p1,deletion,2026-09-01T00:00:00Z,  ,   "]
    store = keep(tmp_path, {"requests.csv": csv(REQUESTS, *lines)})
    assert cells(store, "requests", "closed_at") == [None, None]
    assert cells(store, "requests", "outcome") == [None, None]
    assert store.quarantined.is_empty()


def test_cells_are_trimmed(tmp_path):
    store = keep(
        tmp_path, {"messages.csv": csv(MESSAGES, " m1 , p1 , email , autumn\u3000, service , s , " + T1 + " ")}
    )
    assert kept(store, "messages", "message_id", "channel", "campaign").row(0) == ("m1", "email", "autumn")


def test_a_withdraw_is_never_lost_to_a_typo_of_its_channel(tmp_path):
    lines = [
        f"p1,marketing,e-mail,withdraw,{T1}",
        f"p2,marketing,,withdraw,{T1}",
        f"p3,marketing,sms,withdraw,{T1}",
        f"p4,marketing,,grant,{T1}",
        f",marketing,,withdraw,{T1}",
    ]
    store = keep(tmp_path, {"consent_events.csv": csv(CONSENT, *lines)})
    assert cells(store, "consent_events", "channel") == ["any", "any", "sms"]
    assert notes(store)["consent_events", "channel_assumed"] == 2
    assert broken(store) == [(4, "missing_channel"), (5, "missing_person")]


def test_quarantined_rows_say_whether_they_may_have_been_an_opt_out(tmp_path):
    files = {
        "consent_events.csv": csv(
            CONSENT, f"p1,,email,withdraw,{T1}", f"p1,,email,grant,{T1}", f"p1,marketing,email,revoke,{T1}"
        ),
        "requests.csv": csv(
            REQUESTS, "r1,p1,marketing_opt_out,never,,", f"r2,p1,marketing_optout,{T1},,", "r3,p1,deletion,never,,",
            f"r4,p1,marketing_opt_out,{T1},,", f"r4,p1,marketing_opt_out,{T2},,", f"r5,p1,deletion,{T1},,",
            f"r5,p1,deletion,{T2},,",
        ),
        "suppressions.csv": csv("person_id,channel,system,added_at", f",any,s,{T1}"),
        "messages.csv": csv(MESSAGES, message(1, "never")),
    }  # fmt: skip
    told = keep(tmp_path, files).quarantined.filter("is_opt_out").select("table", "source_row").rows()
    assert told == [
        ("consent_events", 1),
        ("consent_events", 3),
        ("requests", 1),
        ("requests", 2),
        ("requests", 4),
        ("requests", 5),
        ("suppressions", 1),
    ]


def test_a_basis_that_nobody_knows_is_kept_as_other(tmp_path):
    lines = [f"d1,p1,acme,friendship,marketing,name,{T1},,", f"d2,p1,acme,Consent,marketing,name,{T1},,"]
    store = keep(tmp_path, {"disclosures.csv": csv(DISCLOSURES, *lines)})
    assert cells(store, "disclosures", "basis") == ["other", "other"]


def test_sets_are_sorted_and_hold_each_member_once(tmp_path):
    lines = [
        f"d1,p1,acme,law,marketing, name ;email;;name,{T1},,true",
        f"d2,p1,acme,law,marketing,email;name,{T1},,true",
    ]
    store = keep(tmp_path, {"disclosures.csv": csv(DISCLOSURES, *lines)})
    assert cells(store, "disclosures", "items") == ["email;name", "email;name"]


def test_a_verification_before_receipt_is_valid_and_counted(tmp_path):
    header = "request_id,person_id,kind,received_at,verified_at,closed_at,outcome"
    lines = [f"r1,p1,deletion,{T2},{T1},,", f"r2,p1,deletion,{T1},{T1},{T2},", f"r3,p1,deletion,{T1},,,denied"]
    store = keep(tmp_path, {"requests.csv": csv(header, *lines)})
    assert {note: rows for (table, note), rows in notes(store).items() if table == "requests"} == {
        "verified_before_receipt": 1,
        "closed_without_outcome": 1,
        "outcome_without_closing": 1,
        "orphan_person": 3,
    }


def test_blank_lines_are_no_rows_but_rows_without_a_value_are(tmp_path):
    text = csv(MESSAGES, message(1), "", ",,,,,,", "", message(2), "", "").replace("\n", "\r\n")
    store = keep(tmp_path, {"messages.csv": text})
    assert account(store)["messages.csv"] == (3, 2, 1, 0, 0)
    assert cells(store, "messages", "source_row") == [1, 3]
    assert {row for row, _ in broken(store)} == {2}


def test_quoted_cells_may_hold_line_breaks_delimiters_and_quotes(tmp_path):
    line = 'm1,p1,email,"a, ""b""\n\nc",service,s,' + T1
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES, line, message(2))})
    assert cells(store, "messages", "campaign") == ['a, "b"\n\nc', "autumn"]


def test_the_quarantine_holds_no_row_only_where_it_stands(tmp_path):
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES, "secret-id,secret-person,x,c,service,s," + T1)})
    assert store.quarantined.columns == ["table", "source", "source_row", "rule", "is_opt_out"]
    held = b"".join(file.read_bytes() for file in store.folder.rglob("*") if file.is_file())
    assert b"secret" not in held
