"""`repose report SPEC …`."""

from __future__ import annotations

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import arguments as shared
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.report.compare import Comparison
    from harness.spec import Spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.specs(parser)
    parser.add_argument("--compare", action="store_true", help="one report of all the specs instead of one of each")
    parser.add_argument("--out", metavar="DIR", help="the report's folder (default: results/NAME)")
    shared.store(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the report, or one of each spec, and print where it is."""
    from harness.spec import load

    specs = [load(spec, arguments.overrides, arguments.seeds) for spec in arguments.specs]
    for spec in _asked(specs, arguments):
        with shared.located(spec, arguments):
            publish(spec, arguments.tracking_uri or spec.tracking.uri, arguments.out)
    return 0


def _asked(specs: list[Spec], arguments: argparse.Namespace) -> list[Spec] | list[Comparison]:
    """What a report is written of: each spec, or all of them as one."""
    if arguments.compare:
        if len(specs) < 2:
            raise UserError("a comparison needs two specs or more", key="--compare")
        from harness.report.compare import compared

        return [compared(specs, arguments.tracking_uri)]
    if arguments.out and len(specs) > 1:
        raise UserError("one folder can't hold several reports; --compare makes one of them", key="--out")
    names = [spec.name for spec in specs]
    if len(set(names)) < len(names):
        raise UserError(f"specs of one name would share one folder: {', '.join(names)}")
    return specs


def publish(spec: Spec | Comparison, uri: str | None, out: str | Path | None = None) -> None:
    """Write the report; print its main table and where it is."""
    from harness import report

    found = report.collect(spec, uri)
    written = report.write(found, out=out)
    print(report.render_terminal(found, width=shutil.get_terminal_size((120, 24)).columns).rstrip())
    print(f"\nreport: {written}")
