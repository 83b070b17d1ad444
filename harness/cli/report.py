"""`repose report SPEC`."""

from __future__ import annotations

import argparse

from harness.cli import arguments as shared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Write the report and print where it is."""
    from harness import report
    from harness.spec import load

    spec = load(arguments.spec, arguments.overrides, arguments.seeds)
    print(report.write(spec, arguments.tracking_uri or spec.tracking.uri))
    return 0
