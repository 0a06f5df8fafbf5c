"""Intake: read exports, map them, check every row, take the people out, cut by person."""
