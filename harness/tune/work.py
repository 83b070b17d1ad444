"""The runs of one trial, one after another, in a thread that pauses where it has something to tell.

Between two things told `TrialWorker.next` answers every second, so that a trial can be told something: to keep a
checkpoint and stop.
"""

from __future__ import annotations

import os
import queue
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from harness import tracking
from harness.errors import UserError
from harness.spec.study import Metric
from harness.sweep import freight
from harness.sweep.worker import Outcome, Settings, Worker, describe
from harness.tune.measures import Measures
from harness.tune.sending import Sent, asking

_POLL = 1.0
"""Seconds between looks at a run that somebody else is doing."""
_TURN = 1.0
"""Seconds after which a trial that has nothing to tell says so."""

RUNNING, DONE, FAILED, HALTED = "running", "done", "failed", "halted"


@dataclass(frozen=True)
class Told:
    """What a trial says at a pause, or after a second without one.

    Attributes:
        state: running, done, failed, or halted: as it was told to, the study ends.
        points: (step, values) that came since; a step is a validation, counted over the trial's runs.
        values: of a trial that is done: the mean over its runs.
        reason: why it failed or halted.
        final: whether it would fail again.
        user: whether that is something the user gave: every other trial would fail alike.
        trained: how many of its runs were trained here rather than answered from their records.
        val_mpjpe: lowest validation error of the run at work, mm.
        said: what people are to be told.
    """

    state: str
    points: list[tuple[int, list[float]]] = field(default_factory=list)
    values: list[float] | None = None
    reason: str = ""
    final: bool = False
    user: bool = False
    trained: int = 0
    val_mpjpe: float | None = None
    said: Sequence[str] = ()


class _Halted(Exception):
    pass


class _Unfit(Exception):
    """This machine can't do a study's trials."""


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
        ask: gives files that this machine lacks.
    """

    def __init__(
        self,
        settings: Settings,
        metrics: Sequence[Metric],
        retries: int,
        ask: Callable[[Sequence[str]], Sent] | None = None,
    ) -> None:
        super().__init__(settings)
        self._measures, self._retries, self._ask = Measures(metrics), retries, ask or asking(None)
        self._thread: threading.Thread | None = None
        self._leaving: str | None = None

    def begin(self, runs: Sequence[Any], test: Any, files: Mapping[str, freight.Known] | None = None) -> None:
        """Start on a trial, paused before its first run.

        Args:
            runs: its runs.
            test: how they are tested.
            files: that they read, see `freight.read_by`; None: all are here.
        """
        self._runs, self._test, self._files = list(runs), test, files or {}
        self._asked, self._said = False, list[str]()
        self._out: queue.Queue[Told] = queue.Queue()
        self._go = threading.Semaphore(0)
        self._halt: tracking.Stopped | None = None
        self._trained = 0
        self._done: list[list[float]] = []
        self._thread = threading.Thread(target=self._work, name="trial", daemon=True)
        self._thread.start()

    def next(self) -> Told:
        """Go on until there's something to tell, or for a second."""
        if not self._asked:
            self._asked = True
            self._go.release()
        try:
            told = self._out.get(timeout=_TURN)
        except queue.Empty:
            return Told(RUNNING)
        self._asked = False
        return told

    def leave(self, reason: str) -> None:
        """The study ends: have the run at work keep a checkpoint; `next` then tells that the trial is halted."""
        self._leaving = reason
        self.halt(reason)

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
            self._equip()
            for number, run in enumerate(self._runs):
                self._one(number, run)
            self._put(Told(DONE, self._last, _mean(self._done), trained=self._trained))
        except tracking.Stopped:
            pass
        except _Halted as halted:
            self._put(Told(HALTED, reason=str(halted)))
        except _Unfit as unfit:
            self._put(Told(FAILED, reason=str(unfit), user=True))
        except _Failed as failure:
            outcome = failure.outcome
            self._put(Told(FAILED, reason=outcome.reason, final=outcome.final, user=outcome.user))
        except Exception as error:
            user = isinstance(error, UserError)
            self._put(Told(FAILED, reason=describe(error), final=user, user=user))

    def _equip(self) -> None:
        """Load what runs need, and fetch what this machine lacks of their files."""
        try:
            self._loaded()
            lacking = [path for path in freight.lacking(self._files) if path not in self._places]
            if lacking:
                parcels, self._said = self._ask(lacking)
                self.receive(parcels)
        except Exception as error:
            raise _Unfit(f"a worker can't start on {self._me.host}: {describe(error)}") from error

    def _put(self, told: Told) -> None:
        said, self._said = self._said, []
        self._out.put(replace(told, said=said))

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
        if outcome.status == "halted":
            if self._leaving is not None:
                raise _Halted(outcome.reason)
            os._exit(1)  # it has kept its checkpoint; Tune begins the trial anew in another process
        return outcome

    def _tell(self, number: int, run: Any, record: tracking.Record) -> None:
        uri, epochs, run = self._settings.uri, run.train.epochs, freight.moved(run, self._places)
        course = self._measures.course(uri, run, record)
        points = [(number * epochs + at, self._mean_with(values)) for at, values in enumerate(course, start=1)]
        self._done.append(self._measures.of_record(uri, run, record))
        points = [point for point in points if point[0] < (number + 1) * epochs]
        self._last = [*points, ((number + 1) * epochs, _mean(self._done))]
        if number + 1 < len(self._runs):
            self._put(Told(RUNNING, self._last))
            self._pause()

    def _on_epoch(self, logger: tracking.RunLogger, info: Any) -> None:
        super()._on_epoch(logger, info)
        run = freight.moved(logger.run, self._places)
        values = self._measures.of_epoch(run, info)
        # The last epoch is told when the run is finished: a trial that is stopped there loses no run.
        if values is None or info.step >= info.steps:
            return
        step = self._before + min(info.epoch, run.train.epochs)
        self._put(Told(RUNNING, [(step, self._mean_with(values))], val_mpjpe=self.progress().val_mpjpe))
        self._pause()

    def _mean_with(self, values: list[float]) -> list[float]:
        return _mean([*self._done, values])

    def _wait(self) -> None:
        time.sleep(_POLL)
        if self._halt is not None:
            raise self._halt
        if self._leaving is not None:
            raise _Halted(self._leaving)

    def _pause(self) -> None:
        self._go.acquire()
        if self._halt is not None:
            raise self._halt


def _mean(rows: Sequence[Sequence[float]]) -> list[float]:
    return [sum(column) / len(rows) for column in zip(*rows, strict=True)]
