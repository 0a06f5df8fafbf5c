"""How long Polars keeps memory that it freed, which its allocator is told before Polars is loaded."""

from __future__ import annotations

import os
from collections.abc import MutableMapping

CONFIGURATION = "_RJEM_MALLOC_CONF"


def keep_freed_memory(environment: MutableMapping[str, str]) -> None:
    """Let freed memory be taken again for ten seconds, from one arena per processor; what is set already stays.

    By default Polars gives it back after half a second, and an intake takes a tenth more time for getting it anew.
    Without effect where Polars is loaded already, or has another allocator.
    """
    told = f"narenas:{os.cpu_count() or 1},dirty_decay_ms:10000,muzzy_decay_ms:0"
    environment.setdefault(CONFIGURATION, told)
