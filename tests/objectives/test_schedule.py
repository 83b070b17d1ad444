"""λ over the epochs by hand, and in the weighted sum."""

from __future__ import annotations

import pytest
import torch

from harness import objectives, registry
from harness.errors import UserError
from harness.objectives.scale import GradientScale
from harness.objectives.schedule import KEYS, Schedule
from harness.objectives.term import Batch, Context, Output
from harness.skeleton import H36M17
from tests.objectives.promises import scene

torch.set_num_threads(1)
TERMS = {"mpjpe": (1.0, {}), "depth_l1": (0.4, {})}


@pytest.mark.parametrize(
    ("schedule", "expected"),
    [
        (Schedule(), [1, 1, 1, 1, 1]),
        (Schedule(2, 2), [0, 0, 0, 1, 1]),
        (Schedule(1, 3), [0, 0, 0.25, 0.5, 1]),
        (Schedule(0, 2), [0, 0.5, 0.75, 1, 1]),
    ],
)
def test_share_of_lambda_by_hand(schedule, expected):
    assert [schedule.share(epochs) for epochs in (0, 1, 1.5, 2, 3)] == expected


def given():
    pred, target, visible, valid = scene(17)
    return Output(pred.requires_grad_()), Batch(pred, target, visible, valid, torch.zeros(2, dtype=torch.int64))


@pytest.mark.parametrize(("step", "weight"), [(0, None), (9, None), (10, None), (15, 0.1), (30, 0.4), (99, 0.4)])
def test_the_sum_has_the_lambda_of_its_step_and_a_term_that_waits_is_not_computed(step, weight):
    output, batch = given()
    scheduled = objectives.Objective(TERMS, H36M17, {"depth_l1": Schedule(1, 3)})
    context = Context(step=step, steps_an_epoch=10)
    total, values = scheduled(output, batch, context)
    assert ("depth_l1" in values) == (weight is not None)
    expected = objectives.build("mpjpe")(output.pose, batch.target, None, batch.valid).item()
    if weight:
        expected += weight * objectives.build("depth_l1")(output.pose, batch.target, None, batch.valid).item()
    assert total.item() == pytest.approx(expected, rel=1e-6)


def test_a_factor_is_the_ratio_of_summed_lengths_measured_before_the_term_begins_only():
    output, batch = given()
    objective = objectives.Objective(TERMS, H36M17, {"depth_l1": Schedule(1, 1, by_gradient=True)})
    scale = GradientScale(objective.by_gradient)
    for step in range(6):  # epochs of three steps
        objective.measure(output, batch, Context(step=step, steps_an_epoch=3, modules={scale.name: scale}))
    lengths = {}
    for name in TERMS:
        value = objectives.build(name)(output.pose, batch.target, None, batch.valid)
        lengths[name] = torch.autograd.grad(value, output.pose)[0].norm().item()
    assert scale.sums[0].tolist() == pytest.approx([3 * lengths["depth_l1"], 3 * lengths["mpjpe"]])
    in_force = objective.in_force(Context(step=3, steps_an_epoch=3, modules={scale.name: scale}))
    assert in_force == pytest.approx({"mpjpe": 1, "depth_l1": 0.4 * lengths["mpjpe"] / lengths["depth_l1"]})
    assert output.pose.grad is None


def test_what_was_never_measured_is_told():
    output, batch = given()
    objective = objectives.Objective(TERMS, H36M17, {"depth_l1": Schedule(1, 1, by_gradient=True)})
    empty = {GradientScale.name: GradientScale(objective.by_gradient)}
    with pytest.raises(UserError, match="scale: gradient can't be measured"):
        objective(output, batch, Context(step=9, steps_an_epoch=3, modules=empty))
    with pytest.raises(ValueError, match="what was measured in context"):
        objective(output, batch, Context(step=9, steps_an_epoch=3))


def test_an_objective_all_of_whose_terms_wait_is_told():
    output, batch = given()
    waits = objectives.Objective({"mpjpe": (1.0, {})}, H36M17, {"mpjpe": Schedule(1, 1)})
    with pytest.raises(ValueError, match="no term counts after 0 epochs"):
        waits(output, batch, Context(step=0, steps_an_epoch=3))


def test_no_term_has_an_option_by_the_name_of_a_key_beside_lambda():
    for entry in registry.entries("losses").values():
        assert not set(KEYS) & registry.options(entry).keys()
