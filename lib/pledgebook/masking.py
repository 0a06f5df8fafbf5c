"""Emails, phone and card numbers in a text: telling that it holds one, and hiding it where people will read the text."""

from __future__ import annotations

import re
import unicodedata

HIDDEN = "(hidden)"
LONGEST_NAME, LONGEST, LONGEST_READ = 500, 4000, 10_000
AT = r"(?:@|%(?:25)*40|&#(?:64|x40);|&commat;)"
EMAIL = re.compile(rf"[^\s@]{AT}[^\s@]{{1,255}}[.。][^\s@]", re.IGNORECASE)
MAILBOX = re.compile(rf"[^\s@'\"<>()\[\]{{}},;:=/]+{AT}[^\s@'\"<>()\[\]{{}},;:=/]+", re.IGNORECASE)
DASHES = re.compile(r"[‐‑‒–—―−ー・~]")
DATES = re.compile(
    r"(?<![0-9])(?:19|20)[0-9]{2}(?:(-)?(?:0[1-9]|1[0-2])(?(1)-)(?:0[1-9]|[12][0-9]|3[01]))(?:(?<!-..)[0-9]{6})?(?![0-9])"
)
NATIONAL = [(a, b, c) for a in range(4) for b in range(1, 5) for c in (3, 4) if 10 <= 2 + a + b + c <= 11]
WRITTEN = (
    r"\+[0-9](?:[ ()\-.]{0,2}[0-9]){7,14}",  # with its country, +81 (0)90-1234-5678
    r"00[1-9][0-9]{0,2}[ \-.()]{1,2}[0-9](?:[ ()\-.]{0,2}[0-9]){6,12}",  # dialled abroad, 0081-90-1234-5678
    *(rf"\(?0[1-9][0-9]{{{a}}}[ \-.()]{{0,3}}[0-9]{{{b}}}[ \-.()]{{0,3}}[0-9]{{{c}}}" for a, b, c in NATIONAL),
    r"0[1-9](?:[ .\-][0-9]{2}){4}",  # in pairs, 06 12 34 56 78
    r"\(?0[1-9][0-9]{1,3}\)?[ /\-]{1,3}[0-9]{7,8}",  # area and number, 0151/23456789
    r"\([1-9][0-9]{1,3}\)[ \-.]?[0-9]{3,5}[ \-.][0-9]{4}",  # area in brackets, (415)555-2671
    r"[2-9][0-9]{2}[ \-.][0-9]{3}[ \-.][0-9]{4}",  # of ten digits, 415-555-2671
)
NAMED = "".join(rf"|(?<=(?i:{word}))" for word in ("tel", "fax", "phone", "mobile"))
PHONE = re.compile(rf"(?:(?<![0-9A-Za-z.]){NAMED})(?:{'|'.join(WRITTEN)})(?![0-9A-Za-z])")
DIGITS = re.compile(r"[0-9]+(?:[ \-.]{1,3}[0-9]+)*")
CARD_DIGITS = range(13, 20)
UNSEEN = re.compile(r"[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]")
UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff\ufeff]")


def reveals(text: str) -> bool:
    """Return whether a text holds an email, a phone or a card number anywhere, in whatever form of its letters.

    A text of more than 10,000 characters is no label: it is taken to hold one, unread.
    """
    if len(text) > LONGEST_READ or EMAIL.search(plain := _plain(text)):
        return True
    plain = DATES.sub("/", plain)
    return PHONE.search(plain) is not None or any(_is_card(match[0]) for match in DIGITS.finditer(plain))


def mask(text: str) -> str:
    """Return a text for people to read: emails, phone and card numbers hidden, what a terminal would obey left out."""
    shown = UNPRINTABLE.sub("?", text if len(text) <= LONGEST else f"{text[:LONGEST]} ...")
    if not reveals(text[:LONGEST]):
        return shown
    told = _between_dates(MAILBOX.sub(HIDDEN, UNPRINTABLE.sub("?", _plain(text[:LONGEST]))))
    return HIDDEN if reveals(told) else told + shown[LONGEST:]


def presentable(name: str, longest: int = LONGEST_NAME) -> str:
    """Return a name of a file or a column as it can be shown: in one line, masked, cut after `longest` characters."""
    cut = name if len(name) <= longest else f"{name[:longest]} ..."
    return mask(cut.replace("\n", "?").replace("\t", "?"))


def _plain(text: str) -> str:
    """NFKC, with one kind of dash, ASCII digits, and nothing in it that is not seen."""
    if text.isascii():
        return text.replace("~", "-")
    plain = DASHES.sub("-", unicodedata.normalize("NFKC", UNSEEN.sub("", text)))
    return re.sub(r"[^\x00-\x7f]", lambda sign: str(unicodedata.digit(sign[0], sign[0])), plain)


def _between_dates(text: str) -> str:
    pieces, end = [], 0
    for date in DATES.finditer(text):
        pieces += [_hide_numbers(text[end : date.start()]), date[0]]
        end = date.end()
    return "".join([*pieces, _hide_numbers(text[end:])])


def _hide_numbers(text: str) -> str:
    without_cards = DIGITS.sub(lambda match: HIDDEN if _is_card(match[0]) else match[0], text)
    return PHONE.sub(HIDDEN, without_cards)


def _is_card(digits: str) -> bool:
    """Whether 13 to 19 digits, whole groups of them, pass the Luhn check (ISO/IEC 7812-1)."""
    groups = re.split(r"[ \-.]+", digits)
    for first in range(len(groups)):
        number = ""
        for group in groups[first : first + CARD_DIGITS.stop]:
            number += group
            if len(number) >= CARD_DIGITS.stop:
                break
            if len(number) in CARD_DIGITS and _passes_luhn(number):
                return True
    return False


def _passes_luhn(number: str) -> bool:
    doubled = sum(sum(divmod(2 * int(digit), 10)) for digit in number[-2::-2])
    return (doubled + sum(map(int, number[::-2]))) % 10 == 0
