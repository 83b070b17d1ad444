"""`repose retry --failed SPEC`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from harness.cli import arguments as shared
from harness.cli import staged
from harness.cli.main import INTERRUPTED
from harness.cli.report import publish

AGAIN = ("failed", "stopped", "lost")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)
    parser.add_argument(
        "--failed",
        action="store_true",
        required=True,
        help="the runs whose last attempt failed, was stopped or lost its worker; what was never begun stays to do",
    )
    parser.add_argument("--workers", type=shared.positive, metavar="N", help="runs at once (default: as many as fit)")
    parser.add_argument("--address", metavar="ADDRESS", help="a running Ray cluster (default: this machine)")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first failed run")


def execute(arguments: argparse.Namespace) -> int:
    """Do again what failed, then report."""
    from harness import tracking
    from harness.spec import load

    spec = load(arguments.spec, arguments.overrides, arguments.seeds, data="need")
    uri = arguments.tracking_uri or spec.tracking.uri
    with shared.located(spec, arguments):
        spec = staged.narrowed(spec, uri)
        standings = tracking.standing(uri, [run.run_id for run in spec.runs])
    again = [run_id for run_id, one in standings.items() if one.state in AGAIN]
    if not again:
        print(f"no run of '{spec.name}' failed")
        return 0
    from harness.report.writing import check
    from harness.sweep import run_sweep

    check(Path("results") / spec.name)
    flags = ("tracking_uri", "failed", "workers", "address", "fail_fast")
    with shared.located(spec, arguments):
        outcome = run_sweep(
            spec,
            uri=uri,
            workers=arguments.workers or spec.resources.workers,
            address=arguments.address,
            fail_fast=arguments.fail_fast,
            retries=spec.retries,
            command=shlex.join(["repose", "retry", *shared.words(arguments, *flags)]),
            only=again,
            forced=True,
        )
    if outcome.interrupted:
        return INTERRUPTED
    if outcome.lost:
        return 1
    if outcome.finished or outcome.skipped:
        with shared.located(spec, arguments):
            publish(spec, uri)
    return 1 if outcome.failed else 0
