"""The usual work of a run on the nodes of a test, with heartbeats so quick that a test needn't wait minutes."""

from __future__ import annotations

import sys
from typing import Any

from harness.spec import load
from harness.sweep import body, driver, run_sweep
from harness.tracking import logger, owner

BODY = "tests.services.nodes.work:execute"
logger.BEAT, owner.SILENCE, driver._LOOK = 0.5, 6.0, 0.5


def execute(*work: Any) -> dict[str, float]:
    return body.execute(*work)


def main() -> int:
    """A driver: spec, store and address of the cluster are its arguments. A run may meet several of the faults."""
    spec, store, address = sys.argv[1:4]
    outcome = run_sweep(load(spec), uri=store, address=address, body=BODY, workers=3, retries=3, command="COMMAND")
    print("outcome", len(outcome.finished), len(outcome.skipped), len(outcome.failed), len(outcome.left))
    return 1 if outcome.failed else 0


if __name__ == "__main__":
    sys.exit(main())
