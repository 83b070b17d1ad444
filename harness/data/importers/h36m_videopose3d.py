"""Human3.6M as VideoPose3D keeps it: ``data_3d_h36m.npz``, and optionally one ``data_2d_h36m_*.npz``.

Layout: ``positions_3d`` holds {subject: {action: (frames, 32, 3)}}, metres, world axes, 50 frames a second;
``positions_2d`` {subject: {action: [(frames, 17, 2) for each camera]}}, pixels, and ``metadata`` which joints are left
and right. Both are pickled objects. Some videos run on after the motion capture has ended: what follows is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.dataset import Clip, RecordedCamera
from harness.data.importers import h36m
from harness.data.importers.imported import Imported
from harness.data.importers.npz import floats, mapping, member
from harness.errors import UserError
from harness.skeleton import H36M17

_PREFIX = "data_2d_h36m_"
_LONGER = 1.1  # times the motion capture: a video that runs on further belongs to another recording


def read(paths: Sequence[Path], *, cameras: str | None = None, detector: str | None = None) -> Imported:
    """Read the poses, and the keypoints where a second file gives them.

    Args:
        paths: ``data_3d_h36m.npz``, then at most one file of keypoints.
        cameras: a JSON file of cameras in place of the published ones.
        detector: what the keypoints come from; default: what the file is called, less ``data_2d_h36m_``.
    Raises:
        UserError: what is wrong, with file and key.
    """
    if not 1 <= len(paths) <= 2:
        raise UserError(f"expected data_3d_h36m.npz and at most one {_PREFIX}*.npz; got {len(paths)} files")
    poses, seen = paths[0], paths[1] if len(paths) > 1 else None
    known = h36m.cameras(cameras)
    subjects = mapping(member(poses, "positions_3d"), poses, "positions_3d", "of subjects")
    keypoints = _keypoints(seen) if seen else None
    clips = []
    for subject, actions in subjects.items():
        filmed = h36m.of_subject(known, subject, str(poses))
        for action, values in mapping(actions, poses, subject, "of actions").items():
            name = f"{subject}/{action}"
            positions = _positions(values, poses, name)
            there = tuple(filmed.values())
            if keypoints is not None and seen is not None:
                arrays = _of_clip(keypoints, seen, subject, action)
                there = _with(arrays, there, len(positions), seen, name)
            clips.append(
                Clip(name, subject, subject, action.partition(" ")[0], h36m.FPS, positions, cameras=there),
            )
    named = detector or (seen.stem.removeprefix(_PREFIX) if seen else None)
    return Imported("h36m", H36M17, tuple(clips), h36m.LICENCE, named, h36m.SPLITS)


def _positions(values: Any, path: Path, name: str) -> np.ndarray:
    found = floats(values, path, name, "(frames, 32, 3)")
    if found.ndim != 3 or found.shape[1] not in (len(H36M17), 32) or found.shape[2] != 3:
        raise UserError(f"shape {found.shape}; expected (frames, 32, 3)", file=str(path), key=name)
    return found if found.shape[1] == len(H36M17) else np.ascontiguousarray(found[:, list(h36m.JOINTS)])


def _keypoints(path: Path) -> dict[str, Any]:
    metadata = mapping(member(path, "metadata"), path, "metadata", "with 'keypoints_symmetry'")
    sides = metadata.get("keypoints_symmetry")
    expected = [set(H36M17.halves["left"]), set(H36M17.halves["right"])]
    if not isinstance(sides, (list, tuple)) or [set(np.ravel(side).tolist()) for side in sides] != expected:
        message = f"joints of left and right are {sides}: another order than Human3.6M's 17 (COCO's?), whose keypoints"
        raise UserError(f"{message} can't stand for these joints", file=str(path), key="metadata.keypoints_symmetry")
    return mapping(member(path, "positions_2d"), path, "positions_2d", "of subjects")


def _of_clip(keypoints: dict[str, Any], path: Path, subject: str, action: str) -> Sequence[Any]:
    if subject not in keypoints:
        raise UserError("the file of poses has this subject, this one hasn't", file=str(path), key=subject)
    found = mapping(keypoints[subject], path, subject, "of actions").get(action)
    if found is None:
        raise UserError("the file of poses has this clip, this one hasn't", file=str(path), key=f"{subject}/{action}")
    if not isinstance(found, (list, tuple, np.ndarray)):
        raise UserError("expected a list, one array for each camera", file=str(path), key=f"{subject}/{action}")
    return list(found)


def _with(
    arrays: Sequence[Any], cameras: tuple[RecordedCamera, ...], frames: int, path: Path, name: str
) -> tuple[RecordedCamera, ...]:
    """The cameras with what was detected in their films."""
    if len(arrays) != len(cameras):
        names = ", ".join(camera.name for camera in cameras)
        message = f"keypoints of {len(arrays)} cameras; expected {len(cameras)}: {names}"
        raise UserError(message, file=str(path), key=name)
    found = []
    for camera, values in zip(cameras, arrays, strict=True):
        key = f"{name}@{camera.name}"
        keypoints = floats(values, path, key, "(frames, 17, 2)")
        if keypoints.ndim != 3 or keypoints.shape[1] != len(H36M17) or keypoints.shape[2] not in (2, 3):
            message = f"shape {keypoints.shape}; expected (frames, 17, 2), or 3 with scores"
            raise UserError(message, file=str(path), key=key)
        if not frames <= len(keypoints) <= max(_LONGER * frames, frames + 1):
            message = f"{len(keypoints)} frames of keypoints beside {frames} of poses"
            raise UserError(message, file=str(path), key=key)
        kept = keypoints[:frames]
        score = np.ascontiguousarray(kept[..., 2]) if kept.shape[2] == 3 else None
        found.append(replace(camera, pixels=np.ascontiguousarray(kept[..., :2]), score=score))
    return tuple(found)
