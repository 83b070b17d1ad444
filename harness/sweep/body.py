"""The work of one run: train, evaluate, hand the files over. A sweep can be given another body by name."""

from __future__ import annotations

import importlib
import io
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from harness import tracking
from harness.errors import UserError
from harness.spec import identity
from harness.sweep.keeper import Keeper

if TYPE_CHECKING:
    import pandas as pd

DEFAULT = "harness.sweep.body:execute"


class Body(Protocol):
    """Does a run and returns its final figures; ``on_epoch`` wants step, steps, val_mpjpe (mm) and curves.

    One that takes long keeps ``logger.checkpoints``, and raises `tracking.Stopped` where they were ``asked``.
    """

    def __call__(
        self, run: Any, test: Any, logger: tracking.RunLogger, on_epoch: Callable[[Any], None]
    ) -> dict[str, float]: ...


def execute(run: Any, test: Any, logger: tracking.RunLogger, on_epoch: Callable[[Any], None]) -> dict[str, float]:
    """Train a run, evaluate its weights at every test level, keep weights and evaluation."""
    from harness import training
    from harness.metrics.kept_scores import with_scores
    from harness.training.run_cost import measured

    training.check_protocol(run, test)
    if run.checkpoint is None:
        keeper = Keeper(run, logger)
        result = training.train(run, resume=keeper.resume(), on_epoch=on_epoch, on_step=keeper)
    else:
        result = training.published(run)
    table = training.evaluate(run, test, result)
    logger.licence(training.licence(run.data))
    logger.log_points(result.curves)
    logger.artifact("best.pt", _saved(result.best_weights))
    logger.artifact("last.pt", _saved(result.last_weights))
    logger.evaluation(with_scores(tracking.parquet_bytes(table)), identity.evaluations(test))
    # First, so that it is among the figures that MLflow's page shows.
    figures = {"test_mpjpe": _test_mpjpe(table), **result.summary, "train_seconds": result.seconds}
    return {**figures, **measured(run, result.seconds)}


def load(name: str) -> Body:
    """The body called ``module:function``. Raises `UserError` for anything else."""
    module, _, attribute = name.partition(":")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError, ValueError) as error:
        raise UserError(f"there is no run body '{name}': {error}") from error


def _test_mpjpe(table: pd.DataFrame) -> float:
    """The chosen weights' error in mm: mean per subject, then over the test conditions."""
    from harness.metrics import summarise

    return float(summarise(table[table["weights"] == "best"], "mpjpe")["value"].mean())


def _saved(weights: dict[str, Any]) -> bytes:
    import torch

    buffer = io.BytesIO()
    torch.save({name: tensor.cpu() for name, tensor in weights.items()}, buffer)
    return buffer.getvalue()
