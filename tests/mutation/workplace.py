"""Lays out a copy of the project in which mutmut can reach every function.

mutmut passes over decorated functions, and with them over every cache and property. In the copy the decorator
stands after the function as a call, `f = lru_cache(maxsize=8)(f)`, which means the same.

The copy calls `lib` `src`, because mutmut names a mutant's module by its path and knows `src` only.

Run it as `python -m tests.mutation.workplace FOLDER`.
"""

import ast
import shutil
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
COPIED = {"lib": "src", "tests": "tests", "data": "data", "notebooks": "notebooks", "pyproject.toml": "pyproject.toml"}


def undecorated(source: str) -> str:
    """Return the source with each decorator of a function written as a call after it; classes keep theirs."""
    lines = source.splitlines()
    functions = [node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef)]
    for function in sorted(functions, key=lambda node: node.lineno, reverse=True):
        if not function.decorator_list:
            continue
        first, calls = function.decorator_list[0].lineno - 1, function.name
        for decorator in reversed(function.decorator_list):
            calls = f"{ast.unparse(decorator)}({calls})"
        lines.insert(function.end_lineno or function.lineno, f"{' ' * function.col_offset}{function.name} = {calls}")
        del lines[first : function.lineno - 1]
    return "\n".join(lines) + "\n"


def lay_out(folder: Path) -> None:
    """Copy the project into `folder`; results of an earlier run in it stay."""
    for name, copy in COPIED.items():
        source, target = ROOT / name, folder / copy
        if source.is_file():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, target)
            continue
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__"))
    for module in sorted((folder / "src").rglob("*.py")):
        module.write_text(undecorated(module.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    lay_out(Path(sys.argv[1]))
