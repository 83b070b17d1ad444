"""Bone lengths and their symmetry against a list of bones, by hand, and on skeletons that have too few."""

from __future__ import annotations

import itertools

import pytest
import torch

from harness import objectives
from harness.errors import UserError
from harness.skeleton import H36M17
from tests.objectives.promises import CHAIN, FIFTEEN, LOOSE, check, nothing, scene

torch.set_num_threads(1)


def length(pose, bone):
    return (pose[bone[1]] - pose[bone[0]]).square().sum().sqrt()


@pytest.mark.parametrize("skeleton", [H36M17, FIFTEEN], ids=lambda s: s.name)
def test_bone_length_equals_the_list_of_bones(skeleton):
    def listing(pred, target):
        for b, t in itertools.product(range(pred.shape[0]), range(pred.shape[1])):
            for bone in skeleton.bones:
                yield (length(pred[b, t], bone) - length(target[b, t], bone)).abs(), b, (t,), bone

    check("bone_length", listing, skeleton)


LEGS = [((0, 1), (0, 4)), ((1, 2), (4, 5)), ((2, 3), (5, 6))]
SIDES = {
    "h36m17": [*LEGS, ((8, 14), (8, 11)), ((14, 15), (11, 12)), ((15, 16), (12, 13))],
    "fifteen": [*LEGS, ((7, 9), (7, 12)), ((9, 10), (12, 13)), ((10, 11), (13, 14))],
}


@pytest.mark.parametrize("skeleton", [H36M17, FIFTEEN], ids=lambda s: s.name)
def test_bone_symmetry_equals_the_list_of_sides(skeleton):
    def listing(pred, target):
        for b, t in itertools.product(range(pred.shape[0]), range(pred.shape[1])):
            for right, left in SIDES[skeleton.name]:
                cost = (length(pred[b, t], right) - length(pred[b, t], left)).abs()
                yield cost, b, (t,), (*right, *left)

    check("bone_symmetry", listing, skeleton)


@pytest.mark.parametrize("over", ["all", "visible", "occluded"])
def test_bone_variance_equals_the_variance_of_the_lengths_that_count(over):
    pred, target, visible, valid = scene(15, frames=6)
    visible[0, :4, 3] = False
    leaf = pred.double().requires_grad_()
    found = []
    for b, (parent, child) in itertools.product(range(2), FIFTEEN.bones):
        shown = [bool(visible[b, t, parent] and visible[b, t, child]) for t in range(6)]
        frames = [t for t in range(6) if valid[b, t] and (over == "all" or shown[t] == (over == "visible"))]
        if len(frames) > 1:
            found.append(torch.stack([length(leaf[b, t], (parent, child)) for t in frames]).var())
    expected = torch.stack(found).mean()
    (slope,) = torch.autograd.grad(expected, leaf)
    term = objectives.build_term("bone_variance", skeleton=FIFTEEN, over=over)
    junk = pred.clone()
    junk[~valid] = float("nan")
    junk.requires_grad_()
    value = term.value(junk, target, visible, valid)
    (gradient,) = torch.autograd.grad(value, junk)
    assert value.item() == pytest.approx(expected.item(), rel=1e-5) and value.item() > 0
    torch.testing.assert_close(gradient, slope.float(), rtol=1e-4, atol=1e-6)
    inputs = pred.double().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: term.value(x, target.double(), visible, valid), inputs, fast_mode=True)
    nothing(lambda x: term.value(x, target, visible, torch.zeros_like(valid)), pred)


def test_by_hand():
    pose, truth = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    pose[0, 0, 1] = torch.tensor([3.0, 0.0, 4.0])  # bones of 5 and 5 m, where there are truly 5 and 1
    truth[0, 0, 1], truth[0, 0, 2] = torch.tensor([0.0, 5.0, 0.0]), torch.tensor([0.0, 6.0, 0.0])
    term = objectives.build_term("bone_length", skeleton=CHAIN)
    assert term.value(pose, truth).item() == pytest.approx((0 + 4) / 2)


def test_a_collapsed_pose_has_a_finite_gradient():
    pose = torch.zeros(1, 2, 17, 3, requires_grad=True)
    for name in ("bone_length", "bone_symmetry"):
        (gradient,) = torch.autograd.grad(objectives.build(name)(pose, torch.randn(1, 2, 17, 3)), pose)
        assert torch.isfinite(gradient).all()


def test_skeletons_without_what_it_takes_are_refused_by_name():
    with pytest.raises(UserError, match="needs a skeleton with bones; 'loose' has none"):
        objectives.build_term("bone_length", skeleton=LOOSE)
    with pytest.raises(UserError, match="on the left and on the right; 'chain' has none"):
        objectives.build_term("bone_symmetry", skeleton=CHAIN)
    with pytest.raises(ValueError, match="the skeleton of the 5 joints; the skeleton has 17"):
        objectives.build_term("bone_length", skeleton=H36M17).value(torch.zeros(1, 1, 5, 3), torch.zeros(1, 1, 5, 3))
