"""The self-test: breaches of every kind that the suite claims to find, planted into a copy of exports, and found again."""
