"""What a worker's answer means for the sweep: done, done by another, to be tried again, failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness import tracking
from harness.sweep.outcome import SweepOutcome, label, named

if TYPE_CHECKING:
    from harness.sweep.display import Display
    from harness.sweep.pool import Died, Job
    from harness.sweep.queue import Queue
    from harness.sweep.worker import Outcome

_NODES = 5
"""Nodes that a run may outlive in a sweep before that counts against it, as it may be what kills them."""


class Answers:
    """Takes answers, one by one.

    Args:
        queue: what is to be tried again goes back there.
        outcome: grows by what is done and what failed.
        display: told of it.
        retries: how often what failed is tried again, unless its failure is final.
    """

    def __init__(self, queue: Queue, outcome: SweepOutcome, display: Display, retries: int) -> None:
        self.queue, self.outcome, self.display, self.retries = queue, outcome, display, retries
        self.attempts: dict[str, int] = {}
        self.nodes: dict[str, int] = {}

    def take(self, job: Job, answer: Outcome | Died) -> None:
        """Take one answer.

        Raises:
            TrackingLost: its worker found the store gone, or full, for as long as one is waited for.
        """
        from harness.sweep.pool import Died

        run_id, counts, added = job.run.run_id, self.display.counts, job.supplement
        if isinstance(answer, Died):
            final, reason = False, answer.reason
            if answer.lost:  # every other run would wait as long, and then fail
                raise tracking.TrackingLost(reason)
            if added is None:
                self.queue.close(run_id, reason)
        elif answer.status == "finished" and added is not None:
            self._evaluated(job, answer.seconds)
            return
        elif answer.status == "finished":
            self._finished(job, answer.summary, answer.seconds)
            return
        elif answer.status == "taken":
            counts.evaluations += self.queue.sort([run_id])
            counts.elsewhere = len(self.queue.elsewhere)
            return
        elif answer.status == "halted":  # nothing of the run's: its node is wanted back, say
            self.display.say(f"again: {named(job)}: {answer.reason}", "yellow")
            self.queue.sort([run_id])
            return
        else:
            final, reason = answer.final, answer.reason
        if isinstance(answer, Died) and answer.with_node and self.nodes.get(run_id, 0) < _NODES:
            self.nodes[run_id] = self.nodes.get(run_id, 0) + 1
        else:
            self.attempts[run_id] = self.attempts.get(run_id, 0) + 1
        again = not final and self.attempts.get(run_id, 0) <= self.retries
        if added is None:
            self.queue.sort([run_id], again=again)
        elif again:
            self.queue.added.again(run_id, added)
        if (
            added is None and run_id in self.outcome.skipped
        ):  # its worker died after the seal: the run is finished, and by us
            self.outcome.skipped.remove(run_id)
            self._finished(job, {}, job.seconds)
        elif again:
            self.display.say(f"again: {named(job)}: {reason}", "yellow")
        else:
            self.outcome.failed[run_id] = reason
            counts.failed += added is None
            counts.unevaluated += added is not None
            self.display.say(f"failed: {named(job)}: {reason}", "red")

    def _finished(self, job: Job, summary: dict[str, float], seconds: float) -> None:
        counts = self.display.counts
        self.outcome.finished.append(job.run.run_id)
        self.outcome.train_seconds += summary.get("train_seconds", 0.0)
        counts.finished += 1
        counts.falling += summary.get("falling", 0.0) >= 0.5
        counts.seconds.append(seconds)
        score = summary.get("val_mpjpe_best")
        if score is not None and (counts.best is None or score < counts.best[1]):
            counts.best = (label(job.run), score)
        self.display.finished(label(job.run), seconds, score)

    def _evaluated(self, job: Job, seconds: float) -> None:
        self.outcome.evaluated.append(job.run.run_id)
        self.display.counts.evaluated += 1
        self.display.counts.evaluation_seconds.append(seconds)
        self.display.finished(named(job), seconds, None)
