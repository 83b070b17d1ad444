"""`repose status SPEC`."""

from __future__ import annotations

import argparse
import json
import sys
import time
from typing import TYPE_CHECKING

from harness.cli import arguments as shared
from harness.cli import staged

if TYPE_CHECKING:
    from harness.spec import Spec
    from harness.spec.status import Status

EVERY = 5.0
"""Seconds between looks."""
_CLEAR = "\x1b[H\x1b[J"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.spec(parser)
    shared.store(parser)
    parser.add_argument("--json", action="store_true", help="print JSON, all runs at work and all that failed")
    parser.add_argument("--watch", action="store_true", help=f"again every {EVERY:g} s until all is finished")
    parser.add_argument(
        "--workers", type=shared.positive, metavar="N", help="for the estimated time while nobody is at work"
    )


def execute(arguments: argparse.Namespace) -> int:
    """Print where the spec stands; nothing is claimed, closed or written."""
    from harness.spec import load

    spec, before = load(arguments.spec, arguments.overrides, arguments.seeds), ""
    while True:
        with shared.located(spec, arguments):
            found = _asked(spec, arguments)
        shown = json.dumps(found.as_dict(), ensure_ascii=False) if arguments.json else "\n".join(found.lines())
        if shown != before:
            print(f"{_CLEAR if arguments.watch and sys.stdout.isatty() else ''}{shown}", flush=True)
        before = shown
        if not arguments.watch or found.done:
            return 0
        time.sleep(EVERY)


def _asked(spec: Spec, arguments: argparse.Namespace) -> Status:
    from harness import tracking
    from harness.spec import packed
    from harness.spec.identity import conditions
    from harness.spec.status import status

    uri, now = arguments.tracking_uri or spec.tracking.uri, time.time()
    spec = staged.narrowed(spec, uri)
    standings = tracking.standing(uri, [run.run_id for run in spec.runs], now)
    finished = {r: one.record for r, one in standings.items() if one.state == "finished" and one.record is not None}
    lacking = tracking.unevaluated(uri, finished, conditions(spec.test))
    workers = arguments.workers or spec.resources.workers or shared.processors(spec.resources.cpu)
    probes = packed.of_spec(spec.resources, spec.test, [run for run in spec.runs if run.run_id not in finished]).probes
    return status(
        spec,
        standings,
        tracking.shape_of,
        workers=workers,
        lacking=len(lacking),
        now=now,
        probe_of=probes.of,
    )
