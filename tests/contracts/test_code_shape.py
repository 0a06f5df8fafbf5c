"""How the code is laid out: imports go down, modules and functions stay small, names come from the field."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
LIBRARY = ROOT / "lib" / "pledgebook"
MODULES = sorted(LIBRARY.rglob("*.py"))
LONGEST_MODULE, LONGEST_FUNCTION = 300, 45
NAMELESS = {"util", "utils", "utilities", "helper", "helpers", "common", "manager", "managers", "misc", "process"}
SHARED = {"definition", "durations", "regions", "tallies"}
MAY_ALSO_IMPORT = {
    "catalogue": {"consent_coverage", "request_turnaround", "marketing_opt_outs", "third_party_disclosures"},
    "scorecard": {"catalogue", "silence"},
    "describing": {"catalogue"},
    "marketing_opt_outs": {"marketing_messages", "suppression"},
    "request_tables": {"request_backlog", "request_outcomes", "ccpa_7102"},
    "request_turnaround": {"request_cohorts", "request_backlog", "request_outcomes", "request_tables", "ccpa_7102"},
}
UNFINISHED = re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME)\b")
TEXTS = {".py", ".toml", ".md", ".yml", ".txt", ".cfg", ".jinja", ".j2", ".html", ".css", ".js", ""}


def code_lines(tree: ast.Module, text: str) -> list[int]:
    """The lines that hold code: no blank line, no comment, no docstring."""
    spoken: set[int] = set()
    for node in ast.walk(tree):
        body = getattr(node, "body", None)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) and body:
            first = body[0]
            if (
                isinstance(first, ast.Expr)
                and isinstance(first.value, ast.Constant)
                and isinstance(first.value.value, str)
            ):
                spoken |= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    lines = enumerate(text.splitlines(), start=1)
    return [n for n, line in lines if line.strip() and not line.lstrip().startswith("#") and n not in spoken]


def name_of(path: Path) -> str:
    return str(path.relative_to(LIBRARY))


def test_imports_go_down_the_floors_only():
    linter = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([str(linter), "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_module_and_its_functions_are_short(path):
    text = path.read_text()
    tree = ast.parse(text)
    lines = code_lines(tree, text)
    assert len(lines) <= LONGEST_MODULE
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    lengths = {f.name: sum(f.lineno <= n <= (f.end_lineno or f.lineno) for n in lines) for f in functions}
    assert {name: length for name, length in lengths.items() if length > LONGEST_FUNCTION} == {}


def test_modules_have_names_of_the_field():
    parts = [*MODULES, *(path.parent for path in MODULES)]
    assert [name_of(path) for path in parts if {path.stem, *path.stem.split("_")} & NAMELESS] == []


def test_metrics_do_not_import_each_other():
    wrong = {}
    for path in sorted((LIBRARY / "metrics").glob("*.py")):
        allowed = SHARED | MAY_ALSO_IMPORT.get(path.stem, set())
        wrong[path.stem] = imported_metrics(ast.parse(path.read_text())) - allowed
    assert {name: found for name, found in wrong.items() if found} == {}


def imported_metrics(tree: ast.Module) -> set[str]:
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("pledgebook.metrics."):
            found.add(node.module.split(".")[2])
        elif isinstance(node, ast.ImportFrom) and node.module == "pledgebook.metrics":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[2] for a in node.names if a.name.startswith("pledgebook.metrics.")}
    return found


def test_nothing_is_left_unfinished():
    roots = [ROOT / name for name in ("lib", "tests", "data", "docs", "reports/README.md", ".ci")]
    files = [f for root in roots for f in ([root] if root.is_file() else root.rglob("*")) if f.is_file()]
    files += [f for f in ROOT.iterdir() if f.is_file()]
    texts = [f for f in files if f.suffix in TEXTS and "__pycache__" not in f.parts]
    found = [
        str(f.relative_to(ROOT)) for f in texts if UNFINISHED.search(f.read_text(encoding="utf-8", errors="ignore"))
    ]
    assert found == []
