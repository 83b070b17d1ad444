"""Angles between bones, and their steps, against the inverse cosine, by hand, and where an angle is hard to tell."""

from __future__ import annotations

import itertools
import math

import pytest
import torch

from harness import objectives
from harness.errors import UserError
from harness.objectives.angles import joined
from harness.skeleton import H36M17
from tests.objectives.promises import CHAIN, FIFTEEN, LOOSE, check

torch.set_num_threads(1)


def corners(skeleton):
    """(middle, end, end) from the bones, by looking at each two of them."""
    found = []
    for one, other in itertools.combinations(skeleton.bones, 2):
        shared = set(one) & set(other)
        if shared:
            middle = shared.pop()
            found.append((middle, *(set(one) - {middle}), *(set(other) - {middle})))
    return found


def angle(pose, corner):
    u, v = pose[corner[1]] - pose[corner[0]], pose[corner[2]] - pose[corner[0]]
    return torch.arccos((u * v).sum() / (u.square().sum() * v.square().sum()).sqrt())


@pytest.mark.parametrize("skeleton", [H36M17, FIFTEEN], ids=lambda s: s.name)
def test_limb_angle_equals_the_inverse_cosine(skeleton):
    def listing(pred, target):
        for b, t in itertools.product(range(pred.shape[0]), range(pred.shape[1])):
            for corner in corners(skeleton):
                yield (angle(pred[b, t], corner) - angle(target[b, t], corner)).abs(), b, (t,), corner

    check("limb_angle", listing, skeleton, frames=3, angles="all")


def test_limb_angle_velocity_equals_the_steps_of_the_inverse_cosine():
    def listing(pred, target):
        for b, t in itertools.product(range(pred.shape[0]), range(pred.shape[1] - 1)):
            for corner in corners(FIFTEEN):
                first = angle(pred[b, t], corner) - angle(target[b, t], corner)
                second = angle(pred[b, t + 1], corner) - angle(target[b, t + 1], corner)
                yield (second - first).abs(), b, (t, t + 1), corner

    check("limb_angle_velocity", listing, FIFTEEN, frames=4)


def test_human36m_has_nineteen_angles_of_which_eighteen_are_published_and_a_right_angle_is_one():
    assert len(corners(H36M17)) == 19
    left_out = set(joined(H36M17)) - set(joined(H36M17, published=True))
    assert left_out == {(8, 9, 11)}
    assert joined(FIFTEEN) == joined(FIFTEEN, published=True)
    straight, bent = torch.zeros(1, 1, 3, 3), torch.zeros(1, 1, 3, 3)
    straight[0, 0, 1, 0], straight[0, 0, 2, 0] = 1.0, 2.0
    bent[0, 0, 1, 0], bent[0, 0, 2, 0], bent[0, 0, 2, 1] = 1.0, 1.0, 3.0
    term = objectives.build_term("limb_angle", skeleton=CHAIN)
    assert term.value(straight, bent).item() == pytest.approx(math.pi / 2)
    assert term.value(straight, straight).item() == 0


def test_stretched_folded_and_lost_limbs_have_finite_gradients():
    target = torch.randn(1, 3, 3, 3)
    pose = torch.zeros(1, 3, 3, 3)
    pose[0, 0, 1, 2], pose[0, 0, 2, 2] = 1.0, 2.0  # stretched
    pose[0, 1, 1, 2] = 1.0  # folded back
    pose.requires_grad_()  # and no bone has a length
    for name in ("limb_angle", "limb_angle_velocity"):
        value = objectives.build_term(name, skeleton=CHAIN).value(pose, target)
        (gradient,) = torch.autograd.grad(value, pose)
        assert torch.isfinite(gradient).all()


def test_a_skeleton_without_angles_is_refused_by_name():
    with pytest.raises(UserError, match="two bones that share a joint; 'loose' has none"):
        objectives.build_term("limb_angle", skeleton=LOOSE)
