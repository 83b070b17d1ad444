"""Forms, selections and poses on which the depth-order terms are tried."""

from __future__ import annotations

import torch
from torch import Tensor

from harness import objectives
from harness.skeleton import Skeleton

FORMS = ["hinge", "margin", "logistic", "soft", "difference"]
SELECTIONS = [
    ("spatial", "all"),
    ("spatial", "skeleton"),
    ("spatial", "nearest"),
    ("temporal", "all"),
    ("temporal", "adjacent"),
    ("temporal", "radius"),
]
ALONG = ("skeleton", "nearest")
EVERY = [(axis, kind, form) for axis, kind in SELECTIONS for form in [*FORMS, "placebo"]]


# As MPII-like sets list it: the head first, the root in the middle.
FIFTEEN = Skeleton(
    "fifteen",
    tuple(f"joint{i}" for i in range(15)),
    (1, 14, 1, 2, 3, 1, 5, 6, 14, 8, 9, 14, 11, 12, -1),
    (0, 1, 5, 6, 7, 2, 3, 4, 11, 12, 13, 8, 9, 10, 14),
    {},
    {},
)


def build(axis: str, kind: str = "all", **options):
    key = "pairs" if axis == "spatial" else "frames"
    extra = {"radius": 2} if kind == "radius" else {}
    return objectives.build(f"{axis}_rdc", **{key: kind}, **extra, **options)


def poses(b: int, t: int, k: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """Random poses, decimetres deep, with exact ties in truth, in prediction and in both."""
    g = torch.Generator().manual_seed(seed)
    target = torch.randn(b, t, k, 3, generator=g, dtype=dtype) * 0.2
    pred = target + torch.randn(b, t, k, 3, generator=g, dtype=dtype) * 0.1
    target[:, :, 0] = pred[:, :, 0] = 0.0
    target[:, 1, 2:4] = target[:, 0, 2:3]
    pred[:, 2, 5] = pred[:, 1, 5]
    return pred, target


def masks(b: int, t: int, k: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    g = torch.Generator().manual_seed(seed + 100)
    visible = torch.rand(b, t, k, generator=g) > 0.3
    valid = torch.rand(b, t, generator=g) > 0.25
    valid[:, 1:3], valid[0, 0] = True, False
    return visible, valid


def gradient(loss, pred: Tensor, *rest) -> tuple[Tensor, Tensor]:
    leaf = pred.detach().clone().requires_grad_()
    value = loss(leaf, *rest)
    (grad,) = torch.autograd.grad(value, leaf)
    return value.detach(), grad
