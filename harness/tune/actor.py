"""A trial as Ray Tune sees it: a class of steps, reused from trial to trial."""

from __future__ import annotations

import base64
import pickle
from collections.abc import Mapping, Sequence
from typing import Any

from ray import tune

from harness.spec.study import Metric
from harness.sweep import freight
from harness.sweep.worker import Settings
from harness.tune.sending import asking
from harness.tune.work import FAILED, RUNNING, TrialWorker

PRUNED = "stopped by the study: others had done better by then"


def config(trial: str, runs: Sequence[Any], files: Mapping[str, freight.Known]) -> dict[str, str]:
    """What is sent with a trial: Tune copies, flattens and prints it, so it is text."""
    return {"trial": trial, "given": base64.b64encode(pickle.dumps((list(runs), dict(files)))).decode()}


class TrialActor(tune.Trainable):
    """Steps of a trial: each is one validation of a run, or the end of it, or a second without either.

    Tune checkpoints nothing: a run that lost its worker goes on from a checkpoint of its own, if it kept one, and those
    of the trial that are finished are answered from their records. An actor that Tune ends in the middle of a run
    leaves its record to the driver.
    """

    def setup(  # type: ignore[override]
        self,
        config: dict[str, Any],
        settings: Settings,
        metrics: Sequence[Metric],
        retries: int,
        test: Any,
        sender: Any | None = None,
    ) -> None:
        self._worker, self._test = TrialWorker(settings, metrics, retries, asking(sender)), test
        self._begin(config)

    def step(self) -> dict[str, Any]:
        told = self._worker.next()
        return {"told": pickle.dumps(told), "done": told.state != RUNNING, "failed": told.state == FAILED}

    def leave(self, reason: str) -> None:
        """Have the run at work keep a checkpoint, as the study ends; a step then says that it is halted."""
        self._worker.leave(reason)

    def reset_config(self, new_config: dict[str, Any]) -> bool:
        """Take another trial; one that still stands at a pause was stopped by the scheduler."""
        self._worker.stop(PRUNED, pruned=True)
        self._begin(new_config)
        return True

    def _begin(self, given: dict[str, Any]) -> None:
        runs, files = pickle.loads(base64.b64decode(given["given"]))
        self._worker.begin(runs, self._test, files)


def made_with(**parts: Any) -> type:
    """`TrialActor` with what its `setup` is given beside a trial; its processes bear its name, as a sweep's do."""
    made = tune.with_parameters(TrialActor, **parts)
    made.__qualname__ = TrialActor.__name__
    return made
