"""Occluded keypoints that a detector still reports, badly: noise where something hides them, and only there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

from annotated_types import Gt
from torch import Tensor

from harness.occlusion import event
from harness.occlusion.fill import Fill
from harness.occlusion.jitter import gaussian
from harness.occlusion.joints import JOINTS
from harness.occlusion.limbs import ANY_LIMB
from harness.occlusion.scene import Scene
from harness.occlusion.stretches import StretchProcess
from harness.skeleton import Skeleton

_HIDING: dict[str, StretchProcess] = {"joints": JOINTS, "limbs": ANY_LIMB}

SOURCE = (
    'Lino, Santiago and Marques, "Benchmarking 3D human pose estimation models under occlusions", arXiv 2504.10350: '
    "noise on occluded keypoints, networks not trained again"
)

IGNORES_FILL = True
"""What it reports is its own: no fill of a spec changes it."""


@dataclass(frozen=True)
class Noisy:
    """Keypoints under a stretch are reported with Gaussian errors; how many there are is the severity's.

    Attributes:
        of: what is hidden together.
        pixels: standard deviation of the error, pixels of the native resolution.
    """

    of: str = "limbs"
    pixels: float = 30.0
    name: str = "noisy"
    version: int = 1

    needs_scene: ClassVar[bool] = True

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`; ``fill`` says nothing here."""
        return event.with_cause(_HIDING[self.of].strike(skeleton, keys, frames, fill, None), event.NOISY)

    def shift(
        self, severity: float | Tensor, skeleton: Skeleton, keys: Tensor, frames: Tensor, scene: Scene | None
    ) -> Tensor:
        """See `harness.occlusion.process.Moving`."""
        under = event.present(_HIDING[self.of].strike(skeleton, keys, frames, _ANY, None), severity)
        drawn = gaussian(f"{self.name} {self.version}", keys, frames, len(skeleton), scene)
        return drawn.mul_(self.pixels) * under[..., None]


_ANY = Fill(1, 0, 0)


def process(*, of: Literal["joints", "limbs"] = "limbs", pixels: Annotated[float, Gt(0)] = 30.0) -> Noisy:
    """``of``: what is hidden together. ``pixels``: standard deviation of the error of hidden keypoints."""
    return Noisy(of=of, pixels=pixels)
