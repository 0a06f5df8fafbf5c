from pathlib import Path

import pytest

from pledgebook.deadlines import Regime, Regimes, read_regimes

ROOT = Path(__file__).resolve().parents[2]
RULE = {
    "id": "land_access", "kinds": ["disclosure"], "words": ["access"], "counting": "day", "length": 30, "unit": "day",
    "hardness": "statute", "citation": "Land Act s.1", "confidence": "P",
    "valid_from": "2020-01-01", "checked_on": "2026-11-22",
}  # fmt: skip


@pytest.fixture(scope="session")
def regimes() -> Regimes:
    return read_regimes(ROOT / "data" / "regimes")


@pytest.fixture
def law():
    """Makes the regime LAND: each rule is RULE with the changes given, `regime` changes the law itself."""

    def make(*rules, **regime) -> Regimes:
        written = {"id": "LAND", "title": "A land", **regime, "rules": [RULE | rule for rule in rules or [{}]]}
        return Regimes((Regime.model_validate(written),))

    return make
