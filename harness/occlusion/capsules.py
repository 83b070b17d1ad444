"""Sight lines and capsules: how thick a body must be before it hides a point from the camera.

A capsule is every point within a radius of a segment. The sight line of a point runs from it to the camera,
at the origin, and meets the capsule exactly if the two segments come as close as the radius. So one distance
tells at which share of its radius a capsule starts to hide the point; the smallest share of all capsules is the
severity from which it's hidden, and severities nest.
"""

from __future__ import annotations

import torch
from torch import Tensor

_ROWS = 1 << 17
"""Pairs of point and capsule worked on at once: what stays in a core's cache."""

Three = tuple[Tensor, Tensor, Tensor]


def hidden_from(points: Tensor, starts: Tensor, ends: Tensor, radii: Tensor, exempt: Tensor | None = None) -> Tensor:
    """The smallest share of all radii at which some capsule stands between the camera and each point.

    A function of each row alone, bit for bit, however many rows are given.

    Args:
        points: (N, J, 3) metres, camera axes, the camera at the origin.
        starts, ends: (N, C, 3) the ends of the capsules' segments.
        radii: (C,) metres, positive.
        exempt: (J, C) bool, True where a capsule can't hide a point, because it's of its own limb.
    Returns:
        (N, J) float32: at most 1 where the point is hidden; infinity where no capsule can hide it.
    Raises:
        ValueError: shapes that don't fit together.
    """
    rows, joints, count = len(points), points.shape[1], len(radii)
    if starts.shape != (rows, count, 3) or ends.shape != starts.shape or points.shape[2:] != (3,):
        raise ValueError(
            f"expected points (N, J, 3) and capsules (N, {count}, 3), found {tuple(points.shape)}, "
            f"{tuple(starts.shape)} and {tuple(ends.shape)}"
        )
    wall = points.new_zeros(joints, count, 1)
    if exempt is not None:
        wall = wall.masked_fill(exempt[..., None], torch.inf)
    if not count or not rows:
        return points.new_full((rows, joints), torch.inf)
    scale = radii.to(points).square().reciprocal()[:, None]  # (C, 1)
    step = max(1, _ROWS // (joints * count))
    found = [
        _closest(*(part.permute(2, 1, 0).contiguous() for part in parts)).mul_(scale).add_(wall).amin(dim=1)  # (J, n)
        for parts in zip(points.split(step), starts.split(step), ends.split(step), strict=True)
    ]
    return torch.cat(found, dim=1).clamp_min_(0).sqrt_().T.contiguous()


def _closest(points: Tensor, starts: Tensor, ends: Tensor) -> Tensor:
    """Squared distance of every sight line and every segment, (J, C, n), from (3, J, n) and (3, C, n).

    The closest points of two segments (Ericson, Real-Time Collision Detection, 2005, section 5.1.9), with the sight
    line's length as its parameter: best place on the capsule, held to its ends; then on the sight line; then again.
    All is told from the first point of the row, since squares of metres from the camera would cost digits.
    Multiplications and sums stand apart: fused ones would round differently at the ends of a row.
    """
    far = _dot(_three(points), _three(points)).sqrt()  # (J, n)
    away = _three(points / far)  # unit vectors along the sight lines
    here, first, last = (_three(part - points[:, :1]) for part in (points, starts, ends))
    bone = (last[0] - first[0], last[1] - first[1], last[2] - first[2])
    length = _dot(bone, bone).clamp_min_(1e-12)  # (C, n), squared

    along = _dot(away, here)[:, None] - _cross(away, first)  # (J, C, n), from the capsule's start, along the line
    tilt = _cross(away, bone)
    lean = _cross(here, bone) - _dot(first, bone)
    apart = _cross(here, first).mul_(-2).add_(_dot(here, here)[:, None]).add_(_dot(first, first))

    spread = (length - tilt * tilt).clamp_min_(1e-12)
    share = (lean - tilt * along).div_(spread).clamp_(0, 1)  # of the capsule's segment
    back = (along - tilt * share).clamp_min_(0)  # metres from the point towards the camera
    back = torch.minimum(back, far[:, None], out=back)
    share = (lean - tilt * back).div_(length).clamp_(0, 1)
    on_line = (tilt.mul_(share).sub_(along).mul_(2).add_(back)).mul_(back)
    on_bone = (length * share).sub_(lean.mul_(2)).mul_(share)
    return apart.add_(on_line).add_(on_bone)


def _three(part: Tensor) -> Three:
    return part[0], part[1], part[2]


def _dot(a: Three, b: Three) -> Tensor:
    return (a[0] * b[0]).add_(a[1] * b[1]).add_(a[2] * b[2])


def _cross(a: Three, b: Three) -> Tensor:
    """Every dot product of (J, n) and (C, n) vectors: (J, C, n)."""
    total = a[0][:, None] * b[0]
    return total.add_(a[1][:, None] * b[1]).add_(a[2][:, None] * b[2])
