"""How long Polars keeps memory that it freed, which its allocator is told before Polars is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import MutableMapping

CONFIGURATION = "_RJEM_MALLOC_CONF"


def keep_freed_memory(environment: MutableMapping[str, str]) -> None:
    """Let freed memory be taken again for five seconds, from one arena per processor; what is set already stays.

    By default Polars gives it back after half a second, and an intake takes a tenth more time for getting it anew. On
    Linux a thread of the allocator gives it back where a process has nothing more to do, as one beside others in a run.
    Without effect where Polars is loaded already, or has another allocator.
    """
    told = [f"narenas:{os.cpu_count() or 1}", "dirty_decay_ms:5000", "muzzy_decay_ms:0"]
    told += ["background_thread:true"] if sys.platform == "linux" else []
    environment.setdefault(CONFIGURATION, ",".join(told))
