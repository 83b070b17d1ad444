"""A worker: a long-lived process that claims runs, does them and closes their records."""

from __future__ import annotations

import os
import signal
import threading
import time
import traceback
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from harness import tracking
from harness.errors import UserError
from harness.sweep import body, faults, fitness, freight, limits, supplements

_WATCH = 1.0
"""Seconds between looks at the driver."""


@dataclass(frozen=True)
class Settings:
    """What all workers of a sweep are told.

    Attributes:
        uri: the store, resolved.
        spec: name of the spec.
        driver: the process that runs the sweep.
        tags: for every record, see `tracking.provenance`.
        threads: most CPU threads any run of the sweep uses.
        body: the work of a run, ``module:function``.
        fault: see `faults`.
        checkpoint_minutes: between two checkpoints of a run.
        code: that the driver would train with; empty: any.
        limits: of a run.
        files: that runs read, see `freight.read_by`: sent to machines that lack them.
        since: no record is dated earlier, see `tracking.RunLogger`.
        packages: what installed ones bring to the runs, see `fitness.brought`.
    """

    uri: str
    spec: str
    driver: tracking.Owner
    tags: dict[str, str] = field(default_factory=dict)
    threads: int = 1
    body: str = body.DEFAULT
    fault: str | None = None
    checkpoint_minutes: float | None = None
    code: str = ""
    limits: limits.Limits = field(default_factory=limits.Limits)
    files: Mapping[str, freight.Known] = field(default_factory=dict)
    since: float = 0.0
    packages: Mapping[fitness.Brought, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Outcome:
    """What became of one run on a worker.

    Attributes:
        status: finished; failed; taken: somebody else has the run; stopped: a study ended it early; or halted: the
            worker was told to stop, and does no more.
        reason: why it failed, one line.
        final: whether trying again is pointless.
        summary: its final figures.
        seconds: how long it took, its record included.
        user: whether it failed for something the user gave.
        worn: the worker holds so much memory that the next run had better have another one.
    """

    status: str
    reason: str = ""
    final: bool = False
    summary: dict[str, float] = field(default_factory=dict)
    seconds: float = 0.0
    user: bool = False
    worn: bool = False


@dataclass(frozen=True)
class Progress:
    """How far the current run is: steps done and in all, and its lowest validation error so far in mm.

    ``doing`` stands in their place while there are none.
    """

    step: int = 0
    steps: int = 0
    val_mpjpe: float | None = None
    doing: str = "starting"


class Worker:
    """The body of a Ray actor; plain Python, so that it can be used without one.

    Making one takes no time, so that a driver can tell one that has no place from one that imports.
    """

    def __init__(self, settings: Settings) -> None:
        threads = str(settings.threads)
        os.environ.update(OMP_NUM_THREADS=threads, MKL_NUM_THREADS=threads, OPENBLAS_NUM_THREADS=threads)
        self._settings, self._progress = settings, Progress()
        self._me = tracking.myself(driver=settings.driver)
        self._body: body.Body | None = None
        self._logger: tracking.RunLogger | None = None
        self._halted: str | None = None
        self._places: dict[str, str] = {}
        self._guard = limits.Guard(settings.limits)
        if threading.current_thread() is threading.main_thread():  # in an actor it is, of its methods it isn't
            signal.signal(signal.SIGTERM, lambda *_: self._terminate())
        threading.Thread(target=self._watch, name="driver-watch", daemon=True).start()

    def place(self) -> str:
        """The machine that the worker is on."""
        return self._me.host

    def ready(self) -> list[str]:
        """Load what runs need; which of the sweep's files this machine lacks.

        Raises:
            UserError: there's no such body, or this machine isn't fit for the sweep.
        """
        self._loaded()
        return freight.lacking(self._settings.files)

    def receive(self, parcels: Sequence[freight.Parcel]) -> None:
        """Take files that this machine lacks. Raises `UserError`: there's no place for them."""
        self._places |= freight.receive(parcels)

    def progress(self) -> Progress:
        """How far the current run is."""
        return self._progress

    def halt(self, reason: str) -> None:
        """Have the run at work keep a checkpoint and stop; no other is begun."""
        self._halted = self._halted or reason
        if self._logger is not None:
            self._logger.checkpoints.ask(self._halted)

    def do(self, run: Any, test: Any, generation: int, since: float = 0.0) -> Outcome:
        """Claim one run and do it. What goes wrong in a run is an `Outcome`; the worker lives on.

        Args:
            run, test: the run, and how it is tested.
            generation: to claim it with.
            since: as the settings', where that wasn't known yet when the worker was made.
        """
        settings, self._progress, began = self._settings, Progress(), time.monotonic()
        work = self._loaded()
        if self._told() is not None:
            return Outcome("halted", self._told() or "")
        held = tracking.claim(settings.uri, run.run_id, generation, self._me)
        if held is None:
            return Outcome("taken")
        faults.reach("after-claim", settings.fault)
        if generation:
            faults.reach(faults.IN_TAKEOVER, settings.fault)
        logger = tracking.RunLogger(
            settings.uri,
            run,
            settings.spec,
            held,
            extra=settings.tags,
            checkpoint_minutes=settings.checkpoint_minutes,
            since=max(since, settings.since),
        )
        # A failure up to here leaves a claim without a record: it isn't caught, so the driver ends this process
        # and finds the claim's owner dead.
        self._logger = logger.start()
        if self._told() is not None:  # meanwhile
            logger.checkpoints.ask(self._told() or "")
        faults.reach("after-record", settings.fault)
        self._guard.begin(logger.checkpoints.ask, lambda: self._cut_off(logger))
        logger.on_resume = self._guard.spent
        try:
            with logger.lines.listening():
                summary = work(
                    freight.moved(run, self._places), test, logger, lambda info: self._on_epoch(logger, info)
                )
            self._guard.over()
            logger.finish(
                summary,
                before_seal=lambda: faults.reach("after-artifacts", settings.fault),
                after_seal=lambda: self._sealed(logger),
            )
        except tracking.TrackingLost:
            raise
        except tracking.TakenOver:
            return Outcome("taken")
        except tracking.Stopped as stopped:
            self._guard.over()
            if self._guard.beyond is not None and self._told() is None and not stopped.pruned:
                return self._limited(logger, str(stopped))
            logger.stop(stopped)
            if self._told() is not None:
                return Outcome("halted", str(stopped))
            if stopped.pruned:  # a study has seen enough of it
                logger.checkpoints.drop()
            return Outcome("stopped", str(stopped), final=True)
        except Exception as error:
            self._guard.over()
            if self._guard.beyond is not None:
                return self._limited(logger, f"{self._guard.beyond.reason}; then {describe(error)}")
            logger.fail(f"{describe(error)}\n\n{traceback.format_exc()}")
            failure = _failure(error)
            if failure.final:
                logger.checkpoints.drop()
            return failure
        finally:
            self._guard.over()
            self._logger = None
        return Outcome("finished", summary=summary, seconds=time.monotonic() - began, worn=limits.worn(settings.limits))

    def evaluate(self, run: Any, supplement: supplements.Supplement) -> Outcome:
        """Add to a finished run the evaluations it lacks. It needs no claim: done twice, it's the same."""
        self._progress, began = Progress(doing="evaluating"), time.monotonic()
        try:
            supplements.evaluate(self._settings.uri, freight.moved(run, self._places), supplement)
        except tracking.TrackingLost:
            raise
        except Exception as error:
            return _failure(error)
        return Outcome("finished", seconds=time.monotonic() - began)

    def _limited(self, logger: tracking.RunLogger, reason: str) -> Outcome:
        """Close the record of a run that was stopped at a limit; its checkpoint is for whoever raises that."""
        if self._guard.beyond is not None:
            logger.limited(self._guard.beyond.name, self._guard.beyond.value)
        logger.fail(reason)
        return Outcome("failed", reason, final=True, worn=True)

    def _cut_off(self, logger: tracking.RunLogger) -> None:
        """End a run beyond a limit that takes no steps any more, and this process with it."""
        reason = self._guard.beyond.reason if self._guard.beyond else ""
        try:
            self._limited(logger, f"{reason}; it didn't stop when asked")
        finally:
            os._exit(1)

    def _loaded(self) -> body.Body:
        if self._body is None:
            settings = self._settings
            fitness.check(settings.uri, settings.driver, settings.code, settings.packages)
            self._body = body.load(self._settings.body)
            tracking.preload(self._settings.uri)
        return self._body

    def _on_epoch(self, logger: tracking.RunLogger, info: Any) -> None:
        logger.log_points(info.curves)
        best = [v for v in (self._progress.val_mpjpe, info.val_mpjpe) if v is not None]
        self._progress = Progress(info.step, info.steps, min(best) if best else None)
        score = f", validation MPJPE {info.val_mpjpe:.2f} mm" if info.val_mpjpe is not None else ""
        logger.at(info.step, info.steps)
        logger.lines.say(f"step {info.step} of {info.steps}{score}")
        faults.reach("mid-epoch", self._settings.fault)

    def _told(self) -> str | None:
        """Why the worker is to stop; another thread, or a signal, may say so at any moment."""
        return self._halted

    def _sealed(self, logger: tracking.RunLogger) -> None:
        faults.reach("after-seal", self._settings.fault)
        logger.checkpoints.drop()

    def _terminate(self) -> None:
        """SIGTERM, as Slurm and spot nodes send it: the first one halts, the next one ends."""
        if self._halted is not None:
            os._exit(1)
        self.halt("its worker was told to stop (SIGTERM)")

    def _watch(self) -> None:
        """A worker without its driver is no use: the next driver takes its run over."""
        while tracking.process_alive(self._settings.driver) is not False:
            time.sleep(_WATCH)
            self._guard.look()
        os._exit(1)


def _failure(error: Exception) -> Outcome:
    final = isinstance(error, UserError) or bool(getattr(error, "final", False))
    return Outcome("failed", describe(error), final, user=isinstance(error, UserError))


def describe(error: BaseException) -> str:
    """An exception in one line."""
    text = " ".join(str(error).split())
    name = type(error).__name__
    return text if isinstance(error, UserError) else f"{name}: {text}" if text else name
