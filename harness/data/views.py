"""Clips as cameras see them: everything the window sampler indexes, as flat tensors.

A *view* is one clip seen by one static camera. The frames of all views lie one after another along a
single axis of N rows, so that a batch of windows is one gather.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from harness.data.camera import image_coordinates, project, world_to_camera
from harness.data.dataset import Clip
from harness.data.virtual_cameras import CameraSet, Purpose, draw_cameras, recorded_cameras


@dataclass(frozen=True, eq=False)
class Views:
    """V views with N frames in all.

    Attributes:
        clips: the clips filmed, in order.
        poses: float32 (N, J, 3), metres, camera coordinates (absolute, the root is not removed).
        pixels: float32 (N, J, 2), pixels of the camera's native resolution: projections, without noise; or what a
            detector reported, where that is recorded.
        offset: int64 (V,), first row of each view. length: int64 (V,), its frames.
        clip: int64 (V,), index into ``clips``. camera: int64 (V,), camera number within the clip.
        key: int64 (V,), from (clip name, camera number, purpose, dataset seed); noise and masks of
            test frames are drawn by this key and the frame number within the clip.
        fps: float32 (V,).
        intrinsic: float32 (V, 9), to reproject. resolution: float32 (V, 2), width and height, pixels.
        score: float32 (N, J), the detector's confidence where it is recorded, else None.
    """

    clips: tuple[Clip, ...]
    poses: Tensor
    pixels: Tensor
    offset: Tensor
    length: Tensor
    clip: Tensor
    camera: Tensor
    key: Tensor
    fps: Tensor
    intrinsic: Tensor
    resolution: Tensor
    score: Tensor | None = None

    def __len__(self) -> int:
        """Number of views V."""
        return len(self.key)

    @property
    def frames(self) -> int:
        """Number of rows N."""
        return len(self.poses)

    @property
    def longest(self) -> int:
        """Frames of the longest view."""
        return int(self.length.max()) if len(self) else 0

    def of_clips(self, chosen: Sequence[int]) -> Views:
        """The views of some of the clips, given by their places in ``clips``, in the same order."""
        chosen = sorted(set(chosen))
        clip = torch.tensor(chosen, dtype=torch.int64)
        kept = torch.isin(self.clip, clip)  # (V,)
        rows = torch.repeat_interleave(kept, self.length)  # (N,)
        length = self.length[kept]
        return Views(
            clips=tuple(self.clips[place] for place in chosen),
            poses=self.poses[rows],
            pixels=self.pixels[rows],
            offset=torch.cumsum(length, 0) - length,
            length=length,
            clip=torch.searchsorted(clip, self.clip[kept]),
            camera=self.camera[kept],
            key=self.key[kept],
            fps=self.fps[kept],
            intrinsic=self.intrinsic[kept],
            resolution=self.resolution[kept],
            score=None if self.score is None else self.score[rows],
        )


def views(clips: tuple[Clip, ...], *, purpose: Purpose, count: int, seed: int) -> Views:
    """Film each clip with ``count`` cameras of ``purpose`` (one draw per clip, camera and dataset seed).

    Clips that have recorded cameras are seen by these, whatever ``count``, and with what their detector reported where
    that is recorded. Views are ordered clip by clip, then by camera number.

    Raises:
        ValueError: no clips, or ``count`` below 1.
    """
    if not clips or count < 1:
        raise ValueError(f"views need at least one clip and one camera; got {len(clips)} clips, {count} cameras")
    world = [torch.from_numpy(clip.positions) for clip in clips]
    if any(clip.cameras for clip in clips):
        return _filmed(clips, world, recorded_cameras(clips, purpose=purpose, seed=seed))
    centre = torch.stack([(w.amin((0, 1)) + w.amax((0, 1))) / 2 for w in world])
    radius = torch.stack([(w - c).norm(dim=-1).max() for w, c in zip(world, centre, strict=True)])
    cameras = draw_cameras(tuple(c.name for c in clips), centre, radius, purpose=purpose, count=count, seed=seed)
    return _filmed(clips, world, cameras)


def _filmed(clips: tuple[Clip, ...], world: list[Tensor], cameras: CameraSet) -> Views:
    length = torch.tensor([len(w) for w in world])[cameras.clip]
    view = torch.arange(len(cameras)).repeat_interleave(length)
    poses = world_to_camera(
        torch.cat([world[number] for number in cameras.clip.tolist()]),
        cameras.orientation[view, None],
        cameras.translation[view, None],
    )
    pixels, score = _detected(clips, cameras)
    if pixels is None:
        screen = project(poses, cameras.intrinsic[view, None])
        pixels = image_coordinates(screen, cameras.resolution[view, None])
    return Views(
        clips=tuple(clips),
        poses=poses,
        pixels=pixels,
        offset=torch.cumsum(length, 0) - length,
        length=length,
        clip=cameras.clip,
        camera=cameras.number,
        key=cameras.key,
        fps=torch.tensor([float(clip.fps) for clip in clips])[cameras.clip],
        intrinsic=cameras.intrinsic,
        resolution=cameras.resolution,
        score=score,
    )


def _detected(clips: tuple[Clip, ...], cameras: CameraSet) -> tuple[Tensor | None, Tensor | None]:
    """What detectors reported in each view, one after another: pixels (N, J, 2) and scores (N, J); None for none."""
    pairs = zip(cameras.clip.tolist(), cameras.number.tolist(), strict=True)
    used = [clips[clip].cameras[number] for clip, number in pairs if clips[clip].cameras]
    pixels = [torch.from_numpy(camera.pixels) for camera in used if camera.pixels is not None]
    scores = [torch.from_numpy(camera.score) for camera in used if camera.score is not None]
    if (pixels and len(pixels) < len(cameras)) or (scores and len(scores) < len(pixels)):
        raise ValueError("detections, and their scores, are recorded for every view or for none")
    return torch.cat(pixels) if pixels else None, torch.cat(scores) if scores else None
