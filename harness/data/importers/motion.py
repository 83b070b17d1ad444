"""What the readers of motion capture share: another frame rate, and a place on the floor."""

from __future__ import annotations

import numpy as np

from harness.skeleton import H36M17

ANKLE = 0.08  # metres above the floor, when the foot stands on it
_LOW = 1.0  # per cent of the heights lie below: single frames in which a foot sinks don't lift the whole clip
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

    The floor is where a standing ankle is 8 cm above it: a hundredth of the ankles' heights lie lower.
    """
    lowest = np.percentile(positions[:, _FEET, 2], _LOW)
    return positions - [*positions[0, H36M17.root, :2], lowest - ANKLE]
