"""Rotation matrices about an axis, as the motion files need them."""

from __future__ import annotations

import numpy as np


def about(axis: int, angle: np.ndarray | float) -> np.ndarray:
    """Right-handed rotations about x, y or z (0, 1, 2) by angles in radians of any shape: (..., 3, 3)."""
    angle = np.asarray(angle, dtype=np.float64)
    cosine, sine = np.cos(angle), np.sin(angle)
    found = np.zeros((*angle.shape, 3, 3))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    found[..., axis, axis] = 1.0
    found[..., one, one] = found[..., two, two] = cosine
    found[..., one, two] = -sine
    found[..., two, one] = sine
    return found
