"""`python -m pledgebook` is the command line."""

from pledgebook.cli import app

app()
