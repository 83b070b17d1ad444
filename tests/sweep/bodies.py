"""Small specs and run bodies, so that a sweep can be tested without training."""

from __future__ import annotations

import importlib
import os
import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from harness import tracking


@dataclass(frozen=True)
class Train:
    steps: int = 4
    batch: int = 2
    threads: int = 1


@dataclass(frozen=True)
class FakeRun:
    """Has of a run what a sweep and its records use."""

    seed: int
    options: dict[str, Any] = field(default_factory=dict)
    train: Train = Train()

    @property
    def run_id(self) -> str:
        return f"{self.seed:016x}"

    @property
    def labels(self) -> dict[str, str]:
        return {"objective": "abs", "seed": str(self.seed)}

    def model_dump(self, mode: str = "json") -> dict[str, Any]:
        return {
            "seed": self.seed,
            "backbone": {"name": "fake", "options": self.options},
            "objective": {"mpjpe": {"weight": 1.0}},
            "train": {"steps": self.train.steps, "batch": self.train.batch},
            "data": {"dataset": "synthetic", "window": 9},
        }


@dataclass
class Resources:
    cpu: float = 1.0
    gpu: float = 0.0
    workers: int | None = 2
    hours: float | None = None
    memory: float | None = None
    checkpoint_minutes: float | None = 10.0
    grace_seconds: float = 20.0


@dataclass
class FakeSpec:
    """Has of a spec what a sweep uses."""

    runs: list[FakeRun]
    name: str = "fake"
    resources: Resources = field(default_factory=Resources)
    tracking: Any = field(default_factory=lambda: SimpleNamespace(uri=None))
    test: Any = None


def spec_of(count: int, **options: Any) -> FakeSpec:
    """A spec of ``count`` runs with these options."""
    return FakeSpec([FakeRun(seed, options) for seed in range(count)])


class Final(Exception):
    final = True


def trivial(run: FakeRun, test: Any, logger: Any, on_epoch: Any) -> dict[str, float]:
    """A run of four validation points. Options: ``seconds`` a point, ``fail`` (seed → how),
    ``counter`` (a folder)."""
    options = run.options
    if "counter" in options:
        Path(options["counter"], f"{run.run_id}.{os.getpid()}.{time.time_ns()}").touch()
    for step in range(1, 5):
        time.sleep(options.get("seconds", 0.0))
        curves = [("loss", step, 1.0 / step), ("val_mpjpe", step, 100.0 / step + run.seed)]
        on_epoch(SimpleNamespace(step=step, steps=4, val_mpjpe=curves[1][2], curves=curves))
        if logger.checkpoints.asked is not None:
            raise tracking.Stopped(logger.checkpoints.asked, pruned=False)
    failure = options.get("fail", {}).get(str(run.seed))
    if failure == "die":
        os._exit(1)
    if failure == "import":
        importlib.import_module("harness.not_installed_there")
    if failure is not None:
        raise {"final": Final, "again": RuntimeError}[failure]("as asked")
    for name in ("best.pt", "last.pt"):
        logger.artifact(name, f"{name} of {run.seed}".encode())
    logger.evaluation(f"evaluation.parquet of {run.seed}".encode(), [])
    return {"val_mpjpe_best": 25.0 + run.seed, "train_seconds": 0.0}
