"""A body that trains nothing: its error is a function of what a study tunes."""

from __future__ import annotations

import math
import os
import time
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness import tracking

FOLDER, SECONDS = "REPOSE_TEST_COUNTER", "REPOSE_TEST_SECONDS"


def error(run: Any, epoch: int) -> float:
    """Validation error in mm: least at lr = 0.003, falling over the epochs, 0.1 higher for each seed."""
    away = abs(math.log10(run.train.lr / 0.003))
    return 50.0 + 40.0 * away + 10.0 * (1 - epoch / run.train.epochs) + 0.1 * run.seed


def formula(run: Any, test: Any, logger: Any, on_epoch: Any) -> dict[str, float]:
    """Leaves a file for each time it is begun; fails where the batch is 13."""
    if FOLDER in os.environ:
        Path(os.environ[FOLDER], f"{run.run_id}.{time.time_ns()}").touch()
    for epoch in range(1, run.train.epochs + 1):
        time.sleep(float(os.environ.get(SECONDS, "0")))
        value = error(run, epoch)
        curves = [("val_mpjpe", epoch, value)]
        told = {"step": epoch, "steps": run.train.epochs, "epoch": epoch, "curves": curves, "best_weights": dict}
        on_epoch(SimpleNamespace(**told, val_mpjpe=value, best_mpjpe=value))
        if logger.checkpoints.asked is not None:
            raise tracking.Stopped(logger.checkpoints.asked, pruned=False)
    if run.train.batch == 13:
        raise RuntimeError("thirteen")
    for name in ("best.pt", "last.pt"):
        logger.artifact(name, b"")
    logger.evaluation(b"", [])
    return {"val_mpjpe_best": error(run, run.train.epochs), "train_seconds": 0.0}
