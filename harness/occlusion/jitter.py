"""Gaussian jitter: every keypoint is seen, none exactly where it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar

import torch
from annotated_types import Gt
from torch import Tensor

from harness import keyed
from harness.data.detector import keypoint_keys, normal_pairs
from harness.occlusion.scene import Scene
from harness.skeleton import Skeleton

SOURCE = (
    "robustness curves over the standard deviation of 2D noise in pixels, added before screen normalisation, as in "
    "PoseFormerV2 (Zhao et al., CVPR 2023)"
)

IGNORES_FILL = True
"""Nothing is hidden: no fill of a spec changes it."""


def gaussian(name: str, keys: Tensor, frames: Tensor, joints: int, scene: Scene | None) -> Tensor:
    """(B, T, J, 2) independent normal errors of one pixel, in normalised screen units.

    Args:
        name: whose draws they are.
    Raises:
        ValueError: no scene, which says how wide images are.
    """
    if scene is None:
        raise ValueError("an error in pixels needs the scene, which knows the width of the image")
    drawn = normal_pairs(keypoint_keys(keys, frames, joints, keyed.key("occlusion", name)))
    return drawn * (2.0 / scene.resolution[:, None, None, :1].to(drawn.dtype))


@dataclass(frozen=True)
class Jitter:
    """Independent errors of every coordinate, frame and joint; the same draw at every severity, only larger.

    Attributes:
        pixels: standard deviation at severity 1, pixels of the native resolution.
    """

    pixels: float = 20.0
    name: str = "jitter"
    version: int = 1

    needs_scene: ClassVar[bool] = True

    def shift(
        self, severity: float | Tensor, skeleton: Skeleton, keys: Tensor, frames: Tensor, scene: Scene | None
    ) -> Tensor:
        """See `harness.occlusion.process.Moving`."""
        drawn = gaussian(f"{self.name} {self.version}", keys, frames, len(skeleton), scene)
        scale = torch.as_tensor(severity, dtype=drawn.dtype, device=drawn.device) * self.pixels
        return drawn * scale.view(-1, 1, 1, 1)


def process(*, pixels: Annotated[float, Gt(0)] = 20.0) -> Jitter:
    """``pixels``: standard deviation at severity 1, pixels of the native resolution."""
    return Jitter(pixels=pixels)
