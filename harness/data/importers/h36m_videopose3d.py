"""Human3.6M as VideoPose3D keeps it: ``data_3d_h36m.npz``, and optionally one ``data_2d_h36m_*.npz``.

Layout: ``positions_3d`` holds {subject: {action: (frames, 32, 3)}}, metres, world axes, 50 frames a second;
``positions_2d`` {subject: {action: [(frames, 17, 2) for each camera]}}, pixels, and ``metadata`` which joints are left
and right. Both are pickled objects. Some videos run on after the motion capture has ended: what follows is cut off.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from harness.data.dataset import Clip
from harness.data.importers import h36m, videopose3d
from harness.data.importers.imported import Imported
from harness.data.importers.npz import floats, mapping, member
from harness.errors import UserError
from harness.skeleton import H36M17

_PREFIX = "data_2d_h36m_"


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
    poses, seen = videopose3d.in_order(paths)
    known = h36m.cameras(cameras)
    subjects = mapping(member(poses, "positions_3d"), poses, "positions_3d", "of subjects")
    keypoints = videopose3d.keypoints(seen, H36M17, "Human3.6M's 17") if seen else None
    clips = []
    for subject, actions in subjects.items():
        filmed = h36m.of_subject(known, subject, str(poses))
        for action, values in mapping(actions, poses, subject, "of actions").items():
            name = f"{subject}/{action}"
            positions = _positions(values, poses, name)
            there = tuple(filmed.values())
            if keypoints is not None and seen is not None:
                arrays = videopose3d.of_clip(keypoints, seen, subject, action)
                there = videopose3d.with_keypoints(there, arrays, positions.shape[:2], seen, name)
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
