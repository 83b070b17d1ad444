"""Body-shape augmentation: the same motion on other bone lengths."""

from __future__ import annotations

import torch
from torch import Tensor

from harness import keyed
from harness.skeleton import Skeleton

_PROCESS = keyed.key("body shape")


def draw_factors(keys: Tensor, spread: float, skeleton: Skeleton) -> Tensor:
    """One factor for each bone, alike on the left and the right, within ``1 ± spread``.

    Half of the deviation is common to all bones (size), half is each bone's own (proportion).

    Args:
        keys: (B,) int64. spread: largest relative change, in [0, 1).
    Returns:
        float32 (B, bones), bones in the order of ``skeleton.bones``.
    Raises:
        ValueError: ``spread`` outside [0, 1).
    """
    if not 0 <= spread < 1:
        raise ValueError(f"the spread of bone lengths must be in [0, 1); got {spread}")
    pair = torch.tensor([min(child, skeleton.mirror[child]) for _, child in skeleton.bones], dtype=torch.int64)
    own = keyed.uniform(keyed.combine(keys[:, None], _PROCESS, pair.to(keys.device)))
    size = keyed.uniform(keyed.combine(keys[:, None], _PROCESS, -1))
    return 1.0 + spread * (size + own - 1.0)


def scale_bones(poses: Tensor, factors: Tensor, skeleton: Skeleton) -> Tensor:
    """Poses rebuilt from the root outwards with each bone's length multiplied; directions are kept.

    Args:
        poses: (B, T, J, 3). factors: (B, bones), bones in the order of ``skeleton.bones``.
    Returns:
        (B, T, J, 3), with the root where it was.
    """
    if not skeleton.bones:
        return poses
    parents, children = (list(side) for side in zip(*skeleton.bones, strict=True))
    bones = (poses[:, :, children] - poses[:, :, parents]) * factors[:, None, :, None]
    path = _paths(skeleton).to(poses)
    return poses[:, :, skeleton.root, None] + torch.einsum("jb,ntbc->ntjc", path, bones)


def _paths(skeleton: Skeleton) -> Tensor:
    """(J, bones), 1 where a bone lies between the root and a joint."""
    paths = torch.zeros(len(skeleton), len(skeleton.bones))
    bone_to = {child: index for index, (_, child) in enumerate(skeleton.bones)}
    for joint in range(len(skeleton)):
        at = joint
        while at != skeleton.root:
            paths[joint, bone_to[at]] = 1.0
            at = skeleton.parents[at]
    return paths
