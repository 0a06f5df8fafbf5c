"""The parts of README and GLOSSARY that the code renders. `python -m tests.contracts.rendered` writes them afresh."""

import re
from pathlib import Path

from pledgebook.deadlines import read_regimes
from pledgebook.metrics.describing import figures_glossary, metrics_table, regimes_table

ROOT = Path(__file__).resolve().parents[2]


def rendered_parts() -> dict[tuple[str, str], str]:
    """Document and mark -> what stands between `begin` and `end` of that mark."""
    return {
        ("README.md", "metrics"): metrics_table(),
        ("GLOSSARY.md", "figures"): figures_glossary(),
        ("GLOSSARY.md", "regimes"): regimes_table(read_regimes(ROOT / "data" / "regimes")),
    }


def put(document: str, mark: str, part: str) -> str:
    """Return the document with the part between its marks."""
    begin, end = f"<!-- {mark}: begin -->\n", f"<!-- {mark}: end -->"
    found = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    assert len(found.findall(document)) == 1, f"mark '{mark}' must stand once"
    return found.sub(lambda _: f"{begin}\n{part}\n{end}", document)


if __name__ == "__main__":
    for (name, mark), part in rendered_parts().items():
        file = ROOT / name
        file.write_text(put(file.read_text(encoding="utf-8"), mark, part), encoding="utf-8")
