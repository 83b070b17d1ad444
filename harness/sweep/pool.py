"""Ray actors as a pool: who is free, what came back, who died."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from harness.sweep.supplements import Supplement
from harness.sweep.worker import Outcome, Progress, Settings, Worker, describe


@dataclass
class Job:
    """A run on a worker; or, with ``supplement``, the evaluations that a finished run lacks."""

    run: Any
    actor: Any
    supplement: Supplement | None = None
    began: float = field(default_factory=time.monotonic)

    @property
    def seconds(self) -> float:
        """Time since the run was handed over."""
        return time.monotonic() - self.began


@dataclass(frozen=True)
class Died:
    """A worker's end. ``unborn``: it never got as far as being ready for work."""

    reason: str
    unborn: bool


class Pool:
    """Long-lived workers. A dead one is replaced by the next that is needed; nothing is retried here.

    Args:
        settings: for the workers.
        size: how many.
        cpu, gpu: a worker's share.
    """

    def __init__(self, settings: Settings, size: int, cpu: float, gpu: float) -> None:
        import ray

        # Restarts and retries are the driver's: Ray would repeat a run without asking the store who has it.
        options: dict[str, Any] = {"num_cpus": cpu, "num_gpus": gpu, "max_restarts": 0, "max_task_retries": 0}
        # `progress` and `halt` are answered by a thread of its own while a run is on.
        options["concurrency_groups"] = {"watch": 1}
        remote: Any = ray.remote
        self._class = remote(**options)(_actor_class())
        self._settings, self._size = settings, size
        self._idle: list[Any] = []
        self._jobs: dict[Any, Job] = {}
        self._actors: list[Any] = []
        self._ending = False
        for _ in range(size):
            self._add()

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    @property
    def free(self) -> bool:
        """Whether a worker waits for work."""
        return bool(self._idle)

    @property
    def jobs(self) -> list[Job]:
        """What is at work."""
        return list(self._jobs.values())

    def give(self, run: Any, test: Any, generation: int) -> None:
        """Hand a run to a free worker."""
        actor = self._idle.pop(0)
        self._jobs[actor.do.remote(run, test, generation)] = Job(run, actor)

    def evaluate(self, run: Any, supplement: Supplement) -> None:
        """Have a free worker add evaluations to a finished run."""
        actor = self._idle.pop(0)
        self._jobs[actor.evaluate.remote(run, supplement)] = Job(run, actor, supplement)

    def wait(self, seconds: float) -> list[tuple[Job, Outcome | Died]]:
        """What came back, waiting for at most so long."""
        import ray

        if not self._jobs:
            time.sleep(seconds)
            return []
        ready, _ = ray.wait(list(self._jobs), num_returns=1, timeout=seconds)
        return [self._returned(reference) for reference in ready]

    def progress(self, seconds: float = 1.0) -> dict[str, tuple[Job, Progress]]:
        """How far the runs at work are, by run_id; of the workers that answer in time."""
        import ray

        asked = {job.actor.progress.remote(): job for job in self.jobs}
        ready, _ = ray.wait(list(asked), num_returns=len(asked), timeout=seconds) if asked else ([], [])
        found = {}
        for reference in ready:
            job = asked[reference]
            try:
                found[job.run.run_id] = (job, ray.get(reference))
            except ray.exceptions.RayError:
                continue  # it died meanwhile: `wait` says so
        return found

    def halt(self, reason: str) -> None:
        """Tell the workers that are on a run to keep a checkpoint and stop; `wait` gives what they answer."""
        self._ending = True
        for job in self.jobs:
            if job.supplement is None:
                job.actor.halt.remote(reason)

    def kill(self) -> None:
        """End all workers at once."""
        import ray

        for actor in self._actors:
            ray.kill(actor, no_restart=True)
        self._actors, self._idle, self._jobs = [], [], {}

    def _add(self) -> None:
        actor = self._class.remote(self._settings)
        self._actors.append(actor)
        self._idle.append(actor)

    def _replace(self, actor: Any) -> None:
        import ray

        ray.kill(actor, no_restart=True)
        self._actors.remove(actor)
        if not self._ending:
            self._add()

    def _returned(self, reference: Any) -> tuple[Job, Outcome | Died]:
        import ray

        job = self._jobs.pop(reference)
        try:
            outcome = ray.get(reference)
        except ray.exceptions.RayError as error:
            # Either the process is gone, or it raised where it must not go on (see `Worker.do`): both end it.
            self._replace(job.actor)
            return job, _death(error)
        if outcome.status == "halted":
            self._replace(job.actor)
            return job, outcome
        self._idle.append(job.actor)
        return job, outcome


def _actor_class() -> type:
    import ray

    watched: Any = ray.method(concurrency_group="watch")(lambda self: Worker.progress(self))
    halting: Any = ray.method(concurrency_group="watch")(lambda self, reason: Worker.halt(self, reason))
    return type("Worker", (Worker,), {"progress": watched, "halt": halting})


def _death(error: BaseException) -> Died:
    cause = getattr(error, "cause", None)
    if cause is not None:  # raised by the worker itself, where it must not go on
        return Died(describe(cause), False)
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    if getattr(error, "actor_init_failed", False):
        return Died(f"a worker can't start: {lines[-1]}", True)
    return Died("its worker died: killed, out of memory, or crashed", False)
