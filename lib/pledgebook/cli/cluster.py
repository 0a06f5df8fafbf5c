"""Options of the commands that may work on a Dask cluster."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from pledgebook.errors import InputError

PANEL = "On a Dask cluster"
Address = Annotated[
    str,
    typer.Option(
        "--cluster",
        help="Scheduler whose workers do the work: tls://host:8786, or its JSON file.",
        rich_help_panel=PANEL,
    ),
]
Authority = Annotated[
    Path | None, typer.Option("--cluster-ca", help="Certificate that signed the cluster's.", rich_help_panel=PANEL)
]
Certificate = Annotated[
    Path | None, typer.Option("--cluster-cert", help="Certificate that the cluster lets in.", rich_help_panel=PANEL)
]
PrivateKey = Annotated[
    Path | None, typer.Option("--cluster-key", help="File of that certificate's key.", rich_help_panel=PANEL)
]


@contextmanager
def workers(address: str, ca: Path | None, cert: Path | None, key: Path | None) -> Iterator[Executor | None]:
    """Yield the executor of the cluster that was named, None where none was."""
    if not address:
        if ca or cert or key:
            raise InputError("--cluster-ca, --cluster-cert and --cluster-key go with --cluster.")
        yield None
        return
    from pledgebook.cluster import Certificates, joined  # noqa: PLC0415

    with joined(address, Certificates(ca, cert, key), os.environ) as executor:
        yield executor
