"""Following a CSV text byte by byte before it is parsed: a stray quote could swallow rows without a word."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

QUOTE, FEED, RETURN, SPACE = b'"\n\r '
BOM = b"\xef\xbb\xbf"
Places = NDArray[np.int64]


class CsvText:
    """The quotes and records of a CSV text, given chunk by chunk.

    By RFC 4180 a quote opens a field only where the field begins, and closes it only where it ends; inside it stands
    twice. A record ends at a line feed outside quotes; one without a character is no row.
    `line` is the line in which the next chunk begins.
    """

    def __init__(self, delimiter: str) -> None:
        self._begins, self._ends = np.zeros(256, dtype=bool), np.zeros(256, dtype=bool)
        self._begins[[QUOTE, FEED, ord(delimiter)]] = True
        self._ends[[QUOTE, FEED, RETURN, ord(delimiter)]] = True
        self._is_open, self._is_first = False, True
        self._before, self._length = FEED, 0
        self.line, self._opened = 1, 1
        self._records = 0
        self._has_cells_to_clean = False
        self._blank: list[Places] = []

    def first_stray(self, chunk: bytes) -> int | None:
        """Take the next chunk; return the line of its first quote that stands where none may, None where all is well."""
        chunk = chunk.removeprefix(BOM) if self._is_first else chunk
        self._is_first = False
        if not chunk:
            return None
        text = np.frombuffer(chunk, dtype=np.uint8)
        quotes = np.flatnonzero(text == QUOTE)
        stray = self._stray(text, quotes)
        if stray is not None:
            return self.line + chunk.count(b"\n", 0, stray)
        feeds = np.flatnonzero(text == FEED)
        self._has_cells_to_clean |= bool(quotes.size) or not chunk.isascii() or self._has_edges(text, feeds.size)
        self._count_records(text, feeds, quotes)
        if quotes.size:
            opened = quotes[self._is_opening(quotes)]
            if opened.size:
                self._opened = self.line + int(np.searchsorted(feeds, opened[-1]))
            self._is_open ^= bool(quotes.size % 2)
        self.line += feeds.size
        self._before = int(text[-1])
        return None

    def _has_edges(self, text: NDArray[np.uint8], feeds: int) -> bool:
        """Whether white space, or a sign that may be some, stands where a field begins or ends."""
        if np.count_nonzero(text <= SPACE) == feeds and (self._before > SPACE or self._before == FEED):
            return False
        signs = np.append(np.uint8(self._before), text)
        white = np.flatnonzero((signs <= SPACE) & (signs != FEED))
        after, before = white[white + 1 < signs.size] + 1, white[white > 0] - 1
        return bool(self._begins[signs[after]].any() or self._begins[signs[before]].any())

    def _is_opening(self, quotes: Places) -> NDArray[np.bool_]:
        is_opening: NDArray[np.bool_] = (np.arange(quotes.size) + self._is_open) % 2 == 0
        return is_opening

    def _stray(self, text: NDArray[np.uint8], quotes: Places) -> int | None:
        """The place of the first stray quote; 0 for one that ended the chunk before."""
        if not self._is_open and self._before == QUOTE and not self._ends[text[0]]:
            return 0
        opening = self._is_opening(quotes)
        opened, closed = quotes[opening], quotes[~opening]
        closed = closed[closed + 1 < text.size]
        before = np.where(opened > 0, text[opened - 1], self._before)
        wrong = [*opened[~self._begins[before]][:1], *closed[~self._ends[text[closed + 1]]][:1]]
        return min(map(int, wrong), default=None)

    def _count_records(self, text: NDArray[np.uint8], feeds: Places, quotes: Places) -> None:
        outside = feeds[(np.searchsorted(quotes, feeds) + self._is_open) % 2 == 0]
        if not outside.size:
            self._length += text.size
            return
        lengths = np.diff(outside, prepend=-1 - self._length) - 1
        short = np.flatnonzero(lengths <= 1)
        ends = outside[short]
        before = np.where(ends > 0, text[ends - 1], self._before)
        blank = short[(lengths[short] == 0) | (before == RETURN)]
        if blank.size:
            self._blank.append(blank + self._records)
        self._records += outside.size
        self._length = text.size - 1 - int(outside[-1])

    def left_open(self) -> int | None:
        """Return the line of a quote that was opened and never closed; None where all are closed."""
        return self._opened if self._is_open else None

    def is_bare(self) -> bool:
        """Return whether every field is as it stands: ASCII without a quote, and no white space around it."""
        return not self._has_cells_to_clean and (self._before > SPACE or self._before == FEED)

    def blank_records(self) -> list[int]:
        """Return which records have no character; the header is record 0."""
        return [int(place) for part in self._blank for place in part]

    def rows(self) -> int:
        """Return how many records there are after the header, without blank ones."""
        has_last = self._length > 1 or (self._length == 1 and self._before != RETURN)
        blank = sum(part.size for part in self._blank)
        return max(self._records + has_last - blank - 1, 0)
