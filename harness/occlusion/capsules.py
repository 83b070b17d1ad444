"""Sight lines and capsules: how thick a body must be before it hides a point from the camera.

A capsule is every point within a radius of a segment. The sight line of a point runs from it to the camera,
at the origin, and meets the capsule exactly if the two segments come as close as the radius. So one distance
tells at which share of its radius a capsule starts to hide the point; the smallest share of all capsules is the
severity from which it's hidden, and severities nest.
"""

from __future__ import annotations

import torch
from torch import Tensor


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
    if not count or not rows:
        return points.new_full((rows, joints), torch.inf)
    from harness.occlusion import sight_lines

    where = points.device
    meets = torch.ones(joints, count, dtype=torch.bool) if exempt is None else ~exempt
    scale = radii.to(points).square().reciprocal()
    x, y, z = points.unbind(-1)
    far = (x * x).add_(y * y).add_(z * z).sqrt_()  # roots are torch's, which differ from others in their last bit
    parts = (part.to("cpu", torch.float32).contiguous().numpy() for part in (points, far, starts, ends, scale))
    share = torch.empty((rows, joints), dtype=torch.float32)
    sight_lines.closest(*parts, meets.cpu().contiguous().numpy(), share.numpy())
    return share.clamp_min_(0).sqrt_().to(where)
