"""``over`` of the terms of joints: all of them, the visible ones, or the occluded ones."""

from __future__ import annotations

import itertools

import pytest
import torch

from harness import objectives
from harness.objectives.weighted import mixste_weights
from harness.skeleton import H36M17
from tests.objectives.promises import OVER, check

torch.set_num_threads(1)
STEPS = ("mpjve", "temporal_consistency")
WEIGHTS = mixste_weights(H36M17)


def cost(name, pred, target, b, t, j):
    p, q = pred[b, t, j], target[b, t, j]
    match name:
        case "mpjpe":
            return (p - q).square().sum().sqrt()
        case "depth_l1":
            return (p - q)[2].abs()
        case "mse":
            return (p - q).square().sum() / 3
        case "n_mpjpe":
            scale = (pred[b, t] * target[b, t]).sum() / pred[b, t].square().sum()
            return (scale * p - q).square().sum().sqrt()
        case "weighted_mpjpe":
            return WEIGHTS[j] * (p - q).square().sum().sqrt()
        case "trajectory_mpjpe":
            return (p - q).square().sum().sqrt() / max(q[2].item(), 0.1)
        case "mpjve":
            return ((pred[b, t + 1, j] - p) - (target[b, t + 1, j] - q)).square().sum().sqrt()
        case "temporal_consistency":
            return WEIGHTS[j] * (pred[b, t + 1, j] - p).square().sum() / 3
    raise AssertionError(name)


@pytest.mark.parametrize(
    "name",
    ["mpjpe", "depth_l1", "mse", "n_mpjpe", "weighted_mpjpe", "trajectory_mpjpe", "mpjve", "temporal_consistency"],
)
def test_equals_the_list_of_joints(name):
    span = 2 if name in STEPS else 1

    def listing(pred, target):
        for b, t, j in itertools.product(range(2), range(pred.shape[1] - span + 1), range(17)):
            yield cost(name, pred, target, b, t, j), b, tuple(range(t, t + span)), (j,)

    check(name, listing, H36M17, frames=5)


def test_by_hand_two_joints_of_which_one_is_hidden():
    pred, target = torch.zeros(1, 1, 2, 3), torch.zeros(1, 1, 2, 3)
    pred[0, 0, 0, 0], pred[0, 0, 1, 0] = 2.0, 5.0
    visible = torch.tensor([[[True, False]]])
    found = {over: objectives.build("mpjpe", over=over)(pred, target, visible).item() for over in OVER}
    assert found == {"all": 3.5, "visible": 2.0, "occluded": 5.0}
