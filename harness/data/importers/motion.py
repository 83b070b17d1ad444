"""What the readers of motion capture share: another frame rate, and a place on the floor."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.skeleton import H36M17

ANKLE = 0.08  # metres above the floor, when the foot stands on it
_LOW = 2.0  # per cent of the frames lie below: single ones in which a foot sinks don't lift the whole clip
METRES = {"metres": 1.0, "centimetres": 0.01, "millimetres": 0.001, "inches": 0.0254}
"""Of one unit of length."""

_FEET = [H36M17.joints.index("RFoot"), H36M17.joints.index("LFoot")]


def resampled(positions: np.ndarray, rate: float, fps: float) -> np.ndarray:
    """``positions`` (F, …), ``rate`` a second, at ``fps`` a second: each coordinate runs straight from frame to frame.

    The first frame is kept; the last is the last that lies within the motion.
    """
    if rate == fps:
        return positions
    frames = int((len(positions) - 1) * fps / rate + 1e-6) + 1
    at = np.arange(frames) * (rate / fps)
    before = np.minimum(at.astype(int), len(positions) - 1)
    after = np.minimum(before + 1, len(positions) - 1)
    share = (at - before).reshape(-1, *[1] * (positions.ndim - 1))
    return positions[before] * (1 - share) + positions[after] * share


def grounded(positions: np.ndarray) -> np.ndarray:
    """``positions`` (F, 17, 3) of h36m17, z up, moved as a whole: it begins above the origin, and its feet stand at 0.

    The floor is where a standing ankle is 8 cm above it: in two frames of a hundred the lower ankle lies lower.
    """
    lowest = np.percentile(positions[:, _FEET, 2].min(axis=1), _LOW)
    return positions - [*positions[0, H36M17.root, :2], lowest - ANKLE]


def upright(positions: np.ndarray, up: str) -> np.ndarray:
    """``positions`` (…, 3) with the axis called ``up`` turned to z; right-handed axes stay right-handed."""
    order = {"x": (1, 2, 0), "y": (2, 0, 1), "z": (0, 1, 2)}[up]
    return positions[..., order]


def files(paths: Sequence[Path], end: str) -> list[Path]:
    """The files themselves, and of folders those within whose names end so.

    Raises:
        UserError: a folder without any.
    """
    found = []
    for path in paths:
        within = sorted(file for file in path.rglob("*") if file.suffix.lower() == end) if path.is_dir() else [path]
        if not within:
            raise UserError(f"no file ending in {end} in this folder", file=str(path))
        found += within
    return found


def folder(path: Path) -> str:
    """The name of the folder that holds a file: by default who moves in it."""
    return path.resolve().parent.name or "someone"
