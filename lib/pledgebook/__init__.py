"""Pledgebook: tests whether a company keeps the promises of its privacy policy, from the records its systems export."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from pledgebook.allocator import keep_freed_memory

if TYPE_CHECKING:
    from pledgebook.book import Book, open_book

keep_freed_memory(os.environ)

__version__ = "0.1.0"
__all__ = ["Book", "__version__", "open_book"]


def __getattr__(name: str) -> Any:
    if name in ("Book", "open_book"):
        from pledgebook import book  # noqa: PLC0415

        return getattr(book, name)
    raise AttributeError(name)
