"""Every test session keeps its stores in a folder of its own."""

import os
import tempfile
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

ROOT = Path(__file__).resolve().parents[1]
KEY = "k" * 40


def pytest_configure(config):
    stores = tempfile.mkdtemp(prefix="pledgebook-test-")
    os.environ.setdefault("PLEDGEBOOK_STORE", stores)
    os.environ["PLEDGEBOOK_KEY"] = KEY


@pytest.fixture(scope="session")
def root() -> Path:
    return ROOT
