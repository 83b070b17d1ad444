"""What a run costs beyond its training: wall × workers ÷ runs − training, beside Ray Tune's own grid.

    python benchmarks/sweeps.py [--runs 200] [--workers 2] [--tune-runs 200] [--scale 10000]

The runs train nothing. Each leaves a whole record in a fresh sqlite store: tags, parameters, two curves of ten
points, final figures, and as artifacts its config, two files of weights (1 MB each), its curves and 500 rows of
evaluation. Tune's trials do the same work with the same code, claims included, so that the difference is the
executor. "all" counts from the call to its return, Ray's start and stop included; "steady" counts from the first
record to the last. Then what `scale.py` prints of a spec of 10,000 finished runs.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that `sweeps:trivial` finds the harness on the workers

import scale  # noqa: E402

from harness import tracking  # noqa: E402
from harness.spec.run import Choice, Run, Train  # noqa: E402
from harness.sweep import run_sweep  # noqa: E402

AIM = 80.0
NONE = dict.fromkeys(("workers", "hours", "memory"))
RESOURCES = {"cpu": 1.0, "gpu": 0.0, **NONE, "checkpoint_minutes": 10.0, "grace_seconds": 60.0}
BODY = "sweeps:trivial"


@dataclass
class Spec:
    """As much of a spec as a sweep needs."""

    runs: list[Run]
    name: str = "overhead"
    test: Any = None
    resources: Any = field(default_factory=lambda: SimpleNamespace(**RESOURCES))
    tracking: Any = field(default_factory=lambda: SimpleNamespace(uri=None))


def runs_of(count: int) -> list[Run]:
    """Runs that differ by seed."""
    return [
        Run(
            backbone=Choice(name="simple_baseline"),
            objective={"mpjpe": {"weight": 1.0}},
            train=Train(steps=10),
            seed=seed,
            labels={"objective": "abs", "seed": str(seed)},
        )
        for seed in range(count)
    ]


def trivial(run: Run, test: Any, logger: tracking.RunLogger, on_epoch: Any) -> dict[str, float]:
    """A run that trains nothing and leaves everything."""
    import pyarrow as pa

    for step in range(1, 11):
        curves = [("loss", step, 1.0 / step), ("val_mpjpe", step, 100.0 / step)]
        on_epoch(SimpleNamespace(step=step, steps=10, val_mpjpe=100.0 / step, curves=curves))
    rows = 500
    table = pa.table({"clip": ["walk"] * rows, "joint": list(range(rows)), "value": [float(n) for n in range(rows)]})
    logger.artifact("best.pt", bytes(1_000_000))
    logger.artifact("last.pt", bytes(1_000_000))
    logger.evaluation(tracking.parquet_bytes(table), ["none@1/seen"])
    return {"val_mpjpe_best": 10.0, "val_mpjpe_last": 10.0, "train_seconds": 0.0}


def sweep(uri: str, runs: list[Run], workers: int) -> float:
    """Seconds of the harness's own sweep."""
    begin = time.perf_counter()
    outcome = run_sweep(Spec(runs), uri=uri, workers=workers, body=BODY)
    assert len(outcome.finished) == len(runs), outcome.failed
    return time.perf_counter() - begin


def tune(uri: str, runs: list[Run], workers: int, folder: str) -> float:
    """Seconds of the same trials as a grid of Ray Tune, with its defaults."""
    begin = time.perf_counter()
    tracking.prepare(uri)
    import ray
    from ray import tune

    quiet: Any = {"log_to_driver": False, "logging_level": "ERROR"}
    ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=200_000_000, **quiet)
    by_id = {run.run_id: run for run in runs}

    def trial(config: dict[str, str]) -> dict[str, float]:
        run = by_id[config["run_id"]]
        held = tracking.claim(uri, run.run_id, 0, tracking.myself())
        assert held is not None
        logger = tracking.RunLogger(uri, run, "tune", held).start()
        summary = trivial(run, None, logger, lambda info: logger.log_points(info.curves))
        logger.finish(summary)
        return summary

    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={"run_id": tune.grid_search(list(by_id))},
        tune_config=tune.TuneConfig(max_concurrent_trials=workers),
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    )
    results = tuner.fit()
    assert not results.errors, results.errors[0]
    ray.shutdown()
    return time.perf_counter() - begin


def report(name: str, uri: str, runs: int, workers: int, wall: float) -> float:
    """Print one line; returns the overhead of all, in ms a run."""
    records = tracking.finished(uri).values()
    begin = min(record.started for record in records)
    end = max(record.started + (record.seconds or 0.0) for record in records)
    over, steady = (1000 * seconds * workers / runs for seconds in (wall, end - begin))
    print(f"{name:24} {runs:5} {wall:8.1f} {over:10.0f} {steady:10.0f}")
    return over


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--tune-runs", type=int, default=200, help="0 leaves Tune out")
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--scale", type=int, default=10_000, help="finished runs of the second part; 0 leaves it out")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        ours, theirs = (f"sqlite:///{folder}/{name}/mlflow.db" for name in ("ours", "tune"))
        wall = sweep(ours, runs_of(given.runs), given.workers)
        other = tune(theirs, runs_of(given.tune_runs), given.workers, folder) if given.tune_runs else None
        print(f"\n{'executor':24} {'runs':>5} {'wall s':>8} {'all ms':>10} {'steady ms':>10}   (a run, × workers)")
        over = report("repose run", ours, given.runs, given.workers, wall)
        if other is not None:
            report("Ray Tune grid", theirs, given.tune_runs, given.workers, other)
        print(f"aim: at most {AIM:.0f} ms; {'met' if over <= AIM else 'missed'}")
        begin = time.perf_counter()
        again = run_sweep(Spec(runs_of(given.runs)), uri=ours, body=BODY)
        print(f"the same sweep again: {len(again.skipped)} skipped in {1000 * (time.perf_counter() - begin):.0f} ms")
        if given.scale:
            print()
            scale.show(Path(folder) / "scale", given.scale)


if __name__ == "__main__":
    main()
