"""A sweep: do the runs of a spec that aren't done, once each, whatever dies on the way."""

from __future__ import annotations

import threading
import time
from collections.abc import Collection
from typing import TYPE_CHECKING, Any

from harness import tracking, training_code
from harness.errors import UserError
from harness.spec import identity
from harness.sweep import limits, supplements
from harness.sweep.outcome import SweepOutcome, label, named
from harness.sweep.queue import Queue
from harness.sweep.signals import stopping

if TYPE_CHECKING:
    from harness.sweep.answers import Answers
    from harness.sweep.display import Display
    from harness.sweep.pool import Job, Pool
    from harness.sweep.room import Room

_POLL, _REDRAW, _LOOK = 0.25, 1.0, 3.0
_LAST = 15.0
"""Seconds in which the store may come back after a sweep was told to stop."""


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
    only: Collection[str] | None = None,
    forced: bool = False,
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
        only: of the runs, these run_ids; all by default.
        forced: do those too that were stopped at a limit which still holds.

    Raises:
        UserError: the store doesn't answer or can't be written, no node can hold a run, nobody is at ``address``,
            or workers can't start.
    """
    began = time.monotonic()
    uri = tracking.resolve(uri or spec.tracking.uri)
    runs = {run.run_id: run for run in spec.runs}
    done = tracking.finished(uri, runs)
    outcome = SweepOutcome(skipped=[run_id for run_id in runs if run_id in done])
    asked = runs if only is None else set(only)
    todo = [run_id for run_id in runs if run_id not in done and run_id in asked]
    if todo and not forced:
        outcome.failed |= limits.beyond(uri, todo, limits.of(spec.resources))
        outcome.beyond = list(outcome.failed)
        todo = [run_id for run_id in todo if run_id not in outcome.failed]
    chosen = todo[:limit]
    wanted = supplements.of_test(spec.test)
    lacking = supplements.find(uri, {run_id: done[run_id] for run_id in done if run_id in asked}, wanted)
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
    """One sweep at work: what is handed out, to whom, until nothing is left."""

    def __init__(
        self, spec: Any, uri: str, runs: dict[str, Any], added: supplements.Queue, outcome: SweepOutcome
    ) -> None:
        self.spec, self.uri, self.runs, self.outcome = spec, uri, runs, outcome
        self.me = tracking.myself()
        self.queue = Queue(uri, self.me, added, outcome)
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
        from harness.sweep import cluster, faults, fitness, freight
        from harness.sweep.answers import Answers
        from harness.sweep.beside import Beside
        from harness.sweep.body import DEFAULT, load
        from harness.sweep.display import Counts, Display
        from harness.sweep.packing import Packing
        from harness.sweep.pool import Pool
        from harness.sweep.room import Room
        from harness.sweep.worker import Settings

        if body is not None:
            load(body)
        fault = faults.planned()
        threads = max(run.train.threads for run in self.runs.values())
        resources = self.spec.resources
        tracking.check(self.uri)
        tags = tracking.provenance()
        minutes = resources.checkpoint_minutes
        code = training_code.digest() if address is not None else ""
        files = freight.read_by(self.runs.values()) if address is not None else {}
        packages = fitness.brought(self.runs.values()) if address is not None else {}
        allowed = limits.of(resources)
        given = (tags, threads, body or DEFAULT, fault, minutes, code, allowed, files)
        settings = Settings(self.uri, self.spec.name, self.me, *given, packages=packages)
        # Ray starts processes and waits for them: meanwhile a thread makes the schema, which takes as long.
        cluster.load()
        schema = Beside(lambda: tracking.prepare(self.uri))
        held = cluster.start(resources, workers=workers, address=address, at_most=len(self.runs), threads=threads)
        try:
            self.packing = Packing(self.spec, list(self.runs.values()), held)
            held = self.packing.cluster
            with stopping(self.stop), Pool(settings, held.workers, held.size) as pool:
                # The workers import by now; they open the store with their first run.
                schema.result()
                self.since = _register(self.spec, self.uri)
                self.queue.sort(chosen)
                total = len({run.run_id for run in self.spec.runs})
                counts = Counts(total, len(self.outcome.skipped), len(self.queue.runs), held.workers)
                counts.evaluations = len(self.queue.added)
                with Display(counts) as display:
                    answers = Answers(self.queue, self.outcome, display, retries)
                    try:
                        self._loop(pool, display, answers, Room(held, pool, display), fail_fast)
                        self._halt(pool, display, answers)
                    except tracking.TrackingLost as lost:
                        self.outcome.lost = str(lost)
                    self._end(pool, display, command)
        finally:
            held.stop()

    def _loop(self, pool: Pool, display: Display, answers: Answers, room: Room, fail_fast: bool) -> None:
        queue, counts = self.queue, display.counts
        drawn = looked = time.monotonic()
        while (queue or pool.jobs or queue.elsewhere) and not self.stop.is_set():
            if self.packing.turn(queue, pool):
                room.onto(self.packing.cluster)
            while pool.free and self._give(pool):
                pass
            for job, answer in pool.wait(_POLL):
                answers.take(job, answer)
            if queue:
                room.look()
            if fail_fast and self.outcome.failed:
                break
            now = time.monotonic()
            if queue.elsewhere and now - looked > _LOOK:
                looked = now
                counts.evaluations += queue.sort(sorted(queue.elsewhere))
                counts.elsewhere = len(queue.elsewhere)
            if display.live and now - drawn > _REDRAW:
                drawn = now
                self._draw(pool, display)

    def _give(self, pool: Pool) -> bool:
        """Hand something to a free worker, if there is anything for one of its share of a node."""
        following = self.packing.following(self.queue)
        if following is not None:
            run_id, generation = following
            pool.give(self.runs[run_id], self.spec.test, generation, self.since)
        elif self.queue.added:
            run_id, supplement = self.queue.added.next()
            pool.evaluate(self.runs[run_id], supplement)
        else:
            return False
        return True

    def _draw(self, pool: Pool, display: Display) -> None:
        found, counts = pool.progress(), display.counts
        for job, progress in found.values():
            score = progress.val_mpjpe
            if score is not None and (counts.best is None or score < counts.best[1]):
                counts.best = (label(job.run), score)
        display.update({named(job): (job.seconds, progress) for job, progress in found.values()})

    def _halt(self, pool: Pool, display: Display, answers: Answers) -> None:
        """Have the runs at work keep checkpoints, and wait for that, for a while."""
        from harness.sweep.display import clock

        grace = float(self.spec.resources.grace_seconds)
        at_work = [job for job in pool.jobs if job.supplement is None]
        if not at_work or not grace:
            return
        count = f"{len(at_work)} run{'s' * (len(at_work) != 1)}"
        display.say(
            f"stopping: {count} at work may keep a checkpoint, for {clock(grace)} (once more ends them at once)"
        )
        pool.halt("the sweep was stopped")
        end = time.monotonic() + grace
        while any(job.supplement is None for job in pool.jobs) and time.monotonic() < end:
            for job, answer in pool.wait(_POLL):
                if getattr(answer, "status", "died") in ("finished", "taken"):
                    answers.take(job, answer)
                elif job.supplement is None:
                    display.say(f"stopped: {named(job)}: {answer.reason}")

    def _end(self, pool: Pool, display: Display, command: str | None) -> None:
        """Leave the store consistent: no worker lives, none of their records says RUNNING."""
        jobs = pool.jobs
        pool.kill()
        self.outcome.interrupted = self.stop.is_set()
        if jobs:
            # What still says RUNNING is closed by the next sweep, as its owner is dead: so a store that was waited for
            # already isn't again, and who has told the sweep to stop needn't wait for long, or miss how to go on.
            seconds = _POLL if self.outcome.lost else _LAST if self.outcome.interrupted else tracking.WINDOW
            try:
                with tracking.hurried(seconds):
                    self._close(jobs)
            except Exception as error:
                if not (isinstance(error, tracking.TrackingLost | UserError) or tracking.passing(error)):
                    raise
                self.outcome.lost = self.outcome.lost or str(error)
        display.say(f"{display.counts.line()} in this spec")
        if self.outcome.lost:
            display.say(f"stopped: {self.outcome.lost}", "red")
        if (self.outcome.interrupted or self.outcome.lost) and command:
            display.say(f"stopped; this goes on with it: {command}")

    def _close(self, jobs: list[Job]) -> None:
        run_ids = [job.run.run_id for job in jobs]
        _buried(self.uri, run_ids, self.me)
        tracking.reap(self.uri, run_ids, of=self.me, reason="the sweep was stopped")


def _register(spec: Any, uri: str) -> float:
    """Enter the spec's claims in the store, before the first run that may decide one starts; returns when."""
    claims = (*getattr(spec, "claims", ()), *getattr(spec, "awaited", ()))
    return tracking.register(uri, [claim.digest(spec.name) for claim in claims], getattr(spec, "digest", ""))


def _buried(uri: str, run_ids: list[str], driver: tracking.Owner, seconds: float = 5.0) -> None:
    """Wait until killed workers are gone, so that none can close its record after it was closed here."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        owners = [record.owner for record in tracking.running(uri, run_ids).values()]
        mine = [owner for owner in owners if owner is not None and owner.driver == driver]
        if not any(tracking.process_alive(owner) for owner in mine):
            return
        time.sleep(0.05)
