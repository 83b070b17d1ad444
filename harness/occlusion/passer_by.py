"""Another person walks through between the camera and the subject.

The other person is ten capsules with a walker's gait, of the adult proportions of Drillis and Contini (as tabled in
Winter, Biomechanics and Motor Control of Human Movement), whatever skeleton the subject has. Time is cut into cells;
in each at most one person passes, at a time, speed, depth, heading, stature and phase looked up from (key, cell).
Places are told from the subject's root, so that a person always passes, and a frame needs no other frame.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
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
    "this harness; the walker has the proportions of Drillis and Contini, as tabled in Winter, Biomechanics and Motor "
    "Control of Human Movement"
)

# In shares of stature: where the walker's capsules are, and how long.
_HIP, _NECK, _SHOULDER, _CROWN = 0.53, 0.85, 0.8, 0.96  # heights above the floor
_THIGH, _SHANK, _UPPER_ARM, _FOREARM = 0.245, 0.28, 0.17, 0.22  # the last of each pair with foot and hand
_HIPS_APART, _SHOULDERS_APART = 0.05, 0.115  # half of each
_STRIDE = 0.83  # two steps
_RADII = (0.15, 0.1, *(0.08, 0.05) * 2, *(0.05, 0.04) * 2)  # metres: trunk, head, legs, arms
_THIGH_SWING, _ARM_SWING, _KNEE, _ELBOW = 0.42, 0.35, (0.1, 0.8), 0.35  # radians


@dataclass(frozen=True)
class PasserBy:
    """Hides what lies behind a person who walks by.

    Severity is the share of cells in which somebody passes; those of a lower severity pass at every higher one.
    The camera is taken as level: the person walks upright in the image, at the height of the subject's lowest joint.

    Attributes:
        period: seconds per cell.
        jitter: share of a cell, around its middle, in which the person is before the subject's root.
        speed: metres a second, slowest and fastest, uniform between; relative to the subject.
        nearness: how far away the person is as a share of the root's depth, nearest and farthest.
        heading: degrees off a path across the image, at most, to either side.
        stature: metres, smallest and tallest.
        name, version: part of every draw's key; a change of a default or of the walker needs a new version.
    """

    period: float = 3.0
    jitter: float = 0.2
    speed: tuple[float, float] = (0.9, 1.6)
    nearness: tuple[float, float] = (0.45, 0.8)
    heading: float = 25.0
    stature: tuple[float, float] = (1.55, 1.85)
    name: str = "passer_by"
    version: int = 1

    needs_scene: ClassVar[bool] = True

    def __post_init__(self) -> None:
        if not self.period > 0 or not 0 <= self.jitter <= 1 or not 0 < self.nearness[0] <= self.nearness[1] < 1:
            raise ValueError(f"{self.name}: need period > 0, 0 ≤ jitter ≤ 1 and nearness within (0, 1)")

    def strike(self, skeleton: Skeleton, keys: Tensor, frames: Tensor, fill: Fill, scene: Scene | None) -> Tensor:
        """See `harness.occlusion.process.Hiding`; one passing is one event for all joints."""
        if scene is None:
            raise ValueError(f"{self.name} reads the scene")
        seconds = frames.double() / scene.fps.double()[:, None]  # (B, T)
        cell = torch.floor(seconds / self.period)
        own = keyed.combine(keys, keyed.key("occlusion", self.name, self.version))[:, None]
        drawn = keyed.combine(own, cell.long())  # (B, T)
        starts, ends = self.walker(drawn, (seconds - cell * self.period).float(), skeleton, scene.poses)
        radii = torch.tensor(_RADII, device=frames.device)
        share = hidden_from(scene.poses.flatten(0, 1), starts.flatten(0, 1), ends.flatten(0, 1), radii)
        behind = (share < 1).view(scene.poses.shape[:-1])
        threshold = (drawn >> 16) & ((1 << event.SEVERITY_BITS) - 1)
        passing = event.pack(threshold, keyed.mix(~drawn), event.cause_of(drawn, fill))
        return torch.where(behind, passing[..., None], event.NEVER)

    def walker(self, drawn: Tensor, seconds: Tensor, skeleton: Skeleton, poses: Tensor) -> tuple[Tensor, Tensor]:
        """Ends of the walker's capsules: trunk, head, thigh and shank of each leg, upper arm and forearm of each arm.

        Args:
            drawn: (B, T) int64, the key of the frame's cell. seconds: (B, T) since the cell began.
            poses: (B, T, J, 3) metres, camera axes.
        Returns:
            starts and ends (B, T, 10, 3), metres, camera axes.
        """
        draws = keyed.uniform(keyed.combine(drawn[..., None], torch.arange(1, 8, device=drawn.device)))
        when, pace, near, turn, size, phase, side = draws.unbind(-1)  # (B, T) each
        root = poses[..., skeleton.root, :]
        stature = _between(self.stature, size)
        walked = _between(self.speed, pace) * (seconds - self.period * (0.5 + self.jitter * (when - 0.5)))
        angle = torch.deg2rad((2 * turn - 1) * self.heading) + torch.where(side < 0.5, 0.0, math.pi)
        ahead = torch.stack((torch.cos(angle), torch.zeros_like(angle), torch.sin(angle)), dim=-1)
        across = torch.stack((-ahead[..., 2], ahead[..., 1], ahead[..., 0]), dim=-1)
        floor = poses[..., 1].amax(dim=-1)
        place = _between(self.nearness, near)[..., None] * root + walked[..., None] * ahead
        feet = torch.stack((place[..., 0], floor, place[..., 2]), dim=-1)
        up = feet.new_tensor([0.0, -1.0, 0.0])

        def at(height: float, aside: float = 0.0) -> Tensor:
            return feet + stature[..., None] * (height * up + aside * across)

        def along(joint: Tensor, length: float, swing: Tensor) -> Tensor:
            """From ``joint`` down, turned forwards by ``swing`` radians."""
            forth = torch.sin(swing)[..., None] * ahead - torch.cos(swing)[..., None] * up
            return joint + length * stature[..., None] * forth

        step = 2 * math.pi * (walked / (_STRIDE * stature) + phase)
        bones = [(at(_HIP), at(_NECK)), (at(_NECK), at(_CROWN))]
        for turned, sideways in ((step, -1), (step + math.pi, 1)):
            hip, thigh = at(_HIP, sideways * _HIPS_APART), _THIGH_SWING * torch.sin(turned)
            knee = along(hip, _THIGH, thigh)
            bent = _KNEE[0] + _KNEE[1] * torch.cos(turned).clamp_min(0)  # while the leg swings forwards
            bones += [(hip, knee), (knee, along(knee, _SHANK, thigh - bent))]
        for turned, sideways in ((step, -1), (step + math.pi, 1)):
            shoulder, swing = at(_SHOULDER, sideways * _SHOULDERS_APART), -_ARM_SWING * torch.sin(turned)
            elbow = along(shoulder, _UPPER_ARM, swing)
            bones += [(shoulder, elbow), (elbow, along(elbow, _FOREARM, swing + _ELBOW))]
        return torch.stack([start for start, _ in bones], dim=2), torch.stack([end for _, end in bones], dim=2)


def _between(range_: tuple[float, float], draw: Tensor) -> Tensor:
    return range_[0] + (range_[1] - range_[0]) * draw


def process() -> PasserBy:
    """No options: at severity 1 somebody passes every three seconds, and is before the subject for about a second."""
    return PasserBy()
