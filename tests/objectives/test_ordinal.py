"""Ordinal depth ranking against pairs taken one by one, by hand, and in memory."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from harness import objectives
from harness.errors import UserError
from harness.skeleton import H36M17
from tests.objectives.promises import FIFTEEN, LOOSE, check

torch.set_num_threads(1)


@pytest.mark.parametrize(("skeleton", "pairs"), [(FIFTEEN, "all"), (FIFTEEN, "skeleton"), (H36M17, "skeleton")])
def test_equals_the_list_of_pairs(skeleton, pairs):
    which = itertools.combinations(range(len(skeleton)), 2) if pairs == "all" else skeleton.bones
    chosen = list(which)

    def listing(pred, target):
        for b, t in itertools.product(range(pred.shape[0]), range(pred.shape[1])):
            for i, j in chosen:
                d = (pred[b, t, j, 2] - pred[b, t, i, 2]) / 0.2
                gap = (target[b, t, j, 2] - target[b, t, i, 2]).item()
                tied = abs(gap) <= 0.1
                cost = d.square() if tied else torch.log1p(torch.exp(-math.copysign(1, gap) * d))
                yield cost, b, (t,), (i, j)

    check("ordinal_depth", listing, skeleton, frames=3, pairs=pairs, tau=0.2, tie=0.1)


def test_by_hand():
    pred, target = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    pred[0, 0, :, 2], target[0, 0, :, 2] = torch.tensor([0.0, 1.0, 3.0]), torch.tensor([0.0, 0.0, -2.0])
    term = objectives.build_term("ordinal_depth", tau=1.0, tie=0.0)
    expected = (1.0 + math.log(1 + math.exp(3)) + math.log(1 + math.exp(2))) / 3
    assert term.value(pred, target).item() == pytest.approx(expected)


def test_nothing_grows_with_the_square_of_the_joints():
    kept = []
    pred = torch.randn(2, 3, 133, 3, requires_grad=True)
    with torch.autograd.graph.saved_tensors_hooks(lambda x: kept.append(x.numel()) or x, lambda x: x):
        objectives.build_term("ordinal_depth").value(pred, torch.randn(2, 3, 133, 3))
    assert sum(kept) <= 2 * pred.numel()


def test_bones_need_a_skeleton_that_has_some():
    poses = torch.zeros(1, 1, 1, 3)
    with pytest.raises(UserError, match="pairs: skeleton needs a skeleton with bones; 'loose' has none"):
        objectives.build_term("ordinal_depth", skeleton=LOOSE, pairs="skeleton").value(poses, poses)
    with pytest.raises(ValueError, match="the skeleton of the 1 joints; no skeleton is known"):
        objectives.build_term("ordinal_depth", pairs="skeleton").value(poses, poses)
