"""The usual work of a run, interrupted on purpose between two of its steps, once.

A file ``interrupt.json`` beside the store says how: ``{"how": kill | term | fail | wait, "at": step}``. Before that
step the worker dies by SIGKILL, is sent SIGTERM, fails for want of memory, or waits to be told to stop.
"""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from harness.sweep import body
from harness.sweep.keeper import Keeper
from harness.training import snapshot


def execute(run: Any, test: Any, logger: Any, on_epoch: Any) -> dict[str, float]:
    place = Path(logger.uri.removeprefix("sqlite:///")).parent
    genuine, code = Keeper.__call__, snapshot._CODE
    snapshot._CODE = "of this test"  # whoever edits the code as the tests run changes nothing

    def interrupted(keeper: Keeper, info: Any) -> None:
        plan = json.loads((place / "interrupt.json").read_text()) if (place / "interrupt.json").exists() else {}
        if info.step == plan.get("at") and not (place / "interrupted").exists():
            (place / "interrupted").write_text(str(os.getpid()))
            _interrupt(plan["how"], logger)
        with open(place / "steps", "a") as file:
            file.write(f"{run.run_id} {info.step}\n")
        genuine(keeper, info)
        while logger.checkpoints._thread is not None and logger.checkpoints._thread.is_alive():
            time.sleep(0.001)  # so that the last checkpoint is that of the step before

    Keeper.__call__ = interrupted  # type: ignore[method-assign]
    try:
        return body.execute(run, test, logger, on_epoch)
    finally:
        Keeper.__call__, snapshot._CODE = genuine, code  # type: ignore[method-assign]


def _interrupt(how: str, logger: Any) -> None:
    if how == "kill":  # as the kernel does to who takes too much memory, too
        os.kill(os.getpid(), signal.SIGKILL)
    if how == "fail":
        raise MemoryError("as asked")
    if how == "term":
        os.kill(os.getpid(), signal.SIGTERM)
    end = time.monotonic() + 30
    while logger.checkpoints.asked is None and time.monotonic() < end:
        time.sleep(0.01)
