"""A run whose worker may write no file beyond a few bytes, as on a full disk, as long as a file says so."""

from __future__ import annotations

import resource
import threading
import time
from pathlib import Path
from typing import Any

from harness.tracking import patience
from tests.sweep.bodies import trivial


def execute(run: Any, test: Any, logger: Any, on_epoch: Any) -> dict[str, float]:
    """Options: ``full``: the file that says so; ``seed``: of the run that meets it; ``window``: seconds to wait;
    ``frees``: seconds after which there is room."""
    full, window = Path(run.options["full"]), patience.WINDOW
    if run.seed == run.options["seed"] and full.exists():
        patience.WINDOW = run.options["window"]
        _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, hard))  # the kernel refuses what is beyond, as if it were full

        def free() -> None:
            if "frees" in run.options:
                time.sleep(run.options["frees"])
                full.unlink()
            while full.exists():
                time.sleep(0.05)
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))

        threading.Thread(target=free, daemon=True).start()
    logger.artifact("made.bin", b"0" * 5000)
    patience.WINDOW = window
    return trivial(run, test, logger, on_epoch)
