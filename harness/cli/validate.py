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

    spec = load(arguments.spec, arguments.overrides, arguments.seeds, data="check")
    print(f"{spec.path}: valid, {len(spec.runs)} runs in {len(spec.arms)} arms")
    return 0
