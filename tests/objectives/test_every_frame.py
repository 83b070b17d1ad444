"""The error of a second head that answers for every frame of the window: not of the pose, and not of padding."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from harness import objectives
from harness.objectives.term import Batch, Context, Output
from tests.objectives.promises import FIFTEEN, scene


def term(**options):
    return objectives.build_term("mpjpe_every_frame", skeleton=FIFTEEN, **options)


TERM = term()


@pytest.fixture
def given():
    pred, target, visible, valid = scene(15, frames=4)
    pred, target = pred.double(), target.double()
    batch = Batch(
        inputs=target[..., :2], target=target[:, :1], visible=visible[:, :1], valid=valid[:, :1],
        keys=torch.arange(2), whole=target, whole_valid=valid, whole_visible=visible | ~valid[..., None],
    )  # fmt: skip
    return pred.requires_grad_(), batch


def value(answers, batch, term=TERM):
    return term(Output(torch.full_like(answers[:, :1], torch.nan), {"every": answers}), batch, Context())


@pytest.mark.parametrize("over", ["all", "visible", "occluded"])
def test_value_and_gradient_equal_the_loop_whatever_padding_holds(given, over):
    pred, batch = given
    counts = {"all": batch.visible[:, :1] | True, "visible": batch.whole_visible, "occluded": ~batch.whole_visible}[
        over
    ]
    counts = counts.expand_as(batch.whole_visible)
    errors = [
        (pred[b, t, j] - batch.whole[b, t, j]).square().sum().sqrt()
        for b in range(2) for t in range(4) for j in range(15)
        if batch.whole_valid[b, t] and counts[b, t, j]
    ]  # fmt: skip
    expected = torch.stack(errors).mean()
    (wanted,) = torch.autograd.grad(expected, pred)
    junk, truth = pred.detach().clone(), batch.whole.clone()
    junk[~batch.whole_valid], truth[~batch.whole_valid] = torch.nan, torch.inf
    found = value(junk.requires_grad_(), replace(batch, whole=truth), term(over=over))
    assert found.item() == pytest.approx(expected.item(), rel=1e-12) and found.item() > 0
    torch.testing.assert_close(torch.autograd.grad(found, junk)[0], wanted)


def test_gradients_by_differences(given):
    pred, batch = given
    assert torch.autograd.gradcheck(lambda x: value(x, batch), pred, fast_mode=True)


def test_nothing_valid_is_zero_with_zero_gradient_and_what_is_missing_is_told(given):
    pred, batch = given
    found = value(pred, replace(batch, whole_valid=torch.zeros_like(batch.whole_valid)))
    assert found.item() == 0 and not torch.autograd.grad(found, pred)[0].any()
    found = value(pred, replace(batch, whole_visible=batch.whole_visible | True), term(over="occluded"))
    assert found.item() == 0 and not torch.autograd.grad(found, pred)[0].any()
    with pytest.raises(ValueError, match="poses of every frame"):
        TERM(Output(pred), batch, Context())
