"""Peers, side by side in one run: the same exports, the same figures, time and peak memory as ratios."""

import pledgebook  # noqa: F401 - first, like the command line: it tells the allocator of Polars how long to keep memory
