"""How a 2D detector fails: a joint drawn to another one, left taken for right, and less confidence before and after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from harness.occlusion import event
from harness.occlusion.fill import Fill
from harness.occlusion.joints import single_joints
from harness.occlusion.scene import Scene
from harness.occlusion.stretches import StretchProcess
from harness.skeleton import Skeleton

SOURCE = (
    'the kinds of error that Ronchi and Perona tell apart ("Benchmarking and error diagnosis in multi-instance pose '
    'estimation", ICCV 2017): inversion between left and right, and swap or miss, where a keypoint lands near another '
    "part"
)

_RAMP = 0.25
"""Severities below an event's own over which the detector grows unsure, and above it over which it gives up."""


def both_sides(skeleton: Skeleton) -> dict[str, tuple[int, ...]]:
    """Each limb with its counterpart, once: arms, legs."""
    found: dict[tuple[int, ...], str] = {}
    for name, limb in skeleton.limbs.items():
        pair = tuple(sorted({*limb, *(skeleton.mirror[joint] for joint in limb)}))
        if set(pair) != set(limb):
            found.setdefault(pair, name)
    return {name: pair for pair, name in found.items()}


_DRAWN = StretchProcess("failure towards", 1, single_joints, period=24, shortest=3, longest=15, rate=0.4)
_SWAPS = StretchProcess("failure swap", 1, both_sides, period=60, shortest=3, longest=30, rate=0.5, onset=0.1)

IGNORES_FILL = True
"""What it reports is its own: no fill of a spec changes it."""


@dataclass(frozen=True)
class Failure:
    """Single joints drawn towards another joint, arms or legs taken for each other; both over stretches.

    A detector says that it isn't sure: its certainty falls evenly with severity, from 1 at a quarter below the severity
    at which the keypoint goes astray, through 0.5 there, to 0 at a quarter above.
    """

    name: str = "failure"
    version: int = 1

    needs_scene: ClassVar[bool] = False

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`; ``fill`` says nothing here."""
        drawn = event.with_cause(_DRAWN.strike(skeleton, keys, frames, fill, None), event.TOWARDS)
        swaps = event.with_cause(_SWAPS.strike(skeleton, keys, frames, fill, None), event.SWAPPED)
        return torch.minimum(drawn, swaps)

    def certainty(self, packed: Tensor, severity: Tensor) -> Tensor:
        """See `harness.occlusion.process.Doubting`."""
        from_severity, cause = event.severities(packed)
        sure = (0.5 + (from_severity - severity) / (2 * _RAMP)).clamp_(0, 1)
        own = (cause == event.TOWARDS) | (cause == event.SWAPPED)
        return torch.where(own, sure, (from_severity >= severity).to(sure.dtype))


def process() -> Failure:
    """No options."""
    return Failure()
