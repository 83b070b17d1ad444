"""`repose run SPEC`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cli import arguments as shared
from harness.cli import staged
from harness.cli.main import INTERRUPTED
from harness.cli.report import publish

if TYPE_CHECKING:
    from harness.spec.loading import Spec
    from harness.sweep import SweepOutcome

_LISTED = 10


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


def _beyond(spec: Spec, outcome: SweepOutcome) -> str:
    """What to do about runs that were stopped at a limit, which are left alone as long as it holds."""
    named = {run.run_id: " ".join(str(value) for value in run.labels.values()) or run.run_id for run in spec.runs}
    lines = [f"  {named[run_id]}: {outcome.failed[run_id]}" for run_id in outcome.beyond[:_LISTED]]
    lines += [f"  … {len(outcome.beyond) - _LISTED} more"] if len(outcome.beyond) > _LISTED else []
    head = f"{len(outcome.beyond)} run{'s' * (len(outcome.beyond) != 1)} stopped at a limit earlier and left alone"
    return "\n".join([f"{head}; raise it, or: repose retry {spec.name} --failed", *lines])


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
        spec, outcome = staged.sweep(
            spec,
            uri,
            lambda now, limit, only: run_sweep(
                now,
                uri=uri,
                workers=arguments.workers or spec.resources.workers,
                address=arguments.address,
                limit=limit,
                fail_fast=arguments.fail_fast,
                retries=spec.retries,
                command=again,
                only=only,
            ),
            arguments.limit,
            arguments.fail_fast,
        )
    if outcome.interrupted:
        return INTERRUPTED
    if outcome.lost:  # where the records have no room, a report may have none either
        return 1
    if outcome.beyond:
        print(_beyond(spec, outcome))
    if outcome.finished or outcome.skipped:
        with shared.located(spec, arguments):
            publish(spec, uri)
    return 1 if outcome.failed else 0
