"""A report computed again from the same inputs, in a clean process with an intake of its own, and held against itself.

`python -m pledgebook.report.rerunning` is that process: it reads what to compute from standard input, a line of JSON, and
leaves when standard input ends before it is done, as it does when the one who asked was killed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pledgebook.errors import InputError, PledgebookError
from pledgebook.intake.inspection import hash_file
from pledgebook.key_file import find_key_named, kept_keys
from pledgebook.report.evidence import describe_code, installed_packages
from pledgebook.report.findings import Finding
from pledgebook.report.grounds import SCORECARD, rests_on_file
from pledgebook.report.manifest import Manifest
from pledgebook.report.recorded_files import compare_file
from pledgebook.report.verifying import Checked
from pledgebook.store import stores_folder
from pledgebook.workshop import Workshop

COMPUTED = {"tables": "table", "worklists": "worklist", "quarantine": "quarantine of"}
COUNTED = {"tables": "tables", "worklists": "worklists", "quarantine": "files of quarantine"}
OF_BEFORE = ("previous_value", "previous_verdict")


def rerun_report(checked: Checked, environment: Mapping[str, str] | None = None) -> list[Finding]:
    """Compute every table of a checked report again and return how they compare with what was recorded.

    Only the recorded inputs are read, whatever came into their folder since. Raises KeyFault without the report's own
    key, InputError where the inputs cannot be computed from.
    """
    manifest = checked.recorded
    environment = _with_key(manifest, dict(os.environ if environment is None else environment))
    stores = stores_folder(environment)
    stores.mkdir(parents=True, exist_ok=True, mode=0o700)
    with Workshop(stores) as workshop:
        making = workshop / "reports" / ".runs" / "again"
        making.mkdir(parents=True)
        has_before = _lay_out_before(checked, workshop / "reports")
        _compute(manifest, making, {**environment, "PLEDGEBOOK_STORE": str(workshop / "stores")})
        differing = list(_compare(checked, making, has_before=has_before))
    return [*differing, *_reasons(checked, differing, has_before=has_before)]


def _with_key(manifest: Manifest, environment: dict[str, str]) -> dict[str, str]:
    """The environment in which the clean process finds the report's own key, also one that was rotated since."""
    folder = manifest.parameters.exports
    if not folder.is_dir():
        raise InputError(f"{folder}: the exports are gone, so nothing can be computed again. Say where with --exports.")
    key = find_key_named(manifest.store.key_id, folder, environment)
    kept = kept_keys(environment).get(key.id)
    if kept is None:
        return environment
    return {name: text for name, text in environment.items() if name != "PLEDGEBOOK_KEY"} | {
        "PLEDGEBOOK_KEY_FILE": str(kept)
    }


def _lay_out_before(checked: Checked, reports: Path) -> bool:
    """Put the scorecard of the period before where the run found it; whether it is still the same one."""
    before = checked.recorded.compared_with
    if before is None:
        return True
    file = checked.folder.parent / before.run / "tables" / f"{SCORECARD}.parquet"
    if not file.is_file() or hash_file(file) != before.sha256:
        return False
    target = reports / before.report / "tables" / file.name
    target.parent.mkdir(parents=True)
    shutil.copyfile(file, target)
    return True


def what_to_compute(manifest: Manifest, out: Path) -> dict[str, Any]:
    """Return the parameters of the run as `open_book` takes them: the same inputs and no other, the same shards."""
    return {
        **manifest.parameters.model_dump(mode="json"),
        "policy": str(manifest.policy.path),
        "shards": manifest.store.shards,
        "only": [given.name for given in manifest.inputs],
        "out": str(out),
    }


def _compute(manifest: Manifest, out: Path, environment: dict[str, str]) -> None:
    command, ends = [sys.executable, "-P", "-m", "pledgebook.report.rerunning"], subprocess.PIPE
    asked = json.dumps(what_to_compute(manifest, out))
    # Unbuffered: nothing is left to write when the pipe to a process that died at once is closed.
    with subprocess.Popen(
        command, env=environment, stdin=ends, stdout=ends, stderr=subprocess.DEVNULL, bufsize=0
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with suppress(BrokenPipeError):
            process.stdin.write(f"{asked}\n".encode())
        said = process.stdout.read().decode().strip()
        code = process.wait()
    if code:
        raise InputError(f"cannot be computed again: {(code > 0 and said) or f'exit code {code}'}")


def compute_again(asked: dict[str, Any]) -> None:
    """Open exports, policy and period afresh and publish every table below `asked["out"]`."""
    from pledgebook.book import open_book  # noqa: PLC0415
    from pledgebook.metrics.catalogue import METRICS  # noqa: PLC0415
    from pledgebook.publishing import OTHERS, publish_tables  # noqa: PLC0415

    out = Path(asked["out"])
    book = open_book(**{**asked, "out": out})
    for name in (*METRICS, *OTHERS):
        publish_tables(book, name, out)


def _compare(checked: Checked, again: Path, *, has_before: bool) -> Iterator[Finding]:
    for name in checked.recorded.files:
        if name.endswith(".csv") and name.partition("/")[0] in COMPUTED:
            what = f"{COMPUTED[name.partition('/')[0]]} {Path(name).stem}"
            if not (again / name).is_file():
                yield Finding("not checked", what, "no metric of the suite computes it")
            elif (words := _difference(checked, again, name, has_before=has_before)) is not None:
                yield Finding("differs", what, words, rests_on_file(checked.recorded, name))


def _difference(checked: Checked, again: Path, name: str, *, has_before: bool) -> str | None:
    """How a table comes out otherwise; None where it does not.

    The text is held against its recorded hash, so a file that was changed since says nothing. Values are read only
    from a file that is still the recorded one.
    """
    from pledgebook.report.comparing import compare_tables  # noqa: PLC0415

    recorded = checked.recorded.files
    same_text = hash_file(again / name) == recorded[name]
    typed = str(Path(name).with_suffix(".parquet"))
    file = typed if typed in recorded else name
    if compare_file(checked.folder / file, recorded[file], file) is not None:
        return None if same_text else "where, cannot be told: the recorded file is not as it was"
    if same_text and file == name:
        return None
    left_out = () if has_before or Path(name).stem != SCORECARD else OF_BEFORE
    found = compare_tables(checked.folder / file, again / file, left_out)
    if found is None and not same_text and not left_out and file != name:
        return "its CSV text alone"
    return found


def _reasons(checked: Checked, differing: list[Finding], *, has_before: bool) -> Iterator[Finding]:
    """What to know beside the comparison: what was left out of it, and why it may come out otherwise."""
    before = checked.recorded.compared_with
    if before is not None and not has_before:
        why = f"the report of {before.report} that they come from is gone, or another"
        yield Finding("not checked", f"table {SCORECARD}: {', '.join(OF_BEFORE)}", why)
    if not any(finding.is_fault for finding in differing):
        kinds = [name.partition("/")[0] for name in checked.recorded.files if name.endswith(".csv")]
        told = ", ".join(f"{kinds.count(kind)} {word}" for kind, word in COUNTED.items() if kind in kinds)
        yield Finding("same", told, "computed again in a clean process, bit by bit")
        return
    if not checked.inputs_hold:
        yield Finding("not comparable", "inputs", "they are not those of the report, so it comes out otherwise")
    if checked.recorded.store.forgotten:
        yield Finding("not comparable", "store", "people had been removed from it whom the exports still hold")
    if others := [
        *_changed(checked.recorded.code, describe_code()),
        *_changed(checked.recorded.packages, installed_packages()),
    ]:
        yield Finding("not comparable", "code", ", ".join(others))


def _changed(then: Mapping[str, str | None], now: Mapping[str, str | None]) -> list[str]:
    names = sorted({*then, *now})
    return [f"{name} {then.get(name)}, now {now.get(name)}" for name in names if then.get(name) != now.get(name)]


def main(asked: str) -> int:
    """Compute what a line of JSON asks; say what is wrong on standard output, and never quote data.

    Standard error is nobody's: native code that panics quotes there what it fell over.
    """
    try:
        compute_again(json.loads(asked))
    except PledgebookError as fault:
        sys.stdout.write(f"{fault}\n")
        return fault.exit_code
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as fault:  # a panic of native code is no Exception
        sys.stdout.write(f"an unforeseen {type(fault).__name__}\n")
        return 70
    return 0


def _leave_with_who_asked() -> None:
    sys.stdin.read()
    os._exit(1)


if __name__ == "__main__":
    line = sys.stdin.readline()
    threading.Thread(target=_leave_with_who_asked, daemon=True).start()
    sys.exit(main(line))
