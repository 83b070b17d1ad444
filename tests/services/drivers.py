"""Drivers and writers in processes of their own, that work on one store at once.

``python -m tests.services.drivers PART …``: one of the functions at the end of this file.
"""

from __future__ import annotations

import json
import sys
import time
from multiprocessing import Barrier, Process, SimpleQueue
from pathlib import Path
from typing import Any

from harness import tracking
from tests.sweep.bodies import FakeRun, FakeSpec, Resources, trivial

STEPS, RUNS = 40, 3


def curves(seed: int) -> dict[str, list[float]]:
    """What a writer says of a run, by curve."""
    return {name: [seed + k / step for step in range(1, STEPS + 1)] for k, name in enumerate(("loss", "val", "rate"))}


def content(seed: int, name: str) -> bytes:
    """A file of a run: of some size, and no other's."""
    return f"{name} of {seed};".encode() * 2000


def options(seed: int, **more: Any) -> dict[str, Any]:
    """Of a writer's run, so that its parameters are no other's."""
    return {"channels": 64 + seed, **more}


def _at_once(count: int, work: Any, *words: Any) -> list[Any]:
    """What ``count`` processes answer that run ``work(number, barrier, …)`` at the same time.

    They are forked when everything is imported and nothing is open yet.
    """
    tracking.preload()
    import harness.sweep.worker  # noqa: F401

    barrier, answers = Barrier(count), SimpleQueue()
    processes = [
        Process(target=lambda number: answers.put(work(number, barrier, *words)), args=(number,))
        for number in range(count)
    ]
    for process in processes:
        process.start()
    found = [answers.get() for _ in processes]
    for process in processes:
        process.join()
        assert process.exitcode == 0
    return found


def write(uri: str, first: str) -> list[Any]:
    """Eight writers, each with runs of its own at once with the others."""

    def work(number: int, barrier: Any) -> list[str]:
        me, kept = tracking.myself(), []
        barrier.wait()
        for seed in range(int(first) + RUNS * number, int(first) + RUNS * (number + 1)):
            run = FakeRun(seed, options(seed))
            held = tracking.claim(uri, run.run_id, 0, me)
            assert held is not None
            logger = tracking.RunLogger(uri, run, "writers", held).start()
            said = curves(seed)
            for step in range(1, STEPS + 1):
                logger.log(step, {name: values[step - 1] for name, values in said.items()})
                if step % 10 == 0:
                    logger._last_beat -= 60  # its heart beats, which writes what there is
                    logger._tick()
            logger.artifact("best.pt", content(seed, "best"))
            logger.evaluation(content(seed, "rows"), [f"none@1/{number}"])
            logger.finish({"test_mpjpe": float(seed)})
            kept.append(logger.mlflow_id)
        return kept

    return _at_once(8, work)


def contest(uri: str, folder: str, first: str, count: str, dead: str) -> list[Any]:
    """Eight drivers that all begin the same runs at the same moment; some of the runs have a dead owner."""
    from harness.sweep.worker import Settings, Worker

    runs = [FakeRun(seed, {"counter": folder}) for seed in range(int(first), int(first) + int(count))]

    def work(number: int, barrier: Any) -> dict[str, int]:
        worker = Worker(Settings(uri, "contest", tracking.myself(), body="tests.sweep.bodies:trivial"))
        won = {}
        for run in runs:
            generation = tracking.survey(uri, [run.run_id]).free.get(run.run_id)
            barrier.wait()
            assert generation == (1 if run.seed < int(first) + int(dead) else 0)
            outcome = worker.do(run, None, generation)
            assert outcome.status in ("finished", "taken"), outcome
            won[run.run_id] = outcome.status == "finished"
            barrier.wait()
        return won

    return _at_once(8, work)


def held(run: FakeRun, test: Any, logger: Any, on_epoch: Any) -> dict[str, float]:
    """A `trivial` run that doesn't end before it may, if it is among those ``held``: ``folder/go`` says so."""
    if run.seed in run.options["held"]:
        Path(run.options["counter"], f"{run.run_id}.held.{tracking.myself().host}").touch()
        while not (Path(run.options["counter"]).parent / "go").exists():
            time.sleep(0.1)
    return trivial(run, test, logger, on_epoch)


def sweep(uri: str, folder: str, seeds: str, *hold: str) -> dict[str, Any]:
    """One real driver, with a worker of its own."""
    from harness.sweep import run_sweep

    given = {"counter": folder, "seconds": 0.1, "held": [int(seed) for seed in hold]}
    spec = FakeSpec([FakeRun(int(seed), given) for seed in seeds.split(",")], resources=Resources(workers=1))
    outcome = run_sweep(spec, uri=uri, workers=1, body="tests.services.drivers:held", retries=0)  # type: ignore[arg-type]
    return {"finished": outcome.finished, "skipped": outcome.skipped, "failed": outcome.failed, "left": outcome.left}


if __name__ == "__main__":
    part, *words = sys.argv[1:]
    print(json.dumps({"write": write, "contest": contest, "sweep": sweep}[part](*words)))
