"""Static cameras around a motion: virtual ones, drawn from declared bands, or those that filmed it.

Every draw is keyed by (dataset seed, purpose, clip, camera number): who else is drawn, and in which
order, changes nothing, and validation and test cameras share no key with training's.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor

from harness import keyed
from harness.data.dataset import Clip

Purpose = Literal["train", "validation", "seen", "unseen"]
PURPOSES: tuple[str, ...] = get_args(Purpose)

RESOLUTION = (1000, 1002)  # pixels, width and height, of Human3.6M's cameras
REFERENCE_RADIUS = 1.5  # metres: a motion within it is wholly in view from 3.9 m
_INTRINSIC = (2.2925, 2.29, 0.027, 0.012, -0.2, 0.24, -0.002, -0.0005, -0.0016)
_SPREAD = (0.005, 0.005, 0.012, 0.013, 0.007, 0.015, 0.006, 0.001, 0.0008)
"""Middle and half-width of each intrinsic, over Human3.6M's four cameras (focal length 1,145–1,149 px)."""


@dataclass(frozen=True)
class Bands:
    """Where a camera may stand: unions of intervals, each drawn from in proportion to its length.

    Attributes:
        azimuth: degrees around the motion's centre, in world axes.
        height: metres above the floor.
        distance: metres from the motion's centre, for a motion within `REFERENCE_RADIUS`; a larger
            one scales it up, so that the whole motion stays in view.
    """

    azimuth: tuple[tuple[float, float], ...]
    height: tuple[tuple[float, float], ...]
    distance: tuple[tuple[float, float], ...]


SEEN = Bands(
    azimuth=((-25.0, 25.0), (65.0, 115.0), (155.0, 205.0), (245.0, 295.0)),
    height=((1.2, 1.9),),
    distance=((4.0, 5.5),),
)
UNSEEN = Bands(
    azimuth=((30.0, 60.0), (120.0, 150.0), (210.0, 240.0), (300.0, 330.0)),
    height=((0.4, 0.9), (2.4, 3.2)),
    distance=((6.0, 7.5),),
)
BANDS: dict[str, Bands] = {"train": SEEN, "validation": SEEN, "seen": SEEN, "unseen": UNSEEN}


@dataclass(frozen=True, eq=False)
class CameraSet:
    """Cameras, one row each.

    Attributes:
        orientation: (N, 4) unit quaternions, camera to world. translation: (N, 3) metres.
        intrinsic: (N, 9), see `harness.data.camera`. resolution: (N, 2) pixels, float32.
        clip: (N,) index of the clip each one films. number: (N,) its camera number within the clip.
        key: (N,) int64, what noise and masks of that view are keyed by.
    """

    orientation: Tensor
    translation: Tensor
    intrinsic: Tensor
    resolution: Tensor
    clip: Tensor
    number: Tensor
    key: Tensor

    def __len__(self) -> int:
        return len(self.key)


def draw_cameras(
    names: tuple[str, ...], centre: Tensor, radius: Tensor, *, purpose: Purpose, count: int, seed: int
) -> CameraSet:
    """``count`` cameras for each clip, clip by clip.

    Args:
        names: clip names.
        centre: (clips, 3) metres, the middle of each motion, where its cameras look.
        radius: (clips,) metres, of a sphere around ``centre`` that holds every joint of every frame.
        purpose: which keys and which bands (`BANDS`).
        seed: the dataset seed.
    Returns:
        `CameraSet` with ``len(names) * count`` rows.
    """
    if purpose not in BANDS:
        raise ValueError(f"purpose must be one of {', '.join(PURPOSES)}; got {purpose!r}")
    bands = BANDS[purpose]
    keys = torch.tensor(
        [keyed.key("view", seed, purpose, name, number) for name in names for number in range(count)],
        dtype=torch.int64,
    )
    clip = torch.arange(len(names)).repeat_interleave(count)
    draws = keyed.uniform(keyed.combine(keys[:, None], keyed.key("camera"), torch.arange(12)))
    azimuth = torch.deg2rad(_within(bands.azimuth, draws[:, 0]))
    height = _within(bands.height, draws[:, 1])
    distance = _within(bands.distance, draws[:, 2]) * (radius[clip] / REFERENCE_RADIUS).clamp(min=1.0)
    middle = torch.tensor(_INTRINSIC)
    intrinsic = middle + (2.0 * draws[:, 3:12] - 1.0) * torch.tensor(_SPREAD)
    position, orientation = _look_at(centre[clip], azimuth, height, distance)
    return CameraSet(
        orientation=orientation,
        translation=position,
        intrinsic=intrinsic,
        resolution=torch.tensor(RESOLUTION, dtype=torch.float32).expand(len(keys), 2).contiguous(),
        clip=clip,
        number=torch.arange(count).repeat(len(names)),
        key=keys,
    )


def recorded_cameras(clips: tuple[Clip, ...], *, purpose: Purpose, seed: int) -> CameraSet:
    """The cameras that filmed the clips, clip by clip; only what noise and masks are keyed by is drawn.

    Raises:
        ValueError: clips without recorded cameras among them.
    """
    if not all(clip.cameras for clip in clips):
        raise ValueError("some clips have recorded cameras and some have none")
    pairs = [(place, number) for place, clip in enumerate(clips) for number in range(len(clip.cameras))]
    used = [clips[place].cameras[number] for place, number in pairs]
    keys = [keyed.key("view", seed, purpose, clips[place].name, number) for place, number in pairs]
    return CameraSet(
        orientation=torch.tensor([camera.orientation for camera in used], dtype=torch.float32),
        translation=torch.tensor([camera.translation for camera in used], dtype=torch.float32),
        intrinsic=torch.tensor([camera.intrinsic for camera in used], dtype=torch.float32),
        resolution=torch.tensor([camera.resolution for camera in used], dtype=torch.float32),
        clip=torch.tensor([place for place, _ in pairs]),
        number=torch.tensor([number for _, number in pairs]),
        key=torch.tensor(keys, dtype=torch.int64),
    )


def _within(intervals: tuple[tuple[float, float], ...], draw: Tensor) -> Tensor:
    """Map draws in [0, 1) onto a union of intervals, evenly over its whole length."""
    low = torch.tensor([a for a, _ in intervals])
    length = torch.tensor([b - a for a, b in intervals])
    end = torch.cumsum(length, 0)
    along = draw * end[-1]
    index = torch.searchsorted(end, along, right=True).clamp(max=len(intervals) - 1)
    return low[index] + (along - (end[index] - length[index]))


def _look_at(centre: Tensor, azimuth: Tensor, height: Tensor, distance: Tensor) -> tuple[Tensor, Tensor]:
    """Position and orientation of upright cameras that see ``centre`` in the middle of the image."""
    rise = height - centre[:, 2]
    level = torch.sqrt((distance**2 - rise**2).clamp(min=0.25 * distance**2))
    offset = torch.stack((level * torch.cos(azimuth), level * torch.sin(azimuth), rise), dim=-1)
    # Camera axes x right, y down, z forward: level forward is a turn by −90° about world x, then a turn
    # about world z; pitch is a turn about the camera's own x.
    yaw, pitch = azimuth + math.pi / 2, torch.atan2(rise, level)
    turn = torch.stack((torch.cos(yaw / 2), *_zeros(yaw, 2), torch.sin(yaw / 2)), dim=-1)
    tilt = -(math.pi / 2 + pitch) / 2
    tip = torch.stack((torch.cos(tilt), torch.sin(tilt), *_zeros(tilt, 2)), dim=-1)
    return centre + offset, _multiply(turn, tip)


def _zeros(like: Tensor, number: int) -> tuple[Tensor, ...]:
    return (torch.zeros_like(like),) * number


def _multiply(a: Tensor, b: Tensor) -> Tensor:
    """Quaternion product (…, 4): first ``b``, then ``a``."""
    aw, av, bw, bv = a[..., :1], a[..., 1:], b[..., :1], b[..., 1:]
    real = aw * bw - (av * bv).sum(-1, keepdim=True)
    return torch.cat((real, aw * bv + bw * av + torch.linalg.cross(av, bv)), dim=-1)
