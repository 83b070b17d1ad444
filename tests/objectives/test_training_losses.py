"""The parts and sums of published training losses, equal to the authors' own, and their terms against loops."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from harness import objectives
from harness.errors import UserError
from harness.objectives.term import Batch, Context, Output
from harness.objectives.weighted import mixste_weights
from harness.skeleton import H36M17

torch.set_num_threads(1)

# What MixSTE's and MotionBERT's own code gives for two sequences of 30 frames each (metrics.npz: pred, target).
PARTS = {
    "weighted_mpjpe": 0.2560720443725586,
    "temporal_consistency": 0.02389968000352383,
    "mpjve": 0.1560690850019455,
    "mpjpe": 0.12201635539531708,
    "n_mpjpe": 0.09662351757287979,
    "bone_variance": 0.012036114931106567,
    "bone_length": 0.1004246175289154,
    "limb_angle": 0.18331755697727203,
    "limb_angle_velocity": 0.25696036219596863,
}
MIXSTE = ({"weighted_mpjpe": 1.0, "temporal_consistency": 0.5, "mpjve": 2.0}, 0.5801600543782115)
MOTIONBERT = ({"mpjpe": 1.0, "n_mpjpe": 0.5, "mpjve": 20.0}, 3.291709814220667)
NEW = ["mse", "n_mpjpe", "weighted_mpjpe", "temporal_consistency", "trajectory_mpjpe"]


@pytest.fixture(scope="module")
def published():
    with np.load(Path(__file__).parents[1] / "data" / "metrics.npz") as file:
        return tuple(torch.tensor(file[name]).view(2, 30, 17, 3) for name in ("pred", "target"))


@pytest.mark.parametrize("name", PARTS)
def test_parts_equal_the_published(published, name):
    assert objectives.build(name)(*published).item() == pytest.approx(PARTS[name], rel=2e-6)


@pytest.mark.parametrize(("terms", "total"), [MIXSTE, MOTIONBERT])
def test_sums_equal_the_published(published, terms, total):
    pred, target = published
    shown = torch.ones(2, 30, 17, dtype=torch.bool)
    batch = Batch(pred[..., :2], target, shown, shown[..., 0], torch.zeros(2, dtype=torch.int64))
    objective = objectives.Objective({name: (weight, {}) for name, weight in terms.items()}, H36M17)
    value, _ = objective(Output(pred), batch, Context())
    assert value.item() == pytest.approx(total, rel=2e-6)


def poses() -> tuple[torch.Tensor, torch.Tensor]:
    """Two sequences of five frames, in front of the camera."""
    g = torch.Generator().manual_seed(7)
    pred, target = torch.randn(2, 5, 17, 3, generator=g), torch.randn(2, 5, 17, 3, generator=g)
    target[..., 2] = target[..., 2].abs() + 1
    return pred, target


def slow(name: str, pred, target, valid) -> torch.Tensor:
    pred, target = pred.double(), target.double()
    weights = mixste_weights(H36M17)
    found = []
    for b in range(pred.shape[0]):
        for t in range(pred.shape[1]):
            if not valid[b, t]:
                continue
            scale = (pred[b, t] * target[b, t]).sum() / (pred[b, t] * pred[b, t]).sum()
            for j in range(pred.shape[2]):
                p, q = pred[b, t, j], target[b, t, j]
                if name == "mse":
                    found.append((p - q).square().sum() / 3)
                elif name == "n_mpjpe":
                    found.append((scale * p - q).square().sum().sqrt())
                elif name == "weighted_mpjpe":
                    found.append(weights[j] * (p - q).square().sum().sqrt())
                elif name == "trajectory_mpjpe":
                    found.append((p - q).square().sum().sqrt() / q[2])
                elif t + 1 < pred.shape[1] and valid[b, t + 1]:
                    found.append(weights[j] * (pred[b, t + 1, j] - p).square().sum() / 3)
    return torch.stack(found).mean()


@pytest.mark.parametrize("name", NEW)
def test_value_and_gradient_equal_the_loops_whatever_the_padding_holds(name):
    pred, target = poses()
    for valid in (torch.ones(2, 5, dtype=torch.bool), torch.tensor([[1, 1, 0, 1, 1], [0, 1, 1, 1, 0]]).bool()):
        leaf = pred.clone().requires_grad_()
        expected = slow(name, leaf, target, valid)
        (wanted,) = torch.autograd.grad(expected, leaf)
        junk, truth = pred.clone(), target.clone()
        junk[~valid], truth[~valid] = float("nan"), float("inf")
        junk.requires_grad_()
        value = objectives.build(name)(junk, truth, None, valid)
        (gradient,) = torch.autograd.grad(value, junk)
        assert value.item() == pytest.approx(expected.item(), rel=1e-5)
        torch.testing.assert_close(gradient, wanted)


@pytest.mark.parametrize("name", NEW)
def test_gradients_by_finite_differences(name):
    pred, target = poses()
    term = objectives.build(name)
    leaf = pred[:1, :3].double().requires_grad_()
    assert torch.autograd.gradcheck(lambda p: term(p, target[:1, :3].double()), leaf)


@pytest.mark.parametrize("name", NEW)
def test_nothing_valid_is_zero_with_zero_gradient(name):
    pred, target = poses()
    leaf = pred.clone().requires_grad_()
    value = objectives.build(name)(leaf, target, None, torch.zeros(2, 5, dtype=torch.bool))
    (gradient,) = torch.autograd.grad(value, leaf)
    assert value.item() == 0 and not gradient.any()


def test_a_frame_predicted_in_one_point_has_no_scale_and_keeps_its_error():
    _, target = poses()
    leaf = torch.zeros_like(target, requires_grad=True)
    value = objectives.build("n_mpjpe")(leaf, target)
    (gradient,) = torch.autograd.grad(value, leaf)
    assert value.item() == pytest.approx(target.norm(dim=-1).mean().item())
    assert torch.isfinite(gradient).all()


def test_own_weights_by_hand_and_a_wrong_number_of_them():
    pred, target = torch.zeros(1, 2, 2, 3), torch.zeros(1, 2, 2, 3)
    pred[0, 1, 1] = torch.tensor([0.0, 3.0, 4.0])
    assert objectives.build("weighted_mpjpe", per_joint=[1, 8])(pred, target).item() == pytest.approx(8 * 5 / 4)
    assert objectives.build("temporal_consistency", per_joint=[1, 6])(pred, target).item() == pytest.approx(6 * 25 / 6)
    with pytest.raises(UserError, match="per_joint has 3 weights, and a pose has 2 joints"):
        objectives.build("weighted_mpjpe", per_joint=[1, 1, 1])(pred, target)
    with pytest.raises(ValueError, match="bind the term to a skeleton"):
        objectives.build("weighted_mpjpe")(pred, target)
