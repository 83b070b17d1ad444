"""Specs and evaluations made by hand: numbers whose tables can be worked out on paper."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from harness.spec.run import Train

LEVELS = ("none", "severe")


@dataclass
class Made:
    """A spec and the store of its runs, in the place of the real ones."""

    spec: SimpleNamespace
    folder: Path
    uri: str | None = None
    frames: dict[str, pd.DataFrame] = field(default_factory=dict)
    points: dict[str, list] = field(default_factory=dict)
    figures: dict[str, dict] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)

    def finished(self, run_ids):
        record = dict(status="FINISHED", seconds=10.0, host="some-host", commit="abc123", dirty=False)
        return {r: SimpleNamespace(run_id=r, **record) for r in run_ids if r in self.frames}

    def evaluations(self, run_ids):
        paths = {}
        for run_id in run_ids:
            path, frame = self.folder / f"{run_id}.parquet", self.frames[run_id]
            frame.to_parquet(path)
            pairs = frame[["test_occlusion", "cameras"]].drop_duplicates().itertuples(index=False)
            paths[run_id] = {path: [f"{level}@1/{cameras}" for level, cameras in pairs]}
        return paths

    def summaries(self, run_ids):
        return {r: self.figures.get(r, {}) for r in run_ids}

    def curves(self, run_ids):
        paths = {}
        for run_id in run_ids:
            paths[run_id] = self.folder / f"{run_id}-curves.parquet"
            pd.DataFrame(self.points.get(run_id, []), columns=["name", "step", "value"]).astype(
                {"name": str, "step": int, "value": float}
            ).to_parquet(paths[run_id])
        return paths

    def failed(self, run_ids):
        return {r: self.reasons[r] for r in run_ids if r in self.reasons}


def run(objective: str, seed: int, *, steps: int = 3000, **labels: str) -> SimpleNamespace:
    labels = {"backbone": "b", "objective": objective, "train_occlusion": "none", "seed": str(seed), **labels}
    run_id = "-".join([*labels.values(), str(steps)])
    data = SimpleNamespace(dataset="synthetic", fingerprint="f00d")
    return SimpleNamespace(run_id=run_id, labels=labels, seed=seed, train=Train(steps=steps), data=data)


def evaluation(
    values: dict[str, float], *, levels=LEVELS, cameras=("seen",), weights=("best", "last"), spread=5.0
) -> pd.DataFrame:
    """Rows whose mean over subjects is ``values[metric]``, plus 10 at each harder level and 1 for unseen cameras.

    Subject A has one clip of 300 frames, B one of 100; A lies ``spread`` above the mean and B below.
    """
    rows = []
    for weight, (i, level), (j, camera), (metric, value) in itertools.product(
        weights, enumerate(levels), enumerate(cameras), values.items()
    ):
        at = value + (10 * i + j if metric.endswith("mpjpe") else 0) + (0.5 if weight == "last" else 0)
        for subject, action, n, sign in (("A", "walk", 300, 1), ("B", "run", 100, -1)):
            joints = ("all", "Head") if metric == "mpjpe" else ("all",)
            for joint in joints:
                shown = at + sign * spread if joint == "all" else 1e6
                rows.append((weight, level, camera, subject, action, f"{subject}1", 0, joint, "all", metric, shown, n))
    names = [
        "weights",
        "test_occlusion",
        "cameras",
        "subject",
        "action",
        "clip",
        "camera",
        "joint",
        "group",
        "metric",
        "value",
        "n",
    ]
    return pd.DataFrame(rows, columns=names)


@pytest.fixture
def make(tmp_path):
    """make(errors, …) → `Made`; ``errors`` maps (objective, seed) or (objective, seed, steps) to an MPJPE or None."""

    def build(
        errors: dict, *, baseline=None, tables=None, levels=LEVELS, cameras=("seen",), extra=None, frames=None, **labels
    ) -> Made:
        runs = [run(key[0], key[1], steps=key[2] if len(key) > 2 else 3000, **labels) for key in errors]
        report = SimpleNamespace(baseline={"objective": "abs"} if baseline is None else baseline, tables=tables or [])
        test = SimpleNamespace(occlusion=list(levels), cameras=list(cameras), protocol="mean-per-subject")
        spec = SimpleNamespace(name="made", path=None, runs=runs, test=test, report=report, tracking=None, stages=None)
        made = Made(spec, tmp_path)
        for one, value in zip(runs, errors.values(), strict=True):
            if value is not None:
                values = {"mpjpe": value, **(extra or {})}
                made.frames[one.run_id] = evaluation(values, levels=levels, cameras=cameras)
        return made

    return build


@pytest.fixture
def ablation(make):
    """Three arms, three seeds; spatial is 2 mm better at each seed but for noise, temporal isn't separated."""
    errors = {
        **{("abs", s): v for s, v in enumerate((100.0, 102.0, 104.0))},
        **{("spatial", s): v for s, v in enumerate((97.9, 100.0, 102.1))},
        **{("temporal", s): v for s, v in enumerate((96.0, 103.0, 101.5))},
    }
    extra = {"p_mpjpe": 70.0, "mpjve": 3.0, "order_spatial": 80.0, "depth_spread": 0.9}
    made = make(errors, cameras=("seen", "unseen"), extra=extra)
    for number, one in enumerate(made.spec.runs):
        steps = np.arange(300, 3001, 300)
        made.points[one.run_id] = [("val_mpjpe", int(s), 100 + 5000 / s + number) for s in steps]
        made.figures[one.run_id] = {"late_gain": 0.1, "falling": 0.0}
    return made
