"""`repose plan SPEC`."""

from __future__ import annotations

import argparse
import json
import sys

from harness.cli import arguments as shared
from harness.cli import staged
from harness.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--offline", action="store_true", help="don't ask the store what is finished")
    parser.add_argument("--limit", type=shared.positive, metavar="N", help="at most N to do, runs before evaluations")
    parser.add_argument("--workers", type=shared.positive, metavar="N", help="runs at once, for the estimated time")
    parser.add_argument(
        "--probe", action="store_true", help="measure a few steps of each sort of run nothing is known of"
    )
    parser.add_argument("--address", metavar="ADDRESS", help="with --probe: a running Ray cluster to measure on")


def execute(arguments: argparse.Namespace) -> int:
    """Print the plan; measure first, if asked to. Exit code 1 if something couldn't be measured."""
    from harness import tracking
    from harness.spec import load, packed
    from harness.spec.identity import conditions
    from harness.spec.plan import plan

    if arguments.address and not arguments.probe:
        raise UserError("only --probe measures on a cluster; give it too", key="--address")
    spec = load(arguments.spec, arguments.overrides, arguments.seeds, data="need" if arguments.probe else "trust")
    uri = arguments.tracking_uri or spec.tracking.uri
    wrong, most = {}, len(spec.runs)
    with shared.located(spec, arguments):
        spec = spec.narrowed({}) if arguments.offline else staged.narrowed(spec, uri)
        finished = None if arguments.offline else tracking.finished(uri, [run.run_id for run in spec.runs])
        lacking = tracking.unevaluated(uri, finished or {}, conditions(spec.test))
        if arguments.probe:
            from harness.sweep import probe_spec

            wrong = probe_spec(spec, finished or {}, address=arguments.address, say=_say)
    to_do = [run for run in spec.runs if run.run_id not in (finished or {})]
    found = packed.of_spec(spec.resources, spec.test, to_do)
    made = plan(
        spec,
        finished,
        tracking.shape_of,
        workers=arguments.workers or spec.resources.workers or found.workers,
        limit=arguments.limit,
        lacking=len(lacking),
        probe_of=found.probes.of,
        gpu_of=found.gpu_of,
        packed=found.lines,
    )
    shown = {**made.as_dict(), **staged.as_dict(spec, most)}
    lines = [*made.lines(), *staged.lines(spec, most)]
    print(json.dumps(shown, indent=1, ensure_ascii=False) if arguments.json else "\n".join(lines))
    return 1 if wrong else 0


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)
