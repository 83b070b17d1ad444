"""The weighted sum, what it logs, and the package's door."""

from __future__ import annotations

import subprocess
import sys

import pytest
import torch

from harness import objectives
from harness.errors import UserError
from harness.objectives import Batch, Context, Objective, Output
from harness.skeleton import H36M17

torch.set_num_threads(1)


@pytest.fixture
def scene() -> tuple[Output, Batch, Context]:
    g = torch.Generator().manual_seed(0)
    target = torch.randn(3, 6, 17, 3, generator=g) * 0.3
    pose = (target + torch.randn(3, 6, 17, 3, generator=g) * 0.1).requires_grad_()
    valid = torch.ones(3, 6, dtype=torch.bool)
    valid[2, 4:] = False
    visible = torch.rand(3, 6, 17, generator=g) > 0.2
    batch = Batch(torch.zeros(3, 6, 17, 2), target, visible, valid, torch.tensor([4, 5, 6]))
    return Output(pose), batch, Context(skeleton=H36M17)


TERMS = {
    "mpjpe": (1.0, {}),
    "mpjve": (0.5, {}),
    "spatial_rdc": (0.3, {"pairs": "skeleton", "form": "margin"}),
    "temporal_rdc": (0.2, {"form": "soft"}),
}


def test_total_is_the_weighted_sum_of_the_terms_alone(scene):
    output, batch, context = scene
    total, values = Objective(TERMS, H36M17)(output, batch, context)
    (grad,) = torch.autograd.grad(total, output.pose)
    expected, expected_grad = 0.0, torch.zeros_like(grad)
    for name, (weight, options) in TERMS.items():
        value = objectives.build(name, **options)(output.pose, batch.target, batch.visible, batch.valid)
        assert values[name].item() == pytest.approx(value.item())
        assert not values[name].requires_grad
        expected += weight * value.item()
        expected_grad += weight * torch.autograd.grad(value, output.pose)[0]
    assert total.item() == pytest.approx(expected, rel=1e-6)
    torch.testing.assert_close(grad, expected_grad)


def test_shares_sum_to_one_and_leave_the_graph_alone(scene):
    output, batch, context = scene
    objective = Objective({**TERMS, "depth_l1": (0.0, {})}, H36M17)
    shares = objective.shares(output, batch, context)
    assert output.pose.grad is None
    assert list(shares) == [*TERMS, "depth_l1"]
    assert sum(s["share"] for s in shares.values()) == pytest.approx(1.0)
    assert shares["depth_l1"]["share"] == 0
    assert shares["depth_l1"]["value"] > 0
    assert all(-1 - 1e-9 <= s["cosine"] <= 1 + 1e-9 for s in shares.values())
    assert [s["active"] is None for s in shares.values()] == [True, True, False, False, True]
    assert 0 < shares["spatial_rdc"]["active"] < 1
    assert shares["temporal_rdc"]["active"] == pytest.approx(1.0)  # a soft sign pushes every ordered pair


def test_shares_of_one_absolute_term(scene):
    shares = Objective({"mpjpe": (2.0, {}), "spatial_rdc": (1.0, {})}, H36M17).shares(*scene)
    assert shares["mpjpe"]["cosine"] == pytest.approx(1.0)
    with torch.no_grad():
        again = Objective({"mpjpe": (1.0, {}), "spatial_rdc": (0.5, {})}, H36M17).shares(*scene)
    assert again["spatial_rdc"]["share"] == pytest.approx(shares["spatial_rdc"]["share"])


def test_shares_are_missing_not_zero_where_there_is_no_gradient(scene):
    _, batch, context = scene
    perfect = Output(batch.target.clone())
    shares = Objective({"mpjpe": (1.0, {}), "spatial_rdc": (1.0, {})}, H36M17).shares(perfect, batch, context)
    assert {s["share"] for s in shares.values()} == {s["cosine"] for s in shares.values()} == {None}
    assert shares["spatial_rdc"]["active"] == 0


def test_a_term_of_weight_zero_is_not_computed(scene):
    output, batch, context = scene
    with_zero = Objective({"mpjpe": (1, {}), "spatial_rdc": (0, {})}, H36M17)
    total, values = with_zero(output, batch, context)
    assert list(values) == ["mpjpe"]
    torch.testing.assert_close(total, Objective({"mpjpe": (1, {})}, H36M17)(output, batch, context)[0])
    assert with_zero.min_frames == 1
    assert Objective({"mpjpe": (1, {}), "temporal_rdc": (1, {})}, H36M17).min_frames == 2


@pytest.mark.parametrize("weight", [-1, -1e-9, float("nan"), float("inf"), "1", True, None])
def test_weights_are_numbers_from_zero_up(weight):
    with pytest.raises(UserError, match="weight"):
        Objective({"mpjpe": (1, {}), "spatial_rdc": (weight, {})}, H36M17)


@pytest.mark.parametrize("terms", [{}, {"mpjpe": (0, {})}])
def test_an_objective_must_train_something(terms):
    with pytest.raises(UserError, match="positive weight"):
        Objective(terms, H36M17)


def test_misspelt_names_and_options_are_named():
    with pytest.raises(UserError, match="spatial_rdc"):
        objectives.build("spatial_rcd")
    with pytest.raises(UserError, match="did you mean 'form'"):
        Objective({"spatial_rdc": (1, {"from": "hinge"})}, H36M17)


def test_shapes_that_would_broadcast_are_refused(scene):
    output, batch, context = scene
    loss = objectives.build("mpjpe")
    pose, target = output.pose, batch.target
    for bad in (
        (pose[0], target[0]),
        (pose, target[:, :1]),
        (pose, target, batch.visible[:, :1]),
        (pose, target, None, batch.valid[:1]),
        (pose[..., :2], target[..., :2]),
    ):
        with pytest.raises(ValueError, match="expected"):
            loss(*bad)
    with pytest.raises(ValueError, match="target"):
        Objective({"mpjpe": (1, {})}, H36M17)(Output(pose[:, :1]), batch, context)


def test_checking_options_needs_no_torch():
    script = (
        "import sys\n"
        "from harness import registry\n"
        "for name in registry.entries('losses'):\n"
        "    registry.options(registry.get('losses', name))\n"
        "assert 'torch' not in sys.modules\n"
        "from harness.objectives import Objective\n"
        "assert 'torch' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True)
