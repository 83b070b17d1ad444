"""`repose report SPEC`."""

from __future__ import annotations

import argparse
import shutil
from typing import TYPE_CHECKING

from harness.cli import arguments as shared

if TYPE_CHECKING:
    from harness.spec import Spec


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the report and print where it is."""
    from harness.spec import load

    spec = load(arguments.spec, arguments.overrides, arguments.seeds)
    with shared.located(spec, arguments):
        publish(spec, arguments.tracking_uri or spec.tracking.uri)
    return 0


def publish(spec: Spec, uri: str | None) -> None:
    """Write the report; print its main table and where it is."""
    from harness import report

    found = report.collect(spec, uri)
    written = report.write(found)
    print(report.render_terminal(found, width=shutil.get_terminal_size((120, 24)).columns).rstrip())
    print(f"\nreport: {written}")
