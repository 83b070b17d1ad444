"""Evidence made by hand: what figures need, without files."""

from __future__ import annotations

import itertools

import pandas as pd
import pytest

from harness.report import area
from harness.report.evidence import Arm, Evidence, labelled

SPATIAL, TEMPORAL = "objectives.spatial.spatial_rdc.weight", "objectives.temporal.temporal_rdc.weight"
LEVELS = ("none", "severe")


def build(arms: list[dict[str, str]], value, *, baseline=None, seeds=3, extra=(), levels=LEVELS) -> Evidence:
    """A run for each arm and seed; ``value(labels, seed, level)`` is its MPJPE; ``extra``: metric, group, value."""
    made, rows = [], []
    for number, labels in enumerate(arms):
        runs = {seed: f"run{number}-{seed}" for seed in range(seeds)}
        made.append(Arm(labels, 3000, runs, tuple(runs)))
        for (seed, run_id), level in itertools.product(runs.items(), levels):
            for metric, group, at in [("mpjpe", "all", value(labels, seed, level)), *extra]:
                rows.append((run_id, "best", level, "seen", metric, group, at, at, at, 100, 2))
    names = ["run_id", "weights", "test_occlusion", "cameras", "metric", "group", *area.MEANS, *area.LEAST]
    scale = area.scale(levels)
    return Evidence(
        frame=labelled(pd.DataFrame(rows, columns=names), made, scale),
        arms=tuple(made),
        axes=tuple(arms[0]),
        levels=levels,
        cameras=("seen",),
        protocol="mean-per-subject",
        baseline={"objective": "abs"} if baseline is None else baseline,
        scale=scale,
    )


@pytest.fixture
def weights() -> Evidence:
    """Three weights of each term crossed, beside the absolute loss alone; the best are 0.1 and 0.01."""
    steps = ("0", "0.01", "0.1")
    arms = [{"objective": "abs", SPATIAL: "-", TEMPORAL: "-"}]
    arms += [{"objective": "both", SPATIAL: s, TEMPORAL: t} for s, t in itertools.product(steps, steps)]

    def value(labels, seed, level):
        gain = steps.index(labels[SPATIAL]) + (labels[TEMPORAL] == "0.01") if labels["objective"] == "both" else 0
        return 100 + 5 * seed + (20 if level == "severe" else 0) - gain + 0.1 * (seed % 2) * gain

    return build(arms, value)


@pytest.fixture
def processes() -> Evidence:
    """Two objectives tested under two processes of occlusion."""
    levels = ("none", "limbs@0.5", "limbs@1", "frames:length=9@0.25", "frames:length=9@0.5")
    arms = [{"objective": o} for o in ("abs", "spatial")]
    return build(arms, lambda labels, seed, level: 80.0 + 5 * levels.index(level) + seed, levels=levels)


@pytest.fixture
def networks() -> Evidence:
    """Two objectives on two networks; costs aren't counted yet."""
    arms = [{"objective": o, "backbone": b} for b in ("large", "little") for o in ("abs", "spatial")]
    groups = ("all", "2-5 cm", ">20 cm", "occluded", "occluded 2-5 cm", "occluded >20 cm")
    extra = [("order_spatial", group, 60.0 + i) for i, group in enumerate(groups)]
    return build(arms, lambda labels, seed, level: 80.0 + 10 * (labels["backbone"] == "little") + seed, extra=extra)
