"""The term of the visibility head, and the relational terms that its answer gates."""

import math

import pytest
import torch

from harness import objectives
from harness.errors import UserError
from harness.objectives.term import Batch, Context, Output
from harness.skeleton import H36M17


def scene(seed=0, frames=5):
    g = torch.Generator().manual_seed(seed)
    pose, target = (torch.randn(3, frames, 17, 3, generator=g, dtype=torch.float64) for _ in range(2))
    logits = torch.randn(3, frames, 17, generator=g, dtype=torch.float64)
    visible = torch.rand(3, frames, 17, generator=g) < 0.6
    valid = torch.ones(3, frames, dtype=torch.bool)
    valid[0, -1] = valid[2, 0] = False
    batch = Batch(torch.zeros(3, frames, 17, 2), target, visible, valid, torch.arange(3))
    return Output(pose.requires_grad_(), {"visibility": logits.requires_grad_()}), batch


def term(name="visibility", **options):
    return objectives.build_term(name, skeleton=H36M17, **options)


def test_it_is_the_mean_cross_entropy_of_valid_keypoints():
    output, batch = scene()
    costs = []
    for b, t, j in torch.cartesian_prod(*(torch.arange(n) for n in batch.visible.shape)).tolist():
        if batch.valid[b, t]:
            p = 1 / (1 + math.exp(-output.extra["visibility"][b, t, j].item()))
            costs.append(-math.log(p if batch.visible[b, t, j] else 1 - p))
    value = term()(output, batch, Context())
    assert value.item() == pytest.approx(sum(costs) / len(costs), rel=1e-12)
    value.backward()
    assert output.pose.grad is None
    gradient = output.extra["visibility"].grad
    assert (gradient[~batch.valid] == 0).all() and (gradient[batch.valid] != 0).all()
    assert torch.equal(gradient[batch.valid] < 0, batch.visible[batch.valid]), "towards what was seen"


def test_its_gradient_is_that_of_its_value():
    output, batch = scene(frames=1)

    def value(logits):
        return term()(Output(output.pose, {"visibility": logits}), batch, Context())

    assert torch.autograd.gradcheck(value, output.extra["visibility"])


def test_padding_counts_for_nothing_and_nothing_is_zero():
    output, batch = scene()
    spoilt = output.extra["visibility"].detach().masked_fill(~batch.valid[..., None], float("nan"))
    told = term()(Output(output.pose, {"visibility": spoilt}), batch, Context())
    assert told == term()(output, batch, Context())
    none = Batch(batch.inputs, batch.target, batch.visible, torch.zeros_like(batch.valid), batch.keys)
    assert term()(output, none, Context()) == 0


@pytest.mark.parametrize("name", ["spatial_rdc", "temporal_rdc"])
@pytest.mark.parametrize("form", ["hinge", "margin"])
def test_a_gated_term_is_the_occluded_one_of_what_is_predicted(name, form):
    output, batch = scene()
    predicted = output.extra["visibility"] > 0
    gated, occluded = (term(name, weight=weight, form=form) for weight in ("predicted", "occluded"))
    value = gated(output, batch, Context())
    expected = occluded.value(output.pose, batch.target, predicted, batch.valid, batch.keys)
    assert value == expected > 0
    assert value != occluded(output, batch, Context())
    value.backward()
    assert output.extra["visibility"].grad is None and output.pose.grad.any()
    swapped = Batch(batch.inputs, batch.target, predicted, batch.valid, batch.keys)
    assert gated.active(output, batch, Context()) == occluded.active(output, swapped, Context())


@pytest.mark.parametrize("name", ["spatial_rdc", "temporal_rdc"])
def test_what_is_predicted_visible_gates_everything_out(name):
    output, batch = scene()
    all_seen = Output(output.pose, {"visibility": torch.ones(3, 5, 17)})
    value = term(name, weight="predicted")(all_seen, batch, Context())
    assert value == 0
    value.backward()
    assert not output.pose.grad.any()


def test_a_gate_without_a_head_is_told():
    output, batch = scene()
    for name, options in (("spatial_rdc", {"weight": "predicted"}), ("visibility", {})):
        with pytest.raises(UserError, match="add the term 'visibility'"):
            term(name, **options)(Output(output.pose), batch, Context())
