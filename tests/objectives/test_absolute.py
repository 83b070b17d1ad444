"""The absolute terms against numbers worked by hand and loops in float64."""

from __future__ import annotations

import pytest
import torch

from harness import objectives

torch.set_num_threads(1)

NAMES = ["mpjpe", "mpjve", "depth_l1"]


def poses(b: int = 2, t: int = 5, j: int = 4) -> tuple[torch.Tensor, torch.Tensor]:
    g = torch.Generator().manual_seed(4)
    return torch.randn(b, t, j, 3, generator=g), torch.randn(b, t, j, 3, generator=g)


def slow(name: str, pred, target, valid) -> torch.Tensor:
    errors = []
    error = pred.double() - target.double()
    for b in range(pred.shape[0]):
        for t in range(pred.shape[1]):
            if not valid[b, t]:
                continue
            for j in range(pred.shape[2]):
                if name == "mpjpe":
                    errors.append(error[b, t, j].square().sum().sqrt())
                elif name == "depth_l1":
                    errors.append(error[b, t, j, 2].abs())
                elif t + 1 < pred.shape[1] and valid[b, t + 1]:
                    errors.append((error[b, t + 1, j] - error[b, t, j]).square().sum().sqrt())
    return torch.stack(errors).mean()


@pytest.mark.parametrize(("name", "expected"), [("mpjpe", (5 + 0) / 2), ("mpjve", 5.0), ("depth_l1", 4 / 2)])
def test_by_hand(name, expected):
    pred, target = torch.zeros(1, 2, 1, 3), torch.zeros(1, 2, 1, 3)
    pred[0, 1, 0] = torch.tensor([3.0, 0.0, 4.0])
    assert objectives.build(name)(pred, target).item() == pytest.approx(expected)


@pytest.mark.parametrize("name", NAMES)
def test_value_and_gradient_equal_the_loops(name):
    pred, target = poses()
    for valid in (torch.ones(2, 5, dtype=torch.bool), torch.tensor([[1, 1, 0, 1, 1], [0, 1, 1, 1, 0]]).bool()):
        leaf = pred.clone().requires_grad_()
        expected = slow(name, leaf, target, valid)
        (expected_grad,) = torch.autograd.grad(expected, leaf)
        value = objectives.build(name)(leaf, target, None, valid)
        (grad,) = torch.autograd.grad(value, leaf)
        assert value.item() == pytest.approx(expected.item(), rel=1e-6)
        torch.testing.assert_close(grad, expected_grad)


@pytest.mark.parametrize("name", NAMES)
def test_padding_enters_nothing_even_when_nan(name):
    pred, target = poses()
    valid = torch.tensor([[1, 1, 1, 0, 0]] * 2).bool()
    junk, junk_target = pred.clone(), target.clone()
    junk[:, 3:], junk_target[:, 3:] = float("nan"), float("inf")
    junk.requires_grad_()
    value = objectives.build(name)(junk, junk_target, None, valid)
    (grad,) = torch.autograd.grad(value, junk)
    leaf = pred[:, :3].clone().requires_grad_()
    expected = objectives.build(name)(leaf, target[:, :3])
    (expected_grad,) = torch.autograd.grad(expected, leaf)
    torch.testing.assert_close(value, expected)
    torch.testing.assert_close(grad[:, :3], expected_grad)
    assert not grad[:, 3:].any()


@pytest.mark.parametrize("name", NAMES)
def test_nothing_valid_or_nothing_wrong_is_zero_with_zero_gradient(name):
    pred, target = poses()
    for p, t, valid in ((pred, target, torch.zeros(2, 5, dtype=torch.bool)), (target, target, None)):
        leaf = p.clone().requires_grad_()
        value = objectives.build(name)(leaf, t, None, valid)
        (grad,) = torch.autograd.grad(value, leaf)
        assert value.item() == 0
        assert not grad.any()
    assert objectives.build("mpjve")(pred[:, :1], target[:, :1]).item() == 0
