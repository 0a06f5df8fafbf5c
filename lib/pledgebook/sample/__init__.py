"""Synthetic exports of a made-up payment company, with planted breaches that the suite must find."""

from pledgebook.sample.making import make_sample

__all__ = ["make_sample"]
