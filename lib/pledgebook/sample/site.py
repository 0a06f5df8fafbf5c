"""The access log of the site: cookies as people chose them, links to other sites without personal data."""

from __future__ import annotations

import numpy as np
import polars as pl
from numpy.random import Generator

from pledgebook.sample.clock import END, START, draw_instants
from pledgebook.sample.layout import make_table

SITE = "https://www.cc-pay.example"
CHOICES = {"all": 0.46, "necessary": 0.27, "none": 0.12, "unknown": 0.15}
PATHS = {
    "/": 0.3,
    "/login": 0.15,
    "/points": 0.15,
    "/payments/": 0.2,
    "/affiliates": 0.05,
    "/help/": 0.1,
    "/privacy": 0.05,
}
LINKS = {
    "": 0.9,
    "https://shop.hoshino-malls.example/welcome?from=ccpay": 0.06,
    "https://points.ginga.example/join": 0.04,
}


def make_page_views(rng: Generator, people_count: int) -> pl.DataFrame:
    """Return lines of the log; who did not agree to all cookies gets the necessary ones only."""
    size = int(people_count * 1.8)
    choice = rng.choice(list(CHOICES), size, p=list(CHOICES.values()))
    wants_more = (choice == "all") & (rng.random(size) < 0.8)
    cookies = np.where(
        wants_more, "ads;analytics;session", np.where(choice == "unknown", "session", "cookie_choice;session")
    )
    path = rng.choice(list(PATHS), size, p=list(PATHS.values()))
    number = rng.integers(1, 40_000, size).astype(np.str_)
    page = np.where(np.char.endswith(path, "s/") | np.char.endswith(path, "p/"), np.char.add(path, number), path)
    columns = {
        "at": draw_instants(rng, np.full(size, START), np.full(size, END)),
        "cookie_choice": pl.Series(choice),
        "cookies_set": pl.Series(cookies),
        "url": pl.Series(np.char.add(SITE, page)),
        "outbound_url": pl.Series(rng.choice(list(LINKS), size, p=list(LINKS.values()))).replace("", None),
        "has_login": rng.random(size) < 0.4,
    }
    return make_table("page_views", columns, size)
