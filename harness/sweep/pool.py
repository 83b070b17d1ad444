"""Ray actors as a pool: who is free, what came back, who died."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

from harness import tracking
from harness.spec.sizes import Size
from harness.sweep.births import Births
from harness.sweep.freight import Depot
from harness.sweep.nodes import Nodes
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
    """A worker's end while it had something to do.

    Attributes:
        reason: what is known of it, one line.
        with_node: its node ended too.
        lost: it found the store gone, or full, for as long as one is waited for.
    """

    reason: str
    with_node: bool = False
    lost: bool = False


class Pool:
    """Long-lived workers. A dead one is replaced by the next that is needed; nothing is retried here.

    Args:
        settings: for the workers.
        size: how many.
        share: of a node that each has.

    Attributes:
        births: those on their way.
        depot: of files for machines that lack them.
    """

    def __init__(self, settings: Settings, size: int, share: Size) -> None:
        self._settings = settings
        self.depot = Depot()
        self.births = _births(settings, share, self.depot)
        self._idle: list[Any] = []
        self._jobs: dict[Any, Job] = {}
        self._nodes = Nodes()
        self._ending = False
        self.grow(size)

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

    @property
    def size(self) -> int:
        """How many workers there are, those on their way included."""
        return self.ready + len(self.births)

    @property
    def ready(self) -> int:
        """How many work or could."""
        return len(self._idle) + len(self._jobs)

    def grow(self, count: int) -> None:
        """Have so many more."""
        for _ in range(count):
            self.births.add()

    def reshape(self, size: int, share: Size) -> None:
        """Have others in place of all workers, which must be idle."""
        self.kill()
        self.births = _births(self._settings, share, self.depot)
        self.grow(size)

    def give(self, run: Any, test: Any, generation: int, since: float = 0.0) -> None:
        """Hand a run to a free worker; see `Worker.do`."""
        actor = self._idle.pop(0)
        self._jobs[actor.do.remote(run, test, generation, since)] = Job(run, actor)

    def evaluate(self, run: Any, supplement: Supplement) -> None:
        """Have a free worker add evaluations to a finished run."""
        actor = self._idle.pop(0)
        self._jobs[actor.evaluate.remote(run, supplement)] = Job(run, actor, supplement)

    def wait(self, seconds: float) -> list[tuple[Job, Outcome | Died]]:
        """What came back, waiting for at most so long, or until a worker is ready."""
        import ray

        if not self._ending:
            self.births.catch_up()
        references = [*self._jobs, *self.births.references]
        if not references:
            time.sleep(seconds)
            return []
        answers: list[tuple[Job, Outcome | Died]] = []
        for reference in ray.wait(references, num_returns=1, timeout=seconds)[0]:
            if reference in self._jobs:
                answers.append(self._returned(reference))
            elif (actor := self.births.take(reference)) is not None:
                self._nodes.note(actor)
                self._idle.append(actor)
        return answers

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

        for actor in [*self._idle, *(job.actor for job in self.jobs), *self.births.actors]:
            ray.kill(actor, no_restart=True)
        self._idle, self._jobs = [], {}
        self.births.clear()

    def _replace(self, actor: Any) -> None:
        import ray

        ray.kill(actor, no_restart=True)
        if not self._ending:
            self.births.add()

    def _returned(self, reference: Any) -> tuple[Job, Outcome | Died]:
        import ray

        job = self._jobs.pop(reference)
        try:
            outcome = ray.get(reference)
        except ray.exceptions.RayError as error:
            # Either the process is gone, or it raised where it must not go on (see `Worker.do`): both end it.
            with_node = self._nodes.forget(job.actor)
            self._replace(job.actor)
            return job, _death(error, with_node)
        if outcome.status == "halted" or outcome.worn:
            self._nodes.forget(job.actor)
            self._replace(job.actor)
            return job, outcome
        self._idle.append(job.actor)
        return job, outcome


def _births(settings: Settings, share: Size, depot: Depot) -> Births:
    import ray

    # Restarts and retries are the driver's: Ray would repeat a run without asking the store who has it.
    options: dict[str, Any] = {"num_cpus": share.cpu, "num_gpus": share.gpu, "max_restarts": 0, "max_task_retries": 0}
    if share.memory:
        options["memory"] = share.memory
    # `progress` and `halt` are answered by a thread of its own while a run is on.
    options["concurrency_groups"] = {"watch": 1}
    remote: Any = ray.remote
    actor_class = remote(**options)(_actor_class())
    return Births(lambda: actor_class.remote(settings), depot.pack)


def _actor_class() -> type:
    import ray

    watched: Any = ray.method(concurrency_group="watch")(lambda self: Worker.progress(self))
    halting: Any = ray.method(concurrency_group="watch")(lambda self, reason: Worker.halt(self, reason))
    return type("Worker", (Worker,), {"progress": watched, "halt": halting, "node": _node})


def _node(_: Worker) -> str:
    import ray

    return ray.get_runtime_context().get_node_id()


def _death(error: BaseException, with_node: bool) -> Died:
    cause = getattr(error, "cause", None)
    if cause is not None:  # raised by the worker itself, where it must not go on
        lost = isinstance(cause, tracking.TrackingLost)
        return Died(str(cause) if lost else describe(cause), lost=lost)
    if with_node:
        return Died("its node died, or left the cluster", with_node=True)
    return Died("its worker died: killed, out of memory, or crashed")
