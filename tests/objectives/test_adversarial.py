"""The term that a discriminator judges: value and gradient for a judge worked by hand, masks, what it refuses."""

import math

import pytest
import torch

from harness import objectives
from harness.errors import UserError
from harness.objectives.term import Batch, Context, Output
from harness.skeleton import H36M17
from tests.objectives.promises import LOOSE


def judge(poses, valid):
    """A score for each frame, of frames that count alone."""
    return poses.masked_fill(~valid[:, :, None, None], 0.0).square().sum(dim=(-1, -2)) - 20.0


def scene(dtype=torch.float64):
    g = torch.Generator().manual_seed(0)
    pose = torch.randn(3, 5, 17, 3, generator=g, dtype=dtype)
    valid = torch.ones(3, 5, dtype=torch.bool)
    valid[0, 3:] = valid[2, 0] = False
    target, visible = torch.zeros_like(pose), torch.ones(3, 5, 17, dtype=torch.bool)
    batch = Batch(inputs=pose[..., :2], target=target, visible=visible, valid=valid, keys=torch.arange(3))
    return pose, batch, Context(step=4, modules={"discriminator": judge}, skeleton=H36M17)


def term(**options):
    return objectives.build_term("adversarial", skeleton=H36M17, **options)


def test_value_and_gradient_are_those_of_frames_one_by_one():
    pose, batch, context = scene()
    value = term(noise=0)(Output(pose.requires_grad_()), batch, context)
    costs = [-torch.log(torch.sigmoid(pose[b, t].square().sum() - 20.0)) for b, t in batch.valid.nonzero().tolist()]
    slow = torch.stack(costs).mean()
    torch.testing.assert_close(value, slow)
    torch.testing.assert_close(*(torch.autograd.grad(of, pose)[0] for of in (value, slow)))
    assert torch.autograd.gradcheck(lambda p: term()(Output(p), batch, context), pose, fast_mode=True)


def test_invalid_frames_change_nothing_whatever_they_hold():
    pose, batch, context = scene()
    junk = torch.where(batch.valid[..., None, None], pose, torch.nan).requires_grad_()
    value = term()(Output(junk), batch, context)
    torch.testing.assert_close(value, term()(Output(pose), batch, context))
    (gradient,) = torch.autograd.grad(value, junk)
    assert torch.isfinite(gradient).all() and not gradient[~batch.valid].any()


def test_nothing_valid_is_zero_with_zero_gradient():
    pose, batch, context = scene()
    empty = Batch(batch.inputs, batch.target, batch.visible, torch.zeros_like(batch.valid), batch.keys)
    value = term()(Output(pose.requires_grad_()), empty, context)
    assert value.item() == 0 and not torch.autograd.grad(value, pose)[0].any()


def test_poses_of_unlabelled_windows_are_judged_too():
    pose, batch, context = scene()
    more = Batch(batch.inputs, batch.target * math.nan, batch.visible, ~batch.valid, batch.keys + 3)
    both = Batch(batch.inputs, batch.target, batch.visible, batch.valid, batch.keys, unlabelled=more)
    value = term(noise=0)(Output(pose, {"unlabelled": 2 * pose}), both, context)
    one, other = (term(noise=0)(Output(p), b, context) for p, b in ((pose, batch), (2 * pose, more)))
    weights = batch.valid.sum(), (~batch.valid).sum()
    torch.testing.assert_close(value, (one * weights[0] + other * weights[1]) / sum(weights))


def test_noise_is_looked_up_by_sample_and_step():
    seen = []
    pose, batch, _ = scene()
    for step, order in ((4, [0, 1, 2]), (4, [2, 1, 0]), (5, [0, 1, 2])):
        part = Batch(*(getattr(batch, name)[order] for name in ("inputs", "target", "visible", "valid", "keys")))
        modules = {"discriminator": lambda poses, valid: seen.append(poses) or judge(poses, valid)}
        term(noise=0.05)(Output(pose[order]), part, Context(step=step, modules=modules))
    torch.testing.assert_close(seen[0], seen[1].flip(0))
    assert not torch.equal(seen[0], seen[2])
    assert (seen[0] - pose).std().item() == pytest.approx(0.05, rel=0.1)


def test_outside_training_and_without_bones_it_says_what_it_lacks():
    pose, batch, _ = scene()
    with pytest.raises(ValueError, match="needs the discriminator"):
        term()(Output(pose), batch, Context())
    with pytest.raises(UserError, match="judges bones, and the skeleton 'loose' has none"):
        objectives.build_term("adversarial", skeleton=LOOSE)
