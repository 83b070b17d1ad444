"""Self-occlusion: a joint behind the person's own body, told from the 3D pose.

The body is the skeleton's bones as capsules (`Skeleton.flesh`). A joint is hidden where its sight line passes
through a capsule that isn't of its own limb (`Skeleton.own_bones`).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar

import torch
from torch import Tensor

from harness import keyed
from harness.occlusion import event
from harness.occlusion.capsules import hidden_from
from harness.occlusion.fill import Fill
from harness.occlusion.scene import Scene
from harness.skeleton import Skeleton

SOURCE = (
    'after the "cylinder man" by which Cheng et al., "Occlusion-Aware Networks", ICCV 2019, label hidden keypoints of '
    "motion capture; capsules, a bone each, and the line in space instead of cylinders in the image are this harness's"
)


@dataclass(frozen=True)
class SelfOcclusion:
    """Hides joints behind the person's own body.

    Severity is the share of their radii that the capsules have: at 1 the whole body hides, at 0 bare lines do, which
    nothing lies behind. Which joints are hidden is no matter of chance; the key decides only what they read as.

    Attributes:
        period: frames for which a hidden joint keeps to one kind of answer; one second at 50 frames a second.
        name, version: part of every draw's key; a change of the rule or of a radius needs a new version.
    """

    period: int = 50
    name: str = "self_occlusion"
    version: int = 1

    needs_scene: ClassVar[bool] = True

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`."""
        if scene is None:
            raise ValueError(f"{self.name} reads the scene")
        share = severity_needed(scene.poses, skeleton)
        own = keyed.combine(keys, keyed.key("occlusion", self.name, self.version))[:, None]
        cell = torch.div(frames, self.period, rounding_mode="floor")
        joint = torch.arange(len(skeleton), device=frames.device)
        drawn = keyed.combine(keyed.combine(own, cell)[..., None], joint)  # (B, T, J)
        return event.pack(_in_steps(share), keyed.mix(~drawn), event.cause_of(drawn, fill))


def severity_needed(poses: Tensor, skeleton: Skeleton) -> Tensor:
    """The lowest severity at which the person's own body hides each joint.

    Args:
        poses: (B, T, J, 3) metres, camera axes.
    Returns:
        (B, T, J) float32; a joint is hidden at severities above this, so never where it's 1 or more.
    """
    first, last, radii, own = _body(skeleton, poses.device)
    flat = poses.flatten(0, 1)
    return hidden_from(flat, flat[:, first], flat[:, last], radii, own).view(poses.shape[:-1])


def _in_steps(share: Tensor) -> Tensor:
    """Severity as an event's activation; `event.pack` cuts what no severity reaches."""
    return (share.clamp_max(64.0) * (1 << event.SEVERITY_BITS)).long()


@lru_cache(maxsize=32)
def _body(skeleton: Skeleton, device: torch.device) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Joints at the ends of the bones with flesh (C,), their radii (C,), and which are whose own (J, C)."""
    kept = [place for place, radius in enumerate(skeleton.flesh) if radius > 0]
    ends = torch.tensor([skeleton.bones[place] for place in kept], dtype=torch.int64, device=device).reshape(-1, 2)
    radii = torch.tensor([skeleton.flesh[place] for place in kept], device=device)
    own = torch.tensor(
        [[place in limb for place in kept] for limb in skeleton.own_bones], dtype=torch.bool, device=device
    )
    return ends[:, 0], ends[:, 1], radii, own.reshape(len(skeleton), len(kept))


def process() -> SelfOcclusion:
    """No options."""
    return SelfOcclusion()
