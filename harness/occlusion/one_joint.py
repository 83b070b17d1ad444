"""One joint at a time, for a set number of frames."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Ge, Le
from torch import Tensor

from harness import keyed
from harness.occlusion import event
from harness.occlusion.fill import Fill
from harness.occlusion.scene import Scene
from harness.skeleton import Skeleton

SOURCE = (
    'one joint hidden over 30 frames, a test of Banik, Gschoßmann, Mendoza Garcia and Knoll, "Occlusion robust 3D '
    'human pose estimation with StridedPoseGraphFormer and data augmentation", IJCNN 2023'
)


@dataclass(frozen=True)
class OneJoint:
    """Time is cut into stretches of equal length; severity is the share of them in which one joint is hidden.

    Attributes:
        length: frames of a stretch. Where the first one ends differs from clip to clip.
    """

    length: int = 30
    name: str = "one_joint"
    version: int = 1

    needs_scene: ClassVar[bool] = False

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`."""
        own = keyed.combine(keys, keyed.key("occlusion", self.name, self.version, self.length))
        phase = (own & 0xFFFFFF) % self.length
        cell = torch.div(frames + phase[:, None], self.length, rounding_mode="floor")  # (B, T)
        drawn = keyed.combine(own[:, None], cell)
        joint = ((drawn >> event.SEVERITY_BITS) & 0xFFFFFF) % len(skeleton)
        found = event.pack(
            drawn & ((1 << event.SEVERITY_BITS) - 1), keyed.mix(~drawn), event.cause_of(drawn >> 48, fill)
        )
        mine = joint[..., None] == torch.arange(len(skeleton), device=keys.device)
        return torch.where(mine, found[..., None], event.NEVER)


def process(*, length: Annotated[int, Ge(1), Le(2000)] = 30) -> OneJoint:
    """``length``: frames for which the joint stays hidden."""
    return OneJoint(length=length)
