"""Kinematic chain space: poses as the products of their bones, which no turn of the body or camera changes.

Wandt et al., "A kinematic chain space for monocular motion capture", ECCV Workshops 2018; its differences in time are
those of Cheng et al., "3D human pose estimation using spatio-temporal networks with explicit occlusion training",
AAAI 2020.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def bone_products(poses: Tensor, bones: Sequence[tuple[int, int]]) -> Tensor:
    """The upper triangle of BᵀB for each frame, B being the matrix of bone vectors: bᵢ·bⱼ for i ≤ j, row by row.

    The diagonal holds squared bone lengths, the rest how bones stand to each other.

    Args:
        poses: (B, T, J, 3) metres.
        bones: n pairs (parent, child) of joints.
    Returns:
        (B, T, n (n + 1) / 2) m².
    """
    parents, children = zip(*bones, strict=True)
    vectors = poses[:, :, list(children)] - poses[:, :, list(parents)]  # (B, T, n, 3)
    products = vectors @ vectors.transpose(-1, -2)  # (B, T, n, n)
    n = len(bones)
    first, second = torch.triu_indices(n, n, device=poses.device)
    return products.flatten(-2).index_select(-1, first * n + second)


def product_steps(products: Tensor, valid: Tensor) -> tuple[Tensor, Tensor]:
    """What the products change by from the frame before, and where that is known.

    Args:
        products: (B, T, F), finite everywhere.
        valid: (B, T) bool.
    Returns:
        (B, T, F), zero in the first frame and where either frame isn't valid; (B, T) bool.
    """
    known = torch.cat([torch.zeros_like(valid[:, :1]), valid[:, 1:] & valid[:, :-1]], dim=1)
    steps = torch.cat([torch.zeros_like(products[:, :1]), products[:, 1:] - products[:, :-1]], dim=1)
    return steps.masked_fill(~known[..., None], 0.0), known
