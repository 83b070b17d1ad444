"""Acceleration and jerk of the prediction against differences taken one by one, and by hand."""

from __future__ import annotations

import itertools

import pytest
import torch

from harness import objectives
from tests.objectives.promises import FIFTEEN, check

torch.set_num_threads(1)
DIFFERENCES = {"acceleration": (1, -2, 1), "jerk": (-1, 3, -3, 1)}


@pytest.mark.parametrize("name", DIFFERENCES)
@pytest.mark.parametrize("free", [0.0, 0.6])
def test_equals_the_differences(name, free):
    weights = DIFFERENCES[name]

    def listing(pred, target):
        for b, t in itertools.product(range(pred.shape[0]), range(pred.shape[1] - len(weights) + 1)):
            for j in range(pred.shape[2]):
                bend = sum(w * pred[b, t + n, j] for n, w in enumerate(weights))
                frames = tuple(range(t, t + len(weights)))
                yield torch.relu(bend.square().sum().sqrt() - free), b, frames, (j,)

    check(name, listing, FIFTEEN, frames=7, free=free)


def test_steady_motion_costs_nothing_and_steady_acceleration_no_jerk():
    time = torch.arange(5.0)[None, :, None, None]
    direction = torch.tensor([3.0, 0.0, 4.0]).expand(1, 1, 2, 3)
    acceleration, jerk = objectives.build("acceleration"), objectives.build("jerk")
    assert acceleration(direction * time, direction * time).item() == 0
    assert acceleration(direction * time**2, direction * time).item() == pytest.approx(2 * 5)
    assert jerk(direction * time**2, direction * time).item() == 0
    assert jerk(direction * time**3, direction * time).item() == pytest.approx(6 * 5)


@pytest.mark.parametrize(("name", "frames"), [("acceleration", 2), ("acceleration", 1), ("jerk", 3), ("jerk", 1)])
def test_too_few_frames_are_nothing(name, frames):
    pose = torch.randn(2, frames, 4, 3, requires_grad=True)
    value = objectives.build(name, over="visible")(pose, pose.detach(), torch.ones(2, frames, 4), torch.ones(2, frames))
    (gradient,) = torch.autograd.grad(value, pose)
    assert value.item() == 0 and not gradient.any()
