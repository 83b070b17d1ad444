"""Data as the checks need them: read, but not refused for what is in them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from harness import data as datasets
from harness.data import clip_file, clips, imported_file, mocap
from harness.data.archive import Archive
from harness.data.checks.examined import Examined
from harness.data.dataset import Clip, Dataset, Split
from harness.data.description import META
from harness.errors import UserError
from harness.skeleton import Skeleton


def dataset_of(path: str) -> str:
    """Which dataset reads a clip file: ``clips`` an imported one, ``mocap`` a plain one.

    Raises:
        UserError: no such file, or no clip file.
    """
    return "clips" if META in Archive(path).names else "mocap"


def examined(
    name: str,
    path: str | None,
    options: Mapping[str, Any] | None = None,
    *,
    window: int,
    splits: Mapping[str, Split] | None = None,
) -> Examined:
    """The clips of a dataset; with ``splits`` those of subjects on their sides only, else all.

    Raises:
        UserError: a file that can't be read or is damaged, or whose arrays have no shape of clips; unknown names or
            options.
    """
    given = dict(options or {})
    up = (0.0, 0.0, 1.0)
    if name == "clips" and path:
        Archive(path).digest()  # a damaged file is no data
        found = imported_file.unchecked(path)
        kept = [_shaped(clip, found.skeleton, path) for clip in found.clips]
        use = given.get("detections") != "truth" and all(c.pixels is not None for clip in kept for c in clip.cameras)
        thinned = tuple(clips.chosen(clip, use, given.get("fps"), path) for clip in kept)
        own = clips.splits_in(path) if splits is None else {}
        data = Dataset(found.name, found.skeleton, thinned, "", found.licence, own, clips.performers_in(path))
        up = (0.0, -1.0, 0.0) if found.world == "camera" else up
    elif name == "mocap" and path:
        data = mocap.read(path, given.get("fps"), _any_positions)
        data = replace(data, clips=tuple(_shaped(clip, data.skeleton, path) for clip in data.clips))
    else:
        data = datasets.open_dataset(name, path, **given)
    named = data.splits if splits is None else splits
    if "default" in named and any(named["default"] == split for name, split in named.items() if name != "default"):
        named = {name: split for name, split in named.items() if name != "default"}  # looked at once, by its own name
    used = {s for split in (splits or {}).values() for s in (*split.train, *split.validation, *split.test)}
    return Examined(
        file=path or name,
        skeleton=data.skeleton,
        clips=tuple(clip for clip in data.clips if splits is None or clip.subject in used),
        up=up,
        splits=named,
        performers=data.performers,
        window=window,
    )


def _any_positions(content: bytes, skeleton: Skeleton, path: str, name: str) -> np.ndarray:
    found = clip_file.array(content, skeleton, path, name)
    if found.dtype.kind != "f":
        raise UserError(f"values of type {found.dtype}; expected floats", file=path, key=name)
    return found.astype(np.float32, copy=False)


def _shaped(clip: Clip, skeleton: Skeleton, path: str) -> Clip:
    """The clip, its arrays' shapes checked."""
    frames, joints = len(clip.positions), len(skeleton)
    arrays: list[tuple[str, np.ndarray | None, tuple[int, ...]]] = [
        (clip.name, clip.positions, (frames, joints, 3)),
        (f"{clip.name}@/scored", clip.scored, (frames,)),
    ]
    for camera in clip.cameras:
        arrays.append((f"{clip.name}@{camera.name}/pixels", camera.pixels, (frames, joints, 2)))
        arrays.append((f"{clip.name}@{camera.name}/score", camera.score, (frames, joints)))
    for key, array, shape in arrays:
        if array is not None and (array.shape != shape or not frames):
            raise UserError(f"shape {array.shape}; expected {shape}, one frame or more", file=path, key=key)
    return clip
