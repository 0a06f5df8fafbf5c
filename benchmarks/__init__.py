"""Peers, side by side in one run: the same exports, the same figures, time and peak memory as ratios."""
