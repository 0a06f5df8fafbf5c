"""`pledgebook verify` and `pledgebook sign`."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from pledgebook.cli.frame import app, exports_at, telling

if TYPE_CHECKING:
    from pledgebook.report.findings import Finding
    from pledgebook.report.verifying import Checked

Report = Annotated[Path, typer.Argument(help="The period's link, such as reports/2026-09, or a run's folder.")]


@app.command(epilog="Example: pledgebook verify reports/2026-09 --rerun")
def verify(
    report: Report,
    rerun: Annotated[
        bool, typer.Option("--rerun", help="Compute every table again from the same inputs, and compare bit by bit.")
    ] = False,
    exports: Annotated[
        Path | None,
        typer.Option(parser=exports_at, metavar="FOLDER", help="Where the exports lie now; default: where they lay."),
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="Where the policy lies now; default: where it lay.")] = None,
    signers: Annotated[Path | None, typer.Option(help="An allowed-signers file of ssh: one of them signed.")] = None,
    head: Annotated[str | None, typer.Option(help="A head of the chain that you noted down earlier.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Say it as JSON, for other programs.")] = False,
) -> None:
    """Find every changed, missing or added byte of a report and of what it rests on. Exits 1 when there is one."""
    from pledgebook.report.verifying import verify_report  # noqa: PLC0415

    with telling() as tell:
        tell("checking files, inputs and the chain of runs")
        checked = verify_report(report, exports=exports, policy=policy, signers=signers, head=head)
    _say(checked.findings, as_json=as_json)
    if rerun:
        again = _again(checked)
        _say(again, as_json=as_json)
        checked = checked.with_more(again)
    typer.echo(_as_json(checked) if as_json else _conclusion(checked))
    if checked.faults:
        raise typer.Exit(1)


def _again(checked: Checked) -> list[Finding]:
    """How the tables come out again. Where they cannot, that is one more finding beside faults, else raised."""
    from pledgebook.errors import PledgebookError  # noqa: PLC0415
    from pledgebook.report.findings import Finding  # noqa: PLC0415
    from pledgebook.report.rerunning import rerun_report  # noqa: PLC0415

    try:
        with telling() as tell:
            tell("computing every table again")
            return rerun_report(checked)
    except PledgebookError as fault:
        if not checked.faults:
            raise
        return [Finding("not checked", "tables computed again", str(fault).rstrip("."))]


def _say(findings: Iterable[Finding], *, as_json: bool) -> None:
    for finding in () if as_json else findings:
        typer.echo(finding.in_words())


def _conclusion(checked: Checked) -> str:
    """How many faults there are and what was checked, then the head of the chain."""
    from pledgebook.report.findings import count_faults  # noqa: PLC0415

    counted = count_faults(checked.findings)
    faults = ", ".join(f"{count} {kind}" for kind, count in counted.items()) or "all as it was"
    manifest = checked.manifest
    if manifest is None:
        told = f"run {checked.folder.name}: {faults}. Without its manifest nothing else of it can be checked."
    else:
        told = (
            f"{manifest.parameters.period}, run {manifest.run}: {faults}. "
            f"Checked: {len(manifest.files)} files, {len(manifest.inputs)} inputs, runs in the chain: {checked.runs}."
        )
    if checked.head is None:
        return told
    return f"{told}\nChain head {checked.head}: note it down elsewhere; --head asks for it later."


def _as_json(checked: Checked) -> str:
    told = {
        "report": str(checked.folder),
        "run": checked.manifest.run if checked.manifest else checked.folder.name,
        "is_as_it_was": not checked.faults,
        "findings": [finding.as_json() for finding in checked.findings],
        "chain_head": checked.head,
    }
    return json.dumps(told, ensure_ascii=True, indent=1)


@app.command(epilog="Example: pledgebook sign reports/2026-09 --key ~/.ssh/id_ed25519")
def sign(
    report: Report,
    key: Annotated[Path, typer.Option(help="Your ssh key; a public one is taken from the ssh agent.")],
) -> None:
    """Sign a report with your own ssh key, beside its manifest. The file says who vouches for it; verify checks it."""
    from pledgebook.report.signing import NAMESPACE, sign_report  # noqa: PLC0415

    file = sign_report(report, key.expanduser(), datetime.now(UTC))
    typer.echo(f"Signed for {NAMESPACE}: {file}")
