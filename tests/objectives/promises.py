"""What every mean over items promises, checked against costs listed one by one in float64.

A *listing* gives, for float64 poses (B, T, J, 3), an item for each cost: (cost, sample, frames, joints).
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable

import pytest
import torch
from torch import Tensor

from harness import objectives
from harness.skeleton import Skeleton

Item = tuple[Tensor, int, tuple[int, ...], tuple[int, ...]]
Listing = Callable[[Tensor, Tensor], Iterable[Item]]
OVER = ("all", "visible", "occluded")

FIFTEEN = Skeleton(
    name="fifteen",
    joints=tuple(f"j{n}" for n in range(15)),
    parents=(-1, 0, 1, 2, 0, 4, 5, 0, 7, 7, 9, 10, 7, 12, 13),
    mirror=(0, 4, 5, 6, 1, 2, 3, 7, 8, 12, 13, 14, 9, 10, 11),
    limbs={},
    halves={},
)
LOOSE = Skeleton(name="loose", joints=("one",), parents=(-1,), mirror=(0,), limbs={}, halves={})
CHAIN = Skeleton(name="chain", joints=("a", "b", "c"), parents=(-1, 0, 1), mirror=(0, 1, 2), limbs={}, halves={})


def scene(joints: int, seed: int = 3, frames: int = 5) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Prediction, target, visible and valid of two samples; some joints hidden, frames missing within and at ends."""
    g = torch.Generator().manual_seed(seed)
    target = torch.randn(2, frames, joints, 3, generator=g) * 0.3
    pred = target + torch.randn(2, frames, joints, 3, generator=g) * 0.1
    visible = torch.rand(2, frames, joints, generator=g) > 0.1
    valid = torch.ones(2, frames, dtype=torch.bool)
    valid[0, -1], valid[1, 0] = False, False
    return pred, target, visible, valid


def listed(items: list[Item], visible: Tensor | None, valid: Tensor | None, over: str) -> Tensor:
    """The mean over the items that count; 0 without any."""
    counted = []
    for cost, b, frames, joints in items:
        if valid is not None and not all(valid[b, t] for t in frames):
            continue
        hidden = visible is not None and not all(visible[b, t, j] for t in frames for j in joints)
        if over == "all" or hidden == (over == "occluded"):
            counted.append(cost)
    return torch.stack(counted).mean() if counted else items[0][0] * 0


def check(name: str, listing: Listing, skeleton: Skeleton, frames: int = 5, **options) -> None:
    """Value and gradient with and without masks, whatever padding holds; gradients by differences; nothing to count."""
    pred, target, visible, valid = scene(len(skeleton), frames=frames)
    leaf = pred.double().requires_grad_()
    items = list(listing(leaf, target.double()))
    for over in OVER:
        term = objectives.build_term(name, skeleton=skeleton, over=over, **options)
        for shown, real in ((visible, valid), (visible if over != "all" else None, None)):
            expected = listed(items, shown, real, over)
            (slope,) = torch.autograd.grad(expected, leaf, retain_graph=True)
            junk, truth = pred.clone(), target.clone()
            if real is not None:
                junk[~real], truth[~real] = float("nan"), float("inf")
            junk.requires_grad_()
            value = term.value(junk, truth, shown, real)
            (gradient,) = torch.autograd.grad(value, junk)
            assert value.item() == pytest.approx(expected.item(), rel=1e-5, abs=1e-9) and value.item() > 0
            torch.testing.assert_close(gradient, slope.float(), rtol=1e-4, atol=1e-6)
        loss = functools.partial(term.value, target=target.double(), visible=visible, valid=valid)
        assert torch.autograd.gradcheck(loss, pred.double().requires_grad_(), fast_mode=True)
        nothing(functools.partial(term.value, target=target, visible=visible, valid=torch.zeros_like(valid)), pred)
    nothing(functools.partial(term.value, target=target), pred)  # only occluded ones, and everything is visible


def nothing(loss: Callable[[Tensor], Tensor], pred: Tensor) -> None:
    """Zero, with zero gradient."""
    leaf = pred.clone().requires_grad_()
    value = loss(leaf)
    (gradient,) = torch.autograd.grad(value, leaf)
    assert value.item() == 0 and not gradient.any()
