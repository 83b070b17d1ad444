"""How soon tuning finds what a grid finds, and what a trial costs beyond its runs.

    python benchmarks/tune.py [--studies 20] [--limit 200] [--trials 60] [--workers 2] [--only sampler|overhead]

Sampler: the error of a trial is read off a surface fitted to a real study: a Gaussian process through the validation
errors of the trials of one arm in tune_study.json beside this script. Stopped trials enter with the error that a line
through those which went on foretells (in logarithms, from where one was stopped to where others were next, and so
on), and with that line's scatter as noise. A grid over the same space is looked up on that surface; then TPE and
random search, as `repose tune` has them, go on until they are as good as the grid's best, over many seeds.

Overhead: wall time × workers ÷ trials of studies whose runs train nothing, ten reports each. Ray Tune plain is a
function trainable and Tune's own random search, and keeps nothing; with records, its trials enter the same records in
MLflow with the same code. `repose tune` does that, asks Optuna, and keeps the history in a journal file.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import optuna
import yaml

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))  # so that `tune:nothing` finds the harness on the workers

from harness import tracking  # noqa: E402
from harness.spec import load, study_file  # noqa: E402
from harness.spec.space import Space, combinations, ordered  # noqa: E402
from harness.spec.study import Sampler  # noqa: E402
from harness.spec.trial import point  # noqa: E402
from harness.tune import run_study  # noqa: E402
from harness.tune.sampling import Keyed, suggest  # noqa: E402
from harness.tune.storage import quiet  # noqa: E402

STUDY = ROOT / "benchmarks" / "tune_study.json"
BODY = "tune:nothing"
EPOCHS = 10
REPEAT = 0.01
"""Spread of a trial's final error over seeds, as a share: what another seed would change."""


class Surface:
    """A Gaussian process over a space: ranges scaled to [0, 1] as they are searched, choices to the corners.

    Lengthscale and height are those with the highest likelihood.

    Args:
        values: errors at the points.
        scatter: standard deviation of each, as a share of the error.
    """

    def __init__(
        self, space: Space, points: list[dict[str, Any]], values: Sequence[float], scatter: Sequence[float]
    ) -> None:
        self._space = space
        self._at = np.array([self._scaled(point) for point in points])
        y, noise = np.log(np.array(values)), np.array(scatter) ** 2
        self._mean = float(np.average(y, weights=1 / noise))
        options = [(length, height) for length in (0.3, 0.5, 0.8, 1.2, 2.0) for height in (0.03, 0.1, 0.2, 0.4)]
        covariances = {it: it[1] ** 2 * self._kernel(self._at, it[0]) + np.diag(noise) for it in options}
        self.length, self.height = max(options, key=lambda it: _likelihood(y - self._mean, covariances[it]))
        self._weights = np.linalg.solve(covariances[self.length, self.height], y - self._mean)

    def __call__(self, point: dict[str, Any]) -> float:
        """The error at a point."""
        near = self.height**2 * self._kernel(np.array([self._scaled(point)]), self.length)[0]
        return math.exp(self._mean + float(near @ self._weights))

    def _scaled(self, point: dict[str, Any]) -> list[float]:
        found: list[float] = []
        for name, it in self._space.items():
            if it.categorical is not None:
                found += [0.5 * (choice == point.get(name)) for choice in it.categorical]
            else:
                scale = math.log if it.logarithmic else float
                found.append((scale(point[name]) - scale(it.low)) / (scale(it.high) - scale(it.low)))
        return found

    def _kernel(self, points: np.ndarray, length: float) -> np.ndarray:
        return np.exp(-0.5 * ((points[:, None] - self._at[None]) ** 2).sum(-1) / length**2)


def _likelihood(y: np.ndarray, covariance: np.ndarray) -> float:
    return float(-0.5 * y @ np.linalg.solve(covariance, y) - 0.5 * np.linalg.slogdet(covariance)[1])


def foretold(courses: list[dict[int, float]]) -> list[tuple[float, float]]:
    """For each course the error at the last step of all, and its standard deviation as a share of it."""
    ends = sorted({max(course) for course in courses})
    lines = {}
    for step, later in itertools.pairwise(ends):
        x, y = np.log([(course[step], course[later]) for course in courses if {step, later} <= set(course)]).T
        slope, offset = np.polyfit(x, y, 1) if len(x) > 3 else (1.0, float((y - x).mean()))
        lines[step] = (slope, offset, float(np.std(y - slope * x - offset, ddof=min(2, len(x) - 1))), later)
    found = []
    for course in courses:
        step, variance = max(course), REPEAT**2
        value = math.log(course[step])
        while step in lines:
            slope, offset, scatter, step = lines[step]
            value, variance = slope * value + offset, slope**2 * variance + scatter**2
        found.append((math.exp(value), math.sqrt(variance)))
    return found


def surface(path: Path) -> tuple[Space, Surface, str]:
    """The surface of the arm with the most tuned fields, and its label."""
    content = json.loads(path.read_text())
    arm = max(content["arms"], key=lambda arm: len(arm["space"]))
    known = ordered(study_file.read(path, {}, study_file.StudyFile).study.space)
    space = {name: known[name] for name in known if name in arm["space"]}
    trials = [(of, trial) for of in content["arms"] for trial in of["trials"] if trial["intermediate"]]
    ends = foretold([dict(map(tuple, trial["intermediate"])) for _, trial in trials])
    mine = [(trial["params"], *end) for (of, trial), end in zip(trials, ends, strict=True) if of is arm]
    return space, Surface(space, *map(list, zip(*mine, strict=True))), arm["label"]


def needed(space: Space, at: Surface, sampler: Sampler, aim: float, limit: int) -> int:
    """Trials until one is at least as good as ``aim``; ``limit`` + 1 if none is."""
    study = optuna.create_study(sampler=Keyed(sampler, "surface"))
    for number in range(1, limit + 1):
        trial = study.ask()
        value = at(suggest(trial, space))
        study.tell(trial, value)
        if value <= aim:
            return number
    return limit + 1


def samplers(path: Path, studies: int, limit: int) -> None:
    """Print how many trials each sampler needs."""
    quiet()
    space, at, label = surface(path)
    print(f"surface of '{label}', lengthscale {at.length:g}, height {at.height:g}")
    print(f"\n{'trials until as good as':40} {'sampler':>8} {'median':>7} {'quartiles':>14} {f'not in {limit}':>11}")
    for count in (3, 5):
        grid = combinations({name: it.model_copy(update={"points": count}) for name, it in space.items()})
        errors = sorted(at(point) for point in grid)
        for of, aim in (("the best", errors[0]), ("the best 1 %", errors[len(errors) // 100])):
            for name in ("tpe", "random"):
                found = [needed(space, at, Sampler(name=name, seed=seed), aim, limit) for seed in range(studies)]
                low, middle, high = (
                    f"{quarter:.0f}" if quarter <= limit else f"> {limit}"
                    for quarter in np.percentile(found, [25, 50, 75], method="nearest")
                )
                told = f"{of} of a grid of {len(errors)}, {aim:.2f} mm"
                print(f"{told:40} {name:>8} {middle:>7} {low + ' to ' + high:>14} {sum(n > limit for n in found):>11}")


def nothing(run: Any, test: Any, logger: tracking.RunLogger, on_epoch: Any) -> dict[str, float]:
    """A run that trains nothing and keeps a record of it."""
    for epoch in range(1, EPOCHS + 1):
        value = 50.0 + abs(math.log10(run.train.lr)) / epoch
        on_epoch(
            SimpleNamespace(
                step=epoch,
                steps=EPOCHS,
                epoch=epoch,
                val_mpjpe=value,
                curves=[("val_mpjpe", epoch, value)],
                best_weights=dict,
            )
        )
    for name in ("best.pt", "last.pt"):
        logger.artifact(name, b"")
    logger.evaluation(b"", [])
    return {"val_mpjpe_best": value, "train_seconds": 0.0}


def spec_of(folder: str, trials: int) -> Any:
    """A study that stops nothing early."""
    file = Path(folder) / "overhead.yaml"
    content = {
        "name": "overhead",
        "data": {"dataset": "synthetic", "options": {"subjects": 4, "clips": 2, "seconds": 1}, "window": 9},
        "train": {"steps": EPOCHS, "epochs": EPOCHS, "validate_on": ["none"]},
        "objectives": {"abs": {"mpjpe": 1}},
        "grid": {"backbone": "simple_baseline", "objective": "abs", "seed": [1]},
        "study": {"space": {"train.lr": {"log": [1e-4, 1e-1]}}, "budget": {"trials": trials}, "pruner": "none"},
    }
    file.write_text(yaml.safe_dump(content))
    return load(file)


def ours(folder: str, trials: int, workers: int) -> float:
    """Seconds of `repose tune`, Ray's start and stop included."""
    spec = spec_of(folder, trials)
    begin = time.perf_counter()
    outcome = run_study(spec, uri=f"sqlite:///{folder}/ours/mlflow.db", workers=workers, body=BODY)
    (arm,) = outcome.content["arms"]
    assert arm["states"] == {"COMPLETE": trials}, arm["states"]
    return time.perf_counter() - begin


def plain(folder: str, trials: int, workers: int, records: bool) -> float:
    """Seconds of as many trials by Ray Tune alone."""
    begin = time.perf_counter()
    import ray
    from ray import tune

    spec, uri = spec_of(folder, trials), f"sqlite:///{folder}/plain/mlflow.db"
    if records:
        tracking.prepare(uri)
    quiet: Any = {"log_to_driver": False, "logging_level": "ERROR"}
    ray.init("local", num_cpus=workers, include_dashboard=False, object_store_memory=200_000_000, **quiet)
    (arm,) = spec.tuning.arms

    def trial(config: dict[str, float]) -> None:
        if not records:
            for epoch in range(1, EPOCHS + 1):
                tune.report({"val_mpjpe": 50.0 + abs(math.log10(config["lr"])) / epoch})
            return
        run = point(spec, {"train.lr": config["lr"]}, arm, 0)
        held = tracking.claim(uri, run.run_id, 0, tracking.myself())
        assert held is not None
        logger = tracking.RunLogger(uri, run, "plain", held).start()

        def told(info: Any) -> None:
            logger.log_points(info.curves)
            tune.report({"val_mpjpe": info.val_mpjpe})

        logger.finish(nothing(run, None, logger, told))

    tuner = tune.Tuner(
        tune.with_resources(trial, {"cpu": 1}),
        param_space={"lr": tune.loguniform(1e-4, 1e-1)},
        tune_config=tune.TuneConfig(num_samples=trials, max_concurrent_trials=workers),
        run_config=tune.RunConfig(storage_path=f"{folder}/{'records' if records else 'plain'}", verbose=0),
    )
    results = tuner.fit()
    assert not results.errors, results.errors[0]
    ray.shutdown()
    return time.perf_counter() - begin


def overhead(trials: int, workers: int) -> None:
    """Print what a trial costs."""
    lines = []
    with tempfile.TemporaryDirectory() as folder:
        lines.append(("Ray Tune plain", plain(folder, trials, workers, records=False)))
        lines.append(("Ray Tune with records", plain(folder, trials, workers, records=True)))
        lines.append(("repose tune", ours(folder, trials, workers)))
    print(f"\n{'executor':24} {'trials':>6} {'wall s':>8} {'ms a trial, × workers':>22}")
    for name, wall in lines:
        print(f"{name:24} {trials:6} {wall:8.1f} {1000 * wall * workers / trials:22.0f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--study", type=Path, default=STUDY, help="study.json that the surface is fitted to")
    parser.add_argument("--studies", type=int, default=20)
    parser.add_argument("--limit", type=int, default=200)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--only", choices=["sampler", "overhead"])
    given = parser.parse_args()
    if given.only != "overhead":
        samplers(given.study, given.studies, given.limit)
    if given.only != "sampler":
        overhead(given.trials, given.workers)


if __name__ == "__main__":
    main()
