"""`repose rerun SPEC`."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path

from harness.cli import arguments as shared
from harness.cli.main import FAILED, INTERRUPTED

STORE = "sqlite:///runs/rerun/mlflow.db"
"""Apart from everybody's: there the runs are finished, and nothing would be done."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.where(parser, "only runs with this value, as tables print it; VALUE,VALUE: any of them; may be repeated")
    parser.add_argument("--limit", type=shared.positive, metavar="N", help="at most N runs, those of the first seeds")
    parser.add_argument("--workers", type=shared.positive, metavar="N", help="runs at once (default: as many as fit)")
    parser.add_argument(
        "--report", type=Path, metavar="FOLDER", help="the report to compare with (default: the spec's)"
    )
    parser.add_argument(
        "--tracking-uri", default=STORE, metavar="URI", help=f"where the runs are kept this time (default: {STORE})"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Do runs of a report again from nothing and compare. Exit code 1 if a value differs, or a run failed."""
    from harness.report import again, records
    from harness.spec import load
    from harness.spec.choose import chosen
    from harness.sweep import run_sweep

    spec = load(arguments.spec, arguments.overrides, arguments.seeds, data="need")
    runs = chosen(spec, dict(arguments.where))[: arguments.limit]
    before = again.reported(arguments.report or Path("results") / spec.name, runs)
    where = [word for axis, value in arguments.where for word in ("--where", f"{axis}={value}")]
    with shared.located(spec, arguments):
        outcome = run_sweep(
            spec,
            uri=arguments.tracking_uri,
            workers=arguments.workers or spec.resources.workers,
            retries=spec.retries,
            command=shlex.join(["repose", "rerun", *shared.words(arguments, "limit", "workers", "report"), *where]),
            only=[run.run_id for run in runs],
        )
    if outcome.interrupted:
        return INTERRUPTED
    finished = [run for run in runs if run.run_id not in outcome.failed]
    if finished:
        found = again.compare(finished, spec.test, before, records.Store(arguments.tracking_uri))
        print("\n".join(again.lines(found)))
    differs = not finished or any(one.equal < one.values for one in found)
    return FAILED if outcome.failed or differs else 0
