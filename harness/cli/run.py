"""`repose run SPEC`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from harness.cli import arguments as shared
from harness.cli.main import INTERRUPTED
from harness.cli.report import publish


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)
    parser.add_argument(
        "--limit",
        type=shared.positive,
        metavar="N",
        help="do at most N runs (and, with what is left of N, evaluations)",
    )
    parser.add_argument("--workers", type=shared.positive, metavar="N", help="runs at once (default: as many as fit)")
    parser.add_argument("--address", metavar="ADDRESS", help="a running Ray cluster (default: this machine)")
    parser.add_argument("--fail-fast", action="store_true", help="stop at the first failed run")


def execute(arguments: argparse.Namespace) -> int:
    """Run what isn't done, test finished runs on what the spec gained since, then report."""
    from harness.spec import load

    spec = load(arguments.spec, arguments.overrides, arguments.seeds, data="need")
    uri = arguments.tracking_uri or spec.tracking.uri
    from harness.report.writing import check
    from harness.sweep import run_sweep

    check(Path("results") / spec.name)
    again = shlex.join(
        ["repose", "run", *shared.words(arguments, "tracking_uri", "limit", "workers", "address", "fail_fast")]
    )
    with shared.located(spec, arguments):
        outcome = run_sweep(
            spec,
            uri=uri,
            workers=arguments.workers or spec.resources.workers,
            address=arguments.address,
            limit=arguments.limit,
            fail_fast=arguments.fail_fast,
            retries=spec.retries,
            command=again,
        )
    if outcome.interrupted:
        return INTERRUPTED
    if outcome.finished or outcome.skipped:
        with shared.located(spec, arguments):
            publish(spec, uri)
    return 1 if outcome.failed else 0
