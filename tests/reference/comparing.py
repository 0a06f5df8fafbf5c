"""The library's tables of a world, made the long way round: written as exports, taken in, computed; and compared."""

import math
from pathlib import Path

from pledgebook.book import Book, open_book
from reference.worlds import World, write_world


def open_world(world: World, folder: Path, file_format="csv", parts=1, shuffle=None, shards=1) -> Book:
    exports = folder / "exports"
    write_world(world, exports, file_format, parts=parts, shuffle=shuffle)
    for file in exports.iterdir():
        if file.stat().st_size == 0:
            file.unlink()
    (folder / "policy.toml").write_text(world.policy_toml, encoding="utf-8")
    return open_book(
        exports,
        world.period,
        world.as_of,
        folder / "policy.toml",
        shards=shards,
        environment={"PLEDGEBOOK_KEY": "k" * 40, "PLEDGEBOOK_STORE": str(folder / "stores")},
    )


def differences(book: Book, expected: dict[str, list[dict]]) -> list[str]:
    """Say in which table, row and column the library and the reference differ."""
    found = []
    for table, rows in expected.items():
        got = book.compute(table).to_dicts()
        if len(got) != len(rows):
            found.append(f"{table}: {len(got)} rows, {len(rows)} expected")
            continue
        for place, (mine, theirs) in enumerate(zip(got, rows, strict=True)):
            wrong = {name: (mine[name], value) for name, value in theirs.items() if not _same(mine[name], value)}
            if wrong:
                found.append(f"{table}[{place}]: {wrong} in {theirs}")
    return found


def _same(mine, theirs) -> bool:
    if isinstance(mine, float) and theirs is not None:
        return math.isclose(mine, theirs, rel_tol=1e-12)
    return mine == theirs
