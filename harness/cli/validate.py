"""`repose validate SPEC`."""

from __future__ import annotations

import argparse

from harness.cli import arguments as shared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)


def execute(arguments: argparse.Namespace) -> int:
    """Load the spec; the error is the answer."""
    from harness.spec import load
    from harness.spec.plan import counted

    spec = load(arguments.spec, arguments.overrides, arguments.seeds, data="check")
    if spec.tracking.uri is not None:
        from harness import tracking

        arguments.tracking_uri = None
        with shared.located(spec, arguments):
            tracking.resolve(spec.tracking.uri)
    print(f"{spec.path}: valid, {counted(len(spec.runs), 'run')} in {counted(len(spec.arms), 'arm')}")
    return 0
