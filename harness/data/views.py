"""Clips as cameras see them: everything the window sampler indexes, as flat tensors.

A *view* is one clip seen by one static camera. The frames of all views lie one after another along a
single axis of N rows, so that a batch of windows is one gather. Where they are many, the runs on a node share them:
they lie in a file in the node's cache that each maps into memory (`harness.data.mapped`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b

import numpy as np
import torch
from torch import Tensor

from harness import __version__
from harness.data import mapped
from harness.data.camera import image_coordinates, project, world_to_camera
from harness.data.dataset import Clip
from harness.data.virtual_cameras import CameraSet, Purpose, draw_cameras, recorded_cameras

SHARED_FROM = 64 << 20
"""Bytes of views from which they are kept in the node's cache; fewer are filmed anew by each process."""
_FILM = 1
"""Raised when what is filmed changes."""
_TOGETHER = 1 << 14  # frames filmed at once


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
        shared: whether poses, pixels and score are mapped from a file. Those of some clips are then all of them still,
            of which only the rows that ``offset`` and ``length`` tell are to be read.
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
    shared: bool = False

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
        rows = slice(None) if self.shared else torch.repeat_interleave(kept, self.length)  # (N,)
        length = self.length[kept]
        return Views(
            clips=tuple(self.clips[place] for place in chosen),
            poses=self.poses[rows],
            pixels=self.pixels[rows],
            offset=self.offset[kept] if self.shared else torch.cumsum(length, 0) - length,
            length=length,
            clip=torch.searchsorted(clip, self.clip[kept]),
            camera=self.camera[kept],
            key=self.key[kept],
            fps=self.fps[kept],
            intrinsic=self.intrinsic[kept],
            resolution=self.resolution[kept],
            score=None if self.score is None else self.score[rows],
            shared=self.shared,
        )


def views(clips: tuple[Clip, ...], *, purpose: Purpose, count: int, seed: int, identity: str | None = None) -> Views:
    """Film each clip with ``count`` cameras of ``purpose`` (one draw per clip, camera and dataset seed).

    Clips that have recorded cameras are seen by these, whatever ``count``, and with what their detector reported where
    that is recorded. Views are ordered clip by clip, then by camera number.

    Args:
        identity: decides, with the clips' names, what the clips hold. Large views (`SHARED_FROM`) of clips that have
            one are shared by the processes of a node; their bits are the same.
    Raises:
        ValueError: no clips, or ``count`` below 1.
    """
    if not clips or count < 1:
        raise ValueError(f"views need at least one clip and one camera; got {len(clips)} clips, {count} cameras")
    if any(clip.cameras for clip in clips):
        return _filmed(clips, recorded_cameras(clips, purpose=purpose, seed=seed), identity)
    world = [torch.from_numpy(clip.positions) for clip in clips]
    centre = torch.stack([(w.amin((0, 1)) + w.amax((0, 1))) / 2 for w in world])
    radius = torch.stack([(w - c).norm(dim=-1).max() for w, c in zip(world, centre, strict=True)])
    cameras = draw_cameras(tuple(c.name for c in clips), centre, radius, purpose=purpose, count=count, seed=seed)
    return _filmed(clips, cameras, identity)


def _filmed(clips: tuple[Clip, ...], cameras: CameraSet, identity: str | None) -> Views:
    length = torch.tensor([len(clip) for clip in clips])[cameras.clip]
    detected, scored = _detected(clips, cameras)
    frames, joints = int(length.sum()), clips[0].positions.shape[1]
    shapes: dict[str, tuple[int, ...]] = {"poses": (frames, joints, 3), "pixels": (frames, joints, 2)}
    if scored:
        shapes["score"] = (frames, joints)
    large = sum(4 * math.prod(shape) for shape in shapes.values()) >= SHARED_FROM
    shared = large and identity is not None
    if large and identity is not None:
        name = _name(identity, clips, cameras, detected)
        rows = mapped.shared(name, shapes, lambda: _film(clips, cameras, detected))
    else:
        rows = mapped.in_memory(shapes, _film(clips, cameras, detected))
    return Views(
        clips=tuple(clips),
        poses=torch.from_numpy(rows["poses"]),
        pixels=torch.from_numpy(rows["pixels"]),
        offset=torch.cumsum(length, 0) - length,
        length=length,
        clip=cameras.clip,
        camera=cameras.number,
        key=cameras.key,
        fps=torch.tensor([float(clip.fps) for clip in clips])[cameras.clip],
        intrinsic=cameras.intrinsic,
        resolution=cameras.resolution,
        score=torch.from_numpy(rows["score"]) if scored else None,
        shared=shared,
    )


def _film(clips: tuple[Clip, ...], cameras: CameraSet, detected: bool) -> Iterator[dict[str, np.ndarray]]:
    """Poses, pixels and scores, some frames at a time, view by view."""
    for view, (place, number) in enumerate(zip(cameras.clip.tolist(), cameras.number.tolist(), strict=True)):
        clip, one = clips[place], slice(view, view + 1)
        film = clip.cameras[number] if clip.cameras else None
        for start in range(0, len(clip), _TOGETHER):
            rows = slice(start, start + _TOGETHER)
            world = torch.from_numpy(clip.positions[rows])
            poses = world_to_camera(world, cameras.orientation[one, None], cameras.translation[one, None])
            found = {"poses": poses.numpy()}
            if detected and film is not None and film.pixels is not None:
                found["pixels"] = film.pixels[rows]
                if film.score is not None:
                    found["score"] = film.score[rows]
            else:
                screen = project(poses, cameras.intrinsic[one, None])
                found["pixels"] = image_coordinates(screen, cameras.resolution[one, None]).numpy()
            yield found


def _detected(clips: tuple[Clip, ...], cameras: CameraSet) -> tuple[bool, bool]:
    """Whether what detectors reported is recorded, and their scores."""
    pairs = zip(cameras.clip.tolist(), cameras.number.tolist(), strict=True)
    used = [clips[clip].cameras[number] for clip, number in pairs if clips[clip].cameras]
    pixels = sum(camera.pixels is not None for camera in used)
    scores = sum(camera.score is not None for camera in used if camera.pixels is not None)
    if (pixels and pixels < len(cameras)) or (scores and scores < pixels):
        raise ValueError("detections, and their scores, are recorded for every view or for none")
    return pixels > 0, scores > 0


def _name(identity: str, clips: tuple[Clip, ...], cameras: CameraSet, detected: bool) -> str:
    """A name for all that decides the bits of the views: data, cameras, and the code and processor that film."""
    made_by = _FILM, __version__, torch.__version__, torch.backends.cpu.get_cpu_capability()
    total = blake2b(repr((made_by, identity, detected, [(clip.name, len(clip)) for clip in clips])).encode())
    for part in (cameras.orientation, cameras.translation, cameras.intrinsic, cameras.resolution, cameras.clip):
        total.update(part.contiguous().numpy().tobytes())
    return total.hexdigest()[:32]
