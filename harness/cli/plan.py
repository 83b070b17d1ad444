"""`repose plan SPEC`."""

from __future__ import annotations

import argparse
import json

from harness.cli import arguments as shared


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help="don't ask the store what is finished")
    parser.add_argument("--limit", type=shared.positive, metavar="N", help="at most N to do, runs before evaluations")
    parser.add_argument("--workers", type=shared.positive, metavar="N", help="runs at once, for the estimated time")


def execute(arguments: argparse.Namespace) -> int:
    """Print the plan."""
    from harness import tracking
    from harness.spec import load
    from harness.spec.identity import conditions
    from harness.spec.plan import plan

    spec = load(arguments.spec, arguments.overrides, arguments.seeds)
    uri = arguments.tracking_uri or spec.tracking.uri
    with shared.located(spec, arguments):
        finished = None if arguments.offline else tracking.finished(uri, [run.run_id for run in spec.runs])
        lacking = tracking.unevaluated(uri, finished or {}, conditions(spec.test))
    workers = arguments.workers or spec.resources.workers or shared.processors(spec.resources.cpu)
    made = plan(spec, finished, tracking.shape_of, workers=workers, limit=arguments.limit, lacking=len(lacking))
    print(json.dumps(made.as_dict(), indent=1, ensure_ascii=False) if arguments.json else "\n".join(made.lines()))
    return 0
