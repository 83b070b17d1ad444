"""Keypoints or whole frames lost at random, frame by frame: the oldest way to corrupt a 2D pose.

Unlike real occlusion it has no duration: the frame before and the frame after tell where the joint was.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge
from torch import Tensor

from harness import keyed
from harness.data.detector import keypoint_keys
from harness.errors import UserError
from harness.occlusion import event
from harness.occlusion.fill import Fill
from harness.occlusion.scene import Scene
from harness.skeleton import Skeleton

SOURCE = (
    'random missing joints, as in Ghafoor and Mahmood, "Quantification of occlusion handling capability of a 3D human '
    'pose estimation framework", IEEE Transactions on Multimedia 2022; masks of MotionBERT (Zhu et al., ICCV 2023)'
)

COUNTS_JOINTS = ("of",)
"""Options that can't be more than the skeleton's joints; read from this file, see `harness.spec.level_checks`."""
_NEVER = 1 << 31
"""An activation beyond every severity."""


@dataclass(frozen=True)
class RandomJoints:
    """Hides keypoints whatever was hidden a frame before; severity is their share.

    Attributes:
        of: of each frame exactly ``round(severity · of)`` joints are hidden; 0: each joint on its own, with severity as
            the probability.
    """

    of: int = 0
    name: str = "random_joints"
    version: int = 1

    needs_scene: ClassVar[bool] = False

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`.

        Raises:
            UserError: ``of`` is more than the skeleton's joints.
        """
        joints = len(skeleton)
        if self.of > joints:
            raise UserError(f"random_joints:of={self.of} is more than the {joints} joints of {skeleton.name}")
        drawn = keypoint_keys(keys, frames, joints, keyed.key("occlusion", self.name, self.version))  # (B, T, J)
        if not self.of:
            return _event(drawn, 1.0, fill)
        rank = drawn.argsort(dim=-1).argsort(dim=-1)  # a random order of the joints, anew in each frame
        activation = ((2 * rank + 1) << event.SEVERITY_BITS) // (2 * self.of)
        activation = torch.where(rank < self.of, activation, _NEVER)
        return event.pack(activation, keyed.mix(~drawn), event.cause_of(drawn >> event.SEVERITY_BITS, fill))


@dataclass(frozen=True)
class Masks:
    """Random masks as networks are trained with: at severity 1 a share of the frames and a share of the keypoints.

    Attributes:
        frames, joints: these shares.
    """

    frames: float
    joints: float
    name: str = "masks"
    version: int = 1

    needs_scene: ClassVar[bool] = False

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`."""
        each = keypoint_keys(keys, frames, len(skeleton) + 1, keyed.key("occlusion", self.name, self.version))
        return torch.minimum(_event(each[..., :1], self.frames, fill), _event(each[..., 1:], self.joints, fill))


def _event(drawn: Tensor, share: float, fill: Fill) -> Tensor:
    """Events that a share of ``drawn`` has at severity 1."""
    threshold = (drawn & ((1 << event.SEVERITY_BITS) - 1)).to(torch.float64)
    activation = (threshold / share).ceil().long() if share > 0 else torch.full_like(drawn, _NEVER)
    return event.pack(activation, keyed.mix(~drawn), event.cause_of(drawn >> event.SEVERITY_BITS, fill))


def process(*, of: Annotated[int, Ge(0)] = 0) -> RandomJoints:
    """``of``: hide exactly a share of so many joints in each frame."""
    return RandomJoints(of=of)
