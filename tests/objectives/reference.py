"""The depth-order terms spelt out: Python loops over pairs, float64, nothing clever."""

from __future__ import annotations

import itertools
import math

import torch
from torch import Tensor

BONES = [(0, 1), (1, 2), (2, 3), (0, 4), (4, 5), (5, 6), (0, 7), (7, 8), (8, 9)]
BONES += [(9, 10), (8, 11), (11, 12), (12, 13), (8, 14), (14, 15), (15, 16)]


def cost(form: str, d: Tensor, h: float, margin: float, tau: float) -> Tensor:
    """Cost of a pair (i, j) with true z_i < z_j: d = ẑ_i − ẑ_j (right order: negative), h = z_j − z_i > 0."""
    match form:
        case "hinge":
            return torch.relu(d)
        case "margin":
            return torch.relu(d + min(margin, h))
        case "logistic":
            return torch.logaddexp(torch.zeros_like(d), d / tau)  # log(1 + exp(d/τ)) that never overflows
        case "soft":
            return 1 + torch.tanh(d / tau)
        case "difference":
            return (d + h).abs()
    raise AssertionError(form)


def walks(bones: list[tuple[int, int]], count: int) -> list[list[int]]:
    """Bones between every two joints, by walking outwards one bone at a time."""
    result = []
    for joint in range(count):
        reached, distance = {joint: 0}, 0
        while len(reached) < count:
            distance += 1
            edge = {b for pair in bones for a, b in (pair, pair[::-1]) if a in reached and b not in reached}
            reached |= dict.fromkeys(edge, distance)
        result.append([reached[other] for other in range(count)])
    return result


def selected(kind: str, radius: int, count: int, k: int = 3, bones: list[tuple[int, int]] = BONES):
    """Ordered pairs of ``count`` joints or frames."""
    pairs = list(itertools.product(range(count), repeat=2))
    match kind:
        case "all":
            return pairs
        case "skeleton":
            return bones + [(j, i) for i, j in bones]
        case "nearest":
            far = walks(bones, count)
            reach = [sorted(row)[min(k, count - 1)] for row in far]
            return [(i, j) for i, j in pairs if i != j and (far[i][j] <= reach[i] or far[i][j] <= reach[j])]
        case "adjacent":
            return [(i, j) for i, j in pairs if abs(i - j) == 1]
        case "radius":
            return [(i, j) for i, j in pairs if abs(i - j) <= radius]
    raise AssertionError(kind)


def relational(
    axis: str,
    pred: Tensor,
    target: Tensor,
    visible: Tensor | None = None,
    valid: Tensor | None = None,
    *,
    form: str = "hinge",
    kind: str = "all",
    radius: int = 5,
    coords: str = "z",
    min_gap: float = 0.0,
    weight: str = "all",
    margin: float = 0.05,
    tau: float = 0.05,
    k: int = 3,
    bones: list[tuple[int, int]] = BONES,
) -> Tensor:
    """Sum over selected valid ordered pairs of [zgt_i + min_gap < zgt_j]·cost, over their number."""
    b, t, joints, _ = pred.shape
    pred, target = pred.double(), target.double()
    visible = torch.ones(b, t, joints, dtype=torch.bool) if visible is None else visible
    valid = torch.ones(b, t, dtype=torch.bool) if valid is None else valid
    pairs = selected(kind, radius, joints if axis == "spatial" else t, k, bones)
    others = t if axis == "spatial" else joints
    total, number = pred.new_zeros(()), 0
    for n, other, c in itertools.product(range(b), range(others), [2] if coords == "z" else [0, 1, 2]):
        for i, j in pairs:
            a, e = ((n, other, i), (n, other, j)) if axis == "spatial" else ((n, i, other), (n, j, other))
            if not (valid[a[0], a[1]] and valid[e[0], e[1]]):
                continue
            if weight == "occluded" and visible[a] and visible[e]:
                continue
            number += 1
            h = (target[e][c] - target[a][c]).item()
            if h > min_gap:
                total = total + cost(form, pred[a][c] - pred[e][c], h, margin, tau)
    assert math.isfinite(total.item())
    return total / max(number, 1)
