"""A sweep: do the runs of a spec that aren't done, once each, whatever dies on the way."""

from __future__ import annotations

import signal
import threading
import time
from collections import deque
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from harness import tracking
from harness.errors import UserError
from harness.spec import identity
from harness.sweep import supplements

if TYPE_CHECKING:
    from harness.sweep.display import Display
    from harness.sweep.pool import Died, Job, Pool
    from harness.sweep.worker import Outcome

_POLL, _REDRAW, _LOOK = 0.25, 1.0, 3.0
_BIRTHS = 3
"""Workers that may fail to start until the sweep gives up, as long as no run is done."""


@dataclass
class SweepOutcome:
    """What became of a sweep.

    Attributes:
        finished: run_ids done here.
        skipped: run_ids that were finished already, or that another driver finished meanwhile.
        evaluated: those of the skipped whose missing evaluations were added here.
        failed: run_id → reason; of a skipped one, why its evaluations couldn't be added.
        left: run_ids not tried: beyond the limit, or the sweep was stopped.
        interrupted: stopped by a signal.
        seconds: wall-clock time.
        train_seconds: sum of the runs' own training time, where they tell it.
    """

    finished: list[str] = field(default_factory=list)
    skipped: list[str] = field(default_factory=list)
    evaluated: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    interrupted: bool = False
    seconds: float = 0.0
    train_seconds: float = 0.0


def run_sweep(
    spec: Any,
    *,
    uri: str | None = None,
    workers: int | None = None,
    address: str | None = None,
    limit: int | None = None,
    fail_fast: bool = False,
    retries: int = 1,
    command: str | None = None,
    body: str | None = None,
) -> SweepOutcome:
    """Do the runs of ``spec`` that aren't finished in the store, and test those that are on what they lack.

    Ray starts only if there's anything to do.

    Args:
        spec: has ``name``, ``runs``, ``test``, ``resources`` and ``tracking``.
        uri: the store; before the spec's, which comes before the environment's and the default.
        workers: how many runs at once; before the spec's; as many as fit by default.
        address: a Ray cluster to join.
        limit: at most so many this time, runs before evaluations.
        fail_fast: stop at the first run that fails.
        retries: how often a run that failed is tried again, unless its failure is final (it diverged, or
            something the user gave is wrong).
        command: what to type to go on, printed when the sweep is stopped.
        body: the work of a run, ``module:function``; training and evaluation by default.

    Raises:
        UserError: the store doesn't answer or can't be written, no node can hold a run, nobody is at ``address``,
            or workers can't start.
    """
    began = time.monotonic()
    uri = tracking.resolve(uri or spec.tracking.uri)
    runs = {run.run_id: run for run in spec.runs}
    done = tracking.finished(uri, runs)
    outcome = SweepOutcome(skipped=[run_id for run_id in runs if run_id in done])
    todo = [run_id for run_id in runs if run_id not in done]
    chosen = todo[:limit]
    wanted = supplements.of_test(spec.test)
    lacking = supplements.find(uri, done, wanted)
    added = list(lacking)[: None if limit is None else limit - len(chosen)]
    if chosen or added:
        queue = supplements.Queue(uri, wanted, {run_id: lacking[run_id] for run_id in added})
        sweep = _Sweep(spec, uri, {run_id: runs[run_id] for run_id in [*chosen, *added]}, queue, outcome)
        sweep.go(chosen, workers or spec.resources.workers, address, fail_fast, retries, command, body)
    else:
        _register(spec, uri)
    over = {*outcome.finished, *outcome.skipped, *outcome.failed}
    outcome.left = [run_id for run_id in runs if run_id not in over]
    outcome.seconds = time.monotonic() - began
    return outcome


def rescore(
    spec: Any,
    *,
    metrics: Collection[str] | None = None,
    uri: str | None = None,
    workers: int | None = None,
    address: str | None = None,
    command: str | None = None,
) -> SweepOutcome:
    """Score saved weights of the finished runs of ``spec`` for what their records lack; nothing is trained.

    Args:
        spec: as `run_sweep`; its ``test`` says under which conditions.
        metrics: of the metrics that came later than the records, only these; None: all that are registered.
        uri, workers, address, command: as `run_sweep`.

    Raises:
        UserError: as `run_sweep`; or a metric isn't registered.
    """
    began = time.monotonic()
    uri = tracking.resolve(uri or spec.tracking.uri)
    runs = {run.run_id: run for run in spec.runs}
    done = tracking.finished(uri, runs)
    outcome = SweepOutcome(skipped=list(done), left=[run_id for run_id in runs if run_id not in done])
    wanted = identity.evaluations(spec.test, metrics)
    lacking = supplements.find(uri, done, wanted)
    if lacking:
        queue = supplements.Queue(uri, wanted, lacking)
        sweep = _Sweep(spec, uri, {run_id: runs[run_id] for run_id in lacking}, queue, outcome)
        sweep.go([], workers or spec.resources.workers, address, False, 1, command, None)
    outcome.seconds = time.monotonic() - began
    return outcome


class _Sweep:
    """One sweep at work: the queues, the attempts, and what each answer means."""

    def __init__(
        self, spec: Any, uri: str, runs: dict[str, Any], added: supplements.Queue, outcome: SweepOutcome
    ) -> None:
        self.spec, self.uri, self.runs, self.outcome = spec, uri, runs, outcome
        self.me = tracking.myself()
        self.queue: deque[tuple[str, int]] = deque()
        self.added = added
        self.elsewhere: set[str] = set()
        self.attempts: dict[str, int] = dict.fromkeys(runs, 0)
        self.unborn = 0
        self.stop = threading.Event()

    def go(
        self,
        chosen: list[str],
        workers: int | None,
        address: str | None,
        fail_fast: bool,
        retries: int,
        command: str | None,
        body: str | None,
    ) -> None:
        from harness.sweep import cluster, faults
        from harness.sweep.body import DEFAULT, load
        from harness.sweep.display import Counts, Display
        from harness.sweep.pool import Pool
        from harness.sweep.worker import Settings

        if body is not None:
            load(body)
        fault = faults.planned()
        threads = max(run.train.threads for run in self.runs.values())
        resources = self.spec.resources
        tracking.check(self.uri)
        tags = tracking.provenance()
        settings = Settings(self.uri, self.spec.name, self.me, tags, threads, body or DEFAULT, fault)
        held = cluster.start(resources, workers=workers, address=address, at_most=len(self.runs), threads=threads)
        try:
            with self._signals(), Pool(settings, held.workers, float(resources.cpu), float(resources.gpu)) as pool:
                # The workers import while the schema is made here; they open the store with their first run.
                tracking.prepare(self.uri)
                _register(self.spec, self.uri)
                self._sort(chosen)
                total = len({run.run_id for run in self.spec.runs})
                counts = Counts(total, len(self.outcome.skipped), len(self.queue), held.workers)
                counts.evaluations = len(self.added)
                with Display(counts) as display:
                    self._loop(pool, display, fail_fast, retries)
                    self._end(pool, display, command)
        finally:
            held.stop()

    def _loop(self, pool: Pool, display: Display, fail_fast: bool, retries: int) -> None:
        drawn = looked = time.monotonic()
        while (self.queue or self.added or pool.jobs or self.elsewhere) and not self.stop.is_set():
            while (self.queue or self.added) and pool.free:
                self._give(pool)
            for job, answer in pool.wait(_POLL):
                self._take(job, answer, display, retries)
            if fail_fast and self.outcome.failed:
                break
            now = time.monotonic()
            if self.elsewhere and now - looked > _LOOK:
                looked = now
                display.counts.evaluations += self._sort(sorted(self.elsewhere))
                display.counts.elsewhere = len(self.elsewhere)
            if display.live and now - drawn > _REDRAW:
                drawn = now
                self._draw(pool, display)

    def _give(self, pool: Pool) -> None:
        if self.queue:
            run_id, generation = self.queue.popleft()
            pool.give(self.runs[run_id], self.spec.test, generation)
        else:
            run_id, supplement = self.added.next()
            pool.evaluate(self.runs[run_id], supplement)

    def _take(self, job: Job, answer: Outcome | Died, display: Display, retries: int) -> None:
        from harness.sweep.pool import Died

        run_id, counts, added = job.run.run_id, display.counts, job.supplement
        if isinstance(answer, Died):
            final, reason = False, answer.reason
            self.unborn += answer.unborn
            if self.unborn >= _BIRTHS and not self.outcome.finished and not self.outcome.evaluated:
                raise UserError(reason)
        elif answer.status == "finished" and added is not None:
            self._evaluated(job, answer.seconds, display)
            return
        elif answer.status == "finished":
            self._finished(job, answer.summary, answer.seconds, display)
            return
        elif answer.status == "taken":
            counts.evaluations += self._sort([run_id])
            counts.elsewhere = len(self.elsewhere)
            return
        else:
            final, reason = answer.final, answer.reason
        self.attempts[run_id] += 1
        again = not final and self.attempts[run_id] <= retries
        if added is None:
            self._sort([run_id], again=again)
        elif again:
            self.added.again(run_id, added)
        if (
            added is None and run_id in self.outcome.skipped
        ):  # its worker died after the seal: the run is finished, and by us
            self.outcome.skipped.remove(run_id)
            self._finished(job, {}, job.seconds, display)
        elif again:
            display.say(f"again: {_named(job)}: {reason}", "yellow")
        else:
            self.outcome.failed[run_id] = reason
            counts.failed += added is None
            counts.unevaluated += added is not None
            display.say(f"failed: {_named(job)}: {reason}", "red")

    def _finished(self, job: Job, summary: dict[str, float], seconds: float, display: Display) -> None:
        counts = display.counts
        self.outcome.finished.append(job.run.run_id)
        self.outcome.train_seconds += summary.get("train_seconds", 0.0)
        counts.finished += 1
        counts.seconds.append(seconds)
        score = summary.get("val_mpjpe_best")
        if score is not None and (counts.best is None or score < counts.best[1]):
            counts.best = (label(job.run), score)
        display.finished(label(job.run), seconds, score)

    def _evaluated(self, job: Job, seconds: float, display: Display) -> None:
        self.outcome.evaluated.append(job.run.run_id)
        display.counts.evaluated += 1
        display.counts.evaluation_seconds.append(seconds)
        display.finished(_named(job), seconds, None)

    def _sort(self, run_ids: list[str], *, again: bool = True) -> int:
        """Ask the store about runs; queue the free ones, if they are to be tried again, and missing evaluations.

        How many of the finished ones lack evaluations.
        """
        found = tracking.survey(self.uri, run_ids)
        self.elsewhere -= set(run_ids)
        self.outcome.skipped += [run_id for run_id in run_ids if run_id in found.finished]
        if again:
            self.elsewhere |= set(found.busy)
            self.queue.extend((run_id, found.free[run_id]) for run_id in run_ids if run_id in found.free)
        return self.added.look(found.finished)

    def _draw(self, pool: Pool, display: Display) -> None:
        found, counts = pool.progress(), display.counts
        for job, progress in found.values():
            score = progress.val_mpjpe
            if score is not None and (counts.best is None or score < counts.best[1]):
                counts.best = (label(job.run), score)
        display.update({_named(job): (job.seconds, progress) for job, progress in found.values()})

    def _end(self, pool: Pool, display: Display, command: str | None) -> None:
        """Leave the store consistent: no worker lives, none of their records says RUNNING."""
        jobs = pool.jobs
        pool.kill()
        if jobs:
            reason = "the sweep was stopped"
            _buried(self.uri, [job.run.run_id for job in jobs], self.me)
            tracking.reap(self.uri, [job.run.run_id for job in jobs], of=self.me, reason=reason)
        self.outcome.interrupted = self.stop.is_set()
        display.say(f"{display.counts.line()} in this spec")
        if self.outcome.interrupted and command:
            display.say(f"stopped; this goes on with it: {command}")

    @contextmanager
    def _signals(self) -> Iterator[None]:
        """The first SIGINT or SIGTERM stops the sweep in order, the second one at once."""
        if threading.current_thread() is not threading.main_thread():
            yield
            return

        def handle(number: int, _: object) -> None:
            if self.stop.is_set():
                raise KeyboardInterrupt
            self.stop.set()

        # Set after Ray has started, as Ray sets a handler of its own for SIGTERM.
        before = {number: signal.signal(number, handle) for number in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _register(spec: Any, uri: str) -> None:
    """Enter the spec's claims in the store, before the first run that may decide one starts."""
    claims = (*getattr(spec, "claims", ()), *getattr(spec, "awaited", ()))
    tracking.register(uri, [claim.digest(spec.name) for claim in claims], getattr(spec, "digest", ""))


def label(run: Any) -> str:
    """A run, for people: its axes, or its id."""
    return " ".join(str(value) for value in dict(run.labels).values()) or run.run_id


def _named(job: Job) -> str:
    return label(job.run) if job.supplement is None else f"evaluation of {label(job.run)}"


def _buried(uri: str, run_ids: list[str], driver: tracking.Owner, seconds: float = 5.0) -> None:
    """Wait until killed workers are gone, so that none can close its record after it was closed here."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        owners = [record.owner for record in tracking.running(uri, run_ids).values()]
        mine = [owner for owner in owners if owner is not None and owner.driver == driver]
        if not any(tracking.process_alive(owner) for owner in mine):
            return
        time.sleep(0.05)
