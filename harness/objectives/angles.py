"""Terms over the angles between bones that meet in a joint."""

from __future__ import annotations

import itertools
from typing import Literal, Self

import torch
from torch import Tensor

from harness.errors import UserError
from harness.objectives.averaging import Averaged, along, between, lengths
from harness.skeleton import Skeleton

UNLISTED = ("Thorax", frozenset({"Neck/Nose", "LShoulder"}))
"""The one angle of Human3.6M's skeleton that MotionBERT's list lacks, though it has its mirror image."""


class _OfAngles(Averaged):
    """What terms over angles share: they need a skeleton in which bones meet."""

    needs_bones = "joined"

    def __init__(self, angles: str, over: str) -> None:
        super().__init__(over)
        self._published = angles == "published"

    def bind(self, skeleton: Skeleton) -> Self:
        """Tell the term which skeleton the poses have.

        Raises:
            UserError: no two of its bones share a joint.
        """
        if not joined(skeleton):
            raise UserError(f"an angle lies between two bones that share a joint; '{skeleton.name}' has none")
        return super().bind(skeleton)

    def angles(self, poses: Tensor) -> Tensor:
        """Angles (B, T, N) between bones of poses (B, T, J, 3), radians in [0, π].

        By the arc tangent of sine and cosine, whose gradient stays finite for stretched and folded limbs; where a
        bone has no length the angle is 0 without gradient.
        """
        middle, one, other = self._ends(poses.shape[2])
        u, v = between(poses, middle, one), between(poses, middle, other)  # (N, B, T, 3)
        (ux, uy, uz), (vx, vy, vz) = u.unbind(dim=-1), v.unbind(dim=-1)
        across = torch.stack((uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx), dim=-1)
        sine, cosine = lengths(across), ux * vx + uy * vy + uz * vz
        nothing = (sine == 0) & (cosine == 0)
        return torch.atan2(sine, cosine.masked_fill(nothing, 1.0)).permute(1, 2, 0)

    def shown(self, visible: Tensor) -> Tensor:
        """(B, T, N): angles whose three joints are visible."""
        middle, one, other = self._ends(visible.shape[2])
        return visible[..., middle] & visible[..., one] & visible[..., other]

    def _ends(self, joints: int) -> tuple[list[int], list[int], list[int]]:
        if self.skeleton is None or len(self.skeleton) != joints:
            have = "no skeleton is known" if self.skeleton is None else f"the skeleton has {len(self.skeleton)}"
            raise ValueError(f"a term over angles needs the skeleton of the {joints} joints; {have}")
        middle, one, other = zip(*joined(self.skeleton, published=self._published), strict=True)
        return list(middle), list(one), list(other)


class LimbAngle(_OfAngles):
    """Limb angles as they truly are: mean over frames and angles of abs(â − a), radians.

    An angle lies between each two bones that share a joint. Source: the angle loss of MotionBERT (Zhu et al.,
    ICCV 2023).

    Args:
        angles: those MotionBERT lists, 18 of the 19 of Human3.6M's skeleton (see `UNLISTED`) and all of any other; or
            all.
        over: all angles, or only those of three visible joints, or with an occluded one.
    """

    def __init__(
        self, *, angles: Literal["published", "all"] = "published", over: Literal["all", "visible", "occluded"] = "all"
    ) -> None:
        super().__init__(angles, over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return (self.angles(pred) - self.angles(target)).abs()


class LimbAngleVelocity(_OfAngles):
    """Limb angles that change as they truly do: mean of abs((â(t+1) − â(t)) − (a(t+1) − a(t))), radians per frame.

    Steps count where both frames are valid. Source: the angle velocity loss of MotionBERT (Zhu et al., ICCV 2023).

    Args:
        angles: as in `LimbAngle`.
        over: all angles, or only those of three joints visible in both frames, or with one occluded in either.
    """

    min_frames = 2
    span = 2

    def __init__(
        self, *, angles: Literal["published", "all"] = "published", over: Literal["all", "visible", "occluded"] = "all"
    ) -> None:
        super().__init__(angles, over)

    def cost(self, pred: Tensor, target: Tensor) -> Tensor:
        return along(self.angles(pred) - self.angles(target), 1).abs()


def joined(skeleton: Skeleton, *, published: bool = False) -> list[tuple[int, int, int]]:
    """(joint, one neighbour, another): each two bones that share a joint, by the joint they share.

    Args:
        skeleton: whose bones.
        published: leave out `UNLISTED`, if these joints are there.
    """
    found = []
    for joint in range(len(skeleton)):
        ends = [child if parent == joint else parent for parent, child in skeleton.bones if joint in (parent, child)]
        found += [(joint, one, other) for one, other in itertools.combinations(ends, 2)]
    if published:
        names = skeleton.joints
        found = [(at, a, b) for at, a, b in found if (names[at], frozenset((names[a], names[b]))) != UNLISTED]
    return found
