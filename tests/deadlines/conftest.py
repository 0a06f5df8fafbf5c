from pathlib import Path

import pytest

from pledgebook.deadlines import Regimes, read_regimes

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="session")
def regimes() -> Regimes:
    return read_regimes(ROOT / "data" / "regimes")
