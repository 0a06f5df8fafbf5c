"""Where the suite's own files lie: notebooks, the home policy, regimes, formats, the sample."""

from __future__ import annotations

from pathlib import Path

from pledgebook.storage import storage_at


def suite_root() -> Path:
    """Return the folder that holds `notebooks/` and `data/`: the repository, or what a wheel carries."""
    package = Path(__file__).resolve().parent
    repository = package.parents[1]
    return repository if (repository / "notebooks").is_dir() else package / "suite_files"


def from_root(path: str | Path) -> Path:
    """Return `path` as it is when absolute or an address, else below the suite's root, wherever a kernel runs."""
    given = storage_at(path, "path").expanduser()
    return given if given.is_absolute() else suite_root() / given
