"""The projected prediction against one point after the other, with a batch made by hand."""

from __future__ import annotations

import functools
import itertools
from dataclasses import replace

import pytest
import torch
from torch import Tensor

from harness import objectives
from harness.objectives.term import Batch, Context, Output
from harness.skeleton import H36M17
from tests.objectives.promises import OVER, listed, nothing, scene

torch.set_num_threads(1)
CAMERA = torch.tensor(
    [[2.2, 2.3, 0.1, -0.05, -0.2, 0.25, -0.01, -0.001, 0.002], [1.1, 1.1, 0.0, 0.1, 0.1, 0.0, 0.0, 0.003, 0.0]]
)


@pytest.fixture
def batch() -> tuple[Tensor, Batch]:
    pred, target, visible, valid = scene(17)
    place = torch.tensor([0.2, -0.1, 4.0]).expand(2, 5, 1, 3).clone()
    place[1, :, :, 2] += torch.arange(5.0)[:, None] / 10
    g = torch.Generator().manual_seed(9)
    screen = torch.randn(2, 5, 17, 2, generator=g) * 0.1
    keys = torch.zeros(2, dtype=torch.int64)
    given = Batch(screen, target, visible, valid, keys, camera=CAMERA, trajectory=place, screen=screen)
    return pred, given


def seen(point: Tensor, camera: Tensor) -> Tensor:
    """Human3.6M's camera model written out for one point."""
    fx, fy, cx, cy, k1, k2, k3, p1, p2 = camera.double()
    x, y = point[0] / point[2], point[1] / point[2]
    r = x * x + y * y
    bend = 1 + k1 * r + k2 * r**2 + k3 * r**3 + p1 * x + p2 * y
    return torch.stack((fx * (x * bend + p1 * r) + cx, fy * (y * bend + p2 * r) + cy))


def spoilt(batch: Batch) -> Batch:
    """The same with nonsense wherever a frame is missing."""
    target, place, screen = batch.target.clone(), batch.trajectory.clone(), batch.screen.clone()
    target[~batch.valid], place[~batch.valid], screen[~batch.valid] = float("nan"), float("inf"), float("nan")
    return replace(batch, target=target, trajectory=place, screen=screen)


@pytest.mark.parametrize(("against", "over"), [*(("true", over) for over in OVER), ("detected", "all")])
def test_value_and_gradient_equal_the_points(batch, against, over):
    pred, given = batch
    term = objectives.build_term("reprojection", skeleton=H36M17, against=against, over=over)

    def listing(pose):
        for b, t, j in itertools.product(range(2), range(5), range(17)):
            there = given.trajectory[b, t, 0].double()
            wanted = given.screen[b, t, j].double()
            if against == "true":
                wanted = seen(given.target[b, t, j].double() + there, given.camera[b])
            yield (seen(pose[b, t, j] + there, given.camera[b]) - wanted).square().sum().sqrt(), b, (t,), (j,)

    leaf = pred.double().requires_grad_()
    expected = listed(list(listing(leaf)), given.visible, given.valid, "visible" if against == "detected" else over)
    (slope,) = torch.autograd.grad(expected, leaf)
    junk = pred.clone()
    junk[~given.valid] = float("nan")
    junk.requires_grad_()
    value = term(Output(junk), spoilt(given), Context())
    (gradient,) = torch.autograd.grad(value, junk)
    assert value.item() == pytest.approx(expected.item(), rel=1e-4)
    torch.testing.assert_close(gradient, slope.float(), rtol=1e-3, atol=1e-6)

    double = {name: getattr(given, name).double() for name in ("target", "camera", "trajectory", "screen")}
    loss = functools.partial(_of_pose, term, replace(given, **double))
    assert torch.autograd.gradcheck(loss, pred.double().requires_grad_(), fast_mode=True)
    nothing(functools.partial(_of_pose, term, replace(given, valid=torch.zeros_like(given.valid))), pred)


def _of_pose(term, batch, pose):
    return term(Output(pose), batch, Context())


def test_by_hand_a_joint_beside_the_axis():
    camera = torch.tensor([[2.0, 2.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0]])
    pose, target = torch.zeros(1, 1, 1, 3), torch.zeros(1, 1, 1, 3)
    pose[..., 0] = 1.0  # 1 m to the right at 4 m: 2 · 1/4 of a screen unit
    real = torch.ones(1, 1, dtype=torch.bool)
    place = torch.tensor([0.0, 0.0, 4.0]).view(1, 1, 1, 3)
    given = Batch(target[..., :2], target, real[..., None], real, torch.zeros(1), camera=camera, trajectory=place)
    value = objectives.build_term("reprojection")(Output(pose), given, Context())
    assert value.item() == pytest.approx(0.5)


def test_a_prediction_at_or_behind_the_camera_stays_finite(batch):
    pred, given = batch
    term = objectives.build_term("reprojection")
    for depth in (-4.0, -9.0):
        pose = pred.clone()
        pose[..., 2] = depth
        pose.requires_grad_()
        value = term(Output(pose), given, Context())
        (gradient,) = torch.autograd.grad(value, pose)
        assert torch.isfinite(value) and torch.isfinite(gradient).all()


def test_a_batch_without_a_camera_is_refused(batch):
    pred, given = batch
    with pytest.raises(ValueError, match="camera, trajectory"):
        objectives.build_term("reprojection")(Output(pred), replace(given, camera=None), Context())
