"""Personal data: it never reaches the store, and what only looks like it is left alone."""

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from intake.exporting import DISCLOSURES, MESSAGES, REQUESTS, broken, cells, csv, digest, keep, message

from pledgebook.intake.personal_data import holds_personal_data, without_personal_data
from pledgebook.intake.web import url_host, url_path
from pledgebook.pseudonyms import Key

KEY = Key("k" * 40)
AT = "2026-09-01T00:00:00Z"


def holds(*texts):
    return (
        pl.DataFrame({"t": texts}, schema={"t": pl.String})
        .select(holds_personal_data(pl.col("t")))
        .to_series()
        .to_list()
    )


PERSONAL = [
    "taro@example.com", "to taro.yamada+x@mail.example.co.jp!", "ｔａｒｏ＠ｅｘａｍｐｌｅ．ｃｏｍ",
    "090-1234-5678", "09012345678", "tel: 03-1234-5678", "(03)1234-5678", "03(1234)5678", "0120-123-456",
    "０９０－１２３４－５６７８",
    "090ー1234ー5678", "090−1234−5678", "call 090 1234 5678 now", "+81 90-1234-5678", "+819012345678", "+1 (212) 555-0199",
    "212-555-0199", "+44 20 7946 0958", "09-01-2026 03-1234-5678", "2026-09-01 090-1234-5678",
    "4111111111111111", "4111 1111 1111 1111", "4111-1111-1111-1111", "x 378282246310005 y", "3782 822463 10005",
    "(415)555-2671", "TEL09012345678", "090 - 1234 - 5678", "090・1234・5678", "０９０～１２３４～５６７８", "0081-90-1234-5678",
    "06 12 34 56 78", "0176/12345678", "(11) 91234-5678", "090\u200b1234\u200b5678", "٠٩٠١٢٣٤٥٦٧٨", "taro%2540example.com",
    "taro&#64;example.com", "taro@example。com", "ta\u00adro＠example.com", "4111  1111  1111  1111", "4111.1111.1111.1111",
    "5555555555554444", "６０１１１１１１１１１１１１１７", "2026-09-01 4111111111111111", "2026-09-01 4111 1111 1111 1111",
]  # fmt: skip
HARMLESS = [
    "sale-2026-09-01", "2025-04", "v1.2.3", "MSG-0012345678", "sale-2026-09-01-2026-09-30", "20260901", "20260901123456",
    "20260901-20260930", "2026-09-01T10:00:00", "2026-W41", "Q3/2026", "step 10 of 12", "crm-2", "@shop", "sale@home",
    "4111 1111 1111 1112", "0000000001", "1234567890", "10.0.0.1", "GB-29-NWBK", "all-in-1", "99.95 %", "",
    "01/2026/0901", "q1_2026_0901", "v10.20.30.40", "1.2.3-20260901", "(2) 2026-09-01", "0000-12345678", "04/2026-03/2027",
    "motel0912", "50%25 off", "R&D", "１２３", "~5 days",
]  # fmt: skip


@pytest.mark.parametrize("text", PERSONAL)
def test_emails_phones_and_cards_are_told(text):
    assert holds(text) == [True]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_only_looks_like_one_is_left_alone(text):
    assert holds(text) == [False]


def test_a_label_that_is_absent_stays_absent():
    assert holds(None, "x", None) == [None, False, None]


def test_a_row_is_quarantined_for_personal_data_in_any_of_its_labels(tmp_path):
    mail, phone, card = "taro@example.com", "０９０-1234-5678", "4111 1111 1111 1111"
    files = {
        "messages.csv": csv(MESSAGES, message(1, campaign=mail), message(2, system=phone), message(3, campaign="sale-2026-09-01")),
        "disclosures.csv": csv(
            DISCLOSURES,
            f"d1,p1,{mail},law,marketing,name,{AT},,",
            f"d2,p1,acme,law,{phone},name,{AT},,",
            f"d3,p1,acme,law,marketing,name;{card},{AT},,",
        ),
        "consent_events.csv": csv(
            "person_id,purpose,channel,action,at,method,notice_version",
            f"p1,marketing,email,grant,{AT},call to {phone},",
            f"p1,marketing,email,grant,{AT},,{mail}",
        ),
        "trainings.csv": csv("employee_id,course,completed_on", f"e1,{mail},2026-09-01"),
        "staff.csv": csv("employee_id,role,joined_on", f"e1,{mail},2026-09-01"),
        "policy_reviews.csv": csv("subject,reviewed_on", f"{mail},2026-09-01"),
        "requests.csv": csv("request_id,person_id,kind,received_at,denial_reason", f"r1,p1,deletion,{AT},{card}"),
    }  # fmt: skip
    store = keep(tmp_path, files)
    assert {rule for _, rule in broken(store)} == {"personal_data_in_label"}
    assert dict(store.quarantined["table"].value_counts().rows()) == {
        "messages": 2, "disclosures": 3, "consent_events": 2, "trainings": 1, "staff": 1, "policy_reviews": 1, "requests": 1,
    }  # fmt: skip


@pytest.mark.parametrize(
    "name",
    [
        "Taro@Example.com",
        "０９０-1234-5678",
        "4111111111111111",
        "+819012345678",
        "taro%2540example.com",
        "0176/12345678",
        "٠٩٠١٢٣٤٥٦٧٨",
        "090・1234・5678",
    ],
)
def test_an_id_that_is_personal_is_replaced_in_the_same_way_everywhere(tmp_path, name):
    files = {
        "requests.csv": csv(REQUESTS, f"{name},p1,deletion,{AT},,", f"REQ-0912345678,p2,deletion,{AT},,"),
        "request_pauses.csv": csv("request_id,paused_at", f" {name} ,{AT}"),
    }
    store = keep(tmp_path, files)
    told = cells(store, "requests", "request_id")
    assert told[1] == "REQ-0912345678"
    assert len(told[0]) == 64
    assert cells(store, "request_pauses", "request_id") == [told[0]]
    assert cells(store, "request_pauses", "person") == cells(store, "requests", "person")[:1]


def test_the_replaced_id_is_the_hmac_of_the_normalised_one():
    ids = pl.DataFrame({"i": [" Ａ@B.co ", "MSG-0012345678", None, "4111111111111111", "4111111111111112"]})
    told = ids.select(without_personal_data(pl.col("i"), KEY)).to_series().to_list()
    assert told == [digest("a@b.co"), "MSG-0012345678", None, digest("4111111111111111"), "4111111111111112"]


def luhn_number(digits: str) -> str:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in digits[::-2])
    return digits + str(-(doubled + sum(map(int, digits[-2::-2]))) % 10)


@given(
    st.integers(12, 18).flatmap(lambda n: st.from_regex(rf"[3-6][0-9]{{{n - 1}}}", fullmatch=True)), st.integers(1, 9)
)
def test_every_card_number_is_told_and_one_with_a_wrong_check_digit_is_not(digits, off):
    number = luhn_number(digits)
    wrong = digits + str((int(number[-1]) + off) % 10)
    assert holds(f"ref {number}.", f"ref {wrong}.") == [True, False]


def test_reasons_legal_references_and_urls_are_reduced(tmp_path):
    url = "https://user:pw@Shop.Example.com:8443/members/taro@example.com/orders/123?phone=090-1234-5678#x"
    files = {
        "accesses.csv": csv(
            "employee_id,person_id,system,reason,at,was_granted", f"e1,p1,crm,asked by Taro,{AT},true", f"e1,p1,crm, ,{AT},false"
        ),
        "disclosures.csv": csv(
            DISCLOSURES, f"d1,p1,acme,law,marketing,name,{AT},warrant 17,true", f"d2,p1,acme,law,marketing,name,{AT},,true"
        ),
        "page_views.csv": csv(
            "at,cookie_choice,cookies_set,url,outbound_url", f"{AT},none,_ga,{url},", f"{AT},all,,/a/b?q=1,{url}",
            f"{AT},all,,/,https://ads.example.net/?token=x", f"{AT},necessary,,//cdn.example.net/x,https://a.example/x?u=taro%40example.com",
        ),
    }  # fmt: skip
    store = keep(tmp_path, files)
    assert cells(store, "accesses", "has_reason") == [True, False]
    assert cells(store, "disclosures", "legal_reference") == [True, False]
    assert cells(store, "page_views", "host") == ["shop.example.com", "(this site)", "(this site)", "cdn.example.net"]
    assert cells(store, "page_views", "path") == ["/members/*/orders/*", "/a/b", "/", "/x"]
    assert cells(store, "page_views", "outbound_host") == [None, "shop.example.com", "ads.example.net", "a.example"]
    assert cells(store, "page_views", "has_personal_data_in_url") == [False, True, False, True]
    assert cells(store, "page_views", "has_login") == [True, True, True, False]
    held = b"".join(file.read_bytes() for file in store.folder.rglob("*.parquet")).lower()
    assert not any(word in held for word in (b"taro", b"1234-5678", b"warrant", b"123?"))


def test_urls_lose_what_may_name_a_person():
    urls = pl.DataFrame({"u": ["https://x.example/u/%E5%A4%AA/a", "mailto:x", "https://x.example", "", None]})
    assert urls.select(url_path(pl.col("u"))).to_series().to_list() == ["/u/*/a", "*", "/", "/", None]
    named = pl.DataFrame(
        {"u": ["/members/hanako/orders", "https://x.example/App/Users/Taro", "/~taro/a", "/menu/tea", "/people"]}
    )
    told = ["/members/*/orders", "/App/Users/*", "/*/a", "/menu/tea", "/people"]
    assert named.select(url_path(pl.col("u"))).to_series().to_list() == told
    assert urls.select(url_host(pl.col("u"))).to_series().to_list()[0] == "x.example"


@pytest.mark.parametrize("number", ["09012345678", "4111111111111111", "+819012345678"])
def test_a_number_that_is_a_phone_or_a_card_counts_nothing(tmp_path, number):
    header = "incident_id,kind,known_at,people_affected,is_malicious,has_sensitive,has_financial_risk"
    store = keep(
        tmp_path, {"incidents.csv": csv(header, *[f"i{n},leak,{AT},{n},true,false,false" for n in (40, number)])}
    )
    assert broken(store) == [(2, "unreadable_number")]
    assert cells(store, "incidents", "people_affected") == [40]


def test_a_number_of_more_people_than_there_are_is_no_count(tmp_path):
    header = "incident_id,kind,known_at,people_affected,is_malicious,has_sensitive,has_financial_risk"
    rows = [f"i{n},leak,{AT},{n},true,false,false" for n in (10_000_000_000, 819012345678)]
    assert broken(keep(tmp_path, {"incidents.csv": csv(header, *rows)})) == [(2, "unknown_people_affected")]


@pytest.mark.parametrize(
    ("url", "host", "path"),
    [
        ("https://shop.example\\members\\hanako", "shop.example", "/members/*"),
        ("https://shop.example;id=hanako/a", "(unclear)", "/a"),
        ("https://hanako%40kanari.example/a", "(unclear)", "/a"),
        ("https://hanako yamada/a", "(unclear)", "/a"),
        ("https://[2001:db8::1]:8443/a", "[2001:db8::1]", "/a"),
        ("//Bücher.Example", "bücher.example", "/"),
        ("https://:443/a", "(unclear)", "/a"),
    ],
)
def test_a_host_is_a_host_and_nothing_else(url, host, path):
    told = pl.DataFrame({"u": [url]}).select(h=url_host(pl.col("u")), p=url_path(pl.col("u")))
    assert told.row(0) == (host, path)


def test_a_message_never_repeats_a_cell(tmp_path):
    store = keep(tmp_path, {"messages.csv": csv(MESSAGES, message(1, channel="taro@example.com"))})
    assert "taro" not in str(store.quarantined.to_dicts())
    assert "taro" not in (store.folder / "store.json").read_text()
