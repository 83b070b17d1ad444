"""The runs of one trial, one after another, in a thread that pauses where it has something to tell."""

from __future__ import annotations

import os
import queue
import threading
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import tracking
from harness.errors import UserError
from harness.spec.study import Metric
from harness.sweep.worker import Outcome, Settings, Worker, describe
from harness.tune.measures import Measures

_POLL = 1.0
"""Seconds between looks at a run that somebody else is doing."""

RUNNING, DONE, FAILED = "running", "done", "failed"


@dataclass(frozen=True)
class Told:
    """What a trial says at a pause.

    Attributes:
        state: running, done or failed.
        points: (step, values) that came since; a step is a validation, counted over the trial's runs.
        values: of a trial that is done: the mean over its runs.
        reason: why it failed.
        final: whether it would fail again.
        user: whether that is something the user gave: every other trial would fail alike.
        trained: how many of its runs were trained here rather than answered from their records.
        val_mpjpe: lowest validation error of the run at work, mm.
    """

    state: str
    points: list[tuple[int, list[float]]] = field(default_factory=list)
    values: list[float] | None = None
    reason: str = ""
    final: bool = False
    user: bool = False
    trained: int = 0
    val_mpjpe: float | None = None


class _Failed(Exception):
    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome.reason)
        self.outcome = outcome


class TrialWorker(Worker):
    """A sweep's worker that does the runs of a trial, and can be stopped between two epochs.

    Args:
        settings: as a sweep's.
        metrics: of the study.
        retries: how often a run that failed is tried again, unless its failure is final.
    """

    def __init__(self, settings: Settings, metrics: Sequence[Metric], retries: int) -> None:
        super().__init__(settings)
        self._measures, self._retries = Measures(metrics), retries
        self._thread: threading.Thread | None = None

    def begin(self, runs: Sequence[Any], test: Any) -> None:
        """Start on a trial, paused before its first run."""
        self._runs, self._test = list(runs), test
        self._out: queue.Queue[Told] = queue.Queue()
        self._go = threading.Semaphore(0)
        self._halt: tracking.Stopped | None = None
        self._trained = 0
        self._done: list[list[float]] = []
        self._thread = threading.Thread(target=self._work, name="trial", daemon=True)
        self._thread.start()

    def next(self) -> Told:
        """Go on until there's something to tell."""
        self._go.release()
        return self._out.get()

    def stop(self, reason: str, *, pruned: bool, seconds: float = 30.0) -> None:
        """End a paused trial: the run at work is closed as stopped. Nothing happens to one that is over."""
        if self._thread is None or not self._thread.is_alive():
            return
        self._halt = tracking.Stopped(reason, pruned=pruned)
        self._go.release()
        self._thread.join(seconds)

    def _work(self) -> None:
        try:
            self._pause()
            for number, run in enumerate(self._runs):
                self._one(number, run)
            self._out.put(Told(DONE, self._last, _mean(self._done), trained=self._trained))
        except tracking.Stopped:
            pass
        except _Failed as failure:
            outcome = failure.outcome
            self._out.put(Told(FAILED, reason=outcome.reason, final=outcome.final, user=outcome.user))
        except Exception as error:
            user = isinstance(error, UserError)
            self._out.put(Told(FAILED, reason=describe(error), final=user, user=user))

    def _one(self, number: int, run: Any) -> None:
        """Have a run finished, by whomever, and tell of it."""
        uri, attempts = self._settings.uri, 0
        while True:
            found = tracking.survey(uri, [run.run_id])
            if run.run_id in found.finished:
                break
            if run.run_id in found.busy:
                self._wait()
                continue
            self._measures.begin()
            self._before = number * run.train.epochs
            outcome = self._do(run, found.free[run.run_id])
            if outcome.status == "stopped":
                raise self._halt or tracking.Stopped(outcome.reason, pruned=False)
            if outcome.status == "failed":
                attempts += 1
                if outcome.final or attempts > self._retries:
                    raise _Failed(outcome)
            self._trained += outcome.status == "finished"
        self._tell(number, run, found.finished[run.run_id])

    def _do(self, run: Any, generation: int) -> Outcome:
        try:
            outcome = self.do(run, self._test, generation)
        except BaseException:
            # A run may be claimed now and have no record. Whoever takes it over must find its owner dead.
            traceback.print_exc()
            os._exit(1)
        if outcome.status == "halted":  # it has kept its checkpoint; Tune begins the trial anew in another process
            os._exit(1)
        return outcome

    def _tell(self, number: int, run: Any, record: tracking.Record) -> None:
        uri, epochs = self._settings.uri, run.train.epochs
        course = self._measures.course(uri, run, record)
        points = [(number * epochs + at, self._mean_with(values)) for at, values in enumerate(course, start=1)]
        self._done.append(self._measures.of_record(uri, run, record))
        points = [point for point in points if point[0] < (number + 1) * epochs]
        self._last = [*points, ((number + 1) * epochs, _mean(self._done))]
        if number + 1 < len(self._runs):
            self._out.put(Told(RUNNING, self._last))
            self._pause()

    def _on_epoch(self, logger: tracking.RunLogger, info: Any) -> None:
        super()._on_epoch(logger, info)
        run = logger.run
        values = self._measures.of_epoch(run, info)
        # The last epoch is told when the run is finished: a trial that is stopped there loses no run.
        if values is None or info.step >= info.steps:
            return
        step = self._before + min(info.epoch, run.train.epochs)
        self._out.put(Told(RUNNING, [(step, self._mean_with(values))], val_mpjpe=self.progress().val_mpjpe))
        self._pause()

    def _mean_with(self, values: list[float]) -> list[float]:
        return _mean([*self._done, values])

    def _wait(self) -> None:
        time.sleep(_POLL)
        if self._halt is not None:
            raise self._halt

    def _pause(self) -> None:
        self._go.acquire()
        if self._halt is not None:
            raise self._halt


def _mean(rows: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]
