"""What VideoPose3D's files of keypoints have in common, whatever the data set: ``data_2d_*_*.npz``.

``positions_2d`` holds {subject: {action: [(frames, joints, 2) for each camera]}}, pixels, and ``metadata`` which joints
are left and right. Both are pickled objects.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.dataset import RecordedCamera
from harness.data.importers.npz import floats, mapping, member, names
from harness.errors import UserError
from harness.skeleton import Skeleton

_LONGER = 1.1  # times the motion capture: a video that runs on further belongs to another recording


def in_order(paths: Sequence[Path]) -> tuple[Path, Path | None]:
    """The file of poses, and that of keypoints if there is one, whichever was named first."""
    poses, *more = paths
    seen = more[0] if more else None
    if seen is not None and "positions_3d" in names(seen) and "positions_3d" not in names(poses):
        return seen, poses
    return poses, seen


def keypoints(path: Path, skeleton: Skeleton, called: str) -> dict[str, Any]:
    """Subject → action → arrays.

    Args:
        called: whose joints are expected, e.g. "Human3.6M's 17".
    Raises:
        UserError: wrong members; joints in another order.
    """
    metadata = mapping(member(path, "metadata"), path, "metadata", "with 'keypoints_symmetry'")
    sides = metadata.get("keypoints_symmetry")
    expected = [set(skeleton.halves["left"]), set(skeleton.halves["right"])]
    if not isinstance(sides, (list, tuple)) or [set(np.ravel(side).tolist()) for side in sides] != expected:
        message = f"joints of left and right are {sides}: another order than {called} (COCO's?), whose keypoints"
        raise UserError(f"{message} can't stand for these joints", file=str(path), key="metadata.keypoints_symmetry")
    return mapping(member(path, "positions_2d"), path, "positions_2d", "of subjects")


def of_clip(found: dict[str, Any], path: Path, subject: str, action: str) -> Sequence[Any]:
    """The arrays of one clip, one for each camera.

    Raises:
        UserError: the file hasn't this subject or clip.
    """
    if subject not in found:
        raise UserError("the file of poses has this subject, this one hasn't", file=str(path), key=subject)
    arrays = mapping(found[subject], path, subject, "of actions").get(action)
    if arrays is None:
        raise UserError("the file of poses has this clip, this one hasn't", file=str(path), key=f"{subject}/{action}")
    if not isinstance(arrays, (list, tuple, np.ndarray)):
        raise UserError("expected a list, one array for each camera", file=str(path), key=f"{subject}/{action}")
    return list(arrays)


def with_keypoints(
    cameras: tuple[RecordedCamera, ...], arrays: Sequence[Any], shape: tuple[int, int], path: Path, name: str
) -> tuple[RecordedCamera, ...]:
    """The cameras with what was detected in their films; what follows the last pose is cut off.

    Args:
        shape: frames and joints of the poses.
    Raises:
        UserError: another number of cameras, joints or frames.
    """
    frames, joints = shape
    if len(arrays) != len(cameras):
        names = ", ".join(camera.name for camera in cameras)
        message = f"keypoints of {len(arrays)} cameras; expected {len(cameras)}: {names}"
        raise UserError(message, file=str(path), key=name)
    found = []
    for camera, values in zip(cameras, arrays, strict=True):
        key = f"{name}@{camera.name}"
        given = floats(values, path, key, f"(frames, {joints}, 2)")
        if given.ndim != 3 or given.shape[1] != joints or given.shape[2] not in (2, 3):
            message = f"shape {given.shape}; expected (frames, {joints}, 2), or 3 with scores"
            raise UserError(message, file=str(path), key=key)
        if not frames <= len(given) <= max(_LONGER * frames, frames + 1):
            message = f"{len(given)} frames of keypoints beside {frames} of poses"
            raise UserError(message, file=str(path), key=key)
        kept = given[:frames]
        score = np.ascontiguousarray(kept[..., 2]) if kept.shape[2] == 3 else None
        found.append(replace(camera, pixels=np.ascontiguousarray(kept[..., :2]), score=score))
    return tuple(found)
