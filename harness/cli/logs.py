"""`repose logs RUN`."""

from __future__ import annotations

import argparse
import time
from typing import TYPE_CHECKING

from harness.cli import arguments as shared
from harness.errors import UserError

if TYPE_CHECKING:
    from harness.tracking import Record

NEAR, FAR = 1.0, 5.0
"""Seconds between looks at a file here, and at a server."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the command's arguments."""
    shared.run(parser)
    shared.store(parser)
    parser.add_argument("--all", action="store_true", help="every attempt, oldest first (default: the last one)")
    parser.add_argument("--follow", action="store_true", help="go on while the run is at work")


def execute(arguments: argparse.Namespace) -> int:
    """Print what a run said: when it began, each validation, warnings, what it printed, and why it ended."""
    from harness import tracking

    uri = tracking.resolve(arguments.tracking_uri)
    run_id, label = tracking.find(uri, " ".join(arguments.run))
    attempts = tracking.records(uri, [run_id])
    if not attempts:
        raise UserError(f"the store has no record of run {run_id} any more")
    for number, record in list(enumerate(attempts, start=1))[0 if arguments.all else -1 :]:
        print(f"{label} [{run_id}], attempt {number} of {len(attempts)}: {_state(record)}")
        shown = _words(uri, record)
        print(shown, end="", flush=True)
    if arguments.follow:
        _follow(uri, run_id, attempts[-1], shown)
    return 0


def _follow(uri: str, run_id: str, record: Record, shown: str) -> None:
    from harness import tracking

    while record.status == "RUNNING":
        time.sleep(NEAR if tracking.is_near(record.artifact_uri) else FAR)
        # The state before the lines: what ended before they were read has all of them.
        standing = tracking.standing(uri, [run_id])[run_id]
        record = next(one for one in tracking.records(uri, [run_id]) if one.mlflow_id == record.mlflow_id)
        now = _words(uri, record)
        print(now.removeprefix(shown), end="", flush=True)
        shown = now
        if standing.state == "lost" and record.status == "RUNNING":
            print("its owner is gone: the next `repose run` takes it over")
            return


def _words(uri: str, record: Record) -> str:
    """The lines of an attempt, and the reason where they don't tell it: who was killed said no last word."""
    from harness import tracking

    text, reason = tracking.lines(uri, record), (record.reason or "").strip()
    if text is None:
        text = "" if record.status == "RUNNING" else "no line was kept of this attempt\n"
    if reason and reason.partition("\n")[0] not in text:
        text += f"{record.status.lower()}: {reason}\n"
    return text


def _state(record: Record) -> str:
    return "at work" if record.status == "RUNNING" else record.status.lower()
